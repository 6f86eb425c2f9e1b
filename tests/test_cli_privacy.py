"""The commands about people's data: retention, hold, release, person."""

import json
import stat
from pathlib import Path

import pytest

from tests.builders import mail
from tests.commands import NEWSLETTER, Installation

JAN = "jan@example.com"
EVIL = "<script>alert(1)</script> ik wil mijn geld terug voor bestelling 104233"


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Installation:
    installation = Installation(tmp_path, capsys)
    installation.take_in(
        mail(EVIL, attach={"../bon.txt": b"bon"}, subject="Geld <b>terug</b>"),
        mail("Iets anders.", sender="Piet <piet@example.com>", message_id="<piet@example.com>"),
        mail("Jan Jansen woont naast mij.", sender="Els <els@example.com>", message_id="<els@example.com>"),
        NEWSLETTER,
    )
    return installation


def test_a_persons_data_is_exported_whole_and_for_their_eyes_alone(house: Installation) -> None:
    house.intake("note", "SIS-2026-0001", "belde op maandag")
    target = house.folder / "export"
    said = house.intake("person", "  jan   JANSEN ", "export", target)
    assert (said.code, said.err) == (0, "")
    value = json.loads((target / "person.json").read_text())
    (case,) = value["cases"]
    assert (case["complainant_address"], case["messages"][0]["text"][:8]) == (JAN, "<script>")
    assert case["notes"][0]["text"] == "belde op maandag"
    assert value["participants"] == [JAN]
    files = {path.name: path.read_bytes() for path in (target / "files").iterdir()}
    assert len(files) == len(value["files"]) == 2
    assert any(b"Message-ID: <first@example.com>" in raw for raw in files.values())
    assert any(name.endswith("bon.txt") and raw == b"bon" for name, raw in files.items())
    page = (target / "person.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "belde op maandag" in page
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert stat.S_IMODE((target / "person.json").stat().st_mode) == 0o600
    assert house.intake("person", JAN, "export", target).code == 1
    assert "piet" not in (target / "person.json").read_text()


def test_a_person_is_erased_as_far_as_it_may_be_and_the_rest_is_told(house: Installation) -> None:
    said = house.intake("person", JAN, "erase", "--because", "request", "--json")
    assert said.code == 1
    assert said.value["cases"] == []
    assert [kept["why"][:4] for kept in said.value["kept"] if kept["what"] == "case SIS-2026-0001"] == ["open"]
    house.intake("close", "SIS-2026-0001", "--as", "withdrawn")
    house.intake("hold", "SIS-2026-0001", "--because", "Jan dreigt met de rechter")
    said = house.intake("person", JAN, "erase", "--because", "request", "--json")
    assert said.value["kept"][0]["why"].startswith("legal hold")
    house.intake("release", "SIS-2026-0001")
    said = house.intake("person", JAN, "erase", "--because", "request", "--preview")
    assert "Would be erased: SIS-2026-0001" in said.out
    assert house.intake("show", "SIS-2026-0001", "--json").value["complainant"]["address"] == JAN
    said = house.intake("person", JAN, "erase", "--because", "request", "--json")
    assert said.value["cases"] == ["SIS-2026-0001"]
    assert [kept["what"] for kept in said.value["kept"] if kept["needs"]] == ["case SIS-2026-0003"]
    shown = house.intake("show", "SIS-2026-0001")
    assert "anonymised" in shown.out
    for word in ("Jansen", JAN, "104233", "rechter"):
        assert word not in shown.out
    assert house.intake("person", JAN, "erase", "--because", "request").code == 1
    assert "was anonymised on" in house.intake("note", "SIS-2026-0001", "Jan").err
    assert "was erased" in house.intake("open", "1").err


def test_what_is_asked_wrongly_is_refused_in_words(house: Installation) -> None:
    wrong: list[tuple[tuple[str, ...], str]] = [
        (("nobody@example.com", "export", "x"), "Nothing is held about"),
        (("Jan", "export", "x"), "Nothing is held about"),
        (("J", "export", "x"), "names nobody"),
        ((JAN, "erase"), "--because is one of"),
        ((JAN, "erase", "--because", "Jan vroeg het zelf"), "There is no ground"),
        ((JAN, "export"), "takes a folder"),
        ((JAN, "forget"), "There is no action"),
    ]
    for words, told in wrong:
        said = house.intake("person", *words)
        assert said.code in (1, 2), words
        assert told in said.err
    assert not Path("x").exists()
    house.take_in(mail("Waar blijft het?", sender="Jan Jansen <jj@example.de>", message_id="<jj@example.de>"))
    said = house.intake("person", "Jan Jansen", "erase", "--because", "request", "--preview")
    assert "2 people have that name: jan@example.com; jj@example.de" in said.err


def test_the_preview_of_the_night_tells_what_it_takes_and_leaves(house: Installation) -> None:
    house.intake("close", "SIS-2026-0001", "--as", "thanks")
    house.intake("hold", "SIS-2026-0002", "--because", "Dagvaarding")
    (told,) = house.intake("retention", "--json").value
    assert (told["due"], told["messages"], told["open"], told["later"]) == ([], {}, 2, 1)
    assert [line["reference"] for line in told["kept"]] == ["SIS-2026-0002"]
    said = house.intake("retention")
    assert "the next run anonymises 0 cases" in said.out
    assert "SIS-2026-0002: legal hold" in said.out
    assert house.intake("retention", "--run", "--json").value == {"cases": [], "messages": 0, "left": []}
    assert "is not held" in house.intake("release", "SIS-2026-0001").err
