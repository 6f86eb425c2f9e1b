"""Who wrote a letter: name and postal address, mail address, telephone number and subject, from its first page.

Every postcode that is not the shop's is a candidate, with the street and the names around it. It is weighed by where
it stands and by what agrees with it; a candidate that is not sure enough is left out, and a name alone is fine. An
address in the middle of a sentence is somebody else's, unless the letter says "my address". What is found was read by
OCR: a person checks it. Nothing here compares the sender with anybody known.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from intake.rules.facts import IBAN, INVOICE, ORDER, find_phones
from intake.rules.letter_lines import (
    ATTENTION,
    CLOSING,
    DATE,
    EMAIL,
    LABELLED,
    SENDER_LABEL,
    LetterPage,
    Line,
    Piece,
    Zone,
    is_prose,
    read_page,
)
from intake.rules.names import is_full_name, is_organisation, looks_like_name
from intake.rules.people import name_key
from intake.rules.postal_lines import Street, Town, country_named, country_of, find_street, find_town
from intake.types import Own, PostalAddress

SURE_ENOUGH = 4
MOST_CANDIDATES = 20
MOST_ABOVE = 4
AFTER_CLOSING = 6
REGIONS = {"nl": "NL", "de": "DE", "fr": "FR", "en": "NL"}
SUBJECT = re.compile(
    r"(?:^|\s{2,}|(?<=\d)\s)(?:(?:betreft|betreff|betrifft|betr|onderwerp|inzake|subject|objet|concerne|concerning|regarding)"
    r"(?:\s?[:;.]+|\s(?=\S))|(?:re|ref)\s?:)\s*(?P<subject>.*)",
    re.IGNORECASE,
)
OTHER_NUMBER = re.compile(
    r"\b(?:kvk|k\.v\.k\.|btw|vat|tva|ust|steuer|siret|siren|rcs|bsn|klant|kunden|customer|client)"
    r"[^\d\n]{0,20}[\d .]{6,20}",
    re.IGNORECASE,
)
ON_BEHALF = re.compile(r"^(?:i\. ?[avo]\.|ppa?\.|p\.o\.|namens|for|für|pour)\s+", re.IGNORECASE)
WRAPPED = 0.75
LONGEST_SUBJECT = 300
MINE = re.compile(
    r"\b(?:mijn|ons|my|our|meine?|unsere?|mon|ma|notre|nos)\b.{0,40}"
    r"\b(?:adres\w*|anschrift|address|e-?mail\w*|mailadres|courriel|telefoon\w*|nummer|number|telefon\w*|phone|mobiel\w*|"
    r"t[ée]l[ée]phone|num[ée]ro)\b|\b(?:bereik\w*|reach me|erreich\w*|joindre|joignable|woon\w* (?:op|aan|in)|"
    r"wohne?n? (?:in|im)|habite|live at|living at)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the first page says of its sender. `postal` is None where nothing is sure enough; it may be a name alone.
    `email`, `phone` (international) and `subject` are "" where there is none. `body_start` is the place in the text
    where the salutation begins, 0 where it has none."""

    postal: PostalAddress | None
    email: str
    phone: str
    subject: str
    body_start: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    postal: PostalAddress
    points: int


def find_letterhead(text: str, own: Own, language: str) -> Letterhead:
    """Who wrote, by the text of the first page as OCR gives it: lines, with a blank line between blocks. `own` says
    what is the shop's and never the sender's; `language` is a guess ("nl", "en", "de", "fr") that decides only where
    the address itself does not."""
    page = read_page(text, own)
    signed = _signed(page)
    postal = _postal(page, signed, language)
    region = postal.country if postal is not None and postal.postal_code else REGIONS.get(language, "NL")
    return Letterhead(postal, _email(page, own), _phone(page, own, region), _subject(page), page.body_start)


def _signed(page: LetterPage) -> str:
    """The name below the closing, or behind it on its line; "" where there is none. Below a page that does not close,
    only a full name is one."""
    closes = page.closing < len(page.lines)
    tail = [piece for piece in page.pieces if piece.zone is Zone.TAIL and not is_organisation(piece.text)]
    texts = [
        CLOSING.sub("", piece.text, count=1).strip(" ,.") if piece.line == page.closing else piece.text
        for piece in tail
    ]
    texts = [ON_BEHALF.sub("", text) for text in texts if text][:AFTER_CLOSING]
    full = next((text for text in texts if is_full_name(text)), "")
    if full or not closes:
        return full
    return next((text for text in texts[:1] if looks_like_name(text)), "")


def _postal(page: LetterPage, signed: str, language: str) -> PostalAddress | None:
    best = max(_candidates(page, signed, language), key=lambda each: each.points, default=None)
    if best is None or best.points < SURE_ENOUGH:
        organisation = _heading(page)
        return PostalAddress(signed, organisation) if signed or organisation else None
    postal = best.postal
    name, organisation = postal.name, postal.organisation or ("" if postal.name else _heading(page))
    if signed and _tells_more(signed, name):
        name, other = signed, name if name_key(name) not in name_key(signed) else ""
        organisation = organisation or other
    return replace(postal, name=name, organisation=organisation)


def _tells_more(signed: str, name: str) -> bool:
    """Whether the name below the letter is better than the one above the address: there is none, or only one word, or
    "Familie Zijlstra"."""
    if not name:
        return True
    key = name_key(name)
    return is_full_name(signed) and (not is_full_name(name) or name_key(signed).endswith(f" {key}"))


def _heading(page: LetterPage) -> str:
    """The organisation on whose paper the letter is written: it stands at the very top."""
    top = [piece.text for piece in page.pieces[:2] if piece.zone is Zone.HEAD and not is_prose(piece.text)]
    return next((text for text in top if is_organisation(text) and not any(map(str.isdigit, text))), "")


def _candidates(page: LetterPage, signed: str, language: str) -> Iterator[_Candidate]:
    """Every postcode on the page, as the address around it."""
    found = ((place, find_town(piece.text)) for place, piece in enumerate(page.pieces))
    towns = [(place, town) for place, town in found if town is not None]
    for place, town in towns[:MOST_CANDIDATES]:
        yield _candidate(page, place, town, signed, language)


def _candidate(page: LetterPage, place: int, town: Town, signed: str, language: str) -> _Candidate:
    street, at = _street(page.pieces, place, town, signed)
    inline = street.before if street is not None else town.before.strip(" ,-")
    name, organisation = _names(page, at, inline, signed)
    country = country_named(town.after) or _country_below(page.pieces, place) or ""
    country = country if _may_be(town, country) else ""
    if not town.city and town.country == "GB" and place:
        town = replace(town, city=page.pieces[place - 1].text)
    road = street.street if street is not None else ""
    postal = PostalAddress(
        name,
        organisation,
        road,
        street.number if street is not None else "",
        town.code,
        town.city,
        country or country_of(town, road, language),
    )
    return _Candidate(postal, _points(page, place, town, postal, inline, signed))


def _may_be(town: Town, country: str) -> bool:
    """Whether a named country agrees with the kind of code: the word may belong to something else on the line."""
    if town.country:
        return False
    return country in (("DE", "FR", "ES", "IT", "PL") if len(town.code) == 5 else ("BE", "LU", "AT", "CH", "DK"))


def _street(pieces: Sequence[Piece], place: int, town: Town, signed: str) -> tuple[Street | None, int]:
    """The street of a town, and the place of the piece that it stands in: before the code, or above it, also with a
    line between (a building, a part of the town)."""
    if town.before.strip(" ,-"):
        return find_street(town.before, signed), place
    for above in (place - 1, place - 2):
        if above < 0 or not _together(pieces[above], pieces[place]) or find_town(pieces[above].text):
            break
        street = find_street(pieces[above].text, signed)
        if street is not None and (street.number or " " not in street.before):
            return street, above
    return None, place


def _names(page: LetterPage, at: int, inline: str, signed: str) -> tuple[str, str]:
    """The person and the organisation that stand before or above a street."""
    texts = [(part.strip(), False) for part in inline.split(",") if part.strip()]
    if not any(looks_like_name(text) or is_organisation(text) for text, _ in texts):
        texts += list(_above(page, at))
    people = [(text, attention) for text, attention in texts if not is_organisation(text) and looks_like_name(text)]
    organisation = next((text for text, _ in texts if is_organisation(text) and not is_prose(text)), "")
    key = name_key(signed)
    chosen = [text for text, attention in people if attention or (key and name_key(text) == key)]
    chosen += [text for text, _ in people if is_full_name(text)] + [text for text, _ in people]
    return (chosen[0] if chosen else "", organisation)


def _above(page: LetterPage, at: int) -> Iterator[tuple[str, bool]]:
    """The pieces above a street that may be names, nearest first, each with whether it was "t.a.v."."""
    below = page.pieces[at]
    for above in page.pieces[max(at - MOST_ABOVE, 0) : at][::-1]:
        if not above.text:
            continue
        if not _together(above, below) or _ours_between(page.lines, above, below) or find_town(above.text):
            return
        yield above.text, above.attention
        below = above


def _together(above: Piece, below: Piece) -> bool:
    """In one block, or in two of which nothing lies between: OCR parts the lines of a block now and then."""
    return above.zone is below.zone and below.block - above.block <= 1


def _ours_between(lines: Sequence[Line], above: Piece, below: Piece) -> bool:
    """Whether our own address stands between two blocks; on the lines of one block it is a second column."""
    return above.block != below.block and any(line.own for line in lines[above.line + 1 : below.line])


def _country_below(pieces: Sequence[Piece], place: int) -> str:
    below = pieces[place + 1] if place + 1 < len(pieces) else None
    return country_named(below.text) if below is not None and _together(pieces[place], below) else ""


def _points(page: LetterPage, place: int, town: Town, postal: PostalAddress, inline: str, signed: str) -> int:
    """How sure it is that this is the sender's address; `SURE_ENOUGH` is."""
    piece = page.pieces[place]
    labelled = any(each.sender and each.zone is piece.zone and _near(each, piece) for each in page.pieces[: place + 1])
    surname = name_key(signed).rpartition(" ")[2]
    agrees = bool(signed) and surname == name_key(postal.name).rpartition(" ")[2]
    line = page.lines[piece.line].text
    mine = bool(MINE.search(line)) or (
        piece.line > 0 and is_prose(line) and bool(MINE.search(page.lines[piece.line - 1].text))
    )
    signs = {
        "street": 3 if postal.house_number else 2 * bool(postal.street),
        "name": 2 * bool(postal.name or postal.organisation),
        "agrees": 3 * agrees,
        "labelled": 3 * labelled,
        "place": 2 if piece.zone is not Zone.BODY else -4,
        "code": int(town.dutch),
        "town": int(bool(town.city)),
        "sentence": -6 * (is_prose(line) or _says_more(inline) or _says_more(town.after)),
        "announced": -6 * (piece.zone is not Zone.HEAD and _is_announced(page, piece)),
        "mine": 10 * (mine and piece.zone is Zone.BODY),
    }
    return sum(signs.values())


def _is_announced(page: LetterPage, piece: Piece) -> bool:
    """Whether a sentence right above says whose address it is: "Het pakket is bezorgd bij:"."""
    above = page.lines[max(piece.line - MOST_ABOVE, 0) : piece.line]
    return any(
        line.text.endswith(":") and piece.block - line.block <= 1 and not SENDER_LABEL.match(line.text)
        for line in above
    )


def _near(label: Piece, piece: Piece) -> bool:
    return piece.line - label.line <= MOST_ABOVE + 1 and piece.block - label.block <= 1


def _says_more(rest: str) -> bool:
    """Whether words stand beside an address that belong to no address."""
    words = [word for word in re.findall(r"[^\W\d_]{2,}", rest) if word.islower()]
    return len(words) >= 2 and not looks_like_name(rest)


def _email(page: LetterPage, own: Own) -> str:
    """The first mail address that is not ours."""
    for line in _lines_about_the_sender(page):
        for match in EMAIL.finditer(line):
            address = re.sub(r" ?(?:@|©|®|\(at\)|\[at\]) ?", "@", match[0], count=1).strip(".-")
            key = address.lower()
            domain = key.partition("@")[2]
            if not {key, domain} & own.addresses and not any(domain.endswith(f".{each}") for each in own.addresses):
                return address
    return ""


def _phone(page: LetterPage, own: Own, region: str) -> str:
    """The first telephone number that is not ours, in international form."""
    ours = {number for phone in own.phones for number in find_phones(phone, own.postal.country or region)}
    for line in _lines_about_the_sender(page):
        for number in find_phones(_without_numbers(line), region):
            if number not in ours:
                return number
    return ""


def _without_numbers(line: str) -> str:
    """Without the numbers that could pass for a telephone number: in Luxembourg almost any can."""
    for pattern in (IBAN, DATE, ORDER, INVOICE, OTHER_NUMBER):
        line = pattern.sub(" ", line)
    return line


def _lines_about_the_sender(page: LetterPage) -> Iterable[str]:
    """The lines that may say how to reach the sender: those of the head and the tail, unless in a block of ours where
    nobody else stands, and those of the body that speak of "my number"."""
    others = {piece.block for piece in page.pieces if piece.text}
    ours = {line.block for line in page.lines if line.own} - others
    outside = [line for line in page.lines if line.zone is not Zone.BODY and line.block not in ours]
    inside = [line for line in page.lines if line.zone is Zone.BODY]
    mine = [line for before, line in zip([None, *inside], inside, strict=False) if _is_mine(before, line)]
    return [line.text for line in (*outside, *mine)]


def _is_mine(before: Line | None, line: Line) -> bool:
    return bool(MINE.search(f"{before.text if before is not None else ''} {line.text}"))


def _subject(page: LetterPage) -> str:
    """What stands behind "Betreft:", with the next line where it is wrapped there; "" where nothing does."""
    # British letters have it right below the salutation.
    last = sum(line.zone is Zone.HEAD for line in page.lines) + 2 * bool(page.body_start) + 1
    width = max((len(line.text) for line in page.lines), default=0)
    for place, line in enumerate(page.lines):
        match = SUBJECT.search(line.text) if place < last else None
        if match is None:
            continue
        subject = match["subject"].strip()
        below = page.lines[place + 1] if place + 1 < len(page.lines) else None
        if below is not None and _goes_on(line, subject, below, width):
            subject = f"{subject} {below.text}".strip()
        return subject[:LONGEST_SUBJECT]
    return ""


def _goes_on(line: Line, subject: str, below: Line, width: int) -> bool:
    """Whether the next line belongs to the subject: it is in the same block, and its first word had no room above. A
    subject with nothing behind its label stands below it."""
    if below.zone is not Zone.HEAD or LABELLED.match(below.text) or ATTENTION.match(below.text):
        return False
    if not subject:
        return below.block - line.block <= 1
    first = below.text.split()[0]
    return below.block == line.block and len(line.text) + 1 + len(first) > WRAPPED * width and len(subject) > 20


__all__ = ["Letterhead", "Own", "find_letterhead"]
