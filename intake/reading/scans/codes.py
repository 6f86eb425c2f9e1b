"""Bar codes on a page, and how separator sheets part a stack into letters.

Only QR, Data Matrix, Code 128 and Code 39 are looked for. A separator sheet carries the QR text `INTAKE|SEP|1`, with
`|2026-11-20` when the letters behind it came on that day, or `PATCHT` in Code 39 or Code 128, as scanner makers print
it. What a code says is data: nothing here follows an address or believes a date of tomorrow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import zxingcpp
from PIL import Image

FORMATS = zxingcpp.barcode_formats_from_str("QRCode,DataMatrix,Code128,Code39")
LINEAR = zxingcpp.barcode_formats_from_str("Code128,Code39")
MOST_CODES, LONGEST_CODE = 20, 200
SEPARATOR = "INTAKE|SEP|"
DATED = re.compile(r"INTAKE\|SEP\|1\|([0-9]{4}-[0-9]{2}-[0-9]{2})")
PATCH = "PATCHT"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the bar codes make of a page. `separator` says that it is a separator sheet, `received` what it says of the
    day ("" without one)."""

    number: int
    blank: bool
    separator: bool = False
    received: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The pages of one letter, by number, and the day on its separator sheet."""

    pages: tuple[int, ...]
    received_on: date | None = None


def read_codes(raster: Image.Image) -> tuple[str, ...]:
    """The texts of the bar codes in a grey raster, in any rotation."""
    found = zxingcpp.read_barcodes(raster, formats=FORMATS, try_invert=False)
    texts = [code.text[:LONGEST_CODE].replace("\x00", "") for code in found[:MOST_CODES]]
    return tuple(dict.fromkeys(text for text in texts if text))


def has_patch(raster: Image.Image) -> bool:
    """Whether there is a `PATCHT` in the raster: a second, closer look, since Code 39 has no error correction."""
    found = zxingcpp.read_barcodes(raster, formats=LINEAR, try_invert=False, try_downscale=False)
    return any(code.text.strip().upper() == PATCH for code in found)


def sheet(number: int, blank: bool, codes: Sequence[str]) -> Sheet:
    """What the codes of a page say about parting the stack."""
    ours = [code.strip() for code in codes if code.strip().upper().startswith(SEPARATOR)]
    if not ours:
        return Sheet(number, blank, separator=any(code.strip().upper() == PATCH for code in codes))
    said = next((code for code in ours if code.upper() != f"{SEPARATOR}1"), "")
    return Sheet(number, blank, separator=True, received=said)


def part_stack(sheets: Sequence[Sheet], latest: date) -> tuple[list[Part], list[str]]:
    """The letters of a stack, and what is odd in words. A separator sheet is dropped, and so is the page right after it
    when it is blank (its back). Between sheets, blank pages alone are no letter. `latest` is the last day that a sheet
    can name."""
    problems: list[str] = []
    parts: list[tuple[list[Sheet], date | None]] = [([], None)]
    before: Sheet | None = None
    for page in sheets:
        if page.separator:
            day = _received(page, latest, problems)
            if parts[-1][0]:
                parts.append(([], day))
            else:  # a second sheet, or the printed back of the first
                parts[-1] = ([], day or parts[-1][1])
        elif not (before is not None and before.separator and page.blank):
            parts[-1][0].append(page)
        before = page
    held = [(pages, day) for pages, day in parts if pages]
    written = [(pages, day) for pages, day in held if not all(page.blank for page in pages)]
    if not any(page.separator for page in sheets):
        written = held
    problems.extend(
        f"from page {part[0][0].number} there are only blank pages, which belong to no letter"
        for part in held
        if written and part not in written
    )
    return [Part(tuple(page.number for page in pages), day) for pages, day in written], problems


def _received(page: Sheet, latest: date, problems: list[str]) -> date | None:
    if not page.received:
        return None
    said = DATED.fullmatch(page.received.upper())
    try:
        day = date.fromisoformat(said[1]) if said else None
    except ValueError:
        day = None
    if day is None:
        problems.append(
            f"the code on the separator sheet (page {page.number}) cannot be understood; its date is not used"
        )
    elif day > latest:
        problems.append(f"the separator sheet (page {page.number}) names a day to come, {day}; it is not used")
        day = None
    return day
