"""Erase: people are forgotten in place, and what lies outside the database follows.

    due, or asked for ─► rows emptied, tombstones, history, one commit ─► files deleted ─► database written anew
                                                                          (effects: repeated until they have happened)

What is measured stays: dates, outcome, channel, category, labels. Tombstones keep what was erased from coming back from
a mailbox, a folder or an import.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from intake.config import Shop
from intake.outlets.erased import ErasedScan
from intake.pipeline.effects import ERASE_FILES
from intake.pipeline.house import House
from intake.pipeline.items import POST, Item
from intake.pipeline.records import SYSTEM, event_of
from intake.pipeline.settling import Settlement
from intake.rules.retention import HELD
from intake.rules.tombstones import keys_of
from intake.types import Fate
from storage import models
from storage.erasing import Family
from storage.forgetting import Forgotten
from storage.models import Arrival, Effect, Event, Tombstone
from storage.processing import Processing

UNDONE_FOR = timedelta(days=7)  # what was asked for before, and has not happened, never will
UNDONE = "something of it is still on its way"
ASKED = "asked"
CHANGED = "it was opened again, merged or forgotten meanwhile"
ERASED, ERASED_BEFORE = "erased", "it was erased before"
BLANK_LETTER = {"pages": [{"number": 1, "problem": ERASED}], "received_on": None, "copy": ""}
BATCH = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """Why something is erased, in one word for the history (`retention` or `ASKED`), who wants it, and on what ground,
    in a word too."""

    why: str
    actor: str = SYSTEM
    ground: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """What the history keeps of it."""
        return {"why": self.why, **({"ground": self.ground} if self.ground else {})}


def forget_case(house: House, case_id: int, wish: Wish, refusal: Callable[[Family], str]) -> str:
    """Forget the people in a case and in those merged into it; why not ("" where it is done). `refusal` says of them,
    as they are now, why they are kept ("" where they are not)."""
    now = house.clock()
    with house.store.processing() as unit:
        family = unit.erasure.family(case_id)
        if family is None:
            return CHANGED
        kept = HELD if any(case.legal_hold for case in family.cases) else refusal(family)
        messages = unit.erasure.messages_of(family.ids)
        if not kept and unit.erasure.undone(family.ids, messages, now - UNDONE_FOR):
            kept = UNDONE
        if kept:
            return kept
        gone = unit.erasure.forget_messages(messages, now, BLANK_LETTER)
        gone.add(unit.erasure.forget_cases(family.cases, now))
        _bury(house, unit, gone.messages, gone.arrivals)
        for case in family.cases:
            unit.add_event(
                Event(shop=case.shop, case_id=case.id, kind="anonymised", actor=wish.actor, data=wish.told, at=now)
            )
        references = [case.reference for case in family.cases]
        files = _of_files(house, family.case.shop, gone, references, f"case:{case_id}")
        unit.add_effect(_at_once(files) if wish.why == ASKED else files)
    house.checkpoint("anonymised")
    house.log.info("anonymised", case=family.case.reference, why=wish.why)
    return ""


def forget_messages(
    house: House, shop: Shop, message_ids: Sequence[int], wish: Wish, *, theirs: Collection[str] | None = None
) -> int:
    """Forget messages that belong to no case whose people are kept; how many. Those of somebody who asks for it are
    forgotten in any case, with what they left there; `theirs` is by what that person takes part in cases."""
    done = 0
    for start in range(0, len(message_ids), BATCH):
        now = house.clock()
        with house.store.processing() as unit:
            part = message_ids[start : start + BATCH]
            part = part if theirs is not None else unit.erasure.messages_of_none(part)
            gone = unit.erasure.forget_messages(part, now, BLANK_LETTER)
            if not gone.messages:
                continue
            if theirs is not None:
                unit.erasure.forget_in_cases(gone.messages, theirs)
            _bury(house, unit, *_not_to_return(unit, gone, wish))
            for message in gone.messages:
                data = {**wish.told, "message": message.id}
                unit.add_event(
                    Event(
                        shop=shop.id,
                        arrival_id=message.arrival_id,
                        kind=ERASED,
                        actor=wish.actor,
                        data=data,
                        at=now,
                    )
                )
            files = _of_files(house, shop.id, gone, (), f"message:{gone.messages[0].id}")
            unit.add_effect(_at_once(files) if wish.why == ASKED else files)
        house.checkpoint("messages erased")
        done += len(gone.messages)
    return done


def settle_erased(house: House, unit: Processing, items: Sequence[Item]) -> list[Settlement]:
    """What was erased before has come again: it is set aside without a word of it, and deleted again."""
    arrival, now = items[0].arrival, house.clock()
    for item in items:
        unit.add_message(
            models.Message(
                arrival_id=item.arrival_id,
                part=item.part,
                shop=arrival.shop,
                channel=arrival.channel,
                fate=models.Fate.SET_ASIDE,
                reason_kind=ERASED,
                reason=ERASED_BEFORE,
                received_at=item.received_at,
                stored_at=now,
                erased_at=now,
            )
        )
    gone = unit.erasure.forget_arrival(item.arrival_id, now)
    gone.hashes.update(item.copy for item in items if item.copy)
    unit.finish_arrival(item.arrival_id)
    unit.add_event(event_of(house, arrival, None, models.Fate.SET_ASIDE.value, why=ERASED))
    effect = _of_files(house, arrival.shop, gone, (), f"arrival:{arrival.id}")
    if arrival.account == POST:
        day = now.astimezone(items[0].shop.zone).date().isoformat()
        effect = effect.model_copy(update={"payload": {**effect.payload, "note": [day, arrival.id]}})
    unit.add_effect(effect)
    return [Settlement(item.arrival_id, Fate.SET_ASIDE, ERASED)]


def _not_to_return(unit: Processing, gone: Forgotten, wish: Wish) -> tuple[list[models.Message], list[Arrival]]:
    """What is kept away of messages without a case: all that somebody asked for, else what a case had once. The rest
    may come again, and is set aside again: a person who finds a complaint in the spam can still open it. A scan of many
    letters is kept away where one of them was erased otherwise."""
    if wish.why == ASKED:
        return gone.messages, gone.arrivals
    free = [message.id or 0 for message in gone.messages if message.case_id is None]
    mixed = unit.erasure.arrivals_of_others([arrival.id or 0 for arrival in gone.arrivals], free)
    messages = [message for message in gone.messages if message.case_id is not None]
    return messages, [arrival for arrival in gone.arrivals if arrival.id in mixed]


def _bury(house: House, unit: Processing, messages: Sequence[models.Message], arrivals: Sequence[Arrival]) -> None:
    """Keep these away; but not what is the same as something that is not erased, such as the scan of an open case."""
    for shop in sorted({message.shop for message in messages} | {arrival.shop for arrival in arrivals}):
        mails = {(one.message_id, one.content_hash) for one in messages if one.shop == shop}
        scans = {one.sha256 for one in arrivals if one.shop == shop}
        mails -= unit.erasure.mails_held(shop, [message_id for message_id, _ in mails])
        scans -= unit.erasure.originals_held(shop, list(scans))
        keys = {key for mail in mails for key in keys_of(house.key, shop, "", *mail)}
        keys |= {key for scan in scans for key in keys_of(house.key, shop, scan)}
        unit.erasure.bury(Tombstone(shop=shop, key=key, at=house.clock()) for key in sorted(keys))


def _at_once(files: Effect) -> Effect:
    """A person waits for it: the database is cleaned right after the files are gone."""
    return files.model_copy(update={"payload": {**files.payload, "at_once": True}})


def _of_files(house: House, shop: str, gone: Forgotten, references: Sequence[str], key: str) -> Effect:
    """Ask for the files to be deleted: originals by their hashes, and what lies in the post folder."""
    now = house.clock()
    duplicates = {message.arrival_id for message in gone.messages if message.fate is models.Fate.DUPLICATE}
    scans = [_scan(arrival, arrival.id in duplicates) for arrival in gone.arrivals if arrival.account == POST]
    payload: dict[str, Any] = {
        "hashes": sorted(filter(None, gone.hashes)),
        "references": list(references),
        "scans": scans,
        "records": sorted({str(one.record["sha256"]) for one in gone.arrivals if one.record}),
        "runs": sorted({draft.run for draft in gone.drafts if draft.run}),
    }
    return Effect(key=f"{ERASE_FILES}:{key}", shop=shop, kind=ERASE_FILES, payload=payload, not_before=now, made_at=now)


def _scan(arrival: Arrival, duplicate: bool) -> dict[str, Any]:
    scan = ErasedScan(
        arrival=arrival.id or 0,
        sha256=arrival.sha256,
        size=arrival.size,
        name=arrival.name,
        claim=arrival.folder,
        row=arrival.batch_row,
        duplicate=duplicate,
    )
    return asdict(scan)
