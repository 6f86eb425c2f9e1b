"""What a sent mail means: header sets as mail programs write them, whom it went to, and which draft it was."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intake.config import Shop
from intake.reading.mail import read_mail
from intake.rules.sent import Meaning, Proposed, came_after, meaning_of, named_day, our_words, recipients_of
from intake.types import Channel
from tests.builders import mail, post_settings, shop_settings

TOKEN, ANCHOR = "<SIS-2026-0042.token@example.nl>", "<SIS-2026-0042.anchor@example.nl>"
OLD = "<SIS-2026-0042.old@example.nl>"
CUSTOMER = "Jan Jansen <jan@example.com>"
FIRST, SECOND = "<first@example.com>", "<second@example.com>"
OWN = "<c0ffee@outlook.example.com>"
ANSWER = Proposed(3, "answer", frozenset({TOKEN, ANCHOR}), "jan@example.com", waiting=True)
HOLDING = Proposed(4, "holding", frozenset({"<h@example.nl>", "<ha@example.nl>"}), "jan@example.com", waiting=True)
RECEIVED = Proposed(2, "acknowledgement", frozenset({OLD}), "jan@example.com", waiting=False, gone=True)
LETTER = Proposed(5, "answer", frozenset({TOKEN, ANCHOR}), "post@example.nl", waiting=True, letter=True)
DRAFTS = [RECEIVED, ANSWER, HOLDING]
JAN = {"jan@example.com", "post:j jansen|8043TT"}


def shop() -> Shop:
    return Shop.model_validate(shop_settings(post_folder=post_settings(Path("/tmp"))))


def sent(**changes):
    """A mail from the manager to the customer."""
    told = {
        "text": "Beste Jan,\n\nU krijgt een nieuwe.\n",
        "sender": "Mirjam <mirjam@example.nl>",
        "to": CUSTOMER,
        "subject": "Re: Pakket (SIS-2026-0042)",
        "message_id": OWN,
        **changes,
    }
    return read_mail(mail(told.pop("text"), **told))


def meant(drafts=DRAFTS, participants=JAN, **changes):
    found = meaning_of(sent(**changes), drafts, participants, shop())
    return found.meaning, found.draft


@pytest.mark.parametrize(
    ("headers", "draft"),
    [
        pytest.param({"message_id": TOKEN, "in_reply_to": FIRST, "references": f"{ANCHOR} {FIRST}"}, 3, id="kept all"),
        pytest.param({"in_reply_to": FIRST, "references": f"{ANCHOR} {FIRST}"}, 3, id="Thunderbird: another id"),
        pytest.param({"references": f"{ANCHOR} {FIRST}"}, 3, id="Outlook: References alone"),
        pytest.param({"in_reply_to": ANCHOR}, 3, id="References cut"),
        pytest.param({"message_id": TOKEN}, 3, id="no References at all"),
        pytest.param({"in_reply_to": TOKEN, "references": f"{FIRST} {TOKEN}"}, 3, id="Gmail: the draft as parent"),
        pytest.param({"in_reply_to": FIRST, "references": FIRST}, None, id="a reply by hand"),
        pytest.param({"in_reply_to": SECOND, "references": f"{FIRST} {OLD} {SECOND}"}, None, id="an older mail"),
    ],
)
def test_an_answer_is_known_whichever_program_sent_it(headers: dict[str, str], draft: int | None) -> None:
    assert meant(**headers) == (Meaning.ANSWER, draft)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"to": "piet@example.nl"}, id="to a colleague"),
        pytest.param({"to": "leverancier@example.de"}, id="to a supplier"),
        pytest.param({"subject": "Fwd: Pakket"}, id="a forward"),
        pytest.param({"subject": "WG: Pakket"}, id="a German forward"),
        pytest.param({"subject": "Doorst: Pakket"}, id="a Dutch forward"),
        pytest.param({"x_forwarded_message_id": FIRST}, id="a forward of Thunderbird's"),
        pytest.param({"auto_submitted": "auto-replied"}, id="automatic"),
        pytest.param({"subject": "Automatisch antwoord: Pakket"}, id="an absence notice"),
    ],
)
def test_what_is_no_answer_to_the_customer(headers: dict[str, str]) -> None:
    assert meant(in_reply_to=FIRST, **headers) == (Meaning.NOTHING, None)


def test_a_copy_or_a_hidden_copy_to_the_customer_is_an_answer() -> None:
    assert meant(to="piet@example.nl", cc=CUSTOMER) == (Meaning.ANSWER, None)
    assert meant(to="piet@example.nl", bcc="Jan <JAN@example.com>") == (Meaning.ANSWER, None)
    assert "jan@example.com" in recipients_of(sent(to="x@example.nl", bcc=CUSTOMER))


def test_a_draft_of_ours_that_went_to_somebody_else_is_told() -> None:
    assert meant(to="x@example.de", references=ANCHOR) == (Meaning.ELSEWHERE, 3)


def test_where_the_customers_address_is_not_known_anybody_outside_counts() -> None:
    unknown = [replace(ANSWER, recipient="")]
    by_post = {"post:j jansen|8043TT", ""}
    assert meant(unknown, by_post, to="jan.j@example.de", references=ANCHOR) == (Meaning.ANSWER, 3)
    assert meant(unknown, by_post, to="piet@example.nl", references=ANCHOR) == (Meaning.ELSEWHERE, 3)


@pytest.mark.parametrize(
    ("drafts", "ids", "expected"),
    [
        pytest.param(DRAFTS, f"{FIRST} <ha@example.nl>", (Meaning.HOLDING, 4), id="the holding reply"),
        pytest.param([replace(RECEIVED, gone=False)], OLD, (Meaning.ACKNOWLEDGEMENT, 2), id="an acknowledgement"),
        pytest.param(
            [replace(HOLDING, waiting=False, gone=True)], "<ha@example.nl>", (Meaning.ANSWER, None), id="gone"
        ),
        pytest.param([replace(HOLDING, waiting=False)], "<ha@example.nl>", (Meaning.HOLDING, 4), id="replaced late"),
        pytest.param([replace(ANSWER, kind="final")], ANCHOR, (Meaning.ANSWER, 3), id="a final position"),
        pytest.param(
            [replace(ANSWER, waiting=False), replace(ANSWER, id=9)],
            ANCHOR,
            (Meaning.ANSWER, 9),
            id="the one that waits",
        ),
    ],
)
def test_the_kind_of_the_draft_says_what_its_sending_means(drafts, ids: str, expected) -> None:
    assert meant(drafts, references=ids) == expected


def test_a_letters_draft_to_the_post_room_is_approved_and_to_the_customer_answers() -> None:
    assert meant([LETTER], to="post@example.nl", references=ANCHOR) == (Meaning.LETTER, 5)
    assert meant([LETTER], to="post@example.nl", references=FIRST)[0] is Meaning.NOTHING
    assert meant([LETTER], {"jan@example.com"}, references=ANCHOR) == (Meaning.ANSWER, None)


def test_gaps_are_found_in_our_own_words_however_they_are_wrapped() -> None:
    text = "Beste Jan,\n\nWij hebben [wat wij\nhebben gevonden?] gevonden.\n\n> Waar is [mijn pakket?]\n"
    words = our_words(sent(text=text))
    assert "[wat wij hebben gevonden?]" in words
    assert "mijn pakket" not in words


DUE = date(2026, 12, 30)


@pytest.mark.parametrize(
    ("dates", "proposed", "expected"),
    [
        pytest.param(("2027-01-06",), date(2027, 1, 5), date(2027, 1, 6), id="her own day"),
        pytest.param(("2026-12-24", "2026-12-30", "2027-01-06"), None, date(2027, 1, 6), id="beside the old ones"),
        pytest.param(("2026-01-06",), None, date(2027, 1, 6), id="without a year"),
        pytest.param(("2027-01-06", "2027-01-08"), date(2027, 1, 8), date(2027, 1, 8), id="two days: the proposed one"),
        pytest.param(("2027-01-06", "2027-01-08"), date(2027, 1, 5), None, id="two days, and neither was proposed"),
        pytest.param((), date(2027, 1, 5), date(2027, 1, 5), id="none: the proposed one"),
        pytest.param(("2029-01-01",), None, None, id="far off: a guarantee"),
        pytest.param((), date(2026, 12, 30), None, id="no later than before"),
        pytest.param(("2024-02-29",), None, None, id="a leap day"),
    ],
)
def test_the_new_day_is_the_one_that_stands_in_the_holding_reply(dates, proposed, expected) -> None:
    assert named_day(dates, DUE, proposed) == expected


def test_of_a_letter_only_the_day_is_compared() -> None:
    noon, nine = datetime(2026, 9, 7, 12, tzinfo=UTC), datetime(2026, 9, 7, 9, tzinfo=UTC)
    assert came_after(noon, Channel.MAIL, nine, ZoneInfo("Europe/Amsterdam"))
    assert not came_after(noon, Channel.LETTER, nine, ZoneInfo("Europe/Amsterdam"))
