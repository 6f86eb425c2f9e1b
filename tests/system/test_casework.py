"""What people do to a case shows in the manager's own Drafts: a real Dovecot."""

from datetime import timedelta
from pathlib import Path

import pytest

from intake import casework
from intake.casework import Answered, Asked
from intake.pipeline import deliver
from tests.builders import MONDAY
from tests.servers import Dovecot
from tests.system.test_answer_seen import Desk, a_desk

pytestmark = pytest.mark.system
CASE = "SIS-2026-0001"


def languages(desk: Desk) -> list[str]:
    """The languages of the drafts that lie there."""
    deliver(desk.house, desk.shop)
    return [draft["Content-Language"] for draft in desk.drafts()]


def test_an_untouched_draft_follows_the_case_and_a_touched_one_is_hers(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is na drie weken stuk gegaan.", subject="Stofzuiger")
        desk.poll()
        assert languages(desk) == ["nl"]
        casework.set_language(desk.house, CASE, "en", "mirjam")
        assert languages(desk) == ["en"]
        assert desk.states() == ["superseded", "waiting"]
        casework.redraft(desk.house, CASE, Asked(language="fr"), "mirjam")
        assert languages(desk) == ["fr"]
        hers = desk.edit("Beste Jan,\n\nIk begin te schrijven.\n")
        casework.set_category(desk.house, CASE, "damaged", "mirjam")
        deliver(desk.house, desk.shop)
        (left,) = desk.drafts()
        assert left["Message-ID"] == hers["Message-ID"]
        assert desk.states() == ["superseded", "superseded", "waiting", "superseded"]
        assert any("the case was corrected" in mark for mark in desk.case().attention)


def test_an_answer_on_the_phone_takes_the_draft_back_and_a_reopened_case_has_another(
    dovecot: Dovecot, mail_user: str, tmp_path: Path
) -> None:
    with a_desk(dovecot, mail_user, tmp_path) as desk:
        desk.write("Mijn stofzuiger is na drie weken stuk gegaan.", subject="Stofzuiger")
        desk.poll()
        casework.answer(desk.house, CASE, Answered("phone", MONDAY.date()), "mirjam")
        assert languages(desk) == []
        desk.wait(days=1)
        casework.reopen(desk.house, CASE, "mirjam")
        assert languages(desk) == ["nl"]
        assert desk.case().due_on == (MONDAY + timedelta(days=7)).date()
        casework.close(desk.house, CASE, "agreed", "mirjam")
        assert languages(desk) == []
