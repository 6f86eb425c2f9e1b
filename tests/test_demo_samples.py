"""The sample post: what each mail and letter is there to show, and that it is what it says."""

import email
import io
import json
import mailbox
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

import pypdfium2
import pytest
from imapclient import IMAPClient
from PIL import Image
from stdnum import iban

from intake.demo.samples import LETTER_FOLDER, MAIL_FOLDER, sample_mail, seed_letters, seed_mailbox
from intake.demo.servers import HOST, Account, DemoServers

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)  # a Friday, noon in Zwolle
SHOP = "mirjam@example.nl"
AUTOMATIC = {"09-onbestelbaar.eml", "10-afwezig.eml", "11-nieuwsbrief.eml"}
FILES = sorted(path.name for path in MAIL_FOLDER.iterdir())
COMPLAINTS = [name for name in FILES if name not in AUTOMATIC]


def mail(name: str) -> Message:
    return email.message_from_bytes((MAIL_FOLDER / name).read_bytes())


def text(name: str) -> str:
    """All text of a mail as browsers would read it: what says ISO-8859-1, or nothing, is windows-1252."""
    found = []
    for part in mail(name).walk():
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            charset = part.get_content_charset() or ""
            found.append(payload.decode("windows-1252" if charset in ("", "iso-8859-1") else charset))
    return "\n".join(found)


def test_there_are_sixteen_arrivals_of_fifteen_mails() -> None:
    assert len(FILES) == 15
    assert len(sample_mail(NOW)) == 16
    assert len({content for _, content in sample_mail(NOW)}) == 15


@pytest.mark.parametrize("name", FILES)
def test_each_mail_is_addressed_to_the_manager_and_dated_when_it_arrives(name: str) -> None:
    assert parseaddr(mail(name)["To"])[1] == SHOP
    assert mail(name)["Date"] == "@DATE@"
    assert all("@DATE@" in received for received in mail(name).get_all("Received", []))
    assert mail(name).get_all("Received")


@pytest.mark.parametrize("name", FILES)
def test_addresses_are_those_that_nobody_owns(name: str) -> None:
    sender = parseaddr(mail(name)["From"])[1]
    assert sender.rsplit("@", 1)[1].split(".")[-2] == "example"


@pytest.mark.parametrize("name", COMPLAINTS)
def test_a_complainant_is_not_of_the_shop_s_own_domain_and_looks_like_a_person(name: str) -> None:
    message = mail(name)
    assert not parseaddr(message["From"])[1].endswith("@example.nl")
    assert not (message["Message-ID"] or "").endswith("@example.nl>")
    assert message["Return-Path"] == f"<{parseaddr(message['From'])[1]}>"
    assert message["X-Spam-Flag"] == "NO"
    for header in ("Auto-Submitted", "Precedence", "List-Unsubscribe", "List-ID", "X-Loop"):
        assert header not in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("01-niet-geleverd.eml", ("niet geleverd", "bestelnummer SIS-104233", "3SYZAB104233871")),
        ("02-vervolg-op-01.eml", ("Op wo 11 nov 2026 om 09:12 schreef", "> Beste Mirjam,")),
        ("03-damaged-with-photo.eml", ("damaged", "SIS-104310", "€179.00")),
        ("04-widerruf-erstattung.eml", ("widerrufen", "156,90 €", "Jürgen Weißmüller")),
        ("05-produit-defectueux.eml", ("défectueux", "SIS-101842", "garantie")),
        ("06-dubbel-betaald.eml", ("dubbel betaald", "€ 64,90", "SIS-104355", "–")),
        ("07-verkeerd-artikel-alleen-html.eml", ("verkeerd artikel", "SIS-104298", "&euro;")),
        ("12-beschadigde-opbouw.eml", ("defect", "SIS-104271", "garantie")),
        ("13-dangerous-charger.eml", ("overheated", "smoke", "dangerous", "lawyer")),
        ("14-onbeleefd-geen-reactie.eml", ("onbeleefd", "geen reactie", "van het kastje naar de muur")),
        ("15-nicht-wie-beschrieben.eml", ("nicht wie beschrieben", "irreführend", "Köhler")),
        ("16-en-retard-sans-message-id.eml", ("en retard", "219,00 €", "François Dubœuf", "j’attends")),
    ],
)
def test_each_complaint_says_what_it_is_about(name: str, words: tuple[str, ...]) -> None:
    assert [word for word in words if word not in text(name)] == []


def test_message_ids_differ_and_one_mail_has_none() -> None:
    ids = Counter(mail(name)["Message-ID"] for name in FILES)
    assert ids.pop(None) == 1
    assert set(ids.values()) == {1}
    assert mail("16-en-retard-sans-message-id.eml")["Message-ID"] is None


def test_the_follow_up_answers_the_first_mail() -> None:
    first, follow_up = mail("01-niet-geleverd.eml"), mail("02-vervolg-op-01.eml")
    assert follow_up["In-Reply-To"] == follow_up["References"] == first["Message-ID"]
    assert follow_up["From"] == first["From"]


def test_the_photo_is_a_picture() -> None:
    (photo,) = (part for part in mail("03-damaged-with-photo.eml").walk() if part.get_filename())
    content = photo.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert 10_000 < len(content) < 30_000
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        assert (picture.format, photo.get_content_type()) == ("JPEG", "image/jpeg")
        assert picture.size == (800, 594)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("04-widerruf-erstattung.eml", "DE89 3704 0044 0532 0130 00"),
        ("06-dubbel-betaald.eml", "NL91 ABNA 0417 1643 00"),
    ],
)
def test_an_iban_is_there_and_valid(name: str, number: str) -> None:
    assert number in text(name)
    assert iban.is_valid(number)


def test_the_html_mail_has_no_other_text() -> None:
    message = mail("07-verkeerd-artikel-alleen-html.eml")
    assert message.get_content_type() == "text/html"


def test_the_bounce_is_a_delivery_report_without_a_sender() -> None:
    bounce = mail("09-onbestelbaar.eml")
    assert (bounce.get_content_type(), bounce["Return-Path"]) == ("multipart/report", "<>")
    assert bounce.get_param("report-type") == "delivery-status"
    kinds = [part.get_content_type() for part in bounce.walk()]
    assert {"message/delivery-status", "text/rfc822-headers"} <= set(kinds)


def test_the_automatic_mails_say_so() -> None:
    assert mail("10-afwezig.eml")["Auto-Submitted"] == "auto-replied"
    newsletter = mail("11-nieuwsbrief.eml")
    assert newsletter["Precedence"] == "bulk"
    assert newsletter["List-Unsubscribe"]


def test_the_damaged_mail_is_damaged_in_three_ways() -> None:
    message = mail("12-beschadigde-opbouw.eml")
    parts = list(message.walk())
    defects = {type(defect).__name__ for part in parts for defect in part.defects}
    assert "StartBoundaryNotFoundDefect" in defects
    assert "CloseBoundaryNotFoundDefect" in defects
    (receipt,) = (part for part in parts if part.get_filename() == "aankoopbon.jpg")
    receipt.get_payload(decode=True)
    assert receipt.defects


def test_the_encodings_differ_as_they_do_in_life() -> None:
    parts = [part for name in FILES for part in mail(name).walk() if part.get_content_maintype() == "text"]
    charsets = {part.get_content_charset() for part in parts}
    assert {"utf-8", "iso-8859-1", "windows-1252", None} <= charsets
    codings = {(part["Content-Transfer-Encoding"] or "").lower() for part in parts}
    assert {"quoted-printable", "base64", "8bit", ""} <= codings
    assert mail("15-nicht-wie-beschrieben.eml").get_param("format") == "flowed"
    with pytest.raises(UnicodeDecodeError):
        (MAIL_FOLDER / "16-en-retard-sans-message-id.eml").read_bytes().decode()


def test_the_mail_arrives_in_order_over_two_days_and_none_is_old() -> None:
    arrivals = [arrived for arrived, _ in sample_mail(NOW)]
    assert arrivals == sorted(set(arrivals))
    assert len({arrived.date() for arrived in arrivals}) == 2
    assert timedelta(0) < NOW - arrivals[-1] < timedelta(hours=1)
    assert timedelta(hours=24) < NOW - arrivals[0] <= timedelta(hours=26)


def test_a_mail_is_dated_at_its_arrival_and_its_copy_like_the_first() -> None:
    mails = sample_mail(NOW)
    for arrived, content in mails:
        dated = parsedate_to_datetime(email.message_from_bytes(content)["Date"])
        assert timedelta(0) <= arrived - dated < timedelta(minutes=15)
        assert b"@DATE@" not in content
    copies = [arrived for arrived, content in mails if b"SIS-104355" in content]
    assert len(copies) == 2


def test_seeding_fills_an_empty_maildir_once(tmp_path: Path) -> None:
    assert seed_mailbox(tmp_path / SHOP, NOW) == 16
    assert seed_mailbox(tmp_path / SHOP, NOW) == 0
    assert len(mailbox.Maildir(tmp_path / SHOP, create=False)) == 16
    stored = {path.read_bytes() for path in (tmp_path / SHOP / "new").iterdir()}
    assert stored == {content for _, content in sample_mail(NOW)}


def test_the_server_shows_the_seeded_mail_in_order_and_with_its_dates(tmp_path: Path) -> None:
    seed_mailbox(tmp_path / SHOP, NOW)
    with (
        DemoServers(tmp_path, Account(SHOP, "geheim"), 0, 0) as running,
        IMAPClient(HOST, running.imap_port, ssl=False, timeout=10) as client,
    ):
        client.normalise_times = False
        client.login(SHOP, "geheim")
        client.select_folder("INBOX")
        found = client.fetch(client.search(), ["INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]"])
    assert sorted(found) == list(range(1, 17))
    for uid, (arrived, content) in enumerate(sample_mail(NOW), start=1):
        assert found[uid][b"INTERNALDATE"] == arrived.replace(microsecond=0)
        served = email.message_from_bytes(found[uid][b"BODY[]"])
        original = email.message_from_bytes(content)
        assert served["From"] == original["From"]
        assert _parts(served) == _parts(original)


def _parts(message: Message) -> list[tuple[str, bytes]]:
    """pymap ends the last part of an unclosed multipart with a line of its own; the content is the same."""
    return [
        (part.get_content_type(), bytes(part.get_payload(decode=True) or b"").strip())
        for part in message.walk()
        if not part.is_multipart()
    ]


def test_the_letters_come_with_their_records(tmp_path: Path) -> None:
    assert seed_letters(tmp_path / "incoming", NOW) == 3
    assert seed_letters(tmp_path / "incoming", NOW) == 0
    names = sorted(path.name for path in (tmp_path / "incoming").iterdir())
    assert names == [
        "scan-0001.json",
        "scan-0001.pdf",
        "scan-0002.json",
        "scan-0002.pdf",
        "scan-0003.jpg",
        "scan-0003.json",
    ]
    for path in (tmp_path / "incoming").glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        assert record["schema"] == "letter-intake/1"
        assert (record["received_on"], record["letter_date"]) == ("2026-11-20", "2026-11-18")
        assert (tmp_path / "incoming" / record["files"][0]).stat().st_size < 150_000
        assert all(record["sender"][key] for key in ("name", "street", "postal_code", "city", "country"))


def test_one_record_names_the_language_and_one_a_registered_number() -> None:
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(LETTER_FOLDER.glob("*.json"))]
    assert [record.get("language", "") for record in records] == ["nl", "auto", ""]
    assert [record["channel"] for record in records] == ["post", "registered", "post"]
    assert [bool(record.get("registered_no")) for record in records] == [False, True, False]


@pytest.mark.parametrize(
    ("now", "received"),
    [
        (datetime(2026, 11, 19, 23, 30, tzinfo=UTC), "2026-11-20"),
        (datetime(2026, 11, 21, 9, 0, tzinfo=UTC), "2026-11-21"),
        (datetime(2026, 11, 22, 9, 0, tzinfo=UTC), "2026-11-21"),
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), "2026-11-21"),
    ],
    ids=["past midnight in Zwolle", "Saturday", "Sunday", "Monday"],
)
def test_a_letter_is_received_on_a_day_with_post(tmp_path: Path, now: datetime, received: str) -> None:
    seed_letters(tmp_path, now)
    for path in tmp_path.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["received_on"] == received


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scan-0001.pdf", ("Hofman-Prins", "Smart Import Solutions", "SIS-104015", "te laat", "7731 CN")),
        ("scan-0002.pdf", ("Behrens", "Plattenborgstraat 20", "SIS-102766", "defekt", "Gewährleistung")),
    ],
)
def test_a_scanned_letter_has_a_page_s_picture_and_a_layer_of_text(name: str, words: tuple[str, ...]) -> None:
    with pypdfium2.PdfDocument(LETTER_FOLDER / name) as document:
        assert len(document) == 1
        page = document[0]
        said = page.get_textpage().get_text_range()
        assert [word for word in words if word not in said] == []
        kinds = {found.type for found in page.get_objects()}
        assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE in kinds
        width, height = page.get_size()
    assert (round(width), round(height)) == pytest.approx((595, 842), abs=2)


def test_the_third_letter_is_a_picture_alone() -> None:
    content = (LETTER_FOLDER / "scan-0003.jpg").read_bytes()
    assert content.endswith(b"\xff\xd9")
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        assert picture.format == "JPEG"
        assert min(picture.size) > 1200
    assert b"Zijlstra" not in content
