"""Laws of measuring, over histories that nobody would think of: what was missed stays missed, nothing counts twice."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from intake.measuring.facts import Answer, CaseFacts, Closing, Merge, Promised, Reopening
from intake.measuring.figures import MEASURES, Window, figures_value, measure
from intake.measuring.rows import NEVER_A_COMPLAINT, NOT_WAITED_FOR, Row, rows_of
from tests.naive_measuring import Replay, Told, naive_figures

ZONE = ZoneInfo("Europe/Amsterdam")
START = datetime(2026, 3, 16, 9, tzinfo=UTC)  # the clocks change within
CLOSED = frozenset({date(2026, 4, 6), date(2026, 3, 31)})
CALENDARS = {"nl": CLOSED}
HALF_HOURS = 40 * 48
REASONS = sorted(NEVER_A_COMPLAINT | NOT_WAITED_FOR | {"agreed", "settled"})
WINDOW = Window(date(2026, 3, 1), date(2026, 4, 30), 2)

moments = st.integers(0, HALF_HOURS).map(lambda halves: START + timedelta(minutes=30 * halves))
later = st.integers(0, 12 * 48).map(lambda halves: timedelta(minutes=30 * halves))


def local(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in CLOSED


def between(first: date, last: date) -> int:
    days = (first + timedelta(days=n + 1) for n in range((last - first).days))
    return len([day for day in days if business_day(day)])


@st.composite
def promises(draw: st.DrawFn, message: int, made: datetime) -> Promised:
    """A promise that was made at a moment, for what came before; its calendar may have had other days."""
    received = made - draw(st.sampled_from([timedelta(minutes=5), timedelta(hours=3), timedelta(days=4)]))
    due = local(received)
    wanted = draw(st.sampled_from([4, 4, 4, 4, 7]))  # more where another calendar was in force then
    while wanted:
        due += timedelta(days=1)
        wanted -= business_day(due)
    letter = draw(st.booleans())
    return Promised(
        message=message,
        received_at=received,
        due_on=due,
        business_days=4,
        counting="event-day",
        calendar="nl",
        channel="letter" if letter else "mail",
        dated=draw(st.booleans()),
        made_at=made,
        answered_before=draw(st.integers(0, 15)) == 0,
    )


@st.composite
def answers(draw: st.DrawFn, opened: datetime, odd: Iterator[int]) -> Answer:
    told = opened + draw(later) + timedelta(seconds=next(odd))
    at = max(opened - timedelta(days=2), told - draw(st.sampled_from([timedelta(), timedelta(), timedelta(days=3)])))
    how = draw(st.sampled_from(["mail", "mail", "phone", "letter"]))
    on = local(at) + timedelta(days=draw(st.integers(0, 4)) if how == "letter" else 0)
    seen = how == "mail" and draw(st.booleans())
    return Answer(told, at, on, how, seen, "mirjam", word=not seen and draw(st.booleans()))


def _told(opened: datetime, odd: Iterator[int]) -> st.SearchStrategy[datetime]:
    """When something of a case was told: after it was opened, and no two things at once."""
    return later.map(lambda after: opened + after + timedelta(seconds=next(odd)))


@st.composite
def histories(draw: st.DrawFn) -> list[CaseFacts]:
    """Cases with whatever can happen to them, at whatever moment each is told; a message may be split off into a case
    that comes later, and a case be merged into one that was there before it."""
    odd, messages = count(1), count(1)
    cases: list[CaseFacts] = []
    for number, moment in enumerate(sorted(draw(st.lists(moments, min_size=1, max_size=5)))):
        opened = moment + timedelta(seconds=next(odd))
        case = CaseFacts(f"C{number}", "sis", "", opened, (draw(promises(next(messages), opened)),))
        opening = {one.promised[0].message for one in cases}
        joined = [one for held in cases for one in held.promised if one.message not in opening and one.made_at < opened]
        if draw(st.booleans()) and joined:  # split off
            case = replace(case, promised=(replace(joined[-1], made_at=opened),))
        told = _told(opened, odd)
        again = [draw(promises(next(messages), draw(told))) for _ in range(draw(st.integers(0, 1)))]
        if draw(st.integers(0, 3)) == 0:  # corrected by its record
            held = case.promised[0]
            told_anew = draw(promises(held.message, draw(told)))
            again.append(replace(told_anew, channel=held.channel, answered_before=held.answered_before))
        others = st.sampled_from([one.reference for one in cases] or ["C9"])
        cases.append(
            replace(
                case,
                promised=(*case.promised, *again),
                answers=tuple(draw(st.lists(answers(opened, odd), max_size=2))),
                closings=tuple(
                    draw(st.lists(st.builds(Closing, told, st.sampled_from(REASONS), st.just("m")), max_size=2))
                ),
                reopened=tuple(draw(st.lists(st.builds(Reopening, told, st.booleans()), max_size=2))),
                merges=tuple(draw(st.lists(st.builds(Merge, told, others, st.just("m")), max_size=1))),
                acknowledged=tuple(draw(st.lists(told, max_size=1))),
            )
        )
    return cases


def rows_at(cases: Sequence[CaseFacts], as_of: datetime) -> tuple[Row, ...]:
    return rows_of(cases, ZONE, CALENDARS, as_of)


def by_promise(cases: Sequence[CaseFacts], as_of: datetime) -> dict[datetime, Row]:
    """Rows by the moment at which their messages came: no two are the same, but a record may tell another one."""
    rows = rows_at(cases, as_of)
    assert len({row.received_at for row in rows}) == len(rows)
    return {row.received_at: row for row in rows}


@settings(max_examples=60, deadline=None)
@given(cases=histories())
def test_a_missed_promise_is_never_kept_afterwards(cases: list[CaseFacts]) -> None:
    """Looked at on the morning after each due date, and when all is told. But by an answer that lay in Sent by the due
    date, and was not seen until later."""
    in_the_end = by_promise(cases, START + timedelta(days=90))
    for day in {one.due_on for case in cases for one in case.promised}:
        morning = datetime.combine(day + timedelta(days=1), time(), ZONE)
        for came, row in by_promise(cases, morning).items():
            if row.due_on < local(morning) and not row.excluded and not row.in_time and came in in_the_end:
                after = in_the_end[came]
                assert not after.in_time or (after.seen and (after.told_on or day) > row.due_on)


@settings(max_examples=60, deadline=None)
@given(cases=histories())
def test_a_case_that_a_person_opens_again_was_not_answered_by_word(cases: list[CaseFacts]) -> None:
    """Opened again after everything was told, nothing counts but what was seen in Sent or posted from Intake."""
    last = Reopening(START + timedelta(days=80), by_person=True)
    opened = [replace(case, reopened=(*case.reopened, last)) for case in cases]
    without = [replace(case, answers=tuple(one for one in case.answers if not one.word)) for case in opened]
    assert rows_at(opened, START + timedelta(days=90)) == rows_at(without, START + timedelta(days=90))


@settings(max_examples=60, deadline=None)
@given(cases=histories(), as_of=moments)
def test_each_message_is_one_row_and_each_case_counts_once(cases: list[CaseFacts], as_of: datetime) -> None:
    rows = rows_at(cases, as_of)
    assert len(rows) == len({one.message for case in cases for one in case.promised if one.made_at <= as_of})
    assert len({(row.member, row.sequence) for row in rows}) == len(rows)
    for name in MEASURES:
        figures = measure(name, rows, WINDOW, local(as_of), 1)
        assert figures.good <= figures.count <= len({row.case for row in rows})
        assert figures.count == sum(pair[0] for pair in figures.channels.values())
        assert sum(figures.excluded.values()) <= len(cases)


@settings(max_examples=60, deadline=None)
@given(cases=histories(), as_of=moments, order=st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_changes_nothing(cases: list[CaseFacts], as_of: datetime, order: Any) -> None:
    def shuffled(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(order.sample(list(values), len(values)))

    names = ("promised", "answers", "closings", "merges", "reopened", "acknowledged")
    mixed = [replace(case, **{name: shuffled(getattr(case, name)) for name in names}) for case in shuffled(cases)]
    assert rows_at(mixed, as_of) == rows_at(cases, as_of)


@settings(max_examples=60, deadline=None)
@given(cases=histories(), as_of=moments)
def test_what_is_told_later_changes_nothing_before(cases: list[CaseFacts], as_of: datetime) -> None:
    known = [
        replace(
            case,
            promised=_by(case.promised, as_of, lambda one: one.made_at),
            answers=_by(case.answers, as_of, lambda one: one.told_at),
            closings=_by(case.closings, as_of, lambda one: one.at),
            merges=_by(case.merges, as_of, lambda one: one.at),
            reopened=_by(case.reopened, as_of, lambda one: one.at),
            acknowledged=_by(case.acknowledged, as_of, lambda one: one),
        )
        for case in cases
        if case.opened_at <= as_of
    ]
    assert rows_at(cases, as_of) == rows_at(known, as_of)


@settings(max_examples=60, deadline=None)
@given(cases=histories(), as_of=moments, number=st.integers(1, 9))
def test_figures_are_those_of_a_second_computation(cases: list[CaseFacts], as_of: datetime, number: int) -> None:
    replay = Replay([one for case in cases for one in told_of(case)], ZONE, as_of, between)
    rows = rows_at(cases, as_of)
    for name in MEASURES:
        found = figures_value(measure(name, rows, WINDOW, local(as_of), number))
        del found["window"]
        assert found == naive_figures(replay, name, WINDOW.first, WINDOW.last, number), name


def told_of(case: CaseFacts) -> Iterator[Told]:
    """The facts as they were told, one by one."""
    for one in case.promised:
        data = {name: getattr(one, name) for name in ("message", "received_at", "due_on", "channel", "dated")}
        yield Told(one.made_at, case.reference, "promised", {**data, "before": one.answered_before})
    for given_answer in case.answers:
        data = {name: getattr(given_answer, name) for name in ("at", "on", "how", "seen", "word")}
        yield Told(given_answer.told_at, case.reference, "answered", data)
    for closing in case.closings:
        yield Told(closing.at, case.reference, "closed", {"why": closing.why})
    for opening in case.reopened:
        yield Told(opening.at, case.reference, "reopened", {"by_person": opening.by_person})
    for merge in case.merges:
        yield Told(merge.at, case.reference, "merged", {"into": merge.into})
    for moment in case.acknowledged:
        yield Told(moment, case.reference, "acknowledged")


def _by(values: Sequence[Any], as_of: datetime, told: Callable[[Any], datetime]) -> tuple[Any, ...]:
    return tuple(one for one in values if told(one) <= as_of)
