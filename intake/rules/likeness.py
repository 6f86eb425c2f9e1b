"""How alike two texts are: a letter that was scanned twice is known by it, whatever the OCR made of a word or two."""

import hashlib
import re

NEAR = 3
FEWEST_WORDS = 20
WORD = re.compile(r"[^\W\d_]{3,}")


def likeness(text: str) -> int:
    """A simhash of 64 bits over the words of a text; 0 for a text that is too short to tell."""
    words = WORD.findall(text[:50_000].casefold())
    if len(words) < FEWEST_WORDS:
        return 0
    weights = [0] * 64
    for word in words:
        value = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        for bit in range(64):
            weights[bit] += 1 if value >> bit & 1 else -1
    return sum(1 << bit for bit, weight in enumerate(weights) if weight > 0)


def distance(one: int, other: int) -> int:
    """In how many bits two likenesses differ."""
    return (one ^ other).bit_count()
