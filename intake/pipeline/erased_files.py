"""Deliver the erasure: what was erased in the database leaves the disk too, and then the database's own files."""

from datetime import timedelta
from pathlib import Path

from intake.config import Shop
from intake.outlets.erased import Erased, ErasedScan, erase, leave_note
from intake.pipeline.effects import CLEAN_DATABASE
from intake.pipeline.house import House
from intake.reading.folder import pack
from intake.sources.claims import pages_of
from intake.sources.files import shown_name
from storage.models import Effect
from storage.rows import values_of

TOGETHER = timedelta(hours=1)
PACKED_MORE = 8192  # what packing adds to a page at most: its name twice, and a little
NOTE = "This scan was erased before, and was deleted again. No case was opened.\n"


def erase_files(house: House, shop: Shop, effect: Effect) -> None:
    """Delete the files of what was erased; originals that a row still names stay. Then the effect forgets their names,
    and the database is to be cleaned: at once where a person asked, else once for all that is erased within the hour,
    since it is written anew from end to end."""
    told = effect.payload
    if told:
        if shop.post_folder is not None:
            _clear_post_folder(house, shop.post_folder.path, effect)
        house.originals.remove(told["hashes"], house.store.erasing.named)
        house.checkpoint("files erased")
    now = house.clock()
    when = now if told.get("at_once") else now + TOGETHER
    key = f"{CLEAN_DATABASE}:{effect.id}"
    after = Effect(key=key, shop=shop.id, kind=CLEAN_DATABASE, not_before=when, made_at=now)
    house.store.erasing.files_are_gone(effect.id or 0, values_of(after))


def clean_database(house: House, effect: Effect) -> None:
    """Write the database anew, so that nothing of what was deleted is left in its files; once for all who asked."""
    if not house.store.erasing.is_done(effect.id or 0):
        house.store.erasing.clean(CLEAN_DATABASE, house.clock())
        house.log.info("the database was cleaned")


def _clear_post_folder(house: House, post: Path, effect: Effect) -> None:
    told = effect.payload
    scans = [ErasedScan(**scan) for scan in told["scans"]]
    shared = house.store.erasing.named([scan.sha256 for scan in scans])
    gone = Erased(
        references=frozenset(told["references"]),
        scans=tuple(ErasedScan(**{**scan, "shared": scan["sha256"] in shared}) for scan in told["scans"]),
        records=frozenset(told["records"]),
        runs=frozenset(told["runs"]),
    )
    if gone:
        erase(post, gone, packed)
    if "note" in told:
        day, arrival = told["note"]
        leave_note(post, str(day), int(arrival), NOTE)


def packed(folder: Path, size: int) -> bytes:
    """A folder of pages as the one file of `size` bytes that was taken in. Nothing where it has no pages, or cannot
    come to so many bytes: then it is not read."""
    pages = pages_of(folder)[0]
    bare = sum(page.lstat().st_size for page in pages)
    if not pages or not bare < size <= bare + len(pages) * PACKED_MORE:
        return b""
    return pack([(shown_name(path.name), path.read_bytes()) for path in pages])
