"""What was recognised of a letter, and the clerk's record → `Message`.

Nothing is opened here: the scan was read before, in a process of its own. A letter without readable text still becomes
a message, marked as not readable, because the clock runs anyway.
"""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from intake.errors import RecordError
from intake.reading.decoding import clean, one_line
from intake.reading.record import Record, Sender
from intake.types import Address, Attachment, Channel, Message, ScannedLetter

FEWEST_LETTERS = 50
LEAST_CONFIDENCE = 60
MAX_TEXT = 1024 * 1024
MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
}
FOLDER = "application/zip"


@dataclass(frozen=True, slots=True)
class Scan:
    """One letter of a scan, and the scan as it was dropped: its hash, size in bytes, pages, how many letters are in it,
    and what there is to say about it. `part` counts the letters from 0."""

    letter: ScannedLetter
    sha256: str
    size: int
    page_count: int
    letters: int = 1
    part: int = 0
    problems: tuple[str, ...] = ()

    @property
    def first_page(self) -> str:
        """The text of the first page that has any: there the sender stands."""
        return next((page.text for page in self.letter.pages if page.text.strip()), "")


def read_letter(scan: Scan, name: str, record: Record | None) -> Message:
    """One letter as a message. In a stack of letters the record says when and how they came, and nothing of who
    wrote them."""
    letter = scan.letter
    text = clean(letter.text).strip()[:MAX_TEXT]
    readable = _is_readable(text, letter)
    problems = [*scan.problems, *(page.problem for page in letter.pages if page.problem)]
    problems += _record_problems(record, scan)
    if not readable:
        problems.append("the scan has no readable text: read the scan")
    message = Message(
        channel=Channel.LETTER,
        message_id=f"<{scan.sha256}.{scan.part}@scan.invalid>",
        text=text,
        attachments=(Attachment(0, one_line(name), _media_type(name), scan.size, scan.sha256),),
        content_hash=scan.sha256,
        readable=readable,
        problems=tuple(dict.fromkeys(problems)),
        confidence=letter.confidence,
    )
    return with_record(message, record, alone=scan.letters == 1) if record is not None else message


def with_record(message: Message, record: Record, *, alone: bool = True) -> Message:
    """A message with what the clerk's record says of it; `alone`: the record is about nothing else."""
    if not alone:
        return replace(message, record=_kept(record, alone=False))
    sender = record.sender
    return replace(
        message,
        sender=_sender(sender) or message.sender,
        subject=one_line(record.subject) or message.subject,
        postal=sender.postal if sender.name or sender.organisation else message.postal,
        record=_kept(record, alone=True),
    )


def require_own_record(record: Record | None, name: str, sha256: str) -> None:
    """A record that names another scan was left over from it: it would give this letter a wrong date and sender.
    Raises `RecordError`."""
    if record is None or name.endswith("/"):
        return
    other_bytes = record.sha256 is not None and record.sha256.lower() != sha256
    if other_bytes or (record.files and name not in record.files):
        raise RecordError("The record belongs to another scan.", "Put the right record beside the scan.")


def _is_readable(text: str, letter: ScannedLetter) -> bool:
    """Handwriting comes out of the OCR as a few words that it is not sure of."""
    enough = sum(sign.isalpha() for sign in text) >= FEWEST_LETTERS
    printed = any(page.text.strip() and not page.recognised for page in letter.pages)
    sure = letter.confidence is None or letter.confidence >= LEAST_CONFIDENCE
    return enough and (sure or printed)


def _record_problems(record: Record | None, scan: Scan) -> list[str]:
    if record is None:
        dated = scan.letter.received_on is not None
        return [] if dated else ["there was no record beside the scan; its date is assumed"]
    problems = list(record.warnings)
    if record.pages_expected and scan.page_count and record.pages_expected != scan.page_count:
        problems.append(f"the record says {record.pages_expected} pages, the scan has {scan.page_count}")
    return problems


def _media_type(name: str) -> str:
    return FOLDER if name.endswith("/") else MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), "application/pdf")


def _sender(sender: Sender) -> Address | None:
    return Address(sender.name or sender.organisation, sender.email) if sender.name or sender.email else None


def _kept(record: Record, *, alone: bool) -> dict[str, str]:
    of_all = {
        "channel": record.channel,
        "operator": record.operator,
        "note": record.note,
        "confidential": "yes" if record.confidential else "",
    }
    of_one = {
        "case_id": record.case_id,
        "category": record.category,
        "language": record.language if record.language != "auto" else None,
        "registered_no": record.registered_no,
        "letter_date": record.letter_date,
        "sender_reference": record.sender_reference,
        "phone": record.sender.phone,
        "email": record.sender.email,
    }
    kept = {**of_all, **(of_one if alone else {})}
    return {key: str(value) for key, value in kept.items() if value}
