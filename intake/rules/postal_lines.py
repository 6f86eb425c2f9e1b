"""Postcodes with their towns, and streets with their numbers, in single lines of letters as OCR reads them.

Dutch postcodes are tried first: the Belgian pattern matches Dutch lines too. A code with a sign that was read wrongly
(0 and O, 1 and l, 5 and S) is mended where a town follows. Nothing here knows whether a place exists, or whose it is.
"""

import re
from dataclasses import dataclass

from intake.rules.names import folded, is_full_name

MOST_CHARACTERS = 200
MOST_TOWN_WORDS = 5
COUNTRIES = {
    "NL": "nederland the netherlands netherlands niederlande pays-bas holland",
    "BE": "belgie belgium belgien belgique",
    "DE": "deutschland duitsland germany allemagne",
    "FR": "france frankrijk frankreich",
    "LU": "luxembourg luxemburg grand-duche groothertogdom",
    "AT": "osterreich oostenrijk austria autriche",
    "CH": "schweiz zwitserland switzerland suisse",
    "GB": "kingdom england engeland uk",
    "ES": "espana spanje spain spanien espagne",
    "IT": "italia italie italy italien",
    "PL": "polska polen poland pologne",
    "DK": "danmark denemarken denmark danemark",
}
COUNTRY = {name: iso for iso, names in COUNTRIES.items() for name in names.split()}
CITIES = {
    **dict.fromkeys(("wien", "graz", "linz", "salzburg", "innsbruck", "klagenfurt", "villach", "bregenz"), "AT"),
    **dict.fromkeys(("zurich", "bern", "basel", "luzern", "geneve", "lausanne", "winterthur"), "CH"),
    **dict.fromkeys(("luxembourg", "luxemburg", "esch-sur-alzette", "ettelbruck", "differdange", "dudelange"), "LU"),
}
PREFIXES = {"B": "BE", "L": "LU", "D": "DE", "F": "FR", "A": "AT", "I": "LU", "l": "LU", "1": "LU"}
DIGITS = str.maketrans("OoQDIl|][SsBZzG", "000011111558226")
LETTERS = str.maketrans("0158|46", "OISBIAG")
DUTCH = re.compile(r"(?<![\w-])(?:NL[ -]{1,3})?([1-9]\d{3})[ .]{0,2}((?!SA|SD|SS)[A-Z]{2})(?!\w)")
BLURRED_DUTCH = re.compile(
    r"(?<![\w-])(?:NL[ -]{1,3})?([1-9IlSBZ][\dOoIlSBZ]{3})[ .]{0,2}"
    r"(?!in\b|op\b|te\b|is\b|en\b|of\b|um\b|am\b|le\b|la\b|de\b|et\b|or\b|to\b|at\b|on\b|by\b|st\b)"
    r"([A-Za-z0158|46]{2})(?=[ ,.]{1,3}['’A-Z])"
)
LOWER_DUTCH = re.compile(r"([1-9]\d{3}) ?((?!sa|sd|ss)[a-z]{2})[ ,]{1,3}([a-z][a-z '-]{2,30})")
PREFIXED = re.compile(r"(?<!\w)(BE|LU|DE|FR|AT|CH|[BLDFAIl1])(?: ?[-–—~] ?| )(\d{4,5})(?=[ ,]{1,3}['’A-ZÀ-Þ])")
FIVE = re.compile(r"(?<![\w.,€-])([\dOolISB\]|]{5})(?=[ ,]{1,3}['’A-ZÀ-Þ])")
FOUR = re.compile(r"(?<![\w.,€-])([1-9IlSB][\dOolISB\]|]{3})(?! (?:SA|SD|SS)\b)(?=[ ,]{1,3}['’A-ZÀ-Þ])")
BRITISH = re.compile(r"(?<!\w)([A-Z]{1,2}\d[A-Z\d]?) ?(\d[A-Z]{2})(?!\w)")
TOWN_WORD = re.compile(r"\(?(?:['’]?[A-ZÀ-ÞŒ]|['’][st]-?)[^\W\d]*(?:['’./-][^\W\d]+)*[.)]?")
IN_TOWNS = frozenset(
    [
        "aan",
        "den",
        "de",
        "der",
        "het",
        "ter",
        "ten",
        "op",
        "in",
        "am",
        "an",
        "bei",
        "ob",
        "vor",
        "im",
        "sur",
        "sous",
        "en",
        "les",
        "la",
        "le",
        "lez",
        "du",
        "des",
        "aux",
        "d",
    ]
)
ADDITION = (
    r"(?:\s?[-–/+]\s?(?:\d{1,4}[A-Za-z]?|[A-Za-z]{1,3})|\s?[A-Za-z](?!\w)|"
    r"[\s,]{1,2}(?:bis|ter|quater|hs|huis|rood|rd|zwart|zw|boven|bov|beneden|[IVX]{1,4}|\d?hoog|"
    r"(?:bus|[bh]te|b|boîte|boite|box|app?|appt|apt|whg|we|top|stiege|kamer|unit)\.?\s?\d{1,4}[A-Za-z]?))"
)
NUMBER_LAST = re.compile(
    rf"(?P<street>\S.*?[\w.)'’])[\s,]{{1,3}}(?:nr\.?\s?|no\.?\s?|n°\s?)?(?P<number>\d{{1,5}}{ADDITION}{{0,2}})\.?",
    re.IGNORECASE,
)
NUMBER_FIRST = re.compile(
    r"(?P<number>\d{1,4}(?:\s?(?:bis|ter|quater|[A-Za-z])(?![\w'’]))?(?:\s?[-/]\s?\d{1,4})?)(?P<comma>\s?,)?\s+"
    r"(?P<street>[^\W\d].*)",
    re.IGNORECASE,
)
POST_BOX = re.compile(
    r"(?:postbus|postfach|p\.? ?o\.? ?box|b\.? ?p\.?|boîte postale|antwoordnummer)\s\d[\d ]{0,8}", re.I
)
BOX = re.compile(r"(?:bus|bte|boîte|boite|box|app?|appt|apt|whg|top|stiege|kamer|unit)\.?", re.IGNORECASE)
FRENCH_STREET = re.compile(
    r"\b(?:rue|r\.|avenue|av\.?|boulevard|bd\.?|blvd|place|pl\.|impasse|all[ée]e|chemin|ch\.|route|quai|chauss[ée]e|square|"
    r"cours|passage|sentier|faubourg|fbg|clos|dr[èe]ve|venelle|hameau|grand[- ]?rue|mont[ée]e|esplanade|villa)\b",
    re.IGNORECASE,
)
OTHER_STREET = re.compile(
    r"(?:stra+ten|straat|str\.|strasse|straße|weg|laan|plein|gracht|kade|singel|dijk|hof|pad|dreef|steeg|markt|plantsoen|"
    r"park|baan|lei|vest|poort|brink|ring|wal|haven|erf|veld|akker|buurt|plaats|oord|hoek|heide|kamp|voorhout|allee|"
    r"boulevard|platz|gasse|damm|ufer|chaussee|steig|grund|winkel|garten|feld|berg|road|street|lane|close|drive|court|"
    r"gardens|terrace|crescent)(?:je|jes|s)?(?=$|[\s,.])",
    re.IGNORECASE,
)
BEFORE_STREETS = frozenset(
    [
        "oude",
        "nieuwe",
        "grote",
        "kleine",
        "lange",
        "korte",
        "van",
        "der",
        "den",
        "de",
        "het",
        "'t",
        "'s",
        "prins",
        "prinses",
        "burgemeester",
        "burg.",
        "sint",
        "st.",
        "am",
        "im",
        "an",
        "auf",
        "in",
        "dem",
        "alte",
        "alter",
        "alten",
        "neue",
        "neuer",
        "große",
        "kleine",
        "zum",
        "zur",
        "unter",
        "op",
        "ten",
        "ter",
    ]
)
CEDEX = re.compile(r"\bcedex\b", re.IGNORECASE)
# "1e Jan Steenstraat" and "45 II", as OCR reads them in some types.
ORDINAL = re.compile(r"^[lI]e(?= [A-Z])")
ROMAN_TWO = re.compile(r"(?<=\d )(?:I[lT|1]|[l|1]I)$")
LABEL = re.compile(r"^[^:\d]{1,30}:\s*")
BEYOND_THE_NUMBER = re.compile(r"(?<=\s)(\d[\w/-]*)(?:\s[^\W\d]{3,}){1,2}$")
IN_THE_TOWN = re.compile(r"\s(?:te|in|à|at)$")
NO_STREET = re.compile(
    r"\b(?:pagina|page|seite|blad|bladzijde|klant\w*|bestel\w*|order\w*|commande|factuur\w*|invoice|rechnung\w*|facture|"
    r"nummer|number|numéro|kenmerk|zeichen|reference|référence|vermelding|iban|bic|kvk|btw|tva|ust\w*|dossier\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Town:
    """A postcode with its town. `country` is "" where the code does not tell; `before` and `after` are what else stands
    in the line. `dutch` says that every sign of a Dutch code is as it must be: hardly anything else looks so."""

    code: str
    city: str
    country: str
    before: str
    after: str
    dutch: bool = False


@dataclass(frozen=True, slots=True)
class Street:
    """A street with its number, additions included ("12-2", "7 bus 3"). `before` is what else stands in the line: a
    name."""

    street: str
    number: str
    before: str = ""


def find_town(line: str) -> Town | None:
    """The postcode and town in a line; None where there is none."""
    line = line[:MOST_CHARACTERS]
    for find in (_dutch, _blurred_dutch, _prefixed, _five_or_four, _british):
        town = find(line)
        if town is not None:
            return town
    return None


def country_named(line: str) -> str:
    """The country that is all a line says, as ISO 3166-1 alpha-2, or ""."""
    words = re.findall(r"[\w-]+", folded(line[:MOST_CHARACTERS]))
    named = [COUNTRY[word] for word in words if word in COUNTRY]
    return named[0] if named and len(words) <= 3 else ""


def town_alone(line: str) -> str:
    """The town that is all a line says, or ""."""
    city, after = _city(line.strip(" ,")[:MOST_CHARACTERS])
    return "" if after or any(map(str.isdigit, line)) or OTHER_STREET.search(city) else city


def find_street(line: str, signed: str = "") -> Street | None:
    """The street and number in a line, or None. `signed` is the name below the letter, to be recognised before it."""
    parts = [
        LABEL.sub("", part.strip()) for part in IN_THE_TOWN.sub("", line[:MOST_CHARACTERS].strip(" ,;")).split(",")
    ]
    found = [(taken, _street(", ".join(parts[-taken:]))) for taken in range(1, min(len(parts), 3) + 1)]
    streets = [(taken, street) for taken, street in found if street is not None and (street.number or taken == 1)]
    if not streets:
        return None
    taken, street = max(
        streets, key=lambda each: (bool(each[1].number) or bool(POST_BOX.match(each[1].street)), -each[0])
    )
    before, street = _without_name(street, signed)
    return Street(street.street, street.number, ", ".join(filter(None, (*parts[:-taken], before))))


def is_french_street(street: str) -> bool:
    return bool(FRENCH_STREET.search(street))


def country_of(town: Town, street: str, language: str) -> str:
    """The country of an address, where neither the code nor a line of its own tells: by the town, the kind of street
    and the letter's language."""
    if town.country:
        return town.country
    if len(town.code) == 5:
        if CEDEX.search(town.city) or re.match(r"B\.? ?P\.?\s", street):
            return "FR"
        return "FR" if is_french_street(street) or (language == "fr" and not OTHER_STREET.search(street)) else "DE"
    known = CITIES.get(folded(town.city))
    german = language == "de" and not is_french_street(street)
    return known or ("AT" if german else "BE")


def _dutch(line: str) -> Town | None:
    match = DUTCH.search(line)
    if match is None:
        return None
    before, (city, after) = line[: match.start()], _city(line[match.end() :])
    if not city and town_alone(before):
        city, before = town_alone(before), ""
    return Town(f"{match[1]} {match[2]}", city, "NL", before, after, dutch=True)


def _blurred_dutch(line: str) -> Town | None:
    if match := LOWER_DUTCH.fullmatch(line.strip()):
        return Town(f"{match[1]} {match[2].upper()}", match[3], "NL", "", "")
    for match in BLURRED_DUTCH.finditer(line):
        letters = match[2].translate(LETTERS).upper()
        digits = match[1].translate(DIGITS)
        enough = sum(map(str.isdigit, match[1])) >= 3 and any(map(str.isalpha, match[2]))
        city, after = _city(line[match.end() :])
        if enough and city and letters.isalpha() and letters not in ("SA", "SD", "SS"):
            return Town(f"{digits} {letters}", city, "NL", line[: match.start()], after)
    return None


def _prefixed(line: str) -> Town | None:
    match = PREFIXED.search(line)
    if match is None:
        return None
    country = PREFIXES.get(match[1], match[1])
    if (country in ("DE", "FR")) != (len(match[2]) == 5):
        return None
    city, after = _city(line[match.end() :])
    return Town(match[2], city, country, line[: match.start()], after) if city else None


def _five_or_four(line: str) -> Town | None:
    """A code of digits alone. It begins the line, or stands behind the street: a number anywhere else is none."""
    for match in (*FIVE.finditer(line), *FOUR.finditer(line)):
        before = line[: match.start()].strip()
        city, after = _city(line[match.end() :])
        enough = sum(map(str.isdigit, match[1].replace("O", "0"))) >= len(match[1]) - 1
        if enough and city and (not before or find_street(before) is not None):
            return Town(match[1].translate(DIGITS), city, country_named(after), line[: match.start()], after)
    return None


def _british(line: str) -> Town | None:
    """A British code stands behind its town, or on a line of its own below it."""
    match = BRITISH.search(line)
    if match is None:
        return None
    before, _, city = line[: match.start()].rstrip(" ,").rpartition(",")
    alone = match[0] == line.strip()
    town = Town(f"{match[1]} {match[2]}", city.strip(), "GB", before, line[match.end() :])
    return town if alone or _city(city)[0] else None


def _city(text: str) -> tuple[str, str]:
    """The town at the start of a text, and what comes after it."""
    rest = text.lstrip(" ,.-–:")
    words: list[str] = []
    while len(words) < MOST_TOWN_WORDS:
        word, _, after = rest.partition(" ")
        bare = word.rstrip(",;:")
        known = folded(bare.strip("()"))
        if (words and known in COUNTRY and known not in CITIES) or not _in_town(bare, first=not words):
            break
        words.append(bare)
        rest = after.lstrip()
        if bare != word:
            break
    kept = list(words)
    while kept and kept[-1].lower() in IN_TOWNS:
        kept.pop()
    if not kept and re.fullmatch(r"[^\W\d]{3,}(?:[ -][^\W\d]+){0,3}[ .]*", rest):
        return rest.strip(" ."), ""
    return " ".join(kept).rstrip(".,-"), " ".join((*words[len(kept) :], rest)).strip()


def _in_town(word: str, *, first: bool) -> bool:
    return bool(TOWN_WORD.fullmatch(word)) or (not first and word.lower() in IN_TOWNS)


def _street(text: str) -> Street | None:
    if NO_STREET.search(text):
        return None
    if box := POST_BOX.search(text):
        return Street(box[0], "", text[: box.start()].strip(" ,"))
    first = NUMBER_FIRST.fullmatch(text)
    if first is not None and (first["comma"] or is_french_street(text)):
        return Street(first["street"].strip(), first["number"])
    last = NUMBER_LAST.fullmatch(text) or NUMBER_LAST.fullmatch(_mended(text))
    if last is not None and sum(map(str.isalpha, last["street"])) >= 3 and not BOX.fullmatch(last["street"]):
        return Street(ORDINAL.sub("1e", last["street"].rstrip(" ,")), ROMAN_TWO.sub("II", last["number"]))
    if first is not None and OTHER_STREET.search(text):
        return Street(first["street"].strip(), first["number"])
    if BEYOND_THE_NUMBER.search(text) and OTHER_STREET.search(text):
        return _street(BEYOND_THE_NUMBER.sub(r"\1", text))
    if any(map(str.isdigit, text)) or not text[:1].isupper() or len(text.split()) > 5:
        return None
    return Street(text, "") if OTHER_STREET.search(text) or FRENCH_STREET.match(text) else None


def _mended(text: str) -> str:
    """The house number with its digits put right: "Kerkstraat l2" is 12, and "S" behind a street is 5."""
    street, _, number = text.rpartition(" ")
    some_digit = any(map(str.isdigit, number))
    if re.fullmatch(r"[\dOlISB|]{1,4}", number) and (some_digit or OTHER_STREET.search(street)):
        return f"{street} {number.translate(DIGITS)}"
    return text


def _without_name(found: Street, signed: str) -> tuple[str, Street]:
    """A name or a sentence that stands before the street in the same line, and the street without it."""
    if signed and folded(found.street).startswith(folded(signed) + " "):
        return found.street[: len(signed)], Street(found.street[len(signed) :].strip(), found.number)
    words = found.street.split()
    place = next((at for at, word in enumerate(words) if _begins_street(word)), 0)
    while place and words[place - 1].lower() in BEFORE_STREETS:
        place -= 1
    name = " ".join(words[:place])
    if place > 1 and words[place - 1].islower():
        while words[place].islower() and place + 1 < len(words):
            place += 1
        return name, Street(" ".join(words[place:]), found.number)
    initials = re.match(r"(?:[A-ZÀ-Þ]\.)|(?:dhr|mevr|mw|de heer|herr|frau|mme|mrs?|ms)\b", name, re.IGNORECASE)
    if not initials or not is_full_name(name):
        return "", found
    return name, Street(" ".join(words[place:]), found.number)


def _begins_street(word: str) -> bool:
    return bool(OTHER_STREET.search(word) or FRENCH_STREET.fullmatch(word))
