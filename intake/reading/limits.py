"""Child processes that read hostile items within limits of time and memory.

Items go out in batches, because handing one over costs more than reading it. A batch whose process dies or runs out
of time is run again one by one, so that only the item that kills is lost to it. Workers are forked from a clean
server process: forking a process that has threads hangs (29 of 30 tries). Nothing here knows what an item is.
"""

import gc
import multiprocessing
import resource
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from intake.errors import IntakeError

Item = TypeVar("Item")
Result = TypeVar("Result")
BATCH = 12  # few enough that the children end together, enough that handing them over costs little
TASKS_OF_A_WORKER = 500
TRIES = 3
LOOK_SECONDS = 0.5
# The pool that a batch was handed to, and pebble's future; None where the pool would not take it.
Scheduled = tuple[ProcessPool, Any]
# What was handed out together, in order: each batch with its future.
Begun = list[tuple[list[Any], Scheduled]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item could not be read: in words, and whether it killed its process or was refused by the reader."""

    reason: str
    error: IntakeError | None = None


class Workers(Generic[Item, Result]):
    """A pool that applies one function to items. `prepare(*arguments)` runs first in each child."""

    def __init__(
        self,
        function: Callable[[Item], Result],
        prepare: Callable[..., None],
        arguments: tuple[Any, ...],
        *,
        processes: int,
        seconds: float,
        memory_mb: int,
    ) -> None:
        self._function = function
        self._seconds = seconds
        self._processes = processes
        self._initargs = (memory_mb, prepare, arguments)
        self._pool = self._new_pool()
        self._renewing = threading.Lock()

    def run(self, items: Sequence[Item], batch: int = BATCH) -> list[Result | Failure]:
        """The results in the order of the items, a `Failure` where there is none."""
        return self.finish(self.begin(items, batch))

    def begin(self, items: Sequence[Item], batch: int = BATCH) -> Begun:
        """Hand the items to the children, and do not wait."""
        batches = [list(items[start : start + batch]) for start in range(0, len(items), batch)]
        return [(part, self._schedule(part)) for part in batches]

    def finish(self, begun: Begun) -> list[Result | Failure]:
        """Wait for what was begun: the results in the order of the items, a `Failure` where there is none."""
        return [result for part, future in begun for result in self._outcome(part, future)]

    def close(self) -> None:
        """End the children, also in the middle of an item: it is read again at the next start."""
        self._pool.stop()
        self._pool.join()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._processes,
            max_tasks=TASKS_OF_A_WORKER,
            context=multiprocessing.get_context("forkserver"),
            initializer=_enter_child,
            initargs=self._initargs,
        )

    def _schedule(self, items: list[Item]) -> Scheduled:
        """Hand a batch to the pool; to a new one where a child broke the pool that was."""
        with self._renewing:
            if not self._pool.active:
                self.close()
                self._pool = self._new_pool()
            pool = self._pool
        try:
            return pool, pool.schedule(_read_batch, args=[self._function, items], timeout=self._seconds)
        except RuntimeError:  # it broke just now; the batch is handed over once more when its turn comes
            return pool, None

    def _outcome(self, items: list[Item], scheduled: Scheduled, tries: int = TRIES) -> list[Result | Failure]:
        try:
            return list(_result(scheduled))
        except (FutureTimeoutError, TimeoutError):
            reason = f"reading it took longer than {self._seconds:g} seconds"
        except MemoryError:
            reason = "reading it took more memory than allowed"
        except ProcessExpired as error:
            reason = f"reading it ended its process (exit code {error.exitcode})"
        except BrokenProcessPool:
            reason = "reading it ended its process"
            if len(items) == 1 and tries > 1:  # perhaps it was another item that broke the pool
                return self._outcome(items, self._schedule(items), tries - 1)
        if len(items) == 1:
            return [Failure(reason)]
        return [result for item in items for result in self._outcome([item], self._schedule([item]))]


def _result(scheduled: Scheduled) -> Any:  # noqa: ANN401 - pebble's future
    """A child that dies right after it took its task, before the pool heard of that, breaks the whole pool (pebble:
    "All workers expired"), and what the pool had not yet handed out is never done."""
    pool, future = scheduled
    while future is not None and not wait([future], LOOK_SECONDS).done:
        if not pool.active and not future.done():
            break
    if future is None or not future.done():
        raise BrokenProcessPool
    return future.result()


def _enter_child(memory_mb: int, prepare: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    prepare(*arguments)
    gc.collect()
    gc.freeze()  # what is loaded once need not be looked through again and again
    used = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024
    most = used + memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _read_batch(function: Callable[[Item], Result], items: list[Item]) -> list[Result | Failure]:
    return [_read_one(function, item) for item in items]


def _read_one(function: Callable[[Item], Result], item: Item) -> Result | Failure:
    """One item, one fate: whatever a hostile item provokes in a library stays with that item."""
    try:
        return function(item)
    except MemoryError:
        raise
    except IntakeError as error:
        return Failure(str(error), error)
    except SystemExit as error:
        return Failure(f"reading it ended its process (exit code {error.code})")
    except Exception as error:  # noqa: BLE001 - see above; the reason is kept with the item
        return Failure(f"reading it failed ({type(error).__name__}: {error})"[:500])
