"""Commands about what came in: `arrivals`, `open`, `join`, `inspect`, `import`."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from intake import casework
from intake.bootstrap import CATEGORIES, clock
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
from intake.config import Config, Mailbox
from intake.errors import ReadingError
from intake.examine import Examined, Examiner, Job
from intake.imap import FETCH_AT_MOST
from intake.loops import InBackground
from intake.pipeline import House, process, receive_files
from intake.reading.limits import Failure
from intake.reading.record import parse_record, read_record
from intake.rules.automatic import find_automatic
from intake.rules.spam import spam_sign
from intake.rules.verification import verified_sender
from intake.sources.files import find_mails, open_plain
from intake.types import Channel
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


@app.command()
def inspect(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Mails (.eml), scans or records (.json).")],
    shop: ShopOption = None,
    json: JsonOption = False,
) -> None:
    """Show what Intake understands of a mail, a scan or a record, without storing anything."""
    config = load()
    failed = False
    examiner = Examiner(CATEGORIES, config.workers)
    try:
        for path, value in _inspected(files, config, shop, examiner):
            failed = failed or "error" in value
            if json:
                print_json(value)
            else:
                out.print(f"[bold]{escape(str(path))}[/]", highlight=False)
                out.print_json(data=value, default=str)
    finally:
        examiner.close()
    if failed:
        raise typer.Exit(1)


def _inspected(
    files: list[Path], config: Config, shop_id: str | None, examiner: Examiner
) -> Iterator[tuple[Path, dict[str, Any]]]:
    shop = config.shop(shop_id)
    today = clock().astimezone(shop.zone).date()
    for path in files:
        suffix = path.suffix.lower()
        try:
            with open_plain(path) as file:
                raw = file.read(FETCH_AT_MOST)
        except OSError as error:
            yield path, {"file": str(path), "error": f"It cannot be read: {error.strerror}."}
            continue
        if suffix == ".json":
            yield path, _record_value(path, raw, shop_id, config)
            continue
        channel = Channel.LETTER if suffix in SCANS else Channel.MAIL
        record = path.with_suffix(".json") if channel is Channel.LETTER else None
        side = record.read_bytes() if record is not None and record.exists() else None
        job = Job(channel, raw, path.name, shop.languages, today, side, own=shop.own_names, zone=shop.time_zone)
        outcome = examiner.examine([job])[0]
        yield path, _examined_value(path, outcome, shop.mailbox)


def _record_value(path: Path, raw: bytes, shop_id: str | None, config: Config) -> dict[str, Any]:
    today = clock().astimezone(config.shop(shop_id).zone).date()
    try:
        record = read_record(parse_record(raw), today)
    except ReadingError as error:
        return {"file": str(path), "kind": "record", "error": str(error)}
    value = record.model_dump(mode="json", by_alias=True)
    return {"file": str(path), "kind": "record", **value, "problems": list(record.warnings)}


def _examined_value(path: Path, outcome: Examined | Failure, mailbox: Mailbox | None) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return {"file": str(path), "kind": "letter", "error": outcome.reason}
    message = outcome.message
    own_lists = mailbox.own_lists if mailbox else ()
    automatic = find_automatic(message, own_lists) if message.channel is Channel.MAIL else None
    return {
        "file": str(path),
        "kind": message.channel.value,
        "message_id": message.message_id,
        "from": asdict(message.sender) if message.sender else {"name": "", "address": ""},
        "reply_to": [asdict(person) for person in message.reply_to],
        "to": [asdict(person) for person in message.to],
        "cc": [asdict(person) for person in message.cc],
        "subject": message.subject,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
        "text": message.text,
        "quoted": message.quoted,
        "attachments": [
            {"name": item.name, "media_type": item.media_type, "size": item.size, "inline": item.inline}
            for item in message.attachments
        ],
        "language": outcome.language.code,
        "language_sure": outcome.language.sure,
        "category": outcome.categorisation.category,
        "labels": list(outcome.categorisation.labels),
        "matched": {topic: list(words) for topic, words in outcome.categorisation.matched.items()},
        "facts": {name: list(values) for name, values in asdict(outcome.facts).items() if values},
        "verified_sender": verified_sender(message, mailbox).value if message.channel is Channel.MAIL else "unknown",
        "signed_by": message.signed_by,
        "encrypted": message.encrypted,
        "forwarded_by": asdict(message.forwarded_by) if message.forwarded_by else None,
        "forward_note": message.forwarded.note if message.forwarded else "",
        "undelivered": [asdict(item) for item in message.undelivered],
        "bounced_ids": list(message.bounced_ids),
        "spam": spam_sign(message),
        "automatic": {
            "is": automatic is not None,
            "kind": automatic.kind if automatic else "",
            "reason": automatic.sign if automatic else "",
        },
        "received_on": outcome.received_on.isoformat() if outcome.received_on else None,
        "readable": message.readable,
        "problems": list(message.problems),
    }


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
