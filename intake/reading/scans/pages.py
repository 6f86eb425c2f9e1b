"""A page of the cleaned PDF: its own text, its bar codes, whether it is blank, and what Tesseract has to do.

pdfium is not thread-safe, so all of this runs in the main thread of the child, before OCRmyPDF starts.
"""

import contextlib
import itertools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from intake.errors import ReadingError
from intake.reading.decoding import clean
from intake.reading.scans.codes import PATCH, has_patch, read_codes
from intake.reading.scans.job import MEGAPIXEL, RecognitionLimits

POINTS = 72
METRE = POINTS / 0.0254
CODES_DPI, CLOSER_DPI, FLAT_DPI = 200, 300, 300
VECTOR_DPI = 400  # at which OCRmyPDF draws a page that is more than pictures
# Blank by measurement: white paper has 0.000 % ink, bleed-through 0.000 %, one short line 0.035 %.
INK_DPI, BORDER_MM, PAPER_LEEWAY, LEAST_INK = 75, 7, 40, 0.0001
COVERS = 0.4  # a picture that covers so much of a page may be what the letter is on
HIDES = 0.9  # one that is painted over so much of a page hides the text below it
READABLE = 0.7  # the part of a page's own signs that must mean something
MOST_TEXT = 50_000  # signs of one page
MOST_OBJECTS = 20_000
OBJECT_DEPTH = 6
LINE_GAP = 0.8  # of the height of a line: more white than this between two lines parts blocks


class Work(StrEnum):
    """What a page needs: nothing (its own text is good), recognition, recognition under its own text layer (the
    scanner's), or to be drawn as a picture first."""

    OWN_TEXT = "own text"
    PICTURE = "picture"
    LAYERED = "layered"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class PageLook:
    """What a look at a page told. `text` is its own text, `hidden` says that nobody sees it. `raster_mpx` is what
    OCRmyPDF will draw, in megapixels."""

    number: int
    work: Work
    text: str = ""
    hidden: bool = False
    codes: tuple[str, ...] = ()
    blank: bool = False
    raster_mpx: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What stands on a page, counted without unpacking a picture: text objects that are seen and unseen, the part of
    the page that its largest picture covers, the finest picture's dots per inch, and all pictures' megapixels. `below`
    are the text objects that a picture was painted over."""

    seen: int
    unseen: int
    below: int
    cover: float
    dpi: float
    mpx: float
    vector: bool


@contextlib.contextmanager
def documents(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """The PDF for looking at. Raises `ReadingError` (DAMAGED)."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise ReadingError("The PDF is damaged and cannot be read.", "Scan the letter again.") from error
    try:
        yield document
    finally:
        document.close()


def look(document: pypdfium2.PdfDocument, number: int, limits: RecognitionLimits) -> PageLook:
    """Look at one page. Raises `ReadingError` (TOO-BIG); a page that cannot be drawn is a look with a problem."""
    try:
        with contextlib.closing(document[number - 1]) as page:
            return _look(page, number, limits)
    except pypdfium2.PdfiumError:
        return PageLook(number, Work.PICTURE, problem=f"page {number} is damaged and cannot be shown")


def _look(page: pypdfium2.PdfPage, number: int, limits: RecognitionLimits) -> PageLook:
    if max(page.get_size()) > limits.page_metres * METRE:
        raise ReadingError(f"Page {number} is longer than 5 m.", "Scan it as separate pages.", code="TOO-BIG")
    content = _content(page)
    if content.mpx > limits.total_mpx:
        raise ReadingError(
            f"The pictures on page {number} unpack to {content.mpx:.0f} megapixels.",
            "Scan it at 300 dpi or less.",
            code="TOO-BIG",
        )
    signs, text = own_text(page)
    raster = draw(page, CODES_DPI, limits).convert("L")
    codes = read_codes(raster)
    if not codes and has_patch(draw(page, CLOSER_DPI, limits).convert("L")):
        codes = (PATCH,)
    is_blank = not text and not codes and ink(raster, page.get_size()) < LEAST_INK
    if is_blank:
        _require_pictures(page)
    most = limits.page_mpx
    mpx = _raster_mpx(page, content)
    work = Work.DRAWN if mpx > most and (content.cover or not text) else _work(content, signs, text)
    return PageLook(
        number=number,
        work=work,
        text=text,
        hidden=bool(content.unseen and not content.seen),
        codes=codes,
        blank=is_blank,
        raster_mpx=min(mpx, most),
    )


def _require_pictures(page: pypdfium2.PdfPage) -> None:
    """A picture that cannot be unpacked is drawn as nothing, which is not a blank page. Raises `PdfiumError`."""
    pictures = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=OBJECT_DEPTH)
    for picture in itertools.islice(pictures, MOST_OBJECTS):
        picture.get_bitmap().close()


def _work(content: Content, signs: int, text: str) -> Work:
    if not signs:
        return Work.PICTURE if content.cover else Work.DRAWN
    if content.cover >= COVERS:
        # OCRmyPDF removes a layer that is unseen and leaves text that is seen; it cannot tell what lies below.
        return Work.DRAWN if content.below or (content.seen and content.unseen) else Work.LAYERED
    return Work.OWN_TEXT if text else Work.DRAWN


def _raster_mpx(page: pypdfium2.PdfPage, content: Content) -> float:
    """As OCRmyPDF would draw it: at the dots of its finest picture, at least at 400 when there is more to see."""
    width, height = page.get_size()
    dpi = max(content.dpi, VECTOR_DPI if content.vector or content.seen or not content.dpi else 0)
    return float(width * height * (dpi / POINTS) ** 2 / MEGAPIXEL)


def _content(page: pypdfium2.PdfPage) -> Content:
    width, height = page.get_size()
    seen = unseen = below = others = 0
    cover = dpi = pixels = 0.0
    for thing in itertools.islice(page.get_objects(max_depth=OBJECT_DEPTH), MOST_OBJECTS):
        if thing.type == pdfium.FPDF_PAGEOBJ_TEXT:
            hidden = pdfium.FPDFTextObj_GetTextRenderMode(thing) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
            seen, unseen = seen + (not hidden), unseen + hidden
        elif thing.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            count, area = _picture(thing, width, height)
            pixels += count
            cover = max(cover, area / (width * height))
            below = seen if area >= HIDES * width * height else below
            # A turned picture has its sides exchanged, so the area tells its resolution.
            dpi = max(dpi, POINTS * (count / area) ** 0.5)
        else:
            others += 1
    return Content(seen, unseen, below, cover, dpi, pixels / MEGAPIXEL, others > 0)


def _picture(thing: pypdfium2.PdfObject, width: float, height: float) -> tuple[int, float]:
    """How many pixels a picture has, and how much of the page it covers, in square points. Inside a form its bounds are
    the form's own; what is larger than the page covers it all the same."""
    try:
        across, along = thing.get_px_size()
        left, bottom, right, top = thing.get_bounds()
    except pypdfium2.PdfiumError:  # an odd picture must not hide the rest of its page
        return 0, 1.0
    return across * along, min(max(right - left, 0.1), width) * min(max(top - bottom, 0.1), height)


def own_text(page: pypdfium2.PdfPage) -> tuple[int, str]:
    """How many signs the page holds, and its text in lines, a blank line between blocks; "" where most of the signs
    mean nothing (fonts without a table of what they write)."""
    layer = page.get_textpage()
    try:
        signs = min(layer.count_chars(), MOST_TEXT)
        text = layer.get_text_range(0, signs) if signs else ""
        shown = [sign for sign in text if not sign.isspace()]
        meant = sum(unicodedata.category(sign)[0] in "LNPS" and sign != "\ufffd" for sign in shown)
        if not shown or meant < READABLE * len(shown):
            return signs, ""
        return signs, _blocks(layer, text)
    finally:
        layer.close()


def _blocks(layer: pypdfium2.PdfTextPage, text: str) -> str:
    lines: list[str] = []
    below: float | None = None
    place = 0
    for line in text.split("\r\n"):
        start = place + len(line) - len(line.lstrip())
        place += len(line) + 2
        if line.strip():
            with contextlib.suppress(pypdfium2.PdfiumError):
                _, bottom, _, top = layer.get_charbox(start, loose=True)
                if below is not None and below - top > LINE_GAP * (top - bottom):
                    lines.append("")
                below = bottom
        lines.append(line.rstrip())
    # pdfium writes U+FFFE for a hyphen at the end of a line.
    return clean("\n".join(lines)).replace("\ufffe", "-").strip()


def draw(page: pypdfium2.PdfPage, dpi: float, limits: RecognitionLimits, *, colour: bool = False) -> Image.Image:
    """The page as it is seen, at `dpi` or less, so that its raster stays within the limit."""
    width, height = page.get_size()
    scale = min(dpi / POINTS, (limits.page_mpx * MEGAPIXEL / (width * height)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=not colour)
    try:
        seen: Image.Image = bitmap.to_pil().copy()
        return seen
    finally:
        bitmap.close()


def drawn_page(page: pypdfium2.PdfPage, limits: RecognitionLimits) -> Image.Image:
    """The page as a picture for recognition: grey where it has no colour."""
    raster = draw(page, FLAT_DPI, limits, colour=True).convert("RGB")
    red, green, blue = raster.split()
    tints = [ImageChops.difference(red, other).histogram()[PAPER_LEEWAY:] for other in (green, blue)]
    return raster if any(map(sum, tints)) else raster.convert("L")


def ink(raster: Image.Image, size: tuple[float, float]) -> float:
    """The part of the page that is darker than its paper, without a border of 7 mm (shadows, punched holes)."""
    factor = max(1, round(raster.width / (size[0] / POINTS * INK_DPI)))
    small = raster.reduce(factor) if factor > 1 else raster
    border = round(BORDER_MM / 25.4 * POINTS * small.width / size[0])
    if min(small.size) > 3 * border:
        small = small.crop((border, border, small.width - border, small.height - border))
    counts = small.histogram()
    paper = counts.index(max(counts))
    return sum(counts[: max(paper - PAPER_LEEWAY, 0)]) / (small.width * small.height)
