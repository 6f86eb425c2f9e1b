"""The dossier: everything about a case in a PDF to read and a ZIP that can be checked, whatever people sent."""

import hashlib
import json
import re
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
import pytest

from intake import casework
from intake.bootstrap import LAYOUTS
from intake.casework import Asked
from intake.dossier import LANGUAGES, Made, State, Wanted, make_dossier
from intake.dossier.content import INTERNAL, MADE, Content, gather
from intake.dossier.counting import Day, counted_days
from intake.dossier.names import masked, safe_name
from intake.errors import NotFound, Refused, UsageError
from intake.pipeline import process, receive_files
from intake.replies.press import Press
from intake.replies.sheets import separator_sheets
from intake.sources.files import FoundMail
from storage.database import writing
from storage.models import Channel, DeadlineKind, Draft, DraftState, Fate, Message
from storage.rows import change
from storage.store import CaseFile
from storage.tables import CASES
from tests.builders import MONDAY, mail, make_config
from tests.commands import Installation
from tests.paper import page_texts, pdf_claims, text_of
from tests.post_office import SENDER, TEXT, PostOffice, post_office, scan, stack
from tests.records import a_case, a_deadline, a_draft, a_message

ROOT = Path(__file__).parent.parent
WORDS = ROOT / "templates" / "letter" / "dossier"
MAILED, POSTED = "SIS-2026-0001", "SIS-2026-0002"
IBAN = "NL91ABNA0417164300"
ZONE = ZoneInfo("Europe/Amsterdam")
PDF, JPEG = b"%PDF-1.4\n%%EOF\n", b"\xff\xd8\xff\xe0 a picture"
BODIES = [
    {
        "id": "sgc",
        "name": "De Geschillencommissie",
        "address": "Postbus 90600, 2509 LP Den Haag",
        "website": "https://geschil.example.nl",
        "countries": ["NL"],
        "takes_part": True,
        "term_months": 12,
        "answer_days": 10,
    },
    {"id": "vsbg", "name": "Schlichtungsstelle", "countries": ["DE"]},
    {"id": "old", "name": "Oude Commissie", "until": date(2026, 9, 1)},
]


# What is pure


@pytest.mark.parametrize(
    ("given", "content", "name"),
    [
        ("factuur.pdf", PDF, "007-factuur.pdf"),
        ("Foto van de doös (1).JPG", JPEG, "007-Foto_van_de_doos_1.jpg"),
        ("../../etc/passwd", b"root", "007-passwd.bin"),
        ("C:\\Windows\\win.ini", b"x", "007-win.ini.bin"),
        ("bill.exe", b"MZ", "007-bill.exe.bin"),
        ("bill.pdf", b"MZ", "007-bill.pdf.bin"),
        ("page.html", b"<script>", "007-page.html.bin"),
        ("photo.exe", JPEG, "007-photo.exe.jpg"),
        ("brief.docx", b"PK\x03\x04", "007-brief.docx"),
        ("\u202egnp.fdp", PDF, "007-gnp.fdp.pdf"),
        ("......", b"", "007-file.bin"),
        ("", PDF, "007-file.pdf"),
        ("a" * 300 + ".txt", b"x", f"007-{'a' * 60}.txt"),
        (f"{IBAN} afschrift.csv", b"x", "007-NL91_4300_afschrift.csv"),
        ("new\nline\x00.txt", b"x", "007-new_line.txt"),
    ],
)
def test_a_file_gets_a_name_that_does_no_harm(given: str, content: bytes, name: str) -> None:
    assert safe_name(7, given, content) == name


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"afschrift {IBAN}.pdf", "afschrift NL91 •••• 4300.pdf"),
        ("NL91 ABNA 0417 1643 00 en DE89370400440532013000", "NL91 •••• 4300 en DE89 •••• 3000"),
        ("kopie ID, BSN 123456782", "kopie ID, BSN ••••"),
        ("bestelling 104233 van 123456782", "bestelling 104233 van 123456782"),
        ("PL61109010140000071219812874", "PL61 •••• 2874"),
    ],
)
def test_lists_show_no_whole_account_and_identity_numbers(line: str, shown: str) -> None:
    assert masked(line) == shown


def promised(received: datetime, due_on: date, **changes: Any) -> Any:
    calendar = {"country": "NL", "subdivision": "", "open": ["Good Friday"], "closed": ["2026-12-30"]}
    promise = {"business_days": 4, "counting": "event-day", "calendar": calendar}
    return a_deadline(1, 1, received_at=received, due_on=due_on, **{"promise": promise, **changes})


def test_the_count_is_told_by_the_calendar_that_was_in_force() -> None:
    from_tuesday = datetime(2026, 12, 22, 23, 30, tzinfo=MONDAY.tzinfo)  # 00:30 on the 23rd in the shop
    days = counted_days(promised(from_tuesday, date(2026, 12, 31)), ZONE)
    assert [(one.day.day, one.what, one.number) for one in days] == [
        (23, Day.ZERO, 0),
        (24, Day.COUNTED, 1),
        (25, Day.HOLIDAY, 0),
        (26, Day.WEEKEND, 0),
        (27, Day.WEEKEND, 0),
        (28, Day.COUNTED, 2),
        (29, Day.COUNTED, 3),
        (30, Day.CLOSED, 0),
        (31, Day.COUNTED, 4),
    ]
    assert days[2].name == "Christmas Day"


def test_a_count_that_does_not_come_out_is_not_told() -> None:
    december = datetime(2026, 12, 22, 12, tzinfo=MONDAY.tzinfo)
    for deadline in (
        promised(december, date(2026, 12, 30)),
        promised(december, date(2026, 12, 30), promise={"business_days": 4, "counting": "event-day"}),
        promised(december, date(2026, 12, 29), kind=DeadlineKind.MOVED),
        promised(december, date(2026, 12, 29), because="promised in SIS-2026-0007"),
        promised(december, date(2027, 12, 29)),
    ):
        assert counted_days(deadline, ZONE) == ()


def told(language: str) -> dict[str, Any]:
    return tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8"))


def flat(words: dict[str, Any], part: str = "") -> Iterator[tuple[str, str]]:
    for key, value in words.items():
        if isinstance(value, dict):
            yield from flat(value, f"{part}{key}.")
        else:
            yield f"{part}{key}", str(value)


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_everything_with_the_same_values(language: str) -> None:
    english, words = dict(flat(told("en"))), dict(flat(told(language)))
    assert words.keys() == english.keys()
    assert {key for key, value in words.items() if fields(value) != fields(english[key])} == set()


def test_each_line_of_the_history_is_told_or_left_out_on_purpose() -> None:
    written = re.compile(r"(?:record\(house, unit, \w+|event_of\(house, [\w.]+, [\w.]+), \"([a-z ]+)\"")
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "intake").rglob("*.py"))
    kinds = {kind for source in sources for kind in written.findall(source)}
    assert {"opened", "escalated", "date moved", "drafted"} <= kinds
    assert kinds - told("en")["events"].keys() - INTERNAL - {MADE, "anonymised"} == set()


def received(number: int, **changes: Any) -> Message:
    person = {"from_name": "Jan", "from_address": "jan@example.com", "recipients": ["Mirjam <mirjam@example.nl>"]}
    at = MONDAY + timedelta(hours=number)
    return a_message(number, **{"id": number, "fate": Fate.JOINED, "received_at": at, **person, **changes})


def sent(number: int, **changes: Any) -> Message:
    return received(number, **{"outgoing": True, "recipients": ["Jan <jan@example.com>"], **changes})


def gathered(messages: Sequence[Message], drafts: Sequence[Draft]) -> Content:
    file = CaseFile(a_case(id=1), tuple(messages), (), (), tuple(drafts), (), ())
    return gather([file], make_config(Path("data")).shops[0])


def test_what_was_sent_is_a_piece_once_and_what_was_only_drafted_is_none() -> None:
    by_hour = {"state": DraftState.SENT, "sent_at": MONDAY + timedelta(hours=4)}
    posted = {"channel": Channel.LETTER, "state": DraftState.APPROVED, "pdf_sha256": "0" * 64}
    drafts = [
        a_draft(1, 1, id=1, kind="acknowledgement", token="<ours@example.nl>", state=DraftState.SENT, sent_at=MONDAY),
        a_draft(1, 1, id=2, kind="holding", token="<two@example.nl>", **by_hour),
        a_draft(1, 1, id=3, kind="final", outcome="offered", posted_on=date(2026, 9, 9), **posted),
        a_draft(1, 1, id=4, kind="answer", **posted),  # it waits to be posted
        a_draft(1, 1, id=5, kind="answer"),  # it waits for the manager
        a_draft(1, 1, id=6, kind="answer", state=DraftState.SUPERSEDED),
        a_draft(1, 1, id=7, kind="acknowledgement", state=DraftState.SENT, sent_at=MONDAY + timedelta(hours=9)),
        a_draft(1, 1, id=8, kind="answer", state=DraftState.REFUSED),
    ]
    messages = [
        received(1, fate=Fate.OPENED),
        sent(2, message_id="<ours@example.nl>"),
        received(3, fate=Fate.DUPLICATE),
        sent(4, message_id="<changed-by-her-program@example.nl>"),
        sent(5, recipients=["Postkamer <post@example.nl>"]),  # among ourselves
        sent(6, recipients=["carrier@example.de"]),
        received(7, fate=Fate.SET_ASIDE),
        received(8, channel=Channel.LETTER),
    ]
    content = gathered(messages, drafts)
    assert [(one.number, one.way.value, one.kind) for one in content.pieces] == [
        (1, "mail in", ""),
        (2, "mail out", "acknowledgement"),
        (3, "copy", ""),
        (4, "mail out", "holding"),
        (5, "mail out", ""),
        (6, "notice", ""),
        (7, "letter in", ""),
        (8, "mail out", "acknowledgement"),
        (9, "letter out", "final"),
    ]
    assert content.complaint is not None
    assert content.final is not None
    assert (content.complaint.number, content.final.number, content.final.outcome) == (1, 9, "offered")


# A case with everything


class Clock:
    now = MONDAY

    def __call__(self) -> datetime:
        return self.now


class Office:
    """A post room where mail comes in too, and a folder for dossiers."""

    def __init__(self, post: PostOffice, clock: Clock, out: Path) -> None:
        self.post, self.clock, self.out = post, clock, out
        self.house = post.house

    def mail(self, *mails: bytes) -> None:
        shop = self.house.config.shops[0]
        list(receive_files(self.house, shop, iter([FoundMail(f"{len(raw)}.eml", raw) for raw in mails])))
        process(self.house)

    def make(self, reference: str = MAILED, **wanted: Any) -> Made:
        return make_dossier(self.house, reference, Wanted(**{"folder": self.out, **wanted}), "mirjam")

    def id_of(self, reference: str) -> int:
        return casework.get_case(self.house, reference).id or 0


@contextmanager
def office(folder: Path, database: str = "") -> Iterator[Office]:
    clock = Clock()
    with post_office(folder, database, now=clock, dispute_bodies=BODIES) as post:
        yield Office(post, clock, folder / "out")


ATTACHED = {"foto van de doos.jpg": JPEG, "../../boven.pdf": PDF, f"{IBAN}.csv": b"a;b\n"}
COMPLAINT = mail(attach=ATTACHED)
SECOND = "Is er al nieuws?\n\nOp maandag schreef Mirjam het volgende:\n> Beste Jan,\n> wij zoeken het uit.\n"


def whole_case(desk: Office) -> None:
    """A mail with attachments is merged into a letter's case; its date was moved; an acknowledgement went out, and the
    final position was posted; the customer went to the body."""
    desk.mail(COMPLAINT)
    desk.post.drop("brief-0007.pdf", scan(), {"sender": SENDER})
    desk.post.work()
    desk.clock.now = MONDAY + timedelta(days=1)
    desk.mail(mail(SECOND, message_id="<2@example.com>", in_reply_to="<first@example.com>", sent=desk.clock.now))
    casework.move_due(desk.house, MAILED, date(2026, 9, 15), "de vervoerder zoekt nog", "mirjam")
    casework.note(desk.house, MAILED, "intern: lastige klant", "mirjam")
    with desk.house.store.processing() as unit:
        told = unit.drafts_of(desk.id_of(MAILED))[0]
        sent = {"kind": "acknowledgement", "state": DraftState.SENT, "sent_at": MONDAY + timedelta(hours=1)}
        unit.change_draft(told.id or 0, **sent)
    casework.merge(desk.house, MAILED, POSTED, "mirjam")
    final = casework.redraft(desk.house, POSTED, Asked("final", "rejected"), "mirjam")
    desk.post.work()
    body = re.sub(r"\[[^\]]*\?\]", "het pakket is afgeleverd", final.body)
    casework.approve_letter(desk.house, POSTED, body, "mirjam")
    desk.post.work()
    desk.clock.now = MONDAY + timedelta(days=2)
    casework.mark_posted(desk.house, [POSTED], None, "clerk")
    desk.clock.now = MONDAY + timedelta(days=20)
    casework.escalate(desk.house, POSTED, "sgc", date(2026, 9, 25), "mirjam")


def files_of(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        return {info.filename: packed.read(info) for info in packed.infolist()}


def test_a_dossier_holds_everything_about_a_case_and_what_was_merged_into_it(database: str, tmp_path: Path) -> None:
    with office(tmp_path, database) as desk:
        whole_case(desk)
        made = desk.make(POSTED)
        texts = page_texts(made.pdf.read_bytes())
        text = " ".join(texts)
        for words in (
            "Dossier SIS-2026-0002",
            "A. de Boer",
            "De Geschillencommissie",
            "Postbus 90600, 2509 LP Den Haag",
            "https://geschil.example.nl",
            "De webwinkel werkt mee aan procedures daar.",
            "Daar ingediend op 25 september 2026.",
            "Mijn stofzuiger is na drie weken stuk gegaan",  # the complaint
            "SIS-2026-0001 is bij deze zaak gevoegd",  # the timeline
            "Voorgelegd aan De Geschillencommissie op 25 september 2026",
            "Mijn pakket is nog steeds niet geleverd",  # of the merged case
            "wij zoeken het uit",  # the quoted part
            "E-mail van de webwinkel, 7 september 2026: ontvangstbevestiging",
            "Verplaatst: antwoord uiterlijk dinsdag 15 september 2026",
            "de vervoerder zoekt nog",
            "Dag 4: uiterste dag van het antwoord",
            "Gegeven op 9 september 2026",
            "het pakket is afgeleverd",
            "antwoord uiterlijk 9 oktober 2026",  # the body's own term
            "originals/001-brief-0007.pdf",
            f"Pagina 1 van {len(texts)}",
        ):
            assert words in text, words
        assert IBAN not in text
        assert "lastige klant" not in text
        assert pdf_claims(made.pdf.read_bytes()) == ("3A", "1")
        with pypdfium2.PdfDocument(made.pdf) as document:
            chapters = [(item.level, item.get_title()) for item in document.get_toc()]
        assert [title for level, title in chapters if level == 0] == list(told("nl")["sections"].values())
        assert len([title for level, title in chapters if level == 1 and title[0].isdigit()]) == 5
        check_archive(desk, made)


def check_archive(desk: Office, made: Made) -> None:
    files = files_of(made.archive)
    manifest = json.loads(files["manifest.json"])
    assert (manifest["case"], manifest["merged"], manifest["for"]) == (POSTED, [MAILED], "De Geschillencommissie")
    assert files["SIS-2026-0002-dossier.pdf"] == made.pdf.read_bytes()
    whats = [one["what"] for one in manifest["files"]]
    assert sorted(set(whats)) == ["attachment", "letter", "mail", "reading copy", "record", "scan", "text as sent"]
    for one in manifest["files"]:
        content = files[one["path"]]
        assert (one["size"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    by_name = {one["name"]: files[one["path"]] for one in manifest["files"]}
    assert by_name["foto van de doos.jpg"] == JPEG
    assert by_name["boven.pdf"] == PDF
    assert scan() in files.values()
    assert COMPLAINT in files.values()
    assert "<first@example.com>" in {one["message_id"] for one in manifest["files"]}
    assert not [name for name in files if name.startswith("/") or ".." in name or IBAN in name]
    out = made.archive.parent / "unpacked"
    with zipfile.ZipFile(made.archive) as packed:
        packed.extractall(out)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=out, check=True)
    assert len((out / "SHA256SUMS").read_text().splitlines()) == len(files) - 1
    assert {path.stat().st_mode & 0o777 for path in (made.pdf, made.archive)} == {0o600}
    assert desk.house.store.case_file(desk.id_of(POSTED)).events[-1].kind == MADE


def test_the_same_case_gives_the_same_bytes_and_files_are_replaced_only_when_asked(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.mail(mail(attach=ATTACHED))
        made = desk.make()
        before = (made.pdf.read_bytes(), made.archive.read_bytes())
        with pytest.raises(Refused, match="there already"):
            desk.make()
        desk.make(again=True)
        assert (made.pdf.read_bytes(), made.archive.read_bytes()) == before
        assert sorted(path.name for path in desk.out.iterdir()) == [made.pdf.name, made.archive.name]
        german = text_of(desk.make(again=True, language="de").pdf.read_bytes())
        assert "Der Shop hat keine abschließende Stellungnahme abgegeben." in german
        assert "Der Fall ist nicht beantwortet." in german
        with pytest.raises(UsageError, match="no dossier in 'es'"):
            desk.make(again=True, language="es")
        blocked = tmp_path / "file"
        blocked.write_bytes(b"")
        with pytest.raises(UsageError, match="cannot be written"):
            desk.make(folder=blocked / "sub")


def test_what_is_missing_damaged_or_of_other_people_is_listed_and_left_out(tmp_path: Path) -> None:
    other = TEXT.replace("A. de Boer", "C. Pietersen").replace("Kerkstraat 5", "Dijk 9").replace("104233", "555777")
    sheet = separator_sheets(Press(LAYOUTS), 1, None, ("nl",))
    with office(tmp_path) as desk:
        desk.mail(
            mail(attach=ATTACHED), mail("Nog iets.", message_id="<2@example.com>", in_reply_to="<first@example.com>")
        )
        originals = desk.house.originals
        first, second = (line.arrival.sha256 for line in desk.house.store.list_arrivals())
        originals.path(first).unlink()
        originals.path(second).chmod(0o600)
        originals.path(second).write_bytes(b"changed")
        made = desk.make()
        assert [(one.what, one.state) for one in made.entries] == [
            ("mail", State.MISSING),
            *[("attachment", State.MISSING)] * 3,
            ("mail", State.DAMAGED),
        ]
        assert "ontbreekt: het origineel is er niet meer" in text_of(made.pdf.read_bytes())

        desk.post.drop("stapel.pdf", stack(scan(), sheet, scan(other)))
        desk.post.work()
        found = [file.case.reference for file in desk.post.cases() if file.case.channel.value == "letter"]
        assert len(found) == 2
        files = files_of(desk.make(found[0]).archive)
        (whole,) = (one for one in json.loads(files["manifest.json"])["files"] if one["what"] == "scan")
        assert (whole["state"], whole["path"]) == ("shared", "")
        copies = [name for name in files if name.startswith("readable/")]
        assert len(copies) == 1
        assert "Pietersen" not in text_of(files[copies[0]])
        assert "Pietersen" not in text_of(files[f"{found[0]}-dossier.pdf"])


HOSTILE = [
    '#import "x.typ"; #panic("no") $x$ *vet* _schuin_ `code` <label> @ref // weg /* weg */ \\ #text(9999pt)[x]',
    "\u202eomgekeerd\u202c עברית العربية 🎁👨‍👩‍👧 \u0000\u0007\u001b[31m",
    "x" * 3000,
    "{day} %s {{ config }} <script>alert(1)</script>",
    "] } ) #] \"quoted\" 'single' \u2028line\u2029paragraph",
]


def test_hostile_text_is_printed_as_it_is_or_as_boxes_and_breaks_nothing(tmp_path: Path) -> None:
    long = "\n\n".join([*HOSTILE, *(f"Regel {number} van een lang verhaal." for number in range(4000))])
    sender = '"#panic(1) \u202e<b>" <jan@example.com>'
    with office(tmp_path) as desk:
        desk.mail(
            mail(long, subject="#set page(width: 1pt) עברית\u202e", sender=sender, attach={"#eval(1)]\u202e.pdf": PDF}),
            mail("\n".join("a" * 9000), message_id="<2@example.com>", in_reply_to="<first@example.com>"),
            mail("> " + "\n> ".join(HOSTILE), message_id="<3@example.com>", in_reply_to="<first@example.com>"),
        )
        made = desk.make(language="en")
        text = text_of(made.pdf.read_bytes())
        for words in (
            '#panic("no") $x$ *vet* _schuin_ `code` <label> @ref // weg /* weg */',
            "{day} %s {{ config }} <script>alert(1)</script>",
            "Regel 1200 van een lang verhaal.",
            "□ stands for a character that cannot be printed here",
            "The text is longer; the rest is in the original.",
            "#set page(width: 1pt)",
        ):
            assert words in text, words
        assert not {"\u202e", "\u0007", "\u001b"} & set(text)
        assert pdf_claims(made.pdf.read_bytes()) == ("3A", "1")


def test_a_body_that_is_closed_or_for_others_is_refused_and_the_right_one_is_found(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.mail(mail())
        text = text_of(desk.make().pdf.read_bytes())
        assert "Een geschil moet daar uiterlijk 7 september 2027 zijn ingediend." in text
        assert "In welk land de klant woont, is niet bekend." in text
        made = desk.make(body="vsbg", again=True)  # a customer by mail may live anywhere
        assert (getattr(made.body, "id", ""), made.supposed) == ("vsbg", False)
        assert "In welk land" not in text_of(made.pdf.read_bytes())
        with writing(desk.house.store.engine) as connection:
            change(connection, CASES, desk.id_of(MAILED), postal={"city": "Zwolle", "postal_code": "8043 TT"})
        assert not desk.make(again=True).supposed
        for body, words in [("old", "until 2026-09-01"), ("vsbg", "It is for: DE")]:
            with pytest.raises(Refused, match=words):
                desk.make(body=body, again=True)
        with pytest.raises(NotFound, match=r"sgc \(De Geschillencommissie\), vsbg"):
            desk.make(body="odr", again=True)
        with writing(desk.house.store.engine) as connection:
            change(connection, CASES, desk.id_of(MAILED), postal={"city": "Köln", "country": "DE"})
        made = desk.make(again=True)
        assert made.body is not None
        assert made.body.id == "vsbg"
        with writing(desk.house.store.engine) as connection:
            change(connection, CASES, desk.id_of(MAILED), postal={"city": "Lyon", "country": "FR"})
        assert desk.make(again=True).body is None
        casework.escalate(desk.house, MAILED, "sgc", date(2026, 9, 7), "mirjam")
        assert getattr(desk.make(again=True).body, "id", "") == "sgc"  # it has the case


def test_a_merged_or_anonymised_case_has_no_dossier(tmp_path: Path) -> None:
    eva = mail("Mijn stofzuiger is stuk.", sender="Eva <eva@example.de>", message_id="<eva@example.de>")
    with office(tmp_path) as desk:
        desk.mail(mail(), eva)
        casework.merge(desk.house, MAILED, POSTED, "mirjam")
        with pytest.raises(Refused, match="merged"):
            desk.make(MAILED)
        with writing(desk.house.store.engine) as connection:
            change(connection, CASES, desk.id_of(POSTED), anonymised_at=MONDAY)
        with pytest.raises(Refused, match="anonymised on 2026-09-07"):
            desk.make(POSTED)
        with pytest.raises(NotFound):
            desk.make("SIS-2026-0099")
        assert not desk.out.exists()


def test_the_command_makes_the_files_and_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Installation(tmp_path, capsys)
    place.take_in(mail(attach={"a.pdf": PDF}))
    ref = place.intake("cases", "--json").value[0]["reference"]
    said = place.intake("dossier", ref, "--to", tmp_path / "out", "--language", "fr", "--json")
    assert (said.code, said.value["documents"], said.value["left_out"]) == (0, 2, [])
    text = text_of(Path(said.value["pdf"]).read_bytes())
    assert "Aucun médiateur n'est désigné pour ce client." in text
    assert place.intake("dossier", ref, "--to", tmp_path / "out").code == 1
    again = place.intake("dossier", ref, "--to", tmp_path / "out", "--again")
    assert (again.code, "2 documents" in again.out) == (0, True)
