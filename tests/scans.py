"""Scans for tests: letters set with typst and drawn as a scanner would, separator sheets, and files that do harm."""

import fcntl
import io
import os
import pickle
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import img2pdf  # type: ignore[import-untyped]
import numpy
import pikepdf
import pypdfium2
import pytest
import segno
import typst
import zxingcpp
from PIL import Image

Made = TypeVar("Made")
DPI = 200
A5 = (148, 210)
LETTER = (
    "A. de Boer",
    "Kerkstraat 5",
    "1017 GA  Amsterdam",
    "",
    "Smart Import Solutions",
    "Plattenborgstraat 20",
    "8043 TT  Zwolle",
    "",
    "Betreft: bestelnummer 4711-8823",
    "",
    "Geachte mevrouw,",
    "",
    "Op drie november heb ik bij u een waterkoker besteld. Het pakket is nog altijd niet",
    "geleverd, hoewel ik twee keer heb gebeld. Ik verzoek u het bedrag terug te betalen.",
    "",
    "Hoogachtend,",
    "A. de Boer",
)


@lru_cache
def typeset(lines: tuple[str, ...] = LETTER, size: tuple[int, int] = A5) -> bytes:
    """A page with these lines as a PDF that was never paper."""
    text = "\n".join(f"#{_quoted(line)} \\" if line else "#v(2mm)" for line in lines)
    page = (
        f'#set page(width: {size[0]}mm, height: {size[1]}mm, margin: 12mm)\n#set text(size: 10pt, lang: "nl")\n{text}'
    )
    return typst.compile(page.encode())


def _quoted(line: str) -> str:
    return f'"{line}"'


@lru_cache
def _drawn(lines: tuple[str, ...], dpi: int, size: tuple[int, int]) -> Image.Image:
    with pypdfium2.PdfDocument(typeset(lines, size)) as document:
        drawn: Image.Image = document[0].render(scale=dpi / 72, grayscale=True).to_pil().copy()
    return drawn


def paper(*lines: str, dpi: int = DPI, size: tuple[int, int] = A5) -> Image.Image:
    """The page as a scanner sees it, grey."""
    return _drawn(lines or LETTER, dpi, size).copy()


def blank(dpi: int = DPI) -> Image.Image:
    """The back of a letter, with a shadow along its edge."""
    page = Image.new("L", paper(dpi=dpi).size, 250)
    page.paste(60, (0, 0, round(dpi / 25.4 * 2), page.height))
    return page


def skewed(page: Image.Image, degrees: float) -> Image.Image:
    return page.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=255)


def separator(text: str = "INTAKE|SEP|1", dpi: int = DPI) -> Image.Image:
    """A sheet with a QR code of 40 mm."""
    out = io.BytesIO()
    segno.make(text, error="h", micro=False).save(out, kind="png", scale=8, border=4)
    side = round(40 / 25.4 * dpi)
    return _on_sheet(Image.open(out).convert("L").resize((side, side)), dpi)


def patch_sheet(text: str = "PATCHT", dpi: int = DPI, code: str = "Code39") -> Image.Image:
    """A sheet with a bar code 80 mm wide."""
    made = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, code))
    bars = Image.fromarray(numpy.array(zxingcpp.write_barcode_to_image(made, scale=4))).convert("L")
    return _on_sheet(bars.resize((round(80 / 25.4 * dpi), round(14 / 25.4 * dpi))), dpi)


def _on_sheet(code: Image.Image, dpi: int) -> Image.Image:
    sheet = Image.new("L", paper(dpi=dpi).size, 255)
    sheet.paste(code, (dpi, dpi))
    return sheet


def saved(page: Image.Image, kind: str = "JPEG", dpi: int | None = DPI, **more: Any) -> bytes:
    """A picture file."""
    out = io.BytesIO()
    page.save(out, kind, **({"dpi": (dpi, dpi)} if dpi else {}), **more)
    return out.getvalue()


def scanned(*pages: Image.Image, dpi: int = DPI) -> bytes:
    """A scan as a PDF with a JPEG on each page."""
    return bytes(img2pdf.convert([saved(page, dpi=dpi) for page in pages], nodate=True))


def with_layer(scan: bytes, lines: tuple[str, ...], *, mode: int = 3, below: bool = False) -> bytes:
    """The scan with text over (or below) the picture of its first page; `mode` 3 is text that nobody sees."""
    with pikepdf.open(io.BytesIO(scan)) as document:
        page = document.pages[0]
        page.Resources.Font = pikepdf.Dictionary(
            F1=pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        )
        shown = " ".join(f"({line}) Tj T*" for line in lines)
        page.contents_add(f"q BT /F1 9 Tf {mode} Tr 30 570 Td 11 TL {shown} ET Q".encode(), prepend=below)
        return written(document)


def written(document: pikepdf.Pdf, **more: Any) -> bytes:
    out = io.BytesIO()
    document.save(out, **more)
    return out.getvalue()


def joined(*scans: bytes) -> bytes:
    """The pages of several PDFs in one."""
    with pikepdf.new() as whole:
        parts = [pikepdf.open(io.BytesIO(scan)) for scan in scans]
        for part in parts:
            whole.pages.extend(part.pages)
        return written(whole)


def empty_pages(count: int, size: float = 500, content: bytes = b"") -> bytes:
    """A PDF of pages without pictures; the first has this content."""
    with pikepdf.new() as document:
        for _ in range(count):
            document.add_blank_page(page_size=(size, size))
        if content:
            document.pages[0].Contents = document.make_stream(content)
        return written(document)


def shared(folders: pytest.TempPathFactory, name: str, make: Callable[[], Made]) -> Made:
    """What costs seconds to make, made once for all the processes that run tests."""
    base = folders.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = base / f"{name}.pickle"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make()))
    made: Made = pickle.loads(kept.read_bytes())
    return made
