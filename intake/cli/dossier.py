"""Commands for a dispute: `escalate` and `dossier`."""

from datetime import datetime
from typing import Annotated

import typer

from intake import casework
from intake.cli.app import JsonOption, actor, app
from intake.cli.casework import ReferenceArgument, change
from intake.pipeline import House
from storage.models import Case


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
