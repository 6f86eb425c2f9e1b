"""How alike two letters are: one that was scanned twice is known by it, whatever OCR made of a word or two.

A simhash (M. Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002): 64 votes of all
stretches of four letters, after signs that OCR takes for each other were made one, and of the numbers, which count
three times: what two people copied from one model letter differs in hardly anything else. It knows nothing of who wrote
a letter, and two letters that are near are only shown to a person.
"""

import hashlib
import re

from intake.rules.names import folded

# Measured on the sample letters (tests/letters.py, 150 to 300 dpi, through the real recognition): of 36 letters scanned
# twice 34 came within 5 bits, 21 with no bit different; the other two (6 and 15) had a number misread. Of 2,080 pairs
# of other letters none came within 6. A model letter that somebody else filled in is 14 bits away in the median; 3 of
# 150 came within 5.
NEAR = 5
FEWEST_WORDS = 20
MOST_CHARACTERS = 50_000
STRETCH = 4
FEWEST_DIGITS = 3
NUMBERS_COUNT = 3
WORD = re.compile(r"[^\W_]+")
CONFUSED = str.maketrans("0q1i|jtf58b2z6gcuv", "oolllllls88zzggeny")


def likeness(text: str) -> int:
    """The 64 bits by which a text is known; 0, which is like nothing, for one of fewer than 20 words. Never raises."""
    words = WORD.findall(folded(text[:MOST_CHARACTERS]))
    if len(words) < FEWEST_WORDS:
        return 0
    votes = [0] * 64
    for stretch, count in _stretches(words).items():
        value = int.from_bytes(hashlib.blake2b(stretch.encode(), digest_size=8).digest(), "big")
        for bit in range(64):
            votes[bit] += count if value >> bit & 1 else -count
    return sum(1 << bit for bit, vote in enumerate(votes) if vote > 0)


def distance(one: int, other: int) -> int:
    """In how many of their 64 bits two likenesses differ."""
    return (one ^ other).bit_count()


def _stretches(words: list[str]) -> dict[str, int]:
    """What is counted of a text, and how often."""
    counts: dict[str, int] = {}
    numbers = [word for word in words if _is_number(word)]
    running = " ".join(word.translate(CONFUSED).replace("rn", "m") for word in words if not _is_number(word))
    for number in numbers:
        marked = f"#{number}#"
        for place in range(len(marked) - 2):
            key = f"#{marked[place : place + 3]}"
            counts[key] = counts.get(key, 0) + NUMBERS_COUNT
    for place in range(len(running) - STRETCH + 1):
        key = running[place : place + STRETCH]
        counts[key] = counts.get(key, 0) + 1
    return counts


def _is_number(word: str) -> bool:
    return sum(map(str.isdigit, word)) >= FEWEST_DIGITS
