"""What is packed in a mail where MIME does not show it: winmail.dat, opaque signatures, uuencoded files."""

import base64
import binascii
import struct
import time
import zlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from intake.reading.mail import read_attachment, read_mail
from intake.reading.rtf import decompressed, read_rtf
from intake.reading.security import content_kind, inline_pgp, signed_content
from intake.reading.tnef import read_tnef

TOP = b"From: Jan <jan@example.com>\r\nSubject: Klacht\r\nMessage-ID: <a@example.com>\r\nMIME-Version: 1.0\r\n"
INNER = "Content-Type: text/plain; charset=utf-8\r\n\r\nMijn lamp is stuk – écht.\r\n".encode()
BASE64 = b"Content-Transfer-Encoding: base64\r\n\r\n"
SECONDS = 20


def attribute(level: int, name: int, data: bytes, kind: int = 6) -> bytes:
    """One TNEF attribute with its checksum."""
    return struct.pack("<BHHI", level, name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def properties(*items: tuple[int, int, bytes]) -> bytes:
    """A block of variable MAPI properties (kind, property, value)."""
    out = struct.pack("<I", len(items))
    for kind, name, value in items:
        out += struct.pack("<HHII", kind, name, 1, len(value)) + value + bytes(-len(value) % 4)
    return out


def tnef(*attributes: bytes) -> bytes:
    code_page = attribute(1, 0x9007, struct.pack("<II", 1252, 0))
    return b"\x78\x9f\x3e\x22" + b"\x01\x00" + code_page + b"".join(attributes)


def attached(name: str, data: bytes) -> bytes:
    return (
        attribute(2, 0x9002, bytes(14))
        + attribute(2, 0x8010, name.encode("cp1252") + b"\x00")
        + attribute(2, 0x800F, data)
    )


def winmail(data: bytes, kind: bytes = b"application/ms-tnef", text: bytes = b"") -> bytes:
    body = b"--q\r\nContent-Type: text/plain\r\n\r\n" + text + b"\r\n" if text else b""
    return (
        TOP
        + b'Content-Type: multipart/mixed; boundary="q"\r\n\r\n'
        + body
        + b"--q\r\nContent-Type: "
        + kind
        + b'; name="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(data)
        + b"--q--\r\n"
    )


BODY = attribute(1, 0x800C, "Mijn lamp is stuk – écht.".encode("cp1252") + b"\x00")
RTF = struct.pack("<II4sI", 60, 48, b"MELA", 0) + b"{\\rtf1\\ansi\\ansicpg1252 caf\\'e9\\par stuk}"
PDF = b"%PDF-1.7\x00\x00\x00"


@pytest.mark.parametrize("kind", [b"application/ms-tnef", b"application/vnd.ms-tnef", b"application/octet-stream"])
def test_the_body_and_the_files_of_a_winmail_dat_are_the_mails(kind: bytes) -> None:
    stream = tnef(BODY, attached("bon é.pdf", PDF), attached("foto.jpg", b"jpeg"))
    raw = winmail(stream, kind)
    message = read_mail(raw)
    assert message.text == "Mijn lamp is stuk – écht."
    assert [(item.name, item.size, item.inline) for item in message.attachments] == [
        ("winmail.dat", len(stream), True),
        ("bon é.pdf", len(PDF), False),
        ("foto.jpg", 4, False),
    ]
    assert [read_attachment(raw, item.part) for item in message.attachments] == [stream, PDF, b"jpeg"]
    assert message.readable
    assert message.problems == ()


def test_a_winmail_dat_beside_a_text_gives_its_files_only() -> None:
    message = read_mail(winmail(tnef(BODY, attached("a.pdf", PDF)), text=b"Zie de bijlage."))
    assert message.text == "Zie de bijlage."
    assert [item.name for item in message.attachments] == ["winmail.dat", "a.pdf"]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        pytest.param(properties((0x1F, 0x1000, "Été €".encode("utf-16-le") + b"\x00\x00")), "Été €", id="Unicode"),
        pytest.param(properties((0x1E, 0x1000, b"plat \x80\x00")), "plat €", id="the code page"),
        pytest.param(properties((0x0102, 0x1013, b"<p>een<br>twee</p>")), "een\ntwee", id="HTML"),
        pytest.param(
            properties(
                (
                    0x0102,
                    0x1009,
                    RTF,
                )
            ),
            "café\nstuk",
            id="RTF",
        ),
    ],
)
def test_a_body_in_properties_is_read(block: bytes, text: str) -> None:
    assert read_mail(winmail(tnef(attribute(1, 0x9003, block)))).text == text


def test_a_long_name_and_an_attached_mail_are_found_in_the_properties() -> None:
    inner = tnef(attribute(1, 0x800C, b"binnen\x00"))
    embedded = bytes.fromhex("0703020000000000c000000000000046") + inner
    stream = tnef(
        attached("BON~1.PDF", PDF) + attribute(2, 0x9005, properties((0x1E, 0x3707, b"bon van september.pdf\x00"))),
        attribute(2, 0x9002, bytes(14))
        + attribute(2, 0x9005, properties((0x0D, 0x3701, embedded), (0x1E, 0x3001, b"Oud\x00"))),
    )
    raw = winmail(stream, text=b"hoi")
    message = read_mail(raw)
    assert [item.name for item in message.attachments] == ["winmail.dat", "bon van september.pdf", "Oud"]
    assert read_attachment(raw, message.attachments[2].part) == inner


@pytest.mark.parametrize("cut", [3, 10, 40, 80, 120])
def test_a_damaged_winmail_dat_is_kept_and_named(cut: int) -> None:
    stream = tnef(BODY, attached("bon.pdf", PDF * 20))[:-cut]
    raw = winmail(stream, text=b"Zie de bijlage.")
    message = read_mail(raw)
    assert message.text == "Zie de bijlage."
    assert read_attachment(raw, message.attachments[0].part) == stream
    assert cut < 10 or any("winmail.dat is damaged" in problem for problem in message.problems)


def test_counts_that_promise_more_than_there_is_are_not_believed() -> None:
    huge = struct.pack("<I", 0xFFFFFFFF)
    blocks = [huge, huge + struct.pack("<HH", 0x1002, 1) + huge, huge + struct.pack("<HH", 0x1F, 1) + huge + huge]
    before = time.process_time()
    for block in blocks:
        found = read_tnef(tnef(attribute(1, 0x9003, block), BODY))
        assert found is not None
        assert found.damaged
        assert found.text.startswith("Mijn lamp")
    assert read_tnef(tnef(*[attribute(1, 0, b"")] * 400_000)) is not None
    assert time.process_time() - before < SECONDS


@given(st.binary(max_size=300))
def test_any_bytes_are_a_winmail_dat_or_none(data: bytes) -> None:
    assert read_tnef(data) is None or data.startswith(b"\x78\x9f\x3e\x22")
    assert read_tnef(tnef() + data) is not None
    assert read_tnef(tnef(attribute(1, 0x9003, data))) is not None


def test_compressed_rtf_comes_out_as_microsofts_example() -> None:
    """[MS-OXRTFCP] section 3.1, examples 1 and 2."""
    simple = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert decompressed(simple) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert decompressed(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


@pytest.mark.parametrize(
    ("rtf", "text", "is_html"),
    [
        (b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}Hallo\\par daar}", "Hallo\ndaar", False),
        (b"{\\rtf1\\ansi\\ansicpg1251 \\'cf\\'f0}", "Пр", False),
        (b"{\\rtf1\\uc1\\u8364 ?5 \\u-10179 ?\\u-8704 ?}", "€5 😀", False),
        (b"{\\rtf1\\ansi a\\{b\\}\\\\c}", "a{b}\\c", False),
        (
            b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf \\par\\htmlrtf0 "
            b"Hallo{\\*\\htmltag72 </p>}}",
            "<p>Hallo</p>",
            True,
        ),
    ],
)
def test_rtf_reads_as_text_or_as_the_html_in_it(rtf: bytes, text: str, is_html: bool) -> None:
    read, html = read_rtf(rtf)
    assert (read.strip(), html) == (text, is_html)


@given(st.binary(max_size=300))
def test_any_bytes_are_rtf(data: bytes) -> None:
    assert isinstance(read_rtf(b"{\\rtf1 " + data)[0].encode("utf-8"), bytes)
    header = struct.pack("<II4sI", len(data) + 12, 1 << 31, b"LZFu", zlib.crc32(data))
    assert len(decompressed(header + data)) < 18 * 300


def test_a_compressed_bomb_is_cut() -> None:
    bomb = struct.pack("<II4sI", 1, 0xFFFFFFFF, b"LZFu", 0) + (b"\xff" + b"\x00\x0f" * 8) * 400_000
    before = time.process_time()
    assert len(decompressed(bomb)) <= 4 * 1024 * 1024
    assert time.process_time() - before < SECONDS


def uuencoded(name: str, data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[start : start + 45]) for start in range(0, len(data), 45)]
    return f"begin 644 {name}\r\n".encode() + b"".join(line.replace(b"\n", b"\r\n") for line in lines) + b"`\r\nend\r\n"


def test_files_uuencoded_in_a_text_are_attachments() -> None:
    raw = TOP + b"\r\nMijn lamp is stuk.\r\n\r\n" + uuencoded("bon.pdf", PDF) + b"\r\nGroet,\r\nJan\r\n"
    message = read_mail(raw)
    assert message.text == "Mijn lamp is stuk.\n\n\nGroet,\nJan"
    assert [(item.name, item.size) for item in message.attachments] == [("bon.pdf", len(PDF))]
    assert read_attachment(raw, message.attachments[0].part) == PDF


@pytest.mark.parametrize(
    "text",
    [b"begin 644 maal opnieuw\r\nzonder einde", b"begin 644 x\r\nnee\r\nend", b"=ybegin line=128 name=a\r\nx\r\n=yend"],
)
def test_words_that_look_like_uuencoding_stay_words(text: bytes) -> None:
    message = read_mail(TOP + b"\r\n" + text)
    assert message.text == text.decode().replace("\r\n", "\n")
    assert message.attachments == ()


@pytest.fixture(scope="module")
def signing():
    """(certificate, key) of a person who does not exist."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Jan Jansen")])
    address = x509.SubjectAlternativeName([x509.RFC822Name("jan@example.com")])
    years = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, *years)
    return builder.add_extension(address, False).sign(key, hashes.SHA256()), key


def signed(signing, *options: pkcs7.PKCS7Options) -> bytes:
    certificate, key = signing
    builder = pkcs7.PKCS7SignatureBuilder().set_data(INNER).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


def cms(der: bytes, kind: str) -> bytes:
    head = f'Content-Type: application/pkcs7-mime; smime-type={kind}; name="smime.p7m"\r\n'
    return TOP + head.encode() + BASE64 + base64.encodebytes(der)


def test_opaquely_signed_mail_is_read(signing) -> None:
    der = signed(signing)
    raw = cms(der, "signed-data")
    message = read_mail(raw)
    assert message.text == "Mijn lamp is stuk – écht."
    assert message.signed_by == "Jan Jansen <jan@example.com>"
    assert (message.readable, message.encrypted) == (True, "")
    assert [(item.name, item.inline) for item in message.attachments] == [("smime.p7m", True)]
    assert read_attachment(raw, 0) == der


def test_mail_with_a_signature_beside_it_is_read(signing) -> None:
    der = signed(signing, pkcs7.PKCS7Options.DetachedSignature)
    raw = (
        TOP
        + b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="q"\r\n\r\n--q\r\n'
        + INNER
        + b'\r\n--q\r\nContent-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        + BASE64
        + base64.encodebytes(der)
        + b"--q--\r\n"
    )
    message = read_mail(raw)
    assert message.text == "Mijn lamp is stuk – écht."
    assert message.signed_by == "Jan Jansen <jan@example.com>"
    assert [(item.name, item.inline) for item in message.attachments] == [("smime.p7s", True)]


def test_mail_that_is_encrypted_says_so(signing) -> None:
    envelope = bytes.fromhex("302606092a864886f70d010703a019") + b"0\x17" + bytes(23)
    assert content_kind(envelope) == "encrypted"
    message = read_mail(cms(envelope, "enveloped-data"))
    assert (message.encrypted, message.readable) == ("S/MIME", False)
    assert "the mail is encrypted (S/MIME): read it in your mail program" in message.problems


PGP_PARTS = (
    TOP + b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="q"\r\n\r\n'
    b"--q\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    b'--q\r\nContent-Type: application/octet-stream; name="encrypted.asc"\r\n\r\n'
    b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQ==\r\n-----END PGP MESSAGE-----\r\n--q--\r\n"
)
ARMOUR = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----\n"
IN_CLEAR = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nMijn lamp is stuk.\n- -- \n- - een streepje\n"
    "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
)


@pytest.mark.parametrize("raw", [PGP_PARTS, TOP + b"\r\n" + ARMOUR.encode()], ids=["PGP/MIME", "inline"])
def test_mail_that_pgp_encrypted_says_so(raw: bytes) -> None:
    message = read_mail(raw)
    assert (message.encrypted, message.readable) == ("PGP", False)
    assert any("encrypted (PGP)" in problem for problem in message.problems)


def test_text_around_an_encrypted_message_is_read() -> None:
    text = "Mijn lamp is stuk en ik heb de foto's versleuteld, zie hieronder:\n\n"
    message = read_mail(TOP + b"\r\n" + (text + ARMOUR).encode())
    assert (message.encrypted, message.readable) == ("PGP", True)


def test_text_that_is_signed_in_clear_comes_out_as_it_was_signed() -> None:
    assert inline_pgp(IN_CLEAR) == ("Mijn lamp is stuk.\n-- \n- een streepje", "signed")
    message = read_mail(TOP + b"\r\n" + IN_CLEAR.encode())
    assert message.signed_by == "PGP"
    assert message.text == "Mijn lamp is stuk."


def test_mail_with_a_pgp_signature_beside_it_says_so() -> None:
    raw = (
        TOP
        + b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary="q"\r\n\r\n--q\r\n'
        + INNER
        + b'\r\n--q\r\nContent-Type: application/pgp-signature; name="signature.asc"\r\n\r\n'
        + b"-----BEGIN PGP SIGNATURE-----\r\n--q--\r\n"
    )
    message = read_mail(raw)
    assert (message.signed_by, message.text) == ("PGP", "Mijn lamp is stuk – écht.")
    assert [(item.name, item.inline) for item in message.attachments] == [("signature.asc", True)]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_signature_or_none(data: bytes) -> None:
    assert content_kind(data) in ("", "signed", "encrypted")
    assert signed_content(data) is None
    opaque = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80" + data
    content = signed_content(opaque)
    assert content is None or isinstance(content, bytes)
    assert read_mail(cms(opaque, "signed-data")).message_id == "<a@example.com>"


def test_an_octet_string_in_a_million_pieces_takes_no_time() -> None:
    start = bytes.fromhex("308006092a864886f70d010702a0803080020101310030800609") + bytes.fromhex(
        "2a864886f70d010701a0802480"
    )
    before = time.process_time()
    assert signed_content(start + b"\x04\x01a" * 1_000_000) is not None
    assert signed_content(start + b"\x24\x80" * 1_000_000) is None
    assert time.process_time() - before < SECONDS
