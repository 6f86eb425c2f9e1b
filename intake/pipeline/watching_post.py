"""One look at a post folder: what came in, what was posted, and STATUS.txt, from which a clerk sees that it works."""

from datetime import datetime, time

from intake.config import Shop
from intake.outlets.status_file import Status, write_status
from intake.pipeline.house import House
from intake.pipeline.items import POST
from intake.pipeline.posting import notice_posted
from intake.pipeline.receiving_post import pause_reason, receive_post
from intake.sources.post import PostSource
from intake.sources.posted import outgoing_files, reference_in
from storage.errors import StorageError
from storage.models import Case, Draft

DATABASE_AWAY = "the database is away"


def watch_post(house: House, shop: Shop, source: PostSource) -> int:
    """Look once; how many arrivals came. STATUS.txt is written also where storage is away. Raises `StorageError`,
    `OSError`."""
    try:
        count = receive_post(house, shop, source)
        notice_posted(house, shop)
        status = _status(house, shop, source)
    except StorageError as error:
        write_status(source.path, _paused(house, shop, source, f"{DATABASE_AWAY} ({error.what})"))
        raise
    write_status(source.path, status)
    return count


def _status(house: House, shop: Shop, source: PostSource) -> Status:
    now = house.clock()
    local = now.astimezone(shop.zone)
    midnight = datetime.combine(local.date(), time(0), shop.zone)
    counts = house.store.letters.counts(shop.id, POST, midnight)
    waiting = source.waiting()
    letters = house.store.letters.to_post(shop.id)
    overdue = sum(1 for _, case in letters if case.post_by is not None and case.post_by < local.date())
    return Status(
        checked_at=local,
        waiting=waiting.count,
        oldest_minutes=int(waiting.oldest_seconds // 60),
        working=counts["working"],
        done_today=counts["done"],
        failed=counts["failed"],
        to_post=len(letters),
        overdue_to_post=overdue,
        paused=pause_reason(house, source),
        warnings=(*_warnings(waiting.busy), *_lost(source, letters)),
    )


def _lost(source: PostSource, letters: list[tuple[Draft, Case]]) -> list[str]:
    """Letters that should lie in `outgoing/` and do not: nobody knows whether they were posted."""
    there = {file.name for file in outgoing_files(source.path)}
    references = {reference_in(name) for name in there}
    typeset = [(draft, case) for draft, case in letters if draft.pdf_sha256]
    return [
        f"the letter of {case.reference} lies in neither outgoing nor posted"
        for draft, case in typeset
        if case.reference not in references and draft.run not in there
    ]


def _paused(house: House, shop: Shop, source: PostSource, reason: str) -> Status:
    waiting = source.waiting()
    return Status(
        checked_at=house.clock().astimezone(shop.zone),
        waiting=waiting.count,
        oldest_minutes=int(waiting.oldest_seconds // 60),
        paused=reason,
        warnings=_warnings(waiting.busy),
    )


def _warnings(busy: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name} cannot be read yet" for name in busy)
