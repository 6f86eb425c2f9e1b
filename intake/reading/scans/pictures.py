"""Pictures → pages of a PDF, without loss where the picture can go in as it is.

A picture without a credible resolution becomes a page of about A4. One that is larger than a page raster may be is
made smaller rather than refused; the original lies untouched beside the reading copy anyway.
"""

import contextlib
import io
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import img2pdf  # type: ignore[import-untyped]
from PIL import Image, ImageOps

from intake.errors import ReadingError
from intake.reading.scans.job import MEGAPIXEL, RecognitionLimits

A4_INCHES = (8.27, 11.69)
POINTS = 72
# 72 and 96 are what programs write that do not know (a fax may have 98 in one direction); no page is that small.
UNKNOWN_DPI, HIGHEST_DPI, SHORTEST_INCHES = 96, 2400, 2.5
LONG_STRIP = 3  # a picture so much longer than wide is a strip of paper, not A4
QUALITY = 92
PLAIN_MODES = ("1", "L", "RGB")
# What Pillow raises for a picture that is damaged or cut off.
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, struct.error, ZeroDivisionError)

Image.MAX_IMAGE_PIXELS = None  # the sizes are checked here, before a pixel is unpacked


def count_frames(path: Path, most: int) -> int:
    """How many pages a picture file holds, at most `most` + 1. Raises `ReadingError` (DAMAGED)."""
    with _opened(path) as image:
        if image.format != "TIFF":
            return 1  # a second picture in a JPEG is the preview of a telephone
        for number in range(most + 1):
            try:
                image.seek(number)
            except EOFError:
                return number
        return most + 1


def picture_pages(path: Path, limits: RecognitionLimits) -> Iterator[bytes]:
    """Each page of a picture file as a PDF of one page. Raises `ReadingError` (DAMAGED, TOO-BIG)."""
    with _opened(path) as image:
        frames = count_frames(path, limits.scan_pages)
        for number in range(frames):
            image.seek(number)
            yield _page(path, image, limits)


def page_of_raster(raster: Image.Image, size: tuple[float, float]) -> bytes:
    """A raster as a PDF of one page of `size` (points)."""
    return _pdf(_encoded(raster, "JPEG" if raster.mode != "1" else "G4"), size)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        # Pillow warns of what is odd in a picture; here only what cannot be read counts.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            yield image
    except (MemoryError, ReadingError):
        raise
    except DAMAGE as error:
        raise ReadingError("The picture is damaged or was cut off.", "Scan the letter again.") from error


def _page(path: Path, image: Image.Image, limits: RecognitionLimits) -> bytes:
    pixels = image.width * image.height
    if pixels > limits.total_mpx * MEGAPIXEL:
        raise ReadingError(
            f"The picture unpacks to {pixels // MEGAPIXEL} megapixels.", "Scan it at 300 dpi or less.", code="TOO-BIG"
        )
    size = _size(image)
    if max(size) / POINTS * 0.0254 > limits.page_metres:
        raise ReadingError("The page is longer than 5 m.", "Scan it as separate pages.", code="TOO-BIG")
    compression = str(image.info.get("compression", ""))
    kind, mode = image.format or "", image.mode
    if pixels > limits.page_mpx * MEGAPIXEL:
        image = _smaller(image, int(limits.page_mpx * MEGAPIXEL))
    image.load()
    as_it_is = kind in ("JPEG", "PNG") and mode in PLAIN_MODES and "transparency" not in image.info
    if as_it_is and image.width * image.height == pixels:
        return _pdf(path.read_bytes(), size)
    lossy = kind in ("JPEG", "MPO") or compression in ("jpeg", "tiff_jpeg", "webp")
    turned = ImageOps.exif_transpose(image)
    if (turned.width > turned.height) != (image.width > image.height):
        size = size[1], size[0]
    plain = _plain(turned)
    return _pdf(_encoded(plain, "G4" if plain.mode == "1" else "JPEG" if lossy else "PNG"), size)


def _size(image: Image.Image) -> tuple[float, float]:
    """Width and height of the page in points, by the resolution of the picture if that is credible."""
    try:
        x, y = (float(dots) for dots in image.info.get("dpi", (0, 0)))
    except (TypeError, ValueError, ZeroDivisionError):
        x = y = 0.0
    known = max(x, y) > UNKNOWN_DPI and min(x, y) >= 0.75 * UNKNOWN_DPI and max(x, y) <= HIGHEST_DPI
    if not known or max(image.width / x, image.height / y) < SHORTEST_INCHES:
        short, long = sorted((image.width, image.height))
        across, along = short / A4_INCHES[0], long / A4_INCHES[1]
        x = y = across if long > LONG_STRIP * short else max(across, along)
    inches = image.width / x, image.height / y
    return inches[0] * POINTS, inches[1] * POINTS


def _smaller(image: Image.Image, pixels: int) -> Image.Image:
    """The picture with at most so many pixels. A JPEG is already unpacked smaller, where that is possible."""
    factor = (pixels / (image.width * image.height)) ** 0.5
    size = (max(1, int(image.width * factor)), max(1, int(image.height * factor)))
    image.draft(None, size)
    image.load()
    grey = image.convert("L") if image.mode == "1" else image
    return grey.resize(size, reducing_gap=2.0)


def _plain(image: Image.Image) -> Image.Image:
    """Black and white, grey or RGB, with what is transparent on white paper."""
    if image.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info:
        seen = image.convert("RGBA")
        paper = Image.new("RGB", seen.size, "white")
        paper.paste(seen, mask=seen.getchannel("A"))
        return paper
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    return image if image.mode in PLAIN_MODES else image.convert("RGB")


def _encoded(image: Image.Image, how: str) -> bytes:
    out = io.BytesIO()
    if how == "G4":
        image.save(out, "TIFF", compression="group4")
    elif how == "JPEG":
        image.save(out, "JPEG", quality=QUALITY)
    else:
        image.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _pdf(raw: bytes, size: tuple[float, float]) -> bytes:
    try:
        return bytes(
            img2pdf.convert(
                raw,
                layout_fun=img2pdf.get_layout_fun(size),
                rotation=img2pdf.Rotation.ifvalid,
                engine=img2pdf.Engine.pikepdf,
                nodate=True,
            )
        )
    except (img2pdf.ImageOpenError, img2pdf.PdfTooLargeError, img2pdf.AlphaChannelError) as error:
        raise ReadingError("The picture is damaged or was cut off.", "Scan the letter again.") from error
