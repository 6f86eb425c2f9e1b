"""How wide a text is drawn at most, where nobody knows with which font: in ems of a wide one (DejaVu Sans)."""

import re
import unicodedata
from collections.abc import Sequence

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_BOLD = 1.12
_WIDTHS = {
    0.32: " .,:;!|'’iIjlJ·",
    0.42: '-–()[]/rtf"“”„',
    0.55: "csz",
    0.6: "kvxyFLPTY",
    0.78: "DGHNOQUwÖÜ&",
    0.98: "mMW@%…—",
}
_OF = {letter: width for width, letters in _WIDTHS.items() for letter in letters}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Marks that turn the direction of what stands around them.
TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """A text without what XML cannot hold and without marks that turn the direction of writing."""
    return TURNING.sub("", _UNPRINTABLE.sub("\ufffd", text))


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """The room that a text takes in a font of a size, in the same units."""
    return sum(_letter(letter) for letter in text) * size * (_BOLD if bold else 1.0)


def fitting_size(text: str, size: float, least: float, room: float, *, bold: bool = False) -> float:
    """The size in which a text fits into a room: `size` or smaller, `least` at the smallest."""
    wide = width_of(text, size, bold=bold)
    return size if wide <= room else max(least, round(size * room / wide, 1))


def shortened(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """A text as far as it fits, with an ellipsis where it does not."""
    if width_of(text, size, bold=bold) <= room:
        return text
    while text and width_of(f"{text}…", size, bold=bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrapped(text: str, size: float, room: float, most: int) -> list[str]:
    """A text on at most so many lines, as even as they get; what does not fit ends in an ellipsis."""
    words = text.split()
    lines = _filled(words, size, room)
    if len(lines) > most:
        return [shortened(line, size, room) for line in (*lines[: most - 1], " ".join(lines[most - 1 :]))]
    narrow = room
    # As narrow as it goes without one more line: two lines of like length read better than a long and a short one.
    while narrow > size and len(_filled(words, size, narrow - size / 2)) == len(lines):
        narrow -= size / 2
    return [shortened(line, size, room) for line in _filled(words, size, narrow)]


def _filled(words: Sequence[str], size: float, room: float) -> list[str]:
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _letter(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if letter in _OF:
        return _OF[letter]
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    return 0.7 if letter.isupper() else 0.64
