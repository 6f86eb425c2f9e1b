"""How fast scans are read, beside bare OCRmyPDF with the same options over the same letters in the same run.

Both read two scans at a time with one job each, at the same priority, and in turns, because a machine has faster and
slower moments. What Intake adds is in its time: limits, bar codes at two resolutions, blank pages, its own process and
work folder, the words' confidence, and the copy made timeless.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy
import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table

from intake.reading.recognition import Recogniser, ScanFile, ScanJob
from tests.scans import LETTER, paper, scanned, skewed

LETTERS, PAGES, TURNS = 12, 2, 3
A4 = (210, 297)
SENTENCE = "Het pakket is tot op heden niet geleverd, hoewel ik al twee keer heb gebeld en ook heb gemaild."
BARE: dict[str, str | int] = {
    "-l": "nld+eng+deu+fra",
    "--mode": "skip",
    "--rotate-pages-threshold": 12,
    "--output-type": "auto",
    "--pdfa-backend": "internal",
    "--rasterizer": "pypdfium",
    "--optimize": 1,
    "--jobs": 1,
    "--tesseract-timeout": 60,
    "--max-image-mpixels": 80,
    "--max-ocr-image-mpixels": 20,
}


def grainy(number: int) -> bytes:
    """A letter of two full pages at 200 dpi, a little skewed, with the grain of a scanner."""
    pages = []
    for page in range(PAGES):
        lines = (*LETTER, "", *(f"{number}.{page}.{line} {SENTENCE}" for line in range(25)))
        drawn = numpy.asarray(skewed(paper(*lines, size=A4), 0.4), dtype=float)
        grain = numpy.random.default_rng(number * PAGES + page).normal(0, 6, drawn.shape)
        pages.append(Image.fromarray(numpy.clip(drawn + grain, 0, 255).astype("uint8")))
    return scanned(*pages)


def bare(scan: Path) -> None:
    text, copy = scan.with_suffix(".txt"), scan.with_suffix(".copy.pdf")
    options = [str(word) for pair in BARE.items() for word in pair]
    command = ["nice", "-n", "10", sys.executable, "-m", "ocrmypdf", "--quiet", "--rotate-pages", "--deskew", *options]
    subprocess.run([*command, "--sidecar", text, scan, copy], env=os.environ | {"OMP_THREAD_LIMIT": "1"}, check=True)
    assert "Kerkstraat" in text.read_text()


def ours(recogniser: Recogniser, scan: Path) -> None:
    found = recogniser.recognise(ScanJob((ScanFile(scan.name, scan),), ("nl", "en", "de", "fr")))
    assert "Kerkstraat" in found.letters[0].text
    assert found.letters[0].confidence


def seconds(read: Callable[[Path], None], scans: list[Path]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(read, scans))
    return time.perf_counter() - began


@pytest.mark.bench
def test_pages_per_second_beside_bare_ocrmypdf(tmp_path: Path) -> None:
    scans = []
    for number in range(LETTERS):
        scans.append(tmp_path / f"{number}.pdf")
        scans[-1].write_bytes(grainy(number))
    recogniser = Recogniser(tmp_path / "work")
    bare_seconds = our_seconds = 0.0
    for turn in range(TURNS):
        batch = scans[turn::TURNS]
        bare_seconds += seconds(bare, batch)
        our_seconds += seconds(partial(ours, recogniser), batch)
    rates = [("bare ocrmypdf", bare_seconds), ("Intake", our_seconds)]
    table = Table(title=f"{LETTERS} letters of {PAGES} pages at 200 dpi, grainy", title_justify="left")
    for heading in ("", "pages a second", "ratio"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, taken in rates:
        table.add_row(name, f"{LETTERS * PAGES / taken:.2f}", f"{bare_seconds / taken:.2f}")
    console = Console(width=110)
    console.print()
    console.print(table)
