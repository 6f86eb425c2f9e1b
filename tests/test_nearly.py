"""Finding a text that was read with slips: the fast search finds what the plain table of edits finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules.nearly import fewest_edits, find_nearly

SHORT = st.text("abc ", max_size=12)


def by_the_table(pattern: str, text: str) -> tuple[int, int]:
    """Sellers' algorithm, one row for each sign of the pattern."""
    row = [0] * (len(text) + 1)
    for done, sign in enumerate(pattern, 1):
        new = [done]
        for place, other in enumerate(text, 1):
            new.append(min(row[place - 1] + (sign != other), row[place] + 1, new[-1] + 1))
        row = new
    return min(row), row.index(min(row))


@given(SHORT, SHORT)
def test_the_fewest_edits_are_those_of_the_table(pattern: str, text: str) -> None:
    assert fewest_edits(pattern, text) == by_the_table(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("plattenborgstraat 20", "aan: platenburgstraat 20, zwolle", "platenburgstraat 20"),
        ("zwolle", "8043 tt zwoile", "zwoile"),
        ("zwolle", "1017 ga amsterdam", None),
        ("zwolle", "", None),
        ("", "zwolle", None),
    ],
)
def test_the_place_is_that_of_the_nearest_stretch(pattern: str, text: str, found: str | None) -> None:
    place = find_nearly(pattern, text, 2)
    assert (text[slice(*place)] if place else None) == found
