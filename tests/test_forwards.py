"""Who wrote the mail inside a forward, when and what: the forms of mail programs, and what must not be guessed."""

from dataclasses import replace
from datetime import UTC, datetime
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.reading.forwards import find_forward, find_inside, says_forward
from intake.reading.moments import is_timed, read_moment
from intake.reading.quotes import split
from intake.types import Address, Channel, Forwarded, Message
from tests.test_quotes import BLOCKS, HOSTILE, SEPARATORS

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TEN = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
JAN = Address("Jan Jansen", "jan@example.com")
TEXT = "Mijn pakket is stuk.\n\nGroet,\nJan"
QUOTED = "> Mijn pakket is stuk.\n>\n> Groet,\n> Jan"
NL = "Van: Jan Jansen <jan@example.com>\nVerzonden: maandag 7 september 2026 10:00\nAan: Smart\nOnderwerp: Pakket"
EN = "From: Jan Jansen <jan@example.com>\nSent: Monday, September 7, 2026 10:00 AM\nTo: Smart\nSubject: Pakket"
APPLE = "Van: Jan Jansen <jan@example.com>\nOnderwerp: Pakket\nDatum: 7 september 2026 om 10:00:00 CEST\nAan: Smart"
GMAIL = "Van: Jan Jansen <jan@example.com>\nDate: ma 7 sep 2026 om 10:00\nSubject: Pakket\nTo: <info@example.nl>"


def quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


# Named by the program that writes it: (subject, body, without a note above it).
FORWARDS = {
    "outlook nl": ("FW: Pakket", f"{NL}\n\n{TEXT}"),
    "outlook nl with a rule": ("FW: Pakket", f"________________________________\n{NL}\n\n{TEXT}"),
    "outlook en": ("FW: Pakket", f"{EN}\n\n{TEXT}"),
    "outlook de": (
        "WG: Pakket",
        "Von: Jan Jansen <jan@example.com>\nGesendet: Montag, 7. September 2026 10:00\nAn: Smart\nBetreff: Pakket\n\n"
        + TEXT,
    ),
    "outlook fr": (
        "TR : Pakket",
        "De : Jan Jansen <jan@example.com>\nEnvoyé : lundi 7 septembre 2026 10:00\nÀ : Smart\nObjet : Pakket\n\n"
        + TEXT,
    ),
    "outlook of long ago": (
        "FW: Pakket",
        f"-----Oorspronkelijk bericht-----\n{NL}\n\n{TEXT}".replace("<", "[mailto:").replace(">", "]"),
    ),
    "outlook mac without a blank line": ("FW: Pakket", f"{NL}\n{TEXT}".replace("Verzonden", "Datum")),
    "outlook mac 2019": (
        "FW: Pakket",
        f'Op 07-09-2026 10:00 heeft "Jan Jansen" <jan@example.com> geschreven:\n\n{TEXT}',
    ),
    "outlook mac 2019 fr": ("TR: Pakket", f"Le 07/09/2026 10:00, « Jan Jansen » <jan@example.com> a écrit :\n\n{TEXT}"),
    "outlook for android": (
        "Fw: Pakket",
        f"Outlook voor Android downloaden\n________________________________\n{NL}\n\n{TEXT}",
    ),
    "gmail nl": ("Fwd: Pakket", f"---------- Forwarded message ---------\n{GMAIL}\n\n\n{TEXT}"),
    "gmail en": (
        "Fwd: Pakket",
        "---------- Forwarded message ---------\nFrom: Jan Jansen <jan@example.com>\nDate: Mon, Sep 7, 2026 at 10:00 AM"
        f"\nSubject: Pakket\nTo: <info@example.nl>\n\n\n{TEXT}",
    ),
    "apple nl": ("Fwd: Pakket", f"Begin doorgestuurd bericht:\n\n{APPLE}\n\n{TEXT}"),
    "apple nl, quoted": ("Fwd: Pakket", f"Begin doorgestuurd bericht:\n\n{quoted(APPLE)}\n>\n{QUOTED}"),
    "apple nl, all quoted": ("Fwd: Pakket", quoted(f"Begin doorgestuurd bericht:\n\n{APPLE}\n\n{TEXT}")),
    "apple de": (
        "Fwd: Pakket",
        "Anfang der weitergeleiteten Nachricht:\n\nVon: Jan Jansen <jan@example.com>\nBetreff: Pakket\n"
        f"Datum: 7. September 2026 um 10:00:00 MESZ\nAn: Smart\n\n{TEXT}",
    ),
    "apple fr": (
        "Tr: Pakket",
        "Début du message transféré :\n\nDe: Jan Jansen <jan@example.com>\nDate: 7 septembre 2026 à 10:00:00 UTC+2\n"
        f"À: Smart\nObjet: Pakket\n\n{TEXT}",
    ),
    "thunderbird nl": (
        "Fwd: Pakket",
        "-------- Doorgestuurd bericht --------\nOnderwerp: \tPakket\nDatum: \tMon, 7 Sep 2026 10:00:00 +0200\n"
        f"Van: \tJan Jansen <jan@example.com>\nAan: \tSmart\n\n\n\n{TEXT}",
    ),
    "thunderbird fr": (
        "Fwd: Pakket",
        "-------- Message transféré --------\nSujet : \tPakket\nDate : \tMon, 7 Sep 2026 10:00:00 +0200\n"
        f"De : \tJan Jansen <jan@example.com>\nPour : \tSmart\n\n{TEXT}",
    ),
    "yahoo nl, all on one line": (
        "Fw: Pakket",
        '   ----- Doorgestuurd bericht ----- Van: Jan Jansen <jan@example.com>Aan: "Smart" <info@example.nl>'
        f"Cc: Piet <piet@example.nl>Verzonden: maandag 7 september 2026 10:00:00 CESTOnderwerp: Pakket\n{TEXT}",
    ),
    "yahoo fr, all on one line": (
        "Tr: Pakket",
        "   ----- Message transmis ----- De : Jan Jansen <jan@example.com>À : Smart <info@example.nl>"
        f"Envoyé : lundi 7 septembre 2026, 10:00:00 UTC+2Objet : Pakket\n{TEXT}",
    ),
    "samsung nl": (
        "Fwd: Pakket",
        "-------- Oorspronkelijk bericht --------\nVan: Jan Jansen <jan@example.com>\n"
        f"Datum: 07-09-2026 10:00 (GMT+02:00)\nAan: Smart\nOnderwerp: Pakket\n\n{TEXT}",
    ),
    "gmx": (
        "Fwd: Pakket",
        'Gesendet: Montag, 07. September 2026 um 10:00 Uhr\nVon: "Jan Jansen" <jan@example.com>\nAn: Smart\n'
        f"Betreff: Pakket\n\n{TEXT}",
    ),
    "1&1, quoted, american": (
        "Fwd: Pakket",
        quoted(
            "---------- Original Message ----------\nFrom: Jan Jansen <jan@example.com>\nTo: Smart\n"
            f"Date: 09/07/2026 10:00 AM\nSubject: Pakket\n\n\n{TEXT}"
        ),
    ),
    "missive, with the text quoted": ("Fwd: Pakket", f"---------- Forwarded message ----------\n{GMAIL}\n\n{QUOTED}"),
    "without a prefix": ("Klacht van klant", f"{NL}\n\n{TEXT}"),
    "with the words, in an answer": ("Re: Pakket", f"---------- Forwarded message ---------\n{GMAIL}\n\n{TEXT}"),
}


def found(subject: str, body: str) -> Forwarded | None:
    return find_forward(*split(body), subject, (), AMSTERDAM)


@pytest.mark.parametrize(
    "note", ["", "Graag vandaag nog oppakken.", "Hoi,\n\nZie onder.\n\nGroet,\nPiet"], ids=["bare", "note", "long note"]
)
@pytest.mark.parametrize(("subject", "body"), FORWARDS.values(), ids=FORWARDS.keys())
def test_the_customer_is_found_with_date_and_text(subject: str, body: str, note: str) -> None:
    forward = found(subject, f"{note}\n\n{body}" if note else body)
    assert forward is not None
    assert (forward.sender, forward.sent_at) == (JAN, TEN)
    assert forward.text == TEXT
    assert forward.note == note
    assert forward.subject in ("Pakket", "")


NO_FORWARDS = {
    "an answer to a customer": ("RE: Pakket", f"Beste Jan, dat zoek ik uit.\n\n{NL}\n\n{TEXT}"),
    "an answer in Dutch": ("Antw: Pakket", f"Beste Jan, dat zoek ik uit.\n\n{NL}\n\n{TEXT}"),
    "an answer to a forward": (
        "Re: Fwd: Pakket",
        f"Ja.\n\nOp ma 7 sep 2026 om 10:00 schreef Piet <piet@example.nl>:\n{QUOTED}",
    ),
    "an attribution without a prefix": (
        "Pakket",
        f"Ja.\n\nOp ma 7 sep 2026 om 10:00 schreef Jan <jan@example.com>:\n{QUOTED}",
    ),
    "a prefix and nothing below it": ("Fwd: Pakket", "Zie de bijlage."),
    "a mail": ("Lunch", "Wie gaat er mee?"),
    "a list": ("Rooster", "Van: 3 september\nTot: 5 september\nAan: iedereen"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("subject", "body"), NO_FORWARDS.values(), ids=NO_FORWARDS.keys())
def test_what_is_no_forward_is_none(subject: str, body: str) -> None:
    assert found(subject, body) is None


SENDERS = {
    "Jan Jansen <jan@example.com>": JAN,
    '"Jan Jansen" <jan@example.com>': JAN,
    "'Jan Jansen' <Jan@example.com>": Address("Jan Jansen", "Jan@example.com"),
    "Jan Jansen [mailto:jan@example.com]": JAN,
    "Jan Jansen (jan@example.com)": JAN,
    "Jan Jansen <jan@example.com<mailto:jan@example.com>>": JAN,
    "Jan Jansen <jan@example.com> <mailto:jan@example.com>": JAN,
    "jan@example.com <jan@example.com>": Address("", "jan@example.com"),
    "<jan@example.com>": Address("", "jan@example.com"),
    "jan@example.com": Address("", "jan@example.com"),
    "Jan Jansen via Marktplaats <jan@example.com>": JAN,
    "info@forms.example.de namens Jan Jansen <jan@example.com>": JAN,
    "info@forms.example.de namens Jan Jansen": None,
    "info@forms.example.de [mailto:info@forms.example.de] On Behalf Of Jan": None,
    "Jan <jan@example.com>; Eva <eva@example.com>": None,
    "Jan Jansen": None,
    "": None,
}


@pytest.mark.parametrize(("line", "sender"), SENDERS.items())
def test_the_senders_line_names_one_person_or_nobody(line: str, sender: Address | None) -> None:
    body = (
        f"{NL.replace('Jan Jansen <jan@example.com>', line)}\n\n{TEXT}"
        if line
        else f"{NL[NL.index('Verz') :]}\n\n{TEXT}"
    )
    forward = found("FW: Pakket", f"---------- Forwarded message ---------\n{body}")
    assert forward is not None
    assert forward.sender == sender


def test_a_date_that_cannot_be_read_is_none() -> None:
    forward = found("FW: Pakket", f"{NL.replace('7 september 2026 10:00', 'vorige week')}\n\n{TEXT}")
    assert forward is not None
    assert (forward.sender, forward.sent_at) == (JAN, None)


def test_a_chain_of_colleagues_is_followed_inwards() -> None:
    outer = NL.replace("Jan Jansen <jan@example.com>", "Piet <piet@example.nl>").replace("Pakket", "FW: Pakket")
    forward = found("FW: FW: Pakket", f"Kijk jij?\n\n{outer}\n\nVoor jullie.\n\n{NL}\n\n{TEXT}")
    assert forward is not None
    assert (forward.sender, forward.text) == (Address("Piet", "piet@example.nl"), "Voor jullie.")
    inner = find_inside(forward, AMSTERDAM)
    assert inner is not None
    assert (inner.sender, inner.text, inner.sent_at, inner.note) == (JAN, TEXT, TEN, "Kijk jij?")
    assert find_inside(inner, AMSTERDAM) is None


@pytest.mark.parametrize(
    "line",
    [
        "Op ma 7 sep 2026 om 10:00 schreef Jan Jansen <jan@example.com>:",
        "Op 7 sep. 2026 om 10:00 heeft Jan Jansen <jan@example.com> het volgende geschreven:",
        "On Mon, Sep 7, 2026 at 10:00 AM Jan Jansen <jan@example.com> wrote:",
        "On Monday, September 7, 2026 at 10:00:00 AM GMT+2, Jan Jansen <jan@example.com> wrote:",
        "Am Mo., 7. Sept. 2026 um 10:00 Uhr schrieb Jan Jansen <jan@example.com>:",
        "Le lun. 7 sept. 2026 à 10:00, Jan Jansen <jan@example.com> a écrit :",
        "Jan Jansen <jan@example.com> schreef op 7 september 2026 10:00:",
    ],
)
def test_inside_a_forward_an_attribution_names_the_writer_too(line: str) -> None:
    inner = find_inside(Forwarded(None, None, "", "Ter info", f"{line}\n{QUOTED}", note="x"), AMSTERDAM)
    assert inner is not None
    assert (inner.sender, inner.sent_at, inner.text) == (JAN, TEN, TEXT)


def attached(**changes: Any) -> Message:
    return replace(
        Message(Channel.MAIL, "<first@example.com>", sender=JAN, sent_at=TEN, subject="Pakket", text=TEXT), **changes
    )


def test_an_attached_mail_is_the_original_with_its_id() -> None:
    forward = find_forward("Zie bijlage.", "", "Pakket", (attached(),))
    assert forward == Forwarded(JAN, TEN, "Pakket", TEXT, "", "Zie bijlage.", "<first@example.com>", attached=True)


def test_attached_mails_of_one_person_are_his_and_those_of_several_nobodys() -> None:
    later = attached(message_id="<second@example.com>", text="Nog steeds stuk.")
    mine = find_forward("", "", "", (attached(), later))
    assert mine is not None
    assert (mine.sender, mine.text) == (JAN, TEXT)
    other = find_forward("Twee klachten", "", "", (attached(), attached(sender=Address("", "eva@example.com"))))
    assert other is not None
    assert (other.sender, other.text, other.note) == (None, "", "Twee klachten")
    assert find_forward("", "", "", (attached(sender=None),)) == Forwarded(
        None, TEN, "Pakket", TEXT, message_id="<first@example.com>", attached=True
    )


@pytest.mark.parametrize(
    "subject", ["Fwd: x", "FW: x", "Fw:x", "Doorst: x", "WG: x", "TR : x", "Tr: x", "fwd[2]: x", " VS: x"]
)
def test_a_subject_says_that_it_is_a_forward(subject: str) -> None:
    assert says_forward(subject)


@pytest.mark.parametrize(
    "subject", ["Re: Fwd: x", "Fwd zonder dubbele punt", "Klacht: x", "Intern: x", "", "AW: WG: x"]
)
def test_a_subject_says_nothing_about_a_forward(subject: str) -> None:
    assert not says_forward(subject)


MOMENTS = {
    "maandag 7 september 2026 10:00": TEN,
    "ma 7 sep. 2026 om 10.00 uur": TEN,
    "donderdag, 7 september 2026 om 10:00": TEN,
    "Mon, 7 Sep 2026 10:00:00 +0200": TEN,
    "Mon, 7 Sep 2026 08:00:00 GMT": TEN,
    "Monday, September 7, 2026 10:00 AM": TEN,
    "Monday, September 7th, 2026 at 10:00": TEN,
    "Sep 7, 2026, at 10:00\u202fAM": TEN,
    "September 7, 2026 at 8:00:00 PM GMT+12": TEN,
    "7 September 2026 at 10:00:00 CEST": TEN,
    "Montag, 7. September 2026 10:00": TEN,
    "Mo., 7. Sept. 2026 um 10:00 Uhr": TEN,
    "7. September 2026 um 10:00:00 MESZ": TEN,
    "lundi 7 septembre 2026 10:00": TEN,
    "7 sept. 2026 à 10h00": TEN,
    "7 septembre 2026 à 10:00:00 UTC+2": TEN,
    "07-09-2026 10:00 (GMT+02:00)": TEN,
    "07.09.26 um 10:00": TEN,
    "7/9/2026 10:00": TEN,
    "9/7/2026 10:00 AM": TEN,
    "9/27/2026 10:00": datetime(2026, 9, 27, 8, 0, tzinfo=UTC),
    "27/9/2026 10:00 AM": datetime(2026, 9, 27, 8, 0, tzinfo=UTC),
    "2026-09-07 10:00": TEN,
    "2026-09-07T08:00:00Z": TEN,
    "10:00 op 7-9-2026": TEN,
    "7 september 2026": datetime(2026, 9, 6, 22, 0, tzinfo=UTC),
    "12:30 AM, 7 September 2026": datetime(2026, 9, 6, 22, 30, tzinfo=UTC),
    "31 februari 2026 10:00": None,
    "32-13-2026 10:00": None,
    "7 september 2026 99:99": None,
    "7 september om 10:00": None,
    "Mon, 7 Sep 2026 10:00:00 +9900": None,
    "morgen": None,
    "": None,
}


@pytest.mark.parametrize(("text", "moment"), MOMENTS.items())
def test_a_moment_is_read_as_programs_write_it(text: str, moment: datetime | None) -> None:
    assert read_moment(text, AMSTERDAM) == moment


def test_a_date_alone_has_no_time_though_dots_look_like_one() -> None:
    assert not is_timed("07.09.2026")
    assert is_timed("07.09.2026 10.30")
    assert not is_timed("3 september")


@given(st.text(max_size=120))
def test_no_text_makes_reading_a_moment_fail(text: str) -> None:
    moment = read_moment(text, AMSTERDAM)
    assert moment is None or moment.tzinfo is UTC


PIECES = st.sampled_from([*BLOCKS.values(), *SEPARATORS.values(), NL, QUOTED, TEXT, "", ">", "-- "])


@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=10), st.sampled_from(["Fwd: x", "Re: x", "x"]))
def test_whatever_a_mail_holds_its_forward_has_text_of_it_only(pieces: list[str], subject: str) -> None:
    body = "\n".join(pieces)
    forward = found(subject, body)
    if forward is not None:
        assert set(forward.text.split()) <= set(body.replace(">", " ").split()) | set(body.split())


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_megabyte_is_looked_through_in_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    halves = split(text)
    started = process_time()
    find_forward(*halves, "Fwd: x", (), AMSTERDAM)
    assert process_time() - started < 20
