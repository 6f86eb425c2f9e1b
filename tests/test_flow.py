"""From bytes in a file to a case with a date and a draft: the three steps together, on both databases."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from intake import casework
from intake.errors import Refused
from intake.pipeline import process, receive_files
from intake.sources.files import FoundMail, find_mails
from storage.models import Arrival, Channel
from tests.builders import MONDAY, fates, mail, make_config, make_house, shop_settings


def take_in(house, *mails: bytes) -> None:
    """Import mails and process them."""
    shop = house.config.shops[0]
    files = (FoundMail(f"{number}.eml", raw) for number, raw in enumerate(mails))
    assert sum(read for read, _ in receive_files(house, shop, files)) == len(mails)
    process(house)


def test_a_complaint_becomes_a_case_with_a_date_and_a_draft(database: str, tmp_path: Path) -> None:
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, mail())
        (case,) = house.store.list_cases()
        file = house.store.case_file(case.id or 0)
    assert case.reference == "SIS-2026-0001"
    assert case.due_on == date(2026, 9, 11)
    assert case.category == "del_none"
    assert case.language == "nl"
    assert file.messages[0].facts["order_numbers"] == ["104233"]
    assert "(SIS-2026-0001)" in file.drafts[0].subject
    assert file.drafts[0].in_reply_to == "<first@example.com>"
    assert file.drafts[0].gaps
    assert [event.kind for event in file.events] == ["opened", "drafted", "not acknowledged"]
    assert any("day 4" in line for line in file.deadlines[0].trace)


def test_the_same_mail_twice_opens_one_case(database: str, tmp_path: Path) -> None:
    again = b"Received: from a.example.com by b.example.com; Mon, 07 Sep 2026 10:05:00 +0000\r\n" + mail()
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, mail(), again)
        assert fates(house.store) == ["opened", "duplicate"]
        assert len(house.store.list_cases()) == 1


def test_a_reply_of_the_customer_joins_and_a_strangers_is_suggested(database: str, tmp_path: Path) -> None:
    reply = mail("Graag snel!", message_id="<second@example.com>", in_reply_to="<first@example.com>")
    stranger = mail(
        "Ik heb ook zoiets, mijn stofzuiger is stuk.",
        sender="Iemand <iemand@example.de>",
        message_id="<third@example.de>",
        references="<first@example.com>",
    )
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, mail(), reply, stranger)
        lines = house.store.list_arrivals()
    assert [line.message.fate.value for line in lines if line.message] == ["opened", "joined", "opened"]
    assert [line.reference for line in lines] == ["SIS-2026-0001", "SIS-2026-0001", "SIS-2026-0002"]
    assert lines[2].suggested == "SIS-2026-0001"


def test_two_mails_that_the_server_never_delivered_are_two_cases(database: str, tmp_path: Path) -> None:
    with make_house(make_config(tmp_path, database), MONDAY) as house:
        digest = house.originals.add(b"")
        for uid in (1, 2):
            house.store.receive([arrival(uid, digest, problem="the server does not deliver this mail: read it there")])
        process(house)
        assert fates(house.store) == ["opened", "opened"]
        assert all("read it there" in case.attention[0] for case in house.store.list_cases())


def test_a_shops_broken_template_does_not_keep_a_case_from_opening(database: str, tmp_path: Path) -> None:
    own = tmp_path / "own" / "nl" / "answer"
    own.mkdir(parents=True)
    (own / "del_none.j2").write_text("{{ nobody.knows.this }}")
    config = make_config(tmp_path / "data", database, [shop_settings(templates=tmp_path / "own")])
    with make_house(config) as house:
        take_in(house, mail())
        (case,) = house.store.list_cases()
        draft = house.store.case_file(case.id or 0).drafts[0]
    assert case.complainant_address == "jan@example.com"
    assert "the shop's own template cannot be used" in draft.explanation
    assert "(SIS-2026-0001)" in draft.subject


def test_mail_of_a_shop_that_left_the_configuration_waits_and_holds_up_nobody(database: str, tmp_path: Path) -> None:
    with make_house(make_config(tmp_path, database)) as house:
        house.store.receive([arrival(1, house.originals.add(mail()), shop="gone")])
        take_in(house, mail(message_id="<second@example.com>"))
        assert fates(house.store) == ["waiting", "opened"]


def test_a_lost_original_opens_a_case_that_says_so_after_some_tries(database: str, tmp_path: Path) -> None:
    with make_house(make_config(tmp_path, database)) as house:
        house.originals.add(b"another")
        house.store.receive([arrival(1, "0" * 64), arrival(2, "1" * 64)])
        for _ in range(5):
            process(house)
        assert fates(house.store) == ["opened", "opened"]
        assert all("There is no original" in case.attention[0] for case in house.store.list_cases())


def test_what_was_set_aside_is_opened_by_a_person_only_once(database: str, tmp_path: Path) -> None:
    automatic = mail(auto_submitted="auto-replied")
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, automatic)
        assert fates(house.store) == ["set aside"]
        assert casework.open_arrival(house, 1, "mirjam") == "SIS-2026-0001"
        with pytest.raises(Refused, match="was opened SIS-2026-0001"):
            casework.open_arrival(house, 1, "mirjam")
        assert fates(house.store) == ["opened"]


def test_the_same_mail_with_other_line_ends_is_the_same_mail(tmp_path: Path) -> None:
    crlf = mail(message_id="").replace(b"\n", b"\r\n")
    with make_house(make_config(tmp_path)) as house:
        take_in(house, crlf, crlf.replace(b"\r\n", b"\n"))
        assert fates(house.store) == ["opened", "duplicate"]


def test_a_colleagues_forward_asks_who_the_customer_is_and_is_not_answered_to_the_colleague(tmp_path: Path) -> None:
    forward = mail(sender="Piet <piet@example.nl>", subject="Fwd: klacht van een klant")
    with make_house(make_config(tmp_path)) as house:
        take_in(house, forward)
        (case,) = house.store.list_cases()
        draft = house.store.case_file(case.id or 0).drafts[0]
    assert draft.recipient == ""
    assert any("who is the customer?" in mark for mark in case.attention)


def test_an_import_passes_over_what_cannot_be_read_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "a.eml").write_bytes(mail())
    (folder / "b.eml").symlink_to(tmp_path / "nowhere")
    (folder / "c.eml").write_bytes(mail(message_id="<c@example.com>"))
    failures: list[str] = []
    assert [Path(file.name).name for file in find_mails(folder, failures)] == ["a.eml", "c.eml"]
    assert len(failures) == 1
    assert "b.eml cannot be read" in failures[0]


def arrival(uid: int, digest: str, **changes: Any) -> Arrival:
    """A mail as the poller stores it."""
    return Arrival(
        **{
            "shop": "sis",
            "channel": Channel.MAIL,
            "account": "k at 127.0.0.1",
            "folder": "INBOX",
            "uid": uid,
            "sha256": digest,
            "size": 0,
            "received_at": MONDAY,
            "received_basis": "internaldate",
            "stored_at": MONDAY,
            **changes,
        }
    )


LONG = "x" * 9000


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(mail(message_id=f"<{LONG}@example.com>"), id="Message-ID"),
        pytest.param(mail(sender=f"{LONG}@example.com"), id="From"),
        pytest.param(mail(reply_to=f"{LONG}@example.com"), id="Reply-To"),
        pytest.param(mail(references=f"<{LONG}@example.com>"), id="References"),
    ],
)
def test_what_no_index_can_hold_does_not_stop_the_rest(database: str, tmp_path: Path, hostile: bytes) -> None:
    good = mail(message_id="<good@example.com>", sender="eva@example.com")
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, hostile, good)
        assert fates(house.store) == ["opened", "opened"]


def test_a_bounce_is_known_by_what_the_lost_mail_answered(tmp_path: Path) -> None:
    """A mail program may give what it sends an id of its own."""
    with make_house(make_config(tmp_path)) as house:
        take_in(house, mail())
        (case,) = house.store.list_cases()
        (draft,) = house.store.case_file(case.id or 0).drafts
        returned = f"Message-ID: <new@outlook.example.com>\nReferences: <first@example.com> {draft.token}\n"
        report = (
            "From: MAILER-DAEMON@mx.example.com\nMessage-ID: <b@mx.example.com>\nSubject: Undelivered\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
            "Final-Recipient: rfc822; jan@example.com\nAction: failed\nStatus: 5.1.1\n\n"
            f"--b\nContent-Type: text/rfc822-headers\n\n{returned}\n--b--\n"
        )
        take_in(house, report.encode())
        (case,) = house.store.list_cases()
    assert any(mark.startswith("not delivered to jan@example.com") for mark in case.attention)


def test_what_a_person_joins_to_an_answered_case_opens_it_again(tmp_path: Path) -> None:
    spam = mail("Ik wacht nog steeds.", message_id="<s@example.com>", x_spam_flag="YES")
    with make_house(make_config(tmp_path)) as house:
        shop = house.config.shops[0]
        for _ in receive_files(house, shop, iter([FoundMail("a.eml", mail())]), answered=True):
            process(house)
        take_in(house, spam)
        second = house.store.list_arrivals()[1].arrival.id or 0
        assert house.store.list_cases() == []
        reference = casework.join_arrival(house, second, "SIS-2026-0001", "mirjam")
        (case,) = house.store.list_cases()
        assert case.reference == reference
        assert len(house.store.case_file(case.id or 0).drafts) == 1
