"""The manager is told by mail: reminders of dates, warnings, and in the morning what there is to do.

    open cases ─► holding replies ─► reminders ─┐
    what others want to tell (add_notice) ──────┴─► notices that wait ─► one mail: at once, in the shop's hours, or
                                                                         together with the digest of the morning

Each notice is a row under a key, made once. That it is told and the mail that tells it are one transaction, so that
nothing is told twice or not at all. A shop that cannot send mail (no `outgoing`), or does not want to
(`notices.send = false`), has its notices settled without one: `intake status` shows those of the last days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from intake.config import Shop
from intake.pipeline.effects import SEND_NOTICE, SENDING
from intake.pipeline.holding import draft_holding_replies
from intake.pipeline.house import House
from intake.pipeline.second_clocks import dispute_clocks
from intake.replies.compose import HOLDING
from intake.replies.notices import Words, digest_mail, line_text, notices_mail
from intake.rules.decision import CAME_BACK
from intake.rules.digest import Clock, Findings, Promised, Touched, sections, touched
from intake.rules.reminders import Dates, Stage, is_digest_time, may_tell, stage_of
from intake.rules.tokens import NO_CASE, make_nonce, make_token
from intake.types import Line
from storage.models import Case, Deadline, DeadlineKind, Effect, Notice

# No holidays are so long that the business day before a date lies further off.
AHEAD = timedelta(days=21)
FIRST_DIGEST_LOOKS_BACK = timedelta(days=1)
DIGEST = "digest"
IN_HAND = (Stage.BEFORE, Stage.TODAY)  # while a holding reply can still come in time


@dataclass(frozen=True, slots=True)
class _Due:
    """An open case of which a person is to be reminded today: how severely, and of which day."""

    case: Case
    dates: Dates
    stage: Stage
    day: date

    @property
    def key(self) -> str:
        return f"remind:{self.case.id}:{self.stage}:{self.day}"

    @property
    def in_hand(self) -> bool:
        return self.stage in IN_HAND and not self.dates.approved


def keep_awake(house: House, shop: Shop) -> None:
    """One look: holding replies, reminders, the digest, and the mail about what waits. Raises `StorageError`."""
    remind(house, shop)
    send_digest(house, shop)
    notify(house, shop)


def remind(house: House, shop: Shop) -> int:
    """Draft the holding replies and note the reminders that are due today, each once for its date; how many are new."""
    now = house.clock()
    if not may_tell(now, shop):
        return 0
    due = _due(house, shop, now.astimezone(shop.zone).date())
    if shop.notices.holding_reply:
        draft_holding_replies(house, shop, [one.case for one in due if one.in_hand])
    held = house.store.notices.held([one.key for one in due]) if due else set()
    fresh = [one for one in due if one.key not in held]
    if not fresh:
        return 0
    ids = [one.case.id or 0 for one in fresh if one.in_hand and shop.mailbox is not None]
    ready = {draft.case_id for draft in house.store.notices.waiting_drafts(ids, [HOLDING])}
    words = house.words[shop.languages[0]]
    count = house.store.notices.add([_reminder(one, words, now, holding=one.case.id in ready) for one in fresh])
    house.checkpoint("reminders noted")
    return count


def send_digest(house: House, shop: Shop) -> bool:
    """Store the digest of the morning to be sent, together with the notices that wait; whether there was one. A day on
    which there is nothing to say is noted, and nothing is sent."""
    now = house.clock()
    today = now.astimezone(shop.zone).date()
    key = f"{DIGEST}:{shop.id}:{today}"
    if not is_digest_time(now, shop) or house.store.notices.held([key]):
        return False
    found = sections(_findings(house, shop, now), shop, today)
    notice = Notice(key=key, shop=shop.id, kind=DIGEST, text="", made_at=now, told_at=now)
    if not found:
        house.store.notices.tell_once(notice, None)
        return False
    waiting = house.store.notices.waiting(shop.id)
    words = house.words[shop.languages[0]]
    subject, text = digest_mail(found, today, words, _told(house, waiting, words))
    effect = _mail(house, shop, key, subject, text)
    fresh = house.store.notices.tell_once(notice, effect, waiting)
    house.checkpoint("digest stored")
    return fresh


def notify(house: House, shop: Shop) -> int:
    """Store one mail about the notices that wait, as far as it is time; how many are told."""
    waiting = house.store.notices.waiting(shop.id)
    if not may_tell(house.clock(), shop):
        waiting = [notice for notice in waiting if notice.urgent]
    if not waiting:
        return 0
    words = house.words[shop.languages[0]]
    subject, text = notices_mail(_told(house, _by_weight(waiting), words), words)
    key = f"notices:{shop.id}:{waiting[0].id}-{waiting[-1].id}"
    house.store.notices.tell(waiting, _mail(house, shop, key, subject, text), house.clock())
    house.checkpoint("notices stored")
    return len(waiting)


def touched_cases(promised: Sequence[tuple[Case, Deadline]], shop: Shop) -> list[Touched]:
    """The open cases that would have other dates by the present configuration. A date that a person moved, or that a
    holding reply named, is nobody's promise."""
    kept = [(case, deadline) for case, deadline in promised if deadline.kind is DeadlineKind.PROMISE]
    return touched([Promised(case.reference, one.received_at, one.due_on, one.post_by) for case, one in kept], shop)


def store_mail(house: House, shop: Shop, recipients: Sequence[str], key: str, mail: tuple[str, str]) -> Effect | None:
    """A mail of our own (subject and text) to people of ours, to be sent by a shop's server; None where it has none.
    Its Message-ID is a token under a number that no case has, so that it is known when it comes back."""
    if shop.outgoing is None:
        return None
    now, (subject, text) = house.clock(), mail
    reference = f"{shop.prefix}-{now.astimezone(shop.zone).year}-{NO_CASE}"
    nonce = make_nonce(house.key, SEND_NOTICE, key)
    payload = {
        "subject": subject,
        "text": text,
        "recipients": list(recipients),
        "message_id": make_token(house.key, shop.id, reference, nonce, shop.mail_domain),
        "auto": "auto-generated",
    }
    name = f"{SEND_NOTICE}:{key}"
    return Effect(key=name, shop=shop.id, kind=SEND_NOTICE, payload=payload, not_before=now, made_at=now)


def _mail(house: House, shop: Shop, key: str, subject: str, text: str) -> Effect | None:
    if not shop.notices.send:
        return None
    return store_mail(house, shop, shop.notices.to or shop.manager.addresses[:1], key, (subject, text))


def _due(house: House, shop: Shop, today: date) -> list[_Due]:
    found = []
    approved = _approved(house, shop)
    for case in house.store.notices.cases_until(shop.id, today + AHEAD):
        dates = _dates(case, approved)
        stage = stage_of(dates, today, shop.calendar)
        if stage is not None:
            found.append(_Due(case, dates, *stage))
    return found


def _reminder(due: _Due, words: Words, now: datetime, *, holding: bool) -> Notice:
    way = " approved" if due.dates.approved else " letter" if due.case.post_by is not None else ""
    text = line_text(Line(due.case.reference, f"{due.stage}{way}", day=due.day, due_on=due.case.due_on), words)
    return Notice(
        key=due.key,
        shop=due.case.shop,
        case_id=due.case.id,
        kind=due.stage.value,
        text=f"{text} {words.lines['holding']}" if holding else text,
        made_at=now,
    )


def _findings(house: House, shop: Shop, now: datetime) -> Findings:
    """What the digest is made from. What happened is told from the last digest on."""
    known = house.store.notices
    since = known.last_digest(shop.id) or now - FIRST_DIGEST_LOOKS_BACK
    promised = known.dated_cases(shop.id)
    approved = _approved(house, shop)
    clocks = [
        Clock(case.reference, str(clock["kind"]), date.fromisoformat(clock["due_on"]))
        for case, _ in promised
        for clock in case.clocks
    ]
    disputed = house.store.dossiers.in_dispute(shop.id)
    clocks += [Clock(case.reference, one.kind, one.due_on) for case in disputed for one in dispute_clocks(case)]
    return Findings(
        cases=[_dates(case, approved) for case, _ in promised],
        clocks=clocks,
        not_delivered=known.not_delivered(shop.id, since, SENDING),
        uncertain=list(filter(None, known.uncertain(since, SENDING, shop.id))),
        suggestions=known.suggestions(shop.id),
        touched=touched_cases(promised, shop),
        set_aside=known.set_aside(shop.id, since, CAME_BACK),
    )


def _approved(house: House, shop: Shop) -> set[int]:
    """The cases whose answer only has to be posted."""
    return {case.id or 0 for _, case in house.store.letters.answers_to_post(shop.id)}


def _dates(case: Case, approved: set[int]) -> Dates:
    return Dates(case.reference, case.due_on, case.post_by, case.id in approved)


def _told(house: House, notices: Sequence[Notice], words: Words) -> list[tuple[str, str, str]]:
    """What each notice says: its kind, the reference of its case, and its text, by its kind in the shop's language."""
    ids = [notice.case_id for notice in notices if notice.case_id is not None]
    references: Mapping[int, str] = house.store.notices.references(ids) if ids else {}
    return [(one.kind, references.get(one.case_id or 0, ""), words.told.get(one.kind, one.text)) for one in notices]


def _by_weight(notices: Sequence[Notice]) -> list[Notice]:
    """The urgent first, then by how late it is; else as they came."""
    weight = {stage.value: -number for number, stage in enumerate(Stage)}
    return sorted(notices, key=lambda one: (not one.urgent, weight.get(one.kind, 1), one.id or 0))
