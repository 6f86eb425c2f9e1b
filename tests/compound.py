"""Writes compound files ([MS-CFB]) and Outlook's saved mails ([MS-OXMSG]), which no library does.

A tree is a dictionary: bytes are a stream, a dictionary is a storage. `message`, `recipient` and `attachment` make
the trees of a mail, `compound` the file.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

Tree = dict[str, "bytes | Tree"]
Value = str | bytes | int | datetime

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
FREE, END, FAT_SECTOR, DIFAT_SECTOR, NOTHING = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC, 0xFFFFFFFF
MINI, CUTOFF, IN_THE_HEADER = 64, 4096, 109
STORAGE, STREAM, ROOT = 1, 2, 5
PROPERTIES = "__properties_version1.0"
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def message(
    values: Mapping[int, Value],
    recipients: tuple[Tree, ...] = (),
    attachments: tuple[Tree, ...] = (),
    *,
    inside: bool = False,
    charset: str = "",
) -> Tree:
    """A mail; `inside` another one it has a shorter header. With a `charset` its texts are 8-bit ones."""
    counts = struct.pack("<8x4I", len(recipients), len(attachments), len(recipients), len(attachments))
    tree = item(values, counts if inside else counts + bytes(8), charset)
    tree |= {f"__recip_version1.0_#{number:08X}": kid for number, kid in enumerate(recipients)}
    tree |= {f"__attach_version1.0_#{number:08X}": kid for number, kid in enumerate(attachments)}
    if not inside:
        tree["__nameid_version1.0"] = {f"__substg1.0_{number:04X}0102": b"" for number in (2, 3, 4)}
    return tree


def recipient(address: str, name: str = "", kind: int = 1) -> Tree:
    """Somebody the mail went to: kind 1 is To, 2 Cc, 3 Bcc."""
    return item({0x0C15: kind, 0x3001: name or address, 0x3002: "SMTP", 0x3003: address, 0x39FE: address}, bytes(8))


def attachment(name: str, data: bytes, media_type: str = "", content_id: str = "") -> Tree:
    """A file in the mail, attached by value."""
    values: dict[int, Value] = {0x3701: data, 0x3704: name[:8], 0x3705: 1, 0x3707: name}
    values |= {0x370E: media_type} if media_type else {}
    values |= {0x3712: content_id} if content_id else {}
    return item(values, bytes(8))


def attached_mail(name: str, mail: Tree) -> Tree:
    """A mail in the mail (made with `inside=True`)."""
    return {**item({0x3001: name, 0x3705: 5}, bytes(8)), "__substg1.0_3701000D": mail}


def item(values: Mapping[int, Value], header: bytes, charset: str = "") -> Tree:
    """The streams of an object's properties."""
    tree: Tree = {}
    fixed = [header]
    for key, value in values.items():
        kind, entry, stream = _property(value, charset)
        fixed.append(struct.pack("<HHI8s", kind, key, 6, entry))
        if stream is not None:
            tree[f"__substg1.0_{key:04X}{kind:04X}"] = stream
    tree[PROPERTIES] = b"".join(fixed)
    return tree


def _property(value: Value, charset: str) -> tuple[int, bytes, bytes | None]:
    if isinstance(value, str):
        stream = value.encode(charset or "utf-16-le")
        return (0x001E if charset else 0x001F), struct.pack("<I", len(stream) + (1 if charset else 2)), stream
    if isinstance(value, bytes):
        return 0x0102, struct.pack("<I", len(value)), value
    if isinstance(value, datetime):
        return 0x0040, struct.pack("<Q", int((value - EPOCH).total_seconds()) * 10_000_000), None
    return 0x0003, struct.pack("<I", value), None


def compound(tree: Tree, sector: int = 512) -> bytes:
    """The file that holds the tree; its sectors have 512 or 4096 bytes."""
    return _Writer(sector).file(tree)


class _Writer:
    """Puts streams into sectors, the short ones into the mini stream. The tables and the directory come first, about
    where Outlook has them: a file that is cut off loses its contents, not its order."""

    def __init__(self, sector: int) -> None:
        self._sector = sector
        self._sectors: list[bytes] = []
        self._fat: list[int] = []
        self._mini = bytearray()
        self._mini_fat: list[int] = []
        self._entries: list[_Entry] = []

    def file(self, tree: Tree) -> bytes:
        root = _Entry("Root Entry", ROOT)
        self._entries.append(root)
        root.links = (NOTHING, NOTHING, self._siblings(sorted(tree.items(), key=_order)))
        root.size, root.start = len(self._mini), self._store(bytes(self._mini))
        self._entries += [_Entry()] * (-len(self._entries) % (self._sector // 128))
        directories = len(self._entries) * 128 // self._sector
        mini_fats = -(-len(self._mini_fat) * 4 // self._sector)
        fats, difats = self._needed(directories + mini_fats)
        lead = directories + mini_fats + fats + difats
        directory = b"".join(entry.packed(lead) for entry in self._entries)
        table = [*_chain(0, directories), *_chain(directories, mini_fats)]
        table += [FAT_SECTOR] * fats + [DIFAT_SECTOR] * difats
        table += [following if following == END else following + lead for following in self._fat]
        listed = list(range(directories + mini_fats, directories + mini_fats + fats))
        tables = directory, _numbers(self._mini_fat), _numbers(table), self._difat(listed)
        pieces = b"".join(piece for part in tables for piece in _pieces(part, self._sector, b"\xff"))
        version, shift = {512: (3, 9), 4096: (4, 12)}[self._sector]
        header = SIGNATURE + bytes(16) + struct.pack("<HHHHH6x", 0x3E, version, 0xFFFE, shift, 6)
        header += struct.pack("<IIIII", directories if version == 4 else 0, fats, 0, 0, CUTOFF)
        header += struct.pack("<II", directories if mini_fats else END, mini_fats)
        header += struct.pack("<II", listed[-1] + 1 if difats else END, difats)
        header += _numbers((listed + [FREE] * IN_THE_HEADER)[:IN_THE_HEADER])
        return header.ljust(self._sector, b"\0") + pieces + b"".join(self._sectors)

    def _needed(self, others: int) -> tuple[int, int]:
        """How many sectors the FAT and the DIFAT take, themselves counted."""
        per_sector = self._sector // 4
        fats = difats = 0
        while len(self._fat) + others + fats + difats > fats * per_sector:
            fats += 1
            difats = -(-max(0, fats - IN_THE_HEADER) // (per_sector - 1))
        return fats, difats

    def _difat(self, listed: list[int]) -> bytes:
        """Where the sectors of the FAT are that the header has no room for; each sector ends with its follower."""
        most = self._sector // 4 - 1
        blocks = [listed[start : start + most] for start in range(IN_THE_HEADER, len(listed), most)]
        first = listed[-1] + 1
        followers = [*range(first + 1, first + len(blocks)), END]
        filled = (
            [*block, *[FREE] * (most - len(block)), after] for block, after in zip(blocks, followers, strict=False)
        )
        return b"".join(map(_numbers, filled))

    def _siblings(self, kids: list[tuple[str, bytes | Tree]]) -> int:
        """The entries of a storage as a balanced tree; its top."""
        if not kids:
            return NOTHING
        middle = len(kids) // 2
        name, content = kids[middle]
        number = len(self._entries)
        entry = _Entry(name, STREAM if isinstance(content, bytes) else STORAGE)
        self._entries.append(entry)
        left, right, child = self._siblings(kids[:middle]), self._siblings(kids[middle + 1 :]), NOTHING
        if isinstance(content, bytes):
            entry.size = len(content)
            entry.start = self._store_short(content) if len(content) < CUTOFF else self._store(content)
        else:
            child = self._siblings(sorted(content.items(), key=_order))
        entry.links = (left, right, child)
        return number

    def _store(self, content: bytes) -> int:
        pieces = list(_pieces(content, self._sector))
        first = len(self._fat)
        self._sectors += pieces
        self._fat += _chain(first, len(pieces))
        return first if pieces else END

    def _store_short(self, content: bytes) -> int:
        pieces = list(_pieces(content, MINI))
        first = len(self._mini_fat)
        self._mini += b"".join(pieces)
        self._mini_fat += _chain(first, len(pieces))
        return first if pieces else END


@dataclass
class _Entry:
    """A line of the directory; `start` counts from the first stream's sector, or is in the mini stream."""

    name: str = ""
    kind: int = 0
    links: tuple[int, int, int] = (NOTHING, NOTHING, NOTHING)
    start: int = 0
    size: int = 0

    def packed(self, lead: int) -> bytes:
        raw = self.name.encode("utf-16-le")
        in_sectors = self.kind in (STREAM, ROOT) and self.start != END and (self.kind == ROOT or self.size >= CUTOFF)
        start = self.start + lead if in_sectors else self.start
        length = len(raw) + 2 if self.name else 0
        return struct.pack("<64sHBB3I16xI16xIQ", raw, length, self.kind, 1, *self.links, 0, start, self.size)


def _pieces(content: bytes, size: int, padding: bytes = b"\0") -> Iterator[bytes]:
    return (content[start : start + size].ljust(size, padding) for start in range(0, len(content), size))


def _chain(first: int, length: int) -> list[int]:
    return [*range(first + 1, first + length), END] if length else []


def _order(kid: tuple[str, bytes | Tree]) -> tuple[int, str]:
    """[MS-CFB] section 2.6.4: the shorter name first."""
    return len(kid[0]), kid[0].upper()


def _numbers(values: list[int]) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)
