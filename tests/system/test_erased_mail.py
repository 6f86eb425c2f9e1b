"""Mail that was erased does not come back from a real mailbox, and its draft is gone from Drafts."""

from datetime import UTC, datetime
from pathlib import Path

from intake import casework
from intake.casework.persons import erase_person, find_person
from intake.imap import connect
from intake.pipeline import House, deliver, process, receive_mail, receive_sent
from intake.sources.mailbox import MailboxSource
from tests.builders import fates, mail, mailbox_settings, make_config, make_house, shop_settings
from tests.servers import Dovecot

NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)


def poll(house: House) -> None:
    """One pass over INBOX and Sent, and everything that follows."""
    (shop,) = house.config.shops
    assert shop.mailbox is not None
    with connect(shop.mailbox) as session:
        receive_mail(house, shop, MailboxSource(shop.mailbox, shop.zone), session)
        process(house)
        receive_sent(house, shop, shop.mailbox, session)
    process(house)
    while deliver(house, shop):
        pass


def test_an_erased_mail_stays_away_when_the_mailbox_is_numbered_anew(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    shop = shop_settings(mailbox=mailbox_settings(dovecot.port, mail_user), acknowledge="off")
    client = dovecot.client(mail_user)
    client.append("INBOX", mail(), (), NOW)
    with make_house(make_config(tmp_path / "data", "", [shop]), NOW) as house:
        poll(house)
        answer = mail(
            "U krijgt uw geld.", sender="mirjam@example.nl", to="jan@example.com", message_id="<a@example.nl>",
            in_reply_to="<first@example.com>",
        )  # fmt: skip
        client.append("Sent", answer, (), NOW)
        poll(house)
        assert client.select_folder("Drafts", readonly=True)[b"EXISTS"] == 0
        person = find_person(house.store, ["sis"], "jan@example.com")
        assert erase_person(house, person, "request", "mirjam").cases == ["SIS-2026-0001"]
        poll(house)
        assert list(house.originals) == []
        for number, folder in ((4712, "INBOX"), (4713, "Sent")):
            dovecot.doveadm("mailbox", "update", "--uid-validity", str(number), "-u", mail_user, folder)
        again = mail("Het is er nog steeds niet.", message_id="<new@example.com>", in_reply_to="<first@example.com>")
        client.append("INBOX", again, (), NOW)
        poll(house)
        lines = house.store.list_arrivals()
        kinds = [line.message.reason_kind for line in lines if line.message]
        assert fates(house.store).count("opened") == 2
        assert "erased" in kinds
        assert [line.reference for line in lines if line.message and line.message.text] == ["SIS-2026-0002"]
        assert casework.get_case(house, "SIS-2026-0001").complainant_address == ""
        assert len(list(house.originals)) == 1
    client.logout()
