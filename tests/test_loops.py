"""Threads that do one job over and over: woken, never twice at once, and ended."""

import threading
from collections.abc import Callable

import pytest

from intake.loops import Crew, InBackground, Loop

SECONDS = 20


def test_a_wake_while_the_job_runs_is_not_lost() -> None:
    begun, go_on, twice = threading.Event(), threading.Event(), threading.Event()
    runs = []

    def job() -> None:
        runs.append(1)
        begun.set()
        assert go_on.wait(SECONDS)
        if len(runs) == 2:
            twice.set()

    loop = Loop("test", job, threading.TIMEOUT_MAX)
    loop.start()
    assert begun.wait(SECONDS)
    loop.wake()
    go_on.set()
    assert twice.wait(SECONDS)
    loop.stop()
    loop.join(SECONDS)
    assert not loop.is_alive()
    assert len(runs) == 2


def test_a_loop_runs_by_itself_when_its_time_comes() -> None:
    thrice = threading.Semaphore(0)
    loop = Loop("test", thrice.release, 0.01)
    loop.start()
    for _ in range(3):
        assert thrice.acquire(timeout=SECONDS)
    loop.stop()
    loop.join(SECONDS)
    assert not loop.is_alive()


def test_a_slow_job_delays_no_other_and_never_runs_twice_at_once() -> None:
    stuck, free, slow_runs = threading.Event(), threading.Semaphore(0), []
    slow_again = threading.Event()

    def slow() -> None:
        slow_runs.append(1)
        assert stuck.wait(SECONDS)
        if len(slow_runs) == 2:
            slow_again.set()

    crew = Crew({"slow": slow, "quick": free.release})
    crew.run(["slow"])
    for _ in range(3):
        crew.run(["slow", "quick", "unknown"])
        assert free.acquire(timeout=SECONDS)
    assert len(slow_runs) == 1
    stuck.set()
    assert slow_again.wait(SECONDS)
    assert crew.stop(SECONDS)
    assert len(slow_runs) == 2


def test_a_crew_that_cannot_end_in_time_says_so() -> None:
    stuck, begun = threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        stuck.wait(SECONDS)

    crew = Crew({"stuck": job})
    crew.run(["stuck"])
    assert begun.wait(SECONDS)
    assert not crew.stop(0)
    stuck.set()
    assert crew.stop(SECONDS)


def test_work_in_the_background_is_done_when_the_block_ends() -> None:
    seen: list[int] = []
    given: list[int] = []
    with InBackground(lambda _: seen.extend(given[len(seen) :])) as worker:
        for number in range(100):
            given.append(number)
            worker.wake()
    assert seen == given


def test_an_error_in_the_background_is_raised_at_the_end() -> None:
    def fail(_is_ending: Callable[[], bool]) -> None:
        raise LookupError("away")

    with pytest.raises(LookupError, match="away"), InBackground(fail) as worker:
        worker.wake()


def test_a_block_that_is_broken_off_asks_the_job_to_end() -> None:
    begun = threading.Event()
    ended = threading.Event()

    def job(is_ending: Callable[[], bool]) -> None:
        begun.set()
        while not is_ending():
            begun.wait(0.001)
        ended.set()

    with pytest.raises(KeyboardInterrupt), InBackground(job) as worker:
        break_off(worker, begun)
    assert ended.is_set()


def break_off(worker: InBackground, begun: threading.Event) -> None:
    worker.wake()
    assert begun.wait(SECONDS)
    raise KeyboardInterrupt
