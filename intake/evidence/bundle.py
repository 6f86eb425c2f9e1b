"""An evidence bundle is made: what the shop promised and did, so that somebody else can count it again.

    facts ─► rows at each measurement ─► lines, figures ─► files ─► hidden folder ─► DIR

Everything is written into a hidden folder beside DIR, each file durably, and the folder then renamed: DIR is whole or
not there. No name, address, subject, reference or text of anybody goes in; cases and persons bear pseudonyms that are
made with the installation's signing key, which stays where it is.
"""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from intake import __version__
from intake.config import Shop
from intake.errors import ConfigError, Refused, UsageError
from intake.evidence.calendars import calendar_part
from intake.evidence.form import (
    CALENDAR,
    CHAIN,
    EXCLUSIONS,
    FIGURES,
    FORMAT,
    GUARANTEE,
    MANIFEST,
    METHOD_TEXT,
    MONTHS_AT_MOST,
    PROMISE,
    ROWS,
    SUMS,
    FilePart,
    Manifest,
    ShopPart,
    WindowPart,
    as_json,
    method_text,
    sha256,
    sums,
)
from intake.evidence.lines import as_csv, exclusion_cells, pseudonyms, row_cells
from intake.evidence.measured import Frame, exclusions_of, figures_of, lines_of, promises_of, too_long, window_of
from intake.guarantee import ShopFacts, collect
from intake.measuring import METHOD
from intake.measuring.days import month_start
from intake.measuring.figures import Window
from intake.measuring.guarantees import Guarantee
from storage.models import Standing
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a bundle is made of: a shop, a window that is past, guarantees, and who answers for it (`issuer`). `method`
    is the text of `method.md`, `key` the installation's own, which makes the pseudonyms."""

    shop: Shop
    window: Window
    guarantees: tuple[Guarantee, ...]
    issuer: str
    method: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was made: its seal (the SHA-256 of SHA256SUMS), and how much is in it."""

    seal: str
    lines: int
    excluded: int


def last_months(months: int, today: date) -> Window:
    """So many months, up to the last one that is complete. Raises `UsageError`."""
    if not 1 <= months <= MONTHS_AT_MOST:
        raise UsageError(f"A bundle of {months} months cannot be made.", f"Ask for 1 to {MONTHS_AT_MOST}.")
    return window_of(month_start(today, months), date.fromordinal(month_start(today).toordinal() - 1))


def read_window(text: str, today: date) -> Window:
    """A window from `2026-01-01..2026-06-30`. Raises `UsageError`."""
    try:
        first, last = (date.fromisoformat(part.strip()) for part in text.split(".."))
    except ValueError as error:
        raise UsageError(f"{text!r} is no window.", "Write it like 2026-01-01..2026-06-30.") from error
    window = window_of(first, last)
    if not first <= last < today or too_long(window):
        raise UsageError(
            f"A bundle cannot go from {first} to {last}.",
            f"It ends before today ({today}), {MONTHS_AT_MOST} months at most.",
        )
    return window


def make_bundle(store: Store, wanted: Wanted, target: Path, now: datetime) -> Made:
    """Write a bundle into `target`, a new or empty folder. Raises `Refused`, `ConfigError`, `StorageError`."""
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise Refused(f"{target} is there already, and not an empty folder.", "Name a new folder for each bundle.")
    facts = collect(store, wanted.shop, now.astimezone(wanted.shop.zone).date())
    number, last_hash = store.chain.head(wanted.shop.id)
    kept = store.measuring.standings(wanted.shop.id)
    contents, made = _contents(facts, wanted, now, kept)
    contents[CHAIN] = as_json({"number": number, "hash": last_hash})
    contents[MANIFEST] = as_json(_manifest(wanted, now, contents, made.tables))
    contents[SUMS] = sums(contents)
    _publish(contents, target)
    return Made(sha256(contents[SUMS]), made.lines, made.excluded)


@dataclass(frozen=True, slots=True)
class _Tables:
    """What the manifest says of the tables."""

    tables: dict[str, Any]
    lines: int
    excluded: int


def _contents(
    facts: ShopFacts, wanted: Wanted, now: datetime, kept: Sequence[Standing]
) -> tuple[dict[str, bytes], _Tables]:
    """The files, but for those that are about the others."""
    frame = Frame(wanted.window, now, facts.zone, wanted.guarantees)
    rows_at = cache(facts.rows_at)
    lines = lines_of(frame, rows_at, facts.closed)
    pseudonym = pseudonyms(wanted.key, wanted.shop.id)
    excluded = exclusions_of(frame, rows_at(now), facts.cases)
    try:
        rows_csv, rows_told = as_csv(ROWS, (row_cells(one, facts.zone, pseudonym) for one in lines))
        exclusions_csv, exclusions_told = as_csv(EXCLUSIONS, (exclusion_cells(one, pseudonym) for one in excluded))
    except ValueError as error:
        raise Refused(
            f"The database holds what cannot stand in a bundle: {error}.", "`intake audit` looks for it."
        ) from error
    contents = {
        ROWS: rows_csv,
        EXCLUSIONS: exclusions_csv,
        CALENDAR: as_json(_calendars(facts, {one.row.calendar for one in lines})),
        GUARANTEE: as_json(
            [{"fingerprint": one.fingerprint, "definition": one.model_dump(mode="json")} for one in wanted.guarantees]
        ),
        PROMISE: as_json(promises_of(one.row for one in lines)),
        FIGURES: as_json(_with_kept(figures_of(frame, rows_at), kept)),
        METHOD_TEXT: method_text(wanted.method),
    }
    told = {ROWS: rows_told.model_dump(), EXCLUSIONS: exclusions_told.model_dump()}
    return contents, _Tables(told, len(lines), len(excluded))


def _calendars(facts: ShopFacts, used: set[str]) -> dict[str, Any]:
    return {
        name: calendar_part(facts.calendars[name], facts.closed[name], facts.years).model_dump(mode="json")
        for name in sorted(used)
    }


def _with_kept(figures: dict[str, Any], standings: Sequence[Standing]) -> dict[str, Any]:
    """Figures with what Intake kept of each month when it was measured; null where it kept nothing."""
    kept = {(one.guarantee, one.month.isoformat()): one for one in standings}
    for guarantee in figures["guarantees"]:
        for month in guarantee["months"]:
            standing = kept.get((guarantee["id"], month["month"]))
            month["kept"] = standing and standing.model_dump(mode="json", exclude={"shop", "guarantee", "month"})
    return figures


def _manifest(wanted: Wanted, now: datetime, contents: Mapping[str, bytes], tables: dict[str, Any]) -> dict[str, Any]:
    shop, window = wanted.shop, wanted.window
    manifest = Manifest(
        format=FORMAT,
        shop=ShopPart(id=shop.id, name=shop.name, zone=shop.zone.key),
        issuer=wanted.issuer,
        window=WindowPart(first=window.first, last=window.last, months=window.months),
        as_of=now,
        guarantees=tuple(one.id for one in wanted.guarantees),
        method=METHOD,
        intake=__version__,
        files={
            name: FilePart(sha256=sha256(content), bytes=len(content)) for name, content in sorted(contents.items())
        },
        tables=tables,
    )
    return manifest.model_dump(mode="json")


def _publish(contents: Mapping[str, bytes], target: Path) -> None:
    """All files at once, or none."""
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir(mode=0o700)
        for name, content in contents.items():
            with (temporary / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _sync(temporary)
        temporary.rename(target)
        _sync(target.parent)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}.", next_step="Name another folder.") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(temporary)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
