"""A mail saved from Outlook (.msg) → the same mail as RFC 5322 bytes, which `intake.reading.mail` then reads.

The file is a small file system ([MS-CFB]): the mail, its recipients and its attachments are folders, their properties
the files in them ([MS-OXMSG]). What becomes which header is as [MS-OXCMAIL] has it. A damaged file gives what can be
had; its mail then lacks the last boundary, so that whoever reads it says that something is missing. Of python-oxmsg
this takes the names of the properties and the code pages, not the reader: that believes the links in the file (2 MB
keep it busy for 25 seconds, or take any amount of memory), loses a whole mail to one bad stream, and knows no mail in
a mail. It opens no other Office files, leaves out Bcc, and makes up nothing that Outlook only shows (a bounce's text).
"""

import base64
import hashlib
import itertools
import re
import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from urllib.parse import quote

from oxmsg.domain import constants as c
from oxmsg.domain.encodings import encoding_from_codepage
from oxmsg.domain.model import UnrecognizedCodePageError, UnsupportedEncodingError

from intake.errors import ReadingError
from intake.reading.contents import MAIL_TYPES
from intake.reading.decoding import clean, decode, one_line
from intake.reading.rtf import decompressed, read_rtf

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
SHORTEST = 3 * 512  # a header, a table and a directory
MINI, CUTOFF = 64, 4096
NOTHING = 0xFFFFFFFF
STORAGE, STREAM = 1, 2
MAX_ENTRIES = 50_000
MAX_PROPERTIES = 4096
MAX_RECIPIENTS = 100
MAX_DEPTH = 5
MAX_HEADERS = 256 * 1024
MAX_RTF = 512 * 1024  # compressed, of all the mails in a file: it becomes eight times as much, and takes seconds
LONGEST_TEXT = 800  # of a header that is made here: with its name within a line (RFC 5322 section 2.1.1: 998)
LONGEST_NAME = 200
MOST_REFERENCES = 50
LONGEST_IDS = 64 * 1024
PROPERTIES = "__properties_version1.0"
# The header of the property stream, before its entries ([MS-OXMSG] section 2.4.1).
MAIL, MAIL_INSIDE, OTHER = 32, 24, 8
# Not among python-oxmsg's names.
SENT_REPRESENTING_SMTP_ADDRESS = 0x5D02
CC = 2
SENDER = (c.PID_SENDER_SMTP_ADDRESS, c.PID_SENDER_ADDRESS_TYPE, c.PID_SENDER_EMAIL_ADDRESS, c.PID_SENDER_NAME)
AUTHOR = (
    SENT_REPRESENTING_SMTP_ADDRESS,
    c.PID_SENT_REPRESENTING_ADDRESS_TYPE,
    c.PID_SENT_REPRESENTING_EMAIL_ADDRESS,
    c.PID_SENT_REPRESENTING_NAME,
)
RECIPIENT = (c.PID_SMTP_ADDRESS, c.PID_ADDRESS_TYPE, c.PID_EMAIL_ADDRESS, c.PID_DISPLAY_NAME)
FIELD = re.compile(r"([!-9;-~]{1,200})[ \t]{0,20}:(.*)", re.DOTALL)
ADDRESS = re.compile(r"[^\s<>,;:\"()@\[\]\\]{1,64}@[^\s<>,;:\"()@\[\]\\]{1,255}")
MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
QUOTED = re.compile(r'"([^"\\]{0,500})"')
PLAIN_NAME = re.compile(r"[A-Za-z0-9 ._()+-]+")
MEDIA_TYPE = re.compile(r"(?!multipart/)[a-z]{1,40}/[a-z0-9.+-]{1,80}")
# Outlook often leaves the type out of what was attached on the sender's own computer.
TYPES_BY_NAME = {"pdf": "application/pdf", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"}
TYPES_BY_NAME |= {"gif": "image/gif", "eml": "message/rfc822"}
EOL = b"\r\n"


def is_outlook_message(raw: bytes) -> bool:
    """Whether the bytes begin as a saved mail does; other files of old Office programs begin so too."""
    return raw.startswith(SIGNATURE)


def as_mail(raw: bytes) -> bytes:
    """The mail as RFC 5322 bytes with CRLF line ends; the same file always gives the same bytes. Raises `ReadingError`
    (DAMAGED) where no part of a mail can be read. Takes time and memory in proportion to the file."""
    if is_outlook_message(raw) and len(raw) >= SHORTEST:
        found = _Converter(raw).mail()
        if found:
            return found
    raise ReadingError(
        "The file is not a mail saved from Outlook, or it is damaged.",
        "Save the mail from Outlook again, or forward the mail itself.",
    )


class _CompoundFile:
    """The streams of a compound file. `kids` has the entries in each storage (the root is 0), by name in lower case.

    No sector belongs to two streams, so reading all of them never takes more than the file has: a file that wants
    more is `damaged`, and reading stops there.
    """

    def __init__(self, raw: bytes) -> None:
        self.damaged = False
        self._raw = raw
        self._left = 3 * len(raw)  # two of the tables may bite their tails
        self._sector = 4096 if raw[30] == 12 else 512
        self._count = max(0, -(-len(raw) // self._sector) - 1)
        directory, mini_fat = struct.unpack_from("<I8xI", raw, 48)
        self._fat = self._load_fat()
        self._directory = self._chained(directory)
        (start,) = struct.unpack_from("<I", self._directory.ljust(128, b"\xff"), 116)
        self._mini = self._chained(start)
        self._mini_fat = _numbers(self._chained(mini_fat))[: -(-len(self._mini) // MINI)]
        self._streams: dict[int, tuple[int, int]] = {}
        self.kids = self._load_tree()

    def read(self, entry: int) -> bytes:
        """The bytes of a stream, as far as they are there; nothing for a storage."""
        start, size = self._streams.get(entry, (0, 0))
        wanted = min(size, self._left)
        if size < CUTOFF:
            numbers = _chain(start, self._mini_fat, -(-wanted // MINI))
            self._left -= len(numbers) * MINI
            content = b"".join([self._mini[number * MINI : (number + 1) * MINI] for number in numbers])
        else:
            content = self._chained(start, wanted)
        self.damaged = self.damaged or len(content) < size
        return content[:size]

    def size(self, entry: int) -> int:
        """What the file says of a stream's length; 0 for a storage."""
        return self._streams.get(entry, (0, 0))[1]

    def _chained(self, start: int, most: int | None = None) -> bytes:
        wanted = self._left if most is None else min(most, self._left)
        numbers = _chain(start, self._fat, -(-wanted // self._sector))
        self._left -= len(numbers) * self._sector
        return b"".join([self._at(number) for number in numbers])

    def _at(self, number: int) -> bytes:
        return self._raw[(number + 1) * self._sector : (number + 2) * self._sector]

    def _load_fat(self) -> tuple[int, ...]:
        """The table of what sector follows on which. Parts of it that are not there are filled up, so that the others
        keep their places."""
        per_sector = self._sector // 4
        wanted = -(-self._count // per_sector)
        numbers = list(struct.unpack_from("<109I", self._raw, 76))
        (further,) = struct.unpack_from("<I", self._raw, 68)
        while len(numbers) < wanted and further < self._count:
            *more, further = _numbers(self._at(further).ljust(self._sector, b"\xff"))
            numbers += more
        table = b"".join([self._at(number).ljust(self._sector, b"\xff") for number in numbers[:wanted]])
        return _numbers(table)[: self._count]

    def _load_tree(self) -> dict[int, dict[str, int]]:
        """Every entry once, in the first storage that has it, however the links run."""
        kids: dict[int, dict[str, int]] = {0: {}}
        seen: set[int] = {0, NOTHING}
        waiting = [(self._links(0)[2], 0)]
        while waiting:
            number, owner = waiting.pop()
            if number in seen:
                self.damaged = self.damaged or number != NOTHING
                continue
            if (number + 1) * 128 > len(self._directory) or len(seen) > MAX_ENTRIES:
                self.damaged = True
                continue
            seen.add(number)
            left, right, child = self._links(number)
            waiting += [(left, owner), (right, owner)]
            name, kind = self._named(number)
            kids[owner].setdefault(name, number)
            if kind == STORAGE:
                kids[number] = {}
                waiting.append((child, number))
            elif kind == STREAM:
                self._streams[number] = struct.unpack_from("<II", self._directory, number * 128 + 116)
        return kids

    def _links(self, number: int) -> tuple[int, int, int]:
        """(left, right, child) of an entry."""
        left, right, child = struct.unpack_from("<III", self._directory.ljust(128, b"\xff"), number * 128 + 68)
        return left, right, child

    def _named(self, number: int) -> tuple[str, int]:
        """(name, kind) of an entry."""
        name, length, kind = struct.unpack_from("<64sHB", self._directory, number * 128)
        return name[: max(0, length - 2)].decode("utf-16-le", "replace").lower(), kind


def _numbers(table: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])


def _chain(start: int, table: tuple[int, ...], most: int) -> list[int]:
    """The sectors from `start` on. One that bites its tail ends after `most` too."""
    numbers: list[int] = []
    while start < len(table) and len(numbers) < min(most, len(table)):
        numbers.append(start)
        start = table[start]
    return numbers


class _Item:
    """A mail, a recipient or an attachment by its properties; empty values for those that it does not have. `page` is
    the encoding of 8-bit texts where the item does not say it itself."""

    def __init__(self, file: _CompoundFile, storage: int, header: int, page: str = "") -> None:
        self._file = file
        self._kids = file.kids[storage]
        entries = self._stream(PROPERTIES)[header : header + 16 * MAX_PROPERTIES]
        self._fixed: dict[int, bytes] = {}
        for _, key, value in struct.iter_unpack("<HH4x8s", entries[: len(entries) // 16 * 16]):
            self._fixed.setdefault(key, value)
        self.page = _encoding(self.number(c.PID_MESSAGE_CODEPAGE)) or page
        self.body_page = _encoding(self.number(c.PID_INTERNET_CODEPAGE)) or self.page

    def number(self, key: int) -> int:
        """A whole number of at most 32 bits."""
        return int.from_bytes(self._fixed.get(key, b"")[:4], "little")

    def moment(self, key: int) -> datetime | None:
        """A moment, in UTC. Outlook's word for none is in the year 4501."""
        ticks = int.from_bytes(self._fixed.get(key, b""), "little")
        try:
            found = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
        except OverflowError:
            return None
        return found if 1970 < found.year < 4500 else None

    def octets(self, key: int) -> bytes:
        """A binary value."""
        return self._stream(f"__substg1.0_{key:04x}{c.PTYP_BINARY:04x}")

    def text(self, key: int) -> str:
        """A text with LF line ends."""
        wide = self._stream(f"__substg1.0_{key:04x}{c.PTYP_STRING:04x}")
        if wide:
            return clean(wide.decode("utf-16-le", "replace"))
        narrow = self._stream(f"__substg1.0_{key:04x}{c.PTYP_STRING8:04x}").rstrip(b"\0")
        return decode(narrow, self.body_page if key == c.PID_BODY else self.page) if narrow else ""

    def words(self, key: int) -> str:
        """A text that may stand in a header: one line, not too long."""
        return one_line(self.text(key)[: 2 * LONGEST_TEXT])[:LONGEST_TEXT]

    def storage(self, key: int) -> int | None:
        """A value that is a storage of its own."""
        found = self._kids.get(f"__substg1.0_{key:04x}{c.PTYP_OBJECT:04x}")
        return found if found in self._file.kids else None

    def storages(self, name: str) -> Iterator[int]:
        """The storages whose names begin so, in order."""
        for key in sorted(self._kids):
            if key.startswith(name) and self._kids[key] in self._file.kids:
                yield self._kids[key]

    def _stream(self, name: str) -> bytes:
        return self._file.read(self._kids[name]) if name in self._kids else b""


def _encoding(code_page: int) -> str:
    try:
        return encoding_from_codepage(code_page)
    except (UnrecognizedCodePageError, UnsupportedEncodingError):
        return ""


class _Converter:
    """Writes the mail in a file, and the mails in that one."""

    def __init__(self, raw: bytes) -> None:
        self._file = _CompoundFile(raw)
        self._mark = hashlib.sha256(raw).hexdigest()[:32]
        self._marks = itertools.count(1)
        self._rtf_left = MAX_RTF

    def mail(self) -> bytes:
        """The mail with its header; nothing where the file holds none."""
        item = _Item(self._file, 0, MAIL)
        fields, parts = _fields(item, self._recipients(item)), self._parts(item, 0)
        return self._assembled(fields, parts, outermost=True) if fields or parts else b""

    def _inside(self, storage: int, page: str, depth: int) -> bytes:
        if depth > MAX_DEPTH:
            self._file.damaged = True
            return b""
        item = _Item(self._file, storage, MAIL_INSIDE, page)
        return self._assembled(_fields(item, self._recipients(item)), self._parts(item, depth))

    def _assembled(self, fields: list[str], parts: list[bytes], *, outermost: bool = False) -> bytes:
        damaged = outermost and self._file.damaged
        parts = parts or [_text("")]
        mixed = damaged or len(parts) > 1
        content = self._multipart("mixed", parts, closed=not damaged) if mixed else parts[0]
        return "".join(f"{line}\r\n" for line in (*fields, "MIME-Version: 1.0")).encode("utf-8", "replace") + content

    def _multipart(self, kind: str, parts: Iterable[bytes], *, closed: bool = True) -> bytes:
        # "=_" stands in no encoded part, and the rest comes from the whole file: no content can know it.
        mark = f"=_{self._mark}_{next(self._marks)}".encode()
        content = b"".join(b"--" + mark + EOL + part + EOL for part in parts)
        end = b"--" + mark + b"--" + EOL if closed else b""
        return f'Content-Type: multipart/{kind}; boundary="{mark.decode()}"\r\n\r\n'.encode() + content + end

    def _recipients(self, item: _Item) -> list[_Item]:
        found = itertools.islice(item.storages("__recip_version1.0_#"), MAX_RECIPIENTS)
        return [_Item(self._file, storage, OTHER, item.page) for storage in found]

    def _parts(self, item: _Item, depth: int) -> list[bytes]:
        """The body and the files. What Outlook shows of a signed mail is in its only file, as it was signed
        ([MS-OXOSMIME])."""
        bodies = self._bodies(item)  # before the mails inside have used up what may be read of RTF
        attached = [_Item(self._file, key, OTHER, item.page) for key in item.storages("__attach_version1.0_#")]
        if len(attached) == 1 and attached[0].words(c.PID_ATTACH_MIME_TAG).lower() == "multipart/signed":
            return [self._multipart("mixed", [attached[0].octets(c.PID_ATTACH_DATA_BINARY)])]
        files = [self._attachment(file, depth) for file in attached]
        body = [self._multipart("alternative", bodies)] if len(bodies) > 1 else bodies
        # A single file is no body.
        return body + files if body or not files else [_text(""), *files]

    def _bodies(self, item: _Item) -> list[bytes]:
        """The plain text and the HTML; where there is neither, what the RTF holds."""
        plain, page = item.text(c.PID_BODY), item.body_page
        html = item.octets(c.PID_HTML)
        if not html and (as_text := item.text(c.PID_BODY_HTML)):
            html, page = as_text.encode("utf-8", "replace"), "utf-8"
        if not (plain.strip() or html.strip()):
            text, is_html = self._rtf(item.octets(c.PID_RTF_COMPRESSED))
            plain, html, page = ("", text.encode("utf-8", "replace"), "utf-8") if is_html else (text, b"", "")
        found = [_text(plain)] if plain.strip() else []
        if html.strip():
            charset = f"; charset={page}" if page else ""
            found.append(_encoded(f"Content-Type: text/html{charset}", html))
        return found

    def _rtf(self, compressed: bytes) -> tuple[str, bool]:
        readable = compressed[: self._rtf_left]
        self._rtf_left -= len(readable)
        self._file.damaged = self._file.damaged or len(readable) < len(compressed)
        return read_rtf(decompressed(readable))

    def _attachment(self, file: _Item, depth: int) -> bytes:
        storage = file.storage(c.PID_ATTACH_DATA_BINARY)
        name = file.words(c.PID_ATTACH_LONG_FILENAME) or file.words(c.PID_ATTACH_FILENAME)
        if storage is None:
            name = name or file.words(c.PID_DISPLAY_NAME)
            return _part(_media_type(file, name), file.octets(c.PID_ATTACH_DATA_BINARY), name, _content_id(file))
        name = name or re.sub(r"[\\/]", "-", file.words(c.PID_DISPLAY_NAME))
        if PROPERTIES in self._file.kids[storage]:
            content = self._inside(storage, file.page, depth + 1)
            named = not name or name.lower().endswith((".eml", ".msg"))
            return _part("message/rfc822", content, name if named else f"{name}.eml")
        # An object of another program: most often its own file is the longest of its streams.
        longest = max(self._file.kids[storage].values(), key=self._file.size, default=0)
        return _part(_media_type(file, name), self._file.read(longest), name, _content_id(file))


def _text(plain: str) -> bytes:
    return _encoded("Content-Type: text/plain; charset=utf-8", plain.replace("\n", "\r\n").encode("utf-8", "replace"))


def _encoded(header: str, content: bytes) -> bytes:
    """A part in base64: exact, and without a line that could be a boundary."""
    head = f"{header}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
    return head + base64.encodebytes(content).replace(b"\n", EOL)


def _part(media_type: str, content: bytes, name: str, content_id: str = "") -> bytes:
    lines = [f"Content-Type: {media_type}", f"Content-Disposition: attachment{_file_name(name)}"]
    lines += [f"Content-ID: <{content_id}>"] if content_id else []
    if media_type in MAIL_TYPES:  # which may not be encoded (RFC 2046 section 5.2.1)
        lines.append("Content-Transfer-Encoding: 8bit")
        return "\r\n".join(lines).encode() + EOL + EOL + content
    return _encoded("\r\n".join(lines), content)


def _file_name(name: str) -> str:
    if not name:
        return ""
    if PLAIN_NAME.fullmatch(name) and len(name) <= LONGEST_NAME:
        return f'; filename="{name}"'
    octets = name.encode("utf-8", "replace")[:LONGEST_NAME]
    return f"; filename*=utf-8''{quote(octets.decode('utf-8', 'ignore'), safe='')}"


def _media_type(file: _Item, name: str) -> str:
    said = file.words(c.PID_ATTACH_MIME_TAG).lower()
    if MEDIA_TYPE.fullmatch(said):
        return said
    return TYPES_BY_NAME.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def _content_id(file: _Item) -> str:
    said = file.words(c.PID_ATTACH_CONTENT_ID).strip("<> ")
    return said if re.fullmatch(r"[!-;=?-~]{1,300}", said) else ""


def _fields(item: _Item, recipients: list[_Item]) -> list[str]:
    """The header: the lines that came with the mail, and made from the properties what they lack."""
    kept = _kept(item.text(c.PID_TRANSPORT_MESSAGE_HEADERS)[:MAX_HEADERS])
    known = {name.lower() for name, _ in kept}
    sent = item.moment(c.PID_CLIENT_SUBMIT_TIME) or item.moment(c.PID_MESSAGE_DELIVERY_TIME)
    copied = [person for person in recipients if person.number(c.PID_RECIPIENT_TYPE) & 15 == CC]
    direct = [person for person in recipients if person.number(c.PID_RECIPIENT_TYPE) & 15 in (0, 1)]
    # [MS-OXCMAIL]: From is on whose behalf it was sent.
    made = (
        ("From", _person(item, AUTHOR) or _person(item, SENDER)),
        ("To", ",\r\n ".join(filter(None, (_person(person, RECIPIENT) for person in direct)))),
        ("Cc", ",\r\n ".join(filter(None, (_person(person, RECIPIENT) for person in copied)))),
        ("Subject", _words(item.words(c.PID_SUBJECT))),
        ("Date", format_datetime(sent) if sent else ""),
        ("Message-ID", _ids(item.text(c.PID_INTERNET_MESSAGE_ID), 1)),
        ("In-Reply-To", _ids(item.text(c.PID_IN_REPLY_TO_ID), 1)),
        ("References", _ids(item.text(c.PID_INTERNET_REFERENCES), MOST_REFERENCES)),
    )
    lines = [f"{name}:{value}" for name, value in kept]
    return lines + [f"{name}: {value}" for name, value in made if value and name.lower() not in known]


def _kept(block: str) -> list[tuple[str, str]]:
    """(name, value, folded as it came) of the fields in a header block. What describes the body is left out, for the
    body is written anew; so are lines that are none, and the headers of parts that some servers add."""
    found: list[tuple[str, list[str]]] = []
    for line in block.strip().split("\n"):
        field = FIELD.fullmatch(line)
        if not line.strip():
            break
        if found and line[0] in " \t":
            found[-1][1].append(line)
        elif field:
            found.append((field[1], [field[2]]))
    return [
        (name, _ascii(lines))
        for name, lines in found
        if "".join(lines).strip() and not name.lower().startswith("content-") and name.lower() != "mime-version"
    ]


def _ascii(lines: list[str]) -> str:
    """A value as it came; where it is not ASCII, its names and words as encoded words, those that stand together in
    one. An address cannot be one (RFC 2047 section 5) and stays."""
    value = "\r\n".join(lines)
    if value.isascii():
        return value
    value = QUOTED.sub(lambda name: name[0] if name[0].isascii() else _words(name[1]), " ".join(lines))
    runs = itertools.groupby(value.split(" "), lambda word: word.isascii() or "@" in word)
    return " ".join(" ".join(words) if plain else _words(" ".join(words)) for plain, words in runs)


def _words(text: str) -> str:
    """A text as it is where it is plain, else in encoded words."""
    return text if text.isascii() else Header(one_line(text), "utf-8", maxlinelen=60).encode(linesep="\r\n")


def _person(item: _Item, keys: tuple[int, int, int, int]) -> str:
    """`name <address>`, from the properties for (SMTP address, kind of address, address, name); nothing where no
    address is one of the internet's."""
    smtp, kind, other, called = keys
    name = item.words(called).strip("'\" ")[:LONGEST_NAME]
    given = "" if item.words(kind).upper() == "EX" else item.words(other)
    address = next((text for text in (item.words(smtp), given, name) if ADDRESS.fullmatch(text.strip("'"))), "")
    address = address.strip("'")
    if not address or name in ("", address):
        return address
    named = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"' if name.isascii() else _words(name)
    return f"{named} <{address}>"


def _ids(text: str, most: int) -> str:
    """Ids, one a line and none of them broken; blanks in them come from folding."""
    joined = "".join(text[-LONGEST_IDS:].split())
    found = MESSAGE_ID.findall(joined) or MESSAGE_ID.findall(f"<{joined}>" if "@" in joined else "")
    return "\r\n ".join(found[-most:])
