"""Send: what goes out by SMTP, each mail once at the most.

    waiting ─► started ─► RCPT TO taken ─► *sending* committed ─► DATA ─► done, and asked to be filed in Sent
       ▲──────────┴── refused for now, or the server is away ─────┤
                                                                  ├─► failed: refused for good, or for two days
                                                                  └─► uncertain: nobody knows; never sent again

A mail that another run left in *sending* is uncertain. One that it left in *started* never went out, and is sent.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from intake.config import Shop
from intake.errors import IntakeError, MailRefused, MailUncertain, Refused, ServerError, ServerRefused
from intake.outlets.smtp import Courier
from intake.pipeline.delivering import sent_mail
from intake.pipeline.effects import FILE_SENT, SEND_REPLY, of_draft
from intake.pipeline.house import House
from intake.pipeline.records import SYSTEM
from intake.replies.compose import ACKNOWLEDGEMENT
from intake.replies.mime import DraftMail, build
from intake.types import Address
from storage.errors import Unavailable
from storage.models import Case, CaseState, Draft, DraftState, Effect, EffectState, Event, Notice
from storage.processing import Processing

BATCH = 50
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=2)
# Servers that put what is sent through them into Sent, some seconds later.
FILE_THEMSELVES = ("gmail.com", "googlemail.com", "office365.com", "outlook.com", "outlook.office.com")
FILE_AFTER = timedelta(minutes=2)
ENDED = (CaseState.ANSWERED, CaseState.CLOSED)
STATUS = re.compile(r": ([45]\d\d(?: [45]\.\d{1,3}\.\d{1,3})?)\b")


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A mail to send. A reply has its draft and its case."""

    raw: bytes
    recipients: tuple[str, ...]
    draft: Draft | None = None
    case: Case | None = None


class _Idle(Exception):
    """There is nothing to send any more; says why."""


class _Stale(_Idle):
    """What was to be sent is not true any more; says why."""


class _Round:
    """One pass over a shop's mail: its connection, and what is known of the server."""

    def __init__(self, house: House, shop: Shop, courier: Courier | None) -> None:
        self.house, self.shop, self.courier = house, shop, courier
        self.failure: ServerError | None = None
        self.drafts: dict[int, tuple[Draft, Case]] = {}

    def take(self, effects: Sequence[Effect]) -> None:
        """The drafts of the mails that come now, read together."""
        self.drafts = self.house.store.drafts_with_cases([effect.draft_id for effect in effects if effect.draft_id])

    def hand_over(self, effect: Effect, parcel: _Parcel) -> tuple[str, ...]:
        """Send it; the recipients whom the server did not take. After the server has failed, it is not asked again."""
        if self.courier is None or self.shop.outgoing is None:
            raise ServerError(f"Shop {self.shop.id} has no outgoing server any more.", "Configure one.")
        if self.failure is not None:
            raise self.failure

        def begin() -> None:
            if not self.house.store.sending.begin(effect.id or 0):
                raise Refused(f"Mail {effect.id} is not to be sent any more.")
            self.house.checkpoint("sending committed")

        return self.courier.send(parcel.raw, self.shop.outgoing.sender, parcel.recipients, begin)


def send(house: House, shop: Shop) -> int:
    """Send what is due of a shop's mail; how many mails went out. One that fails never stops the rest. Only one pass
    over a shop's mail may be under way at a time. Raises `StorageError` where the database is away."""
    for effect in house.store.sending.on_their_way(shop.id):
        _is_uncertain(house, effect, "Intake ended while it was sent")
    done = 0
    courier = Courier(shop.outgoing, shop.mailbox) if shop.outgoing is not None else None
    try:
        work = _Round(house, shop, courier)
        while effects := house.store.sending.claim(shop.id, house.clock(), BATCH):
            house.checkpoint("mail begun")
            work.take(effects)
            done += sum(_try(work, effect) for effect in effects)
    finally:
        if courier is not None:
            courier.close()
    if done:
        house.log.info("sent", shop=shop.id, mails=done)
    return done


def _try(work: _Round, effect: Effect) -> bool:
    """One mail, one outcome."""
    house = work.house
    try:
        parcel = _parcel(work, effect)
        refused = work.hand_over(effect, parcel)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the one loop over mails: it stays with this one
        _settle_failure(work, effect, error)
        return False
    house.checkpoint("mail sent")
    _has_gone(house, effect, parcel)
    house.checkpoint("mail marked sent")
    if refused:
        house.log.warning("not all recipients were taken", effect=effect.id, refused=len(refused))
    return True


def _settle_failure(work: _Round, effect: Effect, error: Exception) -> None:
    """What becomes of a mail that did not go out, or perhaps."""
    house = work.house
    match error:
        case _Stale() if effect.problem and house.clock() - effect.made_at >= GIVE_UP_AFTER:
            # It was tried, so what stopped it is what there is to tell.
            _has_failed(house, effect, ServerError(effect.problem), "given up after two days")
        case _Idle():
            _drop(house, effect, error)
        case MailRefused() | Refused():
            _has_failed(house, effect, error)
        case MailUncertain():
            _is_uncertain(house, effect, error.what)
        case ServerRefused():
            # No to this mail: what comes after it may be as welcome as ever.
            _put_off(house, effect, error)
        case ServerError():
            work.failure = error
            _put_off(house, effect, error)
        case _:
            house.log.error("a mail cannot be sent", effect=effect.id, exc_info=error)
            # What went wrong is not known, so what had begun is not begun again.
            begun = any(one.id == effect.id for one in house.store.sending.on_their_way(work.shop.id))
            if begun:
                _is_uncertain(house, effect, type(error).__name__)
            else:
                _put_off(house, effect, error)


def _parcel(work: _Round, effect: Effect) -> _Parcel:
    """The mail of an effect. Raises `_Idle` where it is not wanted any more, `Refused` where its draft is gone."""
    house, shop = work.house, work.shop
    if effect.kind != SEND_REPLY:
        return _notice(shop, effect)
    found = work.drafts.get(effect.draft_id or 0)
    if found is None:
        raise Refused(f"The draft of mail {effect.id} is gone.", "Look at its case with `intake show`.")
    draft, case = found
    if draft.state is not DraftState.WAITING:
        raise _Idle("another one has taken its place")
    if draft.kind == ACKNOWLEDGEMENT:
        if case.state in ENDED:
            raise _Idle("the case was answered before")
        if house.store.sending.is_undeliverable(shop.id, draft.recipient):
            raise _Idle("mail to its address came back")
        _check_fresh(house, shop, effect, case)
    return _Parcel(sent_mail(house, draft, case), (draft.recipient,), draft, case)


def _check_fresh(house: House, shop: Shop, effect: Effect, case: Case) -> None:
    """An acknowledgement says what came today and when the answer comes. Raises `_Stale` where that is over."""
    now = house.clock()
    if now - effect.made_at >= GIVE_UP_AFTER:
        raise _Stale("it could not be sent within two days")
    if case.due_on < now.astimezone(shop.zone).date():
        raise _Stale("its due date is past")
    if case.due_on != house.store.sending.first_due(case.id or 0):
        raise _Stale("its due date was moved")


def _notice(shop: Shop, effect: Effect) -> _Parcel:
    """A mail to the manager or the operator; its text was written when it was asked for."""
    told = effect.payload
    recipients = tuple(str(one) for one in told["recipients"])
    sender = shop.outgoing.sender if shop.outgoing is not None else shop.manager.addresses[0]
    mail = DraftMail(
        sender=Address(f"Intake, {shop.name}", sender),
        recipient=Address("", recipients[0]),
        subject=str(told["subject"]),
        text=str(told["text"]),
        dated=effect.made_at.astimezone(shop.zone),
        message_id=str(told["message_id"]),
        language=shop.languages[0],
        automatic=str(told.get("auto") or "auto-generated"),
        copies=tuple(Address("", one) for one in recipients[1:]),
    )
    return _Parcel(build(mail), recipients)


def _has_gone(house: House, effect: Effect, parcel: _Parcel) -> None:
    """Commit that a mail went out; a reply is asked to be filed in Sent."""
    now = house.clock()
    with house.store.processing() as unit:
        unit.change_effect(effect.id or 0, state=EffectState.DONE, done_at=now, problem="")
        if parcel.draft is None or parcel.case is None:
            return
        draft = parcel.draft
        unit.change_draft(draft.id or 0, state=DraftState.SENT, sent_at=now)
        kind = "acknowledged" if draft.kind == ACKNOWLEDGEMENT else "sent"
        unit.add_event(_event(effect, kind, now, template=draft.template))
        shop = house.shop(effect.shop)
        if shop.mailbox is not None:
            host = shop.mailbox.host.lower().rstrip(".")
            wait = FILE_AFTER if host.endswith(FILE_THEMSELVES) else timedelta()
            filed = of_draft(FILE_SENT, shop.id, draft, draft.id or 0)
            unit.add_effect(filed.model_copy(update={"not_before": now + wait, "made_at": now}))


def _put_off(house: House, effect: Effect, error: Exception) -> None:
    """Try again later, for two days."""
    now = house.clock()
    if now - effect.made_at >= GIVE_UP_AFTER:
        _has_failed(house, effect, error, "given up after two days")
        return
    pause = min(FIRST_PAUSE * 2 ** min(effect.attempts, 10), LONGEST_PAUSE)
    house.store.sending.put_off(effect.id or 0, str(error)[:500], now + pause)
    house.log.warning("not sent", effect=effect.kind, id=effect.id, problem=_status(error), again_in=str(pause))


def _has_failed(house: House, effect: Effect, error: Exception, why: str = "refused by the mail server") -> None:
    """Commit that a mail will not go out. That of a reply stands on its case, and the manager is told."""
    problem = error.what if isinstance(error, IntakeError) else str(error)
    held = _held(house, effect)
    with house.store.processing() as unit:
        unit.change_effect(effect.id or 0, state=EffectState.FAILED, problem=problem[:500], done_at=house.clock())
        if held is not None:
            draft, case = held
            unit.change_draft(draft.id or 0, state=DraftState.REFUSED)
            if isinstance(error, MailRefused) and error.address:
                address = draft.recipient.strip().lower()
                unit.recipients.set_undeliverable(effect.shop, address, house.clock())
            told = f"{why} ({_status(error)})"
            _tell(house, unit, effect, case, (f"its {draft.kind} was not sent: {problem[:200]}", told))
            unit.add_event(_event(effect, f"not {_done(draft)}", house.clock(), why=told))
    status = _status(error)
    house.log.error("a mail is not sent", effect=effect.kind, id=effect.id, case=effect.case_id, problem=status)


def _is_uncertain(house: House, effect: Effect, why: str) -> None:
    """Commit that nobody knows whether a mail went out. It is shown and told, and never sent again by itself."""
    held = _held(house, effect)
    with house.store.processing() as unit:
        unit.change_effect(effect.id or 0, state=EffectState.UNCERTAIN, problem=why[:500], done_at=house.clock())
        if held is not None:
            draft, case = held
            unit.change_draft(draft.id or 0, state=DraftState.REFUSED)
            mark = f"nobody knows whether its {draft.kind} was sent ({why[:200]}); it is not sent again"
            _tell(house, unit, effect, case, (mark, "perhaps sent, perhaps not; it is not sent again"))
            unit.add_event(_event(effect, f"perhaps {_done(draft)}", house.clock()))
    house.log.error("a mail is uncertain", effect=effect.kind, id=effect.id, case=effect.case_id, problem=why)


def _drop(house: House, effect: Effect, idle: _Idle) -> None:
    """Commit that a reply is not wanted any more; the manager is told of one that a customer was to have."""
    why = str(idle)
    held = _held(house, effect)
    with house.store.processing() as unit:
        unit.change_effect(effect.id or 0, state=EffectState.DONE, done_at=house.clock(), problem=why)
        if held is not None and held[0].state is DraftState.WAITING:
            unit.change_draft(held[0].id or 0, state=DraftState.SUPERSEDED)
            unit.add_event(_event(effect, f"not {_done(held[0])}", house.clock(), why=why))
            if isinstance(idle, _Stale):
                draft, case = held
                _tell(house, unit, effect, case, (f"its {draft.kind} was not sent: {why}", f"not sent: {why}"))


def _tell(house: House, unit: Processing, effect: Effect, case: Case, told: tuple[str, str]) -> None:
    """Put a mark on the case, and have the manager told: (the mark, what she reads)."""
    mark, text = told
    unit.add_attention(case.id or 0, mark)
    unit.add_notice(
        Notice(
            key=f"not sent:{effect.id}",
            shop=effect.shop,
            case_id=case.id,
            kind="not sent",
            text=f"{case.reference}: the mail to the customer was {text}.",
            urgent=True,
            made_at=house.clock(),
        )
    )


def _held(house: House, effect: Effect) -> tuple[Draft, Case] | None:
    """The reply of an effect; None for a mail to the manager: whoever is told of one that fails would be told by
    mail."""
    return house.store.drafts_with_cases([effect.draft_id]).get(effect.draft_id) if effect.draft_id else None


def _status(error: Exception) -> str:
    """The reply's numbers alone: a server's words may repeat the address."""
    found = STATUS.search(str(error))
    return found[1] if found else type(error).__name__


def _done(draft: Draft) -> str:
    return "acknowledged" if draft.kind == ACKNOWLEDGEMENT else "sent"


def _event(effect: Effect, kind: str, at: datetime, **data: str) -> Event:
    return Event(shop=effect.shop, case_id=effect.case_id, kind=kind, actor=SYSTEM, data=dict(data), at=at)
