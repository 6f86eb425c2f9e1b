"""Make the dossier of a case: a PDF to read, and beside it a ZIP with everything that it rests on.

    case and what was merged into it ─► content ─► ZIP: originals, attachments, letters ─► PDF with the list of them
                                                   └─────────── and last: PDF, manifest, sums ◄─┘

Both files come about under other names and take their own at the end, the PDF last: they are there whole or not at all,
and whoever finds the PDF finds the ZIP. Only their owner can read them.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from intake.config import DisputeBody, Shop
from intake.dossier.archive import Archive, Entry, State
from intake.dossier.content import MADE, Content, gather
from intake.dossier.page import Frame, page_data
from intake.dossier.words import Words, load_words
from intake.errors import NotFound, Refused, UsageError
from intake.pipeline.house import House
from intake.reading.attachments import AttachmentReader
from intake.rules.escalation import closed_on, get_body
from storage.models import Case, CaseState, Event
from storage.store import CaseFile

LAYOUT = "dossier.typ"
WORDS = "dossier"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the body's id ("" for the one that fits), the folder, the language ("" for the shop's first),
    and whether files that are there are replaced."""

    body: str = ""
    folder: Path = Path()
    language: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The files that were made, for which body, and the documents in them. `supposed`: the body is that of the shop's
    own country, since nobody knows the customer's."""

    pdf: Path
    archive: Path
    body: DisputeBody | None
    entries: tuple[Entry, ...]
    supposed: bool

    @property
    def left_out(self) -> tuple[Entry, ...]:
        """The documents that are listed and not in the ZIP."""
        return tuple(entry for entry in self.entries if entry.state is not State.THERE)


def make_dossier(house: House, reference: str, wanted: Wanted, actor: str) -> Made:
    """Make the dossier of a case. Raises `NotFound`; `Refused` where the case or the body cannot have one, or the files
    are there; `UsageError` where they cannot be written."""
    case = _case(house, reference)
    shop = house.shop(case.shop)
    today = house.clock().astimezone(shop.zone).date()
    body, taken_on, supposed = _body(shop, case, wanted.body, today)
    words = load_words(house.typesetter.press.layout(LAYOUT).parent / WORDS, wanted.language or shop.languages[0])
    pdf = wanted.folder / f"{case.reference}-dossier.pdf"
    archive = pdf.with_suffix(".zip")
    _refuse_held((pdf, archive), again=wanted.again)
    files = _files(house, case)
    content = gather(files, shop)
    frame = Frame(shop, body, taken_on, supposed, today, archive.name)
    try:
        wanted.folder.mkdir(parents=True, exist_ok=True)
        with _becoming(pdf) as page, _becoming(archive) as zipped:
            entries = _write(house, (content, files), frame, words, (page, zipped))
            _refuse_held((pdf, archive), again=wanted.again)
    except OSError as error:
        raise UsageError(f"{pdf} cannot be written: {error.strerror}.", "Name another folder with --to.") from error
    _note(house, case, body, actor)
    return Made(pdf, archive, body, tuple(entries), supposed)


def _case(house: House, reference: str) -> Case:
    case = house.store.find_case(reference)
    if case is None:
        raise NotFound(f"There is no case {reference}.", "`intake cases --state all` lists them.")
    if case.state is CaseState.MERGED:
        raise Refused(
            f"{case.reference} is merged.", "Ask for the case that it was merged into; `intake show` names it."
        )
    if case.anonymised_at is not None:
        day = case.anonymised_at.date()
        raise Refused(
            f"{case.reference} was anonymised on {day}: nothing is left to hand over.", "`intake show` has what is."
        )
    return case


def _body(shop: Shop, case: Case, body_id: str, today: date) -> tuple[DisputeBody | None, date | None, bool]:
    """The body that a dossier is for, the day on which the case was taken there, and whether it is only supposed; by
    itself the one that has the case, else the one for the customer's country, else for the shop's. A body that takes no
    disputes now may still have this one."""
    country = _country(case, shop)
    taken = {one["to"]: date.fromisoformat(one["on"]) for one in case.escalations if not one.get("ended")}
    known = [one for one in reversed(taken) if any(body.id == one for body in shop.dispute_bodies)]
    if not body_id and not known:
        supposed = not country and any(body.countries for body in shop.dispute_bodies)
        return shop.dispute_body(today, country), None, supposed
    body = get_body(shop, body_id or known[0])
    if body.id in taken:
        return body, taken[body.id], False
    if not body.is_open(today):
        raise closed_on(body, today)
    if country and not body.serves(country):
        raise Refused(
            f"{body.name} is not there for customers in {country}.",
            f"It is for: {', '.join(body.countries)}. Name another body.",
        )
    return body, None, False


def _country(case: Case, shop: Shop) -> str:
    """The customer's country; "" where nobody knows, as of nearly everybody who writes by mail. An address without a
    country is in the shop's own: whoever writes from abroad names it."""
    postal = case.postal or {}
    at_home = shop.address.country if postal.get("postal_code") or postal.get("city") else ""
    return str(postal.get("country") or at_home)


def _files(house: House, case: Case) -> list[CaseFile]:
    """The case, and those that were merged into it."""
    number = case.id or 0
    return [house.store.case_file(one) for one in (number, *house.store.dossiers.merged_into(number))]


def _write(
    house: House, told: tuple[Content, list[CaseFile]], frame: Frame, words: Words, targets: tuple[Path, Path]
) -> list[Entry]:
    """Write the PDF and the ZIP."""
    (content, files), (page, zipped) = told, targets
    arrivals = {message.arrival_id for file in files for message in file.messages}
    sources = house.store.dossiers.sources(arrivals, {file.case.id or 0 for file in files})
    documents = [document for file in files for document in file.documents]
    with AttachmentReader(house.config.workers) as reader, Archive(zipped, house.originals, reader) as archive:
        entries = archive.add_all(content, documents, sources)
        pdf = house.typesetter.press.set_pages(LAYOUT, page_data(content, entries, frame, words), frame.made_on)
        page.write_bytes(pdf)
        archive.finish(f"{content.case.reference}-dossier.pdf", pdf, _about(content, frame))
    return entries


def _about(content: Content, frame: Frame) -> dict[str, object]:
    return {
        "case": content.case.reference,
        "merged": list(content.references[1:]),
        "shop": frame.shop.name,
        "for": frame.body.name if frame.body else None,
        "made_on": frame.made_on.isoformat(),
    }


def _refuse_held(paths: tuple[Path, ...], *, again: bool) -> None:
    for path in paths:
        if path.exists() and not again:
            raise Refused(f"{path} is there already.", "`--again` replaces it, `--to` names another folder.")


@contextmanager
def _becoming(path: Path) -> Iterator[Path]:
    """A file of another name, which becomes `path` when all went well, and is gone when not."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield temporary
        _sync(temporary)
        temporary.rename(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _note(house: House, case: Case, body: DisputeBody | None, actor: str) -> None:
    """The history says who had it made, and for whom."""
    data = {"for": body.id if body else ""}
    with house.store.processing() as unit:
        unit.add_event(Event(shop=case.shop, case_id=case.id, kind=MADE, actor=actor, data=data, at=house.clock()))
