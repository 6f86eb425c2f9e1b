"""What crosses the process boundary: the job and its limits go in as JSON, the outcome comes out as JSON.

The outcome comes from a process that parsed a hostile file, so the parent checks it against these values and believes
nothing else of it.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from intake.types import ScannedLetter

JOB_FILE = "job.json"
OUTCOME_FILE = "outcome.json"
LOG_FILE = "child.log"
MEGAPIXEL = 1_000_000
# The codes of Tesseract for the languages that a shop can have (ISO 639-2).
TESSERACT_NAMES = {"nl": "nld", "en": "eng", "de": "deu", "fr": "fra"}
LANGUAGE_NAMES = {"nld": "Dutch", "eng": "English", "deu": "German", "fra": "French"}


@dataclass(frozen=True, slots=True)
class ScanFile:
    """One file of a scan: its name as dropped, and where its bytes lie. It is only read."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class ScanJob:
    """One scan, or the pages of a folder that is one letter, in their order. `languages` are the shop's (`nl`, `en`,
    `de`, `fr`). When `letters_expected` is not the number of letters found, the whole scan fails (SPLIT)."""

    files: tuple[ScanFile, ...]
    languages: tuple[str, ...]
    letters_expected: int | None = None


@dataclass(frozen=True, slots=True)
class RecognitionLimits:
    """What one scan may cost. Sizes in bytes or megapixels, times in seconds.

    A scan has `look_seconds` until its pages are counted, then `base_seconds` and `page_seconds` for each page, at
    most `most_seconds`. `total_mpx` is for the rasters of one letter, and for the pictures on one page as they unpack.
    `jobs` pages are recognised side by side; the child writes no file larger than `written_bytes`.
    """

    file_bytes: int = 50 * 1024 * 1024
    letter_pages: int = 100
    scan_pages: int = 500
    page_metres: float = 5.0
    page_mpx: float = 40
    total_mpx: int = 2000
    look_seconds: float = 60.0
    base_seconds: float = 60.0
    page_seconds: float = 30.0
    most_seconds: float = 900.0
    tesseract_seconds: float = 60.0
    memory_bytes: int = 3 * 1024**3
    written_bytes: int = 500 * 1024 * 1024
    jobs: int = 1

    def wall(self, pages: int) -> float:
        """How long a scan of so many pages may take."""
        return min(self.base_seconds + self.page_seconds * pages, self.most_seconds)


@dataclass(frozen=True, slots=True)
class Task:
    """What the parent leaves in the folder for the child. `parent` is its process id."""

    job: ScanJob
    limits: RecognitionLimits
    parent: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a scan cannot be read, as a `ReadingError` says it; `errno` when it is not the scan's fault (a full disk)."""

    code: str
    what: str
    next_step: str = ""
    errno: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a scan. `copies` are the file names of the reading copies in the folder, "" where there is none,
    one for each letter."""

    letters: tuple[ScannedLetter, ...] = ()
    copies: tuple[str, ...] = ()
    page_count: int = 0
    problems: tuple[str, ...] = field(default=())
    refusal: Refusal | None = None


TASK = TypeAdapter(Task)
OUTCOME = TypeAdapter(Outcome)
