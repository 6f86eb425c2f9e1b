"""A guarantee from month to month: measured on the morning of the first, kept, and the same when measured again."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from intake.bootstrap import GUARANTEES, clock, guarantees_in_force
from intake.config import Config
from intake.errors import ConfigError
from intake.guarantee import as_kept, collect, differences, keep_months, progress
from intake.measuring.days import month_start
from intake.measuring.figures import figures_value
from intake.service import Service
from storage.database import open_engine, writing
from storage.store import Store
from storage.tables import STANDINGS
from tests.builders import make_config, make_house, newest_sqlite
from tests.commands import NEWSLETTER, Installation, run
from tests.servers import wait_until
from tests.simulated_store import write_year
from tests.simulated_year import NOW, SHOPS, tell_year

OCTOBER = datetime(2026, 11, 1, 5, tzinfo=UTC)  # six in the morning of the first, in Amsterdam and Berlin
ONE_SHOP = [SHOPS[0]]


def filled(url: str, config: Config, cases: int = 60) -> Store:
    store = Store(open_engine(url))
    write_year(store, tell_year(config.shops, cases))
    return store


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path, shops=ONE_SHOP)


@pytest.fixture
def store(database: str, config: Config) -> Iterator[Store]:
    """A small year, in a database of each kind."""
    found = filled(database, config)
    yield found
    found.engine.dispose()


def test_months_are_kept_once_and_stay_as_they_were(store: Store, config: Config) -> None:
    guarantees = guarantees_in_force(config)

    def keep(now: datetime) -> int:
        return keep_months(store, config.shops, guarantees, now)

    assert keep(OCTOBER - timedelta(seconds=1)) == 9  # January to September
    assert keep(OCTOBER - timedelta(seconds=1)) == 0
    assert keep(OCTOBER) == 1
    before = store.measuring.standings()
    assert [one.month for one in before] == [date(2026, month, 1) for month in range(1, 11)]
    assert keep(NOW) == 2
    assert store.measuring.standings()[:10] == before
    assert {one.computed_at for one in before} == {OCTOBER - timedelta(seconds=1), OCTOBER}


def test_a_kept_month_is_the_same_when_it_is_measured_again(store: Store, config: Config) -> None:
    """Whatever came to be known since."""
    (guarantee,), (shop,) = guarantees_in_force(config), config.shops
    keep_months(store, config.shops, [guarantee], OCTOBER)
    kept = store.measuring.standings(shop.id)
    again = progress(collect(store, shop, NOW.date()), guarantee, NOW)
    assert [figures_value(month.rating.figures) for month in again.months[:10]] == [one.figures for one in kept]
    assert [(month.first, month.held) for month in again.months[:10]] == [(one.month, one.held) for one in kept]
    assert differences(again, kept) == []


def test_what_was_changed_behind_our_back_is_named(store: Store, config: Config) -> None:
    (guarantee,), (shop,) = guarantees_in_force(config), config.shops
    keep_months(store, config.shops, [guarantee], OCTOBER)
    last = STANDINGS.c.month == date(2026, 10, 1)
    with writing(store.engine) as connection:
        connection.execute(update(STANDINGS).where(last).values(held="gold"))
    kept = store.measuring.standings(shop.id)
    again = progress(collect(store, shop, OCTOBER.date()), guarantee, OCTOBER)
    (found,) = differences(again, kept)
    computed = again.months[-1].held
    assert (found.month, found.what, found.kept, found.computed) == (date(2026, 10, 1), "held", "gold", computed)
    assert found.because == ""
    assert as_kept(again, kept).months[-1].held == "gold"
    other = replace(again, guarantee=guarantee.model_copy(update={"most_excluded": 0.5}))
    assert {one.because for one in differences(other, kept)} == {"the guarantee was defined otherwise then"}


def test_a_month_of_another_definition_is_shown_as_it_was(store: Store, config: Config) -> None:
    """It is defined more strictly since: the levels and figures of before stay on the pages, and new months are new."""
    (guarantee,), (shop,) = guarantees_in_force(config), config.shops
    keep_months(store, config.shops, [guarantee], OCTOBER)
    kept, facts = store.measuring.standings(shop.id), collect(store, shop, NOW.date())
    before = progress(facts, guarantee, NOW)
    strict = guarantee.model_copy(update={"business_days": 1, "least_cases": 15})
    computed = progress(facts, strict, NOW)
    shown = as_kept(computed, kept)
    assert [(one.rating.reached, one.held, figures_value(one.rating.figures)) for one in shown.months[:10]] == [
        (one.reached, one.held, one.figures) for one in kept
    ]
    assert shown.months[10:] == computed.months[10:]
    assert [one.rating.figures.good for one in shown.months] != [one.rating.figures.good for one in computed.months]
    assert as_kept(before, kept) == before


def test_a_shop_that_promised_nothing_yet_has_no_months(database: str, config: Config) -> None:
    store = Store(open_engine(database))
    (guarantee,), (shop,) = guarantees_in_force(config), config.shops
    assert keep_months(store, config.shops, [guarantee], NOW) == 0
    assert progress(collect(store, shop, NOW.date()), guarantee, NOW).months == ()
    store.engine.dispose()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file beside a small year, looked at in January 2027."""
    (tmp_path / "var").mkdir()
    shutil.copyfile(newest_sqlite(), tmp_path / "var" / "intake.db")
    config = make_config(tmp_path / "var", shops=ONE_SHOP)
    filled(config.database_url, config).engine.dispose()
    monkeypatch.setattr("intake.cli.badges.clock", lambda: NOW)
    file = tmp_path / "config.toml"
    file.write_text(
        """
        data = "var"
        [[shops]]
        id = "sis"
        name = "Smart Import Solutions"
        prefix = "SIS"
        manager = { name = "Mirjam", addresses = ["mirjam@example.nl"] }
        address = { street = "Plattenborgstraat 20", postal_code = "8043 TT", city = "Zwolle" }
        phone = { number = "06-29557135" }
        """
    )
    return file


def test_badges_tells_the_level_and_why(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (result,) = run(capsys, "-c", installed, "badges", "--json").value[0]["results"]
    figures = result["figures"]
    said = run(capsys, "-c", installed, "badges")
    words = " ".join(said.out.split())
    assert (said.code, result["months"][-1]["month"]) == (0, "2026-12")
    assert f"{figures['good']} of {figures['count']} complaints answered in time" in words
    assert f"level {result['held'] or 'none'}" in words
    assert "Self-measured" in words
    assert "January 2026 to December 2026, measured on 1 January 2027" in words
    assert all(f"for {level}" in words for level, missing in result["missing"].items() if missing)


def test_a_shop_without_figures_is_told_when_the_first_ones_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Installation(tmp_path, capsys)
    desk.take_in(NEWSLETTER)
    said = " ".join(desk.intake("badges").out.split())
    assert "first figures on the first of the month after the one in which a promise is due" in said
    (tmp_path / "more").mkdir()
    desk = Installation(tmp_path / "more", capsys)
    desk.take_in()
    said = " ".join(desk.intake("badges").out.split())
    # The mail came long ago, and nobody promised anything before today.
    first = month_start(clock().astimezone(ZoneInfo("Europe/Amsterdam")).date(), -1)
    assert f"first figures on 1 {first:%B %Y} at 06:00" in said


def test_only_an_issuer_gives_a_badge(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installed.write_text(installed.read_text() + '[guarantees]\nissuer = "Keurmerk [b]"\n')
    words = " ".join(run(capsys, "-c", installed, "badges").out.split())
    assert "Badge of Keurmerk [b]" in words
    assert "Self-measured" not in words


def test_badges_says_where_a_kept_month_is_another_one_now(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_config(installed.parent / "var", shops=ONE_SHOP)
    store = Store(open_engine(config.database_url))
    keep_months(store, config.shops, guarantees_in_force(config), NOW)
    assert run(capsys, "-c", installed, "badges").code == 0
    with writing(store.engine) as connection:
        changed = update(STANDINGS).where(STANDINGS.c.month == date(2026, 12, 1))
        connection.execute(changed.values(held="gold", reached="gold"))
    store.engine.dispose()
    said = run(capsys, "-c", installed, "badges")
    assert said.code == 1
    assert "level gold" in " ".join(said.out.split())
    assert "sis, answer-in-4-days, December 2026 was kept otherwise: held 'gold'" in said.err
    (result,) = run(capsys, "-c", installed, "badges", "--json").value[0]["results"]
    assert [(one["month"], one["what"], one["kept"]) for one in result["differences"]] == [
        ("2026-12-01", "held", "gold"),
        ("2026-12-01", "reached", "gold"),
    ]


def test_guarantees_of_ones_own_are_checked_with_the_configuration(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = installed.parent / "own.toml"
    installed.write_text(installed.read_text() + '[guarantees]\nfile = "own.toml"\n')
    said = run(capsys, "-c", installed, "badges")
    assert (said.code, "guarantees: guarantees.file:" in said.err, "cannot be read" in said.err) == (2, True, True)
    delivered = GUARANTEES.read_text(encoding="utf-8")
    own.write_text(delivered.replace("answered-in-time", "soon").replace("lower_bound = 0.90", "lower_bound = 2"))
    said = run(capsys, "-c", installed, "check")
    assert said.code == 2
    assert "guarantees: answer-in-4-days: there is no measure 'soon'" in said.err
    own.write_text(delivered.replace('"Answer within 4 business days"', '"Ours"'))
    assert "guarantees: Ours (bronze, silver, gold)" in run(capsys, "-c", installed, "check").out
    with pytest.raises(ConfigError):
        guarantees_in_force(make_config(installed.parent, guarantees={"file": installed.parent / "nowhere.toml"}))


def test_the_service_measures_the_months(tmp_path: Path) -> None:
    (tmp_path / "intake.db").write_bytes(newest_sqlite().read_bytes())
    config = make_config(tmp_path, shops=ONE_SHOP)
    filled(config.database_url, config, 30).engine.dispose()
    with make_house(config, NOW) as house:
        service = Service(house)
        service.start()
        try:
            wait_until(lambda: bool(house.store.measuring.standings()), "the months to be measured")
        finally:
            service.stop()
        kept = house.store.measuring.standings()
    assert [one.month.month for one in kept] == list(range(1, 13))
