"""Finding a text in another that was read with slips: the place where the fewest signs differ.

Myers' bit-parallel search (G. Myers, "A fast bit-vector algorithm for approximate string matching", JACM 46, 1999):
one step for each sign of the text, whatever the length of the pattern. It knows nothing of words or meaning.
"""

from collections import defaultdict


def fewest_edits(pattern: str, text: str) -> tuple[int, int]:
    """The fewest insertions, deletions and replacements that make some stretch of `text` equal to `pattern`, and the
    place right after the first such stretch."""
    signs: defaultdict[str, int] = defaultdict(int)
    for place, sign in enumerate(pattern):
        signs[sign] |= 1 << place
    mask, last = (1 << len(pattern)) - 1, 1 << max(len(pattern) - 1, 0)
    plus, minus, edits = mask, 0, len(pattern)
    best = (edits, 0)
    for place, sign in enumerate(text, 1):
        equal = signs.get(sign, 0)
        both = (((equal & plus) + plus) ^ plus) | equal | minus
        up, down = minus | (~(both | plus) & mask), plus & both
        edits += bool(up & last) - bool(down & last)
        up, down = (up << 1) & mask, (down << 1) & mask
        straight = equal | minus
        plus, minus = down | (~(straight | up) & mask), up & straight
        if edits < best[0]:
            best = (edits, place)
    return best


def find_nearly(pattern: str, text: str, most: int) -> tuple[int, int] | None:
    """Where `text` has `pattern` with at most so many slips, as (start, end), or None."""
    edits, end = fewest_edits(pattern, text)
    if edits > most or not pattern:
        return None
    _, length = fewest_edits(pattern[::-1], text[:end][::-1])
    return end - length, end
