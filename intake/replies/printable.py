"""What can be printed: text without control characters, in the letters that the fonts have.

It says nothing about where the text stands; a character that it cannot keep becomes □, and is never an error here.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

ZERO_WIDTH_SPACE = "\u200b"
SHOWN_FOR_MISSING = "□"

# Latin, Greek, Cyrillic, punctuation and signs, all written from left to right. The rest becomes □ before it comes
# to the library, which panics (and a panic is no Exception) on some mixtures of scripts and combining marks.
_REPERTOIRE = (range(0x20, 0x590), range(0x1E00, 0x2C00), range(0xFB00, 0xFB07), range(0xFFFD, 0xFFFE))
# At 11 pt the widest letters, 41 of them, still fit on a line; a longer word may break anywhere.
_LONG_WORD = re.compile(r"\S{41,}")


def clean(text: str) -> str:
    """The text without what has no place on paper: control and format characters (which can turn the reading
    order around), halves of surrogate pairs, and accents that are not part of a letter (NFC). Line ends of every
    kind become one kind, letters of other scripts become □."""
    lines = unicodedata.normalize("NFC", text).replace("\t", " ").splitlines()
    return "\n".join("".join(map(on_paper, line)) for line in lines)


@lru_cache(maxsize=4096)
def on_paper(char: str) -> str:
    """What is printed for a character: itself, nothing, or □."""
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Cs"} or category.startswith("M"):
        return ""
    return char if any(ord(char) in part for part in _REPERTOIRE) else SHOWN_FOR_MISSING


def one_line(text: str) -> str:
    """The text cleaned, in one line, with single spaces."""
    return " ".join(clean(text).split())


def clean_lines(texts: Iterable[str]) -> list[str]:
    """Each text in one line, without those that are empty."""
    return [breakable(line) for line in map(one_line, texts) if line]


def breakable(text: str) -> str:
    """The text with places where words that are too long for a line may break."""
    return _LONG_WORD.sub(lambda word: ZERO_WIDTH_SPACE.join(word[0]), text)
