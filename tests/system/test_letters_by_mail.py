"""A posted answer is approved in the manager's own mail program: what she sends to the post room is typeset."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import imapclient
import pypdfium2
import pytest

from intake.imap import connect
from intake.pipeline import deliver, process, receive_mail, receive_sent, recognise
from intake.pipeline.drafting import Wanted, file_draft, make_draft
from intake.sources.mailbox import MailboxSource
from storage.models import CaseState
from tests.builders import MONDAY, fates, mailbox_settings, make_config, make_house, post_settings, shop_settings
from tests.post_office import SENDER, PostOffice, scan
from tests.servers import Dovecot

pytestmark = pytest.mark.system
POLICY = email.policy.SMTP


class Office(PostOffice):
    """A post room whose manager has a mailbox."""

    def poll(self) -> None:
        """What a watcher does, and everything that follows."""
        mailbox = self.shop.mailbox
        assert mailbox is not None
        with connect(mailbox) as session:
            receive_sent(self.house, self.shop, mailbox, session)
            receive_mail(self.house, self.shop, MailboxSource(mailbox, self.shop.zone), session)
        recognise(self.house)
        process(self.house)
        deliver(self.house, self.shop)


@contextmanager
def office(dovecot: Dovecot, user: str, folder: Path, database: str = "") -> Iterator[Office]:
    shop = shop_settings(mailbox=mailbox_settings(dovecot.port, user), post_folder=post_settings(folder / "post"))
    with make_house(make_config(folder / "data", database, [shop]), MONDAY) as house:
        post = Office(house)
        post.poll()
        post.drop("scan.pdf", scan(), {"sender": SENDER})
        post.work()
        post.poll()
        yield post


def drafts(client: imapclient.IMAPClient) -> list[email.message.EmailMessage]:
    """The drafts of a mailbox, as a mail program opens them."""
    client.select_folder("Drafts")
    found = client.fetch(client.search(), ["BODY.PEEK[]"])
    return [email.message_from_bytes(item[b"BODY[]"], policy=POLICY) for item in found.values()]


def send(client: imapclient.IMAPClient, draft: email.message.EmailMessage, text: str, **headers: str) -> None:
    """Send a draft as mail programs do: a Message-ID of their own, the text as it was left, a signature below."""
    sent = email.message.EmailMessage(policy=POLICY)
    for name in ("From", "To", "Subject", "References"):
        sent[name] = headers.get(name.lower(), str(draft[name]))
    sent["Message-ID"] = "<0815@outlook.example.com>"
    sent.set_content(text + "\n-- \nMirjam, verzonden vanaf mijn werkplek\n")
    client.append("Sent", sent.as_bytes())


def text_of(pdf: Path) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
    finally:
        document.close()


def test_a_draft_that_is_sent_to_the_post_room_is_typeset_with_her_text(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    with office(dovecot, mail_user, tmp_path, database) as post:
        client = dovecot.client(mail_user)
        (draft,) = drafts(client)
        assert draft["To"].addresses[0].addr_spec == "post@example.nl"
        send(client, draft, "Geachte mevrouw De Boer,\n\nU krijgt een nieuwe stofzuiger.\n\nMirjam\n")
        post.poll()
        (letter,) = (post.path / "outgoing").iterdir()
        text = text_of(letter)
        assert fates(post.house.store) == ["opened", "joined"]
        assert post.find("SIS-2026-0001").attention == []
        letter.rename(post.path / "posted" / letter.name)
        post.work()
        assert post.find("SIS-2026-0001").state is CaseState.ANSWERED
        client.logout()
    assert "U krijgt een nieuwe stofzuiger." in text
    assert "werkplek" not in text
    assert "1017 GA" in text


def test_gaps_that_are_sent_are_told_and_not_printed(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    with office(dovecot, mail_user, tmp_path) as post:
        client = dovecot.client(mail_user)
        (draft,) = drafts(client)
        send(client, draft, draft.get_content())
        post.poll()
        case = post.find("SIS-2026-0001")
        client.logout()
        assert post.files("outgoing") == []
    assert any("still has gaps" in mark for mark in case.attention)
    assert case.state is CaseState.OPEN


def test_what_else_she_sends_is_nobodys_business(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    with office(dovecot, mail_user, tmp_path) as post:
        client = dovecot.client(mail_user)
        (draft,) = drafts(client)
        send(client, draft, "Privé", to="vriend@example.com", references="<friend@example.com>")
        send(client, draft, "Zomaar", references="<nothing@example.com>")
        post.poll()
        assert fates(post.house.store) == ["opened"]
        assert post.files("outgoing") == []
        client.logout()


def test_the_same_mail_in_a_renumbered_sent_folder_approves_once(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with office(dovecot, mail_user, tmp_path) as post:
        client = dovecot.client(mail_user)
        (draft,) = drafts(client)
        send(client, draft, "Geachte mevrouw,\n\nU krijgt een nieuwe.\n\nMirjam\n")
        post.poll()
        client.select_folder("Sent")
        (kept,) = client.fetch(client.search(), ["BODY.PEEK[]"]).values()
        client.close_folder()
        client.delete_folder("Sent")
        client.create_folder("Sent")
        client.append("Sent", kept[b"BODY[]"])
        post.poll()
        file = post.case()
        client.logout()
        assert fates(post.house.store) == ["opened", "joined", "duplicate"]
    assert [draft.state.value for draft in file.drafts] == ["superseded", "approved"]


def test_a_late_record_renews_the_draft_and_takes_the_untouched_one_back(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    shop = shop_settings(
        mailbox=mailbox_settings(dovecot.port, mail_user), post_folder=post_settings(tmp_path / "post")
    )
    with make_house(make_config(tmp_path / "data", "", [shop]), MONDAY) as house:
        post = Office(house)
        post.drop("scan.pdf", scan("Een brief zonder naam over een kapotte stofzuiger die niemand wilde herstellen."))
        post.work()
        client = dovecot.client(mail_user)
        (before,) = drafts(client)
        post.drop("scan.json", b'{"schema": "letter-intake/1", "received_on": "2026-09-02"}')
        post.work()
        post.work()
        (after,) = drafts(client)
        client.logout()
    assert before["Message-ID"] != after["Message-ID"]
    assert "2 september 2026" in after.get_content()


def test_a_second_letter_renews_the_untouched_draft_and_leaves_an_approved_letter(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    named = {"sender": SENDER, "case_id": "SIS-2026-0001"}
    with office(dovecot, mail_user, tmp_path) as post:
        client = dovecot.client(mail_user)
        (before,) = drafts(client)
        post.drop("again.pdf", scan("Ik heb nog niets gehoord over mijn stofzuiger. A. de Boer"), named)
        post.work()
        (after,) = drafts(client)
        assert fates(post.house.store) == ["opened", "joined"]
        assert before["Message-ID"] != after["Message-ID"]
        assert "104233" in after.get_content()
        assert post.files("drafts") == ["SIS-2026-0001.pdf"]
        send(client, after, "Geachte mevrouw De Boer,\n\nU krijgt een nieuwe stofzuiger.\n\nMirjam\n")
        post.poll()
        post.drop("third.pdf", scan("Wat duurt het lang met die stofzuiger van mij! A. de Boer"), named)
        post.work()
        file = post.case()
        client.logout()
        assert [draft.state.value for draft in file.drafts] == ["superseded", "superseded", "approved"]
        assert any("after its letter was approved" in mark for mark in file.case.attention)
        assert len(post.files("outgoing")) == 1


def test_a_holding_reply_by_post_moves_the_date_when_it_is_posted(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with office(dovecot, mail_user, tmp_path) as post:
        file = post.case()
        message = file.messages[0]
        with post.house.store.processing() as unit:
            wanted = Wanted(kind="holding", proposed_on=date(2026, 9, 18))
            file_draft(unit, post.shop, make_draft(post.house, file.case, message, wanted))
        post.work()
        client = dovecot.client(mail_user)
        holding = drafts(client)[-1]
        send(client, holding, "Geachte mevrouw De Boer,\n\nU krijgt op 21 september 2026 antwoord.\n\nMirjam\n")
        client.logout()
        post.poll()
        (letter,) = (post.path / "outgoing").iterdir()
        letter.rename(post.path / "posted" / letter.name)
        assert post.find("SIS-2026-0001").due_on == date(2026, 9, 10)
        post.work()
        case, kinds = post.find("SIS-2026-0001"), [draft.state.value for draft in post.case().drafts]
        assert (case.state, case.due_on, case.post_by) == (CaseState.OPEN, date(2026, 9, 21), date(2026, 9, 17))
        assert kinds == ["waiting", "superseded", "sent"]
        assert list((post.path / "outgoing").iterdir()) == []
