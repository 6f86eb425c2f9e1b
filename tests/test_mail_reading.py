"""Mail as it comes: headers, bodies and attachments, also damaged and hostile ones."""

import base64
import hashlib
import time
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailparser.utils import get_addresses

from intake.reading.mail import read_attachment, read_head, read_mail
from intake.reading.people import SIMPLE
from tests.builders import COMPLAINT, mail

TOP = b"From: Jan <jan@example.com>\r\nTo: mirjam@example.nl\r\nSubject: Klacht\r\nMessage-ID: <a@example.com>\r\n"
SECONDS = 20


def mixed(*parts: bytes, subtype: str = "mixed") -> bytes:
    """A multipart mail of raw parts."""
    body = b"".join(b"--q\r\n" + part + b"\r\n" for part in parts)
    return TOP + f'Content-Type: multipart/{subtype}; boundary="q"\r\n\r\n'.encode() + body + b"--q--\r\n"


def alternative(plain: bytes, html: bytes) -> bytes:
    """A mail of a plain text and its HTML."""
    return mixed(
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + plain,
        b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html,
        subtype="alternative",
    )


PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n\r\nMijn lamp is stuk."
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Mijn <b>lamp</b> is stuk.</p>"
PDF = b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=bon.pdf\r\n\r\n%PDF-1.7"
INNER = (
    b"From: a@example.de\r\nMessage-ID: <inner@example.de>\r\nSubject: "
    + b"x" * 90
    + b"\r\n\r\nFrom hier\r\nvandaan\r\n"
)


def test_a_plain_complaint_is_read_whole() -> None:
    message = read_mail(mail())
    assert message.sender is not None
    assert (message.sender.name, message.sender.address) == ("Jan Jansen", "jan@example.com")
    assert message.text == COMPLAINT.strip()
    assert (message.message_id, message.subject) == ("<first@example.com>", "Pakket niet geleverd")
    assert message.sent_at is not None
    assert message.sent_at.isoformat() == "2026-09-07T10:00:00+00:00"
    assert message.readable
    assert message.problems == ()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        pytest.param(b"=?utf-8?q?J=C3?= =?utf-8?q?=A9r=C3=B4me?=", "Jérôme", id="split inside a character"),
        pytest.param("Jérôme".encode(), "Jérôme", id="raw UTF-8"),
        pytest.param("Jérôme".encode("latin-1"), "Jérôme", id="raw Latin-1"),
        pytest.param(b'"Jansen, Jan"', "Jansen, Jan", id="a comma in quotes"),
        pytest.param(b"Jan \x00Jansen", "Jan Jansen", id="a NUL"),
        pytest.param(b"=?utf-8?q?Jan=0D=0AJansen?=", "Jan Jansen", id="an encoded line end"),
    ],
)
def test_a_senders_name_is_read_in_every_spelling(header: bytes, name: str) -> None:
    sender = read_mail(b"From: " + header + b" <j@example.com>\r\nSubject: x\r\n\r\nhoi").sender
    assert sender is not None
    assert (sender.name, sender.address) == (name, "j@example.com")


def test_a_name_that_pretends_to_be_an_address_is_not_the_sender() -> None:
    message = read_mail(b"From: =?utf-8?q?mirjam=40example.nl?= <jan@example.com>\r\n\r\nhoi")
    assert message.sender is not None
    assert message.sender.address == "jan@example.com"


@pytest.mark.parametrize(
    ("header", "addresses"),
    [
        pytest.param(b"To: Wij: a@example.com, B <b@example.com>;", ["a@example.com", "b@example.com"], id="a group"),
        pytest.param(b"To: undisclosed-recipients:;", [], id="an empty group"),
        pytest.param(b"To: a@example.com\r\nTo: b@example.com", ["a@example.com", "b@example.com"], id="two headers"),
        pytest.param(b"To: <a@example.com", ["a@example.com"], id="a bracket that is missing"),
        pytest.param(b"To: a@example.com (thuis)", ["a@example.com"], id="a comment"),
        pytest.param(
            b'To: "a, b" <a@example.com>,\r\n\tb@example.com', ["a@example.com", "b@example.com"], id="folded"
        ),
        pytest.param("To: jörg@exämple.de".encode(), ["jörg@exämple.de"], id="an international address"),
    ],
)
def test_addresses_are_found_in_every_form(header: bytes, addresses: list[str]) -> None:
    assert [person.address for person in read_mail(header + b"\r\n\r\nhoi").to] == addresses


@pytest.mark.parametrize(
    ("header", "address"),
    [
        pytest.param(b"From: a@example.com, b@example.com", "a@example.com", id="two writers"),
        pytest.param(b"From: a@example.com\r\nFrom: b@example.com", "a@example.com", id="two headers"),
        pytest.param(b"Sender: s@example.com", "s@example.com", id="only a Sender"),
        pytest.param(b"From: \r\nSender: s@example.com", "s@example.com", id="an empty From"),
        pytest.param(b"From: Jan\r\nSender: s@example.com", "s@example.com", id="a From without address"),
    ],
)
def test_one_writer_is_found(header: bytes, address: str) -> None:
    sender = read_mail(header + b"\r\nSubject: x\r\n\r\nhoi").sender
    assert sender is not None
    assert sender.address == address


@given(st.text(alphabet="abc.@<>\"' -_é()", max_size=40))
def test_the_short_way_for_plain_addresses_finds_what_mail_parser_finds(value: str) -> None:
    simple = SIMPLE.fullmatch(value)
    if simple is None or not value.isascii():
        return
    parsed = [address for _, address in get_addresses(value) if "@" in address]
    assert parsed in ([], [simple[2]])


def test_of_two_subjects_the_first_counts() -> None:
    assert read_mail(b"From: j@example.com\r\nSubject: een\r\nSubject: twee\r\n\r\nhoi").subject == "een"


@pytest.mark.parametrize("header", [b"", b"Message-ID:\r\n", b"Message-ID: <>\r\n", b"Message-ID:  \r\n"])
def test_a_mail_without_an_id_gets_one_of_its_bytes(header: bytes) -> None:
    raw = b"From: j@example.com\r\n" + header + b"\r\nhoi"
    lines = raw.replace(b"\r\n", b"\n")
    assert read_mail(raw).message_id == f"<{hashlib.sha256(lines).hexdigest()}@missing.invalid>"
    assert read_mail(lines).message_id == read_mail(raw).message_id
    assert read_head(raw).message_id == read_mail(raw).message_id


def test_references_are_unfolded_kept_in_order_and_at_most_fifty() -> None:
    ids = [f"<Id{number}.{'x' * 80}@example.com>" for number in range(60)]
    references = "\r\n ".join(ids)
    raw = TOP + f"References: {references}\r\nIn-Reply-To: (comment)\r\n {ids[-1]}\r\n\r\nhoi".encode()
    assert read_mail(raw).references == tuple(ids[-50:])
    assert read_mail(raw).in_reply_to == (ids[-1],)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(TOP + b'Content-Type: text/plain; name="k.txt"\r\n\r\nhallo', "hallo", id="a text with a name"),
        pytest.param(
            TOP + b"Content-Disposition: attachment; filename=k.txt\r\n\r\nhallo", "hallo", id="only an attached text"
        ),
        pytest.param(mixed(PLAIN, HTML, subtype="alternative"), "Mijn lamp is stuk.", id="alternative"),
        pytest.param(
            mixed(b"Content-Type: text/plain\r\n\r\n \r\n", HTML, subtype="alternative"),
            "Mijn lamp is stuk.",
            id="alternative with an empty text",
        ),
        pytest.param(mixed(HTML, PDF, subtype="related"), "Mijn lamp is stuk.", id="related"),
        pytest.param(TOP + HTML, "Mijn lamp is stuk.", id="only HTML"),
        pytest.param(mixed(PLAIN, PLAIN), "Mijn lamp is stuk.\n\nMijn lamp is stuk.", id="two texts"),
        pytest.param(
            TOP + b"Content-Type: text/plain; format=flowed\r\n\r\nMijn \r\nlamp \r\nis\r\n van u\r\n",
            "Mijn lamp is\nvan u",
            id="flowed",
        ),
        pytest.param(
            TOP + b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\nMijn la \r\nmp\r\n",
            "Mijn lamp",
            id="DelSp",
        ),
        pytest.param(
            TOP + b"Content-Type: text/html\r\n\r\n<style>p{}</style><script>x()</script>hoi<br>daar",
            "hoi\ndaar",
            id="script",
        ),
        pytest.param(TOP + b"\r\n\x1b$B6l>p\x1b(B", "苦情", id="undeclared ISO-2022-JP"),
        pytest.param(TOP + b"Content-Transfer-Encoding: base64\r\n\r\naGFsbG8", "hallo", id="base64 cut off"),
        pytest.param(
            TOP + b"Content-Transfer-Encoding: base64\r\n\r\nGewoon tekst, geen base64!",
            "Gewoon tekst, geen base64!",
            id="text that says it is base64",
        ),
        pytest.param(TOP + b"Content-Type: multipart/mixed\r\n\r\nMijn lamp", "Mijn lamp", id="no boundary"),
        pytest.param(
            TOP + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\nMijn lamp\r\n--q\r\nContent-Type: mul",
            "Mijn lamp",
            id="cut off",
        ),
        pytest.param(TOP + b"\r\nhoi\x00 daar\x1b\r\n", "hoi daar", id="controls"),
        pytest.param(b"From jan@example.com Mon Sep  7 10:00:00 2026\r\n" + TOP + b"\r\nhoi", "hoi", id="an mbox line"),
        pytest.param(b">From jan@example.com Mon Sep  7 10:00\n" + TOP + b"\r\nhoi", "hoi", id="an escaped one"),
        pytest.param(b"\r\n\r\n" + TOP + b"\r\nhoi", "hoi", id="blank lines first"),
        pytest.param(b"\xef\xbb\xbf" + TOP + b"\r\nhoi", "hoi", id="a byte order mark first"),
        pytest.param(TOP.replace(b"\r\n", b"\r") + b"\rhoi\rdaar", "hoi\ndaar", id="carriage returns"),
        pytest.param(TOP.replace(b"\r\n", b"\n") + b"\nhoi\ndaar", "hoi\ndaar", id="line feeds"),
        pytest.param(b"geen kop\r\n" + TOP + b"\r\nhoi", "hoi", id="a line that is no header"),
        pytest.param(TOP + b"Mijn lamp is stuk.\r\nGroet: Jan", "Mijn lamp is stuk.\nGroet: Jan", id="no blank line"),
        pytest.param(TOP + b"Content-Type : text/html\r\n\r\n<p>hoi</p>", "hoi", id="a blank before the colon"),
        pytest.param(b"Mijn lamp is stuk.", "Mijn lamp is stuk.", id="no header at all"),
        pytest.param(TOP + b"Content-Transfer-Encoding: 8 bit\r\n\r\nh\xc3\xa9", "hé", id="8 bit"),
        pytest.param(TOP + b"Content-Transfer-Encoding: Quoted Printable\r\n\r\nh=C3=A9", "hé", id="QP in two words"),
        pytest.param(TOP + b'Content-Transfer-Encoding: "base-64"\r\n\r\naMOp', "hé", id="base-64"),
        pytest.param(TOP + b"Content-Transfer-Encoding: x-nothing\r\n\r\nhoi", "hoi", id="an unknown encoding"),
        pytest.param(
            TOP + b"Content-Transfer-Encoding: base64\r\n\r\naGFs!\r\nbG8=\r\nZGFhcg==",
            "hallodaar",
            id="base64 in pieces",
        ),
        pytest.param(
            TOP + b"Content-Transfer-Encoding: base64\r\n\r\naGFsbG8=\r\n-- \r\nlijst van x",
            "hallo",
            id="a footer beneath base64",
        ),
        pytest.param(
            mixed(
                b"Content-Type: text/plain\r\n\r\nThis mail is in HTML; your program cannot show it.",
                HTML,
                subtype="alternative",
            ),
            "Mijn lamp is stuk.",
            id="alternative with a mere notice",
        ),
        pytest.param(mixed(HTML, PLAIN), "Mijn lamp is stuk.", id="both versions as a mixture"),
        pytest.param(
            mixed(PLAIN, PDF, b"Content-Type: text/plain\r\n\r\nZie de foto."),
            "Mijn lamp is stuk.\n\nZie de foto.",
            id="text after a file",
        ),
        pytest.param(mixed(PLAIN, subtype="x-unknown"), "Mijn lamp is stuk.", id="an unknown multipart"),
        pytest.param(mixed(PLAIN, subtype="parallel"), "Mijn lamp is stuk.", id="parallel"),
        pytest.param(mixed(PLAIN).replace(b"--q--\r\n", b""), "Mijn lamp is stuk.", id="the last boundary is missing"),
        pytest.param(mixed(PLAIN).replace(b'; boundary="q"', b""), "Mijn lamp is stuk.", id="an unnamed boundary"),
        pytest.param(
            mixed(PDF).replace(b"--q\r\n", b"Mijn lamp is stuk.\r\n--q\r\n", 1), "Mijn lamp is stuk.", id="a preamble"
        ),
        pytest.param(mixed(PDF) + b"Mijn lamp is stuk.", "Mijn lamp is stuk.", id="an epilogue"),
        pytest.param(
            mixed(PDF).replace(b"--q\r\n", b"This is a multi-part message in MIME format.\r\n--q\r\n", 1),
            "",
            id="a preamble that says nothing",
        ),
        pytest.param(
            mixed(PLAIN) + b"--q\r\n\r\nmeer\r\n--q--", "Mijn lamp is stuk.\n\nmeer", id="parts after the end"
        ),
        pytest.param(TOP, "", id="only a header"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(TOP + b"\r\n" + b"\x00" * 50, "", id="only NULs"),
        pytest.param(
            TOP
            + b"Content-Type: multipart/mixed; boundary=q\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(b"--q\r\n\r\nhoi\r\n--q--"),
            "hoi",
            id="a multipart in base64",
        ),
        pytest.param(
            TOP + b"Content-Type: text/html\r\n\r\n<meta charset=koi8-r><p>" + "Жалоба".encode("koi8-r"),
            "Жалоба",
            id="the charset stands in the HTML",
        ),
        pytest.param(TOP + b"Content-Type: text/enriched\r\n\r\n<bold>hoi</bold> daar", "hoi daar", id="enriched"),
        pytest.param(TOP + b"\r\nhoi\r\n\r\n>From hier vandaan", "hoi\n\nFrom hier vandaan", id="an escaped line"),
        pytest.param(
            (TOP + b"\r\nhoi\r\nVan: a\r\nDatum: b").replace(b"\r\n", b"\r\r\n"),
            "hoi\nVan: a\nDatum: b",
            id="line ends with two carriage returns",
        ),
        pytest.param(
            alternative(b"null", b"<p>De waterkoker lekt al.</p>"), "De waterkoker lekt al.", id="a mere placeholder"
        ),
        pytest.param(
            alternative(
                b"Bekijk deze e-mail in uw browser: https://f.example.com/1", b"<p>De tafel heeft een kras.</p>"
            ),
            "De tafel heeft een kras.",
            id="a mere link to a browser",
        ),
        pytest.param(
            alternative(b"Hallo, zie foto.", b"Hallo, zie foto.<br>Dit staat eronder: geld terug graag."),
            "Hallo, zie foto.\nDit staat eronder: geld terug graag.",
            id="HTML that says it all and more",
        ),
        pytest.param(
            alternative(b"Formulier ontvangen", b"<p>Naam: Jan</p><p>De tafel heeft een diepe kras in het blad.</p>"),
            "Naam: Jan\n\nDe tafel heeft een diepe kras in het blad.",
            id="HTML that says far more",
        ),
        pytest.param(
            alternative(b"Bekijk de kras in de browser niet. Geld terug!", b"<p>x</p>"),
            "Bekijk de kras in de browser niet. Geld terug!",
            id="HTML that says less",
        ),
        pytest.param(TOP + b"\r\n=yEnc begint niet", "=yEnc begint niet", id="yEnc is not read"),
    ],
)
def test_the_body_is_found(raw: bytes, text: str) -> None:
    assert read_mail(raw).text == text


def test_the_text_of_an_attached_mail_stays_out_and_its_bytes_are_kept() -> None:
    raw = mixed(PLAIN, b"Content-Type: message/rfc822\r\n\r\n" + INNER)
    message = read_mail(raw)
    assert message.text == "Mijn lamp is stuk."
    (attached,) = message.attachments
    assert attached.media_type == "message/rfc822"
    assert read_attachment(raw, attached.part) == INNER


@pytest.mark.parametrize("kind", ["multipart/digest", "multipart/mixed"])
def test_attached_mails_are_found_whatever_holds_them(kind: str) -> None:
    head = b"" if kind.endswith("digest") else b"Content-Type: message/rfc822\r\n"
    raw = mixed(head + b"\r\n" + INNER, head + b"\r\n" + INNER, subtype=kind.partition("/")[2])
    assert [item.media_type for item in read_mail(raw).attachments] == ["message/rfc822"] * 2
    assert [read_attachment(raw, part) for part in (0, 1)] == [INNER, INNER]


def test_an_attached_mail_in_base64_is_read_although_that_is_not_allowed() -> None:
    part = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(INNER)
    raw = mixed(PLAIN, part)
    assert read_attachment(raw, 1) == INNER
    assert read_mail(raw).forwarded is not None


def test_a_mail_that_is_nothing_but_an_attached_one_says_what_that_says() -> None:
    message = read_mail(mixed(b"Content-Type: message/rfc822\r\n\r\n" + INNER))
    assert message.text == "From hier\nvandaan"
    assert message.readable
    assert any("the mail attached to it" in problem for problem in message.problems)


def test_a_mail_in_a_mail_in_a_mail_ends() -> None:
    raw = INNER
    for _ in range(30):
        raw = TOP + b"Content-Type: message/rfc822\r\n\r\n" + raw
    message = read_mail(raw)
    assert message.message_id == "<a@example.com>"
    assert len(message.attachments) == 1


CALENDAR = (
    b"BEGIN:VCALENDAR\r\nMETHOD:%s\r\nBEGIN:VEVENT\r\nSUMMARY:Gesprek over de\r\n  klacht\\, lamp\r\n"
    b"DTSTART;TZID=Europe/Amsterdam:20260907T100000\r\nDTEND:20260907T090000Z\r\nLOCATION:Zwolle\r\n"
    b"ORGANIZER;CN=Jan Jansen:mailto:jan@example.com\r\nBEGIN:VALARM\r\nDESCRIPTION:wekker\r\nEND:VALARM\r\n"
    b"DESCRIPTION:regel een\\nregel twee\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_an_invitation_without_a_text_is_read_and_kept() -> None:
    message = read_mail(TOP + b"Content-Type: text/calendar; method=REQUEST\r\n\r\n" + CALENDAR % b"REQUEST")
    assert message.text == (
        "Invitation: Gesprek over de klacht, lamp\nWhen: 2026-09-07 10:00 (Europe/Amsterdam) to 2026-09-07 09:00 UTC\n"
        "Where: Zwolle\nOrganiser: Jan Jansen <jan@example.com>\nregel een\nregel twee"
    )
    assert [item.media_type for item in message.attachments] == ["text/calendar"]


def test_an_invitation_beside_a_text_is_an_attachment_and_its_method_is_known() -> None:
    part = b"Content-Type: text/calendar\r\n\r\n" + CALENDAR % b"REPLY"
    message = read_mail(mixed(PLAIN, part, subtype="alternative"))
    assert message.text == "Mijn lamp is stuk."
    assert [item.media_type for item in message.attachments] == ["text/calendar"]
    assert ("content-type", "text/calendar; method=REPLY") in message.headers


def test_a_visiting_card_is_an_attachment_and_no_text() -> None:
    card = b"Content-Type: text/vcard; name=jan.vcf\r\n\r\nBEGIN:VCARD\r\nFN:Jan\r\nEND:VCARD"
    message = read_mail(mixed(PLAIN, card))
    assert message.text == "Mijn lamp is stuk."
    assert [item.name for item in message.attachments] == ["jan.vcf"]


def picture(disposition: str, content_id: str) -> bytes:
    lines = ["Content-Type: image/jpeg; name=foto.jpg"]
    lines += [f"Content-Disposition: {disposition}; filename=foto.jpg"] * bool(disposition)
    lines += [f"Content-ID: <{content_id}>"] * bool(content_id)
    return "\r\n".join((*lines, "", "jpeg")).encode()


SHOWS = b'Content-Type: text/html\r\n\r\n<p>Mijn lamp</p><img src="cid:foto%401@example.com">'


@pytest.mark.parametrize(
    ("raw", "inline"),
    [
        pytest.param(mixed(SHOWS, picture("inline", "foto@1@example.com"), subtype="related"), True, id="shown"),
        pytest.param(mixed(SHOWS, picture("attachment", "foto@1@example.com")), True, id="shown, says attachment"),
        pytest.param(mixed(HTML, picture("", "logo@example.com"), subtype="related"), True, id="belongs to the HTML"),
        pytest.param(mixed(PLAIN, picture("inline", "")), False, id="Apple's photo"),
        pytest.param(mixed(PLAIN, picture("inline", "x@example.com")), False, id="Apple's photo with an id"),
        pytest.param(mixed(HTML, picture("attachment", "x@example.com"), subtype="related"), False, id="attached"),
        pytest.param(mixed(HTML, picture("attachment", "")), False, id="plainly attached"),
    ],
)
def test_a_picture_of_the_text_is_told_from_one_that_was_attached(raw: bytes, inline: bool) -> None:
    assert [item.inline for item in read_mail(raw).attachments] == [inline]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (b"Content-Type: message/partial; id=x; number=1; total=3\r\n\r\nSubject: x\r\n\r\nhoi", "piece 1 of 3"),
        (b"Content-Type: message/external-body; access-type=URL\r\n\r\nx", "not in the mail"),
        (b"Content-Type: application/x-microsoft-rpmsg-message; name=message.rpmsg\r\n\r\nx", "protected"),
    ],
)
def test_what_a_person_must_look_at_is_said(part: bytes, words: str) -> None:
    assert any(words in problem for problem in read_mail(mixed(PLAIN, part)).problems)


def test_the_stand_in_of_a_server_is_not_taken_for_the_mail() -> None:
    message = read_mail(TOP + b"\r\nRetrieval using the IMAP4 protocol failed for the following message: 12\r\n")
    assert not message.readable
    assert any("stand-in" in problem for problem in message.problems)


def test_a_bounce_names_the_mail_that_it_brings_back() -> None:
    status = (
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    )
    for kind in (b"message/rfc822", b"text/rfc822-headers"):
        raw = mixed(PLAIN, status, b"Content-Type: " + kind + b"\r\n\r\n" + INNER, subtype="report")
        message = read_mail(raw)
        assert message.bounced_ids == ("<inner@example.de>",)
        assert b"5.1.1" in read_attachment(raw, message.attachments[0].part)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        pytest.param(b"filename=../../etc/passwd", "passwd", id="a path"),
        pytest.param(b'filename="C:\\\\map\\\\bon.pdf"', "bon.pdf", id="a Windows path"),
        pytest.param('filename="café.pdf"'.encode(), "café.pdf", id="raw UTF-8"),
        pytest.param('filename="café.pdf"'.encode("latin-1"), "café.pdf", id="raw Latin-1"),
        pytest.param(b"filename*=utf-8''caf%C3%A9.pdf", "café.pdf", id="RFC 2231"),
        pytest.param(b"filename*0=caf; filename*1=e.pdf", "cafe.pdf", id="in pieces"),
        pytest.param(b"filename*1=e.pdf;\r\n filename*0=caf", "cafe.pdf", id="in pieces, out of order"),
        pytest.param(b"filename*0*=utf-8''caf%C3; filename*1*=%A9.pdf", "café.pdf", id="split inside a character"),
        pytest.param(b"filename*0*=utf-8'nl'caf%C3%A9; filename*1=\"50%25.pdf\"", "café50%25.pdf", id="partly encoded"),
        pytest.param(b"filename*=us-ascii''caf%E9.pdf", "café.pdf", id="not the ASCII it says it is"),
        pytest.param(b"filename=x.pdf; filename*=utf-8''caf%C3%A9.pdf", "café.pdf", id="both ways"),
        pytest.param(b'filename="a;b.pdf"', "a;b.pdf", id="a semicolon"),
        pytest.param(b'filename="a\\"b.pdf"', 'a"b.pdf', id="a quote"),
        pytest.param(b"filename=een bon.pdf", "een bon.pdf", id="blanks without quotes"),
        pytest.param(b'filename="bon.pdf', "bon.pdf", id="a quote that never closes"),
        pytest.param(b"FILENAME = bon.pdf ; x", "bon.pdf", id="blanks around"),
        pytest.param(b'filename="=?utf-8?b?Y2Fmw6k=?=\r\n =?utf-8?b?LnBkZg==?="', "café.pdf", id="two encoded words"),
        pytest.param(b'filename="=?utf-8?q?caf=C3=A9.pdf?="', "café.pdf", id="an encoded word"),
        pytest.param('filename="a\u202efdp.exe"'.encode(), "afdp.exe", id="turned direction"),
        pytest.param(b'filename="' + b"x" * 300 + b'"', "x" * 120, id="very long"),
        pytest.param(b"", "", id="none"),
    ],
)
def test_a_file_name_is_safe_to_show(header: bytes, name: str) -> None:
    part = b"Content-Type: text/plain\r\nContent-Disposition: attachment; " + header + b"\r\n\r\nabc"
    message = read_mail(mixed(PLAIN, part))
    assert [item.name for item in message.attachments] == [name]
    assert message.text == "Mijn lamp is stuk."


def test_the_same_mail_over_another_way_has_the_same_content() -> None:
    again = b"Received: from a.example.com; Mon, 07 Sep 2026 10:05:00 +0000\r\nX-Spam: no\r\n" + mail()
    assert read_mail(again).content_hash == read_mail(mail()).content_hash
    assert read_mail(mail("Anders")).content_hash != read_mail(mail()).content_hash


PATHOLOGICAL = {
    "ten million short lines": lambda: TOP + b"\r\n" + b"a\n" * 10_000_000,
    "a boundary on every line": lambda: mixed(*[b""] * 500_000),
    "boundaries that are none": lambda: mixed(PLAIN).replace(b"--q--", b"--qx\r\n" * 3_000_000),
    "multiparts in multiparts of one boundary": lambda: (
        TOP + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n" * 100_000
    ),
    "a megabyte of header slips": lambda: b"From: jan@example.com\r\n" + b"geen kop\r\n" * 100_000 + b"To: x\r\n",
    "a subject of false starts": lambda: TOP + (b"Subject: " + b"=?a?q?" * 2_700 + b"\r\n") * 15 + b"\r\nhoi",
    "blank senders": lambda: (b"From: a" + b" " * 16_000 + b"b\r\n") * 15 + b"\r\nhoi",
    "uuencoding without end": lambda: TOP + b"\r\n" + b"begin 644 a\r\nM\r\n" * 300_000,
    "uuencoding of nothing": lambda: TOP + b"\r\n" + b"begin 644 a\r\nx\r\n" * 300_000 + b"end\r\n",
    "a thousand mails in a mail": lambda: mixed(*[b"Content-Type: message/rfc822\r\n\r\n" + INNER] * 1000),
    "half a UTF-8 text": lambda: TOP + b"\r\n" + b"\xc3\xa9\xff" * 1_500_000,
    "UTF-7": lambda: TOP + b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+\xff" * 1_500_000,
    "armour without end": lambda: TOP + b"\r\n" + b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" * 30_000,
    "a calendar of folds": lambda: TOP + b"Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT" + b"\r\n " * 300_000,
    "quotes in a disposition": lambda: mixed(b"Content-Disposition: attachment; a=" + b'"\\' * 8_000 + b"\r\n\r\nx"),
    "ten thousand multiparts in each other": lambda: (
        TOP + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000))
    ),
    "five thousand mails in each other": lambda: TOP + b"Content-Type: message/rfc822\r\n\r\n" * 5_000,
    "a million headers": lambda: TOP + b"".join(b"X-%d: a\r\n" % n for n in range(1_000_000)) + b"\r\nhoi",
    "a subject of encoded words": lambda: TOP + b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\r\n\r\nhoi",
    "a content type of semicolons": lambda: TOP + b'Content-Type: text/plain; a="' + b";" * 50_000 + b"\r\n\r\nhoi",
    "parts of semicolons": lambda: mixed(*[b'Content-Type: text/plain; a="' + b";" * 16_000 + b"\r\n\r\nhoi"] * 100),
    "a megabyte of recipients": lambda: b"To: " + b"a@example.com, " * 80_000 + b"\r\n" + TOP + b"\r\nhoi",
    "a sender of commas": lambda: b"From: " + b"," * 300_000 + b"\r\nSubject: x\r\n\r\nhoi",
    "25 MB of line ends": lambda: TOP + b"\r\n" * 12_500_000,
    "25 MB of carriage returns": lambda: TOP + b"\r\n" + b"\r" * 25_000_000,
    "one line of 25 MB": lambda: TOP + b"\r\n" + b"a" * 25_000_000,
    "10 MB of NULs": lambda: TOP + b"\r\n" + b"\x00" * 10_000_000,
    "fifty thousand attachments": lambda: mixed(*[PDF] * 50_000),
    "deep HTML": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<ul><li>" * 60_000,
    "HTML of ampersands": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"&" * 2_000_000,
    "a megabyte of dashes": lambda: TOP + b"\r\nhoi\r\n" + b"-" * 1_000_000 + b"x",
    "20 MB of padded base64": lambda: TOP + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QQ==\r\n" * 3_300_000,
    "padding without letters": lambda: TOP + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=\n" * 5_000_000,
    "alternatives in alternatives": lambda: (
        TOP
        + b"".join(
            b"Content-Type: multipart/alternative; boundary=b%d\r\n\r\n--b%d\r\n\r\nhoi\r\n--b%d\r\n" % (n, n, n)
            for n in range(45)
        )
        + b"Content-Type: text/html\r\n\r\n"
        + b"<td>a" * 200_000
    ),
    "thousands of attributions": lambda: TOP + b"\r\n" + b"On x y wrote:\r\n> a\r\n" * 30_000,
}


@pytest.mark.parametrize("make", PATHOLOGICAL.values(), ids=PATHOLOGICAL.keys())
def test_a_hostile_mail_is_read_in_seconds(make) -> None:
    raw = make()
    before = time.process_time()
    message = read_mail(raw)
    assert time.process_time() - before < SECONDS
    assert message.message_id


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.binary(max_size=200), st.sampled_from(["a.pdf", "é.bin", "x"])), max_size=5), st.booleans()
)
def test_every_attachment_is_found_again_byte_for_byte(files: list[tuple[bytes, str]], html: bool) -> None:
    message = EmailMessage()
    message["From"] = "jan@example.com"
    message.set_content("Mijn lamp is stuk.")
    if html:
        message.add_alternative("<p>Mijn lamp is stuk.</p>", subtype="html")
    for content, name in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    raw = message.as_bytes()
    read = read_mail(raw)
    assert read.text == "Mijn lamp is stuk."
    assert [read_attachment(raw, item.part) for item in read.attachments] == [content for content, _ in files]
    assert [item.sha256 for item in read.attachments] == [hashlib.sha256(content).hexdigest() for content, _ in files]


LINES = st.sampled_from(
    [b"Content-Type: multipart/mixed; boundary=q", b"Content-Type: text/html", b"Content-Type: message/rfc822", b"--q"]
    + [b"--q--", b"", b"Subject: =?utf-8?q?", b"From: ,<@", b"Content-Transfer-Encoding: base64", b"Date: x", b" y"]
    + [b"Content-Disposition: attachment; filename*=x'y'%%", b"Message-ID: <", b"References: <a@b> <", b"=?x?b?=?="]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(LINES, st.binary(max_size=30)), max_size=25))
def test_any_bytes_become_a_message(lines: list[bytes]) -> None:
    message = read_mail(b"\r\n".join(lines))
    assert message.message_id
    assert "\x00" not in message.text + message.subject + message.quoted


def test_an_index_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IndexError):
        read_attachment(mail(), 7)
