"""Commands that tell how Intake is doing: `status`, `reconcile`."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from intake.alarms import Alarm, find_alarms
from intake.bootstrap import clock
from intake.cli.app import JsonOption, ShopOption, app, load, out, print_json, problem, read_store
from intake.cli.tables import shorten
from intake.config import Shop, missing_secrets
from intake.errors import ConfigError, IntakeError
from intake.imap import connect
from intake.reconcile import Reconciliation
from intake.reconcile import reconcile as compare
from storage.models import Heartbeat
from storage.store import Store


@app.command()
def status(json: JsonOption = False) -> None:
    """Show how each part is doing, what waits, and what needs a person. Exit code 1 where something does."""
    config = load()
    store, now = read_store(config), clock()
    alarms = find_alarms(store, config, now)
    if json:
        beats = [beat.model_dump(mode="json") for beat in store.heartbeats()]
        print_json({"parts": beats, **store.counts(), "alarms": [asdict(alarm) for alarm in alarms]})
    else:
        _show_status(store, alarms, now)
    if alarms:
        raise typer.Exit(1)


def _show_status(store: Store, alarms: list[Alarm], now: datetime) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "last good", "trouble"):
        table.add_column(heading)
    for beat in store.heartbeats():
        table.add_row(escape(beat.name), _ago(beat, now), escape(beat.trouble))
    out.print(table)
    counts = store.counts()
    waiting = f"{counts['arrivals_waiting']} arrivals wait to be processed, {counts['effects_waiting']} to be delivered"
    out.print(f"\n{counts['cases_open']} cases open; {waiting}.", highlight=False)
    for alarm in alarms:
        problem(str(alarm))


def _ago(beat: Heartbeat, now: datetime) -> str:
    if beat.good_at is None:
        return "never" if beat.trouble else ""
    seconds = max(0, int((now - beat.good_at).total_seconds()))
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"


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
