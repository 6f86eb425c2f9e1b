"""Mails saved from Outlook: each must read as the mail that it was, and no damaged file may do harm."""

import base64
import random
import struct
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes

import oxmsg
import pytest

from intake.errors import ReadingError
from intake.reading.mail import read_attachment, read_mail
from intake.reading.outlook import as_mail, is_outlook_message
from intake.types import Address, Message
from tests.compound import (
    DIFAT_SECTOR,
    NOTHING,
    Tree,
    Value,
    attached_mail,
    attachment,
    compound,
    item,
    message,
    recipient,
)
from tests.test_packages import BODY, attached, tnef

COMPLAINT = "Mijn pakket is nog steeds niet geleverd. Wanneer krijg ik bestelling 104233?\n\nGroet,\nJan\n"
SENT = datetime(2026, 9, 7, 8, 15, 30, tzinfo=UTC)
PDF = b"%PDF-1.7\r\n\x00--\r\nFrom \n" + bytes(range(256)) * 20
SECONDS = 4
TRANSPORT = """Received: from mail.example.com (mail.example.com [192.0.2.1])\r
\tby mx.example.nl with ESMTPS id 1; Mon, 7 Sep 2026 10:15:31 +0200\r
Authentication-Results: mx.example.nl; dkim=pass header.d=example.com\r
From: "Jan Jansen" <jan@example.com>\r
To: <mirjam@example.nl>\r
Reply-To: jan.thuis@example.com\r
Subject: Pakket =?utf-8?q?niet_geleverd=3A_l=C3=A1mp?=\r
Date: Mon, 7 Sep 2026 10:15:30 +0200\r
Message-ID: <first@example.com>\r
In-Reply-To: <ours@example.nl>\r
References: <older@example.nl>\r
 <ours@example.nl>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed;\r
\tboundary="lost"\r
Content-Language: nl\r
X-Mailer: Example 1.0\r
\r
"""
SENDER: dict[int, Value] = {0x0C1A: "Jan Jansen", 0x0C1E: "SMTP", 0x0C1F: "jan@example.com"}
# What Outlook keeps of a mail that never went through a server it fetched from.
MADE: dict[int, Value] = {
    0x001A: "IPM.Note",
    0x0037: "Lámp kapot",
    0x0039: SENT,
    **SENDER,
    0x1000: COMPLAINT.replace("\n", "\r\n"),
    0x1035: "<first@example.com>",
    0x1042: "<ours@example.nl>",
    0x1039: "<older@example.nl>\r\n\t<ours@example.nl>",
}
MIRJAM = recipient("mirjam@example.nl", "Mirjam")


def saved(*attachments: Tree, to: tuple[Tree, ...] = (MIRJAM,), charset: str = "", **changes: Value) -> bytes:
    """A saved mail without the headers it came with. Properties by keyword: `x0037="…"`."""
    values = MADE | {int(key[1:], 16): value for key, value in changes.items()}
    return compound(message(values, to, attachments, charset=charset))


def read(raw: bytes) -> Message:
    return read_mail(as_mail(raw))


def test_a_mail_with_the_headers_it_came_with_keeps_them() -> None:
    raw = saved(attachment("bon.pdf", PDF, "application/pdf"), x007D=TRANSPORT, x0037="Another subject")
    found = as_mail(raw)
    mail = read_mail(found)
    assert mail.sender == Address("Jan Jansen", "jan@example.com")
    assert mail.to == (Address("", "mirjam@example.nl"),)
    assert mail.reply_to == (Address("", "jan.thuis@example.com"),)
    assert mail.subject == "Pakket niet geleverd: lámp"
    assert mail.sent_at == SENT
    assert (mail.message_id, mail.in_reply_to) == ("<first@example.com>", ("<ours@example.nl>",))
    assert mail.references == ("<older@example.nl>", "<ours@example.nl>")
    assert mail.text == COMPLAINT.strip()
    assert [(file.name, file.media_type, file.inline) for file in mail.attachments] == [
        ("bon.pdf", "application/pdf", False)
    ]
    assert read_attachment(found, mail.attachments[0].part) == PDF
    assert mail.problems == ()
    kept = [line for line in TRANSPORT.split("\r\n") if not line.startswith(("MIME", "Content", "\tboundary"))]
    assert found.startswith("\r\n".join(kept).strip().encode() + b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/")


def test_a_mail_without_headers_gets_them_from_its_properties() -> None:
    raw = saved(to=(MIRJAM, recipient("piet@example.nl", "Piet Ümit", 2), recipient("geheim@example.nl", kind=3)))
    mail = read(raw)
    assert mail.sender == Address("Jan Jansen", "jan@example.com")
    assert mail.to == (Address("Mirjam", "mirjam@example.nl"),)
    assert mail.cc == (Address("Piet Ümit", "piet@example.nl"),)
    assert (mail.subject, mail.sent_at) == ("Lámp kapot", SENT)
    assert (mail.message_id, mail.in_reply_to) == ("<first@example.com>", ("<ours@example.nl>",))
    assert mail.references == ("<older@example.nl>", "<ours@example.nl>")
    assert (mail.text, mail.problems) == (COMPLAINT.strip(), ())
    assert b"geheim" not in as_mail(raw)


def test_a_draft_has_no_date_and_no_id_and_is_the_same_mail_each_time() -> None:
    raw = compound(message({0x0037: "Concept", 0x1000: "Nog niet af"}))
    mail = read(raw)
    assert (mail.sender, mail.sent_at, mail.text) == (None, None, "Nog niet af")
    assert as_mail(raw) == as_mail(raw)
    assert mail.problems == ()


SENDERS: dict[str, tuple[dict[int, Value], str]] = {
    "the SMTP address": ({0x0C1E: "EX", 0x0C1F: "/O=SHOP/CN=JAN", 0x5D01: "jan@example.com"}, "jan@example.com"),
    "the address of the server's own kind is none": ({0x0C1E: "EX", 0x0C1F: "/O=SHOP/CN=JAN"}, ""),
    "on whose behalf": ({**SENDER, 0x0064: "SMTP", 0x0065: "baas@example.com", 0x0042: "De baas"}, "baas@example.com"),
    "by the SMTP address on whose behalf": ({**SENDER, 0x0064: "EX", 0x5D02: "baas@example.com"}, "baas@example.com"),
    "a name that is an address": ({0x0C1A: "'jan@example.com'", 0x0C1E: "EX"}, "jan@example.com"),
}


@pytest.mark.parametrize("case", SENDERS)
def test_the_sender_is_found_where_outlook_keeps_it(case: str) -> None:
    values, address = SENDERS[case]
    mail = read(compound(message({0x0037: "Klacht", 0x1000: "tekst", **values})))
    assert (mail.sender.address if mail.sender else "") == address


def test_the_time_of_delivery_stands_in_for_a_missing_time_of_sending() -> None:
    assert read(compound(message({0x1000: "tekst", 0x0E06: SENT}))).sent_at == SENT
    never = datetime(4501, 1, 1, tzinfo=UTC)  # Outlook's word for none
    assert read(compound(message({0x1000: "tekst", 0x0039: never}))).sent_at is None


def test_plain_text_and_html_are_two_versions_of_one_body() -> None:
    html = '<meta charset="utf-8"><p>Mijn lamp is stuk – écht.</p><img src="cid:foto@1">'.encode("cp1252")
    photo = attachment("foto.png", b"\x89PNG\r\n", "image/png", "foto@1")
    mail = read(saved(photo, x1013=html, x3FDE=1252))
    assert mail.text == COMPLAINT.strip()
    assert [(file.name, file.media_type, file.inline) for file in mail.attachments] == [("foto.png", "image/png", True)]


HTML = "<p>Mijn lamp is stuk – écht.</p>"
LONELY_BODIES: dict[str, dict[int, Value]] = {
    "HTML in the code page that the mail names": {0x1013: HTML.encode("cp1252"), 0x3FDE: 1252},
    "HTML in UTF-8": {0x1013: HTML.encode(), 0x3FDE: 65001},
    "HTML in a code page that is not known": {0x1013: HTML.encode("cp1252"), 0x3FDE: 99999},
    "HTML kept as a text": {0x1013: HTML},
    "RTF": {0x1009: b"", 0x0E1F: 1},
    "HTML wrapped in RTF": {0x1009: b"html"},
}


@pytest.mark.parametrize("case", LONELY_BODIES)
def test_a_mail_that_has_one_body_only_reads_by_it(case: str) -> None:
    values = dict(LONELY_BODIES[case])
    if 0x1009 in values:
        inner = rb"\fromhtml1 {\*\htmltag <p>}" if values[0x1009] else b""
        rtf = rb"{\rtf1\ansi\ansicpg1252" + inner + rb" Mijn lamp is stuk \'96 \'e9cht.}"
        values[0x1009] = struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf
    mail = read(compound(message({**SENDER, 0x0037: "Klacht", **values})))
    assert mail.text == "Mijn lamp is stuk – écht."
    assert mail.readable


def test_texts_of_eight_bits_are_in_the_mails_code_page() -> None:
    words = "Жалоба"
    inner = message({0x0037: words, 0x1000: words}, inside=True, charset="cp1251")
    files = (attachment(words, b"x"), attached_mail("mail", inner))
    raw = saved(*files, charset="cp1251", x3FFD=1251, x0037=words, x1000=words, x0C1A=words)
    mail = read(raw)
    assert (mail.subject, mail.text, mail.sender) == (words, words, Address(words, "jan@example.com"))
    assert mail.attachments[0].name == words
    assert mail.forwarded is not None
    assert (mail.forwarded.subject, mail.forwarded.text) == (words, words)


NAMES = ["bon é (2).pdf", '"; filename="x.exe', "发票.pdf", "a'b%20c.pdf", "zonder", "x" * 100 + ".pdf"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_keeps_its_name_and_its_bytes(name: str) -> None:
    raw = saved(attachment(name, PDF))
    mail = read(raw)
    kept = mail.attachments[0]
    assert (kept.name, read_attachment(as_mail(raw), kept.part)) == (name, PDF)


def test_a_mail_of_nothing_but_files_has_no_text() -> None:
    raw = compound(message({**SENDER, 0x0037: "Scan"}, (), (attachment("a.txt", b"bijlage", "text/plain"),)))
    mail = read_mail(as_mail(raw))
    assert [file.name for file in mail.attachments] == ["a.txt"]
    assert message_from_bytes(as_mail(raw)).get_content_type() == "multipart/mixed"


def test_a_mail_in_the_mail_is_an_attached_mail() -> None:
    values = {**MADE, 0x0037: "De klacht", 0x1035: "<inner@example.com>", 0x1000: "Mijn lamp is stuk."}
    inner = message(values, (MIRJAM,), (attachment("bon.pdf", PDF),), inside=True)
    found = as_mail(saved(attached_mail("RE: lamp/stuk", inner)))
    mail = read_mail(found)
    assert [(file.name, file.media_type) for file in mail.attachments] == [("RE: lamp-stuk.eml", "message/rfc822")]
    assert mail.forwarded is not None
    assert (mail.forwarded.message_id, mail.forwarded.text) == ("<inner@example.com>", "Mijn lamp is stuk.")
    whole = read_attachment(found, mail.attachments[0].part)
    assert read_attachment(whole, read_mail(whole).attachments[0].part) == PDF
    assert mail.problems == ()


def test_mails_in_mails_end_at_the_fifth() -> None:
    tree = message({0x1000: "level 9"}, inside=True)
    for level in range(8, 0, -1):
        tree = message({0x1000: f"level {level}"}, (), (attached_mail("deeper", tree),), inside=True)
    found = as_mail(saved(attached_mail("deeper", tree)))
    texts = [base64.b64encode(f"level {level}".encode()) in found for level in range(1, 10)]
    assert texts == [True] * 5 + [False] * 4
    assert read_mail(found).problems == ("damaged structure: its end is missing",)


def test_a_mail_attached_as_a_file_is_an_attached_mail() -> None:
    inner = b"From: els@example.com\nSubject: Klacht\nMessage-ID: <els@example.com>\n\nDe vaas is stuk.\n"
    found = as_mail(saved(attachment("klacht.eml", inner)))
    mail = read_mail(found)
    assert (mail.attachments[0].media_type, read_attachment(found, 1)) == ("message/rfc822", inner)
    assert mail.forwarded is not None
    assert (mail.forwarded.text, mail.problems) == ("De vaas is stuk.", ())


def test_a_winmail_dat_in_a_saved_mail_is_opened() -> None:
    mail = read(saved(attachment("winmail.dat", tnef(BODY, attached("foto.jpg", b"jpeg")), "application/ms-tnef")))
    assert [file.name for file in mail.attachments] == ["winmail.dat", "foto.jpg"]


def test_an_object_of_another_program_gives_its_longest_stream() -> None:
    inner: Tree = {"\x01CompObj": b"Acrobat", "CONTENTS": PDF}
    tree = {**item({0x3001: "Adobe Acrobat Document", 0x3705: 6}, bytes(8)), "__substg1.0_3701000D": inner}
    found = as_mail(saved(tree))
    assert read_attachment(found, read_mail(found).attachments[0].part) == PDF


def test_an_invitation_is_a_mail_all_the_same() -> None:
    mail = read(saved(x001A="IPM.Schedule.Meeting.Request", x0060=SENT))
    assert (mail.subject, mail.text) == ("Lámp kapot", COMPLAINT.strip())


def test_a_signed_mail_reads_as_it_was_signed() -> None:
    entity = (
        b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary="s"\r\n\r\n--s\r\n'
        b"Content-Type: text/plain\r\n\r\nMijn lamp is stuk.\r\n--s\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
    )
    mail = read(saved(attachment("smime.p7m", entity, "multipart/signed"), x001A="IPM.Note.SMIME.MultipartSigned"))
    assert (mail.text, mail.signed_by, mail.problems) == ("Mijn lamp is stuk.", "PGP", ())


def test_a_file_that_says_to_be_the_signed_mail_hides_no_other() -> None:
    mail = read(saved(attachment("a.p7m", PDF, "multipart/signed"), attachment("bon.pdf", PDF)))
    assert mail.text == COMPLAINT.strip()
    assert [(file.name, file.size) for file in mail.attachments] == [("a.p7m", len(PDF)), ("bon.pdf", len(PDF))]


HEADERS: dict[str, tuple[str, str]] = {
    "a line that is no header": ("Microsoft Mail Internet Headers Version 2.0\r\nSubject: x\r\n", "Subject"),
    "the headers of parts": ("Subject: x\r\n\r\n------=_Part\r\nContent-Type: text/plain\r\nX-Bad: y\r\n", "Subject"),
    "a header that is empty": ("Subject: x\r\nFrom: \r\n", "Subject From"),
    "line ends of one line feed": ("Subject: x\nX-Kept: y\n", "Subject X-Kept"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_of_the_headers_that_came_only_what_is_one_is_kept(case: str) -> None:
    block, names = HEADERS[case]
    found = message_from_bytes(as_mail(saved(x007D=block)))
    assert found["Subject"] == "x"
    assert found["From"] == '"Jan Jansen" <jan@example.com>'
    assert {*names.split()} <= {*found.keys()}
    assert found.get_all("Content-Type") == ["text/plain; charset=utf-8"]
    assert "X-Bad" not in found


def test_headers_outside_ascii_become_encoded_words_and_read_the_same() -> None:
    block = (
        'From: "Müller, Jürgen" <jan@example.com>\r\nTo: Änne Größer <a@example.nl>, Bé <b@example.nl>\r\n'
        "Subject: Straße voller Löcher und Ärger\r\n"
    )
    found = as_mail(saved(x007D=block))
    mail = read_mail(found)
    assert found.isascii()
    assert mail.sender == Address("Müller, Jürgen", "jan@example.com")
    assert mail.to == (Address("Änne Größer", "a@example.nl"), Address("Bé", "b@example.nl"))
    assert mail.subject == "Straße voller Löcher und Ärger"


def test_long_ids_are_not_broken_and_folded_ones_are_joined() -> None:
    long = f"<{'a' * 300}@example.com>"
    found = as_mail(saved(x1035=long, x1042="ours@example.nl", x1039=f"<b\r\n @example.nl>{long}"))
    assert f"\r\nMessage-ID: {long}\r\n".encode() in found
    assert f"\r\nReferences: <b@example.nl>\r\n {long}\r\n".encode() in found
    assert read_mail(found).in_reply_to == ("<ours@example.nl>",)


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
@pytest.mark.parametrize("letter", ["e", "é"])
def test_no_property_can_bring_a_header_of_its_own(line_end: str, letter: str) -> None:
    evil = f"{letter}{line_end}X-Evil: 1{line_end}{line_end}body <evil@example.com>"
    texts = {f"x{key:04X}": evil for key in (0x37, 0x0C1A, 0x0C1F, 0x5D01, 0x0042, 0x1035, 0x1042, 0x1039)}
    names = item({0x3701: b"x", 0x3707: evil, 0x370E: evil, 0x3712: evil}, bytes(8))
    found = as_mail(saved(names, to=(recipient(evil, evil), recipient("b@example.nl", evil)), **texts))
    head, *parts = [part.partition(b"\r\n\r\n")[0] for part in found.split(b"\r\n--=_")]
    for block in (head, *parts):
        assert not [line for line in block.splitlines() if line.lower().startswith(b"x-evil")]
    assert b"\r" not in found.replace(b"\r\n", b"")
    assert b"\n" not in found.replace(b"\r\n", b"")


def test_all_of_it_has_lines_that_mail_allows() -> None:
    found = as_mail(saved(attachment("é" * 300, PDF), x0037="é" * 3000, x0C1A="x" * 3000, x1035=f"<{'a' * 3000}@b.c>"))
    assert max(map(len, found.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("sector", [512, 4096])
def test_large_files_come_through_whatever_the_size_of_a_sector(sector: int) -> None:
    big = random.Random(1).randbytes(8_000_000)
    raw = compound(message(MADE, (MIRJAM,), (attachment("groot.bin", big), attachment("klein", b"x"))), sector)
    found = as_mail(raw)
    mail = read_mail(found)
    assert read_attachment(found, mail.attachments[0].part) == big
    assert mail.problems == ()


def test_another_reader_finds_the_same_in_the_files_of_these_tests() -> None:
    raw = saved(attachment("bon é.pdf", PDF, "application/pdf"))
    other = oxmsg.Message.load(raw)
    mail = read(raw)
    assert (other.subject, (other.body or "").replace("\r\n", "\n").strip()) == (mail.subject, mail.text)
    assert [(file.file_name, file.file_bytes) for file in other.attachments] == [("bon é.pdf", PDF)]
    assert [person.email_address for person in other.recipients] == [person.address for person in mail.to]


# Damage.


def sample() -> bytes:
    inner = message(MADE, (MIRJAM,), (attachment("bon.pdf", PDF),), inside=True)
    return saved(attachment("foto.jpg", PDF * 3, "image/jpeg"), attached_mail("RE: lamp", inner), x007D=TRANSPORT)


def outcome(raw: bytes) -> Message | None:
    """The mail, None where it was refused; within the time."""
    found = converted(raw)
    return read_mail(found) if found else None


def converted(raw: bytes) -> bytes:
    """The bytes of the mail, none where it was refused in plain words; within the time."""
    started = time.process_time()
    refused: ReadingError | None = None
    found = b""
    try:
        found = as_mail(raw)
    except ReadingError as error:
        refused = error
    assert time.process_time() - started < SECONDS
    assert refused is None or (refused.code == "DAMAGED" and "Outlook" in refused.what)
    return found


def truncated() -> Iterator[bytes]:
    raw = sample()
    return (raw[: len(raw) * share // 21] for share in range(1, 21))


def flipped() -> Iterator[bytes]:
    chance = random.Random(4)
    raw = sample()
    for _ in range(200):
        damaged = bytearray(raw)
        damaged[chance.randrange(8, len(raw))] ^= chance.randrange(1, 256)
        yield bytes(damaged)


@pytest.mark.parametrize("damaged", [truncated, flipped])
def test_a_damaged_file_gives_what_can_be_had_or_is_refused(damaged: Callable[[], Iterator[bytes]]) -> None:
    found = [outcome(raw) for raw in damaged()]
    assert sum(mail is not None for mail in found) > len(found) // 2


def test_most_flipped_bytes_cost_little() -> None:
    found = [outcome(raw) for raw in flipped()]
    good = [mail for mail in found if mail and mail.message_id == "<first@example.com>" and len(mail.attachments) == 2]
    assert len(good) >= 180


def test_of_more_rtf_than_anybody_writes_the_beginning_is_read() -> None:
    rtf = rb"{\rtf1 Mijn lamp is stuk.\par " + b"x" * 600_000 + rb" einde}"
    packed = struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf
    inner = message({0x0037: "Nog een", 0x1009: packed}, inside=True)
    mail = outcome(compound(message({0x0037: "Klacht", 0x1009: packed}, (), (attached_mail("x", inner),))))
    assert mail is not None
    assert mail.text.startswith("Mijn lamp is stuk.")
    assert "einde" not in mail.text
    assert mail.problems == ("damaged structure: its end is missing",)


def test_what_is_missing_from_the_mail_is_said() -> None:
    raw = bytearray(saved(attachment("foto.jpg", PDF * 3)))
    struct.pack_into("<I", raw, position(raw, "__substg1.0_37010102") + 120, 0x7FFFFFFF)
    mail = outcome(bytes(raw))
    assert mail is not None
    assert mail.problems == ("damaged structure: its end is missing",)
    assert mail.text == COMPLAINT.strip()


def position(raw: bytes | bytearray, name: str) -> int:
    """Where the entry of a stream or storage stands."""
    return raw.index(name.encode("utf-16-le") + b"\0\0")


def with_links(raw: bytes, name: str, links: tuple[int, int, int]) -> bytes:
    changed = bytearray(raw)
    struct.pack_into("<III", changed, position(raw, name) + 68, *links)
    return bytes(changed)


def with_table(raw: bytes, following: int) -> bytes:
    """Every sector, that of the table itself too, is followed by one and the same."""
    changed = bytearray(raw)
    (table,) = struct.unpack_from("<I", raw, 76)
    changed[(table + 1) * 512 : (table + 2) * 512] = struct.pack("<I", following) * 128
    return bytes(changed)


def with_header(raw: bytes, offset: int, *values: int) -> bytes:
    changed = bytearray(raw)
    struct.pack_into(f"<{len(values)}I", changed, offset, *values)
    return bytes(changed)


def shared() -> bytes:
    """Thousands of streams that all say to be the same two megabytes."""
    tree: Tree = {f"__attach_version1.0_#{number:08X}": attachment("x", b"x") for number in range(1500)}
    raw = bytearray(compound({**tree, **message(MADE), "long": b"q" * 2_000_000}))
    start = struct.unpack_from("<I", raw, position(raw, "long") + 116)[0]
    name = "__substg1.0_37010102".encode("utf-16-le")
    place = raw.find(name)
    while place != -1:
        struct.pack_into("<II", raw, place + 116, start, 2_000_000)
        place = raw.find(name, place + 128)
    return bytes(raw)


ATTACHED = "__attach_version1.0_#00000001"
HOSTILE: dict[str, Callable[[], bytes]] = {
    "the signature alone": lambda: sample()[:8],
    "nothing but a header": lambda: sample()[:512],
    "zeros after the signature": lambda: sample()[:8] + bytes(100_000),
    "ones after the signature": lambda: sample()[:8] + b"\xff" * 100_000,
    "noise after the signature": lambda: sample()[:8] + random.Random(7).randbytes(2_000_000),
    "every sector follows on itself": lambda: with_table(sample(), 0),
    "every sector is followed by none": lambda: with_table(sample(), NOTHING),
    "every sector is followed by one that is not there": lambda: with_table(sample(), DIFAT_SECTOR),
    "a storage that holds the root": lambda: with_links(sample(), ATTACHED, (NOTHING, NOTHING, 0)),
    "a storage that holds itself": lambda: with_links(sample(), "__substg1.0_3701000D", (1, 2, 3)),
    "entries that are not there": lambda: with_links(sample(), "__substg1.0_0037001F", (10**9, 10**9, 10**9)),
    "billions of tables": lambda: with_header(sample(), 44, 2**32 - 1),
    "billions of tables of tables": lambda: with_header(sample(), 68, 0, 2**32 - 1),
    "a directory that is elsewhere": lambda: with_header(sample(), 48, 2**32 - 1),
    "sectors of two gigabytes": lambda: with_header(sample(), 30, 31),
    "streams that share their bytes": shared,
    "many entries": lambda: compound({f"__substg1.0_{number:08X}": b"" for number in range(30_000)}),
    "another program's file": lambda: compound({"WordDocument": PDF * 2, "1Table": b"x"}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_takes_no_more_than_its_size_is_worth(case: str) -> None:
    raw = HOSTILE[case]()
    found = converted(raw)
    assert len(found) < 5 * len(raw)
    read_mail(found)


def test_another_programs_file_is_refused_in_plain_words() -> None:
    raw = HOSTILE["another program's file"]()
    assert is_outlook_message(raw)
    with pytest.raises(ReadingError, match="not a mail saved from Outlook"):
        as_mail(raw)
    assert not is_outlook_message(b"From: jan@example.com\r\n\r\n")


@pytest.mark.parametrize("letter", ["a", " ", '"', "é", "<", "=?", "a@", "é ", "\n ", "\n\n"])
@pytest.mark.parametrize("key", [0x007D, 0x0037, 0x0C1A, 0x1035, 0x1039])
def test_a_megabyte_of_anything_in_a_header_costs_little(letter: str, key: int) -> None:
    text = ("Subject: " if key == 0x007D else "") + letter * (500_000 // len(letter))
    assert outcome(compound(message({0x1000: "tekst", key: text}))) is not None
