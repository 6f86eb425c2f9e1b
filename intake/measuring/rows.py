"""From the facts of cases to rows: one for each promise, with the answer that counts for it.

The state of things at the end of the due date decides, and what is said later does not undo a miss:

- An answer is in time if it was given by the due date, and Intake knew of it by then or saw it in Sent. What somebody
  only tells afterwards ("I phoned on Tuesday") ends the wait, and is late.
- A case that is merged by the due date counts as the one that it was merged into. Merged later, it counts by itself,
  and an answer to the other one before the merge is known from the merge on.
- Closed as withdrawn, duplicate or mere thanks by the due date, a promise is excluded, unless a person opens the case
  again; closed so later, it is missed unless it was answered. What was never a consumer's complaint (spam, business, no
  complaint) is excluded at any time, until the case is opened again.
- A promise belongs to its message: split off, it goes with it; counted twice for one message, the earlier date holds.

Nothing that was told after `as_of` is looked at, so the rows of a past day can be made again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from intake.measuring.days import Calendars, business_days_after, day_zero
from intake.measuring.facts import Answer, CaseFacts, Closing, Promised

NEVER_A_COMPLAINT = frozenset({"spam", "no-complaint", "business"})
NOT_WAITED_FOR = frozenset({"withdrawn", "duplicate", "thanks"})
BEFORE = "before"  # brought in as answered: nobody knows when
LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Row:
    """One promise and what became of it. Days are local to the shop.

    `case` is the case that it counts for, `member` the one that it was made in: another one where that was merged.
    `days_taken` are the business days to the answer, None without one; then `days_waited` are those up to `as_of`.
    `told_on` is when the answer was known, `seen` that it was seen in Sent. `reopened_on` is when the customer wrote
    again after it. `excluded` is why it does not count ("" where it does), with who said so, and when.
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
    reopened_on: date | None = None
    excluded: str = ""
    excluded_by: str = ""
    excluded_at: datetime | None = None

    @property
    def in_time(self) -> bool:
        """Whether the promise was kept."""
        if self.answered_on is None or self.told_on is None or self.answered_on > self.due_on:
            return False
        return self.seen or self.told_on <= self.due_on


def rows_of(cases: Iterable[CaseFacts], zone: ZoneInfo, calendars: Calendars, as_of: datetime) -> tuple[Row, ...]:
    """The rows of a shop's cases, as they were at `as_of` (aware), by due date. `zone` is the shop's; `calendars` has
    each calendar that a promise names, for all years in which it was waited for."""
    facts = {case.reference: case for case in cases if case.opened_at <= as_of}
    book = _Book(facts, zone, as_of)
    for reference in facts:
        book.families.setdefault(book.way(reference)[-1][0], []).append(reference)
    rows = [book.row(reference, number, promised) for reference, number, promised in book.promises()]
    done = [recounted(row, calendars, as_of.astimezone(zone).date()) for row in rows]
    return tuple(sorted(done, key=lambda row: (row.due_on, row.member, row.sequence)))


def recounted(row: Row, calendars: Calendars, today: date) -> Row:
    """A row with its business days counted up to `today`, by the calendar that it names; also for who checks it."""
    closed = calendars[row.calendar]
    zero = day_zero(row.due_on, row.business_days, closed)
    if row.answered_on is not None:
        return replace(row, days_taken=business_days_after(zero, row.answered_on, closed), days_waited=None)
    return replace(row, days_taken=None, days_waited=business_days_after(zero, today, closed))


@dataclass(frozen=True, slots=True)
class _Book:
    """The facts of a shop, to be looked up. `families` are the cases that became one, by the one that stayed."""

    facts: Mapping[str, CaseFacts]
    zone: ZoneInfo
    as_of: datetime
    families: dict[str, list[str]] = field(default_factory=dict)

    def promises(self) -> list[tuple[str, int, Promised]]:
        """Each message's promise with the case that it belongs to, and its number in that case."""
        owners: dict[int, tuple[datetime, str]] = {}
        earliest: dict[int, Promised] = {}
        for reference, case in self.facts.items():
            for one in case.promised:
                if one.made_at > self.as_of:
                    continue
                owners[one.message] = max(owners.get(one.message, (one.made_at, reference)), (one.made_at, reference))
                held = earliest.get(one.message)
                if held is None or (one.due_on, one.made_at) < (held.due_on, held.made_at):
                    earliest[one.message] = one
        by_case: dict[str, list[Promised]] = {}
        for message, (_, reference) in owners.items():
            by_case.setdefault(reference, []).append(earliest[message])
        return [
            (reference, number, promised)
            for reference, found in by_case.items()
            for number, promised in enumerate(sorted(found, key=lambda one: (one.received_at, one.message)), start=1)
        ]

    def row(self, member: str, number: int, promised: Promised) -> Row:
        case = self._counts_for(member, promised.due_on)
        answer = self._answer(member, promised)
        closing = self._excluded(member, case, promised, answer)
        return Row(
            case=case,
            member=member,
            sequence=number,
            shop=self.facts[member].shop,
            channel=promised.channel,
            category=self.facts[member].category,
            received_at=promised.received_at,
            received_on=self._day(promised.received_at),
            due_on=promised.due_on,
            business_days=promised.business_days,
            counting=promised.counting,
            calendar=promised.calendar,
            dated=promised.dated,
            acknowledged_at=self._acknowledged(member, promised) if number == 1 else None,
            answered_at=answer.at if answer else None,
            answered_on=answer.on if answer else None,
            answered_how=answer.how if answer else "",
            told_on=self._day(answer.told_at) if answer else None,
            seen=answer.seen if answer else False,
            template=answer.template if answer else "",
            reopened_on=self._reopened(member, promised, answer) if answer else None,
            excluded=closing.why if closing else "",
            excluded_by=closing.actor if closing else "",
            excluded_at=closing.at if closing else None,
        )

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def way(self, reference: str) -> list[tuple[str, datetime | None]]:
        """The cases that one became, each with the moment from which it was that one."""
        way: list[tuple[str, datetime | None]] = [(reference, None)]
        while True:
            here, since = way[-1]
            merges = [one for one in self.facts[here].merges if one.at <= self.as_of and one.into in self.facts]
            if not merges or any(merges[-1].into == seen for seen, _ in way):
                return way
            at = merges[-1].at
            way.append((merges[-1].into, at if since is None or at > since else since))

    def _counts_for(self, member: str, due_on: date) -> str:
        """The case that a promise counts for: the one that its own case was, at the end of the due date."""
        there = [case for case, since in self.way(member) if since is None or self._day(since) <= due_on]
        return there[-1]

    def _answer(self, member: str, promised: Promised) -> Answer | None:
        """The answer that counts: the first that is in time, else the first."""
        found = [one for one in self._answers(member) if self._after(one, promised)]
        in_time = [
            one
            for one in found
            if one.on <= promised.due_on and (one.seen or self._day(one.told_at) <= promised.due_on)
        ]
        return min(in_time or found, key=lambda one: (one.on, one.at, one.told_at), default=None)

    def _after(self, answer: Answer, promised: Promised) -> bool:
        """Whether an answer came after what it would answer. A letter has a day, and no hour."""
        if promised.channel == LETTER:
            return self._day(answer.at) >= self._day(promised.received_at)
        return answer.at >= promised.received_at

    def _answers(self, member: str) -> list[Answer]:
        """What was answered in a case, and in those that became one with it."""
        mine = dict(self.way(member))
        found: list[Answer] = []
        for reference in self.families[self.way(member)[-1][0]]:
            answers = [one for one in self.facts[reference].answers if one.told_at <= self.as_of]
            if reference == member:
                found += answers
            elif answers:
                link = self._link(mine, reference)
                found += [_known_from(one, link) for one in answers] if link is not None else []
        return found

    def _link(self, mine: Mapping[str, datetime | None], other: str) -> datetime | None:
        """Since when two cases are one; None where they are not."""
        for case, since in self.way(other):
            if case in mine:
                return max(moment for moment in (since, mine[case]) if moment is not None)
        return None

    def _excluded(self, member: str, case: str, promised: Promised, answer: Answer | None) -> Closing | None:
        """The closing by which a promise does not count."""
        if self.facts[member].answered_before and answer is None:
            return Closing(self.facts[member].opened_at, BEFORE, "import")
        for closing in self._closings(case):
            if closing.why in NEVER_A_COMPLAINT and not self._reopened_after(case, closing.at, by_person=False):
                return closing
            waited = answer is None or answer.told_at > closing.at
            by_then = promised.received_at <= closing.at and self._day(closing.at) <= promised.due_on
            if closing.why in NOT_WAITED_FOR and waited and by_then:
                return None if self._reopened_after(case, closing.at, by_person=True) else closing
        return None

    def _closings(self, case: str) -> list[Closing]:
        return sorted((one for one in self.facts[case].closings if one.at <= self.as_of), key=lambda one: one.at)

    def _reopened_after(self, case: str, at: datetime, *, by_person: bool) -> bool:
        """Whether a case was opened again after a moment; `by_person` leaves out what the customer did."""
        found = self.facts[case].reopened
        return any(at < one.at <= self.as_of and (one.by_person or not by_person) for one in found)

    def _acknowledged(self, member: str, promised: Promised) -> datetime | None:
        told = [at for at in self.facts[member].acknowledged if promised.received_at <= at <= self.as_of]
        return min(told, default=None)

    def _reopened(self, member: str, promised: Promised, answer: Answer) -> date | None:
        """When the customer wrote again after the answer, other than mere thanks."""
        later = [
            one
            for one in self.facts[member].promised
            if one.message != promised.message and one.made_at <= self.as_of and one.received_at > answer.at
        ]
        thanks = [closing.at for closing in self._closings(member) if closing.why == "thanks"]
        real = [one.received_at for one in later if not self._is_thanks(one, thanks)]
        return self._day(min(real)) if real else None

    def _is_thanks(self, promised: Promised, thanks: Sequence[datetime]) -> bool:
        return any(promised.received_at <= at and self._day(at) <= promised.due_on for at in thanks)


def _known_from(answer: Answer, link: datetime) -> Answer:
    """An answer to another case, as one to this: it is known from the moment at which the two became one."""
    if answer.told_at >= link and answer.at >= link:
        return answer
    return replace(answer, told_at=max(answer.told_at, link), seen=False)
