"""Which of the four kinds of file a scan is, by its first bytes. It opens nothing and believes no name."""

from intake.errors import ReadingError

SIGNATURES = {
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",  # BigTIFF
    b"MM\x00+": "TIFF",
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n": "PNG",
}
PDF_WITHIN = 1024  # a PDF may begin with junk (ISO 32000-1, annex H, implementation note 13)


def scan_format(raw: bytes) -> str:
    """PDF, TIFF, JPEG or PNG by the first bytes, whatever the name says. Raises `ReadingError` (TYPE, EMPTY)."""
    if not raw:
        raise ReadingError("The scan is empty.", "Scan the letter again.", code="EMPTY")
    for start, name in SIGNATURES.items():
        if raw.startswith(start):
            return name
    if b"%PDF-" in raw[:PDF_WITHIN]:
        return "PDF"
    raise ReadingError("The file is no PDF, TIFF, JPEG or PNG.", "Scan the letter as one of these.", code="TYPE")
