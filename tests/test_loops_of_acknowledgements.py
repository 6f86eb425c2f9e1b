"""Mail that answers itself, with acknowledgements that really go out: whatever comes back, the caps hold and nothing is
lost."""

from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from intake.rules.acknowledging import MOST_A_DAY
from tests.builders import fates, mail
from tests.counter import CLEAN, Counter, counter
from tests.smtp_sink import Sink, Taken, smtp_sink

ROUNDS = 60


@pytest.fixture(scope="module")
def running() -> Iterator[Sink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def sink(running: Sink) -> Sink:
    """The module's server, empty."""
    running.taken.clear()
    running.refused.clear()
    return running


@contextmanager
def two_shops(folder: Path, sink: Sink) -> Iterator[dict[str, Counter]]:
    """Two installations that send by one server."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_shop(folder / name, sink, name)) for name in ("a", "b")}


@contextmanager
def _shop(folder: Path, sink: Sink, name: str) -> Iterator[Counter]:
    address = f"manager@{name}.example.nl"
    changes: dict[str, Any] = {
        "manager": {"name": "Mirjam", "addresses": [address]},
        "own_domains": [f"{name}.example.nl"],
    }
    with counter(folder, None, outgoing=sink.settings(sender=address), **changes) as shop:
        yield shop


def delivered(taken: Taken, change: Callable[[bytes], bytes] = lambda raw: raw) -> bytes:
    """A mail as its receiver's server hands it over: with the envelope's sender and a clean verdict."""
    return f"Return-Path: <{taken.sender}>\r\nX-Spam-Status: No\r\n".encode() + change(taken.raw)


def run_until_quiet(
    shops: dict[str, Counter], sink: Sink, first: bytes, change: Callable[[bytes], bytes] = lambda raw: raw
) -> int:
    """Carry every mail that goes out to whom it is addressed, until none does; how many mails that were."""
    post, carried = deque([(first, "a")]), 0
    while post and carried < ROUNDS:
        raw, name = post.popleft()
        shops[name].take_in(raw)
        for shop in shops.values():
            shop.send()
        while sink.taken:
            taken = sink.taken.pop(0)
            carried += 1
            post.append((delivered(taken, change), "a" if "@a." in taken.recipients[0] else "b"))
    return carried


def test_two_installations_that_mail_each_other_fall_silent(tmp_path: Path, sink: Sink) -> None:
    first = mail(sender="Klant <manager@b.example.nl>", to="manager@a.example.nl", **CLEAN)
    with two_shops(tmp_path, sink) as shops:
        assert run_until_quiet(shops, sink, first) == 1
        assert {name: fates(shop.house.store) for name, shop in shops.items()} == {"a": ["opened"], "b": ["set aside"]}


def test_a_gateway_that_takes_the_sign_of_a_robot_away_makes_no_loop(tmp_path: Path, sink: Sink) -> None:
    def stripped(raw: bytes) -> bytes:
        return raw.replace(b"Auto-Submitted: auto-replied\r\n", b"").replace(b"X-Auto-Response-Suppress: All\r\n", b"")

    first = mail(sender="Klant <manager@b.example.nl>", to="manager@a.example.nl", **CLEAN)
    with two_shops(tmp_path, sink) as shops:
        assert run_until_quiet(shops, sink, first, stripped) == 2
        told = {name: fates(shop.house.store) for name, shop in shops.items()}
    assert told == {"a": ["opened", "joined"], "b": ["opened"]}, "an answer to ours joins, and is not acknowledged"


def test_a_gateway_that_takes_all_signs_away_ends_at_the_cap(tmp_path: Path, sink: Sink) -> None:
    numbers = iter(range(1000))

    def made_anew(raw: bytes) -> bytes:
        """As a ticket system of the worst kind: another mail, with the same words."""
        told = message_from_bytes(raw)
        payload = told.get_payload(decode=True)
        assert isinstance(payload, bytes)
        number = next(numbers)
        return mail(
            f"Ticket {number}\n\nMijn pakket is niet geleverd.\n",
            sender=str(told["From"]),
            to=str(told["To"]),
            subject=f"Ticket {number}",
            message_id=f"<{number}@tickets.example.com>",
        )

    first = mail(sender="Klant <manager@b.example.nl>", to="manager@a.example.nl", **CLEAN)
    with two_shops(tmp_path, sink) as shops:
        assert run_until_quiet(shops, sink, first, made_anew) == 2 * MOST_A_DAY
        told = {name: fates(shop.house.store) for name, shop in shops.items()}
        shops["a"].clock.move(days=1, hours=1)
        shops["a"].complain(99, sender="Klant <manager@b.example.nl>")
        assert shops["a"].send() == 1, "the next day counts anew"
    assert told == {"a": ["opened"] * (MOST_A_DAY + 1), "b": ["opened"] * MOST_A_DAY}, "and nothing is lost"


def test_a_vacation_responder_is_answered_once(tmp_path: Path, sink: Sink) -> None:
    with counter(tmp_path, sink) as shop:
        shop.complain()
        for number in range(3):
            shop.send()
            while sink.taken:
                told = sink.taken.pop(0).mail
                shop.take_in(
                    mail(
                        "Ik ben er tot maandag niet.",
                        sender=str(told["To"]),
                        to=str(told["From"]),
                        subject=f"Automatisch antwoord: {told['Subject']}",
                        message_id=f"<vacation{number}@example.com>",
                        in_reply_to=str(told["Message-ID"]),
                        auto_submitted="auto-replied",
                        **CLEAN,
                    )
                )
        assert fates(shop.house.store) == ["opened", "set aside"]
        assert shop.send() == 0


def bounce(taken: Taken, address: str, number: int = 1) -> bytes:
    """What the receiver's server sends back to the envelope's sender (RFC 3464)."""
    return (
        (
            f"Return-Path: <>\r\nFrom: MAILER-DAEMON@example.com\r\nTo: {taken.sender}\r\n"
            f"Message-ID: <bounce{number}@example.com>\r\nSubject: Undelivered Mail Returned to Sender\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="q"\r\n\r\n--q\r\n\r\n'
            "Sorry.\r\n--q\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
            f"Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
            "--q\r\nContent-Type: message/rfc822\r\n\r\n"
        ).encode()
        + taken.raw
        + b"\r\n--q--\r\n"
    )


def test_an_acknowledgement_that_comes_back_is_the_last_one_until_somebody_writes(
    tmp_path: Path, sink: Sink, database: str
) -> None:
    with counter(tmp_path, sink, database) as shop:
        shop.complain(1, sender="Jan <Jan@example.com>")
        shop.send()
        (taken,) = sink.taken
        shop.take_in(bounce(taken, "jan@example.com"))
        (notice,) = shop.notices()
        assert (notice.urgent, notice.kind, "@" in notice.text) == (True, "not delivered", False)
        assert "5.1.1" in notice.text
        assert shop.house.store.sending.is_undeliverable("sis", "jan@example.com")
        assert any("not delivered" in mark for mark in shop.case().attention)
        # His form still names the address, but a form is not he.
        shop.complain(2, sender="site@example.nl", reply_to="Jan <jan@example.com>")
        assert shop.send() == 0
        shop.complain(3, sender="Jan <jan@example.com>")
        assert not shop.house.store.sending.is_undeliverable("sis", "jan@example.com")
        assert shop.send() == 1
    assert sink.recipients == ["jan@example.com"] * 2


def test_a_forwarders_bounce_counts_against_the_address_that_we_wrote_to(tmp_path: Path, sink: Sink) -> None:
    with counter(tmp_path, sink) as shop:
        shop.complain(1, sender="Jan <jan@example.com>")
        shop.send()
        shop.take_in(bounce(sink.taken[0], "jan@elders.example.de"))
        known = [
            shop.house.store.sending.is_undeliverable("sis", f"jan@{at}") for at in ("example.com", "elders.example.de")
        ]
    assert known == [True, False]


def test_a_made_up_bounce_takes_nobody_off(tmp_path: Path, sink: Sink) -> None:
    with counter(tmp_path, sink) as shop:
        shop.complain(1, sender="Jan <jan@example.com>")
        shop.send()
        made_up = Taken("mirjam@example.nl", (), b"Message-ID: <m1@example.com>\r\nSubject: x\r\n\r\nx\r\n")
        shop.take_in(bounce(made_up, "eva@example.de"))
        assert not shop.house.store.sending.is_undeliverable("sis", "eva@example.de")


def test_a_mailing_list_is_never_acknowledged(tmp_path: Path, sink: Sink) -> None:
    letters = [
        mail(message_id=f"<l{number}@example.com>", list_id="<l.example.com>", precedence="list", **CLEAN)
        for number in range(5)
    ]
    with counter(tmp_path, sink) as shop:
        shop.take_in(*letters)
        assert shop.send() == 0
        assert fates(shop.house.store) == ["set aside"] * 5


def test_a_thousand_mails_of_one_sender_are_a_thousand_cases_and_five_acknowledgements(
    tmp_path: Path, sink: Sink
) -> None:
    mails = [mail("Waar blijft mijn pakket?", message_id=f"<m{number}@example.com>", **CLEAN) for number in range(1000)]
    other = mail(sender="Eva <eva@example.de>", message_id="<eva@example.de>", **CLEAN)
    with counter(tmp_path, sink) as shop:
        shop.take_in(*mails, other)
        assert shop.send() == MOST_A_DAY + 1
        assert Tally(fates(shop.house.store)) == {"opened": 1001}
        assert Tally(sink.recipients) == {"jan@example.com": MOST_A_DAY, "eva@example.de": 1}
