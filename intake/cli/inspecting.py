"""The command that shows what Intake understands of a file: `inspect`."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.markup import escape

from intake.bootstrap import CATEGORIES, clock
from intake.cli.app import JsonOption, ShopOption, app, load, out, print_json
from intake.config import Config, Mailbox, Shop
from intake.errors import ReadingError
from intake.examine import Examined, Examiner, Job
from intake.imap import FETCH_AT_MOST
from intake.reading.letter import Scan
from intake.reading.limits import Failure
from intake.reading.recognition import Recogniser, ScanFile, ScanJob
from intake.reading.record import parse_record, read_record
from intake.rules.automatic import find_automatic
from intake.rules.spam import spam_sign
from intake.rules.verification import verified_sender
from intake.sources.files import open_plain
from intake.sources.post import SCANS
from intake.types import Channel


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
    """What each file says: one value for a mail or a record, one for each letter of a scan."""
    shop = config.shop(shop_id)
    with TemporaryDirectory(prefix="intake-") as folder:
        recogniser = Recogniser(Path(folder))
        for path in files:
            try:
                yield from ((path, value) for value in _of_file(path, shop, examiner, recogniser))
            except OSError as error:
                yield path, {"file": str(path), "error": f"It cannot be read: {error.strerror}."}
            except ReadingError as error:
                yield path, {"file": str(path), "error": str(error), "code": error.code}


def _of_file(path: Path, shop: Shop, examiner: Examiner, recogniser: Recogniser) -> Iterator[dict[str, Any]]:
    today = clock().astimezone(shop.zone).date()
    with open_plain(path) as file:
        raw = file.read(FETCH_AT_MOST)
    suffix = path.suffix.lower()
    if suffix == ".json":
        yield _record_value(path, raw, today)
        return
    job = Job(
        Channel.MAIL, raw, path.name, shop.languages, today, own=shop.own_names, zone=shop.time_zone, shop=shop.on_paper
    )
    jobs = list(_letter_jobs(job, path, recogniser)) if suffix in SCANS else [job]
    for one, outcome in zip(jobs, examiner.examine(jobs), strict=True):
        yield _examined_value(path, outcome, shop.mailbox) | _scan_value(one)


def _letter_jobs(job: Job, path: Path, recogniser: Recogniser) -> Iterator[Job]:
    """A job for each letter of a scan, with the record beside it. Raises `ReadingError`."""
    beside = next((place for place in (path.with_suffix(".json"), Path(f"{path}.json")) if place.is_file()), None)
    record = beside.read_bytes() if beside is not None else None
    expected = read_record(parse_record(record), job.arrived_on).letters_expected if record is not None else None
    found = recogniser.recognise(ScanJob((ScanFile(path.name, path),), job.languages, expected))
    digest = hashlib.sha256(job.raw).hexdigest()
    for part, letter in enumerate(found.letters):
        scan = Scan(letter, digest, len(job.raw), found.page_count, len(found.letters), part, found.problems)
        yield replace(job, channel=Channel.LETTER, raw=b"", record=record, scan=scan)


def _scan_value(job: Job) -> dict[str, Any]:
    """What there is to say of a letter beside what a mail has, too."""
    scan = job.scan
    if scan is None:
        return {}
    confidence = scan.letter.confidence
    return {
        "letter": scan.part + 1,
        "letters": scan.letters,
        "pages": [
            {
                "number": page.number,
                "recognised": page.recognised,
                "confidence": round(page.confidence, 1) if page.confidence is not None else None,
                "words": page.words,
                "codes": list(page.codes),
                "blank": page.blank,
                "problem": page.problem,
            }
            for page in scan.letter.pages
        ],
        "confidence": round(confidence, 1) if confidence is not None else None,
    }


def _record_value(path: Path, raw: bytes, today: date) -> dict[str, Any]:
    try:
        record = read_record(parse_record(raw), today)
    except ReadingError as error:
        return {"file": str(path), "kind": "record", "error": str(error)}
    value = record.model_dump(mode="json", by_alias=True)
    return {"file": str(path), "kind": "record", **value, "problems": list(record.warnings)}


def _examined_value(path: Path, outcome: Examined | Failure, mailbox: Mailbox | None) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return {"file": str(path), "error": outcome.reason}
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
        "postal": asdict(message.postal) if message.postal else None,
        "phone": message.record.get("phone", ""),
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
        "recognised": list(message.recognised),
        "record": message.record,
        "readable": message.readable,
        "problems": list(message.problems),
    }
