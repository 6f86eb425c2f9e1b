"""A year of complaints to three shops, told as stories and written into a real database: for whoever measures it.

    stories = tell_year(shops)              pure, the same each time; three shops, 1,200 cases, all of 2026
    write_year(store, stories)              of `simulated_store`: into an empty database of the newest schema

`SHOPS` are the settings (`make_config(data, database, shops=list(SHOPS))`), and `NOW` is a moment at which all twelve
months of 2026 are measured. A story is what happened to one case, step by step, in the order in which Intake was told:

    wrote           a message of the customer's; with a due date it opens the case, or opens it again
    acknowledged    the customer was told that it came
    answered        `how`, when (`answered_at`), the day that counts (`on`), and whether it was `seen` in Sent
    closed, reopened, merged (`into`), held, moved
    split off       a message of another case begins this one
    corrected       a record told that a letter came on another day; what was promised is counted again
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from intake import deadlines
from intake.config import Shop
from intake.types import Channel as Way
from tests.builders import shop_settings

NOW = datetime(2027, 1, 12, 8, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 2), date(2026, 12, 30)
CASES = 1_200
STEADINESS = (6, 1, 2)  # how much oftener than elsewhere a shop simply answers in time
CATEGORIES = ("del_none", "del_late", "damaged", "refund", "billing")
SHOPS: tuple[dict[str, Any], ...] = (
    shop_settings(),
    shop_settings(
        id="cut",
        name="Na vijven",
        prefix="CUT",
        manager={"name": "Anna", "addresses": ["anna@example.com"]},
        promise={"counting": "cut-off", "cut_off": "17:00"},
        calendar={"closed": ["2026-05-15", "2026-07-27", "2026-07-28", "2026-12-24", "2026-12-31"]},
    ),
    shop_settings(
        id="deu",
        name="Laden",
        prefix="DEU",
        languages=["de"],
        time_zone="Europe/Berlin",
        manager={"name": "Max", "addresses": ["max@example.de"]},
        calendar={"country": "DE", "subdivision": "NW", "open": []},
    ),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that Intake was told of a case, and when."""

    at: datetime
    what: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Story:
    """What happened to one case."""

    shop: Shop
    reference: str
    category: str
    steps: list[Step] = field(default_factory=list)

    def tell(self, at: datetime, what: str, **data: Any) -> None:
        self.steps.append(Step(at, what, data))


def tell_year(shops: Sequence[Shop], cases: int = CASES, seed: int = 6) -> tuple[Story, ...]:
    """The stories of a year, about as many for each shop, in the order of their references."""
    stories: list[Story] = []
    messages = count(1)
    for index, shop in enumerate(shops):
        teller = _Teller(Random(seed + index), shop, messages)
        stories += teller.tell(cases // len(shops), STEADINESS[index % len(STEADINESS)])
    return tuple(stories)


@dataclass(slots=True)
class _Teller:
    """Tells the stories of one shop. The chances are such that each month has some of everything."""

    dice: Random
    shop: Shop
    messages: Iterator[int]
    told: list[Story] = field(default_factory=list)

    def tell(self, wanted: int, steadiness: int) -> list[Story]:
        kinds = [kind for kind, weight in _KINDS for _ in range(weight)]
        kinds += [_Teller.answered] * 130 * (steadiness - 1)
        while len(self.told) < wanted:
            few = len(self.told) > wanted - 3  # no room for those who need another case or two
            kind = _Teller.answered if few else self.dice.choice(kinds)
            kind(self, self._open(letter=kind is _Teller.corrected or self.dice.random() < 0.22))
        return self.told

    # What opens a case, and the days around it

    def _open(self, *, letter: bool, day: date | None = None) -> Story:
        day = day or FIRST + timedelta(days=self.dice.randrange((LAST - FIRST).days + 1))
        story = self._story()
        received = self._at(day, 12) if letter else self._at(day, self.dice.randrange(24), self.dice.randrange(60))
        made = self._at(self._after(day, 1), 10) if letter else received + timedelta(minutes=self.dice.randrange(1, 9))
        self._wrote(story, made, received, letter=letter, assumed=letter and self.dice.random() < 0.2)
        if not letter and self.dice.random() < 0.9:
            story.tell(made + timedelta(hours=self.dice.choice((0, 0, 0, 5, 30))), "acknowledged")
        return story

    def _story(self) -> Story:
        reference = f"{self.shop.prefix}-2026-{len(self.told) + 1:04}"
        self.told.append(Story(self.shop, reference, self.dice.choice(CATEGORIES)))
        return self.told[-1]

    def _wrote(self, story: Story, made: datetime, received: datetime, **more: Any) -> None:
        channel = Way.LETTER if more.get("letter") else Way.MAIL
        due = deadlines.due(received, self.shop.promise_for(), self.shop.calendar, self.shop.zone)
        data = {"message": next(self.messages), "received_at": received, "due_on": due.due_on}
        story.tell(made, "wrote", **{**data, "assumed": False, "imported": False, **more, "channel": channel.value})

    def _at(self, day: date, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), self.shop.zone).astimezone(UTC)

    def _after(self, day: date, days: int) -> date:
        return deadlines.add_business_days(day, days, self.shop.calendar)

    def _office(self, day: date, not_before: datetime) -> datetime:
        """A moment in the working hours of a day, later than another."""
        return max(self._at(day, self.dice.randrange(8, 18), self.dice.randrange(60)), not_before + timedelta(hours=1))

    def _in_time(self, story: Story) -> datetime:
        """A moment after the last message, by its due date."""
        made, data = story.steps[-1].at, last_promised(story)
        zero = self._day(data["received_at"])
        days = [day for n in range(5) if (day := self._after(zero, n)) <= data["due_on"]]
        moment = self._office(self.dice.choice(days[1:] if len(days) > 1 else days), made)
        return moment if self._day(moment) <= data["due_on"] else made + timedelta(minutes=1)

    def _late(self, story: Story) -> datetime:
        day = self._after(last_promised(story)["due_on"], self.dice.choice((1, 1, 2, 3, 7, 15)))
        return self._office(day, story.steps[-1].at)

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.shop.zone).date()

    def _mailed(self, story: Story, at: datetime, told: datetime | None = None) -> None:
        story.tell(told or at, "answered", how="mail", answered_at=at, on=self._day(at), seen=True)

    # What becomes of it

    def answered(self, story: Story) -> None:
        self._mailed(story, self._in_time(story))

    def answered_late(self, story: Story) -> None:
        self._mailed(story, self._late(story))

    def seen_later(self, story: Story) -> None:
        """Sent in time, and seen after the due date: the mail server was away."""
        at = self._in_time(story)
        told = self._at(self._after(last_promised(story)["due_on"], 2), 9)
        self._mailed(story, at, max(told, at))

    def phoned(self, story: Story) -> None:
        at = self._in_time(story)
        how = self.dice.choice(("phone", "counter", "mail"))
        story.tell(at, "answered", how=how, answered_at=at, on=self._day(at), seen=False)

    def phoned_they_say(self, story: Story) -> None:
        """A person's word, after the due date, of a day before it."""
        at = self._in_time(story)
        story.tell(max(self._late(story), at), "answered", how="phone", answered_at=at, on=self._day(at), seen=False)

    def posted(self, story: Story) -> None:
        """Answered by letter; now and then it was posted too late to come in time, or nobody said so at once."""
        data, made = last_promised(story), story.steps[-1].at
        last = deadlines.post_by(data["due_on"], self.shop.post, self.shop.calendar)
        day = max(self._day(made), last if self.dice.random() < 0.85 else self._after(last, 1))
        expected = deadlines.expected_delivery(day, self.shop.post, self.shop.calendar)
        at = max(self._at(day, 17), made + timedelta(minutes=5))
        told = at if self.dice.random() < 0.9 else at + timedelta(days=9)
        story.tell(told, "answered", how="letter", answered_at=at, on=expected, seen=False, posted_on=self._day(at))

    def never(self, story: Story) -> None:
        """Nobody answers."""

    def held(self, story: Story) -> None:
        story.tell(self._in_time(story), "held")
        self._mailed(story, self._late(story))

    def moved(self, story: Story) -> None:
        story.tell(self._in_time(story), "moved")
        self._mailed(story, self._late(story))

    def withdrawn(self, story: Story) -> None:
        story.tell(self._in_time(story), "closed", why=self.dice.choice(("withdrawn", "withdrawn", "duplicate")))

    def withdrawn_late(self, story: Story) -> None:
        story.tell(self._late(story), "closed", why="withdrawn")

    def withdrawn_and_reopened(self, story: Story) -> None:
        """A person closes it, and opens it again; it may be answered in time, or late."""
        story.tell(self._in_time(story), "closed", why="withdrawn")
        story.tell(story.steps[-1].at + timedelta(hours=2), "reopened")
        self._mailed(story, story.steps[-1].at + timedelta(days=self.dice.choice((0, 1, 9)), hours=1))

    def no_complaint(self, story: Story) -> None:
        """Spam, business: found out at any time, and now and then taken back."""
        why = self.dice.choice(("spam", "business", "no-complaint"))
        late = self.dice.random() < 0.3
        story.tell(self._late(story) if late else self._in_time(story), "closed", why=why)
        if self.dice.random() < 0.25:
            story.tell(story.steps[-1].at + timedelta(hours=3), "reopened")
            self._mailed(story, story.steps[-1].at + timedelta(days=1))

    def settled(self, story: Story) -> None:
        """Closed without an answer: a miss that nobody waits for any more."""
        story.tell(self._late(story), "closed", why=self.dice.choice(("agreed", "settled")))

    def thanked(self, story: Story) -> None:
        self.answered(story)
        self._write_again(story, self.dice.randrange(1, 6))
        story.tell(self._in_time(story), "closed", why="thanks")

    def wrote_again(self, story: Story) -> None:
        self.answered(story)
        self._write_again(story, self.dice.randrange(1, 50))
        self.dice.choice((self.answered, self.answered, self.answered_late, self.never))(story)

    def reopened_by_hand(self, story: Story) -> None:
        self.answered(story)
        story.tell(story.steps[-1].at + timedelta(days=1), "reopened")
        self._mailed(story, story.steps[-1].at + timedelta(days=2))

    def imported(self, story: Story) -> None:
        """Brought in as answered; some write again."""
        first = story.steps[0]
        story.steps = [Step(first.at + timedelta(days=40), "wrote", {**first.data, "imported": True})]
        if self.dice.random() < 0.4:
            self._write_again(story, 20)
            self.dice.choice((self.answered, self.never))(story)

    def corrected(self, story: Story) -> None:
        """A record comes after the scan: the letter lay there before the weekend, or came later than was thought."""
        first = story.steps[0]
        received = first.data["received_at"] + timedelta(days=self.dice.choice((-3, -2, 1)))
        due = deadlines.due(received, self.shop.promise_for(), self.shop.calendar, self.shop.zone).due_on
        story.steps[0] = Step(first.at, "wrote", {**first.data, "assumed": True})
        again = {"message": first.data["message"], "received_at": received, "due_on": due}
        story.tell(first.at + timedelta(hours=3), "corrected", **again)
        at = self._office(self._after(self._day(first.at), self.dice.randrange(1, 4)), story.steps[-1].at)
        self._mailed(story, at)

    def merged(self, story: Story) -> None:
        """The customer wrote twice, and the second case is merged into the first, in time or late; the answer goes to
        the first."""
        first, data = story, last_promised(story)
        second = self._open(letter=data["channel"] == "letter", day=self._day(data["received_at"]) + timedelta(days=1))
        made = max(second.steps[-1].at, first.steps[-1].at)
        late = self.dice.random() < 0.4
        at = self._late(second) if late else made + timedelta(hours=1)
        second.tell(at, "merged", into=first.reference)
        chance = self.dice.random()
        if chance < 0.3 and late:  # answered before they became one
            self._mailed(first, made + timedelta(minutes=20))
        elif chance < 0.8:
            self._mailed(first, max(self._in_time(first), at + timedelta(minutes=10)))
        elif chance < 0.9:
            first.tell(at + timedelta(minutes=30), "closed", why="withdrawn")

    def merged_twice(self, story: Story) -> None:
        """A chain of three: the first into the second, which is merged into the third."""
        received = last_promised(story)["received_at"]
        second = self._open(letter=False, day=self._day(received) + timedelta(days=1))
        third = self._open(letter=False, day=self._day(received) + timedelta(days=2))
        made = max(one.steps[-1].at for one in (story, second, third))
        story.tell(made + timedelta(hours=1), "merged", into=second.reference)
        later = self.dice.choice((timedelta(hours=2), timedelta(days=9)))
        second.tell(made + later, "merged", into=third.reference)
        self._mailed(third, made + later + timedelta(hours=self.dice.choice((1, 20, 200))))

    def split(self, story: Story) -> None:
        """A message that joined is made a case of its own some days later."""
        data, made = last_promised(story), story.steps[-1].at
        received = made + timedelta(minutes=30)
        number = next(self.messages)
        joined = {"message": number, "received_at": received, "due_on": None, "channel": data["channel"]}
        story.tell(received + timedelta(minutes=1), "wrote", assumed=False, imported=False, **joined)
        due = deadlines.due(received, self.shop.promise_for(), self.shop.calendar, self.shop.zone).due_on
        self.answered(story)
        own = self._story()
        at = received + timedelta(days=self.dice.choice((1, 2, 9)))
        own.tell(at, "split off", **{**joined, "due_on": due}, **{"from": story.reference})
        self._mailed(own, at + timedelta(hours=self.dice.choice((1, 30))))

    def split_after_reopening(self, story: Story) -> None:
        """What opened the case again was another matter."""
        self.answered(story)
        self._write_again(story, 3)
        data, made = story.steps[-1].data, story.steps[-1].at
        own = self._story()
        same = {name: data[name] for name in ("message", "received_at", "due_on", "channel")}
        own.tell(made + timedelta(hours=2), "split off", **same, **{"from": story.reference})
        self._mailed(own, own.steps[-1].at + timedelta(hours=self.dice.choice((1, 200))))

    def _write_again(self, story: Story, days: int) -> None:
        received = story.steps[-1].at + timedelta(days=days, minutes=self.dice.randrange(600))
        self._wrote(story, received + timedelta(minutes=3), received)


_KINDS: tuple[tuple[Callable[[_Teller, Story], None], int], ...] = (
    (_Teller.answered, 130),
    (_Teller.phoned, 12),
    (_Teller.posted, 20),
    (_Teller.seen_later, 5),
    (_Teller.phoned_they_say, 4),
    (_Teller.answered_late, 9),
    (_Teller.never, 1),
    (_Teller.held, 3),
    (_Teller.moved, 2),
    (_Teller.withdrawn, 4),
    (_Teller.withdrawn_late, 2),
    (_Teller.withdrawn_and_reopened, 3),
    (_Teller.no_complaint, 6),
    (_Teller.settled, 2),
    (_Teller.thanked, 6),
    (_Teller.wrote_again, 10),
    (_Teller.reopened_by_hand, 2),
    (_Teller.imported, 2),
    (_Teller.corrected, 6),
    (_Teller.merged, 6),
    (_Teller.merged_twice, 2),
    (_Teller.split, 3),
    (_Teller.split_after_reopening, 2),
)


def last_promised(story: Story) -> Mapping[str, Any]:
    return [step.data for step in story.steps if step.what in ("wrote", "split off") and step.data["due_on"]][-1]
