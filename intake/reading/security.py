"""Signed and encrypted mail: what the signature covers, whose it claims to be, and what nobody here can read.

Nothing is verified: no signature, no chain, no revocation. A signer's name is the certificate's own claim, and is
shown as one. Nothing is decrypted either: Intake holds no keys.
"""

import re
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from intake.reading.decoding import one_line

SMIME, PGP = "S/MIME", "PGP"
# RFC 5652, sections 4 to 6 and RFC 5083: the content types, as the bytes of their object identifiers.
PKCS7 = bytes.fromhex("2a864886f70d0107")
SIGNED_DATA, ENVELOPED_DATA = PKCS7 + b"\x02", PKCS7 + b"\x03"
AUTH_ENVELOPED_DATA = bytes.fromhex("2a864886f70d0109100117")
SEQUENCE, OCTETS, OBJECT_ID, CONTEXT_0 = 0x30, 0x04, 0x06, 0xA0
INDEFINITE = -1
MAX_NESTING = 20
MAX_PIECES = 100_000
ARMOUR = re.compile(r"^-----BEGIN PGP (SIGNED )?MESSAGE-----[ \t]*$", re.MULTILINE)
ENCRYPTED_END = re.compile(r"^-----END PGP MESSAGE-----[ \t]*$", re.MULTILINE)
SIGNATURE_START = re.compile(r"^-----BEGIN PGP SIGNATURE-----[ \t]*$", re.MULTILINE)
SIGNATURE_END = re.compile(r"^-----END PGP SIGNATURE-----[ \t]*\n?", re.MULTILINE)
DASH_ESCAPE = re.compile(r"^- ", re.MULTILINE)


def content_kind(der: bytes) -> str:
    """`signed`, `encrypted` or nothing: what a CMS object says it is."""
    kind = _content_type(der)
    if kind == SIGNED_DATA:
        return "signed"
    return "encrypted" if kind in (ENVELOPED_DATA, AUTH_ENVELOPED_DATA) else ""


def signed_content(der: bytes) -> bytes | None:
    """The content inside an opaque signed object (RFC 8551 section 3.5.2), None where it holds none or is damaged."""
    try:
        info = _Reader(der).inside(SEQUENCE)
        info.skip()  # contentType
        signed = info.inside(CONTEXT_0).inside(SEQUENCE)
        signed.skip()  # version
        signed.skip()  # digestAlgorithms
        encapsulated = signed.inside(SEQUENCE)
        encapsulated.skip()  # eContentType
        return encapsulated.inside(CONTEXT_0).octets(0)
    except _Damaged:
        return None


def signer(der: bytes, sender: str) -> str:
    """Whose signature it claims to be: "name <address>" as the certificate says; `S/MIME` where it says nothing.
    Of several certificates the one for `sender` counts, else the first that is no authority's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [_claim(item) for item in pkcs7.load_der_pkcs7_certificates(der)[:20]]
    except (ValueError, TypeError, AttributeError, NotImplementedError, UnsupportedAlgorithm):
        return SMIME
    people = [(name, address) for name, address, _ in found if address]
    chosen = next((item for item in people if item[1].lower() == sender.lower()), None)
    name, address = chosen or next(((name, address) for name, address, is_ca in found if not is_ca), ("", ""))
    return f"{name} <{address}>" if name and address else name or address or SMIME


def _claim(certificate: x509.Certificate) -> tuple[str, str, bool]:
    """(name, address, whether it is an authority's) of a certificate."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    addresses = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    is_ca = False
    try:
        extensions = certificate.extensions
        for extension in extensions:
            if isinstance(extension.value, x509.SubjectAlternativeName):
                addresses += extension.value.get_values_for_type(x509.RFC822Name)
            elif isinstance(extension.value, x509.BasicConstraints):
                is_ca = extension.value.ca
    except ValueError:
        pass
    name = one_line(str(names[0].value))[:200] if names else ""
    return name, one_line(addresses[0])[:200] if addresses else "", is_ca


def inline_pgp(text: str) -> tuple[str, str]:
    """(text, mark) of a body: `signed` where it is signed in clear (RFC 4880 section 7), and the text then is what
    was signed and what stands around it; `encrypted` where an encrypted message stands in it; else nothing."""
    found = ARMOUR.search(text) if "-----BEGIN PGP " in text else None
    if found is None:
        return text, ""
    if not found[1]:
        return text, "encrypted"
    start = SIGNATURE_START.search(text, found.end())
    if start is None:
        return text, ""
    end = SIGNATURE_END.search(text, start.end())
    signed = text[found.end() : start.start()]
    head, blank, rest = signed.lstrip("\n").partition("\n\n")
    body = rest if blank and all(re.match(r"[A-Za-z]{1,20}: ", line) for line in head.split("\n")) else signed
    before, after = text[: found.start()], text[end.end() if end else len(text) :]
    whole = "\n".join(piece.strip("\n") for piece in (before, DASH_ESCAPE.sub("", body), after) if piece.strip())
    return whole, "signed"


def is_all_encrypted(text: str) -> bool:
    """Whether a body is an encrypted message and little else."""
    found = ARMOUR.search(text)
    if found is None:
        return False
    end = ENCRYPTED_END.search(text, found.end())
    around = text[: found.start()] + text[end.end() if end else len(text) :]
    return len(around.split()) < 10


class _Damaged(Exception):
    """The bytes are no ASN.1, or not the kind that is looked for."""


class _Reader:
    """Reads BER (X.690) forward, also with indefinite lengths, never beyond its end and never deep."""

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._position = start
        self._end = len(data) if end is None else end

    def inside(self, tag: int) -> "_Reader":
        """What is in the next element, which must have the tag; this reader stands behind it, if it has a length."""
        found, start, end = self._element()
        if found != tag:
            raise _Damaged
        self._position = start if end == INDEFINITE else end
        return _Reader(self._data, start, self._end if end == INDEFINITE else end)

    def skip(self) -> bytes:
        """The content of the next element, which must have a length; this reader stands behind it."""
        _, start, end = self._element()
        if end == INDEFINITE:
            raise _Damaged
        self._position = end
        return self._data[start:end]

    def octets(self, depth: int) -> bytes:
        """The bytes of the next octet string, in one piece or in many (X.690 section 8.7)."""
        tag, start, end = self._element()
        if tag == OCTETS and end != INDEFINITE:
            self._position = end
            return self._data[start:end]
        if tag != OCTETS | 0x20 or depth > MAX_NESTING:
            raise _Damaged
        inner = _Reader(self._data, start, self._end if end == INDEFINITE else end)
        pieces: list[bytes] = []
        while not inner.at_end() and len(pieces) < MAX_PIECES:
            pieces.append(inner.octets(depth + 1))
        self._position = end if end != INDEFINITE else inner._position + 2
        return b"".join(pieces)

    def at_end(self) -> bool:
        """Whether nothing follows, or the end mark of an indefinite length does."""
        rest = self._data[self._position : min(self._position + 2, self._end)]
        return len(rest) < 2 or rest == b"\x00\x00"

    def _element(self) -> tuple[int, int, int]:
        """(tag, start, end) of the next element's content."""
        head = self._data[self._position : min(self._position + 2, self._end)]
        if len(head) < 2:
            raise _Damaged
        tag, length = head
        start = self._position + 2
        if length == 0x80:
            return tag, start, INDEFINITE
        if length > 0x80:
            count = length - 0x80
            length = int.from_bytes(self._data[start : start + count], "big") if count <= 8 else self._end
            start += count
        if start + length > self._end:
            raise _Damaged
        return tag, start, start + length


def _content_type(der: bytes) -> bytes:
    try:
        return _Reader(der).inside(SEQUENCE).skip()
    except _Damaged:
        return b""
