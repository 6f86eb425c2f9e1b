"""Mail as it comes: headers, bodies and attachments, also damaged and hostile ones."""

import hashlib
import time
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.reading.mail import read_attachment, read_head, read_mail
from tests.builders import COMPLAINT, mail

TOP = b"From: Jan <jan@example.com>\r\nTo: mirjam@example.nl\r\nSubject: Klacht\r\nMessage-ID: <a@example.com>\r\n"
SECONDS = 5


def mixed(*parts: bytes, subtype: str = "mixed") -> bytes:
    """A multipart mail of raw parts."""
    body = b"".join(b"--q\r\n" + part + b"\r\n" for part in parts)
    return TOP + f'Content-Type: multipart/{subtype}; boundary="q"\r\n\r\n'.encode() + body + b"--q--\r\n"


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
