"""What is known of a case, as plain values: the promises that were made in it, and what was said of it, when, by whom.

All moments are aware. `told_at` is when Intake learned of something, which is never moved; `at` and `on` are when it
happened, as far as one has to believe it.
"""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Promised:
    """A date that was promised for a message: kept as it was made. `made_at` is when it was counted; `dated` is False
    where the day of arrival was assumed; `calendar` is the id of the calendar that it was counted by.
    `answered_before`: its message was brought in as answered, and nobody knows when. `holidays` is the release that
    knew the closed days, `time_zone` the zone that its days are counted in and `cut_off` the hour ("17:00"); "" where
    nobody wrote it down."""

    message: int
    received_at: datetime
    due_on: date
    business_days: int
    counting: str
    calendar: str
    channel: str
    dated: bool
    made_at: datetime
    answered_before: bool = False
    holidays: str = ""
    time_zone: str = ""
    cut_off: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A substantive answer. `on` is the local day on which it counts, where somebody told it or a letter is expected;
    None is the day of `at`. `seen` is an answer that the mail server vouches for, in Sent; `word` is one that somebody
    only told of. A letter that was posted from Intake is neither."""

    told_at: datetime
    at: datetime
    on: date | None
    how: str
    seen: bool
    actor: str = ""
    template: str = ""
    word: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """That a case was closed without an answer of its own: why (a key of `casework.CLOSE_REASONS`), and by whom."""

    at: datetime
    why: str
    actor: str


@dataclass(frozen=True, slots=True)
class Merge:
    """That a case was merged into another one, by its reference."""

    at: datetime
    into: str
    actor: str


@dataclass(frozen=True, slots=True)
class Reopening:
    """That a case was opened again: by a person, or (`by_person` false) by what the customer wrote."""

    at: datetime
    by_person: bool


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case. `acknowledged` are the moments at which the customer was told that it came; `held` and `moved` those at
    which a holding reply, or a person, named another date."""

    reference: str
    shop: str
    category: str
    opened_at: datetime
    promised: tuple[Promised, ...]
    answers: tuple[Answer, ...] = ()
    closings: tuple[Closing, ...] = ()
    merges: tuple[Merge, ...] = ()
    reopened: tuple[Reopening, ...] = ()
    acknowledged: tuple[datetime, ...] = ()
    held: tuple[datetime, ...] = ()
    moved: tuple[datetime, ...] = ()
