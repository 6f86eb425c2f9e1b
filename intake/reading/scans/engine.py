"""Tesseract under OCRmyPDF, keeping the words' confidence and the text of each page from the one pass there is.

OCRmyPDF returns 0 and writes "[skipped page]" when Tesseract ran out of time. Here such a page has no text, and says
why.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ocrmypdf import hookimpl
from ocrmypdf.builtin_plugins.tesseract_ocr import TesseractOcrEngine
from ocrmypdf.hocrtransform import HocrParser
from ocrmypdf.pluginspec import OrientationConfidence
from PIL import Image, PngImagePlugin

from intake.reading.decoding import clean

# Below this a page is tried again, turned the way that Tesseract only half believed in: good letters have 95, and what
# lies upside down was seen with 60, which is where doubt begins for letters that lie well.
DOUBTFUL, HALF_BELIEVED, BELIEVED = 80.0, 2.0, 12.0
SURE = 100.0
LIGHTLY = 1


@dataclass(frozen=True, slots=True)
class Read:
    """What Tesseract read on a page: `confidence` is the mean over `words`, 0 to 100. `late` says that it ran out of
    time. `hocr` is its own account of it."""

    text: str = ""
    words: int = 0
    confidence: float | None = None
    late: bool = False
    hocr: str = ""


class KeepingEngine(TesseractOcrEngine):
    """OCRmyPDF's Tesseract, whose answers are kept by page (from 0 in the PDF given to OCRmyPDF).

    `turn_again` asks for the pages that a second run should turn; all others answer in it as they did before.
    """

    def __init__(self, ends_at: float) -> None:
        self.read: dict[int, Read] = {}
        self._ends_at = ends_at
        self._orientations: dict[int, OrientationConfidence] = {}
        self._skews: dict[int, float] = {}
        self._turned: frozenset[int] = frozenset()

    def turn_again(self) -> "KeepingEngine | None":
        """An engine for a second run, None where no page would be turned by it."""
        turned = frozenset(
            page
            for page, read in self.read.items()
            if not read.late and (read.confidence or 0.0) < DOUBTFUL and self._half_believed(page)
        )
        if not turned:
            return None
        again = KeepingEngine(self._ends_at)
        again._orientations = dict(self._orientations)
        again._turned = turned
        again.read = {page: read for page, read in self.read.items() if page not in turned}
        again._skews = {page: skew for page, skew in self._skews.items() if page not in turned}
        return again

    def is_better_than(self, other: "KeepingEngine") -> bool:
        """Whether the turned pages were read with more confidence, weighed by their words."""
        return sum(map(self._worth, self._turned)) > sum(map(other._worth, self._turned))

    def _worth(self, page: int) -> float:
        read = self.read.get(page, Read())
        return (read.confidence or 0.0) if read.words else 0.0

    def _half_believed(self, page: int) -> bool:
        found = self._orientations.get(page)
        return found is not None and found.angle % 360 != 0 and HALF_BELIEVED <= found.confidence < BELIEVED

    def get_orientation(self, input_file: Path, options: Any) -> OrientationConfidence:  # type: ignore[override]  # noqa: ANN401
        page = _page_of(input_file)
        if page not in self._orientations:
            if self._left() <= 0:
                return OrientationConfidence(0, 0.0)
            options.tesseract.non_ocr_timeout = min(options.tesseract.timeout, self._left())
            self._orientations[page] = super().get_orientation(input_file, options)  # type: ignore[no-untyped-call]
        found = self._orientations[page]
        return OrientationConfidence(found.angle, SURE) if page in self._turned else found

    def get_deskew(self, input_file: Path, options: Any) -> float:  # type: ignore[override]  # noqa: ANN401
        page = _page_of(input_file)
        if page not in self._skews:
            if self._left() <= 0:
                return 0.0
            self._skews[page] = super().get_deskew(input_file, options)
        return self._skews[page]

    def generate_hocr(self, input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:  # type: ignore[override]  # noqa: ANN401
        page = _page_of(input_file)
        if page not in self.read:
            self.read[page] = self._recognise(input_file, output_hocr, output_text, options)
        output_hocr.write_text(self.read[page].hocr, encoding="utf-8")
        output_text.write_text(self.read[page].text, encoding="utf-8")

    def _recognise(self, image: Path, hocr: Path, text: Path, options: Any) -> Read:  # noqa: ANN401
        allowed = min(float(options.tesseract.timeout), self._left())
        if allowed <= 0:
            return Read(late=True)
        options.tesseract.timeout, usual = allowed, options.tesseract.timeout
        began = time.monotonic()
        try:
            super().generate_hocr(image, hocr, text, options)  # type: ignore[no-untyped-call]
        finally:
            options.tesseract.timeout = usual
        if not hocr.stat().st_size:  # "[skipped page]": out of time, or nothing that Tesseract would look at
            return Read(late=time.monotonic() - began >= allowed)
        return _read(hocr, text)

    def _left(self) -> float:
        return self._ends_at - time.monotonic()


def write_pages_quickly() -> None:
    """Let Pillow, in this process, compress grey and coloured PNGs lightly. OCRmyPDF hands each page to Tesseract as a
    PNG, twice; of a grainy scan that costs a third of the time, and nearly nothing this way."""

    def save(image: Image.Image, stream: IO[bytes], name: str | bytes) -> None:
        if image.mode != "1":
            image.encoderinfo.setdefault("compress_level", LIGHTLY)
        PngImagePlugin._save(image, stream, name)

    Image.register_save("PNG", save)


class KeepingPlugin:
    """The plugin that puts the engine in OCRmyPDF's hands."""

    def __init__(self, engine: KeepingEngine) -> None:
        self._engine = engine

    @hookimpl
    def get_ocr_engine(self, options: Any) -> KeepingEngine:  # noqa: ANN401, ARG002 - the hook's signature
        """See OCRmyPDF's pluginspec."""
        return self._engine


def _page_of(image: Path) -> int:
    """OCRmyPDF names what belongs to a page `000001_ocr.png` (`PageContext.get_path`)."""
    return int(image.name[:6]) - 1


def _read(hocr: Path, text: Path) -> Read:
    words = [word for word in HocrParser(hocr).parse().words if any(sign.isalnum() for sign in word.text or "")]
    told = [100 * word.confidence for word in words if word.confidence is not None]
    lines = text.read_text(encoding="utf-8", errors="replace").replace("\f", "\n")
    return Read(
        text=clean(lines).strip(),
        words=len(words),
        confidence=round(sum(told) / len(told), 1) if told else None,
        hocr=hocr.read_text(encoding="utf-8", errors="replace"),
    )
