"""The command that tells what came in and what became of it: `report`."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from intake.bootstrap import check_rules, clock
from intake.cli.app import JsonOption, ShopOption, app, load, one_of, out, print_json, read_store
from intake.errors import UsageError
from intake.guarantee import reported
from intake.measuring.days import month_start
from intake.measuring.report import AGE_NAMES, BY, REASONS, Line, Report, report, report_value
from intake.post_folder import write_durably
from intake.publishing.charts import Heading, Look, Series, bars, columns

STANDARD_OUTPUT = "-"
MONTHS = 12
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would calculate what begins so
NOTHING = "–"
HEADINGS = ("arrived", "due", "in time", "share", "late", "median", "90%", "open", "reopened")
WIDEST = 30


@app.command("report")
def report_(  # noqa: PLR0913, PLR0917 - one option each
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")] = None,
    by: Annotated[str, typer.Option(help=f"A line for each: {', '.join(BY)}.")] = "month",
    shop: ShopOption = None,
    to_csv: Annotated[Path | None, typer.Option("--csv", help="A CSV file to write; - prints it.")] = None,
    as_json: JsonOption = False,
    svg: Annotated[Path | None, typer.Option(help="A folder to write charts into.")] = None,
) -> None:
    """Tell what arrived, what was answered in time or late and why, and what is open; by default of twelve months."""
    one_of(by, BY, "kind of line")
    config, now = load(), clock()
    check_rules(config)
    shops = [config.shop(shop)] if shop is not None else list(config.shops)
    today = now.astimezone(shops[0].zone).date()
    start = first.date() if first else month_start(today, MONTHS - 1)
    end = last.date() if last else today
    if end < start:
        raise UsageError(f"{end} is before {start}.", "Give the first day with --from and the last with --to.")
    store = read_store(config)
    found = report([reported(store, one, now) for one in shops], start, end, by)
    charts = _write_charts(svg, found) if svg is not None else []
    if to_csv is not None and str(to_csv) != STANDARD_OUTPUT:
        _write(to_csv, as_csv(found).encode("utf-8"))
    if as_json:
        print_json(report_value(found))
    elif to_csv is not None and str(to_csv) == STANDARD_OUTPUT:
        typer.echo(as_csv(found), nl=False)
    else:
        _print(found)
        for chart in charts:
            out.print(str(chart), highlight=False, markup=False, soft_wrap=True)


def as_csv(found: Report) -> str:
    """A report as CSV (RFC 4180): a line for each line, and one for the total."""
    excluded, aside = sorted(found.total.excluded), sorted(found.total.aside)
    head = (
        *(found.by, "arrived", "due", "in_time", "share", "late", *(f"late: {name}" for name in REASONS)),
        *("median_days", "ninetieth_days", *(f"open: {name} days" for name in AGE_NAMES), "reopened"),
        *(f"excluded: {name}" for name in excluded),
        *(f"set aside: {name}" for name in aside),
    )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_harmless(name) for name in head])
    for line in (*found.lines, found.total):
        counts = (*_of(line.late, REASONS), *_numbers(line), *_of(line.open, AGE_NAMES), str(line.reopened))
        share = f"{line.in_time / line.due:.4f}" if line.due else ""
        told = (line.key, str(line.arrived), str(line.due), str(line.in_time), share, str(sum(line.late.values())))
        cells = (*told, *counts, *_of(line.excluded, excluded), *_of(line.aside, aside))
        writer.writerow([_harmless(cell) for cell in cells])
    return text.getvalue()


def _of(counts: Mapping[str, int], names: tuple[str, ...] | list[str]) -> Iterator[str]:
    return (str(counts.get(name, 0)) for name in names)


def _numbers(line: Line) -> Iterator[str]:
    """The median and the 90th percentile; "never" where so many were not answered."""
    for days in (line.median, line.ninetieth):
        yield f"{days:g}" if days is not None else "never" if line.due else ""


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _print(found: Report) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    lines = [_cells(line) for line in (*found.lines, found.total)]
    table.add_column(found.by, overflow="fold", min_width=min(WIDEST, max(len(cells[0]) for cells in lines)))
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for cells in lines:
        table.add_row(*cells, style="bold" if cells is lines[-1] else "")
    out.print(f"{found.first} to {found.last}", highlight=False)
    out.print(table)
    total = found.total
    days = {f"{name} business days": number for name, number in total.open.items()}
    told_of = {"late": total.late, "open": days, "excluded": total.excluded, "set aside": total.aside}
    for heading, counts in told_of.items():
        if counts:
            told = ", ".join(f"{escape(name)} {number}" for name, number in counts.items())
            out.print(f"[bold]{heading}:[/] {told}", highlight=False)


def _cells(line: Line) -> list[str]:
    median, ninetieth = (days or NOTHING for days in _numbers(line))
    return [
        escape(line.key) or NOTHING,
        str(line.arrived),
        str(line.due),
        str(line.in_time),
        f"{100 * line.in_time / line.due:.1f}%" if line.due else NOTHING,
        str(sum(line.late.values())),
        median,
        ninetieth,
        str(sum(line.open.values())),
        str(line.reopened),
    ]


def _write_charts(folder: Path, found: Report) -> list[Path]:
    period = f"{found.first} to {found.last}"
    labels = [line.key or NOTHING for line in found.lines]
    answered = [
        Series("answered in time", [float(line.in_time) for line in found.lines]),
        Series("late", [float(sum(line.late.values())) for line in found.lines]),
    ]
    draw = columns if found.by == "month" else bars
    heading = Heading(f"Answered in time and late, by {found.by}", f"Cases that were due from {period}.")
    ages = {name: found.total.open.get(name, 0) for name in AGE_NAMES}
    charts = {
        "answered.svg": draw(heading, labels, answered, Look()),
        "late.svg": _counted(f"Late, by reason: {period}", found.total.late),
        "open.svg": _counted("Open, by age in business days", ages),
        "aside.svg": _counted(f"Set aside, by reason: {period}", found.total.aside),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.", "Name another folder.") from error
    for name, chart in charts.items():
        _write(folder / name, chart.encode("utf-8"))
    return [folder / name for name in charts]


def _counted(title: str, counts: Mapping[str, int]) -> str:
    shown = dict(counts) or {"none": 0}
    told = ", ".join(f"{name} {number}" for name, number in shown.items())
    return bars(Heading(title, f"{told}."), list(shown), [Series("", [float(one) for one in shown.values()])], Look())


def _write(path: Path, content: bytes) -> None:
    try:
        write_durably(path, content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
