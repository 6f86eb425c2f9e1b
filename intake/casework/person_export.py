"""Everything that is held about a person, in a folder (art. 15 and 20 GDPR):

    DIR/person.json   all rows, for programs
    DIR/person.html   the same for eyes: no script, everything that people wrote escaped
    DIR/files/…       what they sent, as it came, with its attachments, and what was sent to them

The folder is new and only its owner can look into it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from intake.casework.persons import Person, refuse_ours
from intake.errors import Refused
from intake.outlets.outgoing_post import safe_name
from intake.pipeline.house import House
from intake.post_folder import cut
from intake.reading.attachments import AttachmentReader
from storage.errors import Damaged, NotStored
from storage.models import Arrival, Case, Message, Record
from storage.store import CaseFile

ATTACHMENT, COPY = "attachment", "reading copy"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f2;padding:.75rem;border-radius:4px;font:inherit}"
    "h2{border-top:2px solid #222;padding-top:.75rem;margin-top:2.5rem}h3{margin-bottom:.25rem}"
    "dt{color:#666}dd{margin:0 0 .25rem}dl{display:grid;grid-template-columns:9rem 1fr;margin:.5rem 0}"
)


@dataclass
class _Files:
    """The files written so far: each with its name, what it is, and what could not be had."""

    folder: Path
    written: list[dict[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def put(self, name: str, what: str, content: bytes) -> None:
        safe = cut(safe_name(name), 180)
        (self.folder / safe).write_bytes(content)
        self.written.append({"file": f"files/{safe}", "what": what})


def export_person(house: House, person: Person, target: Path) -> dict[str, int]:
    """Write everything to a new or empty folder; how many cases, messages and files. Raises `Refused` where the folder
    cannot be used, and for an address of ours."""
    refuse_ours(house, person.addresses)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise Refused(f"{target} is not empty.", "Name a new folder.")
        target.chmod(0o700)
        (target / "files").mkdir(mode=0o700)
    except OSError as error:
        raise Refused(f"{target} cannot be used: {error.strerror}.", "Name another folder.") from error
    cases = [house.store.case_file(number) for family in person.families for number in family.ids]
    elsewhere = [message for message, _ in person.elsewhere]
    files = _Files(target / "files")
    _write_files(house, [*(message for file in cases for message in file.messages), *elsewhere], files)
    for file in cases:
        _write_letters(house, file, files)
    value = _value(house, person, cases, files)
    for name, content in (
        ("person.json", json.dumps(value, ensure_ascii=False, indent=1, default=str)),
        ("person.html", "".join(_page(house, person, cases, files))),
    ):
        descriptor = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as out:
            out.write(content)
    messages = sum(len(file.messages) for file in cases) + len(elsewhere)
    return {"cases": len(cases), "messages": messages, "files": len(files.written), "missing": len(files.missing)}


def _write_files(house: House, messages: Sequence[Message], files: _Files) -> None:
    arrivals = house.store.persons.arrivals({message.arrival_id for message in messages})
    ids = {message.id or 0 for message in messages}
    done = house.store.persons.shared(arrivals, ids)
    files.missing += [f"arrival {number} as it came: it holds letters of others, too" for number in sorted(done)]
    by_message = house.store.persons.documents(ids)
    with AttachmentReader(house.config.workers) as reader:
        for message in messages:
            arrival, own = arrivals[message.arrival_id], by_message.get(message.id or 0, [])
            raw = _original(house, arrival.sha256, files)
            if message.arrival_id not in done and raw is not None:
                done.add(message.arrival_id)
                files.put(f"{arrival.id}-{_name_of(arrival)}", "as it came", raw)
                record = _original(house, str(arrival.record["sha256"]), files) if arrival.record else None
                if record is not None:
                    files.put(f"{arrival.id}-record.json", "what a clerk wrote down about it", record)
            attached = [one for one in own if one.kind == ATTACHMENT]
            contents = reader.read(raw, [one.part for one in attached]) if raw is not None else []
            for document, content in zip(attached, contents, strict=False):
                if content is not None:
                    files.put(f"{arrival.id}-{document.part}-{document.name}", "an attachment of it", content)
                else:
                    files.missing.append(f"attachment {document.name} of arrival {arrival.id}")
            for document in (one for one in own if one.kind == COPY):
                copy = _original(house, document.sha256, files)
                if copy is not None:
                    files.put(f"{arrival.id}-{message.part}-text-{document.name}", "a searchable copy of it", copy)


def _name_of(arrival: Arrival) -> str:
    if arrival.name:
        return f"{arrival.name.rstrip('/')}{'.zip' if arrival.name.endswith('/') else ''}"
    return "mail.eml"


def _write_letters(house: House, file: CaseFile, files: _Files) -> None:
    for draft in file.drafts:
        pdf = _original(house, draft.pdf_sha256, files) if draft.pdf_sha256 else None
        if pdf is not None:
            files.put(f"{file.case.reference}-{draft.id}-letter.pdf", "a letter of ours", pdf)


def _original(house: House, digest: str, files: _Files) -> bytes | None:
    try:
        return house.originals.read(digest)
    except (NotStored, Damaged) as error:
        files.missing.append(error.what)
        return None


def _value(house: House, person: Person, cases: Sequence[CaseFile], files: _Files) -> dict[str, Any]:
    shops = [shop.id for shop in house.config.shops]
    return {
        "schema": "intake-person/1",
        "made_at": house.clock().isoformat(),
        "addresses": person.addresses,
        "names": person.names,
        "postcodes": person.postcodes,
        "participants": house.store.persons.participants(person.case_ids),
        "undeliverable": [
            one.model_dump(mode="json") for one in house.store.persons.undeliverable(shops, person.addresses)
        ],
        "cases": [_case_value(file) for file in cases],
        "messages_elsewhere": [
            {**message.model_dump(mode="json"), "case": case.reference if case is not None else None}
            for message, case in person.elsewhere
        ],
        **_rest(house, person, cases),
        "files": files.written,
        "missing": files.missing,
    }


def _rest(house: House, person: Person, cases: Sequence[CaseFile]) -> dict[str, Any]:
    """The rows besides. Of what was recognised in a scan that holds letters of others too, their own letters alone."""
    held, case_ids = house.store.persons, person.case_ids
    messages = [*(message for file in cases for message in file.messages), *(one for one, _ in person.elsewhere)]
    own = {(message.arrival_id, message.part) for message in messages}
    ids = {message.arrival_id for message in messages}
    shared = held.shared(ids, {message.id or 0 for message in messages})
    readings = [
        one.model_copy(
            update={
                "letters": [letter for part, letter in enumerate(one.letters) if (one.arrival_id, part) in own],
                "problems": [] if one.arrival_id in shared else one.problems,
            }
        )
        for one in held.readings(ids)
    ]
    arrivals = [one for _, one in sorted(held.arrivals(ids).items())]
    rest: dict[str, Sequence[Record]] = {
        "clues": held.clues(case_ids),
        "notices": held.notices(case_ids),
        "arrivals": arrivals,
        "readings": readings,
        "effects_of_arrivals": held.effects(ids - shared),
        "events_of_arrivals": held.events(ids - shared),
    }
    return {name: [one.model_dump(mode="json") for one in rows] for name, rows in rest.items()}


def _case_value(file: CaseFile) -> dict[str, Any]:
    parts = ("messages", "documents", "deadlines", "drafts", "effects", "events", "notes")
    return {
        **file.case.model_dump(mode="json"),
        **{name: [one.model_dump(mode="json") for one in getattr(file, name)] for name in parts},
        "merged_into": file.merged_into or None,
    }


def _page(house: House, person: Person, cases: Sequence[CaseFile], files: _Files) -> Iterator[str]:
    who = ", ".join((*person.names, *person.addresses)) or "a person"
    yield f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(who)}</title><style>{STYLE}</style>\n'
    yield f"<h1>What is held about {escape(who)}</h1>\n<p>Made on {house.clock():%d %B %Y}. All rows stand in "
    yield "<code>person.json</code>; what was sent, as it came, lies in <code>files/</code>.</p>\n"
    for file in cases:
        yield from _case_part(file)
    if person.elsewhere:
        yield "<h2>Messages in no case of theirs</h2>\n"
        for message, case in person.elsewhere:
            yield from _message_part(message, f" (case {case.reference})" if case is not None else "")
    yield "<h2>Files</h2>\n<ul>\n"
    yield from (f"<li><code>{escape(one['file'])}</code>: {escape(one['what'])}</li>\n" for one in files.written)
    yield from (f"<li>missing: {escape(one)}</li>\n" for one in files.missing)
    yield "</ul>\n</html>\n"


def _case_part(file: CaseFile) -> Iterator[str]:
    case = file.case
    merged = f", merged into {file.merged_into}" if file.merged_into else ""
    yield f"<h2>Case {escape(case.reference)}</h2>\n"
    yield _table({**_head(case), "state": f"{case.state.value}{merged}"})
    for message in file.messages:
        yield from _message_part(message)
    for draft in file.drafts:
        yield f"<h3>Our {escape(draft.kind)}, {escape(draft.state.value)}</h3>\n"
        yield _table({"made": f"{draft.made_at:%Y-%m-%d %H:%M}", "to": draft.recipient, "subject": draft.subject})
        yield _text(draft.body)
    for note in file.notes:
        yield f"<h3>Note of {note.at:%Y-%m-%d}</h3>\n{_text(note.text)}"
    yield "<h3>History</h3>\n<ul>\n"
    yield from (f"<li>{event.at:%Y-%m-%d %H:%M} {escape(event.kind)}</li>\n" for event in file.events)
    yield "</ul>\n"


def _head(case: Case) -> dict[str, str]:
    postal = case.postal or {}
    return {
        "name": case.complainant_name,
        "mail": case.complainant_address,
        "address": ", ".join(str(value) for value in postal.values() if value),
        "subject": case.subject,
        "received": f"{case.received_at:%Y-%m-%d %H:%M}",
        "category": f"{case.category} {' '.join(case.labels)}".strip(),
        "marks": "; ".join(case.attention),
        "terms": "; ".join(f"{clock['kind']} {clock['due_on']}" for clock in case.clocks),
        "legal hold": case.legal_hold,
    }


def _message_part(message: Message, where: str = "") -> Iterator[str]:
    ours = "Sent to them" if message.outgoing else "From them"
    yield f"<h3>{ours}, {message.received_at:%Y-%m-%d %H:%M}, by {message.channel.value}{escape(where)}</h3>\n"
    told = {
        "from": f"{message.from_name} {message.from_address}".strip(),
        "subject": message.subject,
        "found in it": _facts(message),
        "a clerk wrote": "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in message.record.items()),
        "became": f"{message.fate.value} {message.reason}".strip(),
    }
    yield _table(told)
    yield _text(message.text)
    if message.quoted:
        yield f"<details><summary>quoted</summary>{_text(message.quoted)}</details>\n"


def _facts(message: Message) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {', '.join(values)}" for name, values in message.facts.items())


def _table(rows: dict[str, str]) -> str:
    inner = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value)
    return f"<dl>{inner}</dl>\n"


def _text(text: str) -> str:
    return f"<pre>{escape(text.strip())}</pre>\n" if text.strip() else ""
