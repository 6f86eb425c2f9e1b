"""Evidence: what a bundle says is what the database says, without anybody in it, and nothing in it can be changed
unseen."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holidays.version import __version__ as holidays_version
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from intake.bootstrap import TEMPLATES
from intake.config import Shop
from intake.errors import Refused, UsageError
from intake.evidence import Finding, Verified, Wanted, last_months, make_bundle, name_of, read_window, verify
from intake.evidence.form import BYTES_AT_MOST, EXCLUSIONS, FIGURES, GUARANTEE, LISTED, MANIFEST, NAMES, ROWS, SUMS
from intake.evidence.lines import COLUMNS
from intake.evidence.measured import possible_dues
from intake.guarantee import collect, keep_months, progress
from intake.measuring.figures import figures_value
from intake.measuring.guarantees import Guarantee, parse_guarantees
from storage.database import open_engine, reading, writing
from storage.rows import insert_all, values_of
from storage.store import Store
from storage.tables import ARRIVALS, CASES, DRAFTS, EVENTS, MESSAGES, PARTICIPANTS
from tests.builders import make_config, newest_sqlite
from tests.bundles import Bundle
from tests.commands import Installation, run
from tests.records import a_case
from tests.simulated_store import write_year
from tests.simulated_year import NOW, SHOPS, tell_year
from tests.test_measuring import row

GUARANTEES = parse_guarantees((TEMPLATES / "guarantees.toml").read_text(encoding="utf-8"), "guarantees.toml")
MORE = """
[[guarantees]]
id = "{id}"
measure = "{measure}"
{within}
name = {{ nl = "a", en = "a", de = "a", fr = "a" }}
sentence = {{ nl = "a", en = "a", de = "a", fr = "a" }}
[[guarantees.levels]]
id = "good"
name = {{ nl = "a", en = "a", de = "a", fr = "a" }}
share = 0.5
"""
EVERY_MEASURE = GUARANTEES + parse_guarantees(
    "".join(
        MORE.format(id=f"m{number}", measure=measure, within=f"within = {within}" if within else "")
        for number, (measure, within) in enumerate(
            (("acknowledged-within", 24), ("median-days", 0), ("not-reopened-within", 30), ("letters-dated", 0))
        )
    ),
    "more.toml",
)
KEY = b"k" * 32
TODAY = NOW.date()


def shops(folder: Path) -> tuple[Shop, ...]:
    return make_config(folder, shops=list(SHOPS)).shops


def wanted(shop: Shop, **changes: Any) -> Wanted:
    method = (TEMPLATES / "evidence" / "method.md").read_text(encoding="utf-8")
    values = {
        "window": last_months(12, TODAY),
        "guarantees": GUARANTEES,
        "issuer": "self",
        "method": method,
        "key": KEY,
    }
    return Wanted(**{"shop": shop, **values, **changes})


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A small year of three shops, on SQLite."""
    folder = tmp_path_factory.mktemp("year")
    shutil.copyfile(newest_sqlite(), folder / "intake.db")
    store = Store(open_engine(f"sqlite:///{folder / 'intake.db'}"))
    write_year(store, tell_year(shops(folder), cases=210))
    keep_months(store, shops(folder), GUARANTEES, NOW)
    yield store
    store.engine.dispose()


@pytest.fixture(scope="module")
def made(year: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the year of the first shop. Tests change copies of it."""
    folder = tmp_path_factory.mktemp("made") / "bundle"
    make_bundle(year, wanted(shops(folder)[0], guarantees=EVERY_MEASURE), folder, NOW)
    return folder


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Bundle:
    shutil.copytree(made, tmp_path / "bundle")
    return Bundle(tmp_path / "bundle")


def told(found: Verified) -> str:
    return "\n".join(map(str, found.findings))


def personal(store: Store) -> set[str]:
    """Everything in the database that somebody wrote or is called, and each case's reference."""
    columns = (
        *(CASES.c[name] for name in ("reference", "subject", "complainant_name", "complainant_address")),
        *(MESSAGES.c[name] for name in ("message_id", "from_name", "from_address", "subject", "text")),
        *(DRAFTS.c[name] for name in ("recipient", "subject", "body", "token")),
        *(PARTICIPANTS.c.key, ARRIVALS.c.name, ARRIVALS.c.account, EVENTS.c.actor),
    )
    with reading(store.engine) as connection:
        found = {str(value) for column in columns for value in connection.execute(select(column)).scalars()}
    return {value for value in found if len(value) > 4} - {"intake", "manager, by mail", *(one["id"] for one in SHOPS)}


def test_a_year_of_a_shop_is_verified_in_a_fresh_folder(database: str, tmp_path: Path) -> None:
    """All of it on SQLite; on PostgreSQL, where writing it takes longer, a sixth."""
    store = Store(open_engine(database))
    cases = 1_200 if store.engine.dialect.name == "sqlite" else 200
    shop = shops(tmp_path)[1]
    write_year(store, tell_year(shops(tmp_path), cases))
    with writing(store.engine) as connection:
        stranger = a_case("XYZ-2026-0001", shop=shop.id, complainant_name="Zoë de Vries", subject="Lekkende waterkoker")
        insert_all(connection, CASES, [values_of(stranger)])
    keep_months(store, [shop], GUARANTEES, NOW)
    make_bundle(store, wanted(shop), tmp_path / "made", NOW)
    fresh = tmp_path / "elsewhere" / "fresh"
    shutil.copytree(tmp_path / "made", fresh)
    found = verify(fresh)
    assert (told(found), found.counted) == ("", True)
    assert found.lines > cases // 4
    assert_equals_what_was_kept(store, shop, Bundle(fresh))
    text = b"".join(path.read_bytes() for path in fresh.iterdir()).decode()
    assert [one for one in personal(store) if one in text] == []
    store.engine.dispose()


def assert_equals_what_was_kept(store: Store, shop: Shop, bundle: Bundle) -> None:
    """The months of a bundle are those that Intake measures and keeps, and its window is that of the last month."""
    months = {str(one.first): one for one in progress(collect(store, shop, TODAY), GUARANTEES[0], NOW).months}
    (stated,) = bundle.read(FIGURES)["guarantees"]
    assert len(stated["months"]) == 13  # one more before the window
    for month in stated["months"][1:]:
        own = months[month["month"]]
        assert (month["reached"], month["held"]) == (own.rating.reached, own.held)
        assert month["figures"] == figures_value(own.rating.figures)
        assert month["kept"]["figures"] == month["figures"]
        assert month["kept"]["held"] == month["held"]
    assert stated["months"][-1]["month"] == "2026-12-01"
    assert stated["window"]["window"] == {"first": "2026-01-01", "last": "2026-12-31", "months": 12}


def test_every_measure_is_counted_again(made: Path) -> None:
    found = verify(made)
    assert (told(found), found.counted) == ("", True)
    figures = {one["id"]: one["window"] for one in Bundle(made).read(FIGURES)["guarantees"]}
    assert set(figures) == {"answer-in-4-days", "m0", "m1", "m2", "m3"}
    assert all(0 < one["good"] <= one["count"] for one in figures.values())


def test_any_window_can_be_shown(year: Store, tmp_path: Path) -> None:
    shop = shops(tmp_path)[1]
    window = read_window("2026-03-15..2026-05-02", TODAY)
    make_bundle(year, wanted(shop, window=window), tmp_path / "b", NOW)
    found = verify(tmp_path / "b")
    assert told(found) == ""
    (stated,) = Bundle(tmp_path / "b").read(FIGURES)["guarantees"]
    assert [one["month"] for one in stated["months"]] == ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]
    inside = [
        row
        for row in collect(year, shop, TODAY).rows_at(NOW)
        if window.first <= row.due_on <= window.last and not row.excluded
    ]
    assert stated["window"]["count"] == len({row.case for row in inside})


@pytest.mark.parametrize("text", ["2026-05", "2026-05-02..2026-03-01", "2026-05-01..2999-01-01", "..", "a..b"])
def test_a_window_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_window(text, TODAY)


def test_what_does_not_count_is_listed_with_reason_person_and_time(bundle: Bundle, year: Store) -> None:
    lines = bundle.lines(EXCLUSIONS)
    counted = bundle.read(FIGURES)["guarantees"][0]["window"]["excluded"]
    assert counted
    assert {line["reason"] for line in lines} == set(counted)
    assert all(re.fullmatch("person-[0-9a-f]{16}|import", line["by"]) and line["at"] for line in lines)
    shop = shops(bundle.folder)[0]
    assert name_of(year, shop, KEY, lines[0]["by"]) in ("mirjam", "import")


def test_the_same_case_has_the_same_name_in_each_bundle_of_its_shop_and_no_other(year: Store, tmp_path: Path) -> None:
    one, other, _ = shops(tmp_path)
    for name, key, shop in (("a", KEY, one), ("b", KEY, one), ("c", b"x" * 32, one), ("d", KEY, other)):
        make_bundle(year, wanted(shop, key=key), tmp_path / name, NOW)
    cases = {name: {line["case"] for line in Bundle(tmp_path / name).lines()} for name in "abcd"}
    assert cases["a"] == cases["b"]
    assert not cases["a"] & (cases["c"] | cases["d"])
    names = {name_of(year, one, KEY, case) for case in cases["a"]}
    assert len(names) == len(cases["a"])
    assert names < {f"SIS-2026-{number:04}" for number in range(1, 300)}
    assert name_of(year, other, KEY, min(cases["a"])) is None


def test_a_bundle_goes_into_a_new_folder_and_is_whole_or_not_there(year: Store, tmp_path: Path) -> None:
    shop = shops(tmp_path)[0]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "link", "file"):
        with pytest.raises(Refused, match="not an empty folder"):
            make_bundle(year, wanted(shop), tmp_path / name, NOW)
    (tmp_path / "empty").mkdir()
    make_bundle(year, wanted(shop), tmp_path / "empty", NOW)
    assert {path.name for path in (tmp_path / "empty").iterdir()} == NAMES
    assert {path.name for path in tmp_path.iterdir()} == {"full", "link", "file", "empty"}
    assert (tmp_path / "full" / "x").read_text() == "mine"


# One cell, another value of the same form: what a person would type into a spreadsheet.
ANOTHER: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(
        ("measured_from", "measured_to", "received_at", "acknowledged_at", "answered_at"),
        lambda cell: cell.replace(cell[14:16], "59" if cell[14:16] != "59" else "58", 1),
    ),
    **dict.fromkeys(("case", "member", "check"), lambda cell: cell[:-1] + ("0" if cell[-1] != "0" else "1")),
    **dict.fromkeys(
        ("received_on", "due_on", "answered_on", "told_on"),
        lambda cell: (date.fromisoformat(cell) + timedelta(days=1)).isoformat(),
    ),
    **dict.fromkeys(("closed_on", "reopened_on", "due_recounted"), lambda _: "2026-05-04"),
    **dict.fromkeys(("sequence", "business_days", "days_taken"), lambda cell: str(int(cell) + 1)),
    **dict.fromkeys(("arrival_known", "seen", "in_time"), lambda cell: "no" if cell == "yes" else "yes"),
    "shop": lambda _: "cut",
    "channel": lambda cell: "letter" if cell == "mail" else "mail",
    "due_month": lambda _: "2026-12",
    "counting": lambda _: "cut-off",
    "calendar": lambda _: "nl-0000000000",
    "cut_off": lambda _: "29:00",
    "time_zone": lambda _: "Europe/Nowhere",
    "holidays_release": lambda _: "0.1",
    "answered_how": lambda cell: "phone" if cell != "phone" else "counter",
    "excluded": lambda _: "spam",
    "excluded_by": lambda _: "intake",
    "excluded_at": lambda _: "2026-05-04T12:00:00+02:00",
}
# Where the line alone does not tell; who forges these has to be found out at the shop, or by the seal.
BELIEVED = {
    "received_at",
    "answered_at",
    "answered_how",
    "acknowledged_at",
    "seen",
    "told_on",
    "sequence",
    "arrival_known",
    "holidays_release",
}


def a_line(bundle: Bundle) -> int:
    """The number of a line in which every kind of cell stands: acknowledged, answered, and seen in Sent."""
    return next(
        number
        for number, line in enumerate(bundle.lines(), 2)
        if line["acknowledged_at"] and line["seen"] == "yes" and line["in_time"] == "yes" and line["channel"] == "mail"
    )


@pytest.mark.parametrize("column", COLUMNS)
def test_one_changed_cell_is_named_by_line_and_column(bundle: Bundle, column: str) -> None:
    number = a_line(bundle)
    before = bundle.lines()[number - 2][column]
    bundle.set_cell(number, **{column: ANOTHER[column](before)})
    found = verify(bundle.folder)
    named = [
        one for one in found.findings if one.file == ROWS and f"line {number}" in one.place and column in one.place
    ]
    assert named, told(found)
    assert {one.file for one in found.findings if "SHA-256" in one.what} == {ROWS}


@pytest.mark.parametrize("column", [one for one in COLUMNS if one not in (*BELIEVED, "check")])
def test_one_changed_cell_is_found_also_where_every_hash_was_made_anew(bundle: Bundle, column: str) -> None:
    number = a_line(bundle)
    bundle.set_cell(number, **{column: ANOTHER[column](bundle.lines()[number - 2][column])})
    bundle.seal()
    found = verify(bundle.folder)
    assert found.findings
    assert not any("SHA-256" in one.what or "was changed" in one.what for one in found.findings), told(found)


def test_a_late_answer_that_is_made_early_everywhere_changes_the_figures(bundle: Bundle) -> None:
    late = next(n for n, line in enumerate(bundle.lines(), 2) if line["in_time"] == "no" and line["seen"] == "yes")
    line = bundle.lines()[late - 2]
    moment = line["due_on"] + line["answered_at"][10:]
    bundle.set_cell(late, answered_on=line["due_on"], answered_at=moment, in_time="yes", days_taken="4")
    bundle.seal()
    found = verify(bundle.folder)
    assert any(
        one.file == FIGURES and one.place.endswith("figures.good") and int(one.found) == int(one.stated) + 1
        for one in found.findings
    ), told(found)


def test_a_line_that_is_taken_out_or_copied_is_found(bundle: Bundle) -> None:
    lines = bundle.lines()
    bundle.write_lines(lines[:5] + lines[6:])
    found = told(verify(bundle.folder))
    assert "the number of its lines differs" in found
    bundle.seal()
    assert f"{FIGURES}, guarantees[answer-in-4-days].window" in told(verify(bundle.folder))
    bundle.write_lines(lines[:6] + lines[5:])
    bundle.seal()
    assert "it is the promise of line 7, measured at the same time" in told(verify(bundle.folder))


def set_figure(value: Any) -> None:
    value["guarantees"][0]["months"][3]["figures"]["good"] += 1


def set_level(value: Any) -> None:
    value["guarantees"][0]["months"][3]["reached"] = "platinum"


def set_kept(value: Any) -> None:
    value["guarantees"][0]["months"][3]["kept"]["figures"]["median"] = 1.0


def set_rate(value: Any) -> None:
    value[0]["definition"]["levels"][0]["lower_bound"] = 0.1


def set_exclusion(value: Any) -> None:
    value["guarantees"][0]["window"]["excluded"] = {}


@pytest.mark.parametrize(
    ("file", "change", "named"),
    [
        (FIGURES, set_figure, r"guarantees\[answer-in-4-days\].months\[2026-03-01\].figures.good: it differs: stated"),
        (FIGURES, set_level, r"months\[2026-03-01\].reached: it differs: stated platinum, found"),
        (FIGURES, set_kept, r"months\[2026-03-01\].kept.figures.median: it differs: stated 1.0, found"),
        (FIGURES, set_exclusion, r"answer-in-4-days\].window.excluded\.[a-z-]+: it is missing: stated nothing, found"),
        (GUARANTEE, set_rate, r"answer-in-4-days.fingerprint: it differs"),
        (
            "promise.json",
            lambda value: value[0].update(business_days=5),
            "business_days: it differs: stated 5, found 4",
        ),
        (
            "calendar.json",
            lambda value: next(iter(value.values()))["closed_days"].pop(7),
            "is a closed day of that calendar",
        ),
        (
            MANIFEST,
            lambda value: value["window"].update(first="2026-02-01", months=11),
            "it does not belong|it differs",
        ),
        (MANIFEST, lambda value: value.update(as_of="2027-01-13T08:00:00Z"), "nothing was measured at that moment"),
        (MANIFEST, lambda value: value["shop"].update(zone="Asia/Tokyo"), "it is not the day of|nothing was measured"),
    ],
)
def test_what_a_file_says_against_the_lines_is_named(
    bundle: Bundle, file: str, change: Callable[[Any], object], named: str
) -> None:
    bundle.change(file, change)
    bundle.seal()
    assert re.search(named, told(verify(bundle.folder)))


def test_an_exclusion_that_is_left_out_or_made_up_is_named(bundle: Bundle) -> None:
    lines = bundle.lines(EXCLUSIONS)
    gone = lines.pop()
    lines[0] |= {"reason": "thanks" if lines[0]["reason"] != "thanks" else "spam"}
    bundle.write_lines(lines, EXCLUSIONS)
    bundle.seal()
    found = told(verify(bundle.folder))
    assert f"{EXCLUSIONS}, line 2: no line of rows.csv is excluded like that" in found
    assert f"{EXCLUSIONS}: the promise of {gone['member']} due on {gone['due_on']} is missing" in found


FROM_FILES = st.tuples(st.sampled_from(sorted(NAMES)), st.floats(0, 1, exclude_max=True), st.integers(1, 255))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=FROM_FILES)
def test_any_changed_byte_of_any_file_is_noticed(bundle: Bundle, where: tuple[str, float, int]) -> None:
    name, place, change = where
    path = bundle.folder / name
    content = path.read_bytes()
    at = int(place * len(content))
    path.write_bytes(content[:at] + bytes([content[at] ^ change]) + content[at + 1 :])
    try:
        assert any(name in (one.file, MANIFEST, SUMS) for one in verify(bundle.folder).findings)
    finally:
        path.write_bytes(content)


def replace(name: str, content: bytes) -> Callable[[Bundle], object]:
    return lambda bundle: (bundle.folder / name).write_bytes(content)


def in_manifest(**values: Any) -> Callable[[Bundle], object]:
    return lambda bundle: bundle.change(MANIFEST, lambda manifest: manifest.update(values))


def huge(bundle: Bundle) -> None:
    with (bundle.folder / ROWS).open("ab") as file:
        file.truncate(BYTES_AT_MOST + 1)


def linked(bundle: Bundle) -> None:
    (bundle.folder / ROWS).rename(bundle.folder.parent / "secret")
    (bundle.folder / ROWS).symlink_to(bundle.folder.parent / "secret")


def piped(bundle: Bundle) -> None:
    (bundle.folder / ROWS).unlink()
    os.mkfifo(bundle.folder / ROWS)


def foldered(bundle: Bundle) -> None:
    (bundle.folder / ROWS).unlink()
    (bundle.folder / ROWS).mkdir()


def never_open(bundle: Bundle) -> None:
    """A calendar without a business day in twenty years."""
    days = (date(2010, 1, 4) + timedelta(days=n) for n in range(20 * 365))
    closed = [day.isoformat() for day in days if day.weekday() < 5]
    ends = {"first": "2010-01-04", "last": "2029-12-20", "closed_days": closed}
    bundle.change("calendar.json", lambda value: [one.update(ends) for one in value.values()])
    bundle.write_lines(bundle.lines()[:3])
    bundle.seal()


HOSTILE: dict[str, tuple[Callable[[Bundle], object], str]] = {
    "a missing file": (lambda bundle: (bundle.folder / FIGURES).unlink(), "figures.json: it is missing"),
    "no manifest": (lambda bundle: (bundle.folder / MANIFEST).unlink(), "manifest.json: it is missing"),
    "a file too many": (replace("../bundle/notes\x1b[31m.txt", b"x"), "it is no part of the bundle"),
    "a link": (linked, "rows.csv: it cannot be read"),
    "a pipe": (piped, "rows.csv: it cannot be read"),
    "a folder": (foldered, "rows.csv: it cannot be read"),
    "a huge file": (huge, f"it has more than {BYTES_AT_MOST} bytes"),
    "an empty file": (replace(ROWS, b""), "its head should be"),
    "no JSON": (replace(FIGURES, b"{"), "figures.json: it cannot be read as JSON"),
    "NaN": (replace(FIGURES, b'{"guarantees": [NaN]}'), "NaN is no number"),
    "too deep": (replace(FIGURES, b"[" * 200_000), "nested too deeply"),
    "a number of a million digits": (replace(FIGURES, b"9" * 1_000_000), "cannot be read as JSON"),
    "another kind of value": (replace(FIGURES, b'{"guarantees": {"a": [1]}}'), "it differs"),
    "months that are none": (replace(FIGURES, b'{"guarantees": [{"months": 3}, 1, null]}'), "it differs"),
    "no UTF-8": (replace(ROWS, b"\xff\xfe"), "cannot be read as CSV"),
    "a quote without an end": (replace(ROWS, ",".join(COLUMNS).encode() + b'\n"'), "cannot be read as CSV"),
    "a short line": (replace(ROWS, ",".join(COLUMNS).encode() + b"\na,b\n"), "line 2 has 2 cells"),
    "a formula": (
        lambda bundle: bundle.set_cell(2, answered_how="=HYPERLINK(1)"),
        "'=HYPERLINK(1)' cannot stand there",
    ),
    "a day that is none": (lambda bundle: bundle.set_cell(2, due_on="2026-02-31"), "rows.csv, line 2"),
    "a day of another age": (lambda bundle: bundle.set_cell(2, due_on="9999-12-31"), "'9999-12-31' cannot stand there"),
    "a moment of nowhere": (lambda bundle: bundle.set_cell(2, received_at="2026-02-01T99:99:99+99:99"), "line 2"),
    "a promise without end": (lambda bundle: bundle.set_cell(2, business_days="999999999"), "cannot stand there"),
    "a manifest of nothing": (replace(MANIFEST, b"[]"), "manifest.json"),
    "another format": (in_manifest(format="intake-evidence/9"), "this version of Intake reads intake-evidence/1"),
    "another method": (in_manifest(method="7"), "it was counted by method 7; this version of Intake counts by"),
    "a zone outside": (in_manifest(shop={"id": "sis", "name": "x", "zone": "../../etc/passwd"}), "no time zone"),
    "a path in the manifest": (
        in_manifest(files={"../../etc/passwd": {"sha256": "0" * 64, "bytes": 1}}),
        "it should list",
    ),
    "a window without end": (
        in_manifest(window={"first": "2000-01-02", "last": "2199-01-01", "months": 120}),
        "its window cannot be",
    ),
    "a moment without end": (in_manifest(as_of="9999-12-31T23:59:59Z"), "manifest.json, as_of"),
    "more than belongs there": (in_manifest(note="x"), "manifest.json, note"),
    "no guarantee": (replace(GUARANTEE, b"[]"), "it should name the guarantees"),
    "a guarantee that is none": (replace(GUARANTEE, b'[{"fingerprint": 1, "definition": 2}]'), "it is no guarantee"),
    "a calendar of nowhere": (
        replace("calendar.json", b'{"nl": {"definition": {"country": "../", "subdivision": "", "open": []}}}'),
        "calendar.json, nl.definition.country",
    ),
    "a calendar that never opens": (never_open, "is no closed day of that calendar"),
    "a hash that is none": (replace("chain.json", b'{"number": 1, "hash": "x"}'), "chain.json, hash"),
    "sums of nothing": (replace(SUMS, b"\xff\n\n  \n"), "its SHA-256 is not that of SHA256SUMS"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_bundle_of_an_enemy_is_a_finding_and_never_an_error(bundle: Bundle, what: str) -> None:
    change, named = HOSTILE[what]
    change(bundle)
    found = verify(bundle.folder)
    assert named in told(found)
    assert all(line.isprintable() for line in told(found).splitlines())


def test_what_is_counted_by_a_method_of_another_version_is_said_so_and_its_hashes_are_checked(bundle: Bundle) -> None:
    bundle.change(MANIFEST, lambda manifest: manifest.update(method="7"))
    bundle.seal()
    found = verify(bundle.folder)
    assert found.findings == (
        Finding(MANIFEST, "method", "it was counted by method 7; this version of Intake counts by 1"),
    )
    assert not found.counted


def test_results_kept_by_another_definition_are_not_compared(bundle: Bundle) -> None:
    def other(value: Any) -> None:
        for month in value["guarantees"][0]["months"][1:]:
            month["kept"] |= {"definition": "0" * 64, "reached": "gold", "figures": {}}

    bundle.change(FIGURES, other)
    bundle.seal()
    assert told(verify(bundle.folder)) == ""


@pytest.mark.parametrize(("cut_off", "days"), [("17:00", {14}), ("19:00", {11}), ("", {11, 14})])
def test_the_hour_tells_which_of_two_dates_was_promised(cut_off: str, days: set[int]) -> None:
    """Half past five in the afternoon in Amsterdam, on a Monday."""
    came = {"received_at": datetime(2026, 9, 7, 15, 30, tzinfo=UTC), "received_on": date(2026, 9, 7)}
    told: dict[str, Any] = {**came, "counting": "cut-off", "cut_off": cut_off, "time_zone": "Europe/Amsterdam"}
    assert possible_dues(row(0, **told), frozenset()) == {date(2026, 9, day) for day in days}


def test_lines_that_count_in_another_zone_are_told(bundle: Bundle) -> None:
    bundle.set_cell(a_line(bundle), time_zone="Europe/Brussels")
    notes = verify(bundle.folder).notes
    assert [note for note in notes if note.startswith("1 lines of") and "another zone than Europe/Amsterdam" in note]


def put_off(bundle: Bundle, days: int, release: str) -> int:
    """Late promises given a later due date, as if a release of the holidays had changed a day; how many."""
    lines, count = bundle.lines(), 0
    for line in lines:
        day = date.fromisoformat(line["due_on"]) + timedelta(days=days)
        if line["in_time"] == "no" and day.weekday() < 5 and not line["excluded"]:
            line |= {"due_recounted": line["due_on"], "due_on": day.isoformat()}
            line["holidays_release"] = release
            count += 1
    bundle.write_lines(lines)
    bundle.seal()
    return count


def test_another_release_of_the_holidays_is_no_free_pass(bundle: Bundle, made: Path) -> None:
    assert put_off(bundle, 1, holidays_version)
    same = told(verify(bundle.folder))
    assert (
        f"due_recounted: release {holidays_version} of the holidays, by which it was promised, gives no other" in same
    )
    shutil.copytree(made, bundle.folder, dirs_exist_ok=True)
    assert put_off(bundle, 7, "0.1")
    assert "moves no date by more than 2 business days" in told(verify(bundle.folder))
    shutil.copytree(made, bundle.folder, dirs_exist_ok=True)
    count = put_off(bundle, 1, "0.1")
    checked = verify(bundle.folder)
    assert [note for note in checked.notes if note.startswith(f"{count} lines of ")]
    assert "due_recounted" not in told(checked)


def test_what_was_kept_under_another_release_is_counted_and_not_compared(bundle: Bundle) -> None:
    def other(value: Any) -> None:
        for month in value["guarantees"][0]["months"][1:4]:
            month["kept"] |= {"holidays": "0.1", "reached": "gold", "held": "gold"}

    bundle.change(FIGURES, other)
    bundle.seal()
    checked = verify(bundle.folder)
    assert told(checked) == ""
    assert [note for note in checked.notes if note.startswith("what was kept of 3 months cannot be counted again")]


def set_nonsense(value: Any) -> None:
    value["guarantees"][0]["months"][1]["kept"] |= {"held": {}, "reached": [], "definition": 1}


def set_twins(value: Any) -> None:
    definition = value[0]["definition"]
    definition["levels"].append(definition["levels"][0])
    value[0]["fingerprint"] = Guarantee.model_validate(definition).fingerprint


@pytest.mark.parametrize(
    ("file", "change", "named"),
    [
        (FIGURES, set_nonsense, "kept: it is nothing that Intake keeps"),
        (GUARANTEE, set_twins, "guarantee.json, answer-in-4-days: there are two levels"),
    ],
    ids=["nonsense that was kept", "a level twice"],
)
def test_what_no_intake_writes_is_named(bundle: Bundle, file: str, change: Callable[[Any], object], named: str) -> None:
    bundle.change(file, change)
    bundle.seal()
    assert named in told(verify(bundle.folder))


def test_rules_in_other_words_are_named(bundle: Bundle) -> None:
    delivered = (TEMPLATES / "evidence" / "method.md").read_text(encoding="utf-8")
    assert verify(bundle.folder, delivered) == verify(bundle.folder)
    (bundle.folder / "method.md").write_text("All is well, trust us.")
    bundle.seal()
    assert "method.md: it is not the text that Intake delivers" in told(verify(bundle.folder, delivered))
    bundle.change(MANIFEST, lambda manifest: manifest.update(intake="0.0.1"))
    bundle.seal()
    checked = verify(bundle.folder, delivered)
    assert (told(checked), "the bundle is said to be of version 0.0.1" in checked.notes[0]) == ("", True)


def test_the_hashes_can_be_checked_by_any_tool(bundle: Bundle) -> None:
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=bundle.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == len(LISTED) + 1


def test_the_method_in_words_names_every_column_and_file(bundle: Bundle) -> None:
    text = (bundle.folder / "method.md").read_text(encoding="utf-8")
    by_themselves = {
        "sequence",
        "shop",
        "channel",
        "received_at",
        "due_month",
        "excluded",
        "excluded_by",
        "excluded_at",
    }
    rest = set(COLUMNS) - by_themselves - {"answered_how", "counting"}
    assert [column for column in sorted(rest) if f"`{column}`" not in text] == []
    assert [name for name in LISTED if f"`{name}`" not in text and name != "method.md"] == []
    assert "{" not in text


def test_nothing_but_the_bundle_is_needed(made: Path, tmp_path: Path) -> None:
    """In an empty folder, by another process: no configuration, no data."""
    (tmp_path / "empty").mkdir()
    command = [sys.executable, "-m", "intake", "evidence", "verify", str(made), "--json"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TEMPLATES.parent)}
    done = subprocess.run(command, cwd=tmp_path / "empty", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert (value["holds"], value["counted"], value["findings"]) == (True, True, [])
    assert list((tmp_path / "empty").iterdir()) == []


def test_what_does_not_hold_ends_with_exit_code_1_and_each_difference(
    bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "evidence", "verify", bundle.folder).code == 0
    bundle.set_cell(a_line(bundle), in_time="no")
    said = run(capsys, "evidence", "verify", bundle.folder)
    assert said.code == 1

    assert "in_time: it differs: stated no, found yes" in said.out
    said = run(capsys, "evidence", "verify", "--json", bundle.folder)
    assert (said.code, said.value["holds"]) == (1, False)
    assert said.value["findings"][0].keys() == {"file", "place", "what", "stated", "found"}


def test_a_program_of_an_auditors_own_counts_the_same(bundle: Bundle) -> None:
    """As `method.md` says, with nothing of Intake: the share of the last month."""
    month = bundle.read(FIGURES)["guarantees"][0]["months"][-1]
    with (bundle.folder / ROWS).open(encoding="utf-8", newline="") as file:
        lines = [one for one in csv.DictReader(file) if one["measured_from"] <= month["as_of"] <= one["measured_to"]]
    cases: dict[str, bool] = {}
    for line in lines:
        if "2026-01-01" <= line["due_on"] <= "2026-12-31" and not line["excluded"]:
            kept = line["answered_on"] and line["answered_on"] <= line["due_on"]
            kept = kept and (line["seen"] == "yes" or line["told_on"] <= line["due_on"])
            cases[line["case"]] = bool(kept) and cases.get(line["case"], True)
    assert (sum(cases.values()), len(cases)) == (month["figures"]["good"], month["figures"]["count"])


def test_nothing_in_a_bundle_steers_the_terminal(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    names = {
        "issuer": "\x1b[2J\u202eMark",
        "shop": bundle.read(MANIFEST)["shop"] | {"name": "\x1b]0;x\x07\x9b31m[red]A"},
    }
    bundle.change(MANIFEST, lambda manifest: manifest.update(names))
    bundle.seal()
    for words in ((), ("--json",)):
        said = run(capsys, "evidence", "verify", bundle.folder, *words)
        assert "Mark" in said.out
        assert all(line.isprintable() for line in said.out.splitlines())
    bundle.change(MANIFEST, lambda manifest: manifest["shop"].update(id="\x1b[31m"))
    assert "manifest.json, shop.id" in told(verify(bundle.folder))


def test_without_a_database_there_is_nothing_to_show_and_no_key_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Installation(tmp_path, capsys)
    for words in (("evidence", tmp_path / "b"), ("evidence", "which", "case-0000000000000000"), ("audit",)):
        said = desk.intake(*words)
        assert (said.code, "There is no database" in said.err) == (2, True), said
    (tmp_path / "var").mkdir(exist_ok=True)
    shutil.copyfile(newest_sqlite(), tmp_path / "var" / "intake.db")
    said = desk.intake("evidence", tmp_path / "b")
    assert (said.code, "There is no signing.key" in said.err) == (2, True), said
    assert {path.name for path in (tmp_path / "var").iterdir()} <= {"intake.db", "intake.db-wal", "intake.db-shm"}
