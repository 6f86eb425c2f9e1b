"""What the child may use, and that it does not outlive its parent. Linux only, like the folders that feed it."""

import ctypes
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable

from intake.reading.scans.job import RecognitionLimits

PR_SET_PDEATHSIG = 1
NICE = 10


def enter(limits: RecognitionLimits, parent: int) -> None:
    """Set the limits on this process, which its children inherit, and end the whole group when the parent ends."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, limits.written_bytes)
    _limit(resource.RLIMIT_CPU, int(limits.most_seconds * max(limits.jobs, 1)) + 1)
    os.nice(NICE)
    _die_with(parent)


def progress() -> Callable[[str], None]:
    """Where lines to the parent go. Whatever a library prints on standard output joins standard error instead."""
    line = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def tell(text: str) -> None:
        line.write(f"{text}\n")

    return tell


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


def _die_with(parent: int) -> None:
    """The kernel sends TERM when the parent dies (prctl(2)). A thread waits for it, because the main thread may be
    deep in a library; it kills the group, so that no Tesseract is left behind."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_group_on_term, daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above
        os.killpg(0, signal.SIGKILL)


def _end_group_on_term() -> None:
    signal.sigwait({signal.SIGTERM})
    os.killpg(0, signal.SIGKILL)
