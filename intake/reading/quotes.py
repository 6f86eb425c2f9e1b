"""What is new in a mail, and what is history: quoted mail and signatures, folded and never deleted.

`split` keeps every line in one of its two halves. When in doubt a line is new: a complaint must not be folded away.
"""

import re

SOON = 200  # lines between an attribution and what it quotes, at the most
LONGEST_ATTRIBUTION = 600  # characters; the patterns are not to be tried on a hostile line
ATTRIBUTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(op|on|am|le|den)\b.{4,250}\b(schreef|schreven|wrote|schrieb|a écrit)\b.{0,200}:\s*$",
        r"^op\b.{4,250}\bheeft .{0,120}geschreven\s?:\s*$",
        r"^.{1,200}\b(schreef op|wrote on|schrieb am|a écrit le)\b.{4,200}:\s*$",
    )
)
SEPARATORS = re.compile(
    r"^\s*(-{2,}|_{5,})\s*(oorspronkelijk bericht|original message|ursprüngliche nachricht|message d'origine|"
    r"message original|doorgestuurd bericht|forwarded message|weitergeleitete nachricht|message transféré)?\s*"
    r"(-{2,}|_{5,})\s*$",
    re.IGNORECASE,
)
HEADER_LINE = re.compile(
    r"^\s*\**(van|from|von|de|expéditeur|verzonden|sent|gesendet|envoyé|datum|date|aan|to|an|à|cc|"
    r"onderwerp|subject|betreff|objet)\**\s?:\**\s",
    re.IGNORECASE,
)
FROM_LINE = re.compile(r"^\s*\**(van|from|von|de|expéditeur)\**\s?:", re.IGNORECASE)
SIGNATURE = re.compile(r"^-- ?$")
PHONE_SIGNATURE = re.compile(
    r"^(verzonden (vanaf|met|via)|verstuurd vanaf|sent from (my|outlook|mail)|von meinem .{2,30} gesendet|"
    r"gesendet von|envoyé (de|depuis)|outlook voor|get outlook for).{0,60}$",
    re.IGNORECASE,
)


def split(text: str) -> tuple[str, str]:
    """(new text, quoted history and signature). If nothing would be left as new, all of it is new."""
    lines = text.split("\n")
    cut = _history_starts(lines)
    new, folded = _fold_quoted(lines[:cut])
    new, signature = _cut_signature(new)
    fresh = "\n".join(new).strip("\n")
    history = "\n".join((*signature, *folded, *lines[cut:])).strip("\n")
    if not fresh.strip():
        return text.strip("\n"), ""
    return fresh.rstrip(), history


def _history_starts(lines: list[str]) -> int:
    """The line from which on everything is history; the number of lines where nothing is."""
    first = next((index for index, line in enumerate(lines) if line.strip() and not _is_separator(line)), len(lines))
    own = _last_own(lines)
    for index in range(first + 1, len(lines)):
        if _starts_history(lines, index, own):
            return index
    return len(lines)


def _is_separator(line: str) -> bool:
    return len(line) <= LONGEST_ATTRIBUTION and SEPARATORS.match(line) is not None


def _last_own(lines: list[str]) -> int:
    """The last line that is neither blank nor quoted nor a signature's; -1 where there is none."""
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index].strip()
        if line and not line.startswith(">") and not (SIGNATURE.match(line) or PHONE_SIGNATURE.match(line)):
            return index
    return -1


def _starts_history(lines: list[str], index: int, last_own: int) -> bool:
    line = lines[index]
    if len(line) > LONGEST_ATTRIBUTION:
        return False
    if SEPARATORS.match(line) and (re.search(r"[a-z]", line, re.IGNORECASE) or _header_block(lines, index + 1)):
        return True
    if FROM_LINE.match(line) and _header_block(lines, index):
        return True
    return _attribution(lines, index) and not _answers_below(lines, index, last_own)


def _attribution(lines: list[str], index: int) -> bool:
    """An attribution, which clients wrap over up to three lines."""
    if not lines[index].strip():
        return False
    for height in (1, 2, 3):
        joined = " ".join(part.strip() for part in lines[index : index + height])
        if not joined.endswith(":"):
            continue
        if len(joined) <= LONGEST_ATTRIBUTION and any(pattern.match(joined) for pattern in ATTRIBUTIONS):
            return True
    return False


def _answers_below(lines: list[str], index: int, last_own: int) -> bool:
    """Whether the writer answers below or between quoted lines: then only those lines are history."""
    return any(lines[after].lstrip().startswith(">") for after in range(index + 1, min(last_own, index + SOON)))


def _header_block(lines: list[str], start: int) -> bool:
    """Three or more header-like lines within the first six that are not blank."""
    block = [line for line in lines[start : start + 9] if line.strip()][:6]
    return sum(1 for line in block if HEADER_LINE.match(line)) >= 3


def _fold_quoted(lines: list[str]) -> tuple[list[str], list[str]]:
    """Lines that begin with ">" and the attribution above them, apart from the rest."""
    new: list[str] = []
    folded: list[str] = []
    index = 0
    while index < len(lines):
        if lines[index].lstrip().startswith(">"):
            folded.append(lines[index])
        elif _attribution(lines, index) and any(x.lstrip().startswith(">") for x in lines[index + 1 : index + 5]):
            while not lines[index].rstrip().endswith(":"):
                folded.append(lines[index])
                index += 1
            folded.append(lines[index])
        else:
            new.append(lines[index])
        index += 1
    return new, folded


def _cut_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    for index, line in enumerate(lines):
        if index and (SIGNATURE.match(line) or _ends_as_phone(lines, index)):
            return lines[:index], lines[index:]
    return lines, []


def _ends_as_phone(lines: list[str], index: int) -> bool:
    return bool(PHONE_SIGNATURE.match(lines[index].strip())) and not any(x.strip() for x in lines[index + 1 :])
