"""The report: why something was late, how old what is open is, and the ways in which it is told."""

import csv
import io
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from intake.cli.report import as_csv
from intake.guarantee import collect
from intake.measuring.report import Aside, Line, Report, ShopRows, late_because, report
from intake.measuring.rows import rows_of
from intake.pipeline.retaining import forget_what_is_due
from storage.database import open_engine
from storage.models import CaseState, Fate
from storage.store import Store
from tests.builders import make_config, make_house, newest_sqlite
from tests.commands import Installation
from tests.plain_facts import CALENDARS, ZONE, answer, at, case, closed, day, promised, word
from tests.records import a_message, an_arrival
from tests.simulated_store import write_year
from tests.simulated_year import NOW, SHOPS, tell_year

LATER = "30 10:00"

# name, what is known of a case, and why it was late
LATE: list[tuple[str, dict[str, Any], str]] = [
    ("nobody answered", {}, "unanswered"),
    ("closed without an answer", {"closings": (closed("14 09:00", "settled"),)}, "closed without an answer"),
    ("told after the due date", {"answers": (word("09 09:00", "14 09:00"),)}, "told late"),
    ("a letter that came late", {"answers": (word("11 17:00", how="letter", on=15),)}, "letter posted too late"),
    ("held", {"answers": (answer("15 09:00"),), "held": (at("10 09:00"),)}, "a holding reply was sent"),
    ("moved by a person", {"answers": (answer("15 09:00"),), "moved": (at("10 09:00"),)}, "date moved by a person"),
    ("held after the answer", {"answers": (answer("15 09:00"),), "held": (at("16 09:00"),)}, "answered late"),
    ("simply late", {"answers": (answer("15 09:00"),)}, "answered late"),
    (
        "opened after its due date",
        {"promised": (promised(made="14 09:00"),), "opened_at": at("14 09:00"), "answers": (answer("14 15:00"),)},
        "opened late",
    ),
]


def told(*cases: Any, aside: tuple[Aside, ...] = (), as_of: str = LATER) -> ShopRows:
    rows = rows_of(cases, ZONE, CALENDARS, at(as_of))
    return ShopRows("sis", rows, {one.reference: one for one in cases}, aside, at(as_of).date())


@pytest.mark.parametrize(("facts", "because"), [pytest.param(*more, id=name) for name, *more in LATE])
def test_each_late_answer_has_its_reason(facts: dict[str, Any], because: str) -> None:
    one = told(case("A", **facts))
    assert late_because(one.rows[0], one.facts["A"]) == because
    assert report([one], day(1), day(30), "month").total.late == {because: 1}


def test_of_a_case_with_several_reasons_the_first_is_told() -> None:
    again = promised("14 12:00", 18, message=2)
    one = told(case("A", promised(), again, answers=(answer("15 13:00"),), held=(at("10 09:00"),)))
    found = report([one], day(1), day(30), "channel")
    assert found.total.late == {"a holding reply was sent": 1}
    assert (found.total.due, found.total.arrived, found.total.in_time) == (1, 2, 0)


@pytest.mark.parametrize(("as_of", "age"), [("11 10:00", "0-4"), ("14 10:00", "5-10"), ("25 10:00", "11-20")])
def test_what_is_open_has_an_age_in_business_days(as_of: str, age: str) -> None:
    """Also what is not due yet; the 16th is closed."""
    found = report([told(case("A"), as_of=as_of)], day(1), day(30), "month")
    assert found.total.open == {age: 1}
    assert found.total.due == (0 if as_of == "11 10:00" else 1)


def test_a_line_for_each_way_or_month() -> None:
    october = replace(promised("29 12:00", 11, message=2, channel="letter"), due_on=date(2026, 10, 5))
    set_aside = (
        Aside("automatic", "mail", day(8)),
        Aside("spam", "mail", day(9)),
        Aside("spam", "mail", date(2026, 8, 1)),
    )
    one = told(case("A", answers=(answer("08 09:00"),)), case("B", october), aside=set_aside, as_of="10-07 10:00")
    by_month = report([one], day(1), date(2026, 10, 31), "month")
    assert [(line.key, line.arrived, line.due, line.in_time) for line in by_month.lines] == [
        ("2026-09", 2, 1, 1),
        ("2026-10", 0, 1, 0),
    ]
    assert [line.aside for line in by_month.lines] == [{"automatic": 1, "spam": 1}, {}]
    by_way = report([one], day(1), date(2026, 10, 31), "channel")
    assert [(line.key, line.due, line.aside) for line in by_way.lines] == [
        ("letter", 1, {}),
        ("mail", 1, {"automatic": 1, "spam": 1}),
    ]
    assert report([one], day(1), date(2026, 10, 31), "category").total.aside == {"automatic": 1, "spam": 1}
    template = report([one], day(1), date(2026, 10, 31), "template")
    assert [(line.key, line.in_time) for line in template.lines] == [("", 0), ("nl/answer.j2", 1)]


def test_a_spreadsheet_calculates_nothing_of_a_report() -> None:
    line = Line(key='=HYPERLINK("x")', arrived=1, aside={"@spam": 2, "-1": 1}, excluded={"+x": 1})
    text = as_csv(Report(day(1), day(30), "category", (line,), replace(line, key='a "b", c')))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert text.count("\r\n") == 3
    assert rows[1][0] == '\'=HYPERLINK("x")'
    assert rows[2][0] == 'a "b", c'
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert len({len(row) for row in rows}) == 1


@pytest.fixture
def installed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A small year and a newsletter, looked at in January 2027."""
    (tmp_path / "var").mkdir()
    shutil.copyfile(newest_sqlite(), tmp_path / "var" / "intake.db")
    config = make_config(tmp_path / "var", shops=[SHOPS[0]])
    store = Store(open_engine(config.database_url))
    write_year(store, tell_year(config.shops, 40))
    (arrival,) = store.receive([an_arrival(90_000, received_at=NOW - timedelta(days=60))])
    with store.processing() as unit:
        newsletter = {"fate": Fate.SET_ASIDE, "reason_kind": "automatic", "received_at": NOW - timedelta(days=60)}
        unit.add_message(a_message(arrival, **newsletter))
    store.engine.dispose()
    monkeypatch.setattr("intake.cli.report.clock", lambda: NOW)
    return Installation(tmp_path, capsys)


def test_the_report_is_told_as_table_csv_json_and_charts(installed: Installation) -> None:
    days = ("--from", "2026-01-01", "--to", "2026-12-31")
    value = installed.intake("report", *days, "--json").value
    total = value["total"]
    assert (value["by"], len(value["lines"]), total["aside"]) == ("month", 12, {"automatic": 1})
    table = installed.intake("report", *days)
    assert f"total {total['arrived']} {total['due']} {total['in_time']}" in " ".join(table.out.split())
    assert "set aside: automatic 1" in table.out
    printed = installed.intake("report", *days, "--csv", "-", "--by", "channel").out
    assert [row[0] for row in csv.reader(io.StringIO(printed))] == ["channel", "letter", "mail", "total"]
    file, charts = installed.folder / "report.csv", installed.folder / "charts"
    said = installed.intake("report", *days, "--by", "channel", "--csv", file, "--svg", charts, "--json")
    assert said.value["by"] == "channel"
    assert file.read_bytes().decode().splitlines() == printed.splitlines()
    names = ["answered.svg", "aside.svg", "late.svg", "open.svg"]
    assert sorted(path.name for path in charts.iterdir()) == names
    assert all(b"<title" in path.read_bytes() and b"<script" not in path.read_bytes() for path in charts.iterdir())


def test_wrong_days_and_lines_are_usage(installed: Installation) -> None:
    assert installed.intake("report", "--from", "2026-05-02", "--to", "2026-05-01").code == 2
    assert installed.intake("report", "--by", "weather").code == 2
    assert installed.intake("report", "--csv", installed.folder).code == 2


def test_what_was_forgotten_counts_as_before(tmp_path: Path) -> None:
    """People go, and dates and outcomes stay."""
    shutil.copyfile(newest_sqlite(), tmp_path / "intake.db")
    config = make_config(tmp_path, shops=[SHOPS[0]])
    (shop,) = config.shops
    store = Store(open_engine(config.database_url))
    write_year(store, tell_year(config.shops, 40))
    before = collect(store, shop, NOW.date()).rows_at(NOW)
    store.engine.dispose()
    with make_house(config, NOW + timedelta(days=1100)) as house:
        forget_what_is_due(house)
        forgotten = [one for one in house.store.list_cases(states=tuple(CaseState)) if one.anonymised_at is not None]
        assert len(forgotten) > 30
        assert collect(house.store, shop, NOW.date()).rows_at(NOW) == before
