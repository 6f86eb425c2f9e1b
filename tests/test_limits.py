"""Hostile items: what kills, hangs or eats memory is lost alone; the rest comes out in order and the pool lives on."""

import os
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from intake.config import Workers as Limits
from intake.errors import ReadingError
from intake.examine import Examined, Examiner, Job, failure_as_reading_error
from intake.reading.letter import Scan
from intake.reading.limits import Failure, Workers
from intake.rules.categories import OTHER
from intake.types import Channel, ScannedLetter, ScanPage
from tests.builders import mail

CATEGORIES = Path(__file__).parents[1] / "templates" / "categories.toml"


def prepare() -> None:
    """Nothing to prepare."""


def read(item: str) -> str:
    """What a reader may meet."""
    if item == "dies":
        os._exit(7)
    elif item == "hangs":
        threading.Event().wait()
    elif item == "eats":
        return str(len([bytearray(1 << 20) for _ in range(4096)]))
    elif item == "leaves":
        sys.exit(3)
    elif item == "breaks":
        raise KeyError(item)
    elif item == "refuses":
        raise ReadingError("It is locked.", "Unlock it.", code="PASSWORD")
    return item.upper()


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers[str, str]]:
    pool = Workers(read, prepare, (), processes=1, seconds=2, memory_mb=200)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("dies", "ended its process"),
        ("hangs", "longer than 2 seconds"),
        ("eats", "more memory than allowed"),
        ("leaves", "ended its process (exit code 3)"),
        ("breaks", "KeyError"),
        ("refuses", "It is locked."),
    ],
)
def test_a_hostile_item_is_lost_alone(workers: Workers[str, str], item: str, reason: str) -> None:
    first, second, hostile, last = workers.run(["a", "b", item, "c"])
    assert (first, second, last) == ("A", "B", "C")
    assert isinstance(hostile, Failure)
    assert reason in hostile.reason
    assert workers.run(["d"]) == ["D"]


def test_a_pool_that_children_broke_is_made_anew(workers: Workers[str, str]) -> None:
    outcomes = workers.run(["dies", "a"] * 3, batch=1)
    assert outcomes[1::2] == ["A"] * 3
    assert all(isinstance(outcome, Failure) for outcome in outcomes[::2])


def test_the_order_holds_over_batches(workers: Workers[str, str]) -> None:
    items = [f"item{number}" for number in range(50)]
    assert workers.run(items, batch=7) == [item.upper() for item in items]
    assert workers.run([]) == []


def test_the_readers_own_error_comes_back_with_its_code(workers: Workers[str, str]) -> None:
    (failure,) = workers.run(["refuses"])
    assert isinstance(failure, Failure)
    error = failure_as_reading_error(failure)
    assert (error.code, error.next_step) == ("PASSWORD", "Unlock it.")


@pytest.mark.parametrize(
    ("reason", "code"),
    [("it took longer than 2 seconds", "TIMEOUT"), ("more memory", "MEMORY"), ("it died", "DAMAGED")],
)
def test_a_clerk_is_told_what_a_scan_failed_on(reason: str, code: str) -> None:
    assert failure_as_reading_error(Failure(reason)).code == code


def examine_one(job: Job, seconds: float) -> Examined | Failure:
    """With limits so tight that something fails."""
    examiner = Examiner(CATEGORIES, Limits(processes=1, seconds=seconds, memory_mb=200))
    try:
        return examiner.examine([job])[0]
    finally:
        examiner.close()


def test_a_mail_whose_body_takes_too_long_is_read_from_its_head() -> None:
    slow = b"Content-Type: text/html\r\n" + mail("x").partition(b"\n\n")[0] + b"\n\n" + b"<div>a<ul><li>b" * 500_000
    found = examine_one(Job(Channel.MAIL, slow, "x.eml", ("nl", "en"), date(2026, 9, 7)), 0.3)
    assert isinstance(found, Examined)
    assert found.message.subject == "Pakket niet geleverd"
    assert found.message.message_id == "<first@example.com>"
    assert not found.message.readable
    assert "longer than" in found.message.problems[0] or "memory" in found.message.problems[0]


def test_a_mail_that_cannot_be_read_at_all_still_comes_out() -> None:
    raw = mail("Gekocht op 12 september", subject="Gekocht op 12 september")
    no_day: date = None  # type: ignore[assignment]  # a fault of ours, that meets the whole mail and its head alike
    found = examine_one(Job(Channel.MAIL, raw, "x.eml", ("nl", "en"), no_day), 20)
    assert isinstance(found, Examined)
    assert (found.message.readable, found.language.code, found.categorisation.category) == (False, "nl", OTHER)
    assert found.message.problems


def test_a_letter_whose_record_is_wrong_is_a_failure_with_its_code() -> None:
    scan = Scan(ScannedLetter((ScanPage(1, "Geachte heer"),)), "a" * 64, 1000, 1)
    job = Job(Channel.LETTER, b"", "x.pdf", ("nl",), date(2026, 9, 7), record=b"hello", scan=scan)
    found = examine_one(job, 20)
    assert isinstance(found, Failure)
    assert failure_as_reading_error(found).code == "SIDECAR"
