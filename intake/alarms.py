"""What the operator must know of: mailboxes that are not polled, mail that no server delivers, effects that failed.

Looks at what is stored, with `now` as an argument; tells, and does nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from intake.config import Config
from storage.models import Heartbeat
from storage.store import Store

NOT_POLLED_AFTER = timedelta(minutes=15)
STUCK_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that needs a person: what it is about (`mailbox sis`), what happened, and what to do."""

    about: str
    what: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.about}: {self.what} {self.next_step}".strip()


def find_alarms(store: Store, config: Config, now: datetime) -> list[Alarm]:
    """Everything that needs a person now, mailboxes first."""
    beats = {beat.name: beat for beat in store.heartbeats()}
    alarms = [
        alarm
        for shop in config.shops
        if shop.mailbox is not None and (alarm := _mailbox(beats.get(f"mailbox {shop.id}"), shop.id, now))
    ]
    unfetchable = store.count_unfetchable()
    alarms += [
        Alarm(f"mailbox {shop}", f"{_mails(count)} cannot be had from the server.", "Read the cases that say so there.")
        for shop, count in sorted(unfetchable.items())
    ]
    stuck = store.count_stuck(now - STUCK_AFTER)
    if stuck["arrivals"]:
        what = f"{_mails(stuck['arrivals'])} could not be processed for an hour or more."
        alarms.append(Alarm("processing", what, "`intake arrivals --fate waiting` says why."))
    if stuck["effects"]:
        alarms.append(
            Alarm("delivery", f"{stuck['effects']} drafts or files are tried in vain.", "`intake show` says why.")
        )
    for shop in config.shops:
        overdue = store.letters.overdue_to_post(shop.id, now.astimezone(shop.zone).date())
        if overdue:
            what = "A letter was" if overdue == 1 else f"{overdue} letters were"
            alarms.append(
                Alarm(f"letters {shop.id}", f"{what} not posted by the last day.", "Post what lies in outgoing/ today.")
            )
    failed = store.counts()["effects_failed"]
    if failed:
        alarms.append(Alarm("delivery", f"{failed} drafts or files cannot be delivered.", "`intake show` says why."))
    return alarms


def _mailbox(beat: Heartbeat | None, shop: str, now: datetime) -> Alarm | None:
    """A mailbox that was read too long ago. One that was never read counts from its first trouble."""
    if beat is None:
        return None
    since = beat.good_at or beat.trouble_since
    if since is None or now - since < NOT_POLLED_AFTER:
        return None
    minutes = int((now - since).total_seconds() // 60)
    why = beat.trouble or "Intake did not run, or could not get to it."
    return Alarm(f"mailbox {shop}", f"it was not polled for {_span(minutes)}.", why)


def _span(minutes: int) -> str:
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 60 // 24} days"


def _mails(count: int) -> str:
    return "one mail" if count == 1 else f"{count} mails"
