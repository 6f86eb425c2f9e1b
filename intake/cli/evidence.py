"""Commands for who wants proof: `audit`, `evidence DIR`, `evidence verify DIR`, `evidence which CASE`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from intake import evidence
from intake.bootstrap import TEMPLATES, clock, known_key
from intake.cli.app import JsonOption, ShopOption, app, load, one_of, out, print_json, read_store
from intake.config import Config, Shop
from intake.errors import NotFound, UsageError
from intake.evidence.form import shown
from intake.guarantee import guarantees_of
from storage.originals import Originals

METHOD_TEXT = TEMPLATES / "evidence" / "method.md"
MAKE = "make"
MONTHS = 12


class WithDefault(TyperGroup):
    """A group in which a word that is no command is the folder of a new bundle: `intake evidence DIR`."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(**attributes)
        self._default = self.commands.pop(MAKE)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - click's own
        asks = not args or args[0] in ctx.help_option_names or args[0] in self.commands
        return super().parse_args(ctx, args if asks else [MAKE, *args])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - click's own
        return self._default if cmd_name == MAKE else super().get_command(ctx, cmd_name)


bundles = typer.Typer(
    cls=WithDefault,
    invoke_without_command=True,
    help="Evidence for an auditor. `intake evidence DIR` makes a bundle, with `--window FROM..TO` or `--months N`, "
    "`--shop`, `--guarantee`.",
)
app.add_typer(bundles, name="evidence")


@bundles.callback()
def _group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@bundles.command(MAKE)
def make(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    window: Annotated[str | None, typer.Option(help="The due dates to show: FROM..TO.")] = None,
    months: Annotated[int | None, typer.Option(help="So many complete months; default: 12.")] = None,
    shop: ShopOption = None,
    guarantee: Annotated[str | None, typer.Option(help="The id of one guarantee; default: all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a shop promised and did into a folder, so that somebody else can count it again."""
    config = load()
    chosen = _only_shop(config, shop)
    now = clock()
    today = now.astimezone(chosen.zone).date()
    if window is not None and months is not None:
        raise UsageError("A bundle has one window.", "Give --window or --months.")
    guarantees = guarantees_of(config, (TEMPLATES / "guarantees.toml").read_text(encoding="utf-8"))
    one_of(guarantee, tuple(one.id for one in guarantees), "guarantee")
    store = read_store(config)
    wanted = evidence.Wanted(
        shop=chosen,
        window=evidence.read_window(window, today)
        if window
        else evidence.last_months(MONTHS if months is None else months, today),
        guarantees=tuple(one for one in guarantees if guarantee in (None, one.id)),
        issuer=config.guarantees.issuer,
        method=METHOD_TEXT.read_text(encoding="utf-8"),
        key=known_key(config.data),
    )
    made = evidence.make_bundle(store, wanted, folder, now)
    checked = evidence.verify(folder)
    if as_json:
        print_json({"folder": str(folder), "seal": made.seal, "lines": made.lines, "excluded": made.excluded})
    else:
        dates = f"{wanted.window.first} to {wanted.window.last}"
        told = f"{folder}: {chosen.name}, {dates}, {made.lines} lines, {made.excluded} do not count."
        out.print(told, markup=False, highlight=False, soft_wrap=True)
        out.print(f"Seal: {made.seal}", highlight=False, soft_wrap=True)
        _tell(checked.findings)
    if checked.findings:
        raise typer.Exit(1)


@bundles.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A bundle that `intake evidence` made.")],
    as_json: JsonOption = False,
) -> None:
    """Count everything in a bundle again, from the bundle alone, and name what differs; exit 1 where something does."""
    checked = evidence.verify(folder, METHOD_TEXT.read_text(encoding="utf-8"))
    manifest = checked.manifest
    if as_json:
        print_json(
            {
                "holds": not checked.findings,
                "seal": checked.seal,
                "counted": checked.counted,
                "manifest": manifest and manifest.model_dump(mode="json", exclude={"files", "tables"}),
                "findings": [_plain(one) for one in checked.findings],
                "notes": checked.notes,
            }
        )
    else:
        _tell(checked.findings)
        _note(checked.notes)
        if manifest is not None:
            dates = f"{manifest.window.first} to {manifest.window.last}, as of {manifest.as_of:%Y-%m-%d %H:%M %Z}"
            shop, issuer = shown(manifest.shop.name), shown(manifest.issuer)
            told = f"{shop}, {dates}, issued by {issuer}: {checked.lines} lines"
            out.print(told, markup=False, highlight=False, soft_wrap=True)
        if not checked.findings:
            out.print("Every hash and every figure is as stated.")
        out.print(f"Seal: {checked.seal or 'none'}", highlight=False, soft_wrap=True)
    if checked.findings:
        raise typer.Exit(1)


@bundles.command()
def which(
    pseudonym: Annotated[str, typer.Argument(metavar="CASE", help="As in rows.csv: case-… or person-….")],
    shop: ShopOption = None,
) -> None:
    """Tell which case of this installation a bundle means, to show it to an auditor."""
    config = load()
    chosen = _only_shop(config, shop)
    name = evidence.name_of(read_store(config), chosen, known_key(config.data), pseudonym)
    if name is None:
        raise NotFound(f"{chosen.name} has nothing that its bundles call {pseudonym}.", "Name its shop with --shop.")
    out.print(name, markup=False, highlight=False)


@app.command()
def audit(
    shop: ShopOption = None,
    head: Annotated[str | None, typer.Option(help="A hash that was kept: it must still be in the history.")] = None,
    against: Annotated[Path | None, typer.Option(help="A bundle: its head must still be in the history.")] = None,
    originals: Annotated[bool, typer.Option("--originals", help="Read every original and check its hash.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Follow the history's chain of hashes, and compare what is stored with what it says; exit 1 where they differ."""
    config = load()
    store = read_store(config)
    shops = config.shops if shop is None else (config.shop(shop),)
    guarantees = guarantees_of(config, (TEMPLATES / "guarantees.toml").read_text(encoding="utf-8"))
    report = evidence.audit(store, shops, guarantees)
    found = [*report.findings, *_kept_heads(config, head, against)]
    if originals:
        found += evidence.audit_originals(store, Originals(config.data / "originals"), shops)
    if as_json:
        print_json(
            {
                "holds": not found,
                "shops": [{"shop": one, "lines": n, "head": last} for one, (n, last) in report.heads.items()],
                "findings": [_plain(one) for one in found],
                "notes": report.notes,
            }
        )
    else:
        for one, (number, last) in report.heads.items():
            broken = "broken" if one in report.broken else "unbroken"
            out.print(f"{one}: {number} lines, {broken}; head {last or 'none'}", highlight=False, soft_wrap=True)
        _tell(found)
        _note(report.notes)
    if found:
        raise typer.Exit(1)


def _kept_heads(config: Config, head: str | None, against: Path | None) -> Iterator[evidence.Finding]:
    """Whether what somebody kept is still in the history."""
    store = read_store(config)
    if head is not None:
        yield from evidence.audit_head(store, head)
    if against is not None:
        yield from evidence.audit_against(store, against)


def _only_shop(config: Config, shop: str | None) -> Shop:
    if shop is None and len(config.shops) > 1:
        listed = ", ".join(one.id for one in config.shops)
        raise UsageError("There are several shops, and a bundle is of one.", f"Name it with --shop: {listed}.")
    return config.shop(shop)


def _tell(findings: list[evidence.Finding] | tuple[evidence.Finding, ...]) -> None:
    for one in findings:
        out.print(f"[bold red]![/] {escape(str(one))}", highlight=False, soft_wrap=True)


def _note(notes: tuple[str, ...]) -> None:
    for one in notes:
        out.print(one, markup=False, highlight=False, soft_wrap=True)


def _plain(one: evidence.Finding) -> dict[str, str]:
    return {"file": one.file, "place": one.place, "what": one.what, "stated": one.stated, "found": one.found}
