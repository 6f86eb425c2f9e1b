"""The codes that machines read off our paper: the case on a letter, the separator between two letters.

    INTAKE|CASE|1|SIS-2026-0001     on the letter of a case
    INTAKE|SEP|1                    on a separator sheet
    INTAKE|SEP|1|2026-11-20         on one that gives the day of receipt
    PATCHT                          the same in Code 39, as other programs' sheets have it

They are drawings (SVG) without a quiet zone; the layouts leave the white around them.
"""

import re
from datetime import date

import zxingcpp
from zxingcpp import BarcodeFormat

# A case's reference: the shop's prefix, the year, the number (`rules/facts.py` finds the same in a text).
_CASE = re.compile(r"[A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9}", re.ASCII)


def case_code(reference: str) -> str:
    """The QR code of a case, "" for a reference that is none. Level Q: a quarter of it may be lost."""
    return _drawn(f"INTAKE|CASE|1|{reference}", BarcodeFormat.QRCode, "Q") if _CASE.fullmatch(reference) else ""


def separator_code(received_on: date | None = None) -> str:
    """The QR code of a separator sheet. Level H: nearly a third of it may be lost."""
    return _drawn("INTAKE|SEP|1" + (f"|{received_on.isoformat()}" if received_on else ""), BarcodeFormat.QRCode, "H")


def patch_code() -> str:
    """PATCHT in Code 39 (ISO/IEC 16388), without a check digit."""
    return _drawn("PATCHT", BarcodeFormat.Code39)


def _drawn(text: str, kind: BarcodeFormat, level: str = "") -> str:
    code = zxingcpp.create_barcode(text, kind, ec_level=level)
    drawing: str = code.to_svg(add_hrt=False, add_quiet_zones=False)
    return drawing
