"""`intake reconcile` over a real Dovecot: every message is accounted for, or named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete

from intake.imap import connect
from intake.pipeline import House, receive_mail
from intake.reconcile import Reconciliation, reconcile
from intake.sources.mailbox import MailboxSource
from storage.database import writing
from storage.tables import ARRIVALS
from tests.builders import mail, mailbox_settings, make_config, make_house, shop_settings
from tests.servers import Dovecot

NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)


def put(dovecot: Dovecot, user: str, *numbers: int, at: datetime = NOW) -> None:
    client = dovecot.client(user)
    for number in numbers:
        raw = mail(subject=f"Klacht {number}", message_id=f"<m{number}@example.com>", sender=f"k{number}@example.com")
        client.append("INBOX", raw, (), at)
    client.logout()


def house_of(dovecot: Dovecot, user: str, tmp_path: Path, **changes: object):
    mailbox = {**mailbox_settings(dovecot.port, user), **changes}
    return make_house(make_config(tmp_path / "data", "", [shop_settings(mailbox=mailbox)]), NOW)


def poll(house: House) -> None:
    (shop,) = house.config.shops
    assert shop.mailbox is not None
    with connect(shop.mailbox) as session:
        receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session)


def compare(house: House) -> Reconciliation:
    (shop,) = house.config.shops
    assert shop.mailbox is not None
    with connect(shop.mailbox) as session:
        return reconcile(house.store, shop, shop.mailbox, session)


def test_a_mailbox_that_was_read_is_accounted_for(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, 1, 2, 3)
    with house_of(dovecot, mail_user, tmp_path) as house:
        poll(house)
        found = compare(house)
    assert (found.present, found.accounted, found.missing, found.good) == (3, 3, 0, True)


def test_what_was_not_read_yet_and_what_was_passed_are_told_apart(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, 1, 2)
    with house_of(dovecot, mail_user, tmp_path) as house:
        poll(house)
        with writing(house.store.engine) as connection:
            connection.execute(delete(ARRIVALS).where(ARRIVALS.c.uid == 1))
        put(dovecot, mail_user, 3)
        found = compare(house)
    assert not found.good
    lost, waiting = found.unaccounted
    assert (lost.uid, lost.subject, lost.message_id, lost.why) == (
        1,
        "Klacht 1",
        "<m1@example.com>",
        "passed, and not stored",
    )
    assert (waiting.uid, waiting.sender, waiting.why) == (3, "k3@example.com", "not read yet")


def test_mail_from_before_the_start_is_not_counted(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    put(dovecot, mail_user, 1, 2, at=NOW - timedelta(days=90))
    with house_of(dovecot, mail_user, tmp_path, start="now") as house:
        poll(house)
        put(dovecot, mail_user, 3, at=NOW + timedelta(minutes=1))
        poll(house)
        found = compare(house)
    assert (found.present, found.accounted, found.good) == (1, 1, True)


def test_a_mailbox_that_was_never_read_and_a_new_epoch_prove_nothing(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    put(dovecot, mail_user, 1)
    with house_of(dovecot, mail_user, tmp_path) as house:
        assert compare(house).problem == "it was never read yet"
        poll(house)
        dovecot.doveadm("mailbox", "update", "--uid-validity", "4713", "-u", mail_user, "INBOX")
        found = compare(house)
        assert "UIDVALIDITY has changed" in found.problem
        assert not found.good
        poll(house)
        assert compare(house).good
