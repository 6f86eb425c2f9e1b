"""The text of mail to the manager: every language has the same words, and each says what there is to do."""

from datetime import date, datetime
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from intake.bootstrap import TEMPLATES
from intake.config import Shop
from intake.replies.notices import Words, day_words, digest_mail, line_text, load_words, notices_mail
from intake.rules.clocks import DISPUTE, PRIVACY, SAFETY, TERM, WITHDRAWN
from intake.rules.digest import Clock, Findings, Promised, Touched, sections, touched
from intake.rules.reminders import Dates, Stage
from intake.types import Line
from tests.builders import shop_settings

WORDS = load_words(TEMPLATES / "notices")
SHOP = Shop.model_validate(shop_settings())
THURSDAY = date(2026, 9, 17)
REFERENCE = "SIS-2026-0042"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def parts(words: Words) -> dict[str, dict[str, str]]:
    return {name: dict(getattr(words, name)) for name in ("mail", "short", "lines", "told", "titles", "names")}


@pytest.mark.parametrize("language", sorted(WORDS))
def test_every_language_has_the_same_words_with_the_same_things_in_them(language: str) -> None:
    own, english = parts(WORDS[language]), parts(WORDS["en"])
    for part, words in english.items():
        assert own[part].keys() == words.keys(), part
        assert {key: fields(text) for key, text in own[part].items()} == {
            key: fields(text) for key, text in words.items()
        }
        assert all(text.strip() and "  " not in text for text in own[part].values())


def test_every_second_clock_has_a_name() -> None:
    assert {WITHDRAWN, PRIVACY, TERM, DISPUTE, SAFETY} <= WORDS["en"].names.keys()


def test_there_are_words_for_every_language_that_a_shop_can_have() -> None:
    assert set(WORDS) == set(SHOP.languages)


@pytest.mark.parametrize("language", sorted(WORDS))
@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("way", ["", " letter", " approved"])
def test_every_reminder_can_be_said(language: str, stage: Stage, way: str) -> None:
    if stage is Stage.LATE_TO_POST and not way:
        return  # only a letter is posted
    text = line_text(Line(REFERENCE, f"{stage}{way}", THURSDAY, THURSDAY), WORDS[language])
    assert day_words(THURSDAY, language) in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", "donderdag 1 oktober"),
        ("en", "Thursday 1 October"),
        ("de", "Donnerstag, 1. Oktober"),
        ("fr", "jeudi 1er octobre"),
    ],
)
def test_days_are_said_as_people_write_them(language: str, words: str) -> None:
    assert day_words(date(2026, 10, 1), language) == words


def test_a_case_stands_once_in_the_digest_and_a_letter_by_its_post_by_date() -> None:
    found = Findings(
        cases=[
            Dates("SIS-2026-0005", date(2026, 9, 29)),
            Dates("SIS-2026-0004", THURSDAY, approved=True),
            Dates("SIS-2026-0003", date(2026, 9, 21), post_by=THURSDAY),
            Dates("SIS-2026-0002", date(2026, 9, 18), post_by=date(2026, 9, 16)),
            Dates("SIS-2026-0001", date(2026, 9, 18)),
        ]
    )
    told = {one.title: [line.reference for line in one.lines] for one in sections(found, SHOP, THURSDAY)}
    assert told == {
        "overdue": ["SIS-2026-0002"],
        "today": ["SIS-2026-0003"],
        "tomorrow": ["SIS-2026-0001"],
        "to post": ["SIS-2026-0004"],
    }


def test_a_second_clock_is_told_three_business_days_before_its_end_and_stands_on_top() -> None:
    clocks = [Clock(REFERENCE, "withdrawal", date(2026, 9, day)) for day in (22, 23)]
    case = Dates(REFERENCE, THURSDAY)
    first, second = sections(Findings(cases=[case], clocks=clocks), SHOP, THURSDAY)
    assert (first.title, [line.day for line in first.lines]) == ("clocks", [date(2026, 9, 22)])
    assert second.title == "today"


@pytest.mark.parametrize(
    ("found", "titles"),
    [
        (Findings(), []),
        (Findings(cases=[Dates(REFERENCE, date(2026, 12, 1))]), []),
        (Findings(set_aside={"internal": 4}), []),
        (Findings(set_aside={"internal": 4, "spam": 1}), ["set aside"]),
        (Findings(uncertain=[REFERENCE], set_aside={"internal": 4}), ["uncertain", "set aside"]),
        (Findings(touched=[Touched(REFERENCE, THURSDAY, THURSDAY)]), ["touched"]),
    ],
)
def test_there_is_a_digest_only_where_there_is_something_to_say(found: Findings, titles: list[str]) -> None:
    assert [one.title for one in sections(found, SHOP, THURSDAY)] == titles


def test_a_change_of_calendar_or_promise_touches_the_cases_that_it_would_move() -> None:
    received = datetime(2026, 9, 14, 10, tzinfo=ZoneInfo("Europe/Amsterdam"))
    mail = Promised("SIS-2026-0001", received, date(2026, 9, 18))
    letter = Promised("SIS-2026-0002", received, date(2026, 9, 18), date(2026, 9, 16))
    assert touched([mail, letter], SHOP) == []
    closed = Shop.model_validate(shop_settings(calendar={"closed": ["2026-09-17"]}))
    assert [one.would_be for one in touched([mail, letter], closed)] == [date(2026, 9, 21)] * 2
    slower = Shop.model_validate(shop_settings(post={"terms": [{"since": "2000-01-01", "delivery_days": 3}]}))
    assert touched([mail, letter], slower) == [
        Touched("SIS-2026-0002", date(2026, 9, 16), date(2026, 9, 15), posting=True)
    ]


def test_a_notice_that_names_its_case_is_not_prefixed_and_lines_stay_short() -> None:
    long = "a mail could not be sent, because the other server said no; " * 4
    subject, text = notices_mail([("odd", REFERENCE, f"{REFERENCE}: odd"), ("odd", "", long)], WORDS["en"])
    assert subject == "Complaints: 2 notices"
    assert text.count(REFERENCE) == 1
    assert max(map(len, text.splitlines())) <= 76


def test_the_digest_in_german() -> None:
    found = Findings(
        cases=[Dates("SIS-2026-0001", THURSDAY), Dates("SIS-2026-0002", date(2026, 9, 21), date(2026, 9, 16))],
        set_aside={"automatic": 7, "spam": 1},
    )
    told = [("today", "SIS-2026-0001", "muss heute beantwortet werden."), ("odd", "SIS-2026-0009", "etwas")]
    subject, text = digest_mail(sections(found, SHOP, THURSDAY), THURSDAY, WORDS["de"], told)
    assert subject == "Beschwerden am Donnerstag, 17. September: 1 zu spät, 1 heute"
    body, footer = text.split("-- \n")
    assert footer.startswith("Intake hat diese E-Mail automatisch gesendet")
    assert (
        body
        == """Zu diesen Beschwerden gibt es etwas zu wissen:

- SIS-2026-0009: etwas

Zu spät
  SIS-2026-0002  Brief hätte bis Mittwoch, 16. September, zur Post gemusst;
    versprochen bis Montag, 21. September

Heute
  SIS-2026-0001  muss heute beantwortet werden.

Beiseitegelegt seit der letzten Übersicht
  automatische E-Mail: 7
  Spam: 1

"""
    )
