"""What an evidence bundle is made of: its files, their form, and how much of each is read.

manifest.json     what this is: shop, window, moment, method, versions; the SHA-256 and size of each file below
rows.csv          one line a promise, as it was when it was measured; see `lines`
exclusions.csv    what does not count: why, by whom, when
calendar.json     the closed days that business days were counted by
guarantee.json    the guarantees as they are defined
promise.json      what was promised, and how it was counted, over time
figures.json      what was measured, month by month
chain.json        the last line of the shop's history at that moment
method.md         the rules in words, and how to check all of this without Intake
SHA256SUMS        of every file above, for `sha256sum -c`; its own SHA-256 is the bundle's seal
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from intake.measuring import METHOD

FORMAT = "intake-evidence/1"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
ROWS, EXCLUSIONS = "rows.csv", "exclusions.csv"
CALENDAR, GUARANTEE, PROMISE = "calendar.json", "guarantee.json", "promise.json"
FIGURES, CHAIN, METHOD_TEXT = "figures.json", "chain.json", "method.md"
LISTED = (ROWS, EXCLUSIONS, CALENDAR, GUARANTEE, PROMISE, FIGURES, CHAIN, METHOD_TEXT)  # what the manifest lists
NAMES = frozenset({*LISTED, MANIFEST, SUMS})
BYTES_AT_MOST = 128 * 1024 * 1024  # of one file
MONTHS_AT_MOST = 120
FINDINGS_AT_MOST = 200
SHOWN_AT_MOST = 60  # characters of a value that is not what it should be

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Day = Annotated[date, Field(ge=date(2000, 1, 2), lt=date(2200, 1, 1))]
Word = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9-]{0,60}$")]


class Part(BaseModel):
    """A piece of a JSON file: nothing may be missing, and nothing more may be in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ShopPart(Part):
    id: str = Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    name: str = Field(max_length=200)
    zone: str = Field(max_length=80)


class WindowPart(Part):
    first: Day
    last: Day
    months: int = Field(ge=1, le=MONTHS_AT_MOST)


class FilePart(Part):
    sha256: Sha256
    bytes: int = Field(ge=0)


class TablePart(Part):
    """Of a CSV: how many lines it has below its head, and the SHA-256 of each column's cells, joined by line feeds."""

    lines: int = Field(ge=0)
    columns: dict[str, Sha256]


class Manifest(Part):
    format: str
    shop: ShopPart
    issuer: str = Field(max_length=80)
    window: WindowPart
    as_of: Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 2, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]
    guarantees: tuple[Word, ...]
    method: str = Field(max_length=20)
    intake: str = Field(max_length=40)
    files: dict[str, FilePart]
    tables: dict[str, TablePart]


class CalendarDefinition(Part):
    country: str = Field(pattern="^[A-Z]{2}$")
    subdivision: str = Field(pattern="^[A-Za-z0-9-]{0,10}$")
    open: tuple[str, ...]
    closed: tuple[str, ...]


class CalendarPart(Part):
    """The days from Monday to Friday on which the shop is closed, from `first` to `last`."""

    definition: CalendarDefinition
    holidays_release: str = Field(max_length=40)
    first: Day
    last: Day
    closed_days: tuple[Day, ...]


class KeptPart(Part):
    """What Intake kept of a month."""

    figures: dict[str, Any]
    reached: str = Field(pattern="^([a-z][a-z0-9-]{0,40})?$")
    held: str = Field(pattern="^([a-z][a-z0-9-]{0,40})?$")
    definition: Sha256
    method: str = Field(max_length=20)
    holidays: str = Field(max_length=40)
    computed_at: AwareDatetime


class ChainPart(Part):
    """The number and hash of the last line of the shop's history."""

    number: int = Field(ge=0)
    hash: str = Field(pattern="^([0-9a-f]{64})?$")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a bundle that does not hold: the file, the place in it ("" for all of it), and what is wrong. Where
    two values differ, `stated` is what stands there and `found` what it should be."""

    file: str
    place: str
    what: str
    stated: str = ""
    found: str = ""

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.file, self.place)))
        if self.stated or self.found:
            return f"{where}: {self.what}: stated {self.stated or 'nothing'}, found {self.found or 'nothing'}"
        return f"{where}: {self.what}"


def sha256(content: bytes) -> str:
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(content).hexdigest()


def as_json(value: object) -> bytes:
    """A value as the bundle's JSON files hold it."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def read_json(content: bytes) -> Any:  # noqa: ANN401 - whatever stands there
    """JSON as RFC 8259 has it: no NaN, no Infinity. Raises `ValueError`."""
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def method_text(delivered: str) -> bytes:
    """`method.md` as it stands in a bundle, from the text that is delivered."""
    return delivered.replace("{method}", METHOD).encode()


def sums(contents: Mapping[str, bytes]) -> bytes:
    """SHA256SUMS of these files, by name."""
    return "".join(f"{sha256(contents[name])}  {name}\n" for name in sorted(contents)).encode()


def shown(value: object) -> str:
    """A value from a bundle, short and without control characters, for eyes."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, default=str)
    text = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text[: SHOWN_AT_MOST + 1])
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}…"


def differences(file: str, stated: object, found: object, place: str = "") -> Iterator[Finding]:
    """Where two JSON values differ, each with its path."""
    if isinstance(stated, dict) and isinstance(found, dict):
        for name in dict.fromkeys((*found, *stated)):
            path = f"{place}.{shown(name)}" if place else shown(name)
            if name not in stated:
                yield Finding(file, path, "it is missing", "", shown(found[name]))
            elif name not in found:
                yield Finding(file, path, "it does not belong there", shown(stated[name]), "")
            else:
                yield from differences(file, stated[name], found[name], path)
    elif isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        for one, other in zip(stated, found, strict=True):
            yield from differences(file, one, other, f"{place}[{_name_of(other, found)}]")
    elif not _same(stated, found):
        yield Finding(file, place, "it differs", shown(stated), shown(found))


def _name_of(value: object, of: list[Any]) -> str:
    """An entry of a list by its own name, where it has one."""
    if isinstance(value, dict):
        return str(value.get("id") or value.get("month") or of.index(value))
    return str(of.index(value))


def _same(stated: object, found: object) -> bool:
    """JSON knows one kind of number, and true is none."""
    return stated == found and isinstance(stated, bool) == isinstance(found, bool)
