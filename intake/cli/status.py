"""Commands that tell how Intake is doing: `status`, `reconcile`."""

from dataclasses import asdict
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from intake.bootstrap import clock
from intake.cli.app import JsonOption, ShopOption, app, load, out, print_json, problem, read_store
from intake.cli.status_page import status_page
from intake.cli.tables import shorten
from intake.config import Shop, missing_secrets
from intake.errors import ConfigError, IntakeError
from intake.imap import connect
from intake.overview import look
from intake.reconcile import Reconciliation
from intake.reconcile import reconcile as compare
from storage.store import Store


@app.command()
def status(json: JsonOption = False) -> None:
    """Show how each part is doing, what waits, and what needs a person. Exit code 1 where something does."""
    config = load()
    overview = look(read_store(config), config, clock())
    if json:
        print_json(overview.value())
    else:
        for block in status_page(overview, config):
            out.print(block, highlight=False)
        for alarm in overview.alarms:
            problem(str(alarm))
    if overview.alarms:
        raise typer.Exit(1)


@app.command()
def reconcile(shop: ShopOption = None, json: JsonOption = False) -> None:
    """Prove that each message in the mailboxes is accounted for, and list those that are not. Changes nothing."""
    config = load()
    shops = [config.shop(shop)] if shop is not None else list(config.shops)
    missing = missing_secrets(config)
    if missing:
        raise ConfigError("Passwords are missing:", tuple(missing))
    store = read_store(config)
    results = [_reconciled(store, one) for one in shops if one.mailbox is not None]
    if json:
        print_json([_value(result) for result in results])
    else:
        for result in results:
            _show(result)
    if not all(result.good for result in results):
        raise typer.Exit(1)


def _reconciled(store: Store, shop: Shop) -> Reconciliation:
    """One mailbox. A server that is away does not keep the others from being looked at."""
    if shop.mailbox is None:
        return Reconciliation(shop.id, "", problem="it has no mailbox")
    try:
        with connect(shop.mailbox) as session:
            return compare(store, shop, shop.mailbox, session)
    except IntakeError as error:
        return Reconciliation(shop.id, shop.mailbox.folder, problem=str(error))


def _show(result: Reconciliation) -> None:
    where = f"{result.shop} {result.folder}"
    if result.problem:
        problem(f"{where}: {result.problem}")
        return
    mark = "[green]ok  [/]" if result.good else "[bold red]MISS[/]"
    told = f"{result.accounted} of {result.present} messages are accounted for"
    out.print(f"{mark} {escape(where)}: {told}", highlight=False)
    if not result.unaccounted:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("UID", "from", "subject", "why"):
        table.add_column(heading)
    for item in result.unaccounted:
        table.add_row(str(item.uid), escape(shorten(item.sender, 40)), escape(shorten(item.subject, 50)), item.why)
    out.print(table)
    if result.missing > len(result.unaccounted):
        out.print(f"… and {result.missing - len(result.unaccounted)} more")


def _value(result: Reconciliation) -> dict[str, Any]:
    return {**asdict(result), "good": result.good}
