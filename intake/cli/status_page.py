"""The page of `intake status`: an overview as blocks to print. Prints nothing.

What is empty is left out, so that on a good day the page is short.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from intake.cli.tables import shorten
from intake.config import Config
from intake.overview import TO_POST, Overview
from intake.rules.reminders import Nearness

GOOD, BAD, WARN, DIM = "green", "bold red", "yellow", "dim"
CASE_STYLE = {Nearness.OVERDUE: BAD, Nearness.TODAY: "red", Nearness.TOMORROW: WARN}
STALE_AFTER = timedelta(minutes=15)
REFERENCES_AT_MOST = 6
NOTICES_AT_MOST = 10


def status_page(overview: Overview, config: Config) -> Iterator[RenderableType]:
    """The blocks of the page, from the most to the least important."""
    yield _head(overview, config)
    yield _cases(overview, config)
    yield from _parts(overview)
    yield from _effects(overview)
    yield from _to_look_at(overview)
    counts = overview.counts
    waiting = f"{counts['arrivals_waiting']} arrivals wait to be processed, {counts['effects_waiting']} to be delivered"
    yield f"\n{counts['cases_open']} cases open; {waiting}."


def _head(overview: Overview, config: Config) -> Text:
    local = overview.now.astimezone(config.shops[0].zone)
    last = overview.service.good_at if overview.service else None
    state = ("runs", GOOD) if overview.runs else ("does not run", BAD if last else DIM)
    free = f" · {_size(overview.free_mb)} free" if overview.free_mb is not None else ""
    seen = f" (seen {ago(last, overview.now)})" if last else ""
    line = Text.assemble(("Intake ", "bold"), state, (seen, DIM), (f" · {local:%a %d %b %H:%M}", ""))
    return line.append(f" · {overview.database}, schema {overview.schema}{free}", DIM)


def _cases(overview: Overview, config: Config) -> Group:
    groups = [*Nearness, TO_POST]
    table = _table("cases", *groups, right=range(1, len(groups) + 1))
    for shop in config.shops:
        counts = overview.cases[shop.id]
        table.add_row(shop.id, *(_number(counts[group], CASE_STYLE.get(group, "")) for group in groups))
    return Group(Text(), table)


def _parts(overview: Overview) -> Iterator[RenderableType]:
    if overview.mailboxes:
        table = _table("mailboxes", "last poll", "trouble")
        for box in overview.mailboxes:
            table.add_row(box.shop, _seen(box.last_poll, overview.now, box.trouble), Text(box.trouble, style=WARN))
        yield Group(Text(), table)
    if overview.post_folders:
        names = ("last look", "waiting", "being read", "done today", "failed today", "trouble")
        table = _table("post folders", *names, right=range(2, 6))
        for one in overview.post_folders:
            counts = (one.waiting or 0, one.working, one.done_today)
            table.add_row(
                one.shop,
                _seen(one.last_look, overview.now, one.trouble),
                *(_number(count) for count in counts),
                _number(one.failed_today, BAD),
                Text(one.trouble, style=WARN),
            )
        yield Group(Text(), table)
    yield from _jobs(overview)


def _jobs(overview: Overview) -> Iterator[RenderableType]:
    """Other parts that are in trouble; those that are well say nothing."""
    shown = {f"mailbox {box.shop}" for box in overview.mailboxes}
    shown |= {f"post folder {folder.shop}" for folder in overview.post_folders}
    troubled = [beat for beat in overview.parts if beat.trouble and beat.name not in shown]
    if troubled:
        table = _table("parts", "last good", "trouble")
        for beat in troubled:
            table.add_row(escape(beat.name), _seen(beat.good_at, overview.now, beat.trouble), Text(beat.trouble, WARN))
        yield Group(Text(), table)


def _effects(overview: Overview) -> Iterator[RenderableType]:
    if not overview.effects:
        return
    table = _table("to deliver", "waiting", "oldest", "failed", "uncertain", right=range(1, 5))
    for line in overview.effects:
        oldest = Text(_age(line.oldest_seconds), style=WARN if (line.oldest_seconds or 0) >= 3600 else "")
        numbers = (_number(line.failed, BAD), _number(line.uncertain, BAD))
        table.add_row(line.kind, _number(line.waiting), oldest, *numbers)
    yield Group(Text(), table)


def _to_look_at(overview: Overview) -> Iterator[RenderableType]:
    table = _table("look at", "")
    for what, references in (
        ("without a draft", overview.without_draft),
        ("not delivered", overview.not_delivered),
        ("perhaps not sent", overview.uncertain),
        ("with a dispute body", overview.disputed),
    ):
        if references:
            table.add_row(what, _some(references))
    if overview.undeliverable:
        table.add_row("no automatic mail to", _plural(overview.undeliverable, "address", "addresses"))
    if overview.notices_waiting:
        table.add_row("mail to the manager", f"{_plural(overview.notices_waiting, 'notice', 'notices')} to be told")
    for notice in overview.notices[-NOTICES_AT_MOST:]:
        table.add_row(f"{notice.made_at:%a %d %b}", escape(" ".join(filter(None, (notice.case, notice.text)))))
    if table.row_count:
        yield Group(Text(), table)


def _table(*headings: str, right: Sequence[int] = ()) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left", min_width=14 if not number else None)
    return table


def _number(count: int, style: str = "") -> Text:
    return Text(str(count), style=style) if count else Text("·", style=DIM)


def _seen(moment: datetime | None, now: datetime, trouble: str) -> Text:
    if moment is None:
        return Text("never", style=BAD if trouble else DIM)
    return Text(ago(moment, now), style=BAD if trouble or now - moment >= STALE_AFTER else GOOD)


def ago(moment: datetime, now: datetime) -> str:
    """`12 s ago`, `5 min ago`, `3 h ago`, `2 days ago`."""
    return f"{_age(max(0, int((now - moment).total_seconds())))} ago"


def _age(seconds: int | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86_400} days"


def _size(megabytes: int) -> str:
    return f"{megabytes} MB" if megabytes < 10 * 1024 else f"{megabytes // 1024} GB"


def _some(references: Sequence[str]) -> str:
    rest = len(references) - REFERENCES_AT_MOST
    return shorten(", ".join(references[:REFERENCES_AT_MOST]), 200) + (f" and {rest} more" if rest > 0 else "")


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
