"""A year of 1,200 cases over three shops, stored and measured, and measured a second time from its stories alone."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from intake import deadlines
from intake.config import Shop
from intake.guarantee import collect, reported
from intake.measuring.days import month_start
from intake.measuring.figures import MEASURES, Window, figures_value, measure
from intake.measuring.report import BY, report
from storage.database import open_engine
from storage.store import Store
from tests.builders import make_config, newest_sqlite
from tests.naive_measuring import Replay, Told, naive_figures
from tests.servers import create_database
from tests.simulated_store import write_year
from tests.simulated_year import NOW, SHOPS, Story, tell_year

MONTHS = [date(2026, month, 1) for month in range(1, 13)]
NUMBERS = {"acknowledged-within": 24, "not-reopened-within": 30}
CONFIG = make_config(Path("nowhere"), shops=list(SHOPS))


@pytest.fixture(scope="module")
def stories() -> tuple[Story, ...]:
    return tell_year(CONFIG.shops)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def year(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stories: tuple[Story, ...]
) -> Iterator[Store]:
    """The year in a database of each kind."""
    if request.param == "sqlite":
        file = shutil.copyfile(newest_sqlite(), tmp_path_factory.mktemp("year") / "intake.db")
        url = f"sqlite:///{file}"
    else:
        server = request.getfixturevalue("postgresql_server")
        url = create_database(server, "year", request.getfixturevalue("newest_postgresql"))
    engine = open_engine(url)
    store = Store(engine)
    write_year(store, stories)
    yield store
    engine.dispose()


def told_of(story: Story) -> Iterator[Told]:
    """A story as the naive computation hears it."""
    for step in story.steps:
        data, what = step.data, step.what
        if what in ("wrote", "split off", "corrected"):
            if data["due_on"] is not None:
                dated = what == "corrected" or not data.get("assumed", False)
                channel = data.get("channel", "letter")
                known = {"message": data["message"], "due_on": data["due_on"], "received_at": data["received_at"]}
                told = {**known, "channel": channel, "dated": dated, "before": data.get("imported", False)}
                yield Told(step.at, story.reference, "promised", told)
            if what == "wrote" and data["due_on"] is not None and step is not story.steps[0]:
                yield Told(step.at, story.reference, "reopened", {"by_person": False})
        elif what == "answered":
            given = {"at": data["answered_at"], "on": data["on"], "how": data["how"], "seen": data["seen"]}
            word = not data["seen"] and "posted_on" not in data
            yield Told(step.at, story.reference, "answered", {**given, "word": word})
        elif what == "reopened":
            yield Told(step.at, story.reference, "reopened", {"by_person": True})
        else:
            yield Told(step.at, story.reference, what, dict(data))


def measured_at(month: date, shop: Shop) -> datetime:
    return datetime(month.year, month.month, 1, 6, tzinfo=shop.zone)


def replay(stories: tuple[Story, ...], shop: Shop, as_of: datetime) -> Replay:
    told = (one for story in stories if story.shop.id == shop.id for one in told_of(story))
    return Replay(told, shop.zone, as_of, partial(deadlines.business_days_between, calendar=shop.calendar))


def test_every_figure_is_that_of_a_second_computation(year: Store, stories: tuple[Story, ...]) -> None:
    """Each shop, on the first of each month and now, each measure."""
    for shop in CONFIG.shops:
        facts = collect(year, shop, NOW.date())
        for as_of in [*(measured_at(month_start(month, -1), shop) for month in MONTHS), NOW]:
            rows, second = facts.rows_at(as_of), replay(stories, shop, as_of)
            today = as_of.astimezone(shop.zone).date()
            window = Window(month_start(today, 12), month_start(today) - timedelta(days=1), 12)
            for name in MEASURES:
                found = figures_value(measure(name, rows, window, today, NUMBERS.get(name, 0)))
                del found["window"]
                naive = naive_figures(second, name, window.first, window.last, NUMBERS.get(name, 0))
                assert found == naive, (shop.id, as_of, name)


def test_the_report_agrees_with_the_guarantee(year: Store) -> None:
    """Over the same months, as of the same moment."""
    for shop in CONFIG.shops:
        as_of = measured_at(date(2027, 1, 1), shop)
        told = reported(year, shop, as_of)
        window = Window(date(2026, 1, 1), date(2026, 12, 31), 12)
        figures = measure("answered-in-time", told.rows, window, told.today)
        for by in BY:
            found = report([told], window.first, window.last, by)
            total = found.total
            assert (total.due, total.in_time, total.median) == (figures.count, figures.good, figures.median)
            assert total.excluded == figures.excluded
            assert sum(total.late.values()) == total.due - total.in_time
            assert sum(line.arrived for line in found.lines) == total.arrived == len(told.rows)
            assert sum(sum(line.open.values()) for line in found.lines) == sum(total.open.values())
            assert sum(line.due for line in found.lines) >= total.due
        assert {"told late", "unanswered", "answered late"} <= set(total.late)


def test_the_report_of_all_shops_is_the_sum_of_theirs(year: Store) -> None:
    told = [reported(year, shop, NOW) for shop in CONFIG.shops]
    found = report(told, date(2026, 1, 1), date(2026, 12, 31), "shop")
    alone = [report([one], date(2026, 1, 1), date(2026, 12, 31), "shop").total for one in told]
    assert [(line.due, line.in_time, line.late) for line in found.lines] == [
        (one.due, one.in_time, one.late)
        for one in (alone[1], alone[2], alone[0])  # cut, deu, sis
    ]
    assert found.total.due == sum(one.due for one in alone)
    assert found.total.arrived == sum(len(one.rows) for one in told)
