"""Second clocks: which sentences set a term, in four languages, and which only look so."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules.categories import Categories, load_categories
from intake.rules.clocks import ONCE, Clock, find_clocks, merge, month_after
from intake.types import Calendar

MONDAY = date(2026, 9, 7)
KINDS = ("withdrawal", "privacy", "term", "dispute", "safety")


@pytest.fixture(scope="module")
def categories() -> Categories:
    return load_categories((Path(__file__).parents[1] / "templates" / "categories.toml").read_text(encoding="utf-8"))


def clocks(categories: Categories, language: str, text: str, received_on: date = MONDAY) -> list[tuple[str, str]]:
    found = find_clocks(text, language, categories.of("", text, language), received_on, Calendar())
    return [(clock.kind, clock.due_on.isoformat()) for clock in found]


TERMS = [
    ("nl", "Ik verzoek u binnen 7 dagen het bedrag terug te storten.", "2026-09-14"),
    ("nl", "Ik stel u in gebreke en geef u een laatste termijn van veertien (14) dagen.", "2026-09-21"),
    ("nl", "Graag uiterlijk 1 oktober een oplossing.", "2026-10-01"),
    ("nl", "Ik wil uiterlijk vrijdag mijn geld terug.", "2026-09-11"),
    ("nl", "Ik verwacht binnen 5 werkdagen een reactie.", "2026-09-14"),
    ("nl", "Ik eis dat u binnen 48 uur reageert.", "2026-09-09"),
    ("nl", "U heeft tot 20 september de tijd om te betalen.", "2026-09-20"),
    ("nl", "Kunt u mij vóór 15-9-2026 terugbetalen?", "2026-09-15"),
    ("nl", "Ik zou graag binnen twee\nweken mijn geld terug willen.", "2026-09-21"),
    ("en", "I expect a refund within 14 days.", "2026-09-21"),
    ("en", "Please reply by 1 October 2026, failing which I will go to court.", "2026-10-01"),
    ("en", "I give you until Friday.", "2026-09-11"),
    ("en", "You have 7 days to respond.", "2026-09-14"),
    ("en", "Please refund me within ten working days of receipt of this letter.", "2026-09-21"),
    ("en", "I would like to have my money back no later than 30 September.", "2026-09-30"),
    ("de", "Ich setze Ihnen eine Frist bis zum 15.10.2026.", "2026-10-15"),
    ("de", "Bitte erstatten Sie den Betrag innerhalb von 14 Tagen.", "2026-09-21"),
    ("de", "Ich erwarte Ihre Antwort bis spätestens Freitag.", "2026-09-11"),
    ("de", "Ich fordere Sie auf, binnen einer Woche zu liefern.", "2026-09-14"),
    ("de", "Bitte überweisen Sie den Betrag bis zum 20.9.", "2026-09-20"),
    ("fr", "Je vous demande de me rembourser sous huitaine.", "2026-09-15"),
    ("fr", "Veuillez me répondre avant le 1er octobre 2026.", "2026-10-01"),
    ("fr", "Je vous mets en demeure de livrer dans un délai de 15 jours.", "2026-09-22"),
    ("fr", "Merci de me répondre sous 48h.", "2026-09-09"),
    ("fr", "Je vous laisse jusqu'au 20 septembre.", "2026-09-20"),
    ("fr", "Merci de me répondre d’ici vendredi.", "2026-09-11"),
]
NO_TERMS = [
    ("nl", "U belooft levering binnen 3 dagen en ik wil mijn pakket.", "a promise of the shop's"),
    ("nl", "De bedenktijd is 14 dagen en ik wil mijn geld.", "a policy"),
    ("nl", "Ik wil het artikel binnen 14 dagen retourneren.", "what the customer will do"),
    ("nl", "Ik verwacht mijn geld binnen 14 dagen na levering.", "a term from another day"),
    ("nl", "Ik verzocht u op 1 augustus binnen 7 dagen te betalen.", "an earlier demand"),
    ("nl", "U schrijft: “wij verzoeken u binnen 14 dagen te reageren”. Ik wacht nog.", "between quotation marks"),
    ("nl", "> Ik verzoek u binnen 14 dagen te betalen.\nZie mijn vraag.", "quoted history"),
    ("nl", "Ik ben tot 1 oktober op vakantie, graag per mail antwoord.", "a holiday"),
    ("nl", "Graag had ik uiterlijk 1 augustus 2026 een oplossing.", "a day that is past"),
    ("nl", "Ik wil graag een antwoord, uiterlijk 1 augustus 2026 stond er.", "a day that is past, and told"),
    ("nl", "Graag voor 50 euro korting.", "voor as a preposition of price"),
    ("en", "Your website says delivery within 3 days, please explain.", "what the website says"),
    ("en", "You promised a reply within 2 days.", "a promise of the shop's"),
    ("en", "I want to return it within 14 days.", "what the customer will do"),
    ("en", "Please note that I am on holiday until 1 October.", "a holiday"),
    ("en", "Can I expect a refund within 14 days?", "a question"),
    ("de", "Die Lieferung sollte innerhalb von 3 Tagen erfolgen, bitte erklären Sie das.", "what was to be"),
    ("de", "Sie haben mir Lieferung bis zum 15.10.2026 versprochen.", "a promise of the shop's"),
    ("de", "Die Widerrufsfrist von 14 Tagen läuft, bitte beachten.", "a right"),
    ("de", "Ich bin bis zum 15.10. im Urlaub, bitte per Mail antworten.", "a holiday"),
    ("fr", "Vous aviez promis un remboursement sous 14 jours, j'attends toujours.", "a promise of the shop's"),
    ("fr", "Le délai de rétractation de 14 jours court encore, merci de répondre.", "a right"),
    ("fr", "La livraison était prévue avant le 1er octobre, je demande une explication.", "what was to be"),
]


@pytest.mark.parametrize(("language", "text", "due_on"), TERMS, ids=[text for _, text, _ in TERMS])
def test_a_term_that_the_customer_sets_is_a_clock(
    categories: Categories, language: str, text: str, due_on: str
) -> None:
    assert clocks(categories, language, text) == [("term", due_on)]


@pytest.mark.parametrize(("language", "text", "why"), NO_TERMS, ids=[f"{why}: {text}" for _, text, why in NO_TERMS])
def test_what_only_tells_of_a_term_is_none(categories: Categories, language: str, text: str, why: str) -> None:
    assert [clock for clock in clocks(categories, language, text) if clock[0] == "term"] == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "Hierbij herroep ik de koop van de stofzuiger."),
        ("nl", "Ik maak gebruik van mijn herroepingsrecht."),
        ("nl", "Ik wil mijn bestelling 1234 graag annuleren."),
        ("en", "I hereby withdraw from the contract."),
        ("en", "I am exercising my right to cancel."),
        ("de", "Hiermit widerrufe ich den Kaufvertrag."),
        ("de", "Ich trete vom Kaufvertrag zurück."),
        ("fr", "Je vous notifie par la présente ma rétractation."),
        ("fr", "Je souhaite annuler ma commande."),
    ],
)
def test_a_withdrawal_is_refunded_within_fourteen_days(categories: Categories, language: str, text: str) -> None:
    assert clocks(categories, language, text) == [("withdrawal", "2026-09-21")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "Kan ik de bestelling nog annuleren?"),
        ("nl", "Als ik niets hoor, annuleer ik de bestelling."),
        ("nl", "Ik wil de bestelling niet annuleren."),
        ("nl", "De bedenktijd staat niet op uw site."),
        ("en", "If it does not come I will cancel my order."),
        ("en", "What is my right of withdrawal?"),
        ("de", "Falls nichts kommt, storniere ich."),
        ("de", "Wie lange ist die Widerrufsfrist?"),
        ("fr", "Puis-je annuler ma commande ?"),
        ("fr", "Si rien ne vient, j'annule ma commande."),
    ],
)
def test_a_question_a_condition_and_a_refusal_are_no_withdrawal(
    categories: Categories, language: str, text: str
) -> None:
    assert clocks(categories, language, text) == []


@pytest.mark.parametrize(
    ("language", "request_", "near_miss"),
    [
        ("nl", "Dit is een inzageverzoek.", "Welke gegevens heeft u nodig voor de terugbetaling?"),
        ("en", "Please delete my account.", "Tell me what data you need."),
        ("de", "Ich verlange Auskunft nach Art. 15 DSGVO.", "Welche Daten benötigen Sie?"),
        ("fr", "Je demande la suppression de mes données.", "Quelles données avez-vous besoin ?"),
    ],
)
def test_a_privacy_request_is_answered_within_a_month(
    categories: Categories, language: str, request_: str, near_miss: str
) -> None:
    assert clocks(categories, language, request_) == [("privacy", "2026-10-07")]
    assert clocks(categories, language, request_, date(2027, 1, 31)) == [("privacy", "2027-02-28")]
    assert clocks(categories, language, near_miss) == []


@pytest.mark.parametrize(
    ("language", "danger", "none"),
    [
        ("nl", "De lader vloog in brand.", "Dit is niet gevaarlijk."),
        ("en", "The charger caught fire.", "It is not dangerous."),
        ("de", "Mein Sohn wurde verletzt.", "Das ist nicht gefährlich."),
        ("fr", "L'appareil a pris feu.", "L'appareil n'a jamais pris feu."),
    ],
)
def test_danger_is_looked_at_on_the_day(categories: Categories, language: str, danger: str, none: str) -> None:
    assert clocks(categories, language, danger) == [("safety", "2026-09-07")]
    assert clocks(categories, language, none) == []


@pytest.mark.parametrize(
    ("language", "text", "due_on"),
    [
        ("nl", "Namens mijn cliënt verzoek ik u uiterlijk 1 oktober 2026 te betalen.", "2026-10-01"),
        ("nl", "De commissie verzoekt u vóór 1 oktober 2026 uw verweerschrift in te dienen.", "2026-10-01"),
        ("en", "On behalf of my client I request payment by 1 October 2026.", "2026-10-01"),
        ("de", "Unser Mandant fordert: zahlen Sie bis zum 30.09.2026.", "2026-09-30"),
        ("fr", "Ma cliente vous demande de payer avant le 1er octobre 2026.", "2026-10-01"),
    ],
)
def test_the_term_of_a_lawyer_or_a_dispute_body_is_told_as_theirs(
    categories: Categories, language: str, text: str, due_on: str
) -> None:
    assert clocks(categories, language, text) == [("dispute", due_on)]


def test_the_words_say_why_and_quote_at_most_sixty_characters(categories: Categories) -> None:
    text = "Ik wil mijn hele enorme bestelling-met-een-zeer-lang-nummer-vier-vijf-zes-zeven graag annuleren."
    (clock,) = find_clocks(text, "nl", categories.of("", text, "nl"), MONDAY, Calendar())
    why, _, quoted = clock.words.partition('("')
    assert why == "refund within 14 days of the withdrawal "
    assert quoted.endswith('…")')
    assert len(quoted) <= 62


def test_a_term_counts_the_calendar_of_the_shop(categories: Categories) -> None:
    text = "Ik verwacht binnen 1 werkdag een reactie."
    assert clocks(categories, "nl", text, date(2026, 12, 24)) == [("term", "2026-12-28")]


def test_a_day_without_a_year_is_the_coming_one(categories: Categories) -> None:
    assert clocks(categories, "nl", "Graag uiterlijk 10 januari antwoord.", date(2026, 12, 20)) == [
        ("term", "2027-01-10")
    ]


CLOCKS = st.builds(
    Clock, st.sampled_from(KINDS), st.dates(date(2026, 1, 1), date(2026, 3, 1)), st.sampled_from(["a", "b"])
)
SOME = st.lists(CLOCKS, max_size=8)


@given(SOME, SOME)
def test_two_messages_give_the_same_terms_in_either_order_and_told_twice(
    first: list[Clock], second: list[Clock]
) -> None:
    merged = merge(first, second)
    assert merge(second, first) == merged == merge(merged, first)
    assert [clock.due_on for clock in merged] == sorted(clock.due_on for clock in merged)
    everything = [*first, *second]
    for kind in KINDS:
        days = sorted({clock.due_on for clock in everything if clock.kind == kind})
        assert [clock.due_on for clock in merged if clock.kind == kind] == (days[:1] if kind in ONCE else days)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_month_ends_on_the_same_day_or_the_last_of_a_shorter_month(day: date) -> None:
    end = month_after(day)
    assert (end.year * 12 + end.month) - (day.year * 12 + day.month) == 1
    assert end.day == day.day or (end.day < day.day and (end + timedelta(days=1)).day == 1)


@given(st.text(max_size=300), st.sampled_from(["nl", "en", "de", "fr", "xx"]))
def test_no_text_breaks_it_and_no_term_is_past(categories: Categories, text: str, language: str) -> None:
    for _, due_on in clocks(categories, language, f"Ik eis uiterlijk {text} binnen {text} dagen"):
        assert due_on >= MONDAY.isoformat()
