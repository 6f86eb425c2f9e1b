"""The draft keeps up with its case, and the answer is seen in Sent: a real Dovecot, and an IMAP client as the manager's
mail program."""

import email
import email.policy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import imapclient
import pytest

from intake import casework
from intake.casework import Answered
from intake.imap import connect
from intake.outlets.drafts_folder import DraftsFolder
from intake.pipeline import AnswerWatch, House, deliver, process, receive_mail
from intake.sources.mailbox import MailboxSource
from storage.database import reading
from storage.models import Case, CaseState, DraftState, EffectState, Notice
from storage.rows import fetch
from storage.store import CaseFile
from storage.tables import NOTICES
from tests.builders import MONDAY, mail, mailbox_settings, make_config, make_house, shop_settings
from tests.servers import Dovecot

pytestmark = pytest.mark.system
POLICY = email.policy.SMTP
OUTLOOK = "<c0ffee@outlook.example.com>"
LATER = "<second@example.com>"
SECOND_COMPLAINT = "Mijn pakket 104299 is niet geleverd. Ik wil mijn geld terug."


class Killed(BaseException):
    """What a checkpoint raises where the process would die."""


class Desk:
    """A house on a mailbox whose clock the test moves, and the manager's own mail program."""

    def __init__(self, house: House, clock: list[datetime], dying: list[str], client: imapclient.IMAPClient) -> None:
        self.house, self.client, self._clock, self.dying = house, client, clock, dying
        (self.shop,) = house.config.shops
        assert self.shop.mailbox is not None
        self.mailbox = self.shop.mailbox
        self.watch = AnswerWatch(house, self.shop, self.mailbox)
        self.source = MailboxSource(self.mailbox, self.shop.zone)

    @property
    def now(self) -> datetime:
        return self._clock[0]

    def wait(self, **time: float) -> None:
        self._clock[0] += timedelta(**time)

    def poll(self) -> None:
        """What the service does, in one thread."""
        with connect(self.mailbox) as session:
            receive_mail(self.house, self.shop, self.source, session)
            process(self.house)
            self.watch.look(session)
        process(self.house)
        deliver(self.house, self.shop)

    def write(self, text: str, **headers: Any) -> None:
        """The customer writes."""
        self.client.append("INBOX", mail(text, **headers), (), self._clock[0])

    def again(self, text: str, message_id: str = LATER) -> None:
        """The customer writes again in the thread."""
        self.write(text, message_id=message_id, in_reply_to="<first@example.com>")

    def drafts(self) -> list[EmailMessage]:
        """The drafts as her program opens them, oldest first."""
        return [email.message_from_bytes(raw, policy=POLICY) for raw in self._folder("Drafts").values()]

    def drop_drafts(self) -> None:
        self._folder("Drafts")
        self.client.delete_messages(self.client.search())
        self.client.expunge()

    def edit(self, text: str) -> EmailMessage:
        """Edit the draft in a program that replaces it: a new UID, a Message-ID of its own, References kept."""
        (draft,) = self.drafts()
        edited = self.as_sent(text, draft)
        self.client.append("Drafts", edited.as_bytes(), (b"\\Draft",), self._clock[0])
        self._folder("Drafts")
        self.client.delete_messages(self.client.search()[:1])
        self.client.expunge()
        return edited

    def as_sent(self, text: str, draft: EmailMessage, **headers: str) -> EmailMessage:
        """A draft as a program leaves it of which only References are kept."""
        made = EmailMessage(policy=POLICY)
        for name in ("From", "To", "Subject", "References"):
            made[name] = headers.get(name.lower(), str(draft[name]))
        made["Message-ID"] = OUTLOOK
        made.set_content(text)
        return made

    def send(self, sent: EmailMessage) -> None:
        """Her program has sent it, and files a copy."""
        self.client.append("Sent", sent.as_bytes(), (b"\\Seen",), self._clock[0])

    def case(self, reference: str = "SIS-2026-0001") -> Case:
        found = self.house.store.find_case(reference)
        assert found is not None
        return found

    def file(self) -> CaseFile:
        return self.house.store.case_file(self.case().id or 0)

    def states(self) -> list[str]:
        return [draft.state.value for draft in self.file().drafts if draft.kind == "answer"]

    def notices(self) -> Sequence[Notice]:
        with reading(self.house.store.engine) as connection:
            return fetch(connection, Notice, NOTICES.select())

    def _folder(self, name: str) -> dict[int, bytes]:
        self.client.select_folder(name)
        found = self.client.fetch(self.client.search(), ["BODY.PEEK[]"]) if self.client.search() else {}
        return {uid: item[b"BODY[]"] for uid, item in sorted(found.items())}


@contextmanager
def a_desk(dovecot: Dovecot, user: str, folder: Path, database: str = "", **changes: Any) -> Iterator[Desk]:
    clock = [MONDAY]
    dying: list[str] = []

    def checkpoint(name: str) -> None:
        if name in dying:
            dying.clear()
            raise Killed

    mailbox = mailbox_settings(dovecot.port, user)
    settings = shop_settings(**{"mailbox": mailbox, "acknowledge": "off", **changes})
    config = make_config(folder / "data", database, [settings])
    client = dovecot.client(user)
    try:
        with make_house(config, lambda: clock[0], checkpoint) as house:
            desk = Desk(house, clock, dying, client)
            desk.poll()
            yield desk
    finally:
        client.logout()


def answered(desk: Desk) -> None:
    """A complaint whose draft was edited in another program, and sent with only References left."""
    desk.write("Mijn pakket 104233 is niet geleverd.")
    desk.poll()
    edited = desk.edit("Beste Jan,\n\nUw pakket komt morgen.\n")
    desk.wait(hours=2)
    desk.send(edited)
    desk.drop_drafts()
    desk.wait(minutes=5)
    desk.poll()


def test_an_edited_draft_that_was_sent_with_only_references_left_answers_at_that_moment(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path, database) as desk:
        answered(desk)
        case, file = desk.case(), desk.file()
        assert (case.state, case.answered_how, case.answered_at) == (
            CaseState.ANSWERED,
            "mail",
            MONDAY + timedelta(hours=2),
        )
        assert desk.states() == ["sent"]
        (sent,) = [one for one in file.messages if one.outgoing]
        assert sent.text.strip() == "Beste Jan,\n\nUw pakket komt morgen."


def test_who_writes_after_the_answer_gets_a_date_and_a_draft_and_who_thanks_no_draft(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        answered(desk)
        desk.wait(days=1)
        desk.write("Het pakket is stuk aangekomen!", message_id=LATER, in_reply_to=OUTLOOK)
        desk.poll()
        case = desk.case()
        assert (case.state, case.due_on.isoformat()) == (CaseState.OPEN, "2026-09-14")
        assert desk.states() == ["sent", "waiting"]
        (draft,) = desk.drafts()
        assert draft["In-Reply-To"] == LATER
        # The old thread in References does not make the old draft count again.
        desk.wait(hours=1)
        desk.send(desk.as_sent("Dan sturen wij een nieuwe.", draft))
        desk.poll()
        assert desk.states() == ["sent", "sent"]
        assert desk.drafts() == []
        desk.wait(days=1)
        desk.write("Hartelijk dank, mooi opgelost!", message_id="<third@example.com>", in_reply_to=OUTLOOK)
        desk.poll()
        case = desk.case()
        assert (case.state, case.due_on.isoformat()) == (CaseState.OPEN, "2026-09-15")
        assert any(mark.startswith("mere thanks?") for mark in case.attention)
        assert desk.drafts() == []


def test_a_reply_by_hand_answers_with_its_gaps_told_and_the_untouched_draft_gone(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn pakket 104233 is niet geleverd.")
        desk.poll()
        (draft,) = desk.drafts()
        forward = desk.as_sent("Kun jij kijken?", draft, to="piet@example.nl", references="<first@example.com>")
        forward.replace_header("Message-ID", "<colleague@example.nl>")
        desk.send(forward)
        desk.poll()
        assert desk.case().state is CaseState.OPEN
        by_hand = desk.as_sent("Het komt op [datum?].", draft, references="<first@example.com>")
        desk.send(by_hand)
        desk.poll()
        case = desk.case()
        assert case.state is CaseState.ANSWERED
        assert desk.drafts() == []
        assert "sent with gaps in it: [datum?]" in case.attention
        assert [(one.kind, one.urgent) for one in desk.notices()] == [("gaps sent", True)]
        closing = desk.as_sent("Nog iets.", draft, references="<first@example.com>")
        closing.replace_header("Message-ID", "<more@example.nl>")
        desk.send(closing)
        desk.poll()
        assert desk.case().answered_at == case.answered_at


def test_what_she_answered_while_nothing_ran_is_answered(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn pakket 104233 is niet geleverd.")
        desk.wait(hours=1)
        reply = mail(
            "Komt morgen.",
            sender="mirjam@example.nl",
            to="jan@example.com",
            message_id=OUTLOOK,
            in_reply_to="<first@example.com>",
        )
        desk.client.append("Sent", reply, (), desk.now)
        with connect(desk.mailbox) as session:
            receive_mail(desk.house, desk.shop, desk.source, session)
            # In a flood the server wakes us many times before the first mail is processed.
            assert [desk.watch.look(session) for _ in range(9)] == [0] * 9
        desk.poll()
        assert desk.case().state is CaseState.ANSWERED


def test_mail_that_cannot_be_processed_holds_up_sent_for_a_quarter_of_an_hour(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn pakket 104233 is niet geleverd.")
        desk.poll()
        (draft,) = desk.drafts()
        desk.send(desk.as_sent("Komt morgen.", draft))
        desk.write("Mijn stofzuiger is stuk.", sender="Eva <eva@example.de>", message_id="<eva@example.de>")
        with connect(desk.mailbox) as session:
            receive_mail(desk.house, desk.shop, desk.source, session)
            assert desk.watch.look(session) == 0
            desk.wait(minutes=14)
            assert desk.watch.look(session) == 0
            desk.wait(minutes=1)
            assert desk.watch.look(session) == 1


def test_an_untouched_draft_is_renewed_and_a_touched_one_is_hers(
    dovecot: Dovecot, mail_user: str, database: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path, database) as desk:
        desk.write("Mijn stofzuiger is na drie weken stuk gegaan.", subject="Stofzuiger")
        desk.poll()
        desk.again("Mijn bestelnummer is 104233.")
        desk.again("Bedankt alvast!", "<thanks@example.com>")
        desk.poll()
        (draft,) = desk.drafts()
        assert draft["In-Reply-To"] == "<thanks@example.com>"
        text = draft.get_content()
        assert "104233" in text
        assert "Mijn stofzuiger is na drie weken stuk gegaan" in text
        assert desk.states() == ["superseded", "superseded", "waiting"]
        desk.again("Hartelijk dank.", "<mere@example.com>")
        desk.poll()
        assert desk.states() == ["superseded", "superseded", "waiting"]
        desk.edit("Beste Jan,\n\nIk begin te schrijven.\n")
        desk.again("En wanneer komt hij dan?", "<third@example.com>")
        desk.poll()
        (hers,) = desk.drafts()
        assert "Ik begin te schrijven" in hers.get_content()
        assert desk.states() == ["superseded", "superseded", "waiting", "superseded"]
        assert any("after you began to edit" in mark for mark in desk.case().attention)
        assert [one.kind for one in desk.notices()] == ["wrote again"]
        desk.send(desk.as_sent("Klaar.", hers))
        desk.poll()
        assert desk.states() == ["superseded", "superseded", "sent", "superseded"]


def test_a_draft_is_untouched_when_only_a_setting_has_changed_since(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is defect.")
        desk.write(SECOND_COMPLAINT, sender="Eva <eva@example.de>", message_id="<eva@example.de>")
        desk.poll()
        assert len(desk.drafts()) == 2
    with a_desk(dovecot, mail_user, tmp_path, name="Smart Import, since 1999", format="html") as desk:
        desk.again("Mijn bestelnummer is 104233.")
        desk.poll()
        assert desk.states() == ["superseded", "waiting"]
        casework.answer(desk.house, "SIS-2026-0002", Answered("phone", MONDAY.date()), "mirjam")
        desk.poll()
        (draft,) = desk.drafts()
        assert draft["In-Reply-To"] == LATER
        assert "since 1999" in draft["From"]


@pytest.mark.parametrize("moment", ["draft appended", "old draft withdrawn", "effect marked done"])
def test_a_renewal_that_is_killed_and_repeated_leaves_one_draft(
    dovecot: Dovecot, mail_user: str, tmp_path: Path, moment: str
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is defect.")
        desk.poll()
        desk.again("Mijn bestelnummer is 104233.")
        desk.dying.append(moment)
        with pytest.raises(Killed):
            desk.poll()
        desk.poll()
        (draft,) = desk.drafts()
        assert draft["In-Reply-To"] == LATER
        assert desk.states() == ["superseded", "waiting"]
        assert desk.house.store.counts()["effects_waiting"] == 0


def test_a_deleted_draft_is_not_put_back_and_the_case_says_so(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is defect.")
        desk.poll()
        desk.poll()
        desk.drop_drafts()
        desk.poll()
        assert desk.states() == ["waiting"]
        desk.poll()
        assert desk.states() == ["deleted"]
        assert desk.case().attention == ["its draft was deleted: `intake redraft SIS-2026-0001` makes another"]
        desk.again("Hoort u mij?")
        desk.poll()
        assert desk.drafts() == []
        assert desk.states() == ["deleted"]
        assert sorted(one.kind for one in desk.notices()) == ["draft deleted", "wrote again"]


def test_a_draft_that_was_deleted_before_the_next_mail_came_is_looked_for_before_it_is_given_up(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is defect.")
        desk.poll()
        desk.drop_drafts()
        desk.again("Hoort u mij?")
        seen = []
        for _ in range(3):
            with connect(desk.mailbox) as session:
                receive_mail(desk.house, desk.shop, desk.source, session)
            process(desk.house)
            deliver(desk.house, desk.shop)
            seen.append(desk.states())
            desk.wait(minutes=5)
        assert seen == [["waiting", "waiting"], ["waiting", "waiting"], ["deleted", "superseded"]]
        assert desk.drafts() == []
        assert {one.state for one in desk.file().effects} == {EffectState.DONE}


def test_a_message_that_came_after_the_answer_opens_the_case_again_in_whatever_order_they_are_seen(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is defect.")
        desk.poll()
        (draft,) = desk.drafts()
        desk.wait(hours=1)
        answer, at = desk.as_sent("Wij sturen een nieuwe.", draft), desk.now
        desk.wait(days=1)
        desk.again("Ik hoor niets?")
        desk.poll()
        desk.client.append("Sent", answer.as_bytes(), (), at)
        desk.poll()
        case = desk.case()
        assert (case.state, case.due_on.isoformat()) == (CaseState.OPEN, "2026-09-14")
        assert [draft.state for draft in desk.file().drafts] == [
            DraftState.SENT,
            DraftState.SUPERSEDED,
            DraftState.WAITING,
        ]
        (left,) = [one for one in desk.drafts() if one["Message-ID"] != draft["Message-ID"]]
        assert left["In-Reply-To"] == LATER


def test_a_holding_reply_moves_the_date_beside_the_promise(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is defect.")
        desk.poll()
        token, anchor = "<h@example.nl>", "<ha@example.nl>"
        (answer,) = desk.file().drafts
        with desk.house.store.processing() as unit:
            made = {"id": None, "kind": "holding", "token": token, "anchor": anchor}
            unit.add_draft(answer.model_copy(update=made))
        (lying,) = desk.drafts()
        text = "Beste Jan,\n\nVrijdag 11 september lukt niet. U hoort het op 18 september 2026.\n"
        desk.send(desk.as_sent(text, lying, references=f"<first@example.com> {anchor}"))
        desk.poll()
        case, file = desk.case(), desk.file()
        assert (case.state, case.due_on.isoformat()) == (CaseState.OPEN, "2026-09-18")
        assert [(one.kind.value, one.due_on.day) for one in file.deadlines] == [("promise", 11), ("holding", 18)]
        assert [draft.state.value for draft in file.drafts] == ["waiting", "sent"]
        assert len(desk.drafts()) == 1


def test_a_draft_is_found_wherever_it_went(dovecot: Dovecot, mail_user: str, tmp_path: Path) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is defect.")
        desk.poll()
        (draft,) = desk.file().drafts
        with connect(desk.mailbox) as session:
            folder = DraftsFolder(session, desk.mailbox)
            assert folder.has(draft.token)
            edited = desk.edit("Anders.")
            assert not folder.has(draft.token)
            assert folder.has(draft.token, draft.anchor)
            assert folder.find(draft.token, draft.anchor, b"as it was").value == "touched"
            desk.drop_drafts()
            assert folder.find(draft.token, draft.anchor, b"as it was").value == "gone"
            desk.send(edited)
            assert folder.find(draft.token, draft.anchor, b"as it was").value == "sent"


def test_an_acknowledgement_stops_no_clock_and_what_is_left_of_it_goes_with_the_answer(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path, acknowledge="draft") as desk:
        for number in (1, 2):
            desk.write("Mijn stofzuiger is defect.", message_id=f"<{number}@example.com>", x_spam_flag="NO")
        desk.poll()
        assert len(desk.drafts()) == 4
        received, answer = (
            next(one for one in desk.drafts() if one["Message-ID"] == draft.token)
            for draft in sorted(desk.file().drafts, key=lambda draft: draft.kind)
        )
        desk.wait(minutes=1)
        desk.send(desk.as_sent("Wij hebben uw klacht ontvangen.", received))
        desk.poll()
        assert desk.case().state is CaseState.OPEN
        second = desk.house.store.find_case("SIS-2026-0002")
        assert second is not None
        by_hand = desk.as_sent("Wij sturen een nieuwe.", answer, references="<2@example.com>")
        by_hand.replace_header("Message-ID", "<hand@example.nl>")
        desk.send(by_hand)
        desk.poll()
        assert desk.case("SIS-2026-0002").state is CaseState.ANSWERED
        left = {draft.token for draft in desk.file().drafts}
        assert {one["Message-ID"] for one in desk.drafts()} == left
