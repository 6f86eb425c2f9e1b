"""What is new in a mail and what is history, as the programs of customers write it."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.reading.quotes import split

NEW = "Mijn pakket is er nog niet."
OLD = "> Beste Jan,\n> uw pakket is onderweg."
HEADERS = {
    "nl": "Van: Service <info@example.nl>\nVerzonden: maandag 7 september 2026 10:00\nAan: Jan\nOnderwerp: Pakket",
    "en": "From: Service <info@example.nl>\nSent: Monday, September 7, 2026 10:00 AM\nTo: Jan\nSubject: Parcel",
    "de": "Von: Service <info@example.de>\nGesendet: Montag, 7. September 2026 10:00\nAn: Jan\nBetreff: Paket",
    "fr": "De : Service <info@example.fr>\nEnvoyé : lundi 7 septembre 2026 10:00\nÀ : Jan\nObjet : Colis",
}
BLOCKS = {
    **HEADERS,
    "nl without addresses": "Van: Service\nVerzonden: maandag 7 september 2026 10:00\nAan: Jan Jansen\n"
    "Onderwerp: Pakket",
    "nl with cc": HEADERS["nl"].replace("Onderwerp", "CC: Piet <piet@example.nl>\nOnderwerp"),
    "nl bold": "**Van:** Service\n**Verzonden:** maandag 7 september 2026 10:00\n**Aan:** Jan\n"
    "**Onderwerp:** RE: Pakket",
    "en bold": "*From:* Service <info@example.nl>\n*Sent:* Monday, 7 September 2026 10:00\n*To:* Jan\n"
    "*Subject:* Parcel",
    "en bold throughout": "*From: *Service <info@example.nl>\n*Date: *Monday, 7 September 2026 at 10:00\n*To: *Jan\n"
    "*Subject: *x",
    "nl mac": "Van: Service <info@example.nl>\nDatum: maandag 7 september 2026 om 10:00\nAan: Jan\nOnderwerp: Pakket",
    "nl other order": "Aan: Jan\nOnderwerp: Pakket\nVan: Service <info@example.nl>\n"
    "Verzonden: maandag 7 september 2026 10:00",
    "nl samsung": "Van: Service <info@example.nl>\nDatum: 07-09-2026 10:00 (GMT+01:00)\nAan: Jan\nOnderwerp: Pakket",
    "nl wrapped": "Van: Service <info@example.nl>\nVerzonden: maandag 7 september 2026 10:00\n"
    "Aan: Jan <jan@example.com>;\n"
    "Piet <piet@example.nl>\nOnderwerp: Pakket",
    "nl in paragraphs": HEADERS["nl"].replace("\n", "\n\n"),
    "nl in a table": "Van:\tService <info@example.nl>\nVerzonden:\tmaandag 7 september 2026 10:00\nAan:\tJan\n"
    "Onderwerp:\tx",
    "nl value below": "Van:\nService <info@example.nl>\nVerzonden:\nmaandag 7 september 2026 10:00\nAan:\nJan",
    "nl on one line": "Van: Service <info@example.nl> Verzonden: maandag 7 september 2026 10:00 Aan: Jan Onderwerp: x",
    "nl mailto": "Van: Service [mailto:info@example.nl]\nVerzonden: maandag 7 september 2026 10:00\n"
    "Aan: Jan\nOnderwerp: x",
    "nl with attachments": HEADERS["nl"] + "\nBijlagen: foto.jpg\nUrgentie: Hoog",
    "nl zimbra": "Van: Service <info@example.nl>\nAan: Jan\nVerzonden: Maandag 7 september 2026 10:00:00\n"
    "Onderwerp: Pakket",
    "de gmx": 'Gesendet: Montag, 07. September 2026 um 10:00 Uhr\nVon: "Service" <info@example.de>\n'
    "An: Jan\nBetreff: Paket",
    "de t-online": "Betreff: Paket\nDatum: 2026-09-07T10:00:00+0200\nVon: Service <info@example.de>\nAn: Jan",
    "fr nbsp": "De\u00a0: Service <info@example.fr>\nEnvoyé\u00a0: lundi 7 septembre 2026 10:00\n"
    "À\u00a0: Jan\nObjet\u00a0: Colis",
    "fr zimbra": 'De: "Service" <info@example.fr>\nÀ: "Jan" <jan@example.com>\n'
    "Envoyé: Lundi 7 Septembre 2026 10:00:00\nObjet: x",
    "blackberry": "From: Service <info@example.nl>\nDate: Mon, 7 Sep 2026 10:00:00 +0200\nTo: Jan\n"
    "Reply-To: x\nSubject: Parcel",
}
ATTRIBUTIONS = {
    "gmail nl": "Op ma 7 sep 2026 om 10:00 schreef Smart <info@example.nl>:",
    "gmail nl older": "Op 7 september 2026 10:00 schreef Smart <info@example.nl>:",
    "gmail nl without address": "Op ma 7 sep 2026 om 10:00 schreef Smart:",
    "gmail en": "On Mon, Sep 7, 2026 at 10:00 AM Smart <info@example.nl> wrote:",
    "gmail en with thin space": "On Mon, Sep 7, 2026 at 10:00\u202fAM Smart <info@example.nl> wrote:",
    "gmail de": "Am Mo., 7. Sept. 2026 um 10:00 Uhr schrieb Smart <info@example.de>:",
    "gmail fr": "Le lun. 7 sept. 2026 à 10:00, Smart <info@example.fr> a écrit\u00a0:",
    "gmail of long ago": "2026-09-07 10:00 GMT+02:00 Smart <info@example.nl>:",
    "apple nl": "Op 7 sep. 2026 om 10:00 heeft Smart <info@example.nl> het volgende geschreven:",
    "apple nl comma": "Op 7 sep. 2026, om 10:00 schreef Smart <info@example.nl>:",
    "apple nl short": "Op 7 sep. 2026 om 10:00 heeft Smart het volgende geschreven:",
    "apple en": "On 7 Sep 2026, at 10:00, Smart <info@example.nl> wrote:",
    "apple en american": "On Sep 7, 2026, at 10:00 AM, Smart <info@example.nl> wrote:",
    "apple de": "Am 07.09.2026 um 10:00 schrieb Smart <info@example.de>:",
    "apple fr": "Le 7 sept. 2026 à 10:00, Smart <info@example.fr> a écrit :",
    "thunderbird nl": "Op 07-09-2026 om 10:00 schreef Smart:",
    "thunderbird en": "On 07/09/2026 10:00, Smart wrote:",
    "thunderbird de": "Am 07.09.26 um 10:00 schrieb Smart:",
    "thunderbird fr": "Le 07/09/2026 à 10:00, Smart a écrit :",
    "gmail nl wrapped at its end": "Op ma 7 sep 2026 om 10:00 schreef Smart <info@example.nl\n>:",
    "gmail de wrapped at its end": "Am Mo., 7. Sep. 2026 um 10:00 Uhr schrieb Smart <info@example.nl\n>:",
    "gmail en wrapped at its end": "On Mon, Sep 7, 2026 at 10:00 AM Smart <info@example.nl\n> wrote:",
    "proton nl": "Op maandag 7 september 2026 10:00 schreef Smart <info@example.nl>:",
    "proton en": "On Monday, September 7th, 2026 at 10:00 AM, Smart <info@example.nl> wrote:",
    "yahoo nl": "Op maandag 7 september 2026 om 10:00:00 CEST schreef Smart <info@example.nl>:",
    "yahoo en": "On Monday, September 7, 2026 at 10:00:00 AM GMT+2, Smart <info@example.nl> wrote:",
    "yahoo de": "Am Montag, 7. September 2026 um 10:00:00 MESZ hat Smart <info@example.de> Folgendes geschrieben:",
    "yahoo fr": "Le lundi 7 septembre 2026 à 10:00:00 UTC+2, Smart <info@example.fr> a écrit :",
    "outlook 2019 nl": 'Op 7 sep 2026 10:00 heeft "Smart" <info@example.nl> geschreven:',
    "outlook 2019 fr": "Le 07/09/2026 10:00, « Smart » <info@example.fr> a écrit :",
    "roundcube nl": "Smart schreef op 2026-09-07 10:00:",
    "roundcube en": "On 2026-09-07 10:00, Smart wrote:",
    "roundcube de": "Am 2026-09-07 10:00, schrieb Smart:",
    "open-xchange de": "Smart <info@example.de> hat am 07.09.2026 10:00 geschrieben:",
    "web.de app": "Am 07.09.26, 10:00 schrieb Smart <info@example.de>:",
    "k-9 nl": "Op 7 september 2026 10:00:00 CEST schreef Smart <info@example.nl>:",
    "notes en": "Smart/Zwolle wrote on 07-09-2026 10:00:00:",
    "name first nl": "Smart <info@example.nl> schreef op 7 september 2026 10:00:",
    "name first de": "Smart <info@example.de> schrieb am 7. September 2026 um 10:00:",
    "wrapped over two": "On Mon, Sep 7, 2026 at 10:00 AM Smart Import Solutions\n<info@example.nl> wrote:",
    "wrapped in the date": "Op ma 7 sep 2026\nom 10:00 schreef Smart <info@example.nl>:",
    "wrapped over three": "Op ma 7 sep 2026 om 10:00\nschreef Smart Import Solutions te Zwolle\n<info@example.nl>:",
    "wrapped fr": "Le lun. 7 sept. 2026 à 10:00, Smart Import Solutions <info@example.fr> a\nécrit :",
}
SEPARATORS = {
    "outlook nl": "-----Oorspronkelijk bericht-----",
    "outlook en": "-----Original Message-----",
    "outlook de": "-----Ursprüngliche Nachricht-----",
    "outlook fr": "-----Message d'origine-----",
    "outlook fr curled": "-----Message d’origine-----",
    "samsung nl": "-------- Oorspronkelijk bericht --------",
    "samsung en": "-------- Original message --------",
    "samsung de": "-------- Ursprüngliche Nachricht --------",
    "samsung fr": "-------- Message d'origine --------",
    "yahoo en": "----- Original message -----",
    "t-online": "-----Original-Nachricht-----",
    "proton": "------- Original Message -------",
    "blackberry": "  Original Message  ",
    "gmail forward": "---------- Forwarded message ---------",
    "thunderbird forward nl": "-------- Doorgestuurd bericht --------",
    "thunderbird forward de": "-------- Weitergeleitete Nachricht --------",
    "thunderbird forward fr": "-------- Message transféré --------",
    "yahoo forward nl": "----- Doorgestuurd bericht -----",
    "apple forward nl": "Begin doorgestuurd bericht:",
    "apple forward en": "Begin forwarded message:",
    "apple forward de": "Anfang der weitergeleiteten Nachricht:",
    "apple forward fr": "Début du message transféré :",
    "notes forward": "----- Doorgestuurd door Piet/Zwolle op 07-09-2026 10:00 -----",
}
PROGRAMS = [
    *(
        "Verzonden vanaf mijn iPhone",
        "Verstuurd vanaf mijn iPad",
        "Verzonden vanaf mijn Galaxy",
        "Verstuurd vanaf Outlook",
    ),
    *(
        "Verstuurd vanaf mijn Samsung Galaxy-smartphone.",
        "Verstuurd vanaf Outlook voor Android",
        "Verzonden met Proton Mail",
    ),
    *("Verzonden vanuit Mail voor Windows", "Outlook voor Android downloaden", "Download Outlook voor iOS"),
    "Outlook voor iOS<https://aka.ms/o0ukef> downloaden",
    "Verzonden vanaf Yahoo Mail op Android",
    *(
        "Sent from my iPhone",
        "Sent from my Galaxy",
        "Sent from Outlook for iOS",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
    ),
    *(
        "Sent from Mail for Windows 10",
        "Sent from Yahoo Mail on Android",
        "Sent with Proton Mail secure email.",
        "Verzonden met Proton Mail beveiligde e-mail.",
        "Sent with [Proton Mail](https://proton.me/mail/home) secure email.",
        "Verzonden met [Proton Mail](https://proton.me/mail/home) beveiligde e-mail.",
    ),
    *("Von meinem iPhone gesendet", "Gesendet mit der GMX Mail App", "Gesendet von Outlook für Android"),
    "Von meinem Samsung Galaxy Smartphone gesendet.",
    "Diese Nachricht wurde von meinem Android-Mobiltelefon mit GMX Mail gesendet.",
    *("Outlook für Android herunterladen", "Gesendet von Mail für Windows", "Gesendet mit der WEB.DE Mail App"),
    *(
        "Envoyé de mon iPhone",
        "Envoyé depuis mon appareil Galaxy",
        "Télécharger Outlook pour iOS",
        "Envoyé de l’iPhone de Jan",
    ),
    *("Envoyé à partir de Outlook pour Android", "Envoyé à partir de Courrier pour Windows"),
    *(
        "Verzonden met BlackBerry 10",
        "Verstuurd vanaf mijn telefoon",
        "*Sent from my iPhone*",
        "Virusvrij.www.avast.com",
    ),
]


def lines_of(text: str) -> list[str]:
    return sorted(line.strip() for line in text.split("\n") if line.strip())


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS.keys())
def test_what_stands_above_an_attribution_is_new(attribution: str) -> None:
    new, history = split(f"{NEW}\n\n{attribution}\n\n{OLD}\n")
    assert new == NEW
    assert lines_of(history) == lines_of(f"{attribution}\n{OLD}")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS.keys())
def test_what_stands_below_the_quoted_lines_is_new(attribution: str) -> None:
    new, history = split(f"{attribution}\n{OLD}\n\n{NEW}\n")
    assert new.strip() == NEW
    assert lines_of(history) == lines_of(f"{attribution}\n{OLD}")


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS.keys())
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_outlooks_separator_begins_the_history(separator: str, headers: str) -> None:
    new, history = split(f"{NEW}\n\n{separator}\n{headers}\n\nBeste Jan\n")
    assert new == NEW
    assert history.startswith(separator)


@pytest.mark.parametrize("headers", BLOCKS.values(), ids=BLOCKS.keys())
@pytest.mark.parametrize("rule", ["", "________________________________\n"], ids=["bare", "with a rule"])
def test_outlooks_header_block_begins_the_history(headers: str, rule: str) -> None:
    new, history = split(f"{NEW}\n\n{rule}{headers}\n\nBeste Jan\n")
    assert new == NEW
    assert "Beste Jan" in history


def test_answers_between_quoted_lines_are_all_new() -> None:
    new, history = split("Op 7 sep 2026 schreef Smart:\n> Is het stuk?\nJa, het is stuk.\n> Wilt u geld?\nJa graag.\n")
    assert new.split("\n") == ["Ja, het is stuk.", "Ja graag."]
    assert "Wilt u geld?" in history


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_answers_below_a_block_with_quoted_lines_are_new(block: str) -> None:
    new, history = split(f"{block}\n\n{OLD}\n\n{NEW}\n")
    assert new == NEW
    assert OLD in history


def test_protons_attribution_below_its_separator_is_history() -> None:
    old = f"------- Original Message -------\n{ATTRIBUTIONS['proton nl']}\n\n{OLD}"
    assert split(f"{NEW}\n\n{old}\n") == (NEW, old)


@pytest.mark.parametrize("line", PROGRAMS)
def test_what_a_telephone_adds_is_folded(line: str) -> None:
    assert split(f"{NEW}\n\n{line}\n") == (NEW, line)


@pytest.mark.parametrize("line", ["Verzonden vanaf mijn iPhone", "Outlook voor iOS downloaden"])
def test_what_a_telephone_adds_above_the_history_is_folded(line: str) -> None:
    new, history = split(f"{NEW}\n\n{line}\n________________________________\n{HEADERS['nl']}\n\nBeste Jan\n")
    assert new == NEW
    assert history.startswith(line)


def test_two_program_lines_are_folded_together() -> None:
    new, history = split(f"{NEW}\n\nVerstuurd vanaf mijn iPhone\n\nOutlook voor iOS downloaden\n")
    assert new == NEW
    assert "iPhone" in history


def test_a_signature_and_the_disclaimer_below_it_are_folded() -> None:
    signature = "-- \nJan Jansen\nDorpsstraat 1\n\nDit bericht is vertrouwelijk.\nThis message is confidential."
    assert split(f"{NEW}\n\n{signature}\n") == (NEW, signature)
    assert split(f"{NEW}\n\n{signature.replace('-- ', '--')}\n")[0] == NEW


def test_a_signature_below_the_quoted_lines_is_folded_with_them() -> None:
    new, history = split(f"{NEW}\n\n{ATTRIBUTIONS['thunderbird nl']}\n{OLD}\n\n-- \nJan Jansen\nDorpsstraat 1\n")
    assert new == NEW
    assert "Dorpsstraat 1" in history


def test_name_and_address_below_a_closing_formula_stay_new() -> None:
    closing = "Met vriendelijke groet,\n\nJan Jansen\nKerkstraat 5\n8043 AA Zwolle\n06 12345678"
    assert split(f"{NEW}\n\n{closing}\n\n{ATTRIBUTIONS['gmail nl']}\n{OLD}\n")[0] == f"{NEW}\n\n{closing}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Op 7 september schreef ik u al:\nmijn pakket is weg.", id="the customer tells what he wrote"),
        pytest.param("Op 3 september schreef u dat het kwam:\nniets.", id="the customer tells what the shop wrote"),
        pytest.param(
            "Hoi,\nOp 3 september 2026 om 10:00 schreef u mij:\nhet komt morgen.", id="told with date and time"
        ),
        pytest.param(
            "Hoi,\n\nOp 3 september 2026 om 10:00 schreef de klantenservice:\nhet komt morgen.", id="told of them"
        ),
        pytest.param("Hi,\n\nOn 3 September 2026 at 10:00 you wrote:\nit comes tomorrow.", id="told in English"),
        pytest.param("Hallo,\n\nAm 3.9.2026 um 10:00 schrieb Ihre Firma mir:\nmorgen.", id="told in German"),
        pytest.param("Bonjour,\n\nLe 3 septembre 2026 à 10:00 votre service a écrit :\ndemain.", id="told in French"),
        pytest.param("Ik bestelde.\nVan: 3 september\nTot: 5 september\nAan: mijn adres", id="from when to when"),
        pytest.param(
            "Overboeking:\nVan: NL91ABNA0417164300\nAan: Smart\nBedrag: € 20\nDatum: 3-9-2026", id="a payment"
        ),
        pytest.param("Route\nVan: Utrecht\nAan: Zwolle\nDatum: 3 september\nOnderwerp: stoel", id="a list of his own"),
        pytest.param(
            "Geachte,\nAan: Smart\nDatum: 3 september 2026\nBetreft: klacht\n\nHij is stuk.", id="a letter's head"
        ),
        pytest.param("Hij kwam.\nMaat:\nte klein\nKleur:\nfout", id="a list with colons"),
        pytest.param("From: nowhere\nit came broken", id="a From of its own"),
        pytest.param("De : leverancier zegt niets.", id="a French De"),
        pytest.param("Punten:\n---\nkapot\n---\nvies", id="rules of the customer's own"),
        pytest.param("Punten:\n--\nkapot\n--\nvies", id="short rules of the customer's own"),
        pytest.param("Ik wacht al\n> 3 weken\nop mijn pakket.", id="more than three weeks"),
        pytest.param("Ik wacht.\nVerzonden via PostNL op 3 september", id="how it was sent"),
        pytest.param("Ik wacht.\nVerzonden met e-mail van 3 september, geen antwoord", id="by mail"),
        pytest.param("Ik wacht.\nSent from your shop to my old phone number", id="sent by the shop"),
        pytest.param("Ik wacht.\nGesendet von DHL", id="sent by a courier"),
        pytest.param("> alles is geciteerd\n> en niets is nieuw", id="nothing but quoted lines"),
        pytest.param(f"Groet,\nJan\n\n{ATTRIBUTIONS['gmail nl']}\n\n{OLD}", id="nothing but a closing above"),
        pytest.param(f"Verstuurd vanaf mijn iPhone\n\n{HEADERS['nl']}\n\nStuk!", id="nothing but a telephone's line"),
        pytest.param(f"-- \n{NEW}", id="a mark above all"),
        pytest.param(f"Hoi\n-- \n{NEW * 30}", id="a mark below one word"),
        pytest.param("", id="nothing at all"),
    ],
)
def test_a_complaint_is_not_folded_away(text: str) -> None:
    new, history = split(text)
    assert (new, history) == (text, "")


def test_only_the_innermost_history_of_a_forward_without_a_word_is_folded() -> None:
    first, second = HEADERS["nl"], HEADERS["en"]
    assert split(f"{first}\n\n{NEW}\n\n{second}\n\nDear Jan\n") == (f"{first}\n\n{NEW}", f"{second}\n\nDear Jan")


def test_a_forward_without_a_word_is_all_new() -> None:
    text = f"---------- Forwarded message ---------\n{HEADERS['nl']}\n\nMijn pakket is kapot."
    assert split(text) == (text, "")


PIECES = st.sampled_from(
    [
        *ATTRIBUTIONS.values(),
        *SEPARATORS.values(),
        *BLOCKS.values(),
        *PROGRAMS,
        OLD,
        NEW,
        "-- ",
        "",
        ">",
        "> >",
        "Verzonden vanaf x",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(st.characters(exclude_characters="\r\n"), max_size=20)), max_size=12))
def test_every_line_is_in_one_of_the_halves(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    new, history = split(text)
    assert lines_of(f"{new}\n{history}") == lines_of(text)


HOSTILE = {
    "quote marks": ">\n",
    "attributions": "Op 7 sep 2026 om 10:00 schreef Jan <jan@example.com>:\n",
    "first words": "On \n",
    "wide attributions": "On 7 Sep 2026 10:00 " + "a wrote i you " * 40 + ":\n",
    "blocks": "Van: a\nAan: b\n",
    "blocks without a sender": "Betreff: a\nAn: b\nDatum: c\nCc: d\n",
    "blocks on one line": "Van: a Aan: b Onderwerp: c " * 70 + "\n",
    "separators": "-----Original Message-----\n",
    "rules": "-----\n",
    "colons": "a:\n",
    "addresses": "Op 1 jan 2026 " + "a@" * 280 + " schreef:\n",
    "telephones": "Sent from my my my mail mail mail phone phone phone\n",
    "marks": "-- \n",
    "one dash": "-",
    "one letter": "x",
    "spaces": " ",
    "fields that may come again": "reply-to: x\n",
    "ends of attributions": "schreef a@b\n>:\n",
    "brackets": "Sent from " + "[" * 300 + "\n",
    "links": "Sent from " + "<https://" * 30 + "\n",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_megabyte_takes_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = process_time()
    new, history = split(text)
    assert process_time() - started < 12
    assert len(new) + len(history) >= len(text.strip()) - 2 * text.count("\n")
