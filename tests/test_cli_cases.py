"""The commands about what came in and what became of it: import, arrivals, cases, show, open, join, inspect."""

import json
from pathlib import Path

import pytest

from tests.builders import mail
from tests.commands import NEWSLETTER, Installation, make_maildir, make_mbox

SECOND = mail("De doos was helemaal beschadigd.", sender="Eva <eva@example.de>", message_id="<2@example.de>")
KEYS = (
    "file",
    "kind",
    "message_id",
    "from",
    "to",
    "subject",
    "sent_at",
    "text",
    "quoted",
    "attachments",
    "language",
    "category",
    "facts",
    "automatic",
    "problems",
)


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Installation:
    return Installation(tmp_path, capsys)


def test_an_imported_mail_is_a_case_that_is_listed_and_shown(house: Installation) -> None:
    house.take_in(mail(), NEWSLETTER)
    listed = house.intake("cases").out
    assert "SIS-" in listed
    (case,) = house.intake("cases", "--json").value
    assert case["complainant"]["address"] == "jan@example.com"
    assert case["category"] == "del_none"
    arrivals = house.intake("arrivals", "--json").value
    assert [(line["fate"], line["case"]) for line in arrivals] == [("opened", case["reference"]), ("set aside", None)]
    assert "set aside" in house.intake("arrivals").out
    assert [line["fate"] for line in house.intake("arrivals", "--fate", "set aside", "--json").value] == ["set aside"]
    page = house.intake("show", case["reference"].lower())
    assert page.code == 0
    for words in ("Jan Jansen", "Why this date", "Mijn pakket is nog steeds niet geleverd", "History", "[", "Draft"):
        assert words in page.out
    value = house.intake("show", case["reference"], "--json").value
    assert value["drafts"][0]["gaps"]
    assert value["deadlines"][0]["trace"]


def test_a_case_that_is_not_there_is_told_with_the_next_step(house: Installation) -> None:
    house.take_in()
    said = house.intake("show", "SIS-1999-0001")
    assert (said.code, said.out) == (1, "")
    assert "SIS-1999-0001" in said.err
    assert "intake cases" in said.err


def test_nothing_to_list_is_said(house: Installation) -> None:
    house.take_in(NEWSLETTER)
    assert house.intake("cases").out == "No open cases.\n"
    assert house.intake("cases", "--json").value == []


def test_an_import_takes_every_kind_of_path_and_repeated_adds_nothing(house: Installation) -> None:
    folder = house.folder / "in"
    complaints = [
        mail(f"Pakket {number} is niet geleverd.", message_id=f"<{number}@example.com>") for number in range(6)
    ]
    eml, mbox = house.write("in/a.eml", complaints[0]), make_mbox(folder / "box", complaints[1:3])
    maildir = make_maildir(folder / "maildir", complaints[3:5])
    house.write("in/all/readme.txt", b"no mail")
    make_mbox(folder / "all" / "b.mbox", complaints[5:])
    make_maildir(folder / "all" / "c", [SECOND])
    paths = (eml, mbox, maildir, folder / "all")
    first = house.intake("import", *paths, "--json").value
    again = house.intake("import", *paths, "--json").value
    assert first == {"read": 7, "new": 7, "processed": 7, "failures": []}
    assert again == {"read": 7, "new": 0, "processed": 0, "failures": []}


def test_an_import_names_what_failed_and_takes_the_rest(house: Installation) -> None:
    said = house.intake("import", house.folder / "none.eml", house.write("a.eml", mail()))
    assert said.code == 1
    assert "none.eml" in said.err
    assert "1 mails read, 1 new" in said.out


def test_a_person_opens_and_joins_what_was_set_aside(house: Installation) -> None:
    other = NEWSLETTER.replace(b"news@example.de", b"more@example.de")
    house.take_in(mail(), NEWSLETTER, other)
    first, aside, other_id = (line["id"] for line in house.intake("arrivals", "--json").value)
    opened = house.intake("open", aside)
    assert opened.code == 0, opened
    assert f"Arrival {aside} opened SIS-" in opened.out
    reference = house.intake("cases", "--json").value[0]["reference"]
    assert house.intake("join", other_id, reference).code == 0
    fates = [line["fate"] for line in house.intake("arrivals", "--json").value]
    assert fates == ["opened", "opened", "joined"]
    nowhere = house.intake("join", other_id, "SIS-1999-0001")
    assert nowhere.code == 1
    assert "can be decided anew" in nowhere.err or "SIS-1999-0001" in nowhere.err
    missing = house.intake("open", 99)
    assert missing.code == 1
    assert "intake arrivals" in missing.err
    again = house.intake("open", first)
    assert again.code == 1
    assert "can be decided anew" in again.err


def test_inspect_gives_one_object_a_line_and_stores_nothing(house: Installation) -> None:
    paths = [
        house.write("one.eml", mail(attach={"foto.jpg": b"\xff\xd8"}, html="<p>Mijn pakket</p>")),
        house.write("two [x].eml", NEWSLETTER),
        house.write("damaged.eml", b"\x00\xff no mail at all"),
    ]
    said = house.intake("inspect", *paths, "--json")
    assert said.code == 0
    first, second, third = said.values
    assert all(set(KEYS) <= set(value) for value in (first, second, third))
    assert first["file"] == str(paths[0])
    assert first["from"] == {"name": "Jan Jansen", "address": "jan@example.com"}
    assert first["facts"]["order_numbers"] == ["104233"]
    assert [(item["name"], item["size"]) for item in first["attachments"]] == [("foto.jpg", 2)]
    assert first["automatic"] == {"is": False, "kind": "", "reason": ""}
    assert second["automatic"]["is"] is True
    assert second["automatic"]["reason"]
    assert not (house.folder / "var" / "intake.db").exists()


def test_inspect_for_eyes_names_each_file(house: Installation) -> None:
    path = house.write("a [bold].eml", mail())
    said = house.intake("inspect", path)
    assert said.code == 0
    assert "[bold].eml" in said.out.replace("\n", "")
    assert "del_none" in said.out


def test_inspect_of_a_record_and_of_what_is_not_there(house: Installation) -> None:
    record = house.write("scan.json", json.dumps({"recieved_on": "2026-09-07"}).encode())
    said = house.intake("inspect", record, house.folder / "none.eml", "--json")
    assert said.code == 1
    assert all(value["error"] for value in said.values)


def test_a_case_with_brackets_in_its_words_is_shown_as_written(house: Installation) -> None:
    house.take_in(mail(subject="[red]kapot[/red] [/]", sender='"[b] Jan" <jan@example.com>'))
    reference = house.intake("cases", "--json").value[0]["reference"]
    assert "[red]" in house.intake("cases").out
    assert "[red]kapot[/red] [/]" in house.intake("show", reference).out
    assert "[red]" in house.intake("arrivals").out
