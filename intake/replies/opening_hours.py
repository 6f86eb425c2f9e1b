"""When customer service answers the phone: now, or from when on. Pure; days off are the shop's calendar's."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from intake.config import DAYS, Shop
from intake.deadlines import public_days

LOOK_AHEAD = 30


@dataclass(frozen=True, slots=True)
class PhoneState:
    """`opens_at` is the local moment at which it opens again; None while it is open."""

    opens_at: datetime | None


def phone_state(now: datetime, shop: Shop) -> PhoneState | None:
    """Whether the phone is answered at `now` (local). None where that is not known: no hour of opening, or nothing
    within a month."""
    opens = shop.phone.opens
    if opens is None:
        return None
    today = now.date()
    if _answers(today, shop):
        if opens <= now.time() < shop.phone.closes:
            return PhoneState(None)
        if now.time() < opens:
            return PhoneState(datetime.combine(today, opens, now.tzinfo))
    days = (today + timedelta(days=ahead) for ahead in range(1, LOOK_AHEAD))
    following = next((day for day in days if _answers(day, shop)), None)
    return PhoneState(datetime.combine(following, opens, now.tzinfo)) if following else None


def _answers(day: date, shop: Shop) -> bool:
    """Whether it is a day of the phone's week, and no day off. The week may go round: Saturday to Wednesday."""
    first, last = DAYS.index(shop.phone.first_day), DAYS.index(shop.phone.last_day)
    in_week = (day.weekday() - first) % 7 <= (last - first) % 7
    return in_week and day not in shop.calendar.closed and day not in public_days(shop.calendar, day.year)
