"""The pages of one letter → its text and its reading copy, a searchable PDF, PDF/A where that can be had.

OCRmyPDF does the work, with the settings of `OPTIONS`. When it fails, or there is no Tesseract, the letter still has
its own text and a copy that can be read by eye: a letter that nobody can recognise is still a letter.
"""

import contextlib
import errno
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ocrmypdf
import pikepdf
import pikepdf.pdfa
from ocrmypdf.api import get_plugin_manager

from intake.reading.scans.codes import Part
from intake.reading.scans.engine import BELIEVED, KeepingEngine, KeepingPlugin, Read
from intake.reading.scans.job import RecognitionLimits
from intake.reading.scans.pages import PageLook, Work, documents, drawn_page
from intake.reading.scans.pictures import page_of_raster
from intake.types import ScannedLetter, ScanPage

OPTIONS: dict[str, Any] = {
    "rotate_pages_threshold": BELIEVED,
    "output_type": "auto",
    "pdfa_backend": "internal",
    "rasterizer": "pypdfium",
    "optimize": 1,
    "max_image_mpixels": 80,
    "max_ocr_image_mpixels": 20,
    "continue_on_soft_render_error": True,
    "use_threads": True,  # the work is done by Tesseract's own processes
    "progress_bar": False,
}
FEWER = 4  # a scanner's own layer of so many times more words than were recognised is believed instead
MOST_TEXT = 1024 * 1024
DATES_OF_INFO = ("/CreationDate", "/ModDate")
DATES_OF_XMP = ("xmp:MetadataDate", "xmp:ModifyDate", "xmp:CreateDate")
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Means:
    """What letters are read with: Tesseract's languages (none: nothing is recognised), whether pages can be turned,
    and until when (monotonic clock)."""

    limits: RecognitionLimits
    languages: tuple[str, ...]
    turn: bool
    ends_at: float


@dataclass(frozen=True, slots=True)
class LetterRead:
    """A letter, the file of its reading copy ("" where there is none), and what is odd about it."""

    letter: ScannedLetter
    copy: str = ""
    problems: list[str] = field(default_factory=list)


def read_letter(part: Part, looks: Sequence[PageLook], scan: Path, copy: Path, means: Means) -> LetterRead:
    """Read one letter of the scan, whose pages are `looks`, and write its reading copy."""
    shown = [page for page in looks if not page.problem]
    # A letter of blank pages only is shown as it is: perhaps the pencil was too faint for us.
    kept = [page for page in shown if not page.blank] or shown
    if not kept:
        pages = tuple(ScanPage(page.number, problem=page.problem) for page in looks)
        return LetterRead(ScannedLetter(pages, part.received_on))
    clean = copy.with_suffix(".clean.pdf")
    _collect(kept, scan, clean, means.limits)
    engine = KeepingEngine(means.ends_at)
    problems: list[str] = []
    try:
        engine = _recognise(engine, kept, clean, copy, means)
        _make_archival(copy)
        _make_timeless(copy)
    except MemoryError:
        raise
    except Exception as error:
        # One letter of the stack: whatever OCRmyPDF makes of it stays with it.
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            raise
        shutil.copyfile(clean, copy)
        why = f"{type(error).__name__}: {error}"[:200]
        problems.append(f"the letter from page {kept[0].number} on was not recognised in full ({why})")
    read = {page.number: engine.read.get(place) for place, page in enumerate(kept)}
    pages = tuple(_page(page, read.get(page.number)) for page in looks)
    return LetterRead(ScannedLetter(pages, part.received_on), copy.name, problems)


def _collect(kept: Sequence[PageLook], scan: Path, target: Path, limits: RecognitionLimits) -> None:
    with pikepdf.open(scan) as whole, documents(scan) as seen, pikepdf.new() as letter:
        drawn: list[pikepdf.Pdf] = []
        for page in kept:
            if page.work is not Work.DRAWN:
                letter.pages.append(whole.pages[page.number - 1])
                continue
            sheet = seen[page.number - 1]
            size = sheet.get_size()
            drawn.append(pikepdf.open(io.BytesIO(page_of_raster(drawn_page(sheet, limits), size))))
            letter.pages.extend(drawn[-1].pages)
        letter.save(target)
        for one in drawn:
            one.close()


def _recognise(engine: KeepingEngine, kept: Sequence[PageLook], clean: Path, copy: Path, means: Means) -> KeepingEngine:
    """Write the copy; the engine that knows what was read. Where pages were read with doubt and Tesseract half believed
    that they lie another way up, they are turned and read once more, and the better outcome stays."""
    if not means.languages or all(page.blank for page in kept):
        shutil.copyfile(clean, copy)
        return engine
    _ocr(engine, kept, clean, copy, means)
    again = engine.turn_again()
    if again is None:
        return engine
    turned = copy.with_suffix(".turned.pdf")
    _ocr(again, kept, clean, turned, means)
    if not again.is_better_than(engine):
        return engine
    turned.replace(copy)
    return again


def _ocr(engine: KeepingEngine, kept: Sequence[PageLook], source: Path, target: Path, means: Means) -> None:
    plugins = get_plugin_manager([])
    plugins.pluggy_manager.register(KeepingPlugin(engine))
    layered = any(page.work is Work.LAYERED for page in kept)
    places = [str(place) for place, page in enumerate(kept, 1) if page.work is not Work.OWN_TEXT]
    ocrmypdf.ocr(
        source,
        target,
        plugin_manager=plugins,
        language=list(means.languages),
        mode="redo" if layered else "skip",
        deskew=not layered,  # OCRmyPDF does not straighten a page whose other layer it replaces
        rotate_pages=means.turn,
        pages=",".join(places) or None,
        jobs=means.limits.jobs,
        tesseract_timeout=means.limits.tesseract_seconds,
        **OPTIONS,
    )


def _make_archival(copy: Path) -> None:
    """PDF/A where OCRmyPDF could not make it: what stood in its way may have been the fonts of a scanner's text layer,
    which is gone by now. A copy that cannot be PDF/A stays as it is."""
    with pikepdf.open(copy, allow_overwriting_input=True) as document:
        if document.open_metadata().pdfa_status:
            return
        document.remove_unreferenced_resources()
        with contextlib.suppress(pikepdf.pdfa.PdfaError):
            pikepdf.pdfa.save(document, copy, "2b")


def _make_timeless(copy: Path) -> None:
    """Without the moment it was made and without names drawn by lot, so that the same scan read twice gives the same
    copy, which is kept once."""
    with pikepdf.open(copy, allow_overwriting_input=True) as document:
        for page in document.pages:
            _name_layer(page)
        for key in DATES_OF_INFO:
            if key in document.docinfo:
                del document.docinfo[key]
        with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as said:
            for key in DATES_OF_XMP:
                if key in said:
                    del said[key]
        if "/ID" in document.trailer:
            del document.trailer["/ID"]
        document.save(copy, deterministic_id=True)


def _name_layer(page: pikepdf.Page) -> None:
    """OCRmyPDF hangs its text on the page as `/OCR-` and 22 random signs."""
    forms = page.resources.get("/XObject", pikepdf.Dictionary())
    for key in [key for key in forms.keys() if key.startswith("/OCR-")]:  # noqa: SIM118 - a PDF's dictionary
        page.contents_coalesce()
        forms["/OCR-layer"] = forms[key]
        del forms[key]
        page.Contents.write(page.Contents.read_bytes().replace(key.encode("ascii"), b"/OCR-layer"))


def _page(look: PageLook, read: Read | None) -> ScanPage:
    told = ScanPage(look.number, text=look.text, codes=look.codes, blank=look.blank, problem=look.problem)
    if look.work is Work.OWN_TEXT or look.blank or look.problem:
        return told
    if read is None:
        return replace(told, problem="" if look.text else "its text was not recognised")
    if read.late:
        return replace(told, problem=f"page {look.number} could not be read in time")
    if read.words * FEWER < len(look.text.split()):
        return told
    seen_too = look.work is Work.LAYERED and not look.hidden
    text = f"{look.text}\n\n{read.text}".strip() if seen_too else read.text
    return replace(told, text=text[:MOST_TEXT], recognised=True, confidence=read.confidence, words=read.words)
