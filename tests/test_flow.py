"""From bytes in a file to a case with a date and a draft: the three steps together, on both databases."""

from datetime import date
from pathlib import Path

from intake.pipeline import process, receive_files
from intake.pipeline.receiving import ImportedFile
from tests.builders import fates, mail, make_config, make_house


def take_in(house, *mails: bytes) -> None:
    """Import mails and process them."""
    shop = house.config.shops[0]
    files = (ImportedFile(f"{number}.eml", raw) for number, raw in enumerate(mails))
    assert sum(read for read, _ in receive_files(house, shop, files)) == len(mails)
    process(house)


def test_a_complaint_becomes_a_case_with_a_date_and_a_draft(database: str, tmp_path: Path) -> None:
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, mail())
        (case,) = house.store.list_cases()
        file = house.store.case_file(case.id or 0)
    assert case.reference == "SIS-2026-0001"
    assert case.due_on == date(2026, 9, 11)
    assert case.category == "del_none"
    assert case.language == "nl"
    assert file.messages[0].facts["order_numbers"] == ["104233"]
    assert "(SIS-2026-0001)" in file.drafts[0].subject
    assert file.drafts[0].in_reply_to == "<first@example.com>"
    assert file.drafts[0].gaps
    assert [event.kind for event in file.events] == ["opened", "drafted"]
    assert any("day 4" in line for line in file.deadlines[0].trace)


def test_the_same_mail_twice_opens_one_case(database: str, tmp_path: Path) -> None:
    again = b"Received: from a.example.com by b.example.com; Mon, 07 Sep 2026 10:05:00 +0000\r\n" + mail()
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, mail(), again)
        assert fates(house.store) == ["opened", "duplicate"]
        assert len(house.store.list_cases()) == 1


def test_a_reply_of_the_customer_joins_and_a_strangers_is_suggested(database: str, tmp_path: Path) -> None:
    reply = mail("Graag snel!", message_id="<second@example.com>", in_reply_to="<first@example.com>")
    stranger = mail(
        "Ik heb ook zoiets, mijn stofzuiger is stuk.",
        sender="Iemand <iemand@example.de>",
        message_id="<third@example.de>",
        references="<first@example.com>",
    )
    with make_house(make_config(tmp_path, database)) as house:
        take_in(house, mail(), reply, stranger)
        lines = house.store.list_arrivals()
    assert [line.message.fate.value for line in lines if line.message] == ["opened", "joined", "opened"]
    assert [line.reference for line in lines] == ["SIS-2026-0001", "SIS-2026-0001", "SIS-2026-0002"]
    assert lines[2].suggested == "SIS-2026-0001"
