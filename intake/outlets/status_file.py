"""STATUS.txt in the post folder: whether Intake runs, and what it is doing, for people who have no other screen.

Its first line is the moment of the last look. A moment long past means that nobody looks. It holds counts and names of
files only, nothing of what people wrote.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from intake.post_folder import DONE, FAILED, INCOMING, OUTGOING, STATUS, temporary_beside

LONG_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Status:
    """What a clerk is told. `checked_at` is local and aware; the other fields count letters, but `oldest_minutes`, the
    age of the oldest file in incoming; `paused` is why nothing is taken in, "" where all is well; `warnings` are in
    plain words."""

    checked_at: datetime
    waiting: int = 0
    oldest_minutes: int = 0
    working: int = 0
    done_today: int = 0
    failed: int = 0
    to_post: int = 0
    overdue_to_post: int = 0
    paused: str = ""
    warnings: tuple[str, ...] = ()


def write_status(post: Path, status: Status) -> bool:
    """Write STATUS.txt anew; whether that was possible. Where somebody's program holds it (a share, an editor), it is
    written at the next look. It need not survive a power cut."""
    place = post / STATUS
    temporary = temporary_beside(place)
    try:
        temporary.write_text(status_text(status), encoding="utf-8", errors="replace")
        temporary.replace(place)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        return False
    return True


def status_text(status: Status) -> str:
    """The page: the moment first, what is wrong next, then the counts."""
    looks = [*filter(None, (_paused(status),)), *_warnings(status)]
    oldest = f", the oldest for {_minutes(status.oldest_minutes)}" if status.waiting and status.oldest_minutes else ""
    late = f", {status.overdue_to_post} of them too late: post them today" if status.overdue_to_post else ""
    advice = ": each has a note that says what to do" if status.failed else ""
    lines = [
        f"Last check {status.checked_at:%H:%M:%S on %A %d %B %Y}. If this time is more than 5 minutes old, Intake does"
        " not run.",
        "",
        *([*looks, ""] if looks else []),
        f"Waiting        {status.waiting} in {INCOMING}{oldest}",
        f"Being read     {status.working}",
        f"Done today     {status.done_today}, in {DONE}",
        f"Failed         {status.failed}, in {FAILED}{advice}",
        f"To post        {status.to_post}, in {OUTGOING}{late}",
    ]
    return "\n".join(lines) + "\n"


def _paused(status: Status) -> str:
    return f"Paused         {_one_line(status.paused)}. Scans wait safely in {INCOMING}." if status.paused else ""


def _warnings(status: Status) -> list[str]:
    long = status.waiting and status.oldest_minutes > LONG_MINUTES
    oldest = f"a file has been in {INCOMING} for {_minutes(status.oldest_minutes)}: is it still being written?"
    return [f"Look at        {_one_line(words)}" for words in (*([oldest] if long else []), *status.warnings)]


def _minutes(count: int) -> str:
    hours, minutes = divmod(count, 60)
    if hours >= 2:
        return f"{hours} hours"
    return "1 minute" if count == 1 else f"{hours * 60 + minutes} minutes"


def _one_line(words: str) -> str:
    return " ".join(words.split()).rstrip(".")
