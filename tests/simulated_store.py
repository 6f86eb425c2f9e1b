"""A simulated year written into a real database, as Intake would have written it; see `simulated_year`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from itertools import count
from typing import Any

from sqlalchemy import select

from intake.pipeline.records import in_force
from storage.database import reading
from storage.models import CaseState, Channel, DeadlineKind, DraftState, Fate
from storage.processing import Processing
from storage.store import Store
from storage.tables import ARRIVALS
from tests.records import a_case, a_deadline, a_draft, a_message, an_arrival, an_event
from tests.simulated_year import Step, Story, last_promised


def write_year(store: Store, stories: Sequence[Story]) -> None:
    """Write the stories as Intake would have: arrivals, messages, cases, dates, drafts and the history."""
    arrivals = _arrivals(store, stories)
    with store.processing() as unit:
        _Writer(unit, stories, arrivals).write()


def _arrivals(store: Store, stories: Sequence[Story]) -> dict[int, int]:
    """An arrival for each message; the ids of the arrivals by message."""
    for shop in dict.fromkeys(story.shop.id for story in stories):
        rows = []
        for story in stories:
            for step in story.steps:
                if story.shop.id == shop and step.what == "wrote":
                    data = step.data
                    rows.append(
                        an_arrival(
                            data["message"],
                            shop=shop,
                            account=shop,
                            channel=Channel(data["channel"]),
                            received_at=data["received_at"],
                            stored_at=step.at,
                            assumed=data["assumed"],
                            imported=data["imported"],
                            answered=data["imported"],
                        )
                    )
        store.receive(rows)
    with reading(store.engine) as connection:
        return {row.uid: row.id for row in connection.execute(select(ARRIVALS.c.uid, ARRIVALS.c.id))}


class _Writer:
    """Writes all stories in one transaction, and the history in the order of time."""

    def __init__(self, unit: Processing, stories: Sequence[Story], arrivals: Mapping[int, int]) -> None:
        self._unit = unit
        self._stories = stories
        self._arrivals = arrivals
        self._cases: dict[str, int] = {}
        self._messages: dict[int, int] = {}
        self._tokens = count(1)
        self._steps = sorted(
            ((step.at, number, story, step) for number, story in enumerate(stories) for step in story.steps),
            key=lambda told: told[:2],
        )

    def write(self) -> None:
        for story in self._stories:
            self._open(story)
        owners = self._owners()
        for _, _, story, step in self._steps:
            if step.what == "wrote":
                self._message(owners[step.data["message"]], story, step)
        for _, _, story, step in self._steps:
            self._step(story, step)

    def _owners(self) -> dict[int, tuple[Story, Step]]:
        """The case in which each message ended up, and by which step."""
        begun = [(step.data["message"], (story, step)) for _, _, story, step in self._steps if "message" in step.data]
        return dict(begun)

    def _open(self, story: Story) -> None:
        shop, first = story.shop, story.steps[0]
        reference = self._unit.next_reference(shop.id, shop.prefix, 2026)
        assert reference == story.reference
        data = first.data
        promised = [step.data for step in story.steps if step.data.get("due_on")]
        case = a_case(
            reference,
            shop=shop.id,
            channel=Channel(data["channel"]),
            category=story.category,
            language=shop.languages[0],
            received_at=promised[0]["received_at"],
            due_on=promised[-1]["due_on"],
            target_at=datetime.combine(promised[-1]["due_on"], time(17), shop.zone),
            assumed=data.get("assumed", False) and not any(step.what == "corrected" for step in story.steps),
            opened_at=first.at,
            **_ending(story),
        )
        self._cases[reference] = self._unit.open_case(case, [f"{reference.lower()}@example.com"])

    def _message(self, owner: tuple[Story, Step], story: Story, step: Step) -> None:
        data, (last, how) = step.data, owner
        opened = how.what in ("split off", "corrected") or how is last.steps[0]
        arrival = self._arrivals[data["message"]]
        record = a_message(
            arrival,
            shop=story.shop.id,
            channel=Channel(data["channel"]),
            fate=Fate.OPENED if opened else Fate.JOINED,
            case_id=self._cases[last.reference],
            received_at=data["received_at"],
            stored_at=step.at,
            category=story.category,
        )
        self._messages[data["message"]] = self._unit.add_message(record)
        self._unit.finish_arrival(arrival)

    def _step(self, story: Story, step: Step) -> None:
        case, data = self._cases[story.reference], step.data
        match step.what:
            case "wrote" | "split off" | "corrected":
                self._promise(story, step)
            case "acknowledged":
                self._draft(story, "acknowledgement", sent_at=step.at)
                self._event(story, step, "acknowledged")
            case "answered":
                self._answer(story, step)
            case "closed":
                self._event(story, step, "closed", "mirjam", **{"from": "open", "why": data["why"]})
            case "reopened":
                self._event(story, step, "reopened", "mirjam", **{"from": "closed", "to": f"{step.at:%Y-%m-%d}"})
            case "merged":
                self._event(story, step, "merged", "mirjam", **{"from": "open", "into": data["into"]})
                copied = self._deadline(self._cases[data["into"]], story, last_promised(story), step.at)
                self._unit.add_deadline(copied.model_copy(update={"because": f"promised in {story.reference}"}))
                self._unit.change_case(case, merged_into_id=self._cases[data["into"]], state=CaseState.MERGED)
            case "held" | "moved":
                kind = {"held": DeadlineKind.HOLDING, "moved": DeadlineKind.MOVED}[step.what]
                moved = self._deadline(case, story, last_promised(story), step.at)
                self._unit.add_deadline(moved.model_copy(update={"kind": kind, "because": "they asked", "actor": "m"}))
                self._event(story, step, {"held": "holding reply", "moved": "date moved"}[step.what], "mirjam")

    def _promise(self, story: Story, step: Step) -> None:
        data, first = step.data, step is story.steps[0]
        if data["due_on"] is not None:
            self._unit.add_deadline(self._deadline(self._cases[story.reference], story, data, step.at))
        words = {"corrected": "corrected by its record"}.get(step.what, "opened" if first else "joined")
        self._event(story, step, words)
        if data["due_on"] is not None and step.what == "wrote" and not first:
            self._event(story, step, "reopened")
        if step.what == "split off":
            other = next(one for one in self._stories if one.reference == data["from"])
            self._event(other, step, "a message was split off", "mirjam", to=story.reference)
        if step.what == "corrected":
            arrival = self._arrivals[data["message"]]
            self._unit.change_arrival(arrival, record={"sha256": "0" * 64})
            self._unit.change_message(self._messages[data["message"]], received_at=data["received_at"])

    def _deadline(self, case_id: int, story: Story, data: Mapping[str, Any], at: datetime) -> Any:
        return a_deadline(
            case_id,
            self._messages[data["message"]],
            received_at=data["received_at"],
            due_on=data["due_on"],
            target_at=datetime.combine(data["due_on"], time(17), story.shop.zone),
            promise=in_force(story.shop),
            made_at=at,
        )

    def _answer(self, story: Story, step: Step) -> None:
        data = step.data
        told: dict[str, Any] = {"answered_at": data["answered_at"].isoformat()}
        if data["seen"]:
            told["draft"] = str(self._draft(story, "answer", sent_at=data["answered_at"]))
        elif data["how"] == "letter":
            posted, expected = data["posted_on"], data["on"]
            self._draft(story, "answer", channel=Channel.LETTER, posted_on=posted, delivery_on=expected)
            told |= {"posted_on": posted.isoformat(), "delivery_on": expected.isoformat()}
        else:
            told["on"] = data["on"].isoformat()
        actor = "manager, by mail" if data["seen"] else "mirjam"
        self._event(story, step, f"answered by {data['how']}", actor, **told)

    def _draft(self, story: Story, kind: str, **more: Any) -> int:
        message = self._messages[last_promised(story)["message"]]
        case_id = self._cases[story.reference]
        token = f"<{story.reference}.{kind}.{next(self._tokens)}@example.nl>"
        template = f"{story.shop.languages[0]}/{kind}.j2"
        state = DraftState.APPROVED if "posted_on" in more else DraftState.SENT
        made = {"kind": kind, "template": template, "token": token, "state": state, "category": story.category}
        return self._unit.add_draft(a_draft(case_id, message, **made, **more))

    def _event(self, story: Story, step: Step, kind: str, actor: str = "intake", **data: Any) -> None:
        case_id = self._cases[story.reference]
        self._unit.add_event(
            an_event(shop=story.shop.id, case_id=case_id, kind=kind, actor=actor, data=data, at=step.at)
        )


def _ending(story: Story) -> dict[str, Any]:
    """How the case stands at the end of the year."""
    for step in reversed(story.steps):
        if step.what == "answered":
            how = {"answered_at": step.data["answered_at"], "answered_how": step.data["how"]}
            return {"state": CaseState.ANSWERED, **how}
        if step.what == "closed":
            return {"state": CaseState.CLOSED, "closed_at": step.at, "closed_as": step.data["why"]}
        if step.what == "wrote" and step.data["imported"]:
            return {"state": CaseState.ANSWERED}
        if step.what in ("reopened", "wrote") and (step.what == "reopened" or step.data["due_on"]):
            return {}
    return {}
