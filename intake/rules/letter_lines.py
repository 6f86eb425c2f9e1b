"""The first page of a letter as lines in three zones, and cut into pieces of which an address can be made.

    head (letterhead, addressee, subject) ─ salutation ─ body (prose) ─ closing ─ tail (signature, address, footer)

What is the shop's own is taken out, also where OCR put two columns on one line ("Kerkstraat 5 Plattenborgstraat 20"),
and so are dates, numbers behind a label, and the ways to reach somebody. Nothing here decides who wrote.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from intake.rules.facts import IBAN, MONTH_NAMES
from intake.rules.names import folded, without_title
from intake.rules.nearly import fewest_edits, find_nearly
from intake.rules.postal_lines import DUTCH, find_street
from intake.types import Own

MOST_CHARACTERS = 30_000
MOST_LINES = 400
LONGEST_LINE = 300
PROSE_WORDS = 7
CLOSING_WORDS = 8
NEARLY = 7
CUT = " · "

SALUTATION = re.compile(
    r"(?:geachte|beste|hallo|hoi|lieve|l\.? ?s\.?,|l\. ?s\.|mijne? (?:heer|dames)|dear|hello|to whom it may concern|"
    r"sehr geehrte\w*|liebe[rs]? |guten (?:tag|morgen)|ch[eè]re?s? |bonjour|bonsoir|"
    r"madame,? ?,? (?:monsieur|messieurs)|messieurs,? mesdames|mesdames|"
    r"(?:dag|hi|madame|monsieur|messieurs|mevrouw|mijnheer|sir|sirs|gentlemen)"
    r"(?: ?[,!:.]|$|(?: [^\W\d]+){1,3} ?[,!]))",
    re.IGNORECASE,
)
SALUTATION_WORDS = ("geachte", "sehr geehrte", "bonjour", "madame, monsieur")
CLOSING = re.compile(
    r"(?:(?:met )?(?:de )?(?:vriendelijke|hartelijke|beste|warme|hoogachtende) groet\w*|hoogachtend|groet(?:en|jes)?\b|"
    r"m\.?v\.?g\.?(?=\W|$)|vr\.? ?gr\.?(?=\W|$)|(?:mit )?(?:freundliche\w*|beste\w*|herzliche\w*|viele\w*|liebe\w*) "
    r"gr(?:ü|u|ue)(?:ß|ss|B)\w*|hochachtungsvoll|gruß\b|grüße\b|mfg\b|yours\b|(?:with )?(?:kind|best|warm)\w* "
    r"(?:regards|wishes)|regards\b|sincerely\b|(?:bien |très )?cordialement|bien à vous|salutations\b|respectueusement|"
    r"(?:meilleures|sincères) salutations|(?:je|nous) vous pri\w+ d['’]agréer|veuillez (?:agréer|recevoir|croire)|"
    r"recevez|dans l['’]attente.{0,60}(?:salutations|agréer))",
    re.IGNORECASE,
)
FRENCH_CLOSING = re.compile(r"\b(?:salutations|sentiments|considération)\b.{0,60}[.,]?\s*$", re.IGNORECASE)
SENDER_LABEL = re.compile(
    r"\s*(?:afzender|absender(?:in)?|sender|from|van|von|expéditeur|expéditrice|exp\.|"
    r"(?:uw |mijn |ihr |volledige )?(?:naam|name|nom)(?: en (?:voornaam|adres))?|nom et pr[ée]nom|"
    r"(?:mijn |bezoek|post|woon|huis|correspondentie)?adres|adresse|address|"
    r"postcode(?: ?(?:en|\+|/|&) ?(?:woon)?plaats)?|pc ?/ ?plaats|woonplaats|plz(?:,? ?/? ?ort)?|ville|"
    r"code postal(?: et ville)?|straat(?: en huisnummer)?|straße(?:,? (?:und )?(?:haus)?n(?:umme)?r\.?)?)\s*[:;]\s*",
    re.IGNORECASE,
)
RECIPIENT_LABEL = re.compile(
    r"\s*(?:aan|an|to|à|destinataire|empfänger|geadresseerde|recipient|bestemd voor)\s*[:;]\s*", re.IGNORECASE
)
ATTENTION = re.compile(
    r"\s*(?:t\.?\s?a\.?\s?v\.?|ter attentie van|attn?\.?|attention(?: of)?|f\.?a\.?o\.?|z\.?\s?hd\.?(?: von)?|"
    r"zu händen(?: von)?|[àa] l['’]attention de)(?=[\s:.])[\s:.]*",
    re.IGNORECASE,
)
ATTENTION_WITHIN = re.compile(
    r"\s(?=(?:t\. ?a\. ?v\.|tav\.?|z\. ?hd\.|attn\.|ter attentie van|[àa] l'attention de)\s)", re.IGNORECASE
)
CARE_OF = re.compile(r"\s*(?:c/o|p/a|per adres|bij|bei|chez)\s", re.IGNORECASE)
DEPARTMENT = re.compile(
    r"(?:de |het |the |le |la )?(?:afd(?:eling|\.)?|abteilung|department|dept\.?|service|manager|leitung|responsable|"
    r"klanten\w*|kunden\w*|customer|klachten\w*|beschwerde\w*|complaints?|réclamations?|after ?sales)\b",
    re.IGNORECASE,
)
EMAIL = re.compile(r"[\w.+-]{1,64} ?(?:@|©|®|\(at\)|\[at\]) ?[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
WEBSITE = re.compile(r"\b(?:https?://|www\.)\S{1,200}", re.IGNORECASE)
LABELLED = re.compile(
    r"(?:(?<=\s)|^)(?:(?:tel(?:e[fp]oon|efon)?(?:nummer|nr)?|t[ée]l(?:[ée]phone)?|phone|telephone|mob(?:iel|ile|il)?|gsm|"
    r"portable|handy|fax|telefax|e-?mail(?:adres)?|mail|courriel|iban|bic|swift|kvk(?:-?nummer|-?nr)?|btw(?:-?nummer|-?nr)?|"
    r"ust-?id\w*|tva|siret|rekening(?:nummer|nr)?|konto(?:nummer)?|compte|datum|date|kenmerk|(?:ons|uw|ihr|unser|your|our|"
    r"votre|notre) (?:kenmerk|zeichen|ref(?:erence|\.)?|référence|réf\.?|brief van|nachricht vom)|"
    r"(?:klant|bestel|order|factuur|dossier|kunden|bestell|auftrags|rechnungs|customer|invoice)[ -]?"
    r"(?:nummer|nr|number|no|id)|(?:n°|numéro) (?:de )?(?:client|commande|facture)|betreft|betr|betreff|onderwerp|"
    r"subject|re|objet|concerne|inzake|bijlagen?|anlagen?|enclosures?|annexes?|pagina|seite|page|cc|geb(?:oren|\.)?)"
    r"\.?\s*(?:[:;]|(?=[+(]?\d))|(?:t|f|e|m|w)\s?:)(?:(?!\s[-–—·•|»«+]\s).)*",
    re.IGNORECASE,
)
DATE = re.compile(
    r"(?P<place>[A-ZÀ-Þ][\w'’-]{1,30},\s*)?(?:"
    rf"(?:(?:le|den|de|d\. ?d\.)\s+)?\b\d{{1,2}}(?:\.|er|e|st|nd|rd|th)?\s*(?:of )?(?:{MONTH_NAMES})\b\.?,?\s+20\d\d\b"
    rf"|\b(?:{MONTH_NAMES})\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+20\d\d\b"
    r"|(?<![\d/.-])\d{1,2}\s?[-./]\s?\d{1,2}\s?[-./]\s?(?:20)?\d\d(?!\d))",
    re.IGNORECASE,
)
INITIALS = {"0": "O", "1": "I", "5": "S", "8": "B"}
MISREAD_INITIAL = re.compile(r"(?<!\S)([0158])\.(?= ?(?:[A-ZÀ-Þ]\.|[A-ZÀ-Þ][a-zà-ÿ]|van |von |de ))")
EDGES = re.compile(r"^[^\w'(]+|[^\w.)\]']+$")
QUOTES = str.maketrans("‘’‚`´ʼ", "''''''")
SHARP_S = re.compile(r"(?<=[Ss]tra)B(?=e)")
SEPARATOR = re.compile(r"\s*[·•∙|¦»«°*+~©®]+(?=\s|$)\s*|\t+|\s{4,}|\s[-–—_.:=•]{1,3}\s|\s[oe](?=\s[A-Z0-9])|\s/\s")
INITIAL_WITH_COMMA = re.compile(r"(?<!\d )(?<!\w)([A-ZÀ-Þ]),(?=\s?[A-ZÀ-Þ]|\s(?:van|von|de)\b)")


class Zone(StrEnum):
    """The parts of a letter, from top to bottom."""

    HEAD = "head"
    BODY = "body"
    TAIL = "tail"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty: where it starts in the text, the block of lines that it stands in, counted from 0, and
    whether something of the shop's own stands in it."""

    text: str
    start: int
    block: int
    zone: Zone
    own: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line between cuts. `line` is its place among the lines; `sender` says that the writer named it as
    the sender's; `attention` that it was "t.a.v."."""

    text: str
    line: int
    block: int
    zone: Zone
    sender: bool = False
    attention: bool = False


@dataclass(frozen=True, slots=True)
class LetterPage:
    """A page in lines and pieces; where its salutation starts (0 where it has none), and the places of the lines on
    which it closes (its last line and beyond where it has none)."""

    lines: tuple[Line, ...]
    pieces: tuple[Piece, ...]
    body_start: int
    closing: int


def read_page(text: str, own: Own) -> LetterPage:
    """The page of that text. `own` is taken out of its pieces."""
    raw = list(_raw_lines(text[:MOST_CHARACTERS]))
    salutation = next((place for place, (line, _, _) in enumerate(raw) if _is_salutation(line)), None)
    closing = _closing(raw, salutation or 0)
    zones = _zones(raw, salutation, closing)
    marks = _Marks(own)
    lines: list[Line] = []
    pieces: list[Piece] = []
    for place, ((line, start, block), zone) in enumerate(zip(raw, zones, strict=True)):
        rest, has_own = marks.out(line)
        lines.append(Line(line, start, block, zone, has_own))
        pieces += _pieces(rest, place, block, zone)
    lines, pieces = _without_addressee(lines, pieces, marks)
    start = raw[salutation][1] if salutation is not None else 0
    return LetterPage(tuple(lines), tuple(pieces), start, len(raw) if closing is None else closing)


def is_prose(line: str) -> bool:
    """Whether a line is part of a sentence that runs on: many words, most of them in lower case."""
    words = [word for word in line.split() if word[:1].isalpha()]
    return len(words) >= PROSE_WORDS and sum(word[:1].islower() for word in words) * 2 >= len(words)


def _raw_lines(text: str) -> Iterator[tuple[str, int, int]]:
    """(line, offset, block) of the lines with something in them."""
    offset = block = count = 0
    empty = False
    for whole in SHARP_S.sub("ß", text.translate(QUOTES)).split("\n"):
        line = whole.strip()[:LONGEST_LINE]
        if line and count < MOST_LINES:
            block += empty and count > 0
            yield line, offset + len(whole) - len(whole.lstrip()), block
            count += 1
        empty = not line
        offset += len(whole) + 1


def _is_salutation(line: str) -> bool:
    if SALUTATION.match(line):
        return True
    start = folded(line[:20])
    return any(fewest_edits(word, start[: len(word) + 1])[0] <= 1 for word in SALUTATION_WORDS)


def _closing(raw: list[tuple[str, int, int]], after: int) -> int | None:
    """The last line that closes the letter. French ones close in a whole sentence."""
    places = [
        place
        for place, (line, _, _) in enumerate(raw)
        if place > after
        and (FRENCH_CLOSING.search(line) or (CLOSING.match(line) and len(line.split()) <= CLOSING_WORDS))
    ]
    return places[-1] if places else None


def _zones(raw: list[tuple[str, int, int]], salutation: int | None, closing: int | None) -> list[Zone]:
    prose = [place for place, (line, _, _) in enumerate(raw) if is_prose(line)]
    begin = salutation if salutation is not None else (prose[0] if prose else len(raw))
    end = closing if closing is not None else max([begin, *prose]) if begin < len(raw) else len(raw)
    return [
        Zone.HEAD if place < begin else Zone.TAIL if place > end or place == closing else Zone.BODY
        for place in range(len(raw))
    ]


class _Marks:
    """The shop's own words as patterns: OCR and senders both misspell them."""

    def __init__(self, own: Own) -> None:
        names = [folded(name) for name in (*own.names, own.postal.organisation, own.postal.name) if name.strip()]
        street = folded(f"{own.postal.street} {own.postal.house_number}".strip())
        self._phrases = [phrase for phrase in (*names, street) if len(phrase) > NEARLY]
        self._alone = {*names, *(name.split()[0] for name in names)}
        self._code = _blurred(own.postal.postal_code.replace(" ", ""))
        self.city = folded(own.postal.city)

    def out(self, line: str) -> tuple[str, bool]:
        """The line without what is ours, and whether there was something."""
        rest = self._without_code(line)
        for phrase in self._phrases:
            found = find_nearly(phrase, _aligned(rest), max(1, len(phrase) // NEARLY))
            if found is not None:
                rest = f"{rest[: found[0]]}{CUT}{rest[found[1] :]}"
        return rest, rest != line

    def is_ours_alone(self, piece: str) -> bool:
        """Whether a piece is one of our names, or a department of ours."""
        bare = folded(without_title(ATTENTION.sub("", piece, count=1))).strip(" .,:")
        return bare in self._alone or bool(DEPARTMENT.match(bare))

    def _without_code(self, line: str) -> str:
        """Our postcode, with our town behind it, or with any word that may be our town misread."""
        if not self._code:
            return line
        place = _blurred(line).find(self._code)
        end = place + len(self._code)
        if place < 0:
            spaced = re.search(r" ?".join(map(re.escape, self._code)), _blurred(line))
            if spaced is None:
                return line
            place, end = spaced.span()
        if line[max(place - 1, 0) : place].isalnum() or line[end : end + 1].isalnum():
            return line
        town = re.match(r"[ ,.]*([^\W\d][\w'’-]*)?", line[end:])
        near = (
            town is not None and town[1] and fewest_edits(self.city, folded(town[1]))[0] <= max(1, len(self.city) // 3)
        )
        return f"{line[:place]}{CUT}{line[end + (town.end() if town is not None and near else 0) :]}"


def _blurred(text: str) -> str:
    """Signs that OCR takes for each other made one, sign by sign."""
    return text.upper().translate(str.maketrans("OQDIL|SBZ", "000111582")) if len(text.upper()) == len(text) else text


def _aligned(text: str) -> str:
    """Without accents and case, sign by sign."""
    return "".join((folded(sign) or sign)[:1] for sign in text)


def _pieces(line: str, place: int, block: int, zone: Zone) -> Iterator[Piece]:
    sender = bool(SENDER_LABEL.match(line))
    rest = line
    while label := SENDER_LABEL.match(rest) or RECIPIENT_LABEL.match(rest):
        rest = rest[label.end() :]
    rest = MISREAD_INITIAL.sub(lambda match: f"{INITIALS[match[1]]}.", INITIAL_WITH_COMMA.sub(r"\1.", rest))
    rest = ATTENTION_WITHIN.sub(CUT, rest)
    for pattern in (EMAIL, WEBSITE, IBAN):
        rest = pattern.sub(CUT, rest)
    rest = LABELLED.sub(CUT, DATE.sub(_dated, rest))
    if sender and not rest.strip(" ·"):
        yield Piece("", place, block, zone, sender=True)
    for part in SEPARATOR.split(rest):
        attention = ATTENTION.match(part)
        bare = EDGES.sub("", part[attention.end() :] if attention else part)
        care_of = CARE_OF.match(bare)
        bare = bare[care_of.end() :] if care_of else bare
        if bare and not (care_of and find_street(bare) is None):
            yield Piece(bare, place, block, zone, sender, attention is not None)


def _dated(match: re.Match[str]) -> str:
    """A date is cut out with the place before it, but not the town of an address: "1017 GA Amsterdam, 20 mei 2026"."""
    place = match["place"] or ""
    before = match.string[: match.start()]
    return f"{place}{CUT}" if place and DUTCH.search(before[-9:]) else CUT


def _without_addressee(lines: list[Line], pieces: list[Piece], marks: _Marks) -> tuple[list[Line], list[Piece]]:
    """Lines of the addressee that only their neighbours give away: an attention line, a department, and a misspelt
    postcode with our town right below our street or name."""
    kept = []
    own_lines = {place for place, line in enumerate(lines) if line.own}
    blocks = {lines[place].block for place in own_lines}
    for piece in pieces:
        beside = bool({piece.line - 1, piece.line, piece.line + 1} & own_lines) or piece.block in blocks
        ours = marks.is_ours_alone(piece.text) or (piece.attention and beside and _is_ours_above(piece, lines))
        if piece.zone is Zone.HEAD and (ours or _is_our_town(piece, lines, marks)):
            lines[piece.line] = _owned(lines[piece.line])
        else:
            kept.append(piece)
    return lines, kept


def _is_ours_above(piece: Piece, lines: list[Line]) -> bool:
    above = lines[piece.line - 1] if piece.line else None
    return lines[piece.line].own or (above is not None and above.own and above.block == piece.block)


def _is_our_town(piece: Piece, lines: list[Line], marks: _Marks) -> bool:
    """A code that is not quite ours before our town, right below a line of ours, where ours stands nowhere else."""
    above = lines[piece.line - 1] if piece.line else None
    if above is None or not above.own or above.block != piece.block or not marks.city:
        return False
    last = folded(piece.text).rpartition(" ")[2].strip(" .,")
    ours_elsewhere = any(line.own and marks.city in folded(line.text) for line in lines)
    digits = any(map(str.isdigit, piece.text))
    return digits and not ours_elsewhere and fewest_edits(marks.city, last)[0] <= max(1, len(marks.city) // 4)


def _owned(line: Line) -> Line:
    return Line(line.text, line.start, line.block, line.zone, own=True)
