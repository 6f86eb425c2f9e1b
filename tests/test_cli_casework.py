"""The commands by which people work on cases, as a person types them."""

from pathlib import Path

import pytest

from tests.builders import mail
from tests.commands import Installation

OTHER = mail("Mijn stofzuiger is stuk.", sender="Eva <eva@example.de>", message_id="<eva@example.de>")
FOLLOW_UP = mail("Ook beschadigd.", message_id="<second@example.com>", in_reply_to="<first@example.com>")
URGENT = mail("Dit is een inzageverzoek.", sender="Bo <bo@example.de>", message_id="<bo@example.de>")


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Installation:
    return Installation(tmp_path, capsys)


def references(house: Installation) -> list[str]:
    return sorted(case["reference"] for case in house.intake("cases", "--json").value)


def test_a_case_is_worked_on_line_by_line_and_every_change_is_told(house: Installation) -> None:
    house.take_in(mail())
    (reference,) = references(house)
    due_on = house.intake("cases", "--json").value[0]["due_on"]
    for words, told in (
        (("assign", reference.lower(), "mirjam"), f"{reference} is assigned to mirjam."),
        (("category", reference, "damaged"), f"{reference} is about Damaged"),
        (("language", reference, "en"), f"{reference} is answered in en."),
        (("note", reference, "[bold]Gebeld[/] over NL91ABNA0417164300"), f"The note is kept with {reference}."),
        (("redraft", reference), f"{reference} has a new draft (answer: "),
        (("answer", reference, "--how", "phone", "--note", "Akkoord."), f"{reference} was answered by phone on "),
        (("reopen", reference), f"{reference} is open again, due on "),
        (("due", reference, "--move", "2031-06-10", "--because", "reis"), f"{reference} is due on 2031-06-10 now"),
        (("close", reference, "--as", "thanks"), f"{reference} is closed: the customer only said thanks."),
    ):
        said = house.intake(*words)
        assert said.code == 0, said
        assert told in said.out
    page = house.intake("show", reference).out
    for part in ("assigned to  mirjam", "[bold]Gebeld[/]", "promised", "Date moved", "reis", "closed", "damaged · en"):
        assert part in page, page
    value = house.intake("show", reference, "--json").value
    assert [note["text"] for note in value["notes"]] == ["[bold]Gebeld[/] over NL91ABNA0417164300", "Akkoord."]
    assert [one["kind"] for one in value["deadlines"]] == ["promise", "moved", "moved"]
    assert value["deadlines"][0]["due_on"] == due_on
    assert (value["closed_as"], value["state"]) == ("thanks", "closed")
    assert "closed" in house.intake("cases", "--state", "closed").out


def test_cases_are_merged_and_split_by_the_numbers_that_show_tells(house: Installation) -> None:
    house.take_in(mail(), OTHER, FOLLOW_UP)
    first, second = references(house)
    merged = house.intake("merge", second.lower(), first)
    assert f"{second} is merged into {first}" in merged.out
    assert f"merged into  {first}" in house.intake("show", second).out
    assert f"took in      {second}" in house.intake("show", first).out
    number = house.intake("show", first, "--json").value["messages"][-1]["id"]
    assert f"#{number} Mail" in house.intake("show", first).out
    opened = house.intake("split", first, number, "--json").value
    assert references(house) == sorted([first, opened["reference"]])
    again = house.intake("merge", second, first)
    assert again.code == 1
    assert "merged already" in again.err


def test_what_cannot_be_is_refused_with_the_next_step(house: Installation) -> None:
    house.take_in(mail())
    (case,) = references(house)
    for words, code, told in (
        (("assign", "SIS-1999-0001", "mirjam"), 1, "intake cases"),
        (("close", case, "--as", "nonsense"), 2, "withdrawn (the customer withdrew the complaint)"),
        (("category", case, "nonsense"), 2, "del_none"),
        (("due", case), 2, "--because"),
        (("due",), 2, "--received"),
        (("due", case, "--move", "2031-06-08", "--because", "x"), 1, "The next one is 2031-06-09"),
        (("answer", case, "--how", "phone", "--on", "2020-01-01"), 1, "cannot have been answered"),
    ):
        said = house.intake(*words)
        assert (said.code, said.out) == (code, ""), words
        assert told in " ".join(said.err.split())


def test_second_clocks_and_whose_a_case_is_are_listed(house: Installation) -> None:
    house.take_in(mail(), URGENT)
    listed = house.intake("cases", "--json").value
    assert [[clock["kind"] for clock in case["clocks"]] for case in listed] == [["privacy"], []]
    house.intake("assign", listed[1]["reference"], "mirjam")
    table = house.intake("cases").out
    assert "privacy: " in table
    assert "@mirjam" in table
    assert "answer a privacy request within one month" in " ".join(
        house.intake("show", listed[0]["reference"]).out.split()
    )
