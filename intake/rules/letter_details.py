"""What the first page of a letter says beside the sender's name: how to reach him, and what it is about.

The shop's own mail addresses and telephone numbers are left out, and so are those that stand in the middle of the text,
unless it says that they are the sender's. Nothing here decides who that is.
"""

import re
from collections.abc import Iterable

from intake.rules.facts import IBAN, INVOICE, ORDER, find_phones
from intake.rules.letter_lines import ATTENTION, DATE, EMAIL, LABELLED, LetterPage, Line, Zone
from intake.types import Own

OTHER_NUMBER = re.compile(
    r"\b(?:kvk|k\.v\.k\.|btw|vat|tva|ust|steuer|siret|siren|rcs|bsn|klant|kunden|customer|client)"
    r"[^\d\n]{0,20}[\d .]{6,20}",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"(?:^|\s{2,}|(?<=\d)\s)(?:(?:betreft|betreff|betrifft|betr|onderwerp|inzake|subject|objet|concerne|concerning|regarding)"
    r"(?:\s?[:;.]+|\s(?=\S))|(?:re|ref)\s?:)\s*(?P<subject>.*)",
    re.IGNORECASE,
)
WRAPPED = 0.75
LONGEST_SUBJECT = 300
MINE = re.compile(
    r"\b(?:mijn|ons|my|our|meine?|unsere?|mon|ma|notre|nos)\b.{0,40}"
    r"\b(?:adres\w*|anschrift|address|e-?mail\w*|mailadres|courriel|telefoon\w*|nummer|number|telefon\w*|phone|mobiel\w*|"
    r"t[ée]l[ée]phone|num[ée]ro)\b|\b(?:bereik\w*|reach me|erreich\w*|joindre|joignable|woon\w* (?:op|aan|in)|"
    r"wohne?n? (?:in|im)|habite|live at|living at)\b",
    re.IGNORECASE,
)


def find_email(page: LetterPage, own: Own) -> str:
    """The first mail address that is not ours."""
    for line in _lines_about_the_sender(page):
        for match in EMAIL.finditer(line):
            address = re.sub(r" ?(?:@|©|®|\(at\)|\[at\]) ?", "@", match[0], count=1).strip(".-")
            key = address.lower()
            domain = key.partition("@")[2]
            if not {key, domain} & own.addresses and not any(domain.endswith(f".{each}") for each in own.addresses):
                return address
    return ""


def find_phone(page: LetterPage, own: Own, region: str) -> str:
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


def find_subject(page: LetterPage) -> str:
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
