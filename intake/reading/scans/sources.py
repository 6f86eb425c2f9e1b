"""The files of a scan → one PDF of clean pages: no scripts, no forms, no attachments, nothing but what is seen.

What is typed into a form and what is written on a page as a note becomes part of the page. Encrypted files that open
without a password are opened; passwords are never guessed.
"""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pikepdf

from intake.errors import ReadingError
from intake.reading.scans.formats import PDF_WITHIN, scan_format
from intake.reading.scans.job import RecognitionLimits, ScanFile
from intake.reading.scans.pictures import count_frames, picture_pages

# What belongs to a page in its own file and means nothing, or something unwanted, in the reading copy.
LEFT_BEHIND = ("/Annots", "/AA", "/Metadata", "/PieceInfo", "/StructParents", "/Tabs", "/B", "/Thumb", "/Trans")
AGAIN = "Scan the letter again."


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the scan, as far as it is known before it is read."""

    file: ScanFile
    kind: str
    pages: int


def look_at(files: tuple[ScanFile, ...], limits: RecognitionLimits) -> list[Source]:
    """Kind and number of pages of each file. Raises `ReadingError` (TYPE, EMPTY, PASSWORD, DAMAGED)."""
    return [_look(file, limits) for file in files]


def _look(file: ScanFile, limits: RecognitionLimits) -> Source:
    with file.path.open("rb") as stream:
        kind = scan_format(stream.read(PDF_WITHIN))
    if kind != "PDF":
        return Source(file, kind, count_frames(file.path, limits.scan_pages))
    with opened(file.path) as document:
        pages = len(document.pages)
    if not pages:
        raise ReadingError("The PDF has no pages.", AGAIN)
    return Source(file, kind, pages)


def assemble(sources: list[Source], target: Path, limits: RecognitionLimits) -> list[str]:
    """Write all pages, in order, into one PDF. Returns what is odd about them, in words for the clerk."""
    problems: list[str] = []
    with pikepdf.new() as whole, contextlib.ExitStack() as kept_open:
        for source in sources:
            for part in _parts(source, kept_open, limits):
                if part.get_warnings():
                    problems.append(f"{source.file.name} is damaged; what could be read of it was read")
                _make_plain(part)
                whole.pages.extend(part.pages)
        for page in whole.pages:
            for key in LEFT_BEHIND:
                if key in page:
                    del page[key]
        whole.save(target)
    return problems


def _parts(source: Source, kept_open: contextlib.ExitStack, limits: RecognitionLimits) -> Iterator[pikepdf.Pdf]:
    if source.kind == "PDF":
        yield kept_open.enter_context(opened(source.file.path))
        return
    for page in picture_pages(source.file.path, limits):
        yield kept_open.enter_context(pikepdf.open(io.BytesIO(page)))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[pikepdf.Pdf]:
    """A PDF, also one that only its owner may change. Raises `ReadingError` (PASSWORD, DAMAGED)."""
    try:
        with pikepdf.open(path) as document:
            yield document
    except pikepdf.PasswordError as error:
        raise ReadingError(
            "The PDF is locked with a password.", "Save it without a password, or scan the letter.", code="PASSWORD"
        ) from error
    except pikepdf.PdfError as error:
        raise ReadingError("The PDF is damaged and cannot be opened.", AGAIN) from error


def _make_plain(part: pikepdf.Pdf) -> None:
    if not any("/Annots" in page for page in part.pages):
        return
    # Notes and fields that cannot be drawn are left out; the original has them.
    with contextlib.suppress(pikepdf.PdfError, ValueError, TypeError, RuntimeError):
        if "/AcroForm" in part.Root:
            part.generate_appearance_streams()
        part.flatten_annotations("screen")
