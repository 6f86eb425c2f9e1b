"""The lines that mail programs put above a mail that they quote or forward: where somebody else's words begin.

Three kinds: an *attribution* ("Op ma 7 sep 2026 om 10:00 schreef Jan:"), a *block* of header-like lines ("Van: …,
Verzonden: …"), and a *separator* ("-----Original Message-----"), which may stand above one of the others. Dutch,
English, German and French. A customer may write such lines too ("Van: 3 september, Tot: …"), so a block counts only
with an address or a time of day in it, and an attribution only with a date and a time or an address. Nothing here
decides what is new, and no pattern looks further than a few lines.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from intake.reading.moments import DATE, SPACES, is_timed

LONGEST = 600  # characters of an attribution; the patterns are not to be tried on a hostile line
LONGEST_BARE = 60  # of a separator without marks around its words
LONGEST_IN_ONE = 2000  # a whole block on one line
MOST_OF_A_BLOCK = 24  # lines
MOST_LINES = 20_000  # of one text that are looked at
MOST_COLONS = 1_000  # lines that end as an attribution does and are tried as one: each costs most of a millisecond
TALLEST = 4  # lines that an attribution is wrapped over
LABELS = {
    "from": "van|from|von|de|expéditeur|afzender|absender",
    "sent": "verzonden op|verzonden|verstuurd|datum|date d'envoi|date|sent|gesendet am|gesendet|envoyé le|envoyé",
    "to": "aan|to|an|à|a|pour|ontvanger|empfänger|destinataire",
    "cc": "cc|bcc|cci|kopie an|kopie aan|kopie|copie à|copie|copy",
    "subject": "onderwerp|subject|betreff|objet|sujet",
    "other": "reply[- ]to|antwoord aan|antwort an|répondre à|bijlagen?|attachments?|anlagen?|pièces jointes|importance|"
    "priority|prioriteit|urgentie|priorität|wichtigkeit|priorité",
}
FIELD_OF = {label: name for name, labels in LABELS.items() for label in labels.split("|")}
ALL_LABELS = "|".join(
    sorted((label for labels in LABELS.values() for label in labels.split("|")), key=len, reverse=True)
)
LABEL = re.compile(rf"[\s*_]{{0,8}}(?P<label>{ALL_LABELS})[\s*_]{{0,4}}:[*_]{{0,2}}\s*(?P<value>.*)$", re.IGNORECASE)
# Where line breaks were lost, a label may stick to what is before it: "10:00:00 CETOnderwerp: …".
GLUED = re.compile(
    r"(?P<label>Van|From|Von|De|Aan|To|An|À|Cc|CC|Verzonden|Sent|Gesendet|Envoyé|Datum|Date|"
    r"Onderwerp|Subject|Betreff|Objet)[*_]{0,2}\s?:[*_]{0,2}"
)
ORIGINAL = (
    r"oorspronkelijke? (?:bericht|e-?mail)|origineel bericht|original[- ]?(?:message|e?-?mail|nachricht)|"
    r"ursprüngliche (?:nachricht|mail|e-mail)|message d['’]origine|message original|message initial|reply message|"
    r"antwort ?nachricht"
)
FORWARDED = (
    r"doorgestuurd(?:e)? (?:bericht|e-?mail)|forwarded (?:message|mail|by)|doorgestuurd door|"
    r"weitergeleitete (?:nachricht|mail|e-mail)|weitergeleitet (?:von|durch)|"
    r"message (?:transféré|transmis|réexpédié)|mail transféré|transféré par|réexpédié par"
)
SEPARATOR = re.compile(
    rf"\s*[-_=*–—]{{2,}}\s*(?:(?P<original>{ORIGINAL})|(?P<forwarded>{FORWARDED}))\b.{{0,120}}?"
    r"[-_=*–—]{2,}(?P<rest>.*)$",
    re.IGNORECASE,
)
BEGINNING = re.compile(
    r"\s*(?:begin (?:van (?:het )?)?doorgestuurd(?:e)? (?:bericht|e-?mail)|begin forwarded message|"
    r"anfang der weitergeleiteten (?:nachricht|e-mail)|début du message (?:transféré|réexpédié))\s?:?\s*$",
    re.IGNORECASE,
)
BARE = re.compile(rf"\s*(?:(?P<original>{ORIGINAL})|(?P<forwarded>{FORWARDED}))\s?:?\s*$", re.IGNORECASE)
RULE = re.compile(r"\s*[-_=*–—]{3,200}\s*$")
MARKS = frozenset("-_=*–—")
BARE_WORD = re.compile(r"bericht|messag|nachricht|mail", re.IGNORECASE)
ADDRESS = re.compile(r"[^\s<>\[\]()\"',;:@]{1,64}@[^\s<>\[\]()\"',;:@]{1,250}")
MARKED_ADDRESS = re.compile(r"[<\[(](?:mailto:)?[^\s<>\[\]()@]{1,64}@")
# How the last line begins where Gmail wrapped an attribution before the bracket that ends the address.
WRAPPED_END = re.compile(r">(?: ?(?:wrote|schreef|schrieb|a écrit|het volgende geschreven))? ?:\s*$")
FIRST_WORD = re.compile(r"\s{0,3}(?:op|on|am|le|den|\d{4}-\d\d-\d\d)\b", re.IGNORECASE)
VERB = re.compile(
    r"\b(?:schreef|schreven|geschreven|wrote|writes|schrieb|schrieben|geschrieben|a écrit|ont écrit|écrivait)\b",
    re.IGNORECASE,
)
OLD_GMAIL = re.compile(r"\s{0,3}\d{4}-\d\d-\d\d \d{1,2}:\d\d (?:GMT|UTC)\S{0,7} .{1,200}:$")
# Who tells what was written ("Op 3 september schreef u dat …") tells it in words that no mail program uses.
TOLD = re.compile(
    r"\b(?:schreef|schreven|heeft|hebt|hebben|schrieb|schrieben|hat|haben)\s+(?:(?i:ik|u|je|jij|jullie|wij|we|hij|zij|"
    r"ze|men|ich|sie|er|wir|ihr|du|man|uw|jouw|mijn|onze|ihre?|unsere?|meine?)|de|het|een|der|die|das|ein|eine)\s|"
    r"\b(?i:i|you|we|they|he|she|your|my|our|the|il|elle|nous|vous|ils|elles|tu|votre|mon|notre)\s(?:\S+\s){0,2}"
    r"(?:wrote|a écrit|ont écrit|écrivait)\b|\b(?i:dat|that|dass|daß|qu[e'’])(?:\s|\b)"
)


@dataclass(frozen=True, slots=True)
class Opening:
    """Lines `start` to `end` (exclusive) that open somebody else's words.

    `fields` are the values of a block by name (`from`, `sent`, `to`, `cc`, `subject`, `other`); an attribution has its
    whole text under `attribution`. `forwards` says that the words of it name a forward; `sure` is False for an
    attribution that counts only if quoted lines follow."""

    start: int
    end: int
    fields: Mapping[str, str] = field(default_factory=dict)
    forwards: bool = False
    sure: bool = True


def find_openings(lines: Sequence[str]) -> Iterator[Opening]:
    """The openings in the first lines of a text, in order; those within quoted lines are passed over."""
    after = colons = 0
    for index, line in enumerate(lines[:MOST_LINES]):
        colons += line.rstrip().endswith(":")
        if colons > MOST_COLONS:
            return
        # The first test is for speed: an ordinary line has no colon, is not short and begins with a letter.
        if (":" in line or len(line) <= LONGEST_BARE or not line[0].isalpha()) and line and index >= after:
            opening = _opening(lines, index, after)
            if opening is not None:
                yield opening
                after = opening.end


def _opening(lines: Sequence[str], index: int, after: int) -> Opening | None:
    """The separator or block that begins at a line, or the attribution that ends there, not above line `after`."""
    line = lines[index]
    first = line.lstrip()[:1]
    if first == ">" and index > after and WRAPPED_END.match(line) and not is_quoted(lines[index - 1]):
        return _attribution(lines, index, after)
    if first in ("", ">") or len(line) > LONGEST_IN_ONE:
        return None
    found = None
    if first in MARKS or (len(line) <= LONGEST_BARE and BARE_WORD.search(line)):
        found = _separator(lines, index)
    if found is None and ":" in line:
        found = find_block(lines, index)
        if found is None and line.rstrip().endswith(":"):
            found = _attribution(lines, index, after)
    return found


def unquoted(line: str) -> str:
    """A line without its first quote mark."""
    return line.lstrip()[1:].removeprefix(" ") if is_quoted(line) else line


def is_quoted(line: str) -> bool:
    """Whether a line begins with a quote mark."""
    return line.startswith(">") or line[:8].lstrip().startswith(">")


def is_separator(line: str) -> bool:
    """Whether a line is a rule, or says that a mail follows: nobody's own words."""
    return len(line) <= LONGEST and bool(RULE.match(line) or SEPARATOR.match(line) or BEGINNING.match(line))


def find_block(lines: Sequence[str], index: int, fewest: int = 3) -> Opening | None:
    """The block of header-like lines that begins at a line: who, when, to whom, about what, in any order."""
    if _label(lines[index]) is None:
        return None
    if fields := _in_one_line(lines[index]):
        return Opening(index, index + 1, fields)
    fields = {}
    end = _gather(lines, index, fields)
    if len(fields) < fewest or not _is_plausible(fields):
        return None
    return Opening(index, end, fields)


def _separator(lines: Sequence[str], index: int) -> Opening | None:
    """A separator, together with the block or the attribution that it stands above."""
    line = lines[index]
    worded = SEPARATOR.match(line)
    sign = worded or BEGINNING.match(line) or BARE.match(line) or RULE.match(line)
    if sign is None:
        return None
    forwards = sign.re is BEGINNING or bool(sign.groupdict().get("forwarded"))
    if worded is not None and (fields := _in_one_line(worded["rest"])):
        return Opening(index, index + 1, fields, forwards)
    inner = _below(lines, index, sign.re is RULE)
    if inner is not None:
        return Opening(index, inner.end, inner.fields, forwards)
    return Opening(index, index + 1, {}, forwards) if worded is not None else None


def _below(lines: Sequence[str], index: int, is_rule: bool) -> Opening | None:
    """The block or attribution right below a separator, quoted or not. Under words two fields are enough."""
    below = _first_filled(lines, index + 1)
    if below >= len(lines) or not lines[below].strip() or RULE.match(lines[below]):
        return None
    window = list(lines[below : below + MOST_OF_A_BLOCK])
    if is_quoted(window[0]):
        window = [unquoted(line) for line in window]
    inner = find_block(window, 0, 3 if is_rule else 2)
    if inner is None and not is_rule:
        last = next((at for at, line in enumerate(window[:TALLEST]) if line.rstrip().endswith(":")), None)
        inner = None if last is None else _attribution(window, last, 0)
    return None if inner is None else replace(inner, end=below + inner.end)


def _first_filled(lines: Sequence[str], start: int) -> int:
    index = start
    while index < min(len(lines), start + 4) and not lines[index].strip():
        index += 1
    return index


def _label(line: str) -> tuple[str, str] | None:
    """(field, value) of a header-like line."""
    return _labelled(line[:LONGEST_IN_ONE]) if ":" in line[:40] else None


@lru_cache(maxsize=64)  # a line is asked for by each of the lines above it that may begin a block
def _labelled(line: str) -> tuple[str, str] | None:
    match = LABEL.match(line)
    if match is None:
        return None
    return FIELD_OF.get(match["label"].lower(), "other"), SPACES.sub(" ", match["value"]).strip(" *_")


def _gather(lines: Sequence[str], start: int, fields: dict[str, str]) -> int:
    """Fill in the fields from a line on; the line after the last of them. Ends where a field comes again, where text
    begins, and at a blank line before the sender is known."""
    end = index = start
    latest = ""
    while index < min(len(lines), start + MOST_OF_A_BLOCK):
        line = lines[index]
        found = _label(line)
        if found is not None:
            if found[0] in fields and found[0] not in ("cc", "other"):
                break
            latest = found[0]
            fields.setdefault(*found)
            end = index + 1
        elif not line.strip():
            if not _goes_on(lines, index, fields):
                break
        elif latest and (not fields[latest] or _label_follows(lines, index)):
            fields[latest] = f"{fields[latest]} {line.strip()}".strip()[:LONGEST_IN_ONE]
            end = index + 1
        else:
            break
        index += 1
    return end


def _goes_on(lines: Sequence[str], index: int, fields: Mapping[str, str]) -> bool:
    """Whether a block goes on below one blank line, as where each line was a paragraph."""
    below = index + 1
    return "from" in fields and below < len(lines) and _label(lines[below]) is not None


def _label_follows(lines: Sequence[str], index: int) -> bool:
    """Whether a line is the rest of the value above it: a label comes right after it."""
    return any(_label(line) is not None for line in lines[index + 1 : index + 3])


def _in_one_line(line: str) -> dict[str, str]:
    """The fields of a block whose line breaks were lost; none where it is no such line."""
    marks = list(GLUED.finditer(line[:LONGEST_IN_ONE]))[:20] if line.count(":") >= 3 else []
    fields: dict[str, str] = {}
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        value = line[mark.end() : following.start() if following else LONGEST_IN_ONE].strip(" *_\u00a0")
        fields.setdefault(FIELD_OF[mark["label"].lower()], value)
    return fields if len(fields) >= 3 and "sent" in fields and _is_plausible(fields) else {}


def _is_plausible(fields: Mapping[str, str]) -> bool:
    """What tells a mail program's block from a list of a customer's own: a sender, and a time of day or an address
    in angle brackets (or the like)."""
    if not fields.get("from") or not ("sent" in fields or "subject" in fields):
        return False
    return is_timed(fields.get("sent", "")) or MARKED_ADDRESS.search(fields["from"][:LONGEST]) is not None


def _attribution(lines: Sequence[str], last: int, after: int) -> Opening | None:
    """The attribution that ends at a line. Programs wrap it over up to four lines."""
    starts = [last]
    while len(starts) < TALLEST and starts[-1] > after and lines[starts[-1] - 1].strip():
        starts.append(starts[-1] - 1)
    dated = [start for start in starts if FIRST_WORD.match(lines[start])]
    for start in (*dated, *starts[:2]):
        text = SPACES.sub(" ", " ".join(line.strip() for line in lines[start : last + 1])[: LONGEST + 1])
        found = _weighed(text, start, last + 1) if len(text) <= LONGEST else None
        if found is not None:
            return found
    return None


def _weighed(text: str, start: int, end: int) -> Opening | None:
    """Whether a line that ends in a colon says when who wrote: surely, or only if quoted lines follow."""
    if OLD_GMAIL.match(text):
        return Opening(start, end, {"attribution": text})
    verb = VERB.search(text)
    if verb is None or TOLD.search(text):
        return None
    date = DATE.search(text)
    if date is None:
        return Opening(start, end, {"attribution": text}, sure=False) if ADDRESS.search(text) else None
    sure = ADDRESS.search(text) is not None or is_timed(text)
    return Opening(start, end, {"attribution": text}, sure=sure)
