"""Commands by which people work on cases: `assign`, `category`, `language`, `merge`, `split`, `close`, `reopen`,
`answer`, `redraft`, `note`."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from intake import casework
from intake.cli.app import JsonOption, actor, app, load, out, print_json, working_house
from intake.cli.running import deliver_if_alone
from intake.cli.tables import case_value
from intake.pipeline import House
from storage.models import Case, CaseState

ReferenceArgument = Annotated[str, typer.Argument(metavar="REF", help="The case, for example SIS-2026-0042.")]
REASONS = ", ".join(casework.CLOSE_REASONS)


def change(work: Callable[[House], tuple[Case, str]], *, json: bool) -> None:
    """Do a piece of casework, carry out what follows from it, and say in one line what happened."""
    with working_house(load()) as house:
        case, words = work(house)
        deliver_if_alone(house)
    if json:
        print_json(case_value(case))
    else:
        out.print(words, highlight=False, markup=False, soft_wrap=True)


@app.command()
def assign(
    reference: ReferenceArgument,
    who: Annotated[str, typer.Argument(metavar="WHO", help="Whose it is; leave it out for nobody.")] = "",
    json: JsonOption = False,
) -> None:
    """Give a case to somebody."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.assign(house, reference, who, actor())
        return case, f"{case.reference} is assigned to {case.assignee or 'nobody'}."

    change(work, json=json)


@app.command()
def category(
    reference: ReferenceArgument,
    category: Annotated[str, typer.Argument(metavar="CATEGORY", help="Its id, for example del_none.")],
    json: JsonOption = False,
) -> None:
    """Say what a case is about. A draft that waits is made anew."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.set_category(house, reference, category, actor())
        return case, f"{case.reference} is about {house.categories.name(case.category, 'en')} ({case.category})."

    change(work, json=json)


@app.command()
def language(
    reference: ReferenceArgument,
    language: Annotated[str, typer.Argument(metavar="LANG", help="nl, en, de or fr.")],
    json: JsonOption = False,
) -> None:
    """Say in which language a case is answered. A draft that waits is made anew."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.set_language(house, reference, language, actor())
        return case, f"{case.reference} is answered in {case.language}."

    change(work, json=json)


@app.command()
def merge(
    reference: ReferenceArgument,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The case that stays.")],
    json: JsonOption = False,
) -> None:
    """Merge a case into another one. The earlier date of the two stands."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.merge(house, reference, into, actor())
        return case, f"{reference.upper()} is merged into {case.reference}, which is due on {case.due_on}."

    change(work, json=json)


@app.command()
def split(
    reference: ReferenceArgument,
    message: Annotated[int, typer.Argument(metavar="MESSAGE", help="Its number in `intake show`.")],
    json: JsonOption = False,
) -> None:
    """Make a message of a case a case of its own, with a date from its own arrival."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.split(house, reference, message, actor())
        return case, f"Message {message} of {reference.upper()} opened {case.reference}, due on {case.due_on}."

    change(work, json=json)


@app.command()
def close(
    reference: ReferenceArgument,
    reason: Annotated[str, typer.Option("--as", help=f"Why: {REASONS}.")],
    json: JsonOption = False,
) -> None:
    """Close a case without another answer. Drafts that wait are taken back."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.close(house, reference, reason, actor())
        return case, f"{case.reference} is closed: {casework.CLOSE_REASONS[case.closed_as]}."

    change(work, json=json)


@app.command()
def reopen(reference: ReferenceArgument, json: JsonOption = False) -> None:
    """Open an answered or closed case again, with a date counted from now."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.reopen(house, reference, actor())
        return case, f"{case.reference} is open again, due on {case.due_on}."

    change(work, json=json)


@app.command()
def answer(
    reference: ReferenceArgument,
    how: Annotated[str, typer.Option(help=f"How: {', '.join(casework.WAYS)}.")],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; default: today.")] = None,
    note: Annotated[str, typer.Option(help="What was said, for the file.")] = "",
    json: JsonOption = False,
) -> None:
    """Say that a case was answered otherwise than from a draft."""

    def work(house: House) -> tuple[Case, str]:
        day = on.date() if on is not None else casework.today(house, reference)
        case = casework.answer(house, reference, casework.Answered(how, day, note), actor())
        said = f"{case.reference} was answered by {how} on {day}."
        if case.state is CaseState.OPEN:
            said = f"{said} The customer wrote again after that: it is open, and due on {case.due_on}."
        return case, said

    change(work, json=json)


@app.command()
def redraft(
    reference: ReferenceArgument,
    kind: Annotated[str, typer.Option(help=f"What: {', '.join(casework.KINDS)}.")] = casework.KINDS[0],
    outcome: Annotated[str, typer.Option(help=f"Of a final position: {', '.join(casework.OUTCOMES)}.")] = "",
    category: Annotated[str, typer.Option(help="Write it for another category than the case's.")] = "",
    language: Annotated[str, typer.Option(help="Write it in another language than the case's.")] = "",
    json: JsonOption = False,
) -> None:
    """Make a reply anew. One of its kind that waits is taken back, unless somebody has begun to edit it."""

    def work(house: House) -> tuple[Case, str]:
        draft = casework.redraft(house, reference, casework.Asked(kind, outcome, category, language), actor())
        case = casework.get_case(house, reference)
        gaps = f" {len(draft.gaps)} gaps are left in it." if draft.gaps else ""
        return case, f"{case.reference} has a new draft ({draft.kind}: {draft.explanation}).{gaps}"

    change(work, json=json)


@app.command()
def note(
    reference: ReferenceArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be kept with the case.")],
    json: JsonOption = False,
) -> None:
    """Write something down about a case."""

    def work(house: House) -> tuple[Case, str]:
        case = casework.note(house, reference, text, actor())
        return case, f"The note is kept with {case.reference}."

    change(work, json=json)
