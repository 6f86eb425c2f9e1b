"""Threads that do one job over and over: when they are woken, and every so often.

A job is never run twice at once, and a wake while it runs is not lost: it runs once more. Jobs tell their own errors;
nothing here knows what they do.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor


class Loop(threading.Thread):
    """One job, which tells its own errors, in a thread of its own."""

    def __init__(self, name: str, job: Callable[[], object], seconds: float) -> None:
        super().__init__(name=name, daemon=True)
        self._job = job
        self._seconds = seconds
        self._woken = threading.Event()
        self._stopping = False

    def wake(self) -> None:
        """Run the job now, or once more when it is at work."""
        self._woken.set()

    def stop(self) -> None:
        """Ask the thread to end after the run that it is in."""
        self._stopping = True
        self._woken.set()

    def run(self) -> None:
        """Run until stopped."""
        while not self._stopping:
            self._woken.clear()
            self._job()
            if not self._stopping:
                self._woken.wait(self._seconds)


class InBackground:
    """A job that runs in a thread whenever it is woken, and a last time at the end of the block, which then raises what
    the job raised. The job is given a function that says whether the block was broken off and it should end."""

    def __init__(self, job: Callable[[Callable[[], bool]], object]) -> None:
        self._job = job
        self._error: Exception | None = None
        self._broken_off = False
        self._loop = Loop("background", self._work, threading.TIMEOUT_MAX)

    def __enter__(self) -> "InBackground":
        self._loop.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._broken_off = kind is not None
        self._loop.stop()
        self._loop.join()
        if self._broken_off:
            return
        self._work()
        if self._error is not None:
            raise self._error

    def wake(self) -> None:
        """Run the job now, or once more when it is at work."""
        self._loop.wake()

    def _work(self) -> None:
        if self._error is None:
            try:
                self._job(lambda: self._broken_off)
            except Exception as error:  # noqa: BLE001 - raised again at the end of the block
                self._error = error


class Crew:
    """Jobs by name, each in a thread of its own while it runs, none twice at once: a slow one delays no other."""

    def __init__(self, jobs: Mapping[str, Callable[[], object]]) -> None:
        self._jobs = dict(jobs)
        self._threads = ThreadPoolExecutor(max(1, len(self._jobs)), thread_name_prefix="crew")
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._lock = threading.Lock()

    def run(self, names: Iterable[str]) -> None:
        """Start these; one that is at work runs once more after."""
        with self._lock:
            for name in names:
                if name in self._running:
                    self._again.add(name)
                elif name in self._jobs:
                    self._running.add(name)
                    self._threads.submit(self._work, name)

    def stop(self, seconds: float) -> bool:
        """Start nothing more, and wait so long for what is at work; whether all of it ended."""
        with self._lock:
            self._jobs.clear()
            self._again.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + seconds
        waiter = threading.Thread(target=self._threads.shutdown, kwargs={"wait": True}, daemon=True)
        waiter.start()
        waiter.join(max(0.0, deadline - time.monotonic()))
        return not waiter.is_alive()

    def _work(self, name: str) -> None:
        while (job := self._jobs.get(name)) is not None:
            try:
                job()
            finally:
                with self._lock:
                    again = name in self._again
                    self._again.discard(name)
                    if not again:
                        self._running.discard(name)
            if not again:
                return
