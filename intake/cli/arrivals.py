"""Commands about what came in: `arrivals`, `open`, `join`, `inspect`, `import`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from intake import casework
from intake.cli.app import (
    JsonOption,
    ShopOption,
    actor,
    app,
    load,
    one_of,
    only_process,
    out,
    print_json,
    problem,
    read_store,
    working_house,
)
from intake.cli.running import deliver_if_alone
from intake.cli.tables import arrival_value, arrivals_table
from intake.loops import InBackground
from intake.pipeline import House, process, receive_files
from intake.sources.files import find_mails
from storage.models import Fate

FATES = (*(fate.value for fate in Fate), "waiting")
SCANS = (".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png")


@app.command()
def arrivals(
    fate: Annotated[str | None, typer.Option(help="Only this fate: " + ", ".join(FATES) + ".")] = None,
    shop: ShopOption = None,
    json: JsonOption = False,
) -> None:
    """List everything that came in, with its fate and the reason for it."""
    one_of(fate, FATES, "fate")
    config = load()
    lines = read_store(config).list_arrivals(fate, shop)
    if json:
        print_json([arrival_value(line) for line in lines])
    else:
        out.print(arrivals_table(lines, config) if lines else "Nothing came in.")


ArrivalArgument = Annotated[int, typer.Argument(metavar="ARRIVAL", help="Its number in `intake arrivals`.")]


@app.command("open")
def open_(arrival: ArrivalArgument) -> None:
    """Open a case for something that was set aside or called a duplicate."""
    with working_house(load()) as house:
        reference = casework.open_arrival(house, arrival, actor())
        deliver_if_alone(house)
    out.print(f"Arrival {arrival} opened {reference}.")


@app.command()
def join(
    arrival: ArrivalArgument,
    reference: Annotated[str, typer.Argument(metavar="REF", help="The case it belongs to.")],
) -> None:
    """Join something that was set aside or called a duplicate to a case."""
    with working_house(load()) as house:
        joined = casework.join_arrival(house, arrival, reference, actor())
        deliver_if_alone(house)
    out.print(f"Arrival {arrival} joined {joined}.")


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help=".eml files, mbox files, Maildirs, or folders.")],
    shop: ShopOption = None,
    answered: Annotated[bool, typer.Option("--answered", help="They were answered: cases without drafts.")] = False,
    json: JsonOption = False,
) -> None:
    """Bring in mails from files. What was imported before is passed over, so it may be broken off and begun again;
    what failed is named."""
    config = load()
    chosen = config.shop(shop)
    failures: list[str] = []
    with only_process(config) as house, _progress(json) as progress:
        found = (file for path in paths for file in find_mails(path, failures))
        counts = _bring_in(house, receive_files(house, chosen, found, answered=answered), progress)
    if json:
        print_json({**counts, "failures": failures})
    else:
        told = "{read} mails read, {new} new, {processed} processed.".format(**counts)
        out.print(told if answered else f"{told} Drafts follow when Intake runs.")
    for failure in failures:
        problem(failure)
    if failures:
        raise typer.Exit(1)


def _bring_in(house: House, batches: Iterator[tuple[int, int]], progress: Progress) -> dict[str, int]:
    """Store what comes while what is stored is processed, and show both."""
    counts = {"read": 0, "new": 0, "processed": 0}
    reading, deciding = (progress.add_task(name, total=None) for name in ("reading", "deciding"))

    def work(is_ending: Callable[[], bool]) -> None:
        counts["processed"] += process(house, is_ending)
        progress.update(deciding, completed=counts["processed"])

    with InBackground(work) as processor:
        for read, new in batches:
            counts["read"] += read
            counts["new"] += new
            progress.update(reading, completed=counts["read"])
            processor.wake()
    return counts


def _progress(quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), disable=quiet
    )
