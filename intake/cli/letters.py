"""Commands about posted letters: `letters approve`."""

from pathlib import Path
from typing import Annotated

import typer

from intake import casework
from intake.cli.app import actor, app, load, out, working_house
from intake.cli.running import deliver_if_alone
from intake.errors import UsageError

letters = typer.Typer(help="Posted letters.", no_args_is_help=True)
app.add_typer(letters, name="letters")


@letters.callback()
def _group() -> None:
    """Posted letters."""


@letters.command()
def approve(
    reference: Annotated[str, typer.Argument(metavar="REF", help="The case that is answered by letter.")],
    text: Annotated[Path | None, typer.Option(help="A file with the final text; default: the draft as made.")] = None,
) -> None:
    """Typeset the final letter into the post folder's outgoing/. Refused while gaps are left; they are named."""
    final = None
    if text is not None:
        try:
            final = text.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{text} cannot be read as text: {error}.", "Save it as UTF-8.") from error
    with working_house(load()) as house:
        casework.approve_letter(house, reference, final, actor())
        deliver_if_alone(house)
        case = casework.get_case(house, reference)
        file = house.store.case_file(case.id or 0)
        place = house.shop(case.shop).post_folder
    latest = file.effects[-1]
    where = f"{place.path}/outgoing" if place else "outgoing"
    if latest.state.value == "done":
        out.print(f"The letter of {case.reference} lies in {where}, to be posted by {case.post_by}.", soft_wrap=True)
    elif latest.state.value == "failed":
        out.print(f"The letter of {case.reference} cannot be typeset: {latest.problem}", markup=False)
        raise typer.Exit(1)
    else:
        out.print(f"The letter of {case.reference} is approved; the running service puts it in {where}.")
