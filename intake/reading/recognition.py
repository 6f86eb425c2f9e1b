"""What scans say, from the side of the service: each scan is read in a process of its own, within limits.

This side never opens a scan. It hands a job to a child (`intake.reading.scans`), waits for it no longer than the limits
allow, ends its whole process group, and believes nothing of what it leaves but values of the right shape.

    the child refuses the scan      ReadingError with its code
    it dies by the memory limit     ReadingError, MEMORY (also when somebody kills it: the kernel, short of memory)
    it takes too long               ReadingError, TIMEOUT
    it crashes                      ReadingError, DAMAGED
    the disk is full                OSError, which is not the scan's fault
    the service ends                Interrupted: the scan is read at the next start
"""

import contextlib
import hashlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

import intake
from intake.errors import IntakeError, ReadingError
from intake.reading.scans.job import (
    JOB_FILE,
    LOG_FILE,
    OUTCOME,
    OUTCOME_FILE,
    TASK,
    Outcome,
    RecognitionLimits,
    Refusal,
    ScanFile,
    ScanJob,
    Task,
)
from intake.reading.scans.languages import installed, what_is_missing
from intake.types import ScannedLetter

__all__ = [
    "Interrupted",
    "Recognised",
    "Recogniser",
    "RecognitionLimits",
    "ScanFile",
    "ScanJob",
    "missing_languages",
]

PREFIX = "scan-"
AGAIN = "Scan the letter again, as a PDF at 300 dpi or less; if that fails too, open the case by hand."
MOST_OUTCOME = 64 * 1024 * 1024
REMOVALS, REMOVAL_PAUSE = 20, 0.05
# A child gets nothing of the environment but this: the shop's passwords may stand in it.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TESSDATA_PREFIX", "COVERAGE_PROCESS_START")


class Interrupted(IntakeError):
    """The recogniser was closed while the scan was being read. Nothing is known of the scan."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a scan says. `letters` are one or more; `copies` are their reading copies (b"" where none could be made),
    and each letter's `copy` is the SHA-256 of its own. `page_count` counts the scan as dropped. `problems` are for the
    clerk, in plain words."""

    letters: tuple[ScannedLetter, ...]
    copies: tuple[bytes, ...]
    page_count: int
    problems: tuple[str, ...]


class Recogniser:
    """Reads scans in child processes whose files lie in folders below `work`; these are removed in any case.

    Several threads may call it at once: as many scans are then read side by side.
    """

    def __init__(self, work: Path, *, limits: RecognitionLimits = RecognitionLimits()) -> None:  # noqa: B008 - frozen
        self._work = work.absolute()
        self._limits = limits
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._work.mkdir(parents=True, exist_ok=True)
        self._remove_left_over()

    def recognise(self, job: ScanJob) -> Recognised:
        """Read one scan. Raises `ReadingError` (its `code` is the reason), `Interrupted`, and `OSError` when the disk
        is full or a file cannot be reached."""
        if self._closed:
            raise Interrupted("Intake is ending.", "The scan is read at the next start.")
        self._require_sizes(job)
        with self._folder() as folder:
            child_job = replace(job, files=tuple(ScanFile(file.name, file.path.absolute()) for file in job.files))
            (folder / JOB_FILE).write_bytes(TASK.dump_json(Task(child_job, self._limits, os.getpid())))
            late, exit_code = self._run(folder)
            if self._closed and not (folder / OUTCOME_FILE).exists():
                raise Interrupted("Intake ended while the scan was being read.", "It is read at the next start.")
            outcome = _outcome(folder)
            if outcome is None:
                raise _death(folder, exit_code, late)
            if outcome.refusal is not None:
                raise _refused(outcome.refusal)
            return _recognised(outcome, folder)

    def close(self) -> None:
        """End the children at work, also in the middle of a page, and take no more scans."""
        with self._lock:
            self._closed = True
            for child in self._children:
                _kill_group(child)

    def _remove_left_over(self) -> None:
        """Folders of a service that was killed: those whose process is no more."""
        for folder in self._work.glob(f"{PREFIX}*"):
            pid = folder.name.removeprefix(PREFIX).partition("-")[0]
            if pid.isdigit() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(folder, ignore_errors=True)

    def _require_sizes(self, job: ScanJob) -> None:
        if not job.files:
            raise ReadingError("The folder has no pages.", "Put the scans into it.", code="EMPTY")
        for file in job.files:
            try:
                size = file.path.stat().st_size
            except PermissionError as error:
                raise ReadingError(f"{file.name} cannot be opened.", "Allow it.", code="NO-PERMISSION") from error
            if not size:
                raise ReadingError(f"{file.name} is empty.", "Scan the letter again.", code="EMPTY")
            if size > self._limits.file_bytes:
                most = self._limits.file_bytes // 1024**2
                raise ReadingError(
                    f"{file.name} is larger than {most} MB.", "Scan it at 300 dpi or less.", code="TOO-BIG"
                )

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=self._work))
        try:
            yield folder
        finally:
            _remove(folder)

    def _run(self, folder: Path) -> tuple[bool, int]:
        """Let a child do the job in the folder; whether it was too late, and its exit code."""
        with (folder / LOG_FILE).open("wb") as log, self._lock:
            if self._closed:
                return False, 0
            child = subprocess.Popen(  # noqa: S603 - our own module, no argument from outside
                [sys.executable, "-m", "intake.reading.scans", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=_environment(folder),
                start_new_session=True,
            )
            self._children.add(child)
        try:
            late = self._wait(child)
        finally:
            # Tesseract may have been started and left; the group lives as long as one of it does.
            _kill_group(child)
            child.wait()
            with self._lock:
                self._children.discard(child)
            if child.stdout is not None:
                child.stdout.close()
        return late, child.returncode

    def _wait(self, child: subprocess.Popen[bytes]) -> bool:
        """Until the child closes its line to us, which it does when it ends; True when its time is over first."""
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        began = time.monotonic()
        ends_at = began + self._limits.look_seconds
        told = b""
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while (left := ends_at - time.monotonic()) > 0:
                if not selector.select(left):
                    continue
                heard = os.read(child.stdout.fileno(), 4096)
                if not heard:
                    return False
                told = (told + heard)[-4096:]
                if (pages := _pages_in(told)) is not None:
                    ends_at = began + self._limits.wall(pages)
        return True


def missing_languages(languages: Iterable[str]) -> list[str]:
    """What Tesseract lacks for a shop's languages (`nl`, `en`, `de`, `fr`), in words; empty when all is well."""
    return what_is_missing(languages, installed())


def _environment(folder: Path) -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    root = str(Path(intake.__file__).resolve().parent.parent)
    return passed | {
        "PYTHONPATH": root,
        "PYTHONSAFEPATH": "1",
        "PYTHONHASHSEED": "0",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "OMP_THREAD_LIMIT": "1",
    }


def _remove(folder: Path) -> None:
    """A process that was killed a moment ago may still put a file into it."""
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(REMOVAL_PAUSE)


def _pages_in(told: bytes) -> int | None:
    for line in told.decode("ascii", "replace").splitlines():
        word, _, number = line.partition(" ")
        if word == "pages" and number.isascii() and number.isdigit() and len(number) < 6:
            return int(number)
    return None


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _outcome(folder: Path) -> Outcome | None:
    try:
        with (folder / OUTCOME_FILE).open("rb") as stream:
            return OUTCOME.validate_json(stream.read(MOST_OUTCOME))
    except FileNotFoundError:
        return None
    except (ValidationError, json.JSONDecodeError) as error:
        raise ReadingError("The scan could not be read: its reader failed.", AGAIN, code="INTERNAL") from error


def _death(folder: Path, exit_code: int, late: bool) -> ReadingError:
    if late or exit_code == -signal.SIGXCPU:
        return ReadingError("Reading the scan took longer than it may.", AGAIN, code="TIMEOUT")
    log = (folder / LOG_FILE).read_bytes()[-2000:]
    out_of_memory = (-signal.SIGKILL, -signal.SIGABRT)
    if exit_code in out_of_memory or b"MemoryError" in log or b"bad_alloc" in log:
        return ReadingError("Reading the scan took more memory than allowed.", AGAIN, code="MEMORY")
    return ReadingError("The scan is damaged: reading it ended its process.", AGAIN, code="DAMAGED")


def _refused(refusal: Refusal) -> Exception:
    if refusal.errno:
        return OSError(refusal.errno, refusal.what)
    return ReadingError(refusal.what, refusal.next_step or AGAIN, code=refusal.code)


def _recognised(outcome: Outcome, folder: Path) -> Recognised:
    copies = tuple((folder / Path(name).name).read_bytes() if name else b"" for name in outcome.copies)
    letters = tuple(
        replace(letter, copy=hashlib.sha256(copy).hexdigest() if copy else "")
        for letter, copy in zip(outcome.letters, copies, strict=True)
    )
    return Recognised(letters, copies, outcome.page_count, outcome.problems)
