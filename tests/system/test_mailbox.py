"""Mail in and drafts out over a real Dovecot, on both databases."""

import email
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake.errors import ServerError, SignInError
from intake.imap import connect
from intake.outlets.drafts_folder import DraftsFolder
from intake.pipeline import House, deliver, process, receive_mail
from intake.sources.mailbox import TRIES, MailboxSource
from storage.models import EffectState
from tests.builders import fates, mail, mailbox_settings, make_config, make_house, shop_settings
from tests.servers import Dovecot

NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)


def config_of(dovecot: Dovecot, user: str, tmp_path: Path, database: str = "", **changes):
    mailbox = {**mailbox_settings(dovecot.port, user), **changes}
    return make_config(tmp_path / "data", database, [shop_settings(mailbox=mailbox)])


def poll(house: House, source: MailboxSource | None = None) -> int:
    """One pass over the mailbox of the first shop."""
    shop = house.config.shops[0]
    assert shop.mailbox is not None
    with connect(shop.mailbox) as session:
        count = receive_mail(house, shop, source or MailboxSource(shop.mailbox, shop.zone), session)
    process(house)
    deliver(house, shop)
    return count


def put(dovecot: Dovecot, user: str, *mails: bytes, at: datetime = NOW, folder: str = "INBOX") -> None:
    """Put mails into a mailbox with an INTERNALDATE."""
    client = dovecot.client(user)
    for raw in mails:
        client.append(folder, raw, (), at)
    client.logout()


def folder_of(dovecot: Dovecot, user: str, folder: str) -> list[tuple[tuple[bytes, ...], bytes]]:
    """Flags and bytes of all messages in a folder."""
    client = dovecot.client(user)
    client.select_folder(folder, readonly=True)
    found = client.fetch(client.search(), ["FLAGS", "BODY.PEEK[]"]) if client.search() else {}
    client.logout()
    return [(data[b"FLAGS"], data[b"BODY[]"]) for _, data in sorted(found.items())]


def numbered(number: int, **changes) -> bytes:
    return mail(message_id=f"<m{number}@example.com>", sender=f"Klant {number} <k{number}@example.com>", **changes)


def test_a_mail_gets_a_case_and_a_draft_and_stays_unread(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, mail(in_reply_to="<older@example.com>", references="<oldest@example.com>"))
    with make_house(config_of(dovecot, mail_user, tmp_path, database), NOW) as house:
        assert poll(house) == 1
        (case,) = house.store.list_cases()
        draft = house.store.case_file(case.id or 0).drafts[0]
    assert case.received_at == NOW
    assert case.due_on.isoformat() == "2026-09-18"
    assert folder_of(dovecot, mail_user, "INBOX")[0][0] in ((), (b"\\Recent",))
    ((flags, raw),) = folder_of(dovecot, mail_user, "Drafts")
    message = email.message_from_bytes(raw)
    assert b"\\Draft" in flags
    assert message["Message-ID"] == draft.token
    assert message["In-Reply-To"] == "<first@example.com>"
    assert message["References"].split() == ["<oldest@example.com>", draft.anchor, "<first@example.com>"]
    assert message["To"] == "Jan Jansen <jan@example.com>"
    assert case.reference in str(message["Subject"])
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "> Mijn pakket is nog steeds niet geleverd." in body.decode()


def test_polling_again_brings_nothing_twice(dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, *(numbered(number) for number in range(7)))
    with make_house(config_of(dovecot, mail_user, tmp_path, database), NOW) as house:
        assert [poll(house), poll(house)] == [7, 0]
        put(dovecot, mail_user, numbered(7))
        assert poll(house) == 1
        assert fates(house.store) == ["opened"] * 8
    assert len(folder_of(dovecot, mail_user, "Drafts")) == 8


def test_mail_that_a_person_has_read_is_taken_in_all_the_same(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, mail())
    client = dovecot.client(mail_user)
    client.select_folder("INBOX")
    client.add_flags(client.search(), [b"\\Seen", b"\\Answered"])
    client.logout()
    with make_house(config_of(dovecot, mail_user, tmp_path), NOW) as house:
        assert poll(house) == 1
        assert fates(house.store) == ["opened"]


def test_by_default_a_mailbox_starts_at_now(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, numbered(1), numbered(2), at=NOW - timedelta(days=900))
    with make_house(config_of(dovecot, mail_user, tmp_path, start="now"), NOW) as house:
        assert poll(house) == 0
        put(dovecot, mail_user, numbered(3))
        assert poll(house) == 1
        assert [line.message.message_id for line in house.store.list_arrivals() if line.message] == ["<m3@example.com>"]


def test_a_mailbox_can_start_at_a_date_in_the_shops_zone(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    midnight = datetime(2026, 9, 9, 22, 0, tzinfo=UTC)  # 10 September in Zwolle
    put(dovecot, mail_user, numbered(1), at=midnight - timedelta(seconds=1))
    put(dovecot, mail_user, numbered(2), at=midnight)
    put(dovecot, mail_user, numbered(3), at=midnight - timedelta(days=30))
    put(dovecot, mail_user, numbered(4), at=midnight + timedelta(days=2))
    with make_house(config_of(dovecot, mail_user, tmp_path, start=midnight.date() + timedelta(days=1)), NOW) as house:
        poll(house)
        taken = [line.message.message_id for line in house.store.list_arrivals() if line.message]
        assert taken == ["<m2@example.com>", "<m4@example.com>"]
        assert poll(house) == 0
        # What is moved into the mailbox later counts, however old it is: somebody put it there.
        put(dovecot, mail_user, numbered(5), at=midnight - timedelta(days=30))
        assert poll(house) == 1


def test_a_new_uidvalidity_doubles_nothing_and_loses_nothing(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, numbered(1), numbered(2))
    with make_house(config_of(dovecot, mail_user, tmp_path, database), NOW) as house:
        poll(house)
        dovecot.doveadm("mailbox", "update", "--uid-validity", "4711", "-u", mail_user, "INBOX")
        put(dovecot, mail_user, numbered(3))
        poll(house)
        assert fates(house.store) == ["opened", "opened", "duplicate", "duplicate", "opened"]
        assert len(house.store.list_cases()) == 3
        assert poll(house) == 0


def test_a_new_uidvalidity_does_not_bring_back_the_years_before_the_start(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, numbered(1), at=NOW - timedelta(days=900))
    with make_house(config_of(dovecot, mail_user, tmp_path, start="now"), NOW) as house:
        poll(house)
        put(dovecot, mail_user, numbered(2), at=NOW + timedelta(minutes=1))
        poll(house)
        dovecot.doveadm("mailbox", "update", "--uid-validity", "4712", "-u", mail_user, "INBOX")
        poll(house)
        assert fates(house.store) == ["opened", "duplicate"]


def test_a_draft_that_was_appended_before_the_crash_is_not_appended_again(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == "draft appended":
            raise Killed

    put(dovecot, mail_user, mail())
    config = config_of(dovecot, mail_user, tmp_path, database)
    with make_house(config, NOW, checkpoint=die) as house, pytest.raises(Killed):
        poll(house)
    with make_house(config, NOW) as house:
        (case,) = house.store.list_cases()
        assert house.store.case_file(case.id or 0).effects[0].state is EffectState.STARTED
        poll(house)
        assert house.store.case_file(case.id or 0).effects[0].state is EffectState.DONE
    assert len(folder_of(dovecot, mail_user, "Drafts")) == 1


def test_a_draft_that_she_sent_before_the_restart_is_not_put_back(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == "draft appended":
            raise Killed

    put(dovecot, mail_user, mail())
    config = config_of(dovecot, mail_user, tmp_path)
    with make_house(config, NOW, checkpoint=die) as house, pytest.raises(Killed):
        poll(house)
    ((_, raw),) = folder_of(dovecot, mail_user, "Drafts")
    client = dovecot.client(mail_user)
    client.select_folder("Drafts")
    client.delete_messages(client.search())
    client.expunge()
    client.append("Sent", raw, (b"\\Seen",))
    client.logout()
    with make_house(config, NOW) as house:
        poll(house)
    assert folder_of(dovecot, mail_user, "Drafts") == []


def test_the_configured_drafts_folder_is_used_and_a_missing_one_is_named(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    client = dovecot.client(mail_user)
    client.create_folder("Concepten")
    client.logout()
    put(dovecot, mail_user, mail())
    with make_house(config_of(dovecot, mail_user, tmp_path, drafts="Concepten"), NOW) as house:
        poll(house)
    assert len(folder_of(dovecot, mail_user, "Concepten")) == 1
    with make_house(config_of(dovecot, mail_user, tmp_path / "other", drafts="Nergens"), NOW) as house:
        poll(house)
        (case,) = house.store.list_cases()
        effect = house.store.case_file(case.id or 0).effects[0]
    assert effect.state is EffectState.STARTED
    assert "no folder 'Nergens'" in effect.problem
    assert "Drafts" in effect.problem


def test_a_wrong_password_is_told_from_a_server_that_is_away(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    wrong = config_of(dovecot, mail_user, tmp_path, password="geheim").shops[0].mailbox
    away = config_of(dovecot, mail_user, tmp_path, port=9).shops[0].mailbox
    unicode = config_of(dovecot, mail_user, tmp_path, password="gehéim").shops[0].mailbox
    for mailbox in (wrong, unicode):
        assert mailbox is not None
        with pytest.raises(SignInError, match="user name and password"):
            connect(mailbox)
    assert away is not None
    with pytest.raises(ServerError) as caught:
        connect(away)
    assert not isinstance(caught.value, SignInError)


def test_one_mail_that_cannot_be_read_opens_a_case_and_the_rest_goes_on(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    nested = b"From: k@example.com\r\nSubject: bom\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(3000)
    )
    put(dovecot, mail_user, numbered(1), nested, numbered(2))
    with make_house(config_of(dovecot, mail_user, tmp_path), NOW) as house:
        assert poll(house) == 3
        assert fates(house.store) == ["opened"] * 3
        cases = {case.subject: case for case in house.store.list_cases()}
        (message,) = house.store.case_file(cases["bom"].id or 0).messages
    assert "damaged structure: its parts lie too deep in each other" in message.problems
    assert cases["bom"].complainant_address == "k@example.com"


def test_the_same_mail_to_two_shops_is_a_case_in_each(dovecot: Dovecot, database: str, tmp_path: Path) -> None:
    users = [f"u{uuid.uuid4().hex[:12]}" for _ in range(2)]
    shops = [
        shop_settings(id=f"shop{n}", prefix=f"S{n}X", mailbox=mailbox_settings(dovecot.port, user))
        for n, user in enumerate(users, 1)
    ]
    for user in users:
        put(dovecot, user, mail())
    with make_house(make_config(tmp_path / "data", database, shops), NOW) as house:
        for shop in house.config.shops:
            assert shop.mailbox is not None
            with connect(shop.mailbox) as session:
                receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session)
        process(house)
        assert [case.reference for case in house.store.list_cases()] == ["S1X-2026-0001", "S2X-2026-0001"]


def test_what_was_answered_from_any_program_is_not_a_case_again(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, *map(numbered, (1, 2, 3, 4)), at=NOW - timedelta(days=20))
    sent = [
        mail(
            sender="mirjam@example.nl",
            to="k1@example.com",
            message_id="<s1@example.nl>",
            in_reply_to="<m1@example.com>",
        ),
        # To a colleague alone, and by a robot: the customer still waits.
        mail(
            sender="mirjam@example.nl",
            to="jan@example.nl",
            message_id="<s2@example.nl>",
            in_reply_to="<m2@example.com>",
        ),
        mail(
            sender="mirjam@example.nl",
            to="k3@example.com",
            message_id="<s3@example.nl>",
            in_reply_to="<m3@example.com>",
            auto_submitted="auto-replied",
        ),
    ]
    put(dovecot, mail_user, *sent, at=NOW - timedelta(days=19), folder="Sent")
    with make_house(config_of(dovecot, mail_user, tmp_path, database), NOW) as house:
        assert poll(house) == 4
        assert fates(house.store) == ["set aside", "opened", "opened", "opened"]
        first = house.store.list_arrivals()[0].message
        assert first is not None
        assert (first.reason_kind, "26 August 2026" in first.reason) == ("answered", True)
    assert len(folder_of(dovecot, mail_user, "Drafts")) == 3


@pytest.mark.parametrize(("setting", "flag"), [("$Intake", b"$Intake"), ("\\Flagged", b"\\Flagged")])
def test_a_mail_is_marked_once_it_is_stored(
    dovecot: Dovecot, mail_user: str, tmp_path: Path, setting: str, flag: bytes
) -> None:
    put(dovecot, mail_user, numbered(1), numbered(2))
    with make_house(config_of(dovecot, mail_user, tmp_path, keyword=setting), NOW) as house:
        poll(house)
        assert house.store.counts()["effects_waiting"] == 0
    flags = [flags for flags, _ in folder_of(dovecot, mail_user, "INBOX")]
    assert all(flag in found and b"\\Seen" not in found for found in flags)
    assert len(flags) == 2


def test_mails_are_moved_once_they_are_stored_and_stay_cases(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, numbered(1), numbered(2))
    with make_house(config_of(dovecot, mail_user, tmp_path, database, move_to="Klachten"), NOW) as house:
        poll(house)
        put(dovecot, mail_user, numbered(3))
        poll(house)
        assert poll(house) == 0
        assert fates(house.store) == ["opened"] * 3
    assert folder_of(dovecot, mail_user, "INBOX") == []
    assert len(folder_of(dovecot, mail_user, "Klachten")) == 3


def test_a_bounce_of_our_own_mail_is_shown_on_its_case(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, numbered(1))
    with make_house(config_of(dovecot, mail_user, tmp_path), NOW) as house:
        poll(house)
        ((_, draft),) = folder_of(dovecot, mail_user, "Drafts")
        token = email.message_from_bytes(draft)["Message-ID"]
        put(dovecot, mail_user, bounce_of(token, "k1@example.com"))
        poll(house)
        (case,) = house.store.list_cases()
    assert fates(house.store) == ["opened", "set aside"]
    (mark,) = [mark for mark in case.attention if mark.startswith("not delivered")]
    assert mark == "not delivered to k1@example.com: 5.1.1 550 5.1.1 User unknown"
    assert len(folder_of(dovecot, mail_user, "Drafts")) == 1


def bounce_of(message_id: str, recipient: str) -> bytes:
    """What a mail server sends back (RFC 3464)."""
    lines = [
        "From: MAILER-DAEMON@mx.example.com",
        "To: mirjam@example.nl",
        "Subject: Undelivered Mail Returned to Sender",
        "Message-ID: <bounce@mx.example.com>",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "Your message could not be delivered.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.com",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown",
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: {message_id}",
        "Subject: Re: Pakket",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def test_drafts_that_went_in_together_without_an_answer_are_looked_for_before_they_go_again(
    dovecot: Dovecot, mail_user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_many = DraftsFolder.put_many

    def without_an_answer(self: DraftsFolder, drafts: Sequence[tuple[bytes, datetime]]) -> bool:
        assert put_many(self, drafts)
        raise ServerError("the connection ended")

    monkeypatch.setattr(DraftsFolder, "put_many", without_an_answer)
    put(dovecot, mail_user, *map(numbered, range(5)))
    with make_house(config_of(dovecot, mail_user, tmp_path), NOW) as house:
        poll(house)
        assert house.store.counts()["effects_waiting"] == 0
    assert len(folder_of(dovecot, mail_user, "Drafts")) == 5


def test_drafts_go_one_by_one_where_the_server_takes_only_one(dovecot_plain: Dovecot, tmp_path: Path) -> None:
    put(dovecot_plain, "plain", *map(numbered, range(3)))
    with make_house(config_of(dovecot_plain, "plain", tmp_path), NOW) as house:
        poll(house)
        assert house.store.counts()["effects_waiting"] == 0
    assert len(folder_of(dovecot_plain, "plain", "Drafts")) == 3


def test_a_mail_of_the_future_has_come_today(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, numbered(1), at=NOW + timedelta(days=4000))
    with make_house(config_of(dovecot, mail_user, tmp_path), NOW) as house:
        poll(house)
        (case,) = house.store.list_cases()
    assert case.assumed
    assert case.reference == "SIS-2026-0001"


def test_a_folder_that_cannot_be_made_keeps_no_draft_back(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, numbered(1))
    with make_house(config_of(dovecot, mail_user, tmp_path, move_to="Archief.2026"), NOW) as house:
        poll(house)
        put(dovecot, mail_user, numbered(2))
        poll(house)
        assert house.store.counts()["effects_waiting"] == 2
    assert len(folder_of(dovecot, mail_user, "Drafts")) == 2
    assert len(folder_of(dovecot, mail_user, "INBOX")) == 2


def test_a_sent_folder_that_cannot_be_read_does_not_keep_mail_out_for_ever(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, numbered(1))
    put(dovecot, mail_user, numbered(2), folder="Sent")
    sent = dovecot.folder / "mail" / mail_user / ".Sent"
    sent.chmod(0)
    with make_house(config_of(dovecot, mail_user, tmp_path), NOW) as house:
        mailbox = house.config.shops[0].mailbox
        assert mailbox is not None
        source = MailboxSource(mailbox, house.config.shops[0].zone)
        for _ in range(TRIES):
            with pytest.raises(ServerError):
                poll(house, source)
        assert poll(house, source) == 1
        assert fates(house.store) == ["opened"]
    sent.chmod(0o700)


@pytest.fixture
def dovecot_plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """A server that offers nothing beyond IMAP4rev1."""
    server = Dovecot(tmp_path_factory.mktemp("plain"), "protocol imap {\n imap_capability=IMAP4rev1\n}\n")
    server.start()
    yield server
    server.stop()
