"""Letters that a clerk has moved to posted/: which case, and when."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake.sources.posted import outgoing_files, posted_files, reference_in
from tests.dropped import PDF


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("2026-11-20__SIS-2026-0042.pdf", "SIS-2026-0042"),
        ("SIS-2026-0042 (2).pdf", "SIS-2026-0042"),
        ("Kopie van 2026-11-20__SIS-2026-0042.pdf", "SIS-2026-0042"),
        ("2026-11-20__sis-2026-0042 - Copy.PDF", "SIS-2026-0042"),
        ("undated__A1B2-2027-12345.pdf", "A1B2-2027-12345"),
        ("SIS-2026-0042__SIS-2026-0042.pdf", "SIS-2026-0042"),
        ("SIS-2026-0042 en SIS-2026-0043.pdf", None),
        ("2026-11-20.pdf", None),
        ("run-list.pdf", None),
        ("SIS-2026-004.pdf", None),
        ("SIS-20260-0042.pdf", None),
        ("", None),
    ],
)
def test_a_name_tells_its_case(name: str, reference: str | None) -> None:
    assert reference_in(name) == reference


def test_whole_pdfs_in_posted_and_one_folder_below_are_found_with_the_moment_of_the_move(tmp_path: Path) -> None:
    posted, outgoing = tmp_path / "posted", tmp_path / "outgoing"
    for folder in (posted / "today" / "deeper", outgoing):
        folder.mkdir(parents=True)
    old = outgoing / "2026-11-20__SIS-2026-0001.pdf"
    old.write_bytes(PDF)
    os.utime(old, (0, 0))
    (outgoing / "2026-11-21__SIS-2026-0002.pdf").write_bytes(PDF)
    before = datetime.now(UTC) - timedelta(seconds=1)
    old.rename(posted / old.name)
    (posted / "today" / "SIS-2026-0003.PDF").write_bytes(PDF)
    for name in ("notes.txt", "half.pdf", "empty.pdf", ".hidden.pdf", "today/deeper/SIS-2026-0004.pdf"):
        (posted / name).write_bytes(PDF[:-9] if "half" in name else b"" if "empty" in name else PDF)
    (posted / "link.pdf").symlink_to(old)
    found = posted_files(tmp_path)
    assert [file.name for file in found] == ["2026-11-20__SIS-2026-0001.pdf", "SIS-2026-0003.PDF"]
    assert all(before <= file.moved_at <= datetime.now(UTC) for file in found)
    assert found[0].path == posted / old.name
    assert [file.name for file in outgoing_files(tmp_path)] == ["2026-11-21__SIS-2026-0002.pdf"]


def test_a_year_of_letters_is_listed_whole(tmp_path: Path) -> None:
    (tmp_path / "posted").mkdir()
    for number in range(2500):
        (tmp_path / "posted" / f"SIS-2026-{number:04d}.pdf").write_bytes(PDF)
    assert len(posted_files(tmp_path)) == 2500
