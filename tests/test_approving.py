"""The text of an approved letter: what a mail program did to it is undone, and nothing else."""

import pytest

from intake.pipeline.approving import subject_and_body, unwrapped

WRAPPED = """Geachte mevrouw De Boer,

Dank u wel voor uw brief, die ik op 4 september 2026 heb ontvangen. Goed
dat u mij dit laat weten. Het spijt me dat u hier last van heeft en dat u
er tijd en moeite in heeft moeten steken.

- u krijgt een nieuwe stofzuiger, die op uiterlijk 18 september wordt
- bezorgd op een dag die u past

Met vriendelijke groet,

Mirjam
Manager customer service
"""


def test_lines_that_a_mail_program_wrapped_are_one_again() -> None:
    lines = unwrapped(WRAPPED).split("\n")
    assert lines[2].endswith("moeten steken.")
    assert lines[2].count(" ") > 30


def test_a_list_and_a_signature_keep_their_lines() -> None:
    lines = unwrapped(WRAPPED).split("\n")
    assert [line[:3] for line in lines if line.startswith("- ")] == ["- u", "- b"]
    assert lines[-3:] == ["Mirjam", "Manager customer service", ""]


@pytest.mark.parametrize(
    "text",
    [
        "Kort.\nNog een regel.\n",
        "x" * 150 + "\nGeachte heer,\n",
        "",
        "\n\n\n",
    ],
)
def test_what_is_not_wrapped_stays_as_it_is(text: str) -> None:
    assert unwrapped(text) == text


def test_a_subject_above_the_text_is_taken_from_it() -> None:
    assert subject_and_body("Uw klacht (SIS-2026-0001)\n\nGeachte heer,\n", "x") == (
        "Uw klacht (SIS-2026-0001)",
        "Geachte heer,\n",
    )
    assert subject_and_body("Geachte heer,\n\nTekst\n", "Uw klacht") == ("Uw klacht", "Geachte heer,\n\nTekst\n")
