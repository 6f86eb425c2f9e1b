"""The ZIP beside a dossier: untouched originals, what is in them, a manifest, and sums that `sha256sum -c` checks.

Equal content gives equal bytes: files have no times. An original that is missing or damaged is listed as such; what
holds other people's messages too is listed and left out.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from intake.dossier.content import Content, Piece, Way
from intake.dossier.names import safe_name
from intake.pipeline.records import ATTACHMENT, COPY
from intake.reading.attachments import AttachmentReader
from storage.dossiers import Source
from storage.errors import Damaged, NotStored
from storage.models import Channel, Document
from storage.originals import Originals

SCHEMA = "intake-dossier/1"
SUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
ALWAYS = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a ZIP knows
READ_ONLY = 0o100444 << 16
MAIL_TYPE = "message/rfc822"


class What(StrEnum):
    """What a file of a dossier is."""

    MAIL = "mail"
    SCAN = "scan"
    RECORD = "record"
    COPY = "reading copy"
    ATTACHMENT = "attachment"
    LETTER = "letter"
    TEXT = "text as sent"
    DOSSIER = "dossier"


class State(StrEnum):
    """Whether a file is in the ZIP, or why it is not. `shared`: it holds messages of other cases."""

    THERE = "there"
    MISSING = "missing"
    DAMAGED = "damaged"
    SHARED = "shared"
    ERASED = "erased"


FOLDERS = {
    What.MAIL: "originals",
    What.SCAN: "originals",
    What.RECORD: "originals",
    What.COPY: "readable",
    What.ATTACHMENT: "attachments",
    What.LETTER: "letters",
    What.TEXT: "letters",
}
USUAL = {What.MAIL: "eml", What.RECORD: "json", What.TEXT: "txt", What.COPY: "pdf", What.LETTER: "pdf"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One document: which, of what piece, and where it is in the ZIP ("" where it is not). `name` is the name that
    somebody gave it."""

    number: int
    piece: int
    what: What
    name: str
    media_type: str
    size: int
    sha256: str
    path: str
    message_id: str
    state: State


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A document that is to go in, with what is known of it before anybody has looked."""

    piece: Piece
    what: What
    name: str
    media_type: str
    size: int
    sha256: str


class Archive:
    """A ZIP that is being written: first what the cases hold, then the dossier itself and the list of all."""

    def __init__(self, path: Path, originals: Originals, reader: AttachmentReader) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._originals, self._reader = originals, reader
        self._entries: list[Entry] = []
        self._sums: dict[str, str] = {}

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()

    def add_all(self, content: Content, documents: Sequence[Document], sources: Mapping[int, Source]) -> list[Entry]:
        """Put in what belongs to the pieces, in their order; the entries of all documents."""
        by_message: dict[int, list[Document]] = {}
        for document in documents:
            by_message.setdefault(document.message_id, []).append(document)
        held: set[int] = set()
        for piece in content.pieces:
            if piece.message is not None:
                source = sources.get(piece.message.arrival_id)
                attached = by_message.get(piece.message.id or 0, [])
                self._add_received(piece, source, attached, fresh=piece.message.arrival_id not in held)
                held.add(piece.message.arrival_id)
            else:
                self._add_sent(piece)
        return list(self._entries)

    def finish(self, name: str, pdf: bytes, about: Mapping[str, Any]) -> None:
        """Put in the dossier itself, the manifest, and the sums."""
        self._write(name, pdf)
        files = [asdict(entry) for entry in self._entries]
        itself = {"what": What.DOSSIER, "path": name, "size": len(pdf), "sha256": self._sums[name]}
        manifest = {"schema": SCHEMA, **about, "dossier": itself, "files": files}
        self._write(MANIFEST, (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode())
        sums = "".join(f"{digest}  {path}\n" for path, digest in sorted(self._sums.items()))
        self._write(SUMS, sums.encode())

    def _add_received(self, piece: Piece, source: Source | None, documents: list[Document], *, fresh: bool) -> None:
        """What a message came in, once, and the files in it."""
        if source is None or piece.message is None:
            return
        arrival, raw = source.arrival, None
        is_mail = piece.message.channel is Channel.MAIL
        if fresh:
            what = What.MAIL if is_mail else What.SCAN
            media_type = MAIL_TYPE if is_mail else next((one.media_type for one in documents if one.part == 0), "")
            wanted = _Wanted(piece, what, arrival.name.rstrip("/"), media_type, arrival.size, arrival.sha256)
            erased = State.ERASED if arrival.erased_at is not None else None
            raw = self._add_original(wanted, State.SHARED if source.shared else erased)
            if arrival.record and not source.shared:
                digest = str(arrival.record["sha256"])
                self._add_original(_Wanted(piece, What.RECORD, "record.json", "application/json", 0, digest))
        if is_mail:
            self._add_attachments(piece, raw, [one for one in documents if one.kind == ATTACHMENT])
        for copy in (one for one in documents if one.kind == COPY):
            self._add_original(_Wanted(piece, What.COPY, copy.name, copy.media_type, copy.size, copy.sha256))

    def _add_sent(self, piece: Piece) -> None:
        """A letter as it was typeset; of a mail that we sent, its text."""
        draft = piece.draft
        if piece.way is Way.LETTER_OUT and draft is not None and draft.pdf_sha256:
            name = f"{piece.reference}-{draft.kind}.pdf"
            self._add_original(_Wanted(piece, What.LETTER, name, "application/pdf", 0, draft.pdf_sha256))
            return
        content = f"{piece.subject}\n\n{piece.text}\n{piece.quoted}".encode()
        digest = hashlib.sha256(content).hexdigest()
        name = f"{piece.reference}-{piece.kind}.txt"
        self._put(_Wanted(piece, What.TEXT, name, "text/plain", len(content), digest), content)

    def _add_attachments(self, piece: Piece, raw: bytes | None, documents: list[Document]) -> None:
        found = self._reader.read(raw, [one.part for one in documents]) if raw is not None else [None] * len(documents)
        for document, content in zip(documents, found, strict=True):
            wanted = _Wanted(piece, What.ATTACHMENT, document.name, document.media_type, document.size, document.sha256)
            if content is None:
                self._leave_out(wanted, State.MISSING if raw is None else State.DAMAGED)
            else:
                self._put(wanted, content)

    def _add_original(self, wanted: _Wanted, why_not: State | None = None) -> bytes | None:
        """Put in the bytes that are kept under a hash; None where they are not there to be put in."""
        if why_not is None:
            try:
                content = self._originals.read(wanted.sha256)
            except NotStored:
                why_not = State.MISSING
            except Damaged:
                why_not = State.DAMAGED
            else:
                self._put(wanted, content)
                return content
        self._leave_out(wanted, why_not)
        return None

    def _put(self, wanted: _Wanted, content: bytes) -> None:
        given = wanted.name or wanted.what.value
        name = safe_name(len(self._entries) + 1, given, content, USUAL.get(wanted.what, "bin"))
        path = f"{FOLDERS[wanted.what]}/{name}"
        self._note(wanted, len(content), self._write(path, content), path, State.THERE)

    def _leave_out(self, wanted: _Wanted, why: State) -> None:
        self._note(wanted, wanted.size, wanted.sha256, "", why)

    def _note(self, wanted: _Wanted, size: int, digest: str, path: str, state: State) -> None:
        self._entries.append(
            Entry(
                number=len(self._entries) + 1,
                piece=wanted.piece.number,
                what=wanted.what,
                name=wanted.name,
                media_type=wanted.media_type,
                size=size,
                sha256=digest,
                path=path,
                message_id=wanted.piece.message_id,
                state=state,
            )
        )

    def _write(self, path: str, content: bytes) -> str:
        info = zipfile.ZipInfo(path, ALWAYS)
        info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, READ_ONLY, 3
        self._zip.writestr(info, content)
        self._sums[path] = hashlib.sha256(content).hexdigest()
        return self._sums[path]
