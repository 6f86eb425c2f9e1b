"""A person moves the date of a case. The promise's own date stays beside it for the record."""

from datetime import date

from intake import deadlines
from intake.casework.held import hold_open, record
from intake.errors import Refused, UsageError
from intake.pipeline.house import House
from intake.pipeline.moving import Move, move_date, post_by_for
from storage.models import Case, DeadlineKind

BECAUSE_AT_MOST = 500


def move_due(house: House, reference: str, day: date, because: str, actor: str) -> Case:
    """Move the date of an open case to a business day from today on, and say why; of a case that is answered by letter
    the last day to post moves along. Raises `NotFound`, `UsageError`; `Refused` where the day cannot be."""
    words = " ".join(because.split())
    if not words or len(words) > BECAUSE_AT_MOST:
        raise UsageError("A date is moved for a reason.", f"Give it with --because, in {BECAUSE_AT_MOST} characters.")
    with house.store.processing() as unit:
        case = hold_open(unit, reference)
        latest = unit.cases.deadlines(case.id or 0)[-1]
        _check(house, case, day)
        move = Move(DeadlineKind.MOVED, day, words, actor, latest.message_id, latest.received_at)
        moved = move_date(house, unit, case, move)
        record(house, unit, case, "date moved", actor, **{"from": case.due_on.isoformat(), "to": day.isoformat()})
    return case.model_copy(update={"due_on": day, "post_by": moved.post_by, "target_at": moved.target_at})


def _check(house: House, case: Case, day: date) -> None:
    shop = house.shop(case.shop)
    today = house.clock().astimezone(shop.zone).date()
    if day == case.due_on:
        raise Refused(f"{case.reference} is due on {day} already.", "Name another day.")
    if day < today:
        raise Refused(f"{day} is past.", f"Today is {today}.")
    if not deadlines.is_business_day(day, shop.calendar):
        following = deadlines.add_business_days(day, 1, shop.calendar)
        raise Refused(f"{day} is no business day of {shop.name}.", f"The next one is {following}.")
    post_by = post_by_for(house, case, day)
    if post_by is not None and post_by < today:
        raise Refused(
            f"No letter that is posted today arrives by {day}: it had to be posted by {post_by}.", "Name a later day."
        )
