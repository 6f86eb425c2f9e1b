"""Postal lines: how the posts of several countries want an address, and what none of them can deliver."""

import re
from dataclasses import replace
from typing import Any

import pytest

from intake.errors import Refused
from intake.replies.addresses import address_lines
from intake.types import PostalAddress
from tests.paper import CUSTOMER, SIX_LINES


@pytest.mark.parametrize(
    ("recipient", "sender_country", "expected"),
    [
        pytest.param(CUSTOMER, "NL", ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  AMERSFOORT"), id="Dutch"),
        pytest.param(
            replace(CUSTOMER, country=""),
            "NL",
            ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  AMERSFOORT"),
            id="no country is the sender's",
        ),
        pytest.param(
            replace(CUSTOMER, postal_code="NL - 1234  ab"),
            "BE",
            ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  AMERSFOORT", "NEDERLAND"),
            id="Dutch from Belgium",
        ),
        pytest.param(
            replace(CUSTOMER, city="'s-Hertogenbosch"),
            "DE",
            ("Mevr. J. de Vries", "Dorpsstraat 12 B", "1234 AB  'S-HERTOGENBOSCH", "NIEDERLANDE"),
            id="Dutch from Germany",
        ),
        pytest.param(
            PostalAddress("Jan Peeters", "", "Nieuwstraat", "12 bus 3", "B-1000", "Brussel", "BE"),
            "NL",
            ("Jan Peeters", "Nieuwstraat 12 bus 3", "1000 BRUSSEL", "BELGIË"),
            id="Belgian",
        ),
        pytest.param(
            PostalAddress("Eva Groß", "", "Königsallee", "5a", "D-35390", "Gießen", "DE"),
            "NL",
            ("Eva Groß", "Königsallee 5a", "35390 GIESSEN", "DUITSLAND"),
            id="German from abroad",
        ),
        pytest.param(
            PostalAddress("Eva Groß", "", "Königsallee", "5a", "35390", "Gießen", "DE"),
            "DE",
            ("Eva Groß", "Königsallee 5a", "35390 Gießen"),
            id="German at home",
        ),
        pytest.param(
            PostalAddress("M. Lefèvre", "", "Résidence Les Lilas\nrue de l’Église", "12", "F-75001", "Paris", "FR"),
            "FR",
            ("M. Lefèvre", "Résidence Les Lilas", "12 rue de l’Église", "75001 PARIS"),
            id="French, two lines of street",
        ),
        pytest.param(
            SIX_LINES,
            "NL",
            ("Harbour Trading Ltd", "Mr O. O'Neill", "7 High Street", "LONDON", "SW1A 1AA", "VERENIGD KONINKRIJK"),
            id="British",
        ),
        pytest.param(
            PostalAddress("", "Bakkerij Bos", "Postbus", "99", "8000 ab", "Zwolle", "nl"),
            "nl",
            ("Bakkerij Bos", "Postbus 99", "8000 AB  ZWOLLE"),
            id="organisation with a box, countries in small letters",
        ),
        pytest.param(
            PostalAddress("Jo\x00\u202e Bos\r\n", "", " Laan\t ", "1", "8000AB", "Zwolle", "NL"),
            "NL",
            ("Jo Bos", "Laan 1", "8000 AB  ZWOLLE"),
            id="control characters and stray spaces",
        ),
    ],
)
def test_an_address_is_written_as_the_post_wants_it(
    recipient: PostalAddress, sender_country: str, expected: tuple[str, ...]
) -> None:
    assert address_lines(recipient, sender_country) == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"street": "A\nB\nC\nD\nE"}, "7 lines", id="too many lines"),
        pytest.param({"street": " "}, "has no street", id="no street"),
        pytest.param({"name": "Jan " * 26}, "a line of 103 characters", id="a line of any length"),
        pytest.param({"name": "J" * 1_000_000}, "a line of 1000000 characters", id="a hostile line"),
        pytest.param({"city": "", "postal_code": ""}, "no town and no postcode", id="no town"),
        pytest.param({"name": "\u200b"}, "has no name", id="no name"),
        pytest.param({"country": "QX"}, "'QX'", id="no such country"),
    ],
)
def test_an_address_that_cannot_be_delivered_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        address_lines(replace(CUSTOMER, **changes), "NL")
