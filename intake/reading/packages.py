"""Parts that hold parts which MIME does not show: `winmail.dat`, opaquely signed mail, uuencoded files in a text.

`open_packages` hangs what it unpacks beneath the leaf, as a tree; `numbered` walks over all of it. The leaf itself
stays, byte for byte. A file in a package is numbered after its leaf, so that the numbers of the leaves never change
when a package can be opened that could not be before.
"""

import re
from collections.abc import Iterator

from intake.reading.decoding import decode
from intake.reading.mime import MAX_PARTS, UU_BEGIN, Part, parse, payload, prepared, uudecoded, walk
from intake.reading.rtf import read_rtf
from intake.reading.security import content_kind, signed_content
from intake.reading.tnef import SIGNATURE, Tnef, read_tnef

TNEF, TNEF_BODY, SIGNED, UUENCODED = "winmail.dat", "body of a winmail.dat", "signed", "uuencoded"
NUMBERS_OF_A_LEAF = 1000
MAX_DEPTH = 3
MAX_UU_FILES = 50
TNEF_NAMES = frozenset({"winmail.dat", "win.dat"})
TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
CMS_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
MAGIC = (SIGNATURE, b"eJ8+I")  # as it is, and in base64
UU_LINE = re.compile(rb"([\x20-\x60])[\x20-\x60]*\r?$", re.MULTILINE)


def open_packages(tree: Part, problems: list[str], depth: int = 0) -> None:
    """Unpack what can be unpacked, each into the `inner` tree of its leaf."""
    for _, leaf in walk(tree):
        if leaf.inner is not None:
            continue
        if is_tnef(leaf):
            _open_tnef(leaf, problems)
        elif is_cms(leaf):
            _open_signed(leaf, problems)
        elif leaf.main_type == "text" and b"begin " in leaf.body:
            _open_uuencoded(leaf)
        if leaf.inner is not None and depth < MAX_DEPTH:
            open_packages(leaf.inner, problems, depth + 1)


def numbered(tree: Part) -> Iterator[tuple[int, Part]]:
    """(number, leaf) over the tree and what was unpacked. The n-th file of the leaf i is (i + 1) * 1000 + n."""
    left = MAX_PARTS
    for index, leaf in walk(tree):
        yield index, leaf
        for count, inner in enumerate(_leaves_in(leaf)):
            if count == NUMBERS_OF_A_LEAF or left == 0:
                break
            left -= 1
            yield (index + 1) * NUMBERS_OF_A_LEAF + count, inner


def is_tnef(leaf: Part) -> bool:
    """Whether a part is, or says it is, a `winmail.dat`."""
    if leaf.media_type in TNEF_TYPES or leaf.file_name.lower() in TNEF_NAMES:
        return True
    return leaf.media_type == "application/octet-stream" and leaf.body.lstrip()[:5].startswith(MAGIC)


def is_cms(leaf: Part) -> bool:
    """Whether a part is an S/MIME object (RFC 8551 section 3.2.1), also where only its name says so."""
    if leaf.media_type in CMS_TYPES:
        return True
    return leaf.media_type == "application/octet-stream" and leaf.file_name.lower().endswith((".p7m", ".p7z"))


def _leaves_in(leaf: Part) -> Iterator[Part]:
    if leaf.inner is not None:
        for _, inner in walk(leaf.inner):
            yield inner
            yield from _leaves_in(inner)


def made(media_type: str, octets: bytes, name: str = "", content_id: str = "") -> Part:
    """A part of what was unpacked."""
    fields = [("content-type", f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type)]
    if name:
        fields.append(("content-disposition", "attachment"))
    if content_id:
        fields.append(("content-id", f"<{content_id}>"))
    return Part(tuple(fields), octets=octets, given_name=name)


def _open_tnef(leaf: Part, problems: list[str]) -> None:
    found = read_tnef(payload(leaf))
    if found is None or found.damaged:
        problems.append("its winmail.dat is damaged: look at the original")
    if found is None:
        return
    parts = [*_bodies(found), *(_tnef_file(number, found) for number in range(len(found.files)))]
    if parts:
        leaf.inner = Part((("content-type", "multipart/mixed"),), children=parts)
        leaf.package = TNEF


def _bodies(found: Tnef) -> list[Part]:
    """The body, at most one: the plain text, else the HTML, else what the RTF holds."""
    html, text = found.html, found.text
    if found.rtf and not (html or text.strip()):
        read, is_html = read_rtf(found.rtf)
        html, text = (read, "") if is_html else ("", read)
    kind, body = ("text/plain", text) if text.strip() else ("text/html", html)
    part = made(kind, body.encode())
    part.package = TNEF_BODY
    return [part] if body.strip() else []


def _tnef_file(number: int, found: Tnef) -> Part:
    item = found.files[number]
    if item.is_mail:
        return made("application/ms-tnef", item.data, item.name or f"mail {number + 1}")
    known = item.media_type if re.fullmatch(r"[a-z]+/[a-z0-9.+-]{1,80}", item.media_type) else ""
    return made(known or "application/octet-stream", item.data, item.name or f"file {number + 1}", item.content_id)


def _open_signed(leaf: Part, problems: list[str]) -> None:
    der = payload(leaf)
    if content_kind(der) != "signed":
        return
    content = signed_content(der)
    if content is None:
        if leaf.parameter("content-type", "smime-type") != "certs-only":
            problems.append("its signature (S/MIME) is damaged: look at the original")
        return
    leaf.inner = parse(prepared(content, problems), problems)
    leaf.package = SIGNED


def _open_uuencoded(leaf: Part) -> None:
    body = payload(leaf)
    pieces: list[bytes] = []
    files: list[Part] = []
    position = end = 0
    for found in UU_BEGIN.finditer(body):
        if found.start() < position or not UU_LINE.match(body, found.end()):
            continue
        # Looked for once, however many files begin before it.
        end = end if end >= found.end() - 1 else body.find(b"\nend", found.end() - 1)
        if end == -1 or len(files) == MAX_UU_FILES:
            break
        name = decode(found[0].split(maxsplit=2)[2].strip())
        files.append(made("application/octet-stream", uudecoded(body[found.end() : end + 1]), name))
        pieces.append(body[position : found.start()])
        line_end = body.find(b"\n", end + 1)
        position = line_end + 1 if line_end != -1 else len(body)
    if files:
        rest = b"".join((*pieces, body[position:]))
        text = Part(leaf.fields, octets=rest, usual=leaf.usual)
        leaf.inner = Part((("content-type", "multipart/mixed"),), children=[text, *files])
        leaf.package = UUENCODED
