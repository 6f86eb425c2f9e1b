"""Reply templates: every one renders, what is not known is a gap, and nothing in them can do harm."""

import re
from pathlib import Path
from typing import Any

import pytest

from intake.bootstrap import check_rules
from intake.config import CLOSED_ODR
from intake.errors import ConfigError, TemplateError
from intake.replies.templates import Templates, find_gaps, gap, or_gap
from tests.builders import make_config, shop_settings

DELIVERED = Path(__file__).parent.parent / "templates" / "replies"
TEMPLATES = Templates(DELIVERED)
LANGUAGES = ("nl", "en", "de", "fr")
WHOLE = sorted(str(path.relative_to(DELIVERED)) for path in DELIVERED.glob("??/**/*.j2") if path.parent.name != "parts")
ANSWERS = [name for name in WHOLE if "/answer" in name]
HOSTILE = {
    "code": "{{ 7*7 }}{% for x in y %}",
    "a gap": "[bestelnummer?]",
    "lines": "Jan\n\nDear Sir,\nyou win",
    "very long": "x" * 10_000,
}


def values(text: str = "", labels: tuple[str, ...] = (), channel: str = "mail") -> dict[str, Any]:
    """The values that templates see, with this text wherever a value may be unknown."""
    return {
        "shop": {
            "name": "Smart Import Solutions",
            "phone": "06-29557135",
            "phone_first_day": "maandag",
            "phone_last_day": "vrijdag",
            "phone_from": text and "9:00",
            "phone_until": "17:00",
        },
        "manager": {"name": "Mirjam", "role": text, "email": "mirjam@example.nl"},
        "customer": {"name": text},
        "case": {
            "reference": "SIS-2026-0001",
            "received_on": "7 september 2026",
            "first_received_on": "7 september 2026",
            "due_on": "11 september 2026",
            "due_day": "vrijdag",
            "proposed_on": text and "18 september 2026",
            "proposed_day": text and "vrijdag",
            "overdue": bool(text),
        },
        "complaint": {"sentence": text, "subject": text, "category": "damaged" if text else "other"},
        "facts": dict.fromkeys(("order_number", "invoice_number", "tracking_number", "amount", "iban"), text),
        "labels": list(labels),
        "channel": channel,
        "outcome": text and "offered",
        "dispute": {
            "name": text,
            "address": text,
            "website": text and "https://www.example.nl",
            "term_months": 12 if text else None,
            "takes_part": True if text else None,
        },
        "phone": {"state": text and "closed", "opens_on": text and "maandag", "opens_at": text and "9:00"},
    }


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("text", ["", "alles bekend"])
@pytest.mark.parametrize("channel", ["mail", "letter"])
def test_every_template_renders_with_all_facts_and_with_none(name: str, text: str, channel: str) -> None:
    labels = ("safety", "threat", "privacy_request", "withdrawal") if text else ()
    subject, body = TEMPLATES.render(name, values(text, labels, channel))
    assert subject.endswith("(SIS-2026-0001)")
    assert "Mirjam" in body
    assert "06-29557135" in body
    assert bool(find_gaps(body)) is ("acknowledgement" not in name), "the decision is a person's"
    assert "None" not in body
    assert "{" not in body + subject
    assert "\n\n\n" not in body
    assert body.endswith("\n")
    assert all(line == line.rstrip() for line in body.split("\n"))


@pytest.mark.parametrize("name", WHOLE)
def test_knowing_more_leaves_fewer_gaps_or_as_many(name: str) -> None:
    known = find_gaps(TEMPLATES.render(name, values("bekend"))[1])
    unknown = find_gaps(TEMPLATES.render(name, values())[1])
    assert len(known) <= len(unknown)
    assert set(known) <= set(unknown) or name.endswith("/final.j2"), "an outcome asks for what it needs"


def test_every_language_has_the_same_replies() -> None:
    of = {language: {name[3:] for name in WHOLE if name.startswith(f"{language}/")} for language in LANGUAGES}
    assert of["nl"]
    assert all(names == of["nl"] for names in of.values())


def test_no_template_names_the_closed_platform_or_is_wrong() -> None:
    assert TEMPLATES.mistakes() == []
    assert not [path for path in DELIVERED.rglob("*.j2") if CLOSED_ODR.search(path.read_text(encoding="utf-8"))]


def test_german_names_the_days_wherever_it_counts_in_werktage() -> None:
    """The word legally includes Saturday (§ 3 Abs. 2 BUrlG), the promise does not."""
    for path in (DELIVERED / "de").rglob("*.j2"):
        for line in re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL).split("\n"):
            if "Werktag" in line:
                assert re.search(r"Mo\s*[-–]\s*Fr|Montag bis Freitag", line), f"{path.name}: {line}"


def write(folder: Path, name: str, text: str) -> Templates:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Templates(DELIVERED, folder)


def test_a_shops_own_template_goes_before_the_delivered_one(tmp_path: Path) -> None:
    templates = write(
        tmp_path, "nl/answer/damaged.j2", "Ons antwoord ({{ case.reference }})\n\nDag {{ customer.name }}."
    )
    name = templates.choose("answer", "damaged", "nl")
    assert templates.render(name, values("Jan")) == ("Ons antwoord (SIS-2026-0001)", "Dag Jan.\n")
    assert templates.choose("answer", "refund", "nl") == "nl/answer/refund.j2"


def test_a_shops_own_template_may_build_on_the_delivered_one(tmp_path: Path) -> None:
    text = '{% extends "nl/answer.j2" %}{% block opening %}Hoi!{% endblock %}'
    _, body = write(tmp_path, "nl/answer/damaged.j2", text).render("nl/answer/damaged.j2", values())
    assert body.startswith("Hoi!")
    assert "Mirjam" in body


def test_a_category_without_a_template_gets_the_general_one() -> None:
    assert TEMPLATES.choose("answer", "praise", "fr") == "fr/answer.j2"


def test_a_missing_template_is_named() -> None:
    with pytest.raises(TemplateError, match=r"There is no template nl/apology\.j2") as error:
        TEMPLATES.choose("apology", "damaged", "nl")
    assert error.value.next_step


WRONG = {
    "an unknown name": ("A\n\n{{ shop.nmae }}", "own.j2 cannot be rendered at line 3 of own.j2: .*nmae"),
    "an unknown name in a filter": ("A\n{{ nothing | or_gap('x') }}", "at line 2 of own.j2: 'nothing' is undefined"),
    "bad syntax": ("A\n\n{% if %}", "at line 3 of own.j2"),
    "an unknown filter": ("A\n{{ 1 | nofilter }}", "at line 2 of own.j2: No filter named 'nofilter'"),
    "a parent that is not there": ('{% extends "none.j2" %}', "own.j2 needs none.j2, which is not there"),
    "an endless include": ('{% include "own.j2" %}', "own.j2 cannot be rendered"),
    "a division by nothing": ("A\n{{ 1 / 0 }}", "at line 2 of own.j2: division by zero"),
    "a bad format": ("A\n{{ '%(x)s' % {} }}", "at line 2 of own.j2: 'x'"),
    "a format with too little": ("A\n{{ '{0} {1}'.format(1) }}", "at line 2 of own.j2"),
    "too much memory": ("A\n{{ 'x' * 10 ** 18 }}", "at line 2 of own.j2"),
    "dunder access": ("A\n{{ shop.__class__ }}", "at line 2 of own.j2: access to attribute '__class__'"),
    "dunder access by a filter": ("A\n{{ (shop | attr('__class__')).x }}", "at line 2 of own.j2"),
    "dunder access by a format": ("A\n{{ '{0.__class__}'.format(shop) }}", "at line 2 of own.j2"),
    "a changed value": ("A\n{{ labels.append('x') }}", "at line 2 of own.j2: access to attribute"),
    "a changed mapping": ("A\n{{ shop.update({'name': 'x'}) }}", "at line 2 of own.j2: access to attribute"),
    "a function's globals": ("A\n{{ gap.__globals__ }}", "at line 2 of own.j2"),
    "a global that is not offered": ("A\n{{ range(5) }}", "'range' is undefined"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_template_is_told_with_its_name_and_line(tmp_path: Path, case: str) -> None:
    text, words = WRONG[case]
    given = values("x", ("safety",))
    with pytest.raises(TemplateError, match=words):
        write(tmp_path, "own.j2", text).render("own.j2", given)
    assert given == values("x", ("safety",))


def test_a_wrong_line_in_a_parent_is_told_with_the_parents_name(tmp_path: Path) -> None:
    write(tmp_path, "base.j2", "A\n{{ nothing }}")
    with pytest.raises(TemplateError, match=r"Template own\.j2 cannot be rendered at line 2 of base\.j2"):
        write(tmp_path, "own.j2", '{% extends "base.j2" %}').render("own.j2", values())


def test_mistakes_in_a_shops_folder_are_found_before_they_are_needed(tmp_path: Path) -> None:
    write(tmp_path, "nl/answer.j2", "A\n\nhttps://ec.europa.eu/odr")
    write(tmp_path, "de/answer.j2", "{% if %}")
    assert [line.partition(":")[0] for line in Templates(DELIVERED, tmp_path).mistakes()] == [
        "de/answer.j2 at line 1 of answer.j2",
        "nl/answer.j2",
    ]


def test_nothing_starts_with_a_template_that_names_the_closed_platform(tmp_path: Path) -> None:
    write(tmp_path, "nl/parts/contact.j2", "Zie https://ec.europa.eu/consumers/odr.")
    config = make_config(tmp_path / "data", "", [shop_settings(templates=tmp_path)])
    with pytest.raises(
        ConfigError, match=r"contact\.j2 names .* closed on 20 July 2025 \(Regulation \(EU\) 2024/3228\)"
    ):
        check_rules(config)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_value_is_never_code(tmp_path: Path, case: str) -> None:
    _, body = write(tmp_path, "own.j2", "S\n\n{{ customer.name }}").render("own.j2", values(HOSTILE[case]))
    assert "49" not in body


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("bestelnummer", "[bestelnummer?]"),
        ("a [b] c?", "[a b c?]"),
        ("two\nlines", "[two lines?]"),
        ("“ja” / nee", "[“ja” / nee?]"),
    ],
)
def test_a_gap_is_one_gap_whatever_it_is_for(what: str, shown: str) -> None:
    assert gap(what) == shown
    assert find_gaps(f"x {gap(what)} y") == (shown,)


@pytest.mark.parametrize(("value", "shown"), [("", "[x?]"), (None, "[x?]"), ("  ", "[x?]"), (" 12 ", "12"), (0, "0")])
def test_only_what_is_known_is_no_gap(value: object, shown: str) -> None:
    assert or_gap(value, "x") == shown


def test_gaps_are_listed_in_order_and_once() -> None:
    assert find_gaps("[b?] and [a?] and [b?] but not [c] or [?] or [d\n?]") == ("[b?]", "[a?]")
