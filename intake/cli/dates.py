"""The command about dates: `due`."""

from datetime import date, datetime
from typing import Annotated

import typer

from intake import casework, deadlines
from intake.bootstrap import check_rules
from intake.cli.app import JsonOption, ShopOption, actor, app, load, one_of, out, print_json
from intake.cli.casework import change
from intake.cli.tables import long_day
from intake.errors import UsageError
from intake.pipeline import House
from intake.types import Channel, Counting
from storage.models import Case


@app.command()
def due(  # noqa: PLR0913, PLR0917 - one command, two forms
    reference: Annotated[str | None, typer.Argument(metavar="[REF]", help="The case whose date is moved.")] = None,
    received: Annotated[str | None, typer.Option(help="When it arrived, ISO 8601: 2026-09-11T17:01+02:00.")] = None,
    move: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The new date of the case.")] = None,
    because: Annotated[str, typer.Option(help="Why the date is moved.")] = "",
    shop: ShopOption = None,
    counting: Annotated[str | None, typer.Option(help="event-day or cut-off; default: the shop's.")] = None,
    channel: Annotated[str, typer.Option(help="mail or letter.")] = "mail",
    json: JsonOption = False,
) -> None:
    """Count an answer date and explain it, day by day; or move the date of a case."""
    if reference is not None and move is not None and received is None:
        _move(reference, move.date(), because, json=json)
    elif reference is None and received is not None and move is None:
        _count(received, shop, (counting, channel), json=json)
    else:
        raise UsageError(
            "Name what arrived, or the case whose date is moved.",
            "Say `intake due --received WHEN`, or `intake due REF --move DATE --because TEXT`.",
        )


def _move(reference: str, day: date, because: str, *, json: bool) -> None:
    def work(house: House) -> tuple[Case, str]:
        case = casework.move_due(house, reference, day, because, actor())
        post = f", to be posted by {case.post_by}" if case.post_by is not None else ""
        return case, f"{case.reference} is due on {case.due_on} now{post}; the promised date is kept beside it."

    change(work, json=json)


def _count(received: str, shop: str | None, how: tuple[str | None, str], *, json: bool) -> None:
    counting, channel = how
    one_of(counting, tuple(item.value for item in Counting), "counting")
    one_of(channel, tuple(item.value for item in Channel), "channel")
    config = load()
    check_rules(config)
    chosen = config.shop(shop)
    try:
        moment = datetime.fromisoformat(received)
    except ValueError as error:
        raise UsageError(f"{received!r} is no moment.", "Write it like 2026-09-11T17:01+02:00.") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=chosen.zone)
    post = chosen.post_for(Channel(channel))
    try:
        deadline = deadlines.due(moment, chosen.promise_for(counting), chosen.calendar, chosen.zone, post)
    except OverflowError as error:
        raise UsageError(f"{received} is beyond what a calendar holds.", "Name a moment of these years.") from error
    if json:
        print_json(
            {
                "due_on": deadline.due_on.isoformat(),
                "post_by": deadline.post_by.isoformat() if deadline.post_by else None,
                "target_at": deadline.target_at.isoformat(),
                "trace": list(deadline.trace),
            }
        )
        return
    out.print(f"[bold]Answer by {long_day(deadline.due_on)}[/]", highlight=False)
    if deadline.post_by is not None:
        out.print(f"[bold]Post by {long_day(deadline.post_by)}[/]", highlight=False)
    out.print(f"Internal target {deadline.target_at:%a %d %b %H:%M}\n", highlight=False)
    for line in deadline.trace:
        out.print(f"  {line}", highlight=False, markup=False)
