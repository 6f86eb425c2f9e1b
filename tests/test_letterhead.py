"""Who wrote a letter: addresses as people really write them, in all the places of a page, and what is none."""

import time
from dataclasses import astuple

import pytest

from intake.rules.letterhead import find_letterhead
from intake.types import Own, PostalAddress

OWN = Own(
    PostalAddress("", "Smart Import Solutions", "Plattenborgstraat 20", "", "8043 TT", "Zwolle", "NL"),
    frozenset({"Smart Import Solutions", "Mirjam"}),
    frozenset({"smartimport.example", "mirjam@example.nl"}),
    ("06-29557135",),
)
TO_US = "Smart Import Solutions\nt.a.v. Mirjam\nPlattenborgstraat 20\n8043 TT Zwolle\n\n"
TEXT = (
    "Geachte mevrouw,\n\nDrie weken geleden bestelde ik bij u een waterkoker en die is nog steeds niet geleverd.\n"
    "Ik heb al twee keer gebeld maar niemand kon mij verder helpen.\n\n"
)
SIGNED = "Hoogachtend,\n\n\nA. de Boer\n"
DE_BOER = ("A. de Boer", "", "Kerkstraat", "5", "1017 GA", "Amsterdam", "NL")


def postal(text: str, language: str = "nl") -> tuple[str, ...] | None:
    found = find_letterhead(text, OWN, language).postal
    return astuple(found) if found is not None else None


LETTERS = {
    "top left": "A. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "top right, below ours": TO_US + "A. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\n" + TEXT + SIGNED,
    "both on the same lines": (
        "A. de Boer Smart Import Solutions\nKerkstraat 5 Plattenborgstraat 20\n1017 GA Amsterdam 8043 TT Zwolle\n\n"
        + TEXT
        + SIGNED
    ),
    "ours on the left": (
        "Smart Import Solutions A. de Boer\nPlattenborgstraat 20 Kerkstraat 5\n8043 TT Zwolle 1017 GA Amsterdam\n\n"
        + TEXT
        + SIGNED
    ),
    "line by line": (
        "A. de Boer\nSmart Import Solutions\nKerkstraat 5\nPlattenborgstraat 20\n1017 GA Amsterdam\n8043 TT Zwolle\n\n"
        + TEXT
        + SIGNED
    ),
    "on one line": "A. de Boer · Kerkstraat 5 · 1017 GA Amsterdam · Tel. 020-5551234\n\n" + TO_US + TEXT + SIGNED,
    "on one line, the dots misread": "A. de Boer « Kerkstraat 5 + 1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "on one line, the dots lost": "A. de Boer Kerkstraat 5 1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "return line": "A. de Boer, Kerkstraat 5, 1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "phone in the middle": "A. de Boer | 06-12345678 | Kerkstraat 5 | 1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "footer": TO_US + TEXT + SIGNED + "\n\nKerkstraat 5 | 1017 GA Amsterdam | 06-12345678\n",
    "below the signature": TO_US + TEXT + "Hoogachtend,\n\nA. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n",
    "nameless at the top": "Kerkstraat 5\n1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "labelled": (
        "Afzender:\nA. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\nAan:\n"
        + TO_US
        + "Uw kenmerk: 2026/11\n"
        + TEXT
        + SIGNED
    ),
    "a form": (
        TO_US
        + "Naam: A. de Boer\nAdres: Kerkstraat 5\nPostcode en woonplaats: 1017 GA Amsterdam\nTelefoon: 06-12345678\n"
        "Klantnummer: 88123\n\n" + TEXT + SIGNED
    ),
    "one block": (
        "Aan: Smart Import Solutions\nAmsterdam, 12 november 2026\nBeste Mirjam,\n"
        "Mijn waterkoker van bestelling 4711-8823 is kapot en ik wil graag mijn geld terug.\n"
        "Groeten\nA. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n"
    ),
    "no salutation, no closing": (
        "A. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\n" + TO_US + "Mijn waterkoker is na drie dagen al kapot gegaan "
        "en niemand neemt op.\nDaarom wil ik nu graag snel mijn geld van u terug krijgen.\n\nA. de Boer\n"
    ),
    "date beside the address": (
        "A. de Boer Amsterdam, 12 november 2026\nKerkstraat 5 Uw kenmerk: 77\n1017 GA Amsterdam\n\n"
        + TO_US
        + TEXT
        + SIGNED
    ),
    "blank lines in the block": "A. de Boer\n\nKerkstraat 5\n\n1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "signs misread": "A, de Boer\nKerkstraat S\n1O17 6A Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "lower case": "A. de Boer\nKerkstraat 5\n1017 ga Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "no space in the code": "A. de Boer\nKerkstraat 5\nNL-1017GA  Amsterdam\nNEDERLAND\n\n" + TO_US + TEXT + SIGNED,
    "a heading above": "KLACHT\nAANGETEKEND\n\nA. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "our address misspelt": (
        "A. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\nSmart Imports Solution\nafd. klachten\nPlatenburgstraat 20\n"
        "8034 TT Zwolle\n\n" + TEXT + SIGNED
    ),
    "our address misspelt, theirs below": (
        "Smart Imports Solution\nPlatenburgstraat 20\n8034 TT Zwolle\n\n"
        + TEXT
        + SIGNED
        + "Kerkstraat 5\n1017 GA Amsterdam\n"
    ),
    "phone and mail between": (
        "A. de Boer\n06-12345678\nanna@example.com\nKerkstraat 5\n1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED
    ),
    "our attention line beside the street": (
        "A. de Boer Smart Import Solutions\nKerkstraat 5 tav. Mirjam\n1017 GA Amsterdam Plattenborgstraat 20\n"
        "06-12345678 8043 TT Zwolle\n\n" + TEXT + SIGNED
    ),
    "the town on a line of its own": "A. de Boer\nKerkstraat 5\n1017 GA\nAmsterdam\n\n" + TO_US + TEXT + SIGNED,
    "the town before the code": "A. de Boer\nKerkstraat 5\nAmsterdam 1017 GA\n\n" + TO_US + TEXT + SIGNED,
    "after ours, with labels": (
        "Aan: Smart Import Solutions, t.a.v. Mirjam, Plattenborgstraat 20, 8043 TT Zwolle\n"
        "Van: A. de Boer, Kerkstraat 5, 1017 GA Amsterdam\n\n" + TEXT + SIGNED
    ),
    "two addresses on one paper": (
        "Bezoekadres: Kerkstraat 5, 1017 GA Amsterdam | Postadres: Postbus 12, 1000 AA Amsterdam\n\n"
        + TO_US
        + TEXT
        + SIGNED
    ),
    "the initial misread": TO_US + TEXT + "Hoogachtend,\n\nA, de Boer\nKerkstraat 5\n1017 GA Amsterdam\n",
    "the title taken for an initial": "M.E. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "care of somebody": "A. de Boer\nc/o P. Bos\nKerkstraat 5\n1017 GA Amsterdam\n\n" + TO_US + TEXT + SIGNED,
    "another address in the text": (
        "A. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\n"
        + TO_US
        + TEXT
        + "Het pakket is bezorgd bij:\n\nP. Pietersen\nDorpsstraat 12\n3511 AB Utrecht\n\n"
        + SIGNED
    ),
    "my address, in the text": (
        TO_US + TEXT + "Mijn adres is Kerkstraat 5, 1017 GA Amsterdam, daar kunt u het ophalen.\n\n" + SIGNED
    ),
}


@pytest.mark.parametrize("text", LETTERS.values(), ids=LETTERS)
def test_the_sender_is_found_wherever_he_stands(text: str) -> None:
    assert postal(text) == DE_BOER


ADDRESSES = [
    ("Dhr. A. de Boer\nKerkstraat 12-2\n1017 GA Amsterdam", "Dhr. A. de Boer||Kerkstraat|12-2|1017 GA|Amsterdam|NL"),
    (
        "Mevr. G. Hofman-Prins\n1e Jan Steenstraat 45 II\n2513 AB 's-Gravenhage",
        "Mevr. G. Hofman-Prins||1e Jan Steenstraat|45 II|2513 AB|'s-Gravenhage|NL",
    ),
    (
        "Stichting De Linde\nt.a.v. mevr. P. Visser\nPostbus 123\n3500 AB Utrecht",
        "mevr. P. Visser|Stichting De Linde|Postbus 123||3500 AB|Utrecht|NL",
    ),
    (
        "Jansen Techniek B.V.\nPieter Jansen\nPlein 1944 139\n6821 LL Arnhem",
        "Pieter Jansen|Jansen Techniek B.V.|Plein 1944|139|6821 LL|Arnhem|NL",
    ),
    ("Jan Peeters\nKapelstraat 7 bus 3\nB-3500 Hasselt", "Jan Peeters||Kapelstraat|7 bus 3|3500|Hasselt|BE"),
    (
        "Jan Peeters\nStationsstraat 7, bus 3\n3500 Hasselt\nBelgië",
        "Jan Peeters||Stationsstraat|7, bus 3|3500|Hasselt|BE",
    ),
    ("Mme Claire Lambert\nrue Haute 12 bte 4\n5000 Namur", "Mme Claire Lambert||rue Haute|12 bte 4|5000|Namur|BE"),
    (
        "Herrn\nDr. Wolfgang Behrens\nStraße des 17. Juni 135\n10623 Berlin",
        "Dr. Wolfgang Behrens||Straße des 17. Juni|135|10623|Berlin|DE",
    ),
    (
        "Müller & Söhne GmbH\nz. Hd. Frau Ingrid Weiß\nHauptstr. 12a\nD-48143 Münster",
        "Frau Ingrid Weiß|Müller & Söhne GmbH|Hauptstr.|12a|48143|Münster|DE",
    ),
    ("Karl Gruber\nLinzer Gasse 5/12\n5020 Salzburg\nÖsterreich", "Karl Gruber||Linzer Gasse|5/12|5020|Salzburg|AT"),
    ("M. Jean Dupont\n12, rue de la Paix\n75002 Paris", "M. Jean Dupont||rue de la Paix|12|75002|Paris|FR"),
    (
        "Hélène Durand\nRésidence Les Lilas\n5 bis avenue Victor-Hugo\n59000 Lille",
        "Hélène Durand||avenue Victor-Hugo|5 bis|59000|Lille|FR",
    ),
    ("Paul Schmit\n219, Grand-Rue\nL-1234 Luxembourg", "Paul Schmit||Grand-Rue|219|1234|Luxembourg|LU"),
    ("Emily Brown\n10 Mill Road\nCambridge CB1 2AB", "Emily Brown||Mill Road|10|CB1 2AB|Cambridge|GB"),
    (
        "Autohaus Krüger GmbH & Co. KG\nPostfach 12 34\n48007 Münster",
        "|Autohaus Krüger GmbH & Co. KG|Postfach 12 34||48007|Münster|DE",
    ),
    (
        "Société Dubois & Fils SARL\nBP 45\n59200 Tourcoing Cedex",
        "|Société Dubois & Fils SARL|BP 45||59200|Tourcoing Cedex|FR",
    ),
    ("Mr J Smith\n14 Church Lane\nNorwich\nNR1 4AB", "Mr J Smith||Church Lane|14|NR1 4AB|Norwich|GB"),
    (
        "Luc Vandenberghe\nGentsesteenweg 88 bus 0201\n9300 AALST\nBELGIË",
        "Luc Vandenberghe||Gentsesteenweg|88 bus 0201|9300|AALST|BE",
    ),
    ("Peter Keller\nBahnhofstrasse 12\nCH-8001 Zürich", "Peter Keller||Bahnhofstrasse|12|8001|Zürich|CH"),
    ("Ana Silva\nVia Roma 12\n20121 Milano\nItalia", "Ana Silva||Via Roma|12|20121|Milano|IT"),
    (
        "Frau Eva Lang\nHauptstraBe 12\n6031I Frankfurt am Main",
        "Frau Eva Lang||Hauptstraße|12|60311|Frankfurt am Main|DE",
    ),
]


@pytest.mark.parametrize(("block", "expected"), ADDRESSES, ids=[block.split("\n")[0] for block, _ in ADDRESSES])
@pytest.mark.parametrize("below", [False, True], ids=["at the top", "below the signature"])
def test_an_address_is_taken_apart_as_its_country_writes_it(block: str, expected: str, below: bool) -> None:
    text = f"{TO_US}{TEXT}Hoogachtend,\n\n{block}\n" if below else f"{block}\n\n{TO_US}{TEXT}Hoogachtend,\n"
    assert "|".join(postal(text) or ()) == expected


NOBODY = {
    "only ours": TO_US + TEXT,
    "ours, misspelt": "Smart Import Solution\nPlatenborgstraat 20\n8043 TT Zwole\n\n" + TEXT,
    "an address in a sentence": TO_US + TEXT.replace("gebeld", "gebeld naar Dorpsstraat 12, 3511 AB Utrecht en"),
    "a delivery address": TO_US + TEXT + "Het afleveradres was:\n\nDorpsstraat 12\n3511 AB Utrecht\n\nIk wacht af.\n",
    "an order that looks like a postcode": TO_US + "Bestelling 4711 Waterkoker\n\n" + TEXT,
    "nothing": "",
    "noise": "| : . ,\n~ § 1\n\n_ —\n",
}


@pytest.mark.parametrize("text", NOBODY.values(), ids=NOBODY)
def test_no_address_is_better_than_a_wrong_one(text: str) -> None:
    assert postal(text) is None


SIGNATURES = [
    ("Hoogachtend,\n\nA. de Boer", "A. de Boer"),
    ("Met vriendelijke groet,\n\n\nMw. drs. A.B. van den Berg\n\nBijlage: factuur", "Mw. drs. A.B. van den Berg"),
    ("Groetjes Anna de Boer", "Anna de Boer"),
    ("Mit freundlichen Grüßen\n\n(Unterschrift)\n\nWolfgang Behrens", "Wolfgang Behrens"),
    ("Yours sincerely,\n\nJames O'Brien\nIBAN NL91 ABNA 0417 1643 00", "James O'Brien"),
    (
        "Je vous prie d'agréer, Madame, Monsieur, l'expression de\nmes salutations distinguées.\n\nAmélie Bénard",
        "Amélie Bénard",
    ),
    ("Veuillez agréer mes salutations distinguées.\n\nF. de La Tour", "F. de La Tour"),
]


@pytest.mark.parametrize(("ending", "name"), SIGNATURES, ids=[name for _, name in SIGNATURES])
def test_the_name_may_stand_below_the_letter_alone(ending: str, name: str) -> None:
    found = find_letterhead(f"{TO_US}{TEXT}{ending}\n", OWN, "nl").postal
    assert found == PostalAddress(name)


REACHED = [
    ("E-mail: anna@example.com\nTel.: 06-12345678\n\n", "anna@example.com", "+31 6 12345678"),
    ("anna @example.com | 020 555 12 34\n\n", "anna@example.com", "+31 20 555 1234"),
    ("anna©example.com\n\n", "anna@example.com", ""),
    ("info@smartimport.example\n06-29557135\nanna@example.com\n\n", "anna@example.com", ""),
    ("Mirjam@example.nl\nbestelnummer 0612345678\nIBAN NL91 ABNA 0417 1643 00\nKvK 20123456\n\n", "", ""),
]


@pytest.mark.parametrize(("lines", "email", "phone"), REACHED)
def test_how_to_reach_the_sender_is_not_how_to_reach_us(lines: str, email: str, phone: str) -> None:
    head = find_letterhead(f"A. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n{lines}{TO_US}{TEXT}{SIGNED}", OWN, "nl")
    assert (head.email, head.phone) == (email, phone)


def test_a_number_in_the_text_is_the_senders_where_it_says_so() -> None:
    theirs = find_letterhead(f"{TO_US}{TEXT}De bezorger (06-87654321) nam niet op.\n\n{SIGNED}", OWN, "nl")
    mine = find_letterhead(f"{TO_US}{TEXT}U kunt mij bereiken op 06-12345678.\n\n{SIGNED}", OWN, "nl")
    assert (theirs.phone, mine.phone) == ("", "+31 6 12345678")


SUBJECTS = [
    ("Betreft: kapotte waterkoker", "kapotte waterkoker"),
    ("Onderwerp; klacht over bestelling 4711-8823", "klacht over bestelling 4711-8823"),
    ("Betr.: klacht", "klacht"),
    ("Betreff: Beschwerde", "Beschwerde"),
    ("Re: order 4711", "order 4711"),
    ("Objet : réclamation", "réclamation"),
    ("Concerne : ma commande", "ma commande"),
    ("Datum: 12-11-2026 Betreft: klacht", "klacht"),
    ("Betreft:\nkapotte waterkoker", "kapotte waterkoker"),
    (
        "Betreft: de waterkoker van bestelling 4711-8823, die na drie dagen al niet meer\nwarm werd\nUw kenmerk: 12",
        "de waterkoker van bestelling 4711-8823, die na drie dagen al niet meer warm werd",
    ),
    ("Zwolle, 12 november 2026", ""),
]


@pytest.mark.parametrize(("lines", "subject"), SUBJECTS)
def test_the_subject_stands_behind_its_label(lines: str, subject: str) -> None:
    head = find_letterhead(
        f"A. de Boer\nKerkstraat 5\n1017 GA Amsterdam\n\n{TO_US}{lines}\n\n{TEXT}{SIGNED}", OWN, "nl"
    )
    assert head.subject == subject


@pytest.mark.parametrize(
    "salutation",
    [
        "Geachte heer, mevrouw,",
        "Ceachte mevrouw,",
        "Beste Mirjam",
        "L.S.,",
        "Dear Sir or Madam,",
        "To whom it may concern:",
        "Sehr geehrte Damen und Herren,",
        "Guten Tag,",
        "Madame, Monsieur,",
        "Madame,",
        "Monsieur",
        "Chère Madame Mirjam,",
        "Mevrouw Jansen,",
    ],
)
def test_the_text_begins_with_its_salutation(salutation: str) -> None:
    text = (
        f"Monsieur Jean Dupont\n12, rue de la Paix\n75002 Paris\n\n{TO_US}{salutation}\n{TEXT.partition('mevrouw,')[2]}"
    )
    start = find_letterhead(text, OWN, "fr").body_start
    assert text[start:].startswith(salutation)


@pytest.mark.parametrize(
    "part",
    [
        "1",
        "1 ",
        "A. ",
        "a@",
        "1017 GA ",
        "Kerkstraat ",
        "- ",
        "\n",
        "1017 GA Amsterdam\n",
        "Betreft: x\n",
        "Tel ",
        "de ",
        "1-",
    ],
)
def test_hostile_text_takes_no_time(part: str) -> None:
    started = time.monotonic()
    find_letterhead(part * (1_000_000 // len(part)), OWN, "nl")
    assert time.monotonic() - started < 20
