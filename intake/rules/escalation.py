"""Dispute bodies: which of them a customer can go to, and by when the shop has to answer one. Pure.

A body's own term goes before the law's: 20 working days for an ADR body from 20 September 2028 on (Directive (EU)
2025/2647 applies then; 30 in complex cases are the body's to grant). The day itself is not counted, and the shop's own
days off stop nobody else's term (Regulation 1182/71 art. 2(2) and 3(1)). The public days are those of the body's
country; where it may be one of several, the earliest day is early enough.
"""

from dataclasses import replace
from datetime import date, timedelta

from intake import deadlines
from intake.config import DisputeBody, Shop
from intake.errors import ConfigError, NotFound, Refused
from intake.rules.clocks import DISPUTE, Clock
from intake.types import Calendar

ADR_APPLIES_FROM = date(2028, 9, 20)
ADR_DAYS = 20
ADR_LAW = "Directive (EU) 2025/2647"


def answer_term(body: DisputeBody, on: date, calendar: Calendar) -> Clock | None:
    """The term that runs from the day `on` which a dispute was brought to a body; None where it has none."""
    days, source = body.answer_days, "the term of that body"
    if days is None and body.adr and on >= ADR_APPLIES_FROM:
        days, source = ADR_DAYS, ADR_LAW
    if days is None:
        return None
    due_on = min(_count(on, days, country, calendar) for country in body.countries or (calendar.country,))
    return Clock(DISPUTE, due_on, f"answer {body.name} within {days} business days of {on} ({source})")


def _count(on: date, days: int, country: str, calendar: Calendar) -> date:
    own = replace(calendar, closed=()) if country == calendar.country else Calendar(country=country, open=())
    try:
        return deadlines.add_business_days(on, days, own)
    except ConfigError:  # a country whose public days nobody knows: without them the day is the earlier one
        return on + timedelta(days=days // 5 * 7)


def get_body(shop: Shop, body_id: str) -> DisputeBody:
    """A dispute body of a shop by its id. Raises `NotFound`, and names those that there are."""
    for body in shop.dispute_bodies:
        if body.id == body_id.strip():
            return body
    known = ", ".join(f"{body.id} ({body.name})" for body in shop.dispute_bodies)
    raise NotFound(
        f"Shop {shop.id} has no dispute body {body_id!r}.",
        f"Use one of: {known}." if known else "Add [[shops.dispute_bodies]] to the configuration.",
    )


def closed_on(body: DisputeBody, on: date) -> Refused:
    """That a body takes no disputes on a day, and when it does."""
    if body.since is not None and on < body.since:
        when = f"It takes disputes since {body.since}."
    else:
        when = f"It took disputes until {body.until}."
    return Refused(f"{body.name} is closed to disputes on {on}.", f"{when} Name another body.")
