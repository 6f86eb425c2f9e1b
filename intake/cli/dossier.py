"""Commands for a dispute: `escalate` and `dossier`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from intake import casework
from intake.cli.app import JsonOption, actor, app, load, out, print_json, working_house
from intake.cli.casework import ReferenceArgument, change
from intake.dossier import LANGUAGES, Made, Wanted, make_dossier
from intake.pipeline import House
from storage.models import Case

HERE = Path()


@app.command()
def escalate(
    reference: ReferenceArgument,
    to: Annotated[str, typer.Option(help="The dispute body, by its id in the configuration.")],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; default: today.")] = None,
    json: JsonOption = False,
) -> None:
    """Say that the customer took a case to a dispute body. That body's term for your answer begins."""

    def work(house: House) -> tuple[Case, str]:
        day = on.date() if on is not None else casework.today(house, reference)
        case = casework.escalate(house, reference, to, day, actor())
        taken = case.escalations[-1]
        due = f" Answer it by {taken['due_on']}." if taken["due_on"] else ""
        return case, f"{case.reference} was taken to {taken['name']} on {day}.{due} Its data is held."

    change(work, json=json)


@app.command()
def dossier(
    reference: ReferenceArgument,
    body: Annotated[
        str,
        typer.Option(
            "--for", metavar="BODY", help="The dispute body's id; default: who has it, or the customer's country's."
        ),
    ] = "",
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder; default: this one.")] = HERE,
    language: Annotated[str, typer.Option(help=f"{', '.join(LANGUAGES)}; default: the shop's first.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Replace the files that are there.")] = False,
    json: JsonOption = False,
) -> None:
    """Put a case together for a dispute body: one PDF, and a ZIP with the untouched originals."""
    with working_house(load()) as house:
        made = make_dossier(house, reference, Wanted(body, to, language, again), actor())
    if json:
        print_json(_value(made))
        return
    whom = f", for {made.body.name}" if made.body else ""
    lines = [f"{made.pdf}{whom}", f"{made.archive}: {len(made.entries)} documents"]
    if made.supposed:
        lines.append("  The customer's country is not known: the body is that of the shop's. --for names another.")
    lines += [f"  not in it: {one.name or one.what} ({one.state})" for one in made.left_out]
    for line in lines:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _value(made: Made) -> dict[str, object]:
    return {
        "pdf": str(made.pdf),
        "archive": str(made.archive),
        "for": made.body.id if made.body else None,
        "supposed": made.supposed,
        "documents": len(made.entries),
        "left_out": [{"name": one.name, "what": one.what, "state": one.state} for one in made.left_out],
    }
