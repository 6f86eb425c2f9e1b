"""The shop's logo: a PNG, JPEG or SVG file, made fit for the letterhead.

It refuses what is broken, too large, or reaches outside itself. Pictures are drawn anew in plain RGB on white, so that
nothing of the file but what is seen comes into a letter; a drawing may hold shapes alone, few enough to be set in no
time: letters in it would need a font that nobody else has.
"""

import base64
import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageOps

from intake.errors import TemplateError

SVG = "http://www.w3.org/2000/svg"
MOST_BYTES = 4_000_000
MOST_DRAWING_BYTES = 500_000
MOST_PIXELS = 40_000_000
MOST_SHAPES = 5_000
MOST_COPIES = 100
DEEPEST = 60
# 50 x 16 mm, the largest that a letterhead has room for, at 300 dpi.
_LARGEST = (600, 190)
_NOT_DRAWN = {
    "text": "holds letters; turn them into paths",
    "image": "holds a picture; use the picture itself",
    "foreignObject": "holds more than shapes",
    "script": "holds a script",
    "filter": "holds a filter",
    "pattern": "holds a pattern",
    "marker": "holds markers; turn them into paths",
}
_BROKEN = (OSError, ValueError, SyntaxError, IndexError, KeyError, TypeError, EOFError, struct.error, MemoryError)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Logo:
    """A drawing for the letterhead (SVG), and what it shows in words, for who cannot see it."""

    svg: str
    text: str = ""


def read_logo(path: Path, text: str = "") -> Logo:
    """Read the logo from its file; the same bytes are drawn but once. Raises TemplateError, with what is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise TemplateError(f"The logo {path} cannot be read: {error.strerror}.", "Correct letter.logo.") from error
    if len(data) > MOST_BYTES:
        raise _unfit(path, f"is larger than {MOST_BYTES // 1_000_000} MB")
    return Logo(_drawing(path, data), text)


@lru_cache(maxsize=8)
def _drawing(path: Path, data: bytes) -> str:
    picture = data.startswith((b"\x89PNG", b"\xff\xd8"))
    return _as_drawing(path, data) if picture else _checked_drawing(path, data)


def _as_drawing(path: Path, data: bytes) -> str:
    """The picture as the layout takes it: drawn anew, in a drawing of its own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = _drawn_anew(path, data)
    except _BOMB as error:
        raise _unfit(path, "has too many pixels") from error
    except _BROKEN as error:
        raise _unfit(path, "is a broken picture") from error
    kept = io.BytesIO()
    picture.save(kept, "PNG", optimize=True)
    inside = base64.b64encode(kept.getvalue()).decode("ascii")
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<svg xmlns="{SVG}" {size}><image {size} href="data:image/png;base64,{inside}"/></svg>'


def _drawn_anew(path: Path, data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise _unfit(path, "has too many pixels")
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail(_LARGEST)
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def _checked_drawing(path: Path, data: bytes) -> str:
    if len(data) > MOST_DRAWING_BYTES:
        raise _unfit(path, f"is a drawing larger than {MOST_DRAWING_BYTES // 1000} kB")
    try:
        drawing = data.decode("utf-8-sig")
        if "<!ENTITY" in drawing:
            raise _unfit(path, "holds entities")
        root = ElementTree.fromstring(drawing)  # noqa: S314 - small, and without entities
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError) as error:
        raise _unfit(path, "is no PNG, no JPEG and no SVG") from error
    if root.tag != f"{{{SVG}}}svg":
        raise _unfit(path, "is no SVG")
    problem = next(_problems(root), None)
    if problem is not None:
        raise _unfit(path, problem)
    return drawing


def _problems(root: ElementTree.Element) -> Iterator[str]:
    """What could take the layout long, or bring in what is not in the file."""
    below = [(root, 1)]
    shapes = []
    while below:
        shape, depth = below.pop()
        if depth > DEEPEST:
            yield "is nested too deeply"
            return
        shapes.append(shape)
        below += [(inner, depth + 1) for inner in shape]
    if len(shapes) > MOST_SHAPES:
        yield "has too many shapes"
        return
    yield from (_NOT_DRAWN[_name(shape)] for shape in shapes if _name(shape) in _NOT_DRAWN)
    yield from _problems_of_copies(shapes)


def _problems_of_copies(shapes: list[ElementTree.Element]) -> Iterator[str]:
    """Copies of copies would grow without end."""
    named = {shape.get("id"): shape for shape in shapes}
    copies = [shape for shape in shapes if _name(shape) == "use"]
    if len(copies) > MOST_COPIES:
        yield "has too many copies of shapes"
        return
    for copy in copies:
        source = copy.get("href") or copy.get("{http://www.w3.org/1999/xlink}href") or ""
        if not source.startswith("#"):
            yield "refers to another file"
        elif any(_name(inner) == "use" for inner in named.get(source[1:], ElementTree.Element("none")).iter()):
            yield "has copies of copies"


def _name(shape: ElementTree.Element) -> str:
    return str(shape.tag).rpartition("}")[2]


def _unfit(path: Path, what: str) -> TemplateError:
    return TemplateError(f"The logo {path} {what}.", "Use a PNG, JPEG or plain SVG file, or take letter.logo out.")
