"""Who a person is, and what is theirs: found by any address of theirs, in cases of theirs and of others, and told apart
from what is the shop's and from people of the same name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from intake import casework
from intake.bootstrap import LAYOUTS
from intake.casework.person_export import export_person
from intake.casework.persons import Erasure, erase_person, find_person, refuse_ours
from intake.errors import Refused
from intake.pipeline import House, process, receive_files
from intake.replies.press import Press
from intake.replies.sheets import separator_sheets
from intake.sources.files import FoundMail
from storage.models import Case
from tests.builders import mail, mailbox_settings, make_config, make_house, shop_settings
from tests.post_office import TEXT, post_office, scan, stack
from tests.test_erasing import LETTER as OF_ANOTHER
from tests.test_erasing import rows

REF, SECOND = "SIS-2026-0001", "SIS-2026-0002"
JAN, ELS = "jan@example.com", "els@quist.example.com"


@contextmanager
def desk(folder: Path, *mails: bytes, database: str = "", **changes: Any) -> Iterator[House]:
    """A house that has taken in mails."""
    shop = shop_settings(acknowledge="off", **changes)
    with make_house(make_config(folder / "data", database, [shop])) as house:
        take_in(house, *mails)
        yield house


def take_in(house: House, *mails: bytes) -> None:
    for raw in mails:
        list(receive_files(house, house.config.shops[0], iter([FoundMail("one.eml", raw)])))
        process(house)


def erase(house: House, who: str) -> Erasure:
    return erase_person(house, find_person(house.store, ["sis"], who), "request", "mirjam")


def case_of(house: House, reference: str = REF) -> Case:
    return casework.get_case(house, reference)


def where(house: House, *words: str) -> list[str]:
    """The columns in which one of these words stands still."""
    return sorted(
        {
            f"{table}.{column}"
            for table, lines in rows(house).items()
            for line in lines
            for column, value in line.items()
            if any(word in str(value).lower() for word in words)
        }
    )


def other(number: int, **more: Any) -> bytes:
    """A complaint of somebody's about something else."""
    return mail(f"Mijn grasmaaier, bestelling 55511{number}, is stuk.", message_id=f"<o{number}@example.com>", **more)


def test_a_case_is_theirs_who_wrote_it_also_where_the_answer_goes_elsewhere(database: str, tmp_path: Path) -> None:
    raw = mail(sender="Jan Jansen <jan@werk.example.com>", reply_to="jan.prive@example.com")
    with desk(tmp_path, raw, database=database) as house:
        casework.close(house, REF, "agreed", "mirjam")
        for address in ("jan@werk.example.com", "jan.prive@example.com"):
            found = find_person(house.store, ["sis"], address)
            assert [family.case.reference for family in found.families] == [REF]
        done = erase(house, "Jan@werk.example.com")
        assert (done.cases, [kept for kept in done.kept if kept.needs]) == ([REF], [])
        assert where(house, "jansen", "jan.prive", "jan@werk") == []


def test_an_address_that_passes_on_what_many_people_write_is_nobody(tmp_path: Path) -> None:
    relay = "Markt <relay@market.example.com>"
    first, second = other(1, sender=relay, reply_to=JAN), other(2, sender=relay, reply_to=ELS)
    with desk(tmp_path, first, second) as house:
        with pytest.raises(Refused, match=f"2 people wrote by way of .*{ELS}, {JAN}"):
            find_person(house.store, ["sis"], "relay@market.example.com")
        (family,) = find_person(house.store, ["sis"], JAN).families
        assert family.case.complainant_address == JAN


def test_what_somebody_left_in_a_case_of_somebody_else_goes_with_the_message(database: str, tmp_path: Path) -> None:
    hers = mail(
        "De kobaltblauwe theepot, bestelling 90417733, is ook stuk.",
        sender=f"Els Quist <{ELS}>",
        message_id="<els@quist.example.com>",
        in_reply_to="<second@example.com>",
        subject="Re: Pakket niet geleverd",
    )
    his = mail(
        "Mijn vrouw schrijft ook.", message_id="<second@example.com>", in_reply_to="<first@example.com>", reply_to=ELS
    )
    with desk(tmp_path, mail(), his, hers, database=database) as house:
        assert [line.reference for line in house.store.list_arrivals()] == [REF] * 3
        casework.redraft(house, REF, casework.Asked("answer"), "mirjam")
        before = erase(house, ELS)
        assert any("of somebody else that is open" in kept.why for kept in before.kept)
        assert "; they take part in it" in "".join(kept.why for kept in before.kept if kept.what == f"case {REF}")
        assert "draft.quote" in where(house, "kobalt")
        casework.close(house, REF, "agreed", "mirjam")
        with house.store.processing() as unit:
            unit.recipients.set_undeliverable("sis", ELS, house.clock())
        done = erase(house, ELS)
        assert (done.cases, done.messages) == ([], 1)
        assert where(house, "quist", "kobalt", "90417733") == ["message.reply_to"]
        assert [kept.what for kept in done.kept if kept.needs] == ["case SIS-2026-0001"]
        assert where(house, JAN) != []
        assert case_of(house).complainant_address == JAN


def test_the_shops_own_addresses_and_its_forms_are_nobodys(tmp_path: Path) -> None:
    answer = mail(
        "Beste Jan, u krijgt een nieuw pakket.", sender="Mirjam <mirjam@example.nl>", to=JAN, message_id="<a@x>"
    )
    mailbox = mailbox_settings(1, "inbox@example.nl", forms=["form.example.com"])
    form = other(1, sender="Form <any@form.example.com>", reply_to=ELS)
    with desk(tmp_path, mail(), form, mailbox=mailbox) as house:
        take_in(house, answer)
        for address in ("mirjam@example.nl", "Mirjam@Example.nl", "any@form.example.com"):
            with pytest.raises(Refused, match="no customer's"):
                refuse_ours(house, [address])
        person = find_person(house.store, ["sis"], "any@form.example.com")
        with pytest.raises(Refused, match="no customer's"):
            erase_person(house, person, "request", "mirjam")
        with pytest.raises(Refused, match="no customer's"):
            export_person(house, person, tmp_path / "export")
        refuse_ours(house, [JAN, "Jan Jansen", REF])


def test_an_export_holds_what_a_clerk_wrote_down_and_by_what_a_case_is_known(tmp_path: Path) -> None:
    with post_office(tmp_path) as office:
        sheets = separator_sheets(Press(LAYOUTS), 1, None, ("nl",))
        office.drop("brief.pdf", scan(), {"note": "kwam langs met hond Bobbie"})
        office.drop("stapel.pdf", stack(scan(TEXT.replace("stofzuiger", "oven")), sheets, scan(OF_ANOTHER)))
        office.work()
        person = find_person(office.house.store, ["sis"], "A. de Boer")
        export_person(office.house, person, tmp_path / "export")
        value = json.loads((tmp_path / "export" / "person.json").read_text())
        assert "order:104233" in {clue["key"] for clue in value["clues"]}
        assert {one["name"] for one in value["arrivals"]} == {"brief.pdf", "stapel.pdf"}
        assert [len(one["letters"]) for one in value["readings"]] == [1, 1]
        assert "oven" in str(value["readings"])
        assert {"notices", "effects_of_arrivals", "events_of_arrivals"} <= value.keys()
        (record,) = (tmp_path / "export" / "files").glob("*-record.json")
        assert "Bobbie" in record.read_text()
        assert "Bobbie" in (tmp_path / "export" / "person.html").read_text()
        files = [path for path in (tmp_path / "export").rglob("*") if path.is_file()]
        assert [path.name for path in files if b"zonnestraal" in path.read_bytes().lower()] == []


def test_people_of_one_name_without_an_address_are_told_apart_by_their_cases(tmp_path: Path) -> None:
    with desk(tmp_path, other(1, sender=ELS), other(2, sender="piet@example.com"), other(3)) as house:
        nameless = {"complainant_name": "A. de Boer", "complainant_address": ""}
        for reference in (REF, SECOND):
            with house.store.processing() as unit:
                unit.change_case(case_of(house, reference).id or 0, **nameless)
        with pytest.raises(Refused, match=f"2 people have that name: case {REF}; case {SECOND}") as told:
            find_person(house.store, ["sis"], "A. de Boer")
        assert "reference of a case" in told.value.next_step
        casework.answer(house, SECOND, casework.Answered("phone", date(2026, 9, 7)), "mirjam")
        assert erase(house, SECOND.lower()).cases == [SECOND]
        assert case_of(house).complainant_name == "A. de Boer"
        with pytest.raises(Refused, match="anonymised already"):
            find_person(house.store, ["sis"], SECOND)
        assert find_person(house.store, ["sis"], "SIS-2026-0003").addresses == (JAN,)
