"""The `intake templates` commands, as a person uses them."""

from pathlib import Path

import pytest

from tests.commands import Installation

MORE = 'languages = ["nl"]\ntemplates = "own"\n'


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Installation:
    (tmp_path / "own").mkdir()
    return Installation(tmp_path, capsys, MORE)


def test_a_template_is_copied_once_and_listed_as_own(shop: Installation) -> None:
    said = shop.intake("templates", "copy", "nl/answer/damaged.j2")
    assert said.code == 0, said
    own = shop.folder / "own/nl/answer/damaged.j2"
    assert '{% extends "nl/answer.j2" %}' in own.read_text(encoding="utf-8")
    own.write_text("mine", encoding="utf-8")
    again = shop.intake("templates", "copy", "nl/answer/damaged.j2")
    assert (again.code, own.read_text(encoding="utf-8")) == (1, "mine")
    assert "is there already" in again.err
    rows = shop.intake("templates", "list", "--json").value
    assert [row["name"] for row in rows if row["from"] == "own"] == ["nl/answer/damaged.j2"]
    assert {row["name"] for row in rows if row["category"] == "other"} == {"nl/answer.j2"}
    table = shop.intake("templates", "list").out
    assert "own" in table
    assert "→ nl/answer.j2" in table


@pytest.mark.parametrize("name", ["nl/nothing.j2", "../config.toml", "/etc/passwd", ""])
def test_only_a_delivered_template_is_copied(shop: Installation, name: str) -> None:
    said = shop.intake("templates", "copy", name)
    assert said.code == 2
    assert "There is no template" in said.err
    assert list((shop.folder / "own").iterdir()) == []


def test_copying_makes_the_folder_and_needs_one_in_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without = Installation(tmp_path, capsys)
    said = without.intake("templates", "copy", "nl/answer.j2")
    assert (said.code, "has no folder of its own" in said.err) == (2, True)
    with_one = Installation(tmp_path, capsys, MORE)
    assert with_one.intake("templates", "copy", "mail.html.j2").code == 0
    assert (tmp_path / "own" / "mail.html.j2").is_file()


def test_check_ends_with_one_where_a_template_is_wrong_and_says_where(shop: Installation) -> None:
    shop.write("own/nl/holding.j2", b"S ({{ case.reference }})\n\nZie https://ec.europa.eu/odr")
    said = shop.intake("templates", "check")
    assert said.code == 1
    assert f"FAIL sis: {shop.folder}/own/nl/holding.j2:3: names the EU's ODR platform" in said.out
    assert "one mistake" in said.out
    (told,) = shop.intake("templates", "check", "--json").value
    assert (told["shop"], told["line"], told["warning"]) == ("sis", 3, False)


def test_check_ends_with_nought_where_there_are_only_notes(shop: Installation) -> None:
    shop.intake("templates", "copy", "nl/holding.j2")
    said = shop.intake("templates", "check")
    assert said.code == 0, said
    assert "note sis" in said.out
    assert "no mistake" in said.out


def test_a_preview_shows_subject_text_and_gaps(shop: Installation) -> None:
    said = shop.intake("templates", "preview", "--kind", "final", "--outcome", "rejected", "--category", "damaged")
    assert said.out.startswith("Template: nl/final.j2 (delivered)\nSubject: Re: Pakket niet in orde (SIS-2026-0042)\n")
    assert "Beste A. de Boer," in said.out
    assert "Gaps: [onderzocht:" in said.out
    few = shop.intake("templates", "preview", "--few").out
    assert "Geachte heer of mevrouw," in few
    assert shop.intake("templates", "preview", "--kind", "acknowledgement").out.endswith("Gaps: none\n")


def test_a_preview_shows_the_html_and_writes_the_letter(shop: Installation) -> None:
    html = shop.intake("templates", "preview", "--html").out
    assert html.startswith("<!DOCTYPE html>")
    assert "<mark>" in html
    assert shop.intake("templates", "preview", "--channel", "letter", "--pdf", shop.folder / "letter.pdf").code == 0
    assert (shop.folder / "letter.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    "words", [("--lang", "xx"), ("--kind", "apology"), ("--category", "x"), ("--channel", "fax"), ("--outcome", "x")]
)
def test_a_preview_of_what_there_is_not_is_refused(shop: Installation, words: tuple[str, str]) -> None:
    said = shop.intake("templates", "preview", *words)
    assert said.code == 2
    assert "Use one of" in said.err
