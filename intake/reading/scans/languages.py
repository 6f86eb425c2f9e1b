"""Which languages Tesseract has. It asks the program; it installs nothing."""

import subprocess
from collections.abc import Iterable

from intake.reading.scans.job import LANGUAGE_NAMES, TESSERACT_NAMES

SECONDS = 20
ORIENTATION = "osd"
NO_TESSERACT = "Tesseract is not installed"


def installed() -> frozenset[str]:
    """The names of Tesseract's languages, empty where there is no Tesseract that works."""
    try:
        # The program is looked for on the PATH, as OCRmyPDF does; no shell, no argument from outside.
        listed = subprocess.run(
            ["tesseract", "--list-langs"],  # noqa: S607
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    _, *names = listed.stdout.decode("utf-8", "replace").splitlines()
    return frozenset(name.strip() for name in names)


def wanted(languages: Iterable[str]) -> list[str]:
    """Tesseract's names for a shop's languages, in their order; those that it has no name for are left out."""
    return [TESSERACT_NAMES[language] for language in languages if language in TESSERACT_NAMES]


def what_is_missing(languages: Iterable[str], have: frozenset[str]) -> list[str]:
    """What Tesseract lacks for these languages, in words."""
    if not have:
        return [NO_TESSERACT]
    missing = [f"Tesseract has no {LANGUAGE_NAMES[name]} ({name})" for name in wanted(languages) if name not in have]
    if ORIENTATION not in have:
        missing.append(f"Tesseract cannot tell which way up a page is ({ORIENTATION})")
    return missing
