"""The facts in a complaint's text, and the traps that lie between them."""

from datetime import date

import pytest

from intake.rules.facts import find_facts, mask_iban

TODAY = date(2026, 11, 20)
GOOD, GOOD_TOO, MISTYPED = "NL91 ABNA 0417 1643 00", "BE71 0961 2345 6769", "NL92 ABNA 0417 1643 00"


def facts(text: str, language: str = "nl"):
    return find_facts("", text, language, TODAY)


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("nl", "bestelnummer 104233", "104233"),
        ("nl", "Bestelnummer: 104233.", "104233"),
        ("nl", "mijn bestelling met nummer 104233 is", "104233"),
        ("nl", "bestelling nr. 104233", "104233"),
        ("nl", "het bestelnummer is 104233", "104233"),
        ("nl", "ordernr. A-104233", "A-104233"),
        ("nl", "bestelnummer WEB-2026-00123", "WEB-2026-00123"),
        ("en", "my order 104233 is late", "104233"),
        ("en", "order no. 104233", "104233"),
        ("en", "order number is 104233", "104233"),
        ("en", "Order #104233", "104233"),
        ("en", "order id: 5551234", "5551234"),
        ("de", "Bestellung 104233", "104233"),
        ("de", "Bestell-Nr. 104233", "104233"),
        ("de", "Bestellnummer: 4711-22", "4711-22"),
        ("de", "Bestellung mit der Nummer 104233", "104233"),
        ("de", "Auftragsnummer 104233", "104233"),
        ("nl", "bestelnummer 4711–8823", "4711-8823"),
        ("fr", "commande n' 104233", "104233"),
        ("fr", "commande n° 104233", "104233"),
        ("fr", "commande n°104233", "104233"),
        ("fr", "numéro de commande : 104233", "104233"),
        ("fr", "N° de commande 104233", "104233"),
        ("fr", "commande numéro 104233", "104233"),
    ],
)
def test_an_order_number_is_found_behind_its_keyword(language: str, text: str, number: str) -> None:
    assert facts(text, language).order_numbers == (number,)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Ich habe die Bestellung nicht erhalten"),
        ("nl", "mijn bestelling is niet geleverd"),
        ("nl", "mijn bestelling 12-09-2026 is er niet"),
        ("nl", "mijn bestelling van 2026-09-12"),
        ("fr", "ma commande du 12/09/2026"),
        ("en", "I reordered 104233 times"),
        ("nl", "104233"),
    ],
)
def test_what_is_no_order_number_is_not_taken_for_one(language: str, text: str) -> None:
    assert facts(text, language).order_numbers == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("factuurnummer F2026/0042", "F2026/0042"),
        ("invoice no. 20260042", "20260042"),
        ("Rechnung Nr. R-10423", "R-10423"),
        ("facture n° F-2026-12", "F-2026-12"),
    ],
)
def test_an_invoice_number_is_found(text: str, number: str) -> None:
    assert facts(text).invoice_numbers == (number,)


@pytest.mark.parametrize("text", [GOOD, GOOD.replace(" ", ""), GOOD.lower(), GOOD.replace(" ", "."), f"IBAN:{GOOD}."])
def test_an_iban_is_found_and_is_no_phone_number(text: str) -> None:
    found = facts(f"Graag op {text} ten name van Jan")
    assert found.ibans == ("NL91ABNA0417164300",)
    assert found.phones == ()


def test_a_mistyped_iban_is_neither_an_iban_nor_a_phone_number() -> None:
    found = facts(f"Graag op {MISTYPED}, bel 06-29557135")
    assert found.ibans == ()
    assert found.phones == ("+31 6 29557135",)


def test_what_follows_an_iban_is_found_too() -> None:
    found = facts(f"{GOOD} {GOOD_TOO} TNV JANSEN 06-29557135")
    assert found.ibans == ("NL91ABNA0417164300", "BE71096123456769")
    assert found.phones == ("+31 6 29557135",)


def test_an_iban_is_masked_so_that_its_owner_knows_it() -> None:
    assert mask_iban(GOOD) == "NL91 •••• 4300"


@pytest.mark.parametrize(
    ("language", "text", "phone"),
    [
        ("nl", "06-29557135", "+31 6 29557135"),
        ("nl", "06 29 55 71 35", "+31 6 29557135"),
        ("nl", "06-12-34-56-78", "+31 6 12345678"),
        ("nl", "+31 38 123 45 67", "+31 38 123 4567"),
        ("fr", "06.12.34.56.78", "+33 6 12 34 56 78"),
        ("de", "030 12345678", "+49 30 12345678"),
        ("en", "0032 475 12 34 56", "+32 475 12 34 56"),
    ],
)
def test_a_phone_number_is_found_and_is_no_date(language: str, text: str, phone: str) -> None:
    found = facts(f"Tel. {text}", language)
    assert found.phones == (phone,)
    assert found.dates == ()


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("€ 25,-", "€ 25,-"),
        ("25,- euro", "€ 25,-"),
        ("€1.234,56", "€ 1.234,56"),
        ("1.234,56 euro", "€ 1.234,56"),
        ("EUR 45.00", "€ 45.00"),
        ("1 234,56 €", "€ 1 234,56"),
        ("12,95 EUR", "€ 12,95"),
    ],
)
def test_an_amount_is_kept_as_it_is_written(text: str, amount: str) -> None:
    assert facts(text).amounts == (amount,)


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("nl", "12-09-2026", "2026-09-12"),
        ("nl", "12-09-26", "2026-09-12"),
        ("nl", "2026-09-12", "2026-09-12"),
        ("nl", "12 september", "2026-09-12"),
        ("nl", "3 mrt. 2025", "2025-03-03"),
        ("nl", "24 december", "2025-12-24"),
        ("nl", "20 november", "2026-11-20"),
        ("en", "12th of September", "2026-09-12"),
        ("en", "September 12, 2025", "2025-09-12"),
        ("en", "3rd March 2026", "2026-03-03"),
        ("de", "12.09.2026", "2026-09-12"),
        ("de", "am 12.9. bestellt", "2026-09-12"),
        ("de", "3. März", "2026-03-03"),
        ("fr", "le 1er mars 2026", "2026-03-01"),
        ("fr", "12 août", "2026-08-12"),
    ],
)
def test_a_date_is_found_and_a_missing_year_is_the_last_one(language: str, text: str, day: str) -> None:
    assert facts(f"Op {text} gekocht", language).dates == (day,)


@pytest.mark.parametrize("text", ["31-02-2026", "12-13-2026", "29 februari", "32 mei 2026"])
def test_a_day_that_does_not_exist_is_no_date(text: str) -> None:
    assert facts(text).dates == ()


@pytest.mark.parametrize(
    ("language", "text", "codes"),
    [
        ("nl", "8043 TT Zwolle", ("8043 TT",)),
        ("nl", "8043TT Zwolle", ("8043 TT",)),
        ("nl", "1234 SA Zwolle", ()),
        ("nl", "1000 Brussel", ("1000",)),
        ("de", "10115 Berlin", ("10115",)),
        ("fr", "75001 Paris", ("75001",)),
        ("nl", "8043 TT Zwolle en 9000 Gent", ("8043 TT", "9000")),
    ],
)
def test_a_dutch_postcode_is_looked_for_before_a_belgian_one(language: str, text: str, codes: tuple[str, ...]) -> None:
    assert facts(text, language).postal_codes == codes


@pytest.mark.parametrize("number", ["3SABCD123456789", "JVGL0612345678901234", "00340434161094042557"])
def test_a_tracking_number_is_no_phone_number(number: str) -> None:
    found = facts(f"Track & trace {number}.")
    assert found.tracking_numbers == (number,)
    assert found.phones == ()


def test_our_own_reference_is_found_in_the_subject_and_facts_come_once_and_in_order() -> None:
    found = find_facts("Re: klacht (SIS-2026-0042)", "bestelling 222222, order 111111, bestelling 222222", "nl", TODAY)
    assert found.references == ("SIS-2026-0042",)
    assert found.order_numbers == ("222222", "111111")
