"""Commands about people's data: `retention`, `hold`, `release`, `person`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from intake.bootstrap import clock
from intake.casework.legal_hold import put_on_hold
from intake.casework.legal_hold import release as release_hold
from intake.casework.person_export import export_person
from intake.casework.persons import GROUNDS, Erasure, Person, erase_person, find_person, refuse_ours
from intake.cli.app import JsonOption, ShopOption, actor, app, load, one_of, out, print_json, read_store, working_house
from intake.cli.casework import ReferenceArgument, change
from intake.cli.running import deliver_if_alone
from intake.errors import UsageError
from intake.pipeline import House
from intake.pipeline.retaining import CaseLine, Preview, Report, forget_what_is_due, preview
from storage.models import Case

SHOWN = 40
ACTIONS = ("export", "erase")


@app.command()
def retention(
    run: Annotated[bool, typer.Option("--run", help="Take it now, instead of tonight.")] = False,
    shop: ShopOption = None,
    json: JsonOption = False,
) -> None:
    """What has been kept for its term and is forgotten tonight, and what is kept for longer and why."""
    config = load()
    config.shop(shop)
    if run:
        with working_house(config) as house:
            report = forget_what_is_due(house, shop_id=shop)
            deliver_if_alone(house)
        _say_report(report, json=json)
        return
    found = preview(read_store(config), config, clock(), shop)
    if json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        _say_preview(one)


def _say_preview(found: Preview) -> None:
    merged = sum(len(line.merged) for line in found.due)
    cases = f"{len(found.due)} cases" + (f" and {merged} that were merged into them" if merged else "")
    aside = ", ".join(f"{count} {name}" for name, count in found.messages.items()) or "none"
    out.print(f"[bold]{escape(found.shop)}[/]: the next run anonymises {cases}.", highlight=False)
    _say_lines(found.due)
    out.print(f"  Messages without a case: {escape(aside)}.", highlight=False)
    if found.kept:
        out.print("  Kept for longer:", highlight=False)
        _say_lines(found.kept)
    following = f", the next of them on {found.next_on}" if found.next_on else ""
    out.print(f"  Not yet: {found.later} that have ended{following}; {found.open} are open.", highlight=False)


def _say_lines(lines: tuple[CaseLine, ...]) -> None:
    for line in lines[:SHOWN]:
        until = f", until {line.until}" if line.until else ""
        merged = f" (with {', '.join(line.merged)})" if line.merged else ""
        out.print(f"    {line.reference}{merged}: {escape(line.why)}{until}", highlight=False, soft_wrap=True)
    if len(lines) > SHOWN:
        out.print(f"    and {len(lines) - SHOWN} more; `--json` lists them all", highlight=False)


def _say_report(report: Report, *, json: bool) -> None:
    if json:
        print_json({"cases": report.cases, "messages": report.messages, "left": [list(one) for one in report.left]})
    else:
        out.print(
            f"{len(report.cases)} cases anonymised, {report.messages} messages without a case erased.", highlight=False
        )
        for reference, why in report.left:
            out.print(f"{reference} is left for the next run: {escape(why)}.", highlight=False, soft_wrap=True)


@app.command()
def hold(
    reference: ReferenceArgument,
    because: Annotated[str, typer.Option(help="Which claim it is needed for. It is kept with the case.")],
    json: JsonOption = False,
) -> None:
    """Keep a case that is needed for a claim, whatever its age (art. 17(3)(e) GDPR)."""

    def work(house: House) -> tuple[Case, str]:
        case = put_on_hold(house, reference, because, actor())
        return case, f"{case.reference} is held until `intake release {case.reference}`."

    change(work, json=json)


@app.command()
def release(reference: ReferenceArgument, json: JsonOption = False) -> None:
    """End the hold: the case is kept as long as any other."""

    def work(house: House) -> tuple[Case, str]:
        case = release_hold(house, reference, actor())
        return case, f"{case.reference} is not held any more."

    change(work, json=json)


@app.command()
def person(  # noqa: PLR0913, PLR0917 - one option each
    who: Annotated[str, typer.Argument(metavar="WHO", help="A mail address, a whole name in quotes, or a case.")],
    action: Annotated[str, typer.Argument(metavar="export|erase", help="What to do about their data.")],
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="For export: a new folder.")] = None,
    because: Annotated[str, typer.Option(help=f"For erase, the ground: {', '.join(GROUNDS)}.")] = "",
    postal_code: Annotated[str, typer.Option(help="Tells people of one name apart.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Only say what erase would do.")] = False,
    shop: ShopOption = None,
    json: JsonOption = False,
) -> None:
    """Everything held about a person, into a folder; or erase it, and say what is kept and why (then exit code 1)."""
    one_of(action, ACTIONS, "action")
    if (folder is not None) != (action == "export"):
        raise UsageError("`export` takes a folder, and `erase` takes none.", "intake person WHO export DIR")
    if action == "erase" and not because:
        raise UsageError("Data is erased on a ground.", f"--because is one of: {', '.join(GROUNDS)}.")
    config = load()
    shops = [one.id for one in config.shops if shop in (None, one.id)] or [config.shop(shop).id]
    with working_house(config) as house:
        refuse_ours(house, [who])
        found = find_person(house.store, shops, who, postal_code)
        if folder is not None:
            _export(house, found, folder, json=json)
            return
        done = erase_person(house, found, because, actor(), preview=preview)
        if not preview:
            deliver_if_alone(house)
    _say_erasure(found, done, preview=preview, json=json)
    if any(one.needs for one in done.kept):
        raise typer.Exit(1)


def _export(house: House, found: Person, folder: Path, *, json: bool) -> None:
    counts = export_person(house, found, folder)
    if json:
        print_json({"folder": str(folder), **counts})
    else:
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        out.print(f"{escape(str(folder))}: {told}.", highlight=False, soft_wrap=True)
    if counts["missing"]:
        raise typer.Exit(1)


def _say_erasure(found: Person, done: Erasure, *, preview: bool, json: bool) -> None:
    if json:
        value = {"addresses": found.addresses, "names": found.names, "preview": preview, "cases": done.cases}
        print_json({**value, "messages": done.messages, "kept": [asdict(one) for one in done.kept]})
        return
    known = ", ".join((*found.names, *found.addresses, *found.postcodes))
    verb = "Would be erased" if preview else "Erased"
    told = f"{known}. {verb}: {', '.join(done.cases) or 'no case'}; {done.messages} messages elsewhere."
    out.print(told, markup=False, highlight=False, soft_wrap=True)
    for one in done.kept:
        out.print(f"  kept: {one.what}: {one.why}", markup=False, highlight=False, soft_wrap=True)
