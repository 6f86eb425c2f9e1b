"""The whole loop, as a shop lives it: a real Dovecot, a real SMTP server, a post folder, and a clock that the test
moves over Good Friday, Easter, King's Day and both changes of summer time."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import imapclient
import pytest

from intake import casework
from intake.imap import connect
from intake.pipeline import (
    AnswerWatch,
    House,
    deliver,
    keep_awake,
    process,
    receive_mail,
    recognise,
    send,
    watch_post,
)
from intake.sources.mailbox import MailboxSource
from storage.models import Case, CaseState
from tests.builders import mail, mailbox_settings, make_config, make_house, post_settings, shop_settings
from tests.post_office import SENDER, PostOffice, scan
from tests.servers import Dovecot
from tests.smtp_sink import Sink, smtp_sink

pytestmark = pytest.mark.system
POLICY = email.policy.SMTP
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FIRST, SECOND, THIRD = "SIS-2026-0001", "SIS-2026-0002", "SIS-2026-0003"


def at(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    """A moment of 2026 by the clock on the shop's wall."""
    return datetime(2026, month, day, hour, minute, tzinfo=AMSTERDAM)


class Shop:
    """The shop at work, its manager's mail program, and what its customers get."""

    def __init__(self, house: House, clock: list[datetime], client: imapclient.IMAPClient, sink: Sink) -> None:
        self.house, self.clock, self.client, self.sink = house, clock, client, sink
        (self.shop,) = house.config.shops
        assert self.shop.mailbox is not None
        self.mailbox = self.shop.mailbox
        self.watch = AnswerWatch(house, self.shop, self.mailbox)
        self.source = MailboxSource(self.mailbox, self.shop.zone)
        self.post = PostOffice(house)
        self.sent = ""

    def on(self, moment: datetime) -> None:
        """It becomes that moment, and everything that is due happens."""
        self.clock[0] = moment
        for _ in range(3):
            watch_post(self.house, self.shop, self.post.source)
            with connect(self.mailbox) as session:
                receive_mail(self.house, self.shop, self.source, session)
                recognise(self.house)
                process(self.house)
                self.watch.look(session)
            process(self.house)
            keep_awake(self.house, self.shop)
            send(self.house, self.shop)
            deliver(self.house, self.shop)

    def write(self, text: str, moment: datetime, **headers: Any) -> None:
        """The customer's mail arrives, and the shop's server finds no spam in it."""
        raw = mail(text, sent=moment, x_spam_flag="NO", **headers)
        self.client.append("INBOX", raw, (), moment)
        self.on(moment)

    def folder(self, name: str) -> list[EmailMessage]:
        self.client.select_folder(name)
        uids = self.client.search()
        found = self.client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}
        return [email.message_from_bytes(item[b"BODY[]"], policy=POLICY) for _, item in sorted(found.items())]

    def draft(self) -> EmailMessage:
        (found,) = self.folder("Drafts")
        return found

    def send_edited(self, text: str, draft: EmailMessage | None = None) -> None:
        """She edits a draft (the only one) in a program that puts another message in its place, of which only
        References are left, and sends it."""
        before, edited = draft or self.draft(), EmailMessage(policy=POLICY)
        for name in ("From", "To", "Subject", "References"):
            edited[name] = str(before[name])
        self.sent = f"<{len(self.folder('Sent'))}@program.example.com>"
        edited["Message-ID"] = self.sent
        edited.set_content(text)
        self.client.append("Drafts", edited.as_bytes(), (b"\\Draft",), self.clock[0])
        self._delete_draft(str(before["Message-ID"]))
        self.on(self.clock[0])
        assert self.sent in [one["Message-ID"] for one in self.folder("Drafts")]
        self.client.append("Sent", edited.as_bytes(), (b"\\Seen",), self.clock[0])
        self._delete_draft(self.sent)

    def _delete_draft(self, message_id: str) -> None:
        self.client.select_folder("Drafts")
        self.client.delete_messages(self.client.search(["HEADER", "Message-ID", message_id]))
        self.client.expunge()

    def case(self, reference: str = FIRST) -> Case:
        found = self.house.store.find_case(reference)
        assert found is not None
        return found

    def told(self, recipient: str) -> list[EmailMessage]:
        """What somebody got by SMTP, oldest first."""
        found = [one for one in self.sink.taken if recipient in one.recipients]
        return [email.message_from_bytes(one.raw, policy=POLICY) for one in found]


@contextmanager
def a_shop(dovecot: Dovecot, user: str, folder: Path) -> Iterator[Shop]:
    clock = [at(3, 27, 9)]
    with smtp_sink() as sink:
        settings = shop_settings(
            mailbox=mailbox_settings(dovecot.port, user),
            outgoing=sink.settings(),
            post_folder=post_settings(folder / "post"),
        )
        with make_house(make_config(folder / "data", "", [settings]), lambda: clock[0]) as house:
            client = dovecot.client(user)
            shop = Shop(house, clock, client, sink)
            shop.on(clock[0])
            yield shop
            client.logout()


def acknowledged_and_drafted(shop: Shop) -> None:
    """Friday 27 March, the weekend in which summer time begins: four business days later is Thursday 2 April."""
    shop.write("Mijn pakket 104233 is nog steeds niet geleverd.", at(3, 27, 16))
    assert shop.case().due_on == date(2026, 4, 2)
    (acknowledged,) = shop.told("jan@example.com")
    assert acknowledged["Auto-Submitted"] == "auto-replied"
    assert acknowledged["In-Reply-To"] == "<first@example.com>"
    assert FIRST in acknowledged["Subject"]
    assert "2 april 2026" in acknowledged.get_content()
    assert acknowledged["Message-ID"] in [one["Message-ID"] for one in shop.folder("Sent")]
    assert FIRST in shop.draft()["Subject"]


def reminded(shop: Shop) -> None:
    """Nobody answers: on the day before and on the day, in the shop's hours, she is reminded; a holding reply lies
    there."""
    shop.on(at(3, 31, 10))
    before = len(shop.told("mirjam@example.nl"))
    shop.on(at(4, 1, 7))
    assert len(shop.told("mirjam@example.nl")) == before
    shop.on(at(4, 1, 9))
    shop.on(at(4, 1, 9, 30))
    assert len(shop.told("mirjam@example.nl")) == before + 1
    assert "jan" not in shop.told("mirjam@example.nl")[-1].get_content().lower()
    assert len(shop.folder("Drafts")) == 2
    shop.on(at(4, 2, 9))
    assert len(shop.told("mirjam@example.nl")) == before + 2


def answered(shop: Shop) -> None:
    """She answers the draft in a program that keeps nothing but References; both drafts are gone after that."""
    answered_at = at(4, 2, 12)
    shop.clock[0] = answered_at
    # The holding reply names the day that was promised.
    draft = next(one for one in shop.folder("Drafts") if "2 april" not in one.get_content())
    shop.send_edited("Beste Jan,\n\nUw pakket komt zaterdag.\n\nMirjam\n", draft)
    shop.on(at(4, 2, 12, 5))
    case = shop.case()
    assert (case.state, case.answered_how, case.answered_at) == (CaseState.ANSWERED, "mail", answered_at)
    assert shop.folder("Drafts") == []
    assert len(shop.told("jan@example.com")) == 1


def reopened_and_answered(shop: Shop) -> None:
    """He writes back that evening. The shop works on Good Friday, not on Easter Monday: Thursday 9 April."""
    again = "Het pakket is er, maar alles is stuk!"
    shop.write(again, at(4, 2, 18), message_id="<2@example.com>", in_reply_to=shop.sent)
    assert (shop.case().state, shop.case().due_on) == (CaseState.OPEN, date(2026, 4, 9))
    shop.clock[0] = at(4, 3, 10)
    shop.send_edited("Beste Jan,\n\nU krijgt een nieuw pakket.\n\nMirjam\n")
    shop.on(at(4, 3, 10, 5))
    assert shop.case().state is CaseState.ANSWERED


def thanks(shop: Shop) -> None:
    """Mere thanks are suggested as such, and one step closes the case."""
    shop.write("Hartelijk dank, top geregeld!", at(4, 7, 9), message_id="<3@example.com>", in_reply_to=shop.sent)
    assert any(mark.startswith("mere thanks?") for mark in shop.case().attention)
    assert shop.folder("Drafts") == []
    casework.close(shop.house, FIRST, "thanks", "mirjam")
    assert (shop.case().state, shop.case().closed_as) == (CaseState.CLOSED, "thanks")


def letter(shop: Shop) -> None:
    """A letter on the Friday before King's Day: answered by 1 May, so posted by Wednesday 29 April."""
    shop.clock[0] = at(4, 24, 11)
    shop.post.drop("scan.pdf", scan(), {"sender": SENDER, "received_on": "2026-04-24"})
    shop.on(at(4, 24, 11))
    letter = shop.case(SECOND)
    assert (letter.due_on, letter.post_by) == (date(2026, 5, 1), date(2026, 4, 29))
    assert shop.draft()["To"].addresses[0].addr_spec == "post@example.nl"
    shop.clock[0] = at(4, 28, 9)
    shop.send_edited("Geachte mevrouw De Boer,\n\nU krijgt een nieuwe stofzuiger.\n\nMirjam\n")
    shop.on(at(4, 28, 9, 5))
    (pdf,) = (shop.post.path / "outgoing").glob("*.pdf")
    assert pdf.name.startswith("2026-04-29")
    assert shop.case(SECOND).state is CaseState.OPEN
    pdf.rename(shop.post.path / "posted" / pdf.name)
    shop.on(at(4, 28, 15))
    case = shop.case(SECOND)
    assert (case.state, case.answered_how) == (CaseState.ANSWERED, "letter")
    casework.close(shop.house, SECOND, "settled", "mirjam")


def summer_time_ends(shop: Shop) -> None:
    """Friday 23 October after hours, the weekend in which summer time ends; on the evening of the 29th it is not
    missed."""
    shop.write("Mijn lamp is kapot.", at(10, 23, 17, 30), message_id="<4@example.com>", sender="Eva <eva@example.org>")
    assert shop.case(THIRD).due_on == date(2026, 10, 29)
    shop.on(at(10, 29, 16, 30))
    known = len(shop.told("mirjam@example.nl"))
    shop.on(at(10, 29, 23))
    assert len(shop.told("mirjam@example.nl")) == known
    shop.on(at(10, 30, 9))
    assert THIRD in shop.told("mirjam@example.nl")[-1].get_content()
    assert len(shop.told("jan@example.com")) == 1
    assert len(shop.told("eva@example.org")) == 1


@pytest.mark.timeout(600)
def test_the_answer_loop(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    with a_shop(dovecot, mail_user, tmp_path) as shop:
        acknowledged_and_drafted(shop)
        reminded(shop)
        answered(shop)
        reopened_and_answered(shop)
        thanks(shop)
        letter(shop)
        summer_time_ends(shop)
