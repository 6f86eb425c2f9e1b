"""Who wrote a letter: name and postal address, mail address, telephone number and subject, from its first page.

Every postcode that is not the shop's is a candidate, with the street and the names around it. It is weighed by where
it stands and by what agrees with it; a candidate that is not sure enough is left out, and a name alone is fine. An
address in the middle of a sentence is somebody else's, unless the letter says "my address". What is found was read by
OCR: a person checks it. Nothing here compares the sender with anybody known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from intake.rules.letter_details import MINE, find_email, find_phone, find_subject
from intake.rules.letter_lines import CLOSING, SENDER_LABEL, LetterPage, Line, Piece, Zone, is_prose, read_page
from intake.rules.names import is_full_name, is_organisation, looks_like_name
from intake.rules.people import name_key
from intake.rules.postal_lines import Street, Town, country_named, country_of, find_street, find_town, town_alone
from intake.types import Own, PostalAddress

SURE_ENOUGH = 4
MOST_CANDIDATES = 20
MOST_ABOVE = 4
AFTER_CLOSING = 6
COMMON = {
    "de": {"ich", "sie", "und", "der", "die", "das", "nicht", "ist", "mit", "bei", "mir", "ihnen", "eine", "habe"},
    "fr": {"je", "vous", "le", "les", "des", "est", "nous", "une", "votre", "mon", "ma", "et", "que", "pas", "chez"},
    "": {"ik", "u", "en", "het", "een", "niet", "mijn", "van", "the", "and", "my", "you", "to", "not", "from", "have"},
}
FEWEST_COMMON = 4
REGIONS = {"nl": "NL", "de": "DE", "fr": "FR", "en": "NL"}
ON_BEHALF = re.compile(r"^(?:i\. ?[avo]\.|ppa?\.|p\.o\.|namens|for|für|pour)\s+", re.IGNORECASE)


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
    postal = _postal(page, signed, _spoken(page) or language)
    region = postal.country if postal is not None and postal.postal_code else REGIONS.get(language, "NL")
    return Letterhead(postal, find_email(page, own), find_phone(page, own, region), find_subject(page), page.body_start)


def _spoken(page: LetterPage) -> str:
    """German or French, by a few words that are in every letter; "" where neither is plain."""
    words = {word.casefold() for line in page.lines for word in line.text.split()}
    counts = {language: len(words & common) for language, common in COMMON.items()}
    best = max(counts, key=lambda each: counts[each])
    return best if counts[best] >= FEWEST_COMMON else ""


def _signed(page: LetterPage) -> str:
    """The name below the closing, or behind it on its line; "" where there is none. Below a page that does not close,
    only a full name is one."""
    closes = page.closing < len(page.lines)
    tail = [piece for piece in page.pieces if piece.zone is Zone.TAIL and not is_organisation(piece.text)]
    texts = [
        CLOSING.sub("", piece.text, count=1).strip(" ,.") if piece.line == page.closing else piece.text
        for piece in tail
    ]
    texts = [ON_BEHALF.sub("", text).partition(",")[0] for text in texts if text][:AFTER_CLOSING]
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
    if signed and name_key(signed) != name_key(name) and _tells_more(signed, name):
        other = "" if is_full_name(name) or name_key(name) in name_key(signed) else name
        name, organisation = signed, organisation or other
    return replace(postal, name=name, organisation=organisation)


def _tells_more(signed: str, name: str) -> bool:
    """Whether the name below the letter is better than the one above the address: there is none, or only one word, or
    "Familie Zijlstra"; or another of that surname signed (or OCR took "Mme F." for "M.E.")."""
    if not name:
        return True
    surname = _surname(name_key(name))
    return is_full_name(signed) and (not is_full_name(name) or _surname(name_key(signed)) == surname != "")


def _surname(key: str) -> str:
    initial, _, rest = key.partition(" ")
    return rest if len(initial) == 1 else key


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
    if not town.city:
        town = replace(town, city=_city_beside(page.pieces, place))
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


def _city_beside(pieces: Sequence[Piece], place: int) -> str:
    """The town on the line below a code that stands alone, or above it."""
    beside = [pieces[at] for at in (place + 1, place - 1) if 0 <= at < len(pieces)]
    near = [
        piece for piece in beside if abs(piece.block - pieces[place].block) <= 1 and piece.zone is pieces[place].zone
    ]
    return next(filter(None, (town_alone(piece.text) for piece in near if not country_named(piece.text))), "")


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
    people = [(text, attention) for text, attention in texts if not is_organisation(text) and _may_be_name(text)]
    organisation = next((text for text, _ in texts if is_organisation(text) and not is_prose(text)), "")
    key = name_key(signed)
    chosen = [text for text, attention in people if attention or (key and name_key(text) == key)]
    chosen += [text for text, _ in people if is_full_name(text)] + [text for text, _ in people]
    return (chosen[0] if chosen else "", organisation)


def _may_be_name(text: str) -> bool:
    """Right above a street, also a name without capitals."""
    return looks_like_name(text) or (text.islower() and 1 < len(text.split()) < 5 and looks_like_name(text.title()))


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
