"""A scan and its record → `Message`. The text is the PDF's own text layer, where it has one.

Runs in a child process with limits: a scan of 400 kB can unpack to gigabytes. A scan without readable text still
becomes a message, marked as not readable, because the clock runs anyway.
"""

import hashlib
import io
import struct
import warnings
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image, UnidentifiedImageError

from intake.errors import ReadingError, RecordError
from intake.reading.decoding import clean, one_line
from intake.reading.record import Record, Sender
from intake.types import Address, Attachment, Channel, Message

MAX_BYTES = 50 * 1024 * 1024
MAX_PAGES = 100
MAX_PIXELS = 250_000_000
MAX_TEXT = 1024 * 1024
FEWEST_LETTERS = 50
AGAIN = "Put it back into incoming when it is mended."
MEDIA_TYPES = {"PDF": "application/pdf", "TIFF": "image/tiff", "JPEG": "image/jpeg", "PNG": "image/png"}


def scan_format(raw: bytes) -> str:
    """PDF, TIFF, JPEG or PNG by the first bytes, whatever the name says. Raises `ReadingError` (TYPE, EMPTY)."""
    if not raw:
        raise ReadingError("The scan is empty.", "Scan the letter again.", code="EMPTY")
    if b"%PDF-" in raw[:1024]:
        return "PDF"
    signatures = {b"II*\x00": "TIFF", b"MM\x00*": "TIFF", b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n": "PNG"}
    for start, name in signatures.items():
        if raw.startswith(start):
            return name
    raise ReadingError("The file is no PDF, TIFF, JPEG or PNG.", "Scan the letter as one of these.", code="TYPE")


def read_letter(raw: bytes, name: str, record: Record | None) -> Message:
    """Read one scan. Raises `ReadingError` with a code that tells the clerk what is wrong with it."""
    if len(raw) > MAX_BYTES:
        raise ReadingError("The scan is larger than 50 MB.", "Scan it at 300 dpi or less.", code="TOO-BIG")
    digest = hashlib.sha256(raw).hexdigest()
    _require_own_record(record, name, digest)
    kind = scan_format(raw)
    pages, text = _pdf(raw) if kind == "PDF" else (_image_pages(raw), "")
    problems = list(record.warnings) if record else ["there was no record beside the scan; its date is assumed"]
    if record and record.pages_expected and record.pages_expected != pages:
        problems.append(f"the record says {record.pages_expected} pages, the scan has {pages}")
    readable = sum(letter.isalpha() for letter in text) >= FEWEST_LETTERS
    if not readable:
        problems.append("the scan has no readable text: read the scan")
    return Message(
        channel=Channel.LETTER,
        message_id=f"<{digest}@scan.invalid>",
        sender=_sender(record.sender) if record else None,
        subject=one_line(record.subject) if record else "",
        text=text,
        attachments=(Attachment(0, one_line(name), MEDIA_TYPES[kind], len(raw), digest),),
        content_hash=digest,
        readable=readable,
        problems=tuple(problems),
        postal=record.sender.postal if record and record.sender.name else None,
        record=_kept(record),
    )


def _require_own_record(record: Record | None, name: str, digest: str) -> None:
    """A record that names another scan was left over from it: it would give this letter a wrong date and sender."""
    if record is None:
        return
    other_bytes = record.sha256 is not None and record.sha256.lower() != digest
    if other_bytes or (record.files and name not in record.files):
        raise RecordError("The record belongs to another scan.", "Put the right record beside the scan.")


def _sender(sender: Sender) -> Address | None:
    return Address(sender.name or sender.organisation, sender.email) if sender.name or sender.email else None


def _kept(record: Record | None) -> dict[str, str]:
    if record is None:
        return {}
    kept: dict[str, Any] = {
        "case_id": record.case_id,
        "language": record.language if record.language != "auto" else None,
        "registered_no": record.registered_no,
        "letter_date": record.letter_date,
        "sender_reference": record.sender_reference,
        "phone": record.sender.phone,
        "channel": record.channel,
    }
    return {key: str(value) for key, value in kept.items() if value}


def _pdf(raw: bytes) -> tuple[int, str]:
    try:
        with pikepdf.open(io.BytesIO(raw)) as document:
            pages = len(document.pages)
    except pikepdf.PasswordError as error:
        raise ReadingError(
            "The PDF is locked with a password.", "Scan the letter without one, or remove it.", code="PASSWORD"
        ) from error
    except (pikepdf.PdfError, ValueError, RuntimeError) as error:
        raise ReadingError("The PDF is damaged and cannot be opened.", f"Scan it again. {AGAIN}") from error
    if not pages:
        raise ReadingError("The PDF has no pages.", f"Scan it again. {AGAIN}")
    if pages > MAX_PAGES:
        raise ReadingError(
            f"The PDF has {pages} pages; a letter may have {MAX_PAGES}.",
            "Split it into letters.",
            code="TOO-MANY-PAGES",
        )
    return pages, _text_layer(raw)


def _text_layer(raw: bytes) -> str:
    try:
        document = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        raise ReadingError("The PDF is damaged and cannot be read.", f"Scan it again. {AGAIN}") from error
    texts: list[str] = []
    try:
        for page in document:
            layer = page.get_textpage()
            texts.append(layer.get_text_bounded())
            layer.close()
            page.close()
    except pypdfium2.PdfiumError as error:
        raise ReadingError("A page of the PDF is damaged.", f"Scan it again. {AGAIN}") from error
    finally:
        document.close()
    return clean("\n\n".join(texts)).replace("\ufffe", "-").strip()[:MAX_TEXT]


def _image_pages(raw: bytes) -> int:
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns at this size and refuses at twice this size
    try:
        # Pillow warns of what is odd in a picture; here only what cannot be read counts.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(raw)) as image:
            pages = int(getattr(image, "n_frames", 1))
            for page in range(min(pages, MAX_PAGES + 1)):
                image.seek(page)
            image.load()
    except Image.DecompressionBombError as error:
        raise ReadingError("The picture unpacks to more than a page can hold.", AGAIN, code="TOO-BIG") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, TypeError, struct.error) as error:
        raise ReadingError("The picture is damaged or was cut off.", f"Scan it again. {AGAIN}") from error
    if pages > MAX_PAGES:
        raise ReadingError(f"The scan has {pages} pages.", "Split it into letters.", code="TOO-MANY-PAGES")
    return pages
