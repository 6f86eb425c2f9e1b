"""What can be asked to happen outside the database: the kinds of effects, and how they are asked for."""

from storage.models import SENDING_KINDS, Arrival, Draft, Effect

APPEND_DRAFT, WITHDRAW_DRAFT = "append draft", "withdraw draft"
PREVIEW_LETTER, TYPESET_LETTER = "preview letter", "typeset letter"
FILE_SCAN, MARK_MAIL = "file scan", "mark mail"
RENEW_DRAFT = "renew draft"
FILE_SENT = "file sent"
# What was erased leaves the disk: first the files, then what the database's own files still hold of it.
ERASE_FILES, CLEAN_DATABASE = "erase files", "clean database"
# By SMTP, in a courier of their own: a slow mail server delays no draft.
SENDING = SEND_REPLY, SEND_NOTICE = SENDING_KINDS


def of_draft(kind: str, shop: str, draft: Draft, draft_id: int) -> Effect:
    """An effect on a draft, once for each kind."""
    return Effect(
        key=f"{kind}:{draft.token}",
        shop=shop,
        kind=kind,
        case_id=draft.case_id,
        draft_id=draft_id,
        not_before=draft.made_at,
        made_at=draft.made_at,
    )


def of_scan(arrival: Arrival, filing: dict[str, str]) -> Effect:
    """Move what was dropped in the post folder where it belongs, with its note."""
    return Effect(
        key=f"{FILE_SCAN}:{arrival.id}",
        shop=arrival.shop,
        kind=FILE_SCAN,
        arrival_id=arrival.id,
        payload={"claim": arrival.folder, **filing},
        not_before=arrival.stored_at,
        made_at=arrival.stored_at,
    )
