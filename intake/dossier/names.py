"""Names as they are shown and as files bear them: account numbers shortened; plain letters, no path, no ending that a
computer runs. Pure."""

import re
import unicodedata
from pathlib import PurePosixPath

from intake.rules.facts import IBAN_LENGTHS, mask_iban

STEM_AT_MOST = 60
NO_NAME = "file"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_RUNS = re.compile(r"[._-]{2,}")
# What the first bytes say, and the endings that fit it; the first is added where the name has none of them.
_SIGNATURES: tuple[tuple[bytes, tuple[str, ...]], ...] = (
    (b"%PDF-", ("pdf",)),
    (b"\x89PNG\r\n", ("png",)),
    (b"\xff\xd8\xff", ("jpg", "jpeg")),
    (b"II*\x00", ("tif", "tiff")),
    (b"MM\x00*", ("tif", "tiff")),
    (b"GIF8", ("gif",)),
    (b"PK\x03\x04", ("zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "pages", "numbers")),
    (b"\xd0\xcf\x11\xe0", ("msg", "doc", "xls", "ppt")),
)
_HARMLESS = frozenset(("csv", "eml", "heic", "ics", "json", "mov", "mp3", "mp4", "ogg", "rtf", "txt", "vcf", "webp"))
UNKNOWN = "bin"
_SEPARATED = r"(?:[ .\u00a0_-]?[A-Z0-9])"
_LANDS = "|".join(rf"{land}\d\d{_SEPARATED}{{{length - 4}}}" for land, length in IBAN_LENGTHS.items())
_IBAN = re.compile(
    rf"(?<![A-Z0-9])(?:{_LANDS}|[A-Z]{{2}}\d\d(?: ?[A-Z0-9]{{4}}){{3,7}}(?: ?[A-Z0-9]{{1,3}})?)(?![A-Z0-9])",
    re.IGNORECASE,
)
# A person's number behind the word that says so: others are order numbers as well.
_IDENTITY = re.compile(
    r"\b(bsn|burgerservicenummer|sofi-?nummer|steuer-?id(?:nr)?|rijksregisternummer)(\W{1,3})\d[\d. -]{6,12}\d",
    re.IGNORECASE,
)


def masked(line: str) -> str:
    """A line for a list, without whole account and identity numbers."""
    shown = _IBAN.sub(lambda match: mask_iban(re.sub(r"[ .\u00a0_-]", "", match[0])), line)
    return _IDENTITY.sub(lambda match: f"{match[1]}{match[2]}••••", shown)


def safe_name(number: int, given: str, content: bytes, usual: str = UNKNOWN) -> str:
    """`007-factuur.pdf` for the seventh file: the name that somebody gave, as far as it is one, and an ending by what
    is in the file. An ending that neither fits it nor is harmless is kept before `usual`."""
    name = masked(PurePosixPath(given.replace("\\", "/")).name)
    stem, ending = (_plain(part) for part in name.rpartition(".")[::2])
    known = next((endings for start, endings in _SIGNATURES if content.startswith(start)), ())
    if not stem:
        stem, ending = ending, ""
    fits = ending.lower() in known if known else ending.lower() in _HARMLESS
    if not fits:
        stem, ending = ".".join(filter(None, (stem, ending))), known[0] if known else usual
    return f"{number:03d}-{stem[:STEM_AT_MOST].rstrip('._-') or NO_NAME}.{ending.lower()}"


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _RUNS.sub(lambda run: run[0][0], _UNSAFE.sub("_", letters)).strip("._-")
