"""What is erased is gone: from every column of every table, from the database's own files, from the originals and from
the post folder; it does not come back, and what belongs to others, and what is measured, is as it was."""

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import MetaData, select, text

from intake import casework
from intake.bootstrap import LAYOUTS
from intake.casework.legal_hold import put_on_hold
from intake.casework.persons import erase_person, find_person
from intake.errors import Refused
from intake.evidence import audit, audit_originals
from intake.pipeline import House, deliver, process, receive_files
from intake.pipeline.erasing import UNDONE
from intake.pipeline.retaining import forget_what_is_due
from intake.replies.press import Press
from intake.replies.sheets import separator_sheets
from intake.sources.files import FoundMail
from storage.database import reading
from storage.models import Arrival, Case, CaseState, Channel, Fate
from storage.store import CaseFile
from tests.builders import MONDAY, mail, make_config, make_house, post_settings, shop_settings
from tests.counter import Clock
from tests.post_office import TEXT, PostOffice, scan, stack
from tests.records import an_effect

NAME, ADDRESS, ORDER, IBAN = "Wilhelmina Zonnestraal", "wilhelmina@quist.example.com", "90417733", "NL91ABNA0417164300"
HOME = {"street": "Parelmoerlaan", "house_number": "7", "postal_code": "7311 XK", "city": "Apeldoorn"}
WORDS = (
    "zonnestraal",
    "quist",
    "kobaltblauw",
    "theeservies",
    ORDER,
    IBAN,
    "nl91 abna",
    "parelmoer",
    "7311 xk",
    "7311xk",
    "krokus",
)
HERS = f"""Mijn kobaltblauwe theeservies, bestelling {ORDER}, kwam gebroken aan. Mijn rekening is {IBAN}.

{NAME}
"""
LETTER = (
    TEXT.replace("A. de Boer", NAME)
    .replace("Kerkstraat 5", "Parelmoerlaan 7")
    .replace("1017 GA Amsterdam", "7311 XK Apeldoorn")
    .replace("stofzuiger", "kobaltblauwe theeservies")
    .replace("104233", ORDER)
)
OTHER = TEXT.replace("stofzuiger", "grasmaaier").replace("104233", "555111")
ANSWER = "Uw klacht\n\nGeachte mevrouw Zonnestraal,\n\nU krijgt een nieuw kobaltblauw theeservies.\n\nMirjam\n"


class Office(PostOffice):
    """A shop with a post folder, whose mailbox brings mails without a server."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.uid = 0

    def mails(self, *mails: bytes, epoch: int = 1) -> None:
        for raw in mails:
            self.uid += 1
            arrival = Arrival(
                shop="sis",
                channel=Channel.MAIL,
                account="mirjam at imap.example.nl",
                folder="INBOX",
                uidvalidity=epoch,
                uid=self.uid,
                sha256=self.house.originals.add(raw),
                size=len(raw),
                received_at=self.house.clock(),
                received_basis="internaldate",
                stored_at=self.house.clock(),
            )
            self.house.store.receive([arrival])
        self.work()

    def finish(self, hours: int = 0) -> None:
        """Deliver until nothing waits; what nobody asked for is cleaned together, after an hour."""
        while deliver(self.house, self.shop):
            pass
        if hours and isinstance(self.house.clock, Clock):
            self.house.clock.move(hours=hours)
            deliver(self.house, self.shop)
        assert self.house.store.counts()["effects_waiting"] == 0


@contextmanager
def office_of(tmp_path: Path, database: str = "", **more: Any) -> Iterator[Office]:
    shop = shop_settings(post_folder=post_settings(tmp_path / "post"), acknowledge="off")
    with make_house(make_config(tmp_path / "data", database, [shop]), more.pop("clock", Clock()), **more) as house:
        yield Office(house)


def rows(house: House) -> dict[str, list[dict[str, Any]]]:
    """Everything in every table, as it is stored."""
    metadata = MetaData()
    metadata.reflect(house.store.engine)
    with reading(house.store.engine) as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


def traces(office: Office, tmp_path: Path) -> list[str]:
    """Where one of her words stands still."""
    found = []
    for table, lines in rows(office.house).items():
        for line in lines:
            for column, value in line.items():
                text = json.dumps(value, default=str, ensure_ascii=False).lower()
                found += [f"{table}.{column}: {word} in {text[:200]}" for word in WORDS if word.lower() in text]
    for path in tmp_path.rglob("*"):
        text = str(path.relative_to(tmp_path)).lower()
        if path.is_file():
            text += path.read_bytes().decode("utf-8", "ignore").lower() + text_of(path).lower()
        found += [f"{path}: {word}" for word in WORDS if word.lower() in text]
    return found


def text_of(path: Path) -> str:
    """The text of a PDF, whose bytes are compressed."""
    if path.read_bytes()[:5] != b"%PDF-":
        return ""
    with pypdfium2.PdfDocument(path) as pdf:
        return " ".join(page.get_textpage().get_text_range() for page in pdf)


def of_others(office: Office, reference: str) -> tuple[CaseFile, dict[str, bytes]]:
    """A case with all its rows, and every file that has its reference in its name or is one of its originals."""
    case = office.find(reference)
    file = office.house.store.case_file(case.id or 0)
    hashes = {document.sha256 for document in file.documents} | {draft.pdf_sha256 for draft in file.drafts}
    originals = {sha: office.house.originals.read(sha) for sha in hashes if sha}
    posted = {str(path): path.read_bytes() for path in office.path.rglob(f"*{reference}*") if path.is_file()}
    return file, {**originals, **posted}


def facts(office: Office) -> list[Any]:
    """What figures rest on: cases by their dates and outcome, deadlines, and the history before the erasure."""
    stored = rows(office.house)
    named = (
        *("reference", "state", "channel", "category", "labels", "language", "received_at", "due_on", "post_by"),
        *("opened_at", "answered_at", "answered_how", "closed_at", "closed_as", "merged_into_id", "assumed"),
    )
    deadlines = [{key: value for key, value in line.items() if key != "because"} for line in stored["deadline"]]
    events = [line for line in stored["event"] if line["kind"] not in ("anonymised", "erased")]
    cases = [{key: line[key] for key in named} for line in stored["complaint_case"]]
    kept = ("id", "arrival_id", "fate", "reason_kind", "case_id", "received_at", "outgoing", "channel", "category")
    return [cases, deadlines, events, [{key: line[key] for key in kept} for line in stored["message"]]]


def her_mail() -> bytes:
    return mail(
        HERS,
        sender=f"{NAME} <{ADDRESS}>",
        subject=f"Gebroken theeservies {ORDER}",
        message_id="<one@quist.example.com>",
        attach={"zonnestraal-foto.txt": b"het kobaltblauwe theeservies in scherven " * 20},
    )


def fill(office: Office) -> tuple[str, str]:
    """Her cases (by mail, by mail from another address, by letter from a CSV, all merged), answered by a letter that
    was printed and posted; her automatic mail; and a case of somebody else from the same CSV. The references of hers
    and of the other's."""
    house = office.house
    (office.path / "incoming" / "week.csv").write_text(
        "file;received_on;sender_name;sender_street;sender_house_number;sender_postal_code;sender_city\r\n"
        f"hers.pdf;2026-09-04;{NAME};Parelmoerlaan;7;7311 XK;Apeldoorn\r\n"
        "other.pdf;2026-09-04;A. de Boer;Kerkstraat;5;1017 GA;Amsterdam\r\n"
    )
    office.drop("hers.pdf", scan(LETTER))
    office.drop("other.pdf", scan(OTHER))
    office.work()
    by_name = {file.case.complainant_name: file.case.reference for file in office.cases()}
    hers, other = by_name[NAME], by_name["A. de Boer"]
    office.drop("again.pdf", scan(LETTER))
    office.work()
    again = mail(
        HERS + "Ik wacht nog op antwoord.",
        sender="W.Z. <krokus@example.com>",
        message_id="<two@quist.example.com>",
        in_reply_to="<one@quist.example.com>",
    )
    away = mail(
        HERS,
        sender=f"{NAME} <{ADDRESS}>",
        message_id="<away@quist.example.com>",
        auto_submitted="auto-replied",
        subject="Afwezig",
    )
    office.mails(her_mail(), again, away)
    mails = [case.reference for case in house.store.list_cases() if case.reference not in (hers, other)]
    for reference in mails:
        casework.merge(house, reference, hers, "mirjam")
    casework.note(house, hers, f"{NAME} belde over {ORDER}", "mirjam")
    casework.assign(house, hers, "Mirjam", "mirjam")
    casework.move_due(house, hers, office.find(hers).due_on + timedelta(days=5), f"{NAME} is op reis", "mirjam")
    with house.store.processing() as unit:
        unit.recipients.set_undeliverable("sis", ADDRESS, MONDAY)
        unit.add_attention(office.find(hers).id or 0, f"not delivered to {ADDRESS}")
    casework.approve_letter(house, hers, ANSWER, "mirjam")
    casework.approve_letter(house, other, "Uw klacht\n\nU krijgt een nieuwe grasmaaier.\n\nMirjam\n", "mirjam")
    office.work()
    run, printed = casework.print_letters(house, office.shop, duplex=False)
    assert set(printed) == {hers, other}
    casework.mark_posted(house, [hers], None, "clerk")
    office.work()
    assert run.is_file()
    return hers, other


def erase(office: Office) -> list[str]:
    person = find_person(office.house.store, ["sis"], ADDRESS)
    done = erase_person(office.house, person, "request", "mirjam")
    assert [kept.what for kept in done.kept if kept.needs] == []
    return done.cases


def test_nothing_of_an_erased_person_is_left_and_nothing_of_others_is_touched(database: str, tmp_path: Path) -> None:
    with office_of(tmp_path, database) as office:
        hers, other = fill(office)
        assert len({trace.partition(":")[0] for trace in traces(office, tmp_path)}) > 30
        kept, measured = of_others(office, other), facts(office)
        assert audit(office.house.store, office.house.config.shops, []).findings == ()
        cases = erase(office)
        assert hers in cases
        assert len(cases) == 3
        office.finish()
        assert traces(office, tmp_path) == []
        assert of_others(office, other) == kept
        assert facts(office) == measured
        assert audit(office.house.store, office.house.config.shops, []).findings == ()
        assert list(audit_originals(office.house.store, office.house.originals, office.house.config.shops)) == []
        left = set(office.house.originals)
        assert left == office.house.store.erasing.named(sorted(left))
        assert [
            line for line in (office.path / "done").rglob("*.csv") if "de boer" not in line.read_text().lower()
        ] == []


def test_what_was_erased_stays_away(database: str, tmp_path: Path) -> None:
    with office_of(tmp_path, database) as office:
        fill(office)
        erase(office)
        office.finish()
        before = len(find_all(office))
        office.mails(her_mail(), epoch=2)
        changed = her_mail().replace(b"MIME-Version", b"X-Exported: yes\nMIME-Version", 1)
        for _ in receive_files(office.house, office.shop, iter([FoundMail("quist.eml", changed)])):
            process(office.house)
        office.drop("hers-zonnestraal.pdf", scan(LETTER))
        office.work()
        office.finish(hours=1)
        lines = office.house.store.list_arrivals()[-3:]
        assert [line.message.reason_kind for line in lines if line.message] == ["erased"] * 3
        assert before == len(find_all(office))
        assert traces(office, tmp_path) == []
        assert [name for name in office.files("done") if "ERASED" in name]
        assert office.files("processing") == []


def test_what_had_no_case_may_come_again_after_its_term(tmp_path: Path) -> None:
    clock = Clock()
    spam = mail(x_spam_flag="YES", message_id="<spam@example.com>")
    with office_of(tmp_path, clock=clock) as office:
        office.mails(spam)
        office.drop("a.pdf", scan(TEXT))
        office.work()
        office.drop("b.pdf", scan(TEXT))
        office.work()
        filed = [name for name in office.files("done") if "duplicates" not in name]
        clock.move(days=95)
        assert forget_what_is_due(office.house).messages == 2
        office.finish(hours=1)
        assert office.files("done") == filed
        office.mails(spam)
        office.drop("c.pdf", scan(TEXT))
        office.work()
        again, copy = (line.message for line in office.house.store.list_arrivals()[-2:])
        assert again is not None
        assert copy is not None
        assert (again.fate, again.reason_kind, copy.fate) == (Fate.SET_ASIDE, "spam", Fate.DUPLICATE)
        assert casework.open_arrival(office.house, again.arrival_id, "mirjam") == "SIS-2026-0002"
        assert "duplicates/c.pdf" in office.files("done")


def test_a_copy_that_is_erased_on_request_does_not_keep_the_one_that_is_held_away(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        office.mails(her_mail(), her_mail())
        office.mails(her_mail(), epoch=2)
        put_on_hold(office.house, office.case().case.reference, "Dagvaarding", "mirjam")
        person = find_person(office.house.store, ["sis"], ADDRESS)
        assert erase_person(office.house, person, "request", "mirjam").messages
        office.mails(her_mail(), epoch=3)
        last = office.house.store.list_arrivals()[-1].message
        assert last is not None
        assert (last.fate, last.reason_kind) != (Fate.SET_ASIDE, "erased")


def test_the_database_is_written_anew_at_once_for_who_asks_and_else_once_an_hour(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        office.mails(her_mail())
        casework.close(office.house, "SIS-2026-0001", "withdrawn", "mirjam")
        office.work()
        before = writings(office)
        erase(office)
        office.finish()
        assert writings(office) == before + 1
        for epoch in (2, 3, 4):
            office.mails(her_mail(), epoch=epoch)
        assert writings(office) == before + 1
        office.finish(hours=1)
        assert writings(office) == before + 2


def test_a_message_that_was_erased_is_not_split_off(tmp_path: Path) -> None:
    more = mail(HERS, sender=ADDRESS, message_id="<two@quist.example.com>", in_reply_to="<one@quist.example.com>")
    with office_of(tmp_path) as office:
        office.mails(her_mail(), more)
        first, second = (message.id or 0 for message in office.case().messages)
        casework.close(office.house, "SIS-2026-0001", "withdrawn", "mirjam")
        office.work()
        erase(office)
        for number in (first, second):
            with pytest.raises(Refused, match=f"Message {number} was erased"):
                casework.split(office.house, "SIS-2026-0001", number, "mirjam")


def writings(office: Office) -> int:
    """A number that grows by one each time that SQLite writes the database anew."""
    with reading(office.house.store.engine) as connection:
        return int(connection.execute(text("PRAGMA schema_version")).scalar_one())


class Killed(BaseException):
    """What a checkpoint raises where the process would die."""


@pytest.mark.parametrize("boundary", ["anonymised", "files erased", "effect marked done"])
def test_an_erasure_that_is_killed_goes_on_where_it_was(boundary: str, tmp_path: Path) -> None:
    armed: list[str] = []

    def checkpoint(name: str) -> None:
        if name in armed:
            armed.remove(name)
            raise Killed

    with office_of(tmp_path, checkpoint=checkpoint) as office:
        office.drop("hers.pdf", scan(LETTER))
        office.work()
        office.mails(her_mail())
        casework.merge(office.house, "SIS-2026-0002", "SIS-2026-0001", "mirjam")
        casework.close(office.house, "SIS-2026-0001", "withdrawn", "mirjam")
        office.work()
        armed.append(boundary)
        with contextlib.suppress(Killed):
            erase(office)
            office.finish()
        assert armed == []
        assert traces(office, tmp_path)
    with office_of(tmp_path) as office:
        if any(case.anonymised_at is None for case in find_all(office)):
            erase(office)
        office.finish()
        assert traces(office, tmp_path) == []
        assert sum(event["kind"] == "anonymised" for event in rows(office.house)["event"]) == len(find_all(office))


def find_all(office: Office) -> list[Case]:
    return office.house.store.list_cases(states=tuple(CaseState))


def test_bytes_that_another_shop_holds_too_stay_until_it_erases_them(tmp_path: Path) -> None:
    shops = [shop_settings(), shop_settings(id="two", prefix="TWO", name="Two")]
    raw = her_mail()
    with make_house(make_config(tmp_path / "data", "", shops)) as house:
        digest = house.originals.add(raw)
        for shop in house.config.shops:
            list(receive_files(house, shop, iter([FoundMail("a.eml", raw)])))
        process(house)
        for case in house.store.list_cases():
            casework.close(house, case.reference, "withdrawn", "mirjam")
        for name, left in (("sis", [digest]), ("two", [])):
            erase_person(house, find_person(house.store, [name], ADDRESS), "request", "mirjam")
            for one in house.config.shops:
                deliver(house, one)
            assert list(house.originals) == left


def test_what_is_still_on_its_way_is_not_erased_under_it(tmp_path: Path) -> None:
    clock = Clock()
    with office_of(tmp_path, clock=clock) as office:
        office.mails(her_mail())
        reference = office.case().case.reference
        casework.close(office.house, reference, "withdrawn", "mirjam")
        with office.house.store.processing() as unit:
            unit.add_effect(an_effect("withdraw", kind="withdraw draft", case_id=office.find(reference).id))
        person = find_person(office.house.store, ["sis"], ADDRESS)
        done = erase_person(office.house, person, "request", "mirjam")
        assert [(kept.what, kept.why) for kept in done.kept if kept.needs] == [(f"case {reference}", UNDONE)]
        clock.move(days=8)
        assert erase(office) == [reference]


def test_a_stack_keeps_its_scan_until_the_last_of_its_letters_is_forgotten(tmp_path: Path) -> None:
    sheets = separator_sheets(Press(LAYOUTS), 1, None, ("nl",))
    with office_of(tmp_path) as office:
        office.drop("stack.pdf", stack(scan(LETTER), sheets, scan(OTHER)))
        office.work()
        hers, other = sorted((file.case for file in office.cases()), key=lambda case: case.complainant_name != NAME)
        for case in (hers, other):
            casework.close(office.house, case.reference, "withdrawn", "mirjam")
        office.work()
        person = find_person(office.house.store, ["sis"], NAME)
        assert erase_person(office.house, person, "request", "mirjam").cases == [hers.reference]
        office.finish()
        file = office.house.store.case_file(other.id or 0)
        assert file.messages[0].text
        assert len(office.files("done")) == 2
        left = [trace for trace in traces(office, tmp_path) if not trace.startswith(str(tmp_path))]
        assert left == []
        person = find_person(office.house.store, ["sis"], "a. de  BOER")
        erase_person(office.house, person, "request", "mirjam")
        office.finish()
        assert list(office.house.originals) == []
        assert office.files("done") == []
        assert traces(office, tmp_path) == []
