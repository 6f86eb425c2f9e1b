"""The promise measured a second time, from its prose alone and by other means: what was told is replayed in order.

For tests: it shares no code with `intake.measuring`, and looks at nothing but what was `Told` by a moment.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

BetweenDays = Callable[[date, date], int]
"""Business days after the first day, up to the second."""


@dataclass(frozen=True)
class Told:
    """What was told of a case, and when: promised, acknowledged, answered, closed, reopened, merged."""

    at: datetime
    case: str
    what: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Promise:
    message: int
    case: str
    channel: str
    due: date
    came: datetime
    thought: datetime
    known: datetime
    dated: bool
    before: bool
    answers: list[dict[str, Any]] = field(default_factory=list)
    # what it comes to
    number: int = 0
    counts_as: str = ""
    answer: dict[str, Any] | None = None
    kept: bool = False
    excluded: str = ""
    taken: int | None = None
    waited: int = 0
    waits: bool = False
    again: date | None = None
    acknowledged: datetime | None = None


class Replay:
    """What was told to a shop by a moment, played through."""

    def __init__(self, told: Iterable[Told], zone: ZoneInfo, as_of: datetime, between: BetweenDays) -> None:
        self.told = sorted((one for one in told if one.at <= as_of), key=lambda one: one.at)
        self.zone, self.as_of, self.between = zone, as_of, between
        self.promises: dict[int, Promise] = {}
        self.group: dict[str, set[str]] = {}
        self.joined: dict[frozenset[str], datetime] = {}
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.taken_back: set[int] = set()
        for one in self.told:
            self.group.setdefault(one.case, {one.case})
            getattr(self, f"_{one.what}", lambda _: None)(one)
        for promise in self.promises.values():
            self._sum_up(promise)

    def _promised(self, one: Told) -> None:
        data, number = one.data, one.data["message"]
        held = self.promises.get(number)
        if held is None:
            self.promises[number] = Promise(
                message=number,
                case=one.case,
                channel=data["channel"],
                due=data["due_on"],
                came=data["received_at"],
                thought=data["received_at"],
                known=one.at,
                dated=data["dated"],
                before=data["before"],
            )
            return
        if data["due_on"] < held.due:
            held.due, held.came = data["due_on"], data["received_at"]
        held.thought = max(held.thought, data["received_at"])
        held.dated = held.dated or data["dated"]
        if held.case != one.case:
            held.case, held.answers = one.case, []

    def _answered(self, one: Told) -> None:
        given = {**one.data, "told": one.at, "number": len(self.answers)}
        self.answers.append((one.case, given))
        for promise in self.promises.values():
            if one.case == promise.case:
                promise.answers.append(given)
            elif one.case in self.group[promise.case]:
                since = self.joined[frozenset((one.case, promise.case))]
                promise.answers.append({**given, "seen": given["seen"] and given["at"] >= since})

    def _reopened(self, one: Told) -> None:
        if one.data["by_person"]:
            for case, given in self.answers:
                if given["word"] and one.case in self._became(case, one.at):
                    self.taken_back.add(given["number"])

    def _became(self, case: str, by: datetime) -> list[str]:
        """The case, and those that it was by a moment."""
        way = [case]
        while True:
            found = [one for one in self.told if one.what == "merged" and one.case == way[-1] and one.at <= by]
            if not found or found[-1].data["into"] not in self.group:
                return way
            way.append(found[-1].data["into"])

    def _merged(self, one: Told) -> None:
        into = one.data["into"]
        if into not in self.group:
            return
        mine, theirs = self.group[one.case], self.group[into]
        for left in mine:
            for right in theirs:
                self.joined[frozenset((left, right))] = one.at
        for some, others in ((mine, theirs), (theirs, mine)):
            for promise in self.promises.values():
                if promise.case in some:
                    late = [given for case, given in self.answers if case in others]
                    promise.answers += [{**given, "told": one.at, "seen": False} for given in late]
        both = mine | theirs
        for case in both:
            self.group[case] = both

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def _root(self, case: str, until: date | None = None) -> list[str]:
        """The case, and those that it became by a day."""
        way = [case]
        while True:
            found = [one for one in self.told if one.what == "merged" and one.case == way[-1]]
            found = [one for one in found if one.data["into"] in self.group]
            if not found or (until is not None and self._day(found[0].at) > until):
                return way
            way.append(found[0].data["into"])

    def _sum_up(self, promise: Promise) -> None:
        mine = [one for one in self.promises.values() if one.case == promise.case]
        mine.sort(key=lambda one: (one.came, one.message))
        promise.number = mine.index(promise) + 1
        promise.counts_as = self._root(promise.case, promise.due)[-1]
        given = [one for one in promise.answers if self._answers(one, promise)]
        in_time = [one for one in given if self._is_in_time(one, promise)]
        ordered = sorted(in_time or given, key=lambda one: (one["on"], one["at"], one["told"]))
        promise.kept = bool(in_time)
        promise.answer = ordered[0] if ordered else None
        promise.excluded = "before" if promise.before else self._excluded(promise)
        if promise.answer is not None:
            promise.taken = max(0, 4 + self._later(promise.due, promise.answer["on"]))
            self._written_again(promise, mine)
        else:
            self._waits(promise)
        if promise.number == 1:
            told = [one.at for one in self.told if one.what == "acknowledged" and one.case == promise.case]
            promise.acknowledged = min((moment for moment in told if moment >= promise.came), default=None)

    def _later(self, due: date, day: date) -> int:
        """Business days from the due date to another day; negative where that is earlier."""
        return self.between(due, day) if day >= due else -self.between(day, due)

    def _answers(self, given: dict[str, Any], promise: Promise) -> bool:
        if given["told"] < promise.known or given["number"] in self.taken_back:
            return False
        if "letter" in (promise.channel, given["how"]):
            return self._day(given["at"]) >= self._day(promise.thought)
        return bool(given["at"] >= promise.thought)

    def _is_in_time(self, given: dict[str, Any], promise: Promise) -> bool:
        known = given["seen"] or self._day(given["told"]) <= promise.due
        return bool(given["on"] <= promise.due and known)

    def _excluded(self, promise: Promise) -> str:
        never: Told | None = None
        waived: Told | None = None
        for one in self.told:
            if one.case != promise.counts_as:
                continue
            if one.what == "closed" and one.data["why"] in ("spam", "business", "no-complaint"):
                never = never or one
            elif one.what == "closed" and one.data["why"] in ("withdrawn", "duplicate", "thanks"):
                known = promise.answer is not None and promise.answer["told"] <= one.at
                if promise.came <= one.at and self._day(one.at) <= promise.due and not known:
                    waived = waived or one
            elif one.what == "reopened":
                never = None
                waived = None if one.data["by_person"] else waived
        standing = [one for one in (never, waived) if one is not None]
        return str(min(standing, key=lambda one: one.at).data["why"]) if standing else ""

    def _written_again(self, promise: Promise, mine: Sequence[Promise]) -> None:
        assert promise.answer is not None
        thanks = [
            one.at
            for one in self.told
            if one.what == "closed" and one.data["why"] == "thanks" and one.case == promise.case
        ]
        later = [
            one.came
            for one in mine
            if one is not promise
            and one.came > promise.answer["at"]
            and not any(one.came <= moment and self._day(moment) <= one.due for moment in thanks)
        ]
        promise.again = self._day(min(later)) if later else None

    def _waits(self, promise: Promise) -> None:
        way = self._root(promise.case)
        open_now, ended = True, self._day(self.as_of)
        for one in self.told:
            if one.case in way and one.what == "closed" and one.at >= promise.came:
                open_now, ended = False, self._day(one.at)
            elif one.case in way and one.what == "reopened" and not open_now:
                open_now, ended = True, self._day(self.as_of)
        promise.waits = open_now and not promise.excluded
        promise.waited = max(0, 4 + self._later(promise.due, ended))


def naive_wilson(good: int, count: int) -> tuple[float, float]:
    """Where the share is exactly 1.96 standard errors away, found by halving."""
    if not count:
        return 0.0, 0.0
    share = good / count

    def off(value: float) -> float:
        return abs(share - value) - 1.96 * sqrt(value * (1 - value) / count)

    def halve(near: float, far: float) -> float:
        for _ in range(200):
            middle = (near + far) / 2
            near, far = (middle, far) if off(middle) < 0 else (near, middle)
        return near

    return halve(share, 0.0) if good else 0.0, halve(share, 1.0) if good < count else 1.0


def naive_figures(replay: Replay, measure: str, first: date, last: date, number: int = 0) -> dict[str, Any]:
    """The figures of a measure over the promises that were due in a window, and are past."""
    today = replay.as_of.astimezone(replay.zone).date()
    past = [one for one in replay.promises.values() if one.due < today]
    looked_at = [one for one in past if first <= one.due <= last and _applies(one, measure, today, number)]
    looked_at.sort(key=lambda one: (one.due, one.came, one.channel, one.number, one.excluded))
    cases: dict[str, list[Promise]] = {}
    for one in looked_at:
        cases.setdefault(one.counts_as, []).append(one)
    counted = {case: [one for one in found if not one.excluded] for case, found in cases.items()}
    counted = {case: found for case, found in counted.items() if found}
    good = {case for case, found in counted.items() if all(_good(one, measure, number) for one in found)}
    excluded = Counter(found[-1].excluded for case, found in cases.items() if case not in counted)
    for case in counted:
        out = [one.excluded for one in cases[case] if one.excluded not in ("", "thanks")]
        excluded.update(out[-1:])
    merged = {one.case for one in looked_at if one.case not in cases}
    excluded.update({"merged": len(merged)} if merged else {})
    left_out = sum(times for reason, times in excluded.items() if reason != "before")
    channels = Counter(found[0].channel for found in counted.values())
    good_ones = Counter(found[0].channel for case, found in counted.items() if case in good)
    days = [_longest(found) for found in counted.values()]
    with_days = measure in ("answered-in-time", "median-days", "not-reopened-within")
    lower, upper = naive_wilson(len(good), len(counted))
    waiting = [one for one in past if one.waits]
    return {
        "count": len(counted),
        "good": len(good),
        "share": round(len(good) / len(counted), 6) if counted else 0.0,
        "lower": round(lower, 6),
        "upper": round(upper, 6),
        "median": _median(days) if with_days else None,
        "channels": {name: [channels[name], good_ones[name]] for name in sorted(channels)},
        "excluded": dict(sorted(excluded.items())),
        "excluded_share": round(left_out / (len(counted) + left_out), 6) if left_out else 0.0,
        "unanswered": len(waiting),
        "longest_wait": max((one.waited for one in waiting), default=0),
    }


def _applies(one: Promise, measure: str, today: date, number: int) -> bool:
    match measure:
        case "acknowledged-within":
            return one.number == 1
        case "letters-dated":
            return one.channel == "letter"
        case "not-reopened-within":
            return one.answer is not None and bool(today > one.answer["on"] + timedelta(days=number))
    return True


def _good(one: Promise, measure: str, number: int) -> bool:
    match measure:
        case "answered-in-time":
            return one.kept and (number == 0 or (one.taken is not None and one.taken <= number))
        case "median-days":
            return one.answer is not None
        case "acknowledged-within":
            return one.acknowledged is not None and one.acknowledged <= one.came + timedelta(hours=number)
        case "not-reopened-within":
            assert one.answer is not None
            return one.again is None or bool(one.again > one.answer["on"] + timedelta(days=number))
    return one.dated


def _longest(found: Sequence[Promise]) -> float:
    return max(float("inf") if one.taken is None else float(one.taken) for one in found)


def _median(days: list[float]) -> float | None:
    days.sort()
    if not days:
        return None
    middle = (days[(len(days) - 1) // 2] + days[len(days) // 2]) / 2
    return None if middle == float("inf") else middle
