"""The child's work, in order:

    files ─► kind and number of pages ─► one clean PDF ─► each page looked at ─► letters ─► text and reading copy each

The parent is told the number of pages as soon as it is known, because it sets the time.
"""

import errno
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intake.errors import ReadingError
from intake.reading.scans.codes import Part, part_stack, sheet
from intake.reading.scans.engine import write_pages_quickly
from intake.reading.scans.guard import enter, progress
from intake.reading.scans.job import JOB_FILE, OUTCOME, OUTCOME_FILE, TASK, Outcome, RecognitionLimits, Refusal, ScanJob
from intake.reading.scans.languages import ORIENTATION, installed, wanted, what_is_missing
from intake.reading.scans.letters import LetterRead, Means, read_letter
from intake.reading.scans.pages import PageLook, Work, documents, look
from intake.reading.scans.sources import assemble, look_at

LATEST_ZONE = timedelta(hours=14)  # where the day begins first
# Kept from Tesseract's time for putting the reading copies together.
SPARE_SECONDS, SPARE_A_PAGE, MOST_SPARE = 15.0, 0.1, 1 / 6
SPLIT = "Look at the separator sheets, or scan the letters one by one."


def main(folder: str) -> None:
    """Read the job in the folder, do it, and leave the outcome there."""
    home = Path(folder)
    tell = progress()
    task = TASK.validate_json((home / JOB_FILE).read_bytes())
    enter(task.limits, task.parent)
    write_pages_quickly()
    written = home / f"{OUTCOME_FILE}.new"
    written.write_bytes(OUTCOME.dump_json(_outcome(task.job, task.limits, home, tell)))
    written.rename(home / OUTCOME_FILE)


def _outcome(job: ScanJob, limits: RecognitionLimits, home: Path, tell: Callable[[str], None]) -> Outcome:
    """One scan, one outcome: whatever a hostile file provokes in a library is a reason in words."""
    try:
        return read_scan(job, limits, home, tell)
    except ReadingError as error:
        refusal = Refusal(error.code, error.what, error.next_step)
    except OSError as error:
        refusal = Refusal("INTERNAL", str(error), errno=error.errno or errno.EIO)
        if error.errno == errno.EFBIG:
            refusal = Refusal(
                "TOO-BIG", "The scan unpacks to more than a letter can hold.", "Scan it at 300 dpi or less."
            )
    except Exception as error:  # noqa: BLE001 - see above
        refusal = Refusal("DAMAGED", f"The scan cannot be read ({type(error).__name__}: {error})"[:300])
        if isinstance(error, MemoryError) or "bad_alloc" in str(error):
            refusal = Refusal("MEMORY", "Reading the scan took more memory than allowed.")
    return Outcome(refusal=refusal)


def read_scan(job: ScanJob, limits: RecognitionLimits, home: Path, tell: Callable[[str], None]) -> Outcome:
    """Read one scan; the reading copies are left in `home`. Raises `ReadingError`."""
    began = time.monotonic()
    sources = look_at(job.files, limits)
    count = sum(source.pages for source in sources)
    _require_pages(count, limits.letter_pages if len(job.files) > 1 else limits.scan_pages)
    tell(f"pages {count}")
    scan = home / "scan.pdf"
    problems = assemble(sources, scan, limits)
    with documents(scan) as document:
        looks = [look(document, number, limits) for number in range(1, count + 1)]
    if all(page.problem for page in looks):
        raise ReadingError("No page of the scan can be shown.", "Scan the letter again.")
    parts = _parts(job, looks, limits, problems)
    have = installed()
    wall = limits.wall(count)
    means = Means(
        limits=limits,
        languages=tuple(name for name in wanted(job.languages) if name in have),
        turn=ORIENTATION in have,
        ends_at=began + wall - min(SPARE_SECONDS + SPARE_A_PAGE * count, wall * MOST_SPARE),
    )
    read = [
        read_letter(part, [looks[page - 1] for page in part.pages], scan, home / f"copy-{place}.pdf", means)
        for place, part in enumerate(parts)
    ]
    if _needs_tesseract(looks):
        problems.extend(f"the text was not recognised in full: {lack}" for lack in what_is_missing(job.languages, have))
    problems.extend(_told(read))
    return Outcome(tuple(one.letter for one in read), tuple(one.copy for one in read), count, tuple(problems))


def _parts(job: ScanJob, looks: list[PageLook], limits: RecognitionLimits, problems: list[str]) -> list[Part]:
    latest = (datetime.now(UTC) + LATEST_ZONE).date()
    parts, odd = part_stack([sheet(page.number, page.blank, page.codes) for page in looks], latest)
    problems.extend(odd)
    if not parts:
        raise ReadingError("The scan has separator sheets, but no letter.", SPLIT, code="SPLIT")
    if len(job.files) > 1:  # a folder is one letter, whatever lies between its pages
        dated = [part.received_on for part in parts if part.received_on]
        parts = [Part(tuple(page for part in parts for page in part.pages), dated[0] if dated else None)]
    if job.letters_expected is not None and job.letters_expected != len(parts):
        raise ReadingError(
            f"The record says {job.letters_expected} letters, the scan has {len(parts)}.", SPLIT, code="SPLIT"
        )
    for part in parts:
        _require_pages(len(part.pages), limits.letter_pages)
        pixels = sum(looks[page - 1].raster_mpx for page in part.pages if looks[page - 1].work is not Work.OWN_TEXT)
        if pixels > limits.total_mpx:
            raise ReadingError(
                f"The letter unpacks to {pixels:.0f} megapixels.", "Scan it at 300 dpi or less.", code="TOO-BIG"
            )
    return parts


def _require_pages(pages: int, most: int) -> None:
    if pages > most:
        raise ReadingError(
            f"The scan has more pages than the {most} that are read at once.",
            "Scan the letters one by one, or with separator sheets between them.",
            code="TOO-MANY-PAGES",
        )


def _needs_tesseract(looks: list[PageLook]) -> bool:
    return any(page.work is not Work.OWN_TEXT and not page.blank and not page.problem for page in looks)


def _told(read: list[LetterRead]) -> list[str]:
    pages = [page.problem for one in read for page in one.letter.pages if page.problem.startswith("page ")]
    return [problem for one in read for problem in one.problems] + pages
