"""A folder of pages that make one letter, as one file: a ZIP without compression, so that its bytes stay as they came.

The same pages in the same order always give the same bytes. It opens only what it packed.
"""

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from intake.errors import ReadingError
from intake.reading.recognition import ScanFile

ALWAYS = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a ZIP knows: a letter is the same on every day


def pack(pages: Sequence[tuple[str, bytes]]) -> bytes:
    """The pages, as (name, bytes) in their order, in one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for number, (name, content) in enumerate(pages, 1):
            packed.writestr(zipfile.ZipInfo(f"{number:04d}/{PurePosixPath(name).name}", ALWAYS), content)
    return out.getvalue()


def pages_of(packed: Path, folder: str | os.PathLike[str]) -> list[ScanFile]:
    """The pages again, in their order, as files in `folder`. Raises `ReadingError` for what is no packed folder."""
    try:
        with zipfile.ZipFile(packed) as pages:
            return [_extract(pages, info, Path(folder)) for info in sorted(pages.infolist(), key=_place)]
    except zipfile.BadZipFile as error:
        raise ReadingError("The folder of pages is damaged.", "Scan the letter again.") from error


def _place(info: zipfile.ZipInfo) -> str:
    return info.filename


def _extract(pages: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> ScanFile:
    number, _, name = info.filename.partition("/")
    target = folder / number
    target.write_bytes(pages.read(info))
    return ScanFile(name, target)
