"""Whether a bundle holds, from the bundle alone: no configuration, no database, no other file.

    files and hashes ─► forms ─► each line by itself ─► every figure and level counted again ─► findings

Whoever changed one cell and nothing else is found by the hashes, and told which line and column. Whoever also made the
hashes anew is found by what no longer follows. Who forged a whole bundle that follows from itself is found by its seal,
which the shop handed over with it, and by the history (`intake audit --against`). A bundle is somebody else's data: it
is read within bounds, no name in it is followed, and whatever is wrong with it is a finding.
"""

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import TypeAdapter, ValidationError

from intake import __version__
from intake.evidence.calendars import wrong_calendars
from intake.evidence.form import (
    BYTES_AT_MOST,
    CALENDAR,
    CHAIN,
    EXCLUSIONS,
    FIGURES,
    FINDINGS_AT_MOST,
    FORMAT,
    GUARANTEE,
    LISTED,
    MANIFEST,
    METHOD_TEXT,
    NAMES,
    PROMISE,
    ROWS,
    SUMS,
    CalendarPart,
    ChainPart,
    Finding,
    Manifest,
    differences,
    method_text,
    read_json,
    sha256,
    shown,
    sums,
)
from intake.evidence.kept import check_kept, without_kept
from intake.evidence.lines import EXCLUSION_COLUMNS, TABLES, Line, changed_cells, line_of, read_csv
from intake.evidence.measured import Frame, figures_of, promises_of, rows_seen, too_long, window_of
from intake.evidence.recount import check_exclusions, check_lines, check_once
from intake.measuring import METHOD
from intake.measuring.figures import MERGED
from intake.measuring.guarantees import Guarantee, mistakes_of
from intake.measuring.rows import Row

T = TypeVar("T")
HASH = re.compile("[0-9a-f]{64}")
MOVED = (
    "{count} lines of {all} were promised for another day than the calendar here gives, because another release of the "
    "holidays knew other closed days; ask the shop about them"
)
ELSEWHERE = (
    "{count} lines of {all} count their days in another zone than {zone}: the shop had another one when it promised"
)
CALENDARS = TypeAdapter(dict[str, CalendarPart])


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: `manifest` and `chain` are None where there is none to read; `seal` is the SHA-256 of SHA256SUMS;
    `counted` says that every figure was counted again; `notes` is what one has to believe, or to ask about."""

    findings: tuple[Finding, ...]
    manifest: Manifest | None = None
    chain: ChainPart | None = None
    seal: str = ""
    lines: int = 0
    counted: bool = False
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Bundle:
    """A bundle as far as it was read."""

    contents: dict[str, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, file: str, what: str, place: str = "") -> None:
        self.findings.append(Finding(file, place, what))

    def json(self, file: str) -> Any:  # noqa: ANN401 - whatever stands there
        """A JSON file as a plain value; None, and a finding, where it is none."""
        if file not in self.contents:
            return None
        try:
            return read_json(self.contents[file])
        except ValueError as error:
            self.note(file, f"it cannot be read as JSON: {shown(str(error))}")
            return None

    def parsed(self, file: str, adapter: "TypeAdapter[T]") -> T | None:
        """A JSON file as what it should be."""
        value = self.json(file)
        if value is None:
            return None
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            for detail in error.errors()[:FINDINGS_AT_MOST]:
                self.note(file, detail["msg"], ".".join(shown(str(part)) for part in detail["loc"]))
            return None


def verify(folder: Path, method: str = "") -> Verified:
    """Check a bundle. Never raises for what is in it. `method` is the text of `method.md` as it is delivered; "" leaves
    it out."""
    bundle = _Bundle()
    _read(folder, bundle)
    manifest = _manifest(bundle)
    _check_hashes(bundle, manifest)
    lines = _lines(bundle, manifest)
    chain = bundle.parsed(CHAIN, TypeAdapter(ChainPart))
    counted = manifest is not None and _count_again(bundle, manifest, lines)
    if method and manifest is not None:
        _method(bundle, manifest, method)
    seal = sha256(bundle.contents[SUMS]) if SUMS in bundle.contents else ""
    findings = tuple(dict.fromkeys(bundle.findings))[:FINDINGS_AT_MOST]
    return Verified(findings, manifest, chain, seal, len(lines), counted, tuple(bundle.notes))


def _read(folder: Path, bundle: _Bundle) -> None:
    """The files that a bundle has, and no others; links are not followed."""
    try:
        entries = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        bundle.note(str(folder), f"it is no folder that can be read: {error.strerror}")
        return
    for name in entries:
        if name not in NAMES:
            bundle.note(shown(name), "it is no part of the bundle")
            continue
        try:
            bundle.contents[name] = _content(folder / name)
        except OSError as error:
            bundle.note(name, f"it cannot be read: {error.strerror or error}")
    for name in sorted(NAMES.difference(entries)):
        bundle.note(name, "it is missing")


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no ordinary file")
        content = file.read(BYTES_AT_MOST + 1)
    if len(content) > BYTES_AT_MOST:
        raise OSError(f"it has more than {BYTES_AT_MOST} bytes")
    return content


def _manifest(bundle: _Bundle) -> Manifest | None:
    value = bundle.json(MANIFEST)
    if isinstance(value, dict) and value.get("format") != FORMAT:
        bundle.note(MANIFEST, f"its format is {shown(value.get('format'))}; this version of Intake reads {FORMAT}")
        return None
    return bundle.parsed(MANIFEST, TypeAdapter(Manifest)) if value is not None else None


def _method(bundle: _Bundle, manifest: Manifest, delivered: str) -> None:
    """The rules in words, where it was counted by the same ones. Another version may say the same in other words."""
    content = bundle.contents.get(METHOD_TEXT)
    if manifest.method != METHOD or content is None or content == method_text(delivered):
        return
    if manifest.intake == __version__:
        bundle.note(METHOD_TEXT, "it is not the text that Intake delivers")
    else:
        told = f"version {shown(manifest.intake)} of Intake, and this is {__version__}"
        bundle.notes.append(
            f"{METHOD_TEXT} is not the text that this version delivers; the bundle is said to be of {told}"
        )


def _check_hashes(bundle: _Bundle, manifest: Manifest | None) -> None:
    """Every file against SHA256SUMS, and against the manifest."""
    hashed = {name: content for name, content in bundle.contents.items() if name != SUMS}
    if SUMS in bundle.contents and bundle.contents[SUMS] != sums(hashed):
        stated = _stated_sums(bundle.contents[SUMS])
        wrong = [name for name, content in hashed.items() if stated.get(name) != sha256(content)]
        for name in wrong:
            bundle.findings.append(
                Finding(name, "", "its SHA-256 is not that of SHA256SUMS", stated.get(name, ""), sha256(hashed[name]))
            )
        if not wrong:
            bundle.note(SUMS, "it is not as it was written")
    if manifest is None:
        return
    if set(manifest.files) != set(LISTED):
        bundle.note(MANIFEST, f"it should list {', '.join(LISTED)}", "files")
    for name in LISTED:
        told, content = manifest.files.get(name), hashed.get(name)
        if told is not None and content is not None and (told.sha256, told.bytes) != (sha256(content), len(content)):
            bundle.findings.append(
                Finding(name, "", "its SHA-256 is not that of manifest.json", told.sha256, sha256(content))
            )


def _stated_sums(content: bytes) -> dict[str, str]:
    """The hashes that SHA256SUMS states, by file."""
    lines = [line.split("  ", 1) for line in content.decode("utf-8", "replace").splitlines()]
    return {parts[1]: parts[0] for parts in lines if len(parts) == 2 and HASH.fullmatch(parts[0])}


def _lines(bundle: _Bundle, manifest: Manifest | None) -> list[tuple[int, Line, dict[str, str]]]:
    """The lines of `rows.csv` by number; only whole tables are used."""
    found: list[tuple[int, Line, dict[str, str]]] = []
    for number, cells in _table(bundle, manifest, ROWS):
        try:
            found.append((number, line_of(cells), cells))
        except ValueError as error:
            bundle.note(ROWS, shown(str(error)), f"line {number}")
    return found


def _table(bundle: _Bundle, manifest: Manifest | None, file: str) -> list[tuple[int, dict[str, str]]]:
    """The lines of a table whose cells have the right form, by number."""
    if file not in bundle.contents:
        return []
    lines, found = read_csv(file, bundle.contents[file])
    bundle.findings += found
    if found and not lines:
        return []
    if manifest is not None and file in manifest.tables:
        bundle.findings += changed_cells(file, lines, manifest.tables[file])
    wrong = {one.place.partition(",")[0] for one in found}
    columns = TABLES[file]
    return [
        (number, dict(zip(columns, cells, strict=True)))
        for number, cells in enumerate(lines, 2)
        if f"line {number}" not in wrong
    ]


def _count_again(bundle: _Bundle, manifest: Manifest, lines: Sequence[tuple[int, Line, dict[str, str]]]) -> bool:
    """Whether everything could be counted again; what differs is found."""
    calendars = bundle.parsed(CALENDAR, CALENDARS)
    guarantees = _guarantees(bundle)
    stated, promises = bundle.json(FIGURES), bundle.json(PROMISE)
    excluded = _table(bundle, manifest, EXCLUSIONS)
    if manifest.method != METHOD:
        bundle.note(
            MANIFEST, f"it was counted by method {manifest.method}; this version of Intake counts by {METHOD}", "method"
        )
        return False
    frame = _frame(bundle, manifest, guarantees)
    if calendars is None or frame is None or not isinstance(stated, dict):
        return False
    bundle.findings += [Finding(CALENDAR, name, what) for name, what in wrong_calendars(calendars)]
    bundle.findings += check_lines(lines, frame, manifest.shop.id, calendars)
    if any(finding.file in (CALENDAR, ROWS) and "calendar" in finding.place for finding in bundle.findings):
        return False
    bundle.findings += check_once(lines, frame.measurements)
    try:
        _compare(bundle, frame, (lines, excluded), calendars, (stated, promises))
    except (OverflowError, KeyError, ValueError) as error:
        bundle.note(ROWS, f"its days cannot be counted: {shown(str(error))}")
        return False
    return True


def _compare(
    bundle: _Bundle,
    frame: Frame,
    tables: tuple[Sequence[tuple[int, Line, dict[str, str]]], Sequence[tuple[int, dict[str, str]]]],
    calendars: Mapping[str, CalendarPart],
    values: tuple[dict[str, Any], Any],
) -> None:
    """Figures, promises and exclusions against those of the lines."""
    (numbered, excluded), (stated, promises) = tables, values
    lines = [line for _, line, _ in numbered]
    closed = {name: frozenset(one.closed_days) for name, one in calendars.items()}
    seen = {one.as_of: rows_seen(lines, one, frame, closed) for one in frame.measurements}

    def rows_at(as_of: datetime) -> list[Row]:
        return seen[as_of]

    figures = figures_of(frame, rows_at)
    bundle.findings += differences(FIGURES, without_kept(stated), figures)
    definitions = {one.id: one.fingerprint for one in frame.guarantees}
    releases = {one.holidays_release for one in calendars.values()}
    found, notes = check_kept(stated, figures, definitions, releases)
    bundle.findings += found
    bundle.notes += notes
    moved = sum(line.due_recounted is not None for line in lines)
    if moved:
        bundle.notes.append(MOVED.format(count=moved, all=len(lines)))
    elsewhere = sum(line.row.time_zone != frame.zone.key for line in lines)
    if elsewhere:
        bundle.notes.append(ELSEWHERE.format(count=elsewhere, all=len(lines), zone=frame.zone.key))
    bundle.findings += differences(PROMISE, promises, promises_of(line.row for line in lines))
    now = {number for number, line, _ in numbered if line.measured_to == frame.as_of}
    wanted = [
        one
        for number, line, cells in numbered
        if number in now and frame.window.first <= line.row.due_on <= frame.window.last
        for one in _exclusions(cells)
    ]
    bundle.findings += check_exclusions(excluded, wanted)


def _exclusions(cells: Mapping[str, str]) -> list[dict[str, str]]:
    """What `exclusions.csv` should say of a line."""
    told = {name: cells.get(name, "") for name in EXCLUSION_COLUMNS}
    found = [told | {"reason": MERGED}] if cells["case"] != cells["member"] else []
    if cells["excluded"]:
        by = {"reason": cells["excluded"], "by": cells["excluded_by"], "at": cells["excluded_at"]}
        found.append(told | by)
    return found


def _guarantees(bundle: _Bundle) -> tuple[Guarantee, ...]:
    value = bundle.json(GUARANTEE)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and set(one) == {"fingerprint", "definition"} for one in value
    ):
        bundle.note(GUARANTEE, "it should be a list of definitions with their fingerprints")
        return ()
    found = []
    for number, one in enumerate(value):
        try:
            guarantee = Guarantee.model_validate(one["definition"])
        except (ValidationError, RecursionError) as error:
            bundle.note(GUARANTEE, f"it is no guarantee: {shown(str(error))}", f"[{number}]")
            continue
        for line in mistakes_of(guarantee):
            bundle.note(GUARANTEE, shown(line), guarantee.id)
        if guarantee.fingerprint != one["fingerprint"]:
            stated = shown(one["fingerprint"])
            bundle.findings.append(
                Finding(GUARANTEE, f"{guarantee.id}.fingerprint", "it differs", stated, guarantee.fingerprint)
            )
        found.append(guarantee)
    return tuple(found)


def _frame(bundle: _Bundle, manifest: Manifest, guarantees: tuple[Guarantee, ...]) -> Frame | None:
    try:
        zone = ZoneInfo(manifest.shop.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        bundle.note(MANIFEST, f"there is no time zone {shown(manifest.shop.zone)}", "shop.zone")
        return None
    window = window_of(manifest.window.first, manifest.window.last)
    if window.months != manifest.window.months or too_long(window):
        bundle.note(MANIFEST, "its window cannot be", "window")
        return None
    if tuple(one.id for one in guarantees) != manifest.guarantees or not guarantees:
        bundle.note(MANIFEST, "it should name the guarantees of guarantee.json", "guarantees")
        return None
    frame = Frame(window, manifest.as_of, zone, guarantees)
    if not window.first <= window.last < frame.today:
        bundle.note(MANIFEST, "its window is not past", "window")
        return None
    return frame
