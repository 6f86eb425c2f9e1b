"""Scans read by real child processes with real Tesseract: what comes out, and what becomes of files that do harm."""

import hashlib
import io
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pikepdf.pdfa
import pypdfium2
import pytest
from PIL import Image

from intake.errors import ReadingError
from intake.reading.recognition import (
    Interrupted,
    Recognised,
    Recogniser,
    RecognitionLimits,
    ScanFile,
    ScanJob,
    missing_languages,
)
from intake.types import ScannedLetter
from tests.scans import (
    LETTER,
    blank,
    empty_pages,
    joined,
    paper,
    patch_sheet,
    saved,
    scanned,
    shared,
    skewed,
    typeset,
    with_layer,
    written,
)
from tests.servers import wait_until

ALL = ("nl", "en", "de", "fr")
FEW_WORDS = ("Op drie november heb ik bij u een", "waterkoker besteld en nog altijd niets", "ontvangen wat")
ROLL = 150  # MB that a parent may grow by while its child meets a bomb


def job_of(
    folder: Path, *scans: tuple[str, bytes], expected: int | None = None, languages: tuple[str, ...] = ALL
) -> ScanJob:
    files = []
    for number, (name, raw) in enumerate(scans):
        path = folder / f"{number}-{name}"
        path.write_bytes(raw)
        files.append(ScanFile(name, path))
    return ScanJob(tuple(files), languages, expected)


def read(folder: Path, *scans: tuple[str, bytes], limits: RecognitionLimits | None = None, **more: Any) -> Recognised:
    recogniser = Recogniser(folder / "work", limits=limits or RecognitionLimits(jobs=2))
    found = recogniser.recognise(job_of(folder, *scans, **more))
    assert not list((folder / "work").iterdir())
    return found


def says_the_letter(text: str) -> bool:
    return all(" ".join(line.split()) in text for line in LETTER if line)


def copy_pages(copy: bytes) -> list[str]:
    with pypdfium2.PdfDocument(copy) as document:
        return [page.get_textpage().get_text_range() for page in document]


def children(folder: Path) -> list[int]:
    """The processes that work below the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(folder) in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


class Background(threading.Thread):
    """Recognises one scan in a thread, and keeps what came of it."""

    def __init__(self, recogniser: Recogniser, job: ScanJob) -> None:
        super().__init__()
        self.outcome: object = None
        self._work = lambda: recogniser.recognise(job)
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.outcome = error


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Recognised:
    """One scan of six letters: as it should be, upside down, on its side, skewed, with a blank back, never on paper."""
    sheet = patch_sheet()
    page = paper()
    pages = scanned(
        page, sheet, page.rotate(180), sheet, page.rotate(90, expand=True), sheet, skewed(page, 1.5), sheet,
        page, blank(), sheet,
    )  # fmt: skip
    return shared(
        tmp_path_factory,
        "stack",
        lambda: read(tmp_path_factory.mktemp("stack"), ("scan.pdf", joined(pages, typeset()))),
    )


@pytest.fixture(scope="module")
def folder_letter(tmp_path_factory: pytest.TempPathFactory) -> Recognised:
    """A folder that is one letter: a G4 TIFF of two pages, a JPEG without resolution that lies on its side, as its
    EXIF says, and a PNG on glass."""
    exif = Image.Exif()
    exif[0x0112] = 6
    black = paper().convert("1")
    tiff = saved(
        black,
        "TIFF",
        compression="group4",
        save_all=True,
        append_images=[blank().convert("1", dither=Image.Dither.NONE)],
    )
    glass = Image.new("RGBA", paper().size, (0, 0, 0, 0))
    glass.paste((0, 0, 60, 255), mask=paper().point([255 - value for value in range(256)]))
    scans = (
        ("1.tif", tiff),
        ("2.jpg", saved(paper().rotate(90, expand=True), dpi=None, exif=exif)),
        ("10.png", saved(glass, "PNG")),
    )
    return shared(tmp_path_factory, "folder", lambda: read(tmp_path_factory.mktemp("folder"), *scans, expected=1))


@pytest.mark.parametrize(
    ("place", "kind"), list(enumerate(["upright", "upside down", "on its side", "skewed", "with a blank back"]))
)
def test_a_scanned_page_is_read_whichever_way_it_lies(stack: Recognised, place: int, kind: str) -> None:
    letter = stack.letters[place]
    page = letter.pages[0]
    assert says_the_letter(letter.text), kind
    assert page.recognised
    assert page.words > 40
    assert page.confidence is not None
    assert page.confidence > 85
    assert page.problem == ""


def test_lines_stay_lines_and_blocks_stay_apart(stack: Recognised) -> None:
    for letter in stack.letters:
        lines = letter.text.splitlines()
        start = lines.index("A. de Boer")
        assert [" ".join(line.split()) for line in lines[start : start + 3]] == [
            "A. de Boer",
            "Kerkstraat 5",
            "1017 GA Amsterdam",
        ]
        assert "" in lines[start + 3 : lines.index("Smart Import Solutions") + 1]


def test_a_page_with_text_of_its_own_is_not_recognised_again(stack: Recognised) -> None:
    (page,) = stack.letters[5].pages
    assert says_the_letter(page.text)
    assert (page.recognised, page.words, page.confidence) == (False, 0, None)
    assert stack.letters[5].confidence is None


def test_pages_keep_their_numbers_in_the_scan_and_separators_are_no_pages(stack: Recognised) -> None:
    assert [[page.number for page in letter.pages] for letter in stack.letters] == [[1], [3], [5], [7], [9, 10], [12]]
    assert stack.page_count == 12
    assert stack.problems == ()


def test_a_blank_back_is_marked_and_left_out_of_the_reading_copy(stack: Recognised) -> None:
    assert [page.blank for page in stack.letters[4].pages] == [False, True]
    assert len(copy_pages(stack.copies[4])) == 1


def test_each_letter_has_a_searchable_copy_of_its_own_pages(stack: Recognised) -> None:
    for letter, copy in zip(stack.letters, stack.copies, strict=True):
        assert letter.copy == hashlib.sha256(copy).hexdigest()
        (text,) = copy_pages(copy)
        assert "Kerkstraat" in text
        assert "4711-8823" in text


def test_the_copies_of_scans_are_pdfa(stack: Recognised, folder_letter: Recognised) -> None:
    for copy in (*stack.copies[:5], *folder_letter.copies):
        report = pikepdf.pdfa.validate_written(io.BytesIO(copy), "2b")
        assert report.passed, report.findings


def test_the_same_pages_give_the_same_copy_whatever_moment_it_is(stack: Recognised) -> None:
    assert stack.copies[0] == stack.copies[4]


def test_a_folder_of_pictures_is_one_letter_in_one_file(folder_letter: Recognised) -> None:
    (letter,) = folder_letter.letters
    assert folder_letter.page_count == 4
    assert [page.blank for page in letter.pages] == [False, True, False, False]
    assert [says_the_letter(page.text) for page in letter.pages] == [True, False, True, True]
    assert len(copy_pages(folder_letter.copies[0])) == 3


def test_a_picture_without_resolution_becomes_about_a4(folder_letter: Recognised) -> None:
    with pikepdf.open(io.BytesIO(folder_letter.copies[0])) as copy:
        left, bottom, right, top = (float(side) for side in copy.pages[1].mediabox)
    assert max(right - left, top - bottom) == pytest.approx(842, abs=6)


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> Recognised:
    """One letter of pages that have text beside their picture: unseen over it, seen over it, seen below it."""
    scan = scanned(paper())
    pages = joined(
        with_layer(scan, ("xq zz lorem of the scanner", "more nonsense")),
        with_layer(scan, ("FAX 2026-11-20 14:03",), mode=0),
        with_layer(scan, ("what nobody sees",) * 3, mode=0, below=True),
    )
    return shared(tmp_path_factory, "layered", lambda: read(tmp_path_factory.mktemp("layered"), ("scan.pdf", pages)))


def test_the_layer_of_a_scanner_gives_way_to_what_tesseract_reads(layered: Recognised) -> None:
    page = layered.letters[0].pages[0]
    assert says_the_letter(page.text)
    assert "nonsense" not in page.text
    assert page.recognised
    copied = copy_pages(layered.copies[0])[0]
    assert "nonsense" not in copied
    assert "Kerkstraat" in copied


def test_a_line_stamped_on_a_scan_does_not_keep_the_scan_from_being_read(layered: Recognised) -> None:
    page = layered.letters[0].pages[1]
    assert page.text.startswith("FAX 2026-11-20 14:03\n\n")
    assert "geleverd, hoewel ik twee keer heb gebeld" in page.text


def test_text_that_lies_below_the_picture_is_not_believed(layered: Recognised) -> None:
    page = layered.letters[0].pages[2]
    assert says_the_letter(page.text)
    assert "nobody" not in page.text


def test_a_page_read_with_doubt_is_turned_and_read_again(tmp_path: Path) -> None:
    """Tesseract finds that it lies upside down, with a confidence of 4, where 12 is asked for."""
    scan = scanned(paper(*FEW_WORDS, size=(148, 105)).rotate(180))
    (page,) = read(tmp_path, ("few.pdf", scan)).letters[0].pages
    assert "waterkoker besteld" in page.text
    assert page.confidence is not None
    assert page.confidence > 85


def test_a_page_that_tesseract_does_not_finish_says_so_and_has_no_text(tmp_path: Path) -> None:
    limits = RecognitionLimits(tesseract_seconds=0.01)
    found = read(tmp_path, ("s.pdf", scanned(paper())), limits=limits)
    (page,) = found.letters[0].pages
    assert (page.text, page.recognised, page.words) == ("", False, 0)
    assert page.problem == "page 1 could not be read in time"
    assert found.problems == (page.problem,)
    assert len(copy_pages(found.copies[0])) == 1


def test_a_blank_letter_is_still_a_letter_that_can_be_looked_at(tmp_path: Path) -> None:
    found = read(tmp_path, ("s.pdf", scanned(blank(), blank())))
    (letter,) = found.letters
    assert [page.blank for page in letter.pages] == [True, True]
    assert letter.text == ""
    assert len(copy_pages(found.copies[0])) == 2


def test_without_the_language_the_own_text_is_there_and_the_lack_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    found = read(tmp_path, ("s.pdf", joined(scanned(paper()), typeset())))
    first, second = found.letters[0].pages
    assert (first.text, first.recognised, first.problem) == ("", False, "its text was not recognised")
    assert says_the_letter(second.text)
    assert any("Tesseract" in problem for problem in found.problems)
    assert len(copy_pages(found.copies[0])) == 2


def test_with_some_languages_missing_those_that_are_there_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data,) = Path("/usr/share/tesseract-ocr").glob("*/tessdata")
    own = tmp_path / "tessdata"
    own.mkdir()
    for name in ("eng.traineddata", "osd.traineddata", "configs", "tessconfigs"):
        (own / name).symlink_to(data / name)
    monkeypatch.setenv("TESSDATA_PREFIX", str(own))
    assert missing_languages(("nl", "en")) == ["Tesseract has no Dutch (nld)"]
    found = read(tmp_path, ("s.pdf", scanned(paper(*FEW_WORDS))), languages=("nl", "en"))
    assert "waterkoker" in found.letters[0].text
    assert found.problems == ("the text was not recognised in full: Tesseract has no Dutch (nld)",)


def test_nothing_is_missing_here() -> None:
    assert missing_languages(ALL) == []


def test_tesseract_itself_can_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_languages(ALL) == ["Tesseract is not installed"]


def locked(user: str) -> bytes:
    with pikepdf.open(io.BytesIO(typeset())) as document:
        return written(document, encryption=pikepdf.Encryption(user=user, owner="owner"))


def broken_picture() -> bytes:
    """A PDF in order, whose only picture is not."""
    with pikepdf.open(io.BytesIO(scanned(paper()))) as document:
        (picture,) = (thing for thing in document.objects if isinstance(thing, pikepdf.Stream) and "/Width" in thing)
        picture.write(bytes(50_000), filter=pikepdf.Name.DCTDecode)
        return written(document)


def nested() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\n"
        b"endobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/X "
        + b"[" * 200_000
        + b"]" * 200_000
        + b">>\nendobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF"
    )


def looping() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[2 0 R 2 0 R]>>\n"
        b"endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )


def wide_png(side: int) -> bytes:
    """White paper of so many pixels each way, in black and white."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    squeeze = zlib.compressobj(1)
    rows = b"".join(squeeze.compress(bytes(side // 8 + 1)) for _ in range(side)) + squeeze.flush()
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def wide_tiff(side: int) -> bytes:
    """A TIFF in G4 that says it is so many pixels each way, of one short strip."""
    tags = ((256, side), (257, side), (258, 1), (259, 4), (262, 0), (273, 8), (277, 1), (278, side), (279, 8))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\x00\x10\x00\x00\x00" + bytes(8) + struct.pack("<H", len(tags)) + entries + bytes(4)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "EMPTY"),
    "only zeros": (lambda: bytes(5000), "TYPE"),
    "a text": (lambda: b"Dear Mirjam, " * 100, "TYPE"),
    "locked": (lambda: locked("secret"), "PASSWORD"),
    "half a PDF": (lambda: scanned(paper())[:30_000], "DAMAGED"),
    "half a JPEG": (lambda: saved(paper())[:20_000], "DAMAGED"),
    "half a PNG": (lambda: saved(paper(), "PNG")[:9_000], "DAMAGED"),
    "a TIFF header": (lambda: b"II*\x00\x08\x00\x00\x00\xff\xff", "DAMAGED"),
    "a broken picture in a PDF": (broken_picture, "DAMAGED"),
    "no pages": (lambda: empty_pages(0), "DAMAGED"),
    "a loop of pages": (looping, "DAMAGED"),
    "20,000 pages": (lambda: empty_pages(20_000), "TOO-MANY-PAGES"),
    "101 pages in one letter": (lambda: empty_pages(101, 30, b"9 9 9 9 re f"), "TOO-MANY-PAGES"),
    "a page of 5.08 m": (lambda: empty_pages(1, 14_400), "TOO-BIG"),
    "a PNG of 3,600 megapixels": (lambda: wide_png(60_000), "TOO-BIG"),
    "a TIFF of 3,600 megapixels": (lambda: wide_tiff(60_000), "TOO-BIG"),
    "deeply nested": (nested, "DAMAGED"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_scan_that_cannot_be_read_says_why_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    make, code = REFUSED[name]
    job = job_of(tmp_path, ("scan.bin", make()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    with pytest.raises(ReadingError) as caught:
        Recogniser(tmp_path / "work").recognise(job)
    assert caught.value.code == code
    assert caught.value.next_step
    assert time.monotonic() - began < 240
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < ROLL * 1024
    assert not list((tmp_path / "work").iterdir())
    assert not children(tmp_path)


def test_a_bomb_of_drawing_ends_its_child_by_memory_and_nobody_else(tmp_path: Path) -> None:
    bomb = empty_pages(1, content=b"q 1 0 0 1 0 0 cm 0 0 m 9 9 l S Q\n" * 3_000_000)
    assert len(bomb) < 1024 * 1024
    job = job_of(tmp_path, ("bomb.pdf", bomb))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReadingError) as caught:
        Recogniser(tmp_path / "work", limits=RecognitionLimits(memory_bytes=700 * 1024**2)).recognise(job)
    assert caught.value.code == "MEMORY"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < ROLL * 1024
    assert not children(tmp_path)


def test_a_bomb_of_drawing_ends_its_child_by_time(tmp_path: Path) -> None:
    bomb = empty_pages(1, content=b"q 1 0 0 1 0 0 cm 0 0 m 9 9 l S Q\n" * 3_000_000)
    limits = RecognitionLimits(look_seconds=20, base_seconds=3, page_seconds=0)
    with pytest.raises(ReadingError) as caught:
        read(tmp_path, ("bomb.pdf", bomb), limits=limits)
    assert caught.value.code == "TIMEOUT"
    assert not children(tmp_path)


def test_a_file_over_the_limit_is_refused_unopened(tmp_path: Path) -> None:
    with pytest.raises(ReadingError) as caught:
        read(tmp_path, ("s.pdf", scanned(paper())), limits=RecognitionLimits(file_bytes=10_000))
    assert caught.value.code == "TOO-BIG"


def test_a_pdf_that_only_its_owner_may_change_is_read_without_a_word(tmp_path: Path) -> None:
    found = read(tmp_path, ("s.pdf", locked("")))
    assert says_the_letter(found.letters[0].text)
    assert found.problems == ()


def test_a_pdf_whose_end_was_cut_off_is_read_as_far_as_it_goes_and_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, ("s.pdf", empty_pages(1, 300, b"9 9 9 9 re f")[:-60]))
    assert len(found.letters[0].pages) == 1
    assert found.problems == ("s.pdf is damaged; what could be read of it was read",)


def test_a_picture_finer_than_a_page_may_be_is_made_smaller_and_read(tmp_path: Path) -> None:
    found = read(
        tmp_path, ("s.png", saved(paper(*LETTER[:9], size=(148, 105)), "PNG")), limits=RecognitionLimits(page_mpx=0.5)
    )
    assert "bestelnummer 4711-8823" in found.letters[0].text
    with pikepdf.open(io.BytesIO(found.copies[0])) as copy:
        ((_, picture),) = copy.pages[0].get_images().items()
        assert picture.Width * picture.Height <= 500_000


def test_a_killed_child_is_a_reason_and_takes_tesseract_with_it(tmp_path: Path) -> None:
    recogniser = Recogniser(tmp_path / "work")
    background = Background(recogniser, job_of(tmp_path, ("s.pdf", scanned(paper()))))
    wait_until(lambda: len(children(tmp_path / "work")) > 1, "Tesseract", 60)
    os.kill(min(children(tmp_path / "work")), signal.SIGKILL)
    background.join(60)
    assert isinstance(background.outcome, ReadingError)
    assert background.outcome.code == "MEMORY"
    wait_until(lambda: not children(tmp_path / "work"), "the end of the group", 20)
    assert not list((tmp_path / "work").iterdir())


def test_closing_ends_the_child_in_the_middle_and_takes_no_more(tmp_path: Path) -> None:
    recogniser = Recogniser(tmp_path / "work")
    job = job_of(tmp_path, ("s.pdf", scanned(paper())))
    background = Background(recogniser, job)
    wait_until(lambda: len(children(tmp_path / "work")) > 1, "Tesseract", 60)
    recogniser.close()
    background.join(60)
    assert isinstance(background.outcome, Interrupted)
    wait_until(lambda: not children(tmp_path / "work"), "the end of the group", 20)
    assert not list((tmp_path / "work").iterdir())
    with pytest.raises(Interrupted):
        recogniser.recognise(job)


PARENT = """
import sys
from pathlib import Path
from intake.reading.recognition import Recogniser, ScanFile, ScanJob
Recogniser(Path(sys.argv[1])).recognise(ScanJob((ScanFile("s.pdf", Path(sys.argv[2])),), ("nl",)))
"""


def test_the_child_and_tesseract_die_with_the_service_and_their_folder_goes_at_the_next_start(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (file,) = job_of(tmp_path, ("s.pdf", scanned(*[paper()] * 4))).files
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(work), str(file.path)])
    wait_until(lambda: len(children(work)) > 2, "Tesseract", 60)
    parent.kill()
    parent.wait()
    wait_until(lambda: not children(work), "the end of the children", 60)
    assert list(work.iterdir())
    Recogniser(work)
    assert not list(work.iterdir())


def test_the_child_sees_nothing_of_the_environment_that_could_hold_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTAKE_MAILBOX_PASSWORD", "hunter2-hunter2")
    recogniser = Recogniser(tmp_path / "work")
    background = Background(recogniser, job_of(tmp_path, ("s.pdf", scanned(paper()))))
    wait_until(lambda: len(children(tmp_path / "work")) > 1, "Tesseract", 60)
    seen = [Path(f"/proc/{pid}/environ").read_bytes() for pid in children(tmp_path / "work")]
    recogniser.close()
    background.join(60)
    assert seen
    assert not any(b"hunter2" in environment for environment in seen)


def test_two_scans_are_read_side_by_side(tmp_path: Path) -> None:
    recogniser = Recogniser(tmp_path / "work")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = Background(recogniser, job_of(tmp_path / "a", ("a.pdf", typeset())))
    second = Background(
        recogniser, job_of(tmp_path / "b", ("b.pdf", typeset(("Een andere brief van iemand anders.",))))
    )
    first.join(60)
    second.join(60)
    assert isinstance(first.outcome, Recognised)
    assert isinstance(second.outcome, Recognised)
    letters: list[ScannedLetter] = [*first.outcome.letters, *second.outcome.letters]
    assert [letter.text.split()[0] for letter in letters] == ["A.", "Een"]
