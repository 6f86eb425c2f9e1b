"""A letter to set, and what measures printed pages: what stands where, in millimetres from the page's top and left."""

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pikepdf
import pypdfium2
import zxingcpp
from PIL import Image, ImageDraw

from intake.config import Window
from intake.replies.letter import Letter
from intake.types import PostalAddress

LAYOUT = Path(__file__).parent.parent / "templates" / "letter" / "letter.typ"

SHOP = PostalAddress(
    name="Smart Import Solutions",
    street="Plattenborgstraat",
    house_number="20",
    postal_code="8043TT",
    city="Zwolle",
)
CUSTOMER = PostalAddress(
    name="Mevr. J. de Vries", street="Dorpsstraat", house_number="12 B", postal_code="1234ab", city="Amersfoort"
)
LETTER = Letter(
    sender=SHOP,
    sender_lines=("06-29557135", "service@example.nl"),
    recipient=CUSTOMER,
    language="nl",
    place="Zwolle",
    dated=date(2026, 11, 23),
    reference="SIS-2026-0042",
    subject="Uw klacht over bestelling 10023",
    body="Geachte mevrouw De Vries,\n\nDank u voor uw brief.\n\nMet vriendelijke groet,",
    signatory=("Mirjam Jansen", "Manager klantenservice"),
)

SIX_LINES = PostalAddress(
    organisation="Harbour Trading Ltd",
    name="Mr O. O'Neill",
    street="High Street",
    house_number="7",
    postal_code="SW1A 1AA",
    city="London",
    country="GB",
)

MM = 25.4 / 72
Box = tuple[float, float, float, float]


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page, white space made plain, without the places where a long word may break."""
    with pypdfium2.PdfDocument(pdf) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    return [" ".join(text.replace("\u200b", "").split()) for text in texts]


def text_of(pdf: bytes) -> str:
    return " ".join(page_texts(pdf))


def box(pdf: bytes, text: str, page: int = 0) -> Box:
    """Left, top, right and bottom of the first place where the text stands on the page."""
    with pypdfium2.PdfDocument(pdf) as document:
        sheet = document[page]
        words = sheet.get_textpage()
        found = words.search(text, match_case=True).get_next()
        assert found, f"{text!r} is not on the page"
        boxes = [words.get_charbox(found[0] + offset) for offset in range(found[1])]
        height = sheet.get_height()
    return _around(boxes, height)


def bounds_of(pdf: bytes) -> list[Box]:
    """The bounds of all that is printed on each page as text."""
    bounds = []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            words = page.get_textpage()
            bounds.append(
                _around([words.get_charbox(index) for index in range(words.count_chars())], page.get_height())
            )
    return bounds


def drawn_on(pdf: bytes, page: int = 0) -> Iterator[Box]:
    """The bounds of all lines and pictures on the page."""
    with pypdfium2.PdfDocument(pdf) as document:
        sheet = document[page]
        for item in sheet.get_objects(max_depth=1):
            if item.type != pypdfium2.raw.FPDF_PAGEOBJ_TEXT:
                yield _around([item.get_bounds()], sheet.get_height())


def text_in(pdf: bytes, place: Box) -> str:
    """What of the first page's text stands in, or reaches into, a place; white space made plain."""
    with pypdfium2.PdfDocument(pdf) as document:
        sheet = document[0]
        words = sheet.get_textpage()
        kept = [
            words.get_text_range(index, 1)
            for index in range(words.count_chars())
            if overlaps(_around([words.get_charbox(index)], sheet.get_height()), place)
            or words.get_text_range(index, 1).isspace()
        ]
    return " ".join("".join(kept).split())


def overlaps(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def frame(window: Window) -> Box:
    return window.left, window.top, window.left + window.width, window.top + window.height


def _around(boxes: list[Box], height: float) -> Box:
    """PDF counts points from the lower left corner: left, bottom, right, top."""
    left, right = min(b[0] for b in boxes), max(b[2] for b in boxes)
    bottom, top = min(b[1] for b in boxes), max(b[3] for b in boxes)
    return left * MM, (height - top) * MM, right * MM, (height - bottom) * MM


def pictures(pdf: bytes, dpi: int = 100, *, grey: bool = False) -> list[Image.Image]:
    """The pages as a printer or a scanner would have them."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=dpi / 72, grayscale=grey).to_pil() for page in document]


def framed(pdf: bytes, window: Window, dpi: int = 100) -> Image.Image:
    """The first page with the envelope's window drawn over it."""
    picture = pictures(pdf, dpi)[0].convert("RGB")
    left, top, right, bottom = (round(side / 25.4 * dpi) for side in frame(window))
    ImageDraw.Draw(picture).rectangle((left, top, right, bottom), outline=(220, 0, 0), width=2)
    return picture


def codes_on(picture: Image.Image) -> list[str]:
    """The texts of all codes that a reader finds, the order of their places on the page."""
    wanted = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code39])
    found = zxingcpp.read_barcodes(picture, formats=wanted)
    return [code.text for code in sorted(found, key=lambda code: code.position.top_left.y)]


def alternatives(pdf: bytes) -> list[str]:
    """What a screen reader says for the pictures."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [str(item.Alt) for item in document.objects if isinstance(item, pikepdf.Dictionary) and "/Alt" in item]


def pdf_claims(pdf: bytes) -> tuple[str, str]:
    """What the file says of itself: its kind of PDF/A and of PDF/UA."""
    with (
        pikepdf.open(io.BytesIO(pdf)) as document,
        document.open_metadata(set_pikepdf_as_editor=False) as metadata,
    ):
        return metadata.pdfa_status, str(metadata["pdfuaid:part"])
