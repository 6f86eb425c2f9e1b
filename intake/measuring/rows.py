"""From the facts of cases to rows: one for each promise, with the answer that counts for it.

The state of things at the end of the due date decides, and what is said later never undoes a miss:

- An answer is in time if it was given by the due date, and Intake knew of it by then or saw it in Sent. What somebody
  only tells afterwards ("I phoned on Tuesday") ends the wait, and is late. An answer that is only somebody's word
  is none any more once a person opens the case again.
- A case that is merged by the due date counts as the one that it was merged into. Merged later, it counts by itself,
  and an answer to the other one before the merge is known from the merge on.
- Closed as withdrawn, duplicate or mere thanks by the due date, a promise is excluded, unless a person opens the case
  again; closed so later, it is missed unless it was answered. What was never a consumer's complaint (spam, business, no
  complaint) is excluded at any time, until the case is opened again.
- A promise belongs to its message: split off, it goes with it; counted twice for one message, the earlier date holds.
- Only what is said after a promise was made answers it. What was brought in as answered is excluded: nobody knows when.
- A case that was closed without an answer is missed, and nobody waits for it any more.

Nothing that was told after `as_of` is looked at, so the rows of a past day can be made again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from intake.measuring.days import Calendars, business_days_after, day_zero
from intake.measuring.facts import Answer, CaseFacts, Closing, Promised

NEVER_A_COMPLAINT = frozenset({"spam", "no-complaint", "business"})
THANKS = "thanks"
NOT_WAITED_FOR = frozenset({"withdrawn", "duplicate", THANKS})
BEFORE = "before"  # brought in as answered: nobody knows when
LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Row:
    """One promise and what became of it. Days are local to `time_zone`: the shop's, when it promised.

    `case` is the case that it counts for, `member` the one that it was made in: another one where that was merged.
    `days_taken` are the business days to the answer, None without one; then `days_waited` are those up to `as_of`, or
    to `closed_on`, when its case was closed without one (None while somebody waits). `told_on` is when the answer was
    known, `seen` that it was seen in Sent. `reopened_on` is when the customer wrote again after it. `excluded` is why
    it does not count ("" where it does), with who said so, and when. `made_on` is when the promise was made first.
    """

    case: str
    member: str
    sequence: int
    shop: str
    channel: str
    category: str
    received_at: datetime
    received_on: date
    due_on: date
    business_days: int
    counting: str
    calendar: str
    dated: bool
    acknowledged_at: datetime | None = None
    answered_at: datetime | None = None
    answered_on: date | None = None
    answered_how: str = ""
    told_on: date | None = None
    seen: bool = False
    template: str = ""
    days_taken: int | None = None
    days_waited: int | None = None
    closed_on: date | None = None
    reopened_on: date | None = None
    excluded: str = ""
    excluded_by: str = ""
    excluded_at: datetime | None = None
    made_on: date | None = None
    holidays: str = ""
    time_zone: str = ""
    cut_off: str = ""

    @property
    def in_time(self) -> bool:
        """Whether the promise was kept."""
        if self.answered_on is None or self.told_on is None or self.answered_on > self.due_on:
            return False
        return self.seen or self.told_on <= self.due_on

    @property
    def waits(self) -> bool:
        """Whether somebody waits for an answer."""
        return not self.excluded and self.answered_on is None and self.closed_on is None


def rows_of(cases: Iterable[CaseFacts], zone: ZoneInfo, calendars: Calendars, as_of: datetime) -> tuple[Row, ...]:
    """The rows of a shop's cases, as they were at `as_of` (aware), by due date. `zone` is the shop's, for promises that
    do not say theirs; `calendars` has each calendar that a promise names, for all years in which it was waited for."""
    facts = {case.reference: case for case in cases if case.opened_at <= as_of}
    book = _Book(facts, zone, as_of)
    book.fill()
    rows = [
        book.row(reference, number, made)
        for reference, found in book.made.items()
        for number, made in enumerate(found, start=1)
    ]
    done = [recounted(row, calendars, as_of.astimezone(zone).date()) for row in rows]
    return tuple(sorted(done, key=lambda row: (row.due_on, row.member, row.sequence)))


def recounted(row: Row, calendars: Calendars, today: date) -> Row:
    """A row with its business days counted up to `today`, by the calendar that it names; also for who checks it."""
    closed = calendars[row.calendar]
    zero = day_zero(row.due_on, row.business_days, closed)
    if row.answered_on is not None:
        return replace(row, days_taken=business_days_after(zero, row.answered_on, closed), days_waited=None)
    until = row.closed_on or today
    return replace(row, days_taken=None, days_waited=business_days_after(zero, until, closed))


@dataclass(frozen=True, slots=True)
class _Made:
    """The promise of a message, as it holds, where it was made more than once: `since` is when it was made first, and
    `came_at` the latest moment at which the message was ever thought to have come. Its days are counted in `zone`."""

    promised: Promised
    since: datetime
    came_at: datetime
    dated: bool
    zone: ZoneInfo

    def day(self, moment: datetime) -> date:
        """The local day of a moment."""
        return moment.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class _Book:
    """The facts of a shop, to be looked up. `families` are the cases that became one, by the one that stayed; `made`
    the promises of each case, in the order in which their messages came."""

    facts: Mapping[str, CaseFacts]
    zone: ZoneInfo
    as_of: datetime
    families: dict[str, list[str]] = field(default_factory=dict)
    made: dict[str, list[_Made]] = field(default_factory=dict)

    def fill(self) -> None:
        """Find the families, and the case that each message belongs to: the last one that it was promised in."""
        for reference in self.facts:
            self.families.setdefault(self.way(reference)[-1][0], []).append(reference)
        found: dict[int, list[tuple[datetime, str, Promised]]] = {}
        for reference, case in self.facts.items():
            for one in case.promised:
                if one.made_at <= self.as_of:
                    found.setdefault(one.message, []).append((one.made_at, reference, one))
        for all_of_it in found.values():
            _, owner, _ = max(all_of_it, key=lambda told: told[:2])
            self.made.setdefault(owner, []).append(_made([one for _, _, one in all_of_it], self.zone))
        for several in self.made.values():
            several.sort(key=lambda one: (one.promised.received_at, one.promised.message))

    def row(self, member: str, number: int, made: _Made) -> Row:
        """The row of a promise, the `number`th of its case."""
        promised = made.promised
        case = self._counts_for(member, made)
        answer = self._answer(member, made)
        closing = self._excluded(case, made, answer)
        return Row(
            case=case,
            member=member,
            sequence=number,
            shop=self.facts[member].shop,
            channel=promised.channel,
            category=self.facts[member].category,
            received_at=promised.received_at,
            received_on=made.day(promised.received_at),
            due_on=promised.due_on,
            business_days=promised.business_days,
            counting=promised.counting,
            calendar=promised.calendar,
            dated=made.dated,
            acknowledged_at=self._acknowledged(member, promised) if number == 1 else None,
            answered_at=answer.at if answer else None,
            answered_on=answer.on if answer else None,
            answered_how=answer.how if answer else "",
            told_on=made.day(answer.told_at) if answer else None,
            seen=answer.seen if answer else False,
            template=answer.template if answer else "",
            closed_on=None if answer else self._closed(member, made),
            reopened_on=self._reopened(member, made, answer) if answer else None,
            excluded=closing.why if closing else "",
            excluded_by=closing.actor if closing else "",
            excluded_at=closing.at if closing else None,
            made_on=made.day(made.since),
            holidays=promised.holidays,
            time_zone=made.zone.key,
            cut_off=promised.cut_off,
        )

    def way(self, reference: str) -> list[tuple[str, datetime | None]]:
        """The cases that one became, each with the moment from which it was that one."""
        way: list[tuple[str, datetime | None]] = [(reference, None)]
        while True:
            here, since = way[-1]
            merges = [one for one in self.facts[here].merges if one.at <= self.as_of and one.into in self.facts]
            latest = max(merges, key=lambda one: (one.at, one.into), default=None)
            if latest is None or any(latest.into == seen for seen, _ in way):
                return way
            way.append((latest.into, latest.at if since is None or latest.at > since else since))

    def _counts_for(self, member: str, made: _Made) -> str:
        """The case that a promise counts for: the one that its own case was, at the end of the due date."""
        due_on = made.promised.due_on
        there = [case for case, since in self.way(member) if since is None or made.day(since) <= due_on]
        return there[-1]

    def _answer(self, member: str, made: _Made) -> Answer | None:
        """The answer that counts: the first that is in time, else the first."""
        due_on = made.promised.due_on
        found = [(one.on or made.day(one.at), one) for one in self._answers(member) if _is_after(one, made)]
        in_time = [(on, one) for on, one in found if on <= due_on and (one.seen or made.day(one.told_at) <= due_on)]
        first = min(in_time or found, key=_order, default=None)
        return replace(first[1], on=first[0]) if first is not None else None

    def _answers(self, member: str) -> list[Answer]:
        """What was answered in a case, and in those that became one with it."""
        mine = dict(self.way(member))
        found: list[Answer] = []
        for reference in self.families[self.way(member)[-1][0]]:
            answers = [one for one in self.facts[reference].answers if self._holds(reference, one)]
            if reference == member:
                found += answers
            elif answers:
                link = self._link(mine, reference)
                found += [_known_from(one, link) for one in answers] if link is not None else []
        return found

    def _holds(self, reference: str, answer: Answer) -> bool:
        """Whether an answer to a case was told by now, and was not taken back: who opens a case again that was answered
        by somebody's word, or one that it became, says that it waits."""
        if answer.told_at > self.as_of:
            return False
        return not answer.word or not any(
            self._reopened_after(case, max(answer.told_at, since or answer.told_at), by_person=True)
            for case, since in self.way(reference)
        )

    def _link(self, mine: Mapping[str, datetime | None], other: str) -> datetime | None:
        """Since when two cases are one; None where they are not."""
        for case, since in self.way(other):
            if case in mine:
                return max(moment for moment in (since, mine[case]) if moment is not None)
        return None

    def _excluded(self, case: str, made: _Made, answer: Answer | None) -> Closing | None:
        """The closing by which a promise does not count."""
        promised = made.promised
        if promised.answered_before:
            return Closing(promised.made_at, BEFORE, "import")
        for closing in self._closings(case):
            if closing.why in NEVER_A_COMPLAINT and not self._reopened_after(case, closing.at, by_person=False):
                return closing
            waited = answer is None or answer.told_at > closing.at
            by_then = promised.received_at <= closing.at and made.day(closing.at) <= promised.due_on
            stands = not self._reopened_after(case, closing.at, by_person=True)
            if closing.why in NOT_WAITED_FOR and waited and by_then and stands:
                return closing
        return None

    def _closed(self, member: str, made: _Made) -> date | None:
        """When what was promised was closed for good, in its own case or in one that it became."""
        cases = [case for case, _ in self.way(member)]
        ends = [one.at for case in cases for one in self._closings(case) if one.at >= made.promised.received_at]
        last = max(ends, default=None)
        if last is None or any(self._reopened_after(case, last, by_person=False) for case in cases):
            return None
        return made.day(last)

    def _closings(self, case: str) -> list[Closing]:
        found = (one for one in self.facts[case].closings if one.at <= self.as_of)
        return sorted(found, key=lambda one: (one.at, one.why, one.actor))

    def _reopened_after(self, case: str, at: datetime, *, by_person: bool) -> bool:
        """Whether a case was opened again after a moment; `by_person` leaves out what the customer did."""
        found = self.facts[case].reopened
        return any(at < one.at <= self.as_of and (one.by_person or not by_person) for one in found)

    def _acknowledged(self, member: str, promised: Promised) -> datetime | None:
        told = [at for at in self.facts[member].acknowledged if promised.received_at <= at <= self.as_of]
        return min(told, default=None)

    def _reopened(self, member: str, made: _Made, answer: Answer) -> date | None:
        """When the customer wrote again after the answer, other than mere thanks."""
        message = made.promised.message
        later = [
            one for one in self.made[member] if one.promised.message != message and one.promised.received_at > answer.at
        ]
        thanks = [closing.at for closing in self._closings(member) if closing.why == THANKS]
        real = [one.promised.received_at for one in later if not _is_thanks(one, thanks)]
        return made.day(min(real)) if real else None


def _is_after(answer: Answer, made: _Made) -> bool:
    """Whether an answer came after what it would answer. Of a letter only the day is known."""
    if answer.told_at < made.since:
        return False  # what it answers was not known yet
    if LETTER in (made.promised.channel, answer.how):
        return made.day(answer.at) >= made.day(made.came_at)
    return answer.at >= made.came_at


def _is_thanks(made: _Made, thanks: Sequence[datetime]) -> bool:
    return any(made.promised.received_at <= at and made.day(at) <= made.promised.due_on for at in thanks)


def _made(several: Sequence[Promised], zone: ZoneInfo) -> _Made:
    """One promise of all that were made for a message: the earliest date holds. `zone` is the shop's."""
    held = min(several, key=lambda one: (one.due_on, one.made_at, one.received_at, one.calendar))
    return _Made(
        promised=held,
        zone=ZoneInfo(held.time_zone) if held.time_zone else zone,
        since=min(one.made_at for one in several),
        came_at=max(one.received_at for one in several),
        dated=any(one.dated for one in several),
    )


def _order(dated: tuple[date, Answer]) -> tuple[date, datetime, datetime, bool, str, str]:
    on, answer = dated
    return on, answer.at, answer.told_at, not answer.seen, answer.how, answer.template


def _known_from(answer: Answer, link: datetime) -> Answer:
    """An answer to another case, as one to this: it is known from the moment at which the two became one."""
    if answer.told_at >= link and answer.at >= link:
        return answer
    return replace(answer, told_at=max(answer.told_at, link), seen=False)
