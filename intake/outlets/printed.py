"""Letters that were printed: the PDF of many in `outgoing/`, and what moves on to `posted/`.

Each function may be repeated: a file that has been moved is not missed.
"""

from datetime import date
from pathlib import Path

from intake.errors import Refused
from intake.outlets.outgoing_post import letter_name
from intake.post_folder import OUTGOING, POSTED, write_durably


def lies_in(post: Path, run: str) -> bool:
    """Whether a PDF of many still waits in `outgoing/` or lies in `posted/`."""
    return any((post / folder / run).is_file() for folder in (OUTGOING, POSTED))


def put_run(post: Path | None, name: str, pdf: bytes, target: Path | None) -> Path:
    """Write the PDF of many letters to `target`, else into `outgoing/`; where it lies. Raises `Refused`."""
    if target is None and post is None:
        raise Refused("There is no folder for the letters.", "Name a file with --to.")
    place = target if target is not None or post is None else post / OUTGOING / name
    try:
        return write_durably(place or Path(name), pdf)
    except OSError as error:
        raise Refused(f"{place} cannot be written: {error.strerror}.", "Name another file with --to.") from error


def clear_outgoing(post: Path, reference: str, run: str) -> None:
    """Move a posted letter, whatever its last day was, and the PDF of many that it was printed in, from `outgoing/` to
    `posted/`."""
    letters = (post / OUTGOING).glob(f"*__{reference}.pdf")
    for waiting in (*letters, *((post / OUTGOING / run,) if run else ())):
        there = post / POSTED / waiting.name
        if not waiting.is_file():
            continue
        if there.exists():
            waiting.unlink()  # a copy of ours; the one that was moved is kept
        else:
            there.parent.mkdir(exist_ok=True)
            waiting.rename(there)


def drop_letter(post: Path, reference: str) -> None:
    """Remove the letter of a case from `outgoing/`: it was taken back, and must not be posted."""
    for path in (post / OUTGOING).glob(f"*__{reference}.pdf"):
        path.unlink(missing_ok=True)


def drop_older(post: Path, reference: str, post_by: date | None) -> None:
    """Remove the letter of a case as it was before its text or its last day changed: it must not be printed too."""
    for path in (post / OUTGOING).glob(f"*__{reference}.pdf"):
        if path.name != letter_name(reference, post_by):
            path.unlink(missing_ok=True)
