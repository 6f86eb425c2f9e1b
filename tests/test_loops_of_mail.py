"""Mail that answers itself: two shops whose people are away, and drafts that are sent as soon as they lie there."""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_bytes
from pathlib import Path

from intake.pipeline import House, process, receive_files
from intake.pipeline.delivering import draft_mail
from intake.pipeline.renewing import DRAFTS_A_DAY
from intake.sources.files import FoundMail
from storage.models import CaseState
from tests.builders import MONDAY, fates, mail, make_config, make_house, shop_settings

ROUNDS = 50


def a_shop(folder: Path, stack: ExitStack, name: str) -> House:
    manager = {"name": "Mirjam", "addresses": [f"manager@{name}.example.nl"]}
    config = make_config(folder / name, "", [shop_settings(manager=manager)])
    return stack.enter_context(make_house(config, MONDAY))


def take_in(house: House, raw: bytes) -> None:
    for _ in receive_files(house, house.config.shops[0], iter([FoundMail("x.eml", raw)])):
        process(house)


def new_drafts(house: House, sent: set[str]) -> Iterator[bytes]:
    """Drafts that were not sent yet, sent now by a manager who does not look."""
    for case in house.store.list_cases(states=tuple(CaseState)):
        for draft in house.store.case_file(case.id or 0).drafts:
            if draft.token not in sent:
                sent.add(draft.token)
                yield draft_mail(house, draft, case)


def vacation(raw: bytes, number: int) -> bytes:
    """What a server sends for somebody who is away, to whatever comes (RFC 3834)."""
    received = message_from_bytes(raw)
    return mail(
        "Ik ben er tot maandag niet.",
        sender=str(received["To"]),
        to=str(received["From"]),
        subject=f"Automatisch antwoord: {received['Subject']}",
        message_id=f"<vacation{number}@example.nl>",
        in_reply_to=str(received["Message-ID"]),
        auto_submitted="auto-replied",
    )


def test_a_vacation_loop_between_two_installations_dies_although_nobody_looks_at_what_is_sent(tmp_path: Path) -> None:
    with ExitStack() as stack:
        houses = {name: a_shop(tmp_path, stack, name) for name in ("a", "b")}
        first = mail(sender="Klant <manager@b.example.nl>", to="manager@a.example.nl")
        post, sent, count = deque([first]), set[str](), 0
        while post and count < ROUNDS:
            count += 1
            raw = post.popleft()
            here = houses["a" if "@a." in str(message_from_bytes(raw)["To"]) else "b"]
            take_in(here, raw)
            if "Auto-Submitted" not in message_from_bytes(raw):
                post.append(vacation(raw, count))
            for house in houses.values():
                post.extend(new_drafts(house, sent))
        told = {name: fates(house.store) for name, house in houses.items()}
        automatic = [line.message for house in houses.values() for line in house.store.list_arrivals() if line.message]
    assert not post, "the loop goes on"
    # The complaint, the answers that each draws up of a case in a day, and one notice for each of them.
    assert count == 2 * (1 + 2 * DRAFTS_A_DAY)
    assert {name: seen.count("joined") for name, seen in told.items()} == {"a": DRAFTS_A_DAY, "b": DRAFTS_A_DAY - 1}
    assert {name: seen.count("opened") for name, seen in told.items()} == {"a": 1, "b": 1}
    assert {message.reason_kind for message in automatic if message.fate == "set aside"} == {"automatic"}
