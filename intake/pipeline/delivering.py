"""Deliver: carry out what must happen outside the database, each effect once, with growing pauses.

That a try begins is committed first. An effect found as begun by a run that died is looked for before it is repeated:
a draft by its Message-ID, a file by its name. One that fails stays, with its reason, and is tried again.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intake.config import Mailbox, Shop
from intake.errors import ConfigError, IntakeError, Refused, ServerError, ServerRefused
from intake.imap import Session, connect
from intake.outlets import outgoing_post
from intake.outlets.drafts_folder import DraftsFolder, fingerprint
from intake.outlets.outgoing_post import BESIDE
from intake.outlets.printed import drop_letter, drop_older
from intake.outlets.sent_folder import file_sent
from intake.pipeline.effects import (
    APPEND_DRAFT,
    CLEAN_DATABASE,
    ERASE_FILES,
    FILE_SCAN,
    FILE_SENT,
    MARK_MAIL,
    PREVIEW_LETTER,
    RENEW_DRAFT,
    TYPESET_LETTER,
    WITHDRAW_DRAFT,
)
from intake.pipeline.erased_files import clean_database, erase_files
from intake.pipeline.house import House
from intake.pipeline.html_drafts import html_beside
from intake.pipeline.renewing import Renewal, replace_drafts
from intake.replies.compose import ACKNOWLEDGEMENT
from intake.replies.letter import Letter, split_enclosures, split_signatory
from intake.replies.logo import read_logo
from intake.replies.mime import DraftMail, build
from intake.sources import marking
from intake.types import Address, PostalAddress
from storage.errors import StorageError
from storage.models import Case, Draft, DraftState, Effect, EffectState

BATCH = 50
NOT_PRINTED = "its letter cannot be printed"
MARK_TRIES = 5
AUTO_REPLIED = "auto-replied"
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)


def deliver(house: House, shop: Shop) -> int:
    """Carry out the shop's effects that are due; how many happened. One that fails never stops the rest."""
    done = 0
    with Drawers(shop) as drawers:
        while effects := house.store.claim_effects(shop.id, house.clock(), BATCH):
            drawers.take(house.store.drafts_with_cases([effect.draft_id for effect in effects if effect.draft_id]))
            together = _append_together(house, shop, drawers, effects)
            # A courtesy at the source comes after the drafts that people wait for.
            rest = sorted((one for one in effects if one.id not in together), key=lambda one: one.kind == MARK_MAIL)
            happened = [*together, *(effect.id or 0 for effect in rest if _try(house, shop, drawers, effect))]
            if happened:
                house.store.finish_effects(happened, house.clock())
                house.checkpoint("effect marked done")
                house.log.info("delivered", shop=shop.id, effects=len(happened))
            done += len(happened)
    return done


class Drawers:
    """The drafts of a batch, and the connection that they go over: opened by the first that needs it, closed at the
    end. After a failure no further one is tried in this pass."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._session: Session | None = None
        self._folder: DraftsFolder | None = None
        self._failure: ServerError | None = None
        self._drafts: dict[int, tuple[Draft, Case]] = {}
        self._doubtful: frozenset[int] = frozenset()

    def __enter__(self) -> "Drawers":
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()

    @property
    def mailbox(self) -> Mailbox:
        """The shop's mailbox. Raises `Refused` where it has none."""
        if self._shop.mailbox is None:
            raise Refused(f"Shop {self._shop.id} has no mailbox.", "Configure one.")
        return self._shop.mailbox

    def session(self) -> Session:
        """The connection. Raises `ServerError`, the same one again within this pass."""
        if self._failure is not None:
            raise self._failure
        if self._session is None:
            self._session = connect(self.mailbox)
        return self._session

    def drafts(self) -> DraftsFolder:
        """The manager's Drafts folder. Raises `ServerError` like `session`."""
        session = self.session()
        if self._folder is None:
            self._folder = DraftsFolder(session, self.mailbox)
        return self._folder

    def take(self, drafts: dict[int, tuple[Draft, Case]]) -> None:
        """The drafts of the batch that comes now, read together."""
        self._drafts = drafts

    def draft(self, effect: Effect) -> tuple[Draft, Case]:
        """The draft of an effect, with its case. Raises `Refused` where it is gone."""
        found = self._drafts.get(effect.draft_id or 0)
        if found is None:
            raise Refused(f"The draft of effect {effect.id} is gone.", "Look at its case with `intake show`.")
        return found

    def change(self, draft: Draft, state: DraftState) -> None:
        """Remember what has become of a draft since the batch was read."""
        held = self._drafts.get(draft.id or 0)
        if held is not None:
            self._drafts[draft.id or 0] = (held[0].model_copy(update={"state": state}), held[1])

    def tried(self, effect: Effect) -> bool:
        """Whether the effect may have happened already: in a run that died, or just now without an answer."""
        return effect.state is EffectState.STARTED or (effect.id or 0) in self._doubtful

    def is_fresh(self, effect: Effect) -> bool:
        """Whether an effect was never tried, and its draft is the one that counts."""
        found = self._drafts.get(effect.draft_id or 0)
        return found is not None and found[0].state is DraftState.WAITING and not self.tried(effect)

    def doubt(self, effects: Sequence[Effect]) -> None:
        """Nobody knows whether these have happened, so each is looked for. The connection is of no use any more."""
        self._doubtful = frozenset(effect.id or 0 for effect in effects)
        session, self._session, self._folder = self._session, None, None
        if session is not None:
            session.abort()
            session.close()

    def broken(self, error: ServerError) -> None:
        """Remember that the server is away."""
        self._failure = error


def _try(house: House, shop: Shop, drawers: Drawers, effect: Effect) -> bool:
    """One effect, one outcome: done, or put off with the reason."""
    carry_out = CARRY_OUT[effect.kind]
    try:
        carry_out(house, shop, drawers, effect)
    except ServerRefused as error:
        # No to this one: what comes after it may be as welcome as ever.
        if effect.kind == MARK_MAIL and effect.attempts >= MARK_TRIES:
            house.store.fail_effect(effect.id or 0, error.what, house.clock())
        else:
            _postpone(house, effect, error)
        return False
    except ServerError as error:
        drawers.broken(error)
        _postpone(house, effect, error)
        return False
    except Refused as error:
        # Trying again would be refused again: a person has to look.
        if effect.kind == TYPESET_LETTER and effect.case_id is not None:
            with house.store.processing() as unit:
                unit.add_attention(effect.case_id, f"its letter is not printed: {error.what}")
        house.store.fail_effect(effect.id or 0, error.what, house.clock())
        house.log.error("refused", effect=effect.kind, id=effect.id, case=effect.case_id)
        return False
    except Exception as error:  # noqa: BLE001 - the one loop over effects: note it on this one, go on
        known = isinstance(error, IntakeError | StorageError | OSError)
        _postpone(house, effect, error, None if known else error)
        return False
    return True


def _postpone(house: House, effect: Effect, error: Exception, bug: Exception | None = None) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(effect.attempts, 10), LONGEST_PAUSE)
    house.store.postpone_effect(effect.id or 0, str(error)[:500], house.clock() + pause)
    house.log.warning(
        "not delivered", effect=effect.kind, id=effect.id, problem=str(error), again_in=str(pause), exc_info=bug
    )


def _append_together(house: House, shop: Shop, drawers: Drawers, effects: Sequence[Effect]) -> list[int]:
    """Append drafts that were never tried in one command, which the server carries out whole or not at all; the ids of
    the effects that have happened so. What does not go this way goes one by one."""
    fresh = [effect for effect in effects if effect.kind == APPEND_DRAFT and drawers.is_fresh(effect)]
    if len(fresh) < 2:
        return []
    try:
        folder = drawers.drafts()
        drafts = [drawers.draft(effect) for effect in fresh]
        mails = {draft.id or 0: (draft_mail(house, draft, case), draft.made_at) for draft, case in drafts}
        house.store.answers.note_filed({number: fingerprint(raw) for number, (raw, _) in mails.items()})
        if not folder.put_many(list(mails.values())):
            return []
    except Exception as error:  # noqa: BLE001 - one by one it is found out which of them it is
        house.log.warning("drafts are appended one by one", shop=shop.id, problem=str(error))
        drawers.doubt(fresh)
        return []
    house.checkpoint("draft appended")
    return [effect.id or 0 for effect in fresh]


def _append_draft(house: House, _shop: Shop, drawers: Drawers, effect: Effect) -> None:
    draft, case = drawers.draft(effect)
    if draft.state is not DraftState.WAITING:
        return  # another one has taken its place meanwhile, or the case is answered
    folder = drawers.drafts()
    if drawers.tried(effect) and folder.has(draft.token, draft.anchor):
        return
    raw = draft_mail(house, draft, case)
    house.store.answers.note_filed({draft.id or 0: fingerprint(raw)})
    folder.put(raw, draft.made_at)
    house.checkpoint("draft appended")


def _renew_draft(house: House, _shop: Shop, drawers: Drawers, effect: Effect) -> None:
    """Put a draft in the place of those that wait; what follows in this batch sees what became of it."""
    draft, case = drawers.draft(effect)
    tries = max(effect.attempts, int(drawers.tried(effect)))
    work = Renewal(draft, case, tries, lambda one: draft_mail(house, one, case))
    drawers.change(draft, replace_drafts(house, work, drawers.drafts()))


def draft_mail(house: House, draft: Draft, case: Case, automatic: str = "") -> bytes:
    """The draft as a mail; `automatic` says how where no person sends it. The same draft always gives the same
    bytes."""
    shop = house.shop(case.shop)
    by_mail = draft.channel.value == "mail"
    return build(
        DraftMail(
            sender=Address(f"{shop.manager.name}, {shop.name}", shop.manager.addresses[0]),
            recipient=Address(case.complainant_name if by_mail else shop.name, draft.recipient),
            subject=draft.subject,
            text=draft.body + (f"\n{draft.quote}" if draft.quote else ""),
            dated=draft.made_at.astimezone(shop.zone),
            message_id=draft.token,
            in_reply_to=draft.in_reply_to,
            references=tuple(draft.reference_ids),
            language=draft.language,
            automatic=automatic,
            html=html_beside(house, shop, draft),
        )
    )


def sent_mail(house: House, draft: Draft, case: Case) -> bytes:
    """A reply as it goes out by SMTP."""
    return draft_mail(house, draft, case, AUTO_REPLIED if draft.kind == ACKNOWLEDGEMENT else "")


def _file_sent(house: House, _shop: Shop, drawers: Drawers, effect: Effect) -> None:
    """Put what went out by SMTP into Sent."""
    draft, case = drawers.draft(effect)
    raw, at = sent_mail(house, draft, case), draft.sent_at or draft.made_at
    file_sent(drawers.session(), drawers.mailbox, draft.token, raw, at)
    house.checkpoint("sent mail filed")


def _withdraw_draft(house: House, shop: Shop, drawers: Drawers, effect: Effect) -> None:
    """Take a draft back that another one replaces, or that nobody waits for, if nobody has touched it."""
    draft, case = drawers.draft(effect)
    if draft.channel.value == "letter" and shop.post_folder is not None:
        _clear_post_folder(house, shop.post_folder.path, draft, case)
    if shop.mailbox is None:
        return
    if not drawers.drafts().withdraw(draft.token, draft_mail(house, draft, case), draft.filed_sha256):
        house.log.info("an old draft is left where it is", case=case.reference)


def _clear_post_folder(house: House, post: Path, draft: Draft, case: Case) -> None:
    """Drop what lies there of a letter that is not to be sent, unless it is of a newer draft already."""
    beside = BESIDE.get(draft.kind)
    if beside is not None:
        newer_ones = [one for one in house.store.answers.drafts_of(case.id or 0) if (one.id or 0) > (draft.id or 0)]
        states = {one.state for one in newer_ones if one.kind == draft.kind}
        if DraftState.WAITING not in states:
            outgoing_post.drop_preview(post, case.reference, beside)
        if DraftState.APPROVED not in states:
            outgoing_post.drop_beside(post, case.reference, (beside,))
        return
    newest = house.store.drafts_of_cases([case.id or 0]).get(case.id or 0)
    newer = newest.state if newest is not None and newest.id != draft.id else None
    if newer is not DraftState.WAITING:
        outgoing_post.drop_preview(post, case.reference)
    if newer is not DraftState.APPROVED:
        drop_letter(post, case.reference)


def _mark_mail(house: House, shop: Shop, drawers: Drawers, effect: Effect) -> None:
    """Mark the mails of a batch at their source, or move them. What the server cannot do is told once, and left."""
    session, mailbox, where = drawers.session(), drawers.mailbox, effect.payload
    source = (session, str(where["folder"]), int(where["uidvalidity"]), list(where["uids"]))
    if mailbox.keyword and not marking.mark(*source, mailbox.keyword):
        house.log.warning("mails cannot be marked", shop=shop.id, keyword=mailbox.keyword, mails=len(source[3]))
    tried_before = effect.state is EffectState.STARTED
    if mailbox.move_to and not marking.move(*source, mailbox.move_to, again=tried_before):
        house.log.warning("mails cannot be moved", shop=shop.id, to=mailbox.move_to, mails=len(source[3]))


def _preview_letter(house: House, shop: Shop, drawers: Drawers, effect: Effect) -> None:
    draft, case = drawers.draft(effect)
    if draft.state is not DraftState.WAITING:
        return
    try:
        pdf = house.typesetter.typeset(letter_of(shop, draft, case, draft_mark=True))
    except Refused as error:
        # No address yet, as with handwriting: the draft waits all the same, and a person completes it.
        with house.store.processing() as unit:
            unit.add_attention(case.id or 0, f"{NOT_PRINTED} yet: {error.what}")
        return
    outgoing_post.put_preview(_post_folder(shop), case.reference, pdf, BESIDE.get(draft.kind, ""))


def _typeset_letter(house: House, shop: Shop, drawers: Drawers, effect: Effect) -> None:
    draft, case = drawers.draft(effect)
    pdf = house.typesetter.typeset(letter_of(shop, draft, case, draft_mark=False))
    with house.originals.held():
        before = house.store.letters.set_pdf(draft.id or 0, house.originals.add(pdf))
    if before:
        house.originals.remove([before], house.store.erasing.named)
    if draft.posted_on is not None or draft.state is DraftState.SUPERSEDED:
        return  # it was posted meanwhile, or a newer text has taken its place
    beside = BESIDE.get(draft.kind)
    if beside is not None:
        day = draft.dated if draft.kind == ACKNOWLEDGEMENT else case.post_by
        outgoing_post.put_beside(_post_folder(shop), case.reference, beside, day, pdf)
        return
    outgoing_post.put_letter(_post_folder(shop), case.reference, case.post_by, pdf)
    drop_older(_post_folder(shop), case.reference, case.post_by)


def letter_of(shop: Shop, draft: Draft, case: Case, *, draft_mark: bool) -> Letter:
    """The page of a posted answer."""
    page = shop.letter
    text, enclosures = split_enclosures(draft.body)
    body, signatory = split_signatory(text, shop.manager.name)
    return Letter(
        sender=PostalAddress(**{**_fields(shop.postal), "name": shop.name, "organisation": ""}),
        sender_lines=page.lines,
        recipient=PostalAddress(**(case.postal or {"name": case.complainant_name})),
        language=draft.language,
        place=shop.address.city,
        dated=draft.dated,
        reference=case.reference,
        subject=draft.subject.removesuffix(f"({case.reference})").strip() or draft.subject,
        body=body,
        signatory=signatory,
        enclosures=enclosures,
        draft=draft_mark,
        window=page.place,
        logo=read_logo(page.logo, page.logo_text) if page.logo is not None else None,
    )


def _fields(address: PostalAddress) -> dict[str, str]:
    return {name: getattr(address, name) for name in PostalAddress.__dataclass_fields__}


def _file_scan(house: House, shop: Shop, _drawers: Drawers, effect: Effect) -> None:
    payload = effect.payload
    outcome = payload["outcome"]
    if shop.post_folder is None:
        raise ConfigError(f"Shop {shop.id} has no post folder any more.", next_step="Its scans wait in processing/.")
    if outcome == "done":
        day = datetime.fromisoformat(payload["day"]).replace(tzinfo=UTC).date()
        filing = outgoing_post.filed_as_done(payload["reference"], day, payload["note"])
    elif outcome == "duplicate":
        filing = outgoing_post.filed_as_duplicate(payload["note"])
    else:
        filing = outgoing_post.filed_as_failed(payload["code"], payload["note"])
    outgoing_post.file_scan(_post_folder(shop), payload["claim"], filing)
    house.checkpoint("source touched")


def _post_folder(shop: Shop) -> Path:
    if shop.post_folder is None:
        raise Refused(f"Shop {shop.id} has no post folder.", "Configure one.")
    return shop.post_folder.path


CARRY_OUT: dict[str, Callable[[House, Shop, Drawers, Effect], None]] = {
    APPEND_DRAFT: _append_draft,
    RENEW_DRAFT: _renew_draft,
    PREVIEW_LETTER: _preview_letter,
    TYPESET_LETTER: _typeset_letter,
    FILE_SCAN: _file_scan,
    FILE_SENT: _file_sent,
    MARK_MAIL: _mark_mail,
    WITHDRAW_DRAFT: _withdraw_draft,
    ERASE_FILES: lambda house, shop, _drawers, effect: erase_files(house, shop, effect),
    CLEAN_DATABASE: lambda house, _shop, _drawers, effect: clean_database(house, effect),
}
