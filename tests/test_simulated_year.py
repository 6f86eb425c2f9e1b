"""A year of 1,200 cases over three shops, stored and measured, and measured a second time from its stories alone."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from intake import deadlines
from intake.config import Shop
from intake.guarantee import collect
from intake.measuring.days import month_start
from intake.measuring.figures import MEASURES, Window, figures_value, measure
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
            yield Told(step.at, story.reference, "answered", given)
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
