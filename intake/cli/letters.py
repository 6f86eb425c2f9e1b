"""Commands about letters: `letters approve | batch | posted | test-page | separators`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from intake import casework
from intake.bootstrap import LAYOUTS
from intake.cli.app import ShopOption, actor, app, load, out, working_house
from intake.cli.running import deliver_if_alone
from intake.config import ENVELOPES, Window
from intake.errors import UsageError
from intake.post_folder import write_durably
from intake.replies.press import Press
from intake.replies.sheets import envelope_pages, separator_sheets
from intake.types import PostalAddress
from storage.models import EffectState

letters = typer.Typer(help="Letters: approve, print and post them.", no_args_is_help=True)
app.add_typer(letters, name="letters")

DayOption = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day; default: today.")]


@letters.callback()
def _group() -> None:
    """Letters: approve, print and post them."""


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
    if latest.state is EffectState.DONE:
        out.print(f"The letter of {case.reference} lies in {where}, to be posted by {case.post_by}.", soft_wrap=True)
    elif latest.state is EffectState.FAILED:
        out.print(f"The letter of {case.reference} cannot be typeset: {latest.problem}", markup=False)
        raise typer.Exit(1)
    else:
        out.print(f"The letter of {case.reference} is approved; the running service puts it in {where}.")


@letters.command()
def batch(
    shop: ShopOption = None,
    duplex: Annotated[bool, typer.Option("--duplex", help="Each letter begins on a new sheet.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="The PDF to write; default: a name in outgoing/.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what an earlier PDF of many holds.")] = False,
) -> None:
    """Put all letters that wait into one PDF, with a list in front. Moved to posted/, it posts them all."""
    config = load()
    with working_house(config) as house:
        place, references = casework.print_letters(house, config.shop(shop), duplex=duplex, target=to, again=again)
    count = "one letter" if len(references) == 1 else f"{len(references)} letters"
    out.print(f"{place}: {count}, {', '.join(references)}.", soft_wrap=True, highlight=False)


@letters.command()
def posted(
    references: Annotated[list[str], typer.Argument(metavar="REF…", help="The cases whose letters were posted.")],
    on: DayOption = None,
) -> None:
    """Say that letters were posted: their cases are answered. Moving the PDF to posted/ says the same."""
    with working_house(load()) as house:
        done = casework.mark_posted(house, references, on.date() if on is not None else None, actor())
    for case, draft in done:
        out.print(
            f"{case.reference} was posted on {draft.posted_on}, to be delivered on {draft.delivery_on}.",
            highlight=False,
        )


@letters.command()
def address(
    reference: Annotated[str, typer.Argument(metavar="REF", help="The case.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who wrote it.")],
    street: Annotated[str, typer.Argument(metavar="STREET", help="Street and number.")],
    postal_code: Annotated[str, typer.Argument(metavar="POSTCODE")],
    city: Annotated[str, typer.Argument(metavar="TOWN")],
    country: Annotated[str, typer.Option(help="Two letters, ISO 3166.")] = "NL",
) -> None:
    """Say where the answer to a case goes, where the letter could not be read."""
    where = PostalAddress(name, "", street, "", postal_code, city, country.upper())
    with working_house(load()) as house:
        casework.set_address(house, reference, where, actor())
        deliver_if_alone(house)
    out.print(f"The answer to {reference} goes to {name}, {city}.", highlight=False)


@letters.command("test-page")
def envelope_test(
    shop: ShopOption = None,
    every: Annotated[bool, typer.Option("--all", help="A page for each kind of envelope that Intake knows.")] = False,
    to: Annotated[Path, typer.Option("--to", help="The PDF to write.")] = Path("test-page.pdf"),
) -> None:
    """Print a page with the envelope's window drawn on it, to be laid in an envelope."""
    chosen = load().shop(shop)
    own: dict[str, Window] = {chosen.letter.envelope: chosen.letter.place}
    _write(to, envelope_pages(_press(), ENVELOPES if every else own, chosen.languages[0]))


@letters.command()
def separators(
    count: Annotated[int, typer.Option(min=1, max=500, help="How many sheets.")] = 10,
    received: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day of receipt, for the letter behind the sheet.")
    ] = None,
    shop: ShopOption = None,
    to: Annotated[Path, typer.Option("--to", help="The PDF to write.")] = Path("separators.pdf"),
) -> None:
    """Print sheets to lay between the letters of a stack, so that one scan of it becomes a case for each."""
    day = received.date() if received is not None else None
    _write(to, separator_sheets(_press(), count, day, load().shop(shop).languages))


def _press() -> Press:
    return Press(LAYOUTS)


def _write(to: Path, pdf: bytes) -> None:
    try:
        write_durably(to, pdf)
    except OSError as error:
        raise UsageError(f"{to} cannot be written: {error.strerror}.", "Name another file with --to.") from error
    out.print(f"{to}: print it at its true size, 100 %.", soft_wrap=True, highlight=False)
