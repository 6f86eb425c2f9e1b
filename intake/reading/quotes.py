"""What is new in a mail, and what is history: quoted mail and signatures, folded and never deleted.

`split` keeps every line in one of its two halves. When in doubt a line is new: a complaint must not be folded away.
So a name and an address below a closing formula stay new; only what stands below "-- ", and what a telephone adds of
itself, is a signature here.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from intake.reading.openings import Opening, find_openings, is_quoted, is_separator

SOON = 200  # lines between an attribution and what it quotes, at the most
FEW_LETTERS, MANY_LETTERS = 20, 400
MOST_OF_A_CLOSING = 12  # lines
MORE_THAN = re.compile(r"\s{0,3}>\s?\d")
SIGNATURE = re.compile(r"--[ \u00a0]?$")
THING = (
    r"(?:i-?phone|i-?pad|i-?pod|apple watch|galaxy|samsung|android|smartphone|gsm|telefoon|telefon|phone|téléphone|"
    r"tablet|tablette|mobiel|mobiltelefon|mobilgerät|handy|huawei|xiaomi|redmi|oneplus|pixel|motorola|nokia|sony|xperia|"
    r"htc|oppo|fairphone|blackberry|lumia|windows phone|portable|appareil|toestel|macbook)"
)
PROGRAM = (
    r"(?:outlook|mail|e-mail|yahoo|gmx|web\.de|proton|gmail|t-online|spark|bluemail|aqua mail|k-9|thunderbird|courrier|"
    r"hotmail|ziggo|kpn|nine|webmail|tutanota|tuta)"
)
WHOSE = r"(?:(?:mijn|m'n|my|een|a|an|meinem|meiner|mon|ma|de|het|the|der|dem|mobiele|mobile|mobilen|l['’]?) ?){0,3}"
WHERE = r"(?: (?:op|on|auf|sur|voor|for|für|pour|van|von|de|using|met|mit|avec)(?: [\w.+'’-]{1,20}){1,4})?"
WRITTEN_WITH = (
    rf"(?:{WHOSE}(?:{PROGRAM}[ -])?(?:{THING}[ -]){{0,3}}{THING}(?:[ -][\w+]{{1,12}}){{0,3}}{WHERE}|"
    rf"{WHOSE}(?:{PROGRAM} ){{0,3}}{PROGRAM}(?: app| (?:secure|beveiligde|sichere|sécurisée) e-?mail)?{WHERE})"
)
# What a telephone or a mail program adds of itself: a sentence about where the mail was written, and nothing else.
PROGRAM_LINES = (
    rf"(?:verzonden|verstuurd) (?:vanaf|vanuit|van|met|via|door) {WRITTEN_WITH}",
    rf"sent (?:from|with|via|using|by) {WRITTEN_WITH}",
    rf"(?:diese nachricht wurde )?(?:gesendet|verschickt) (?:von|mit|aus|über|via) {WRITTEN_WITH}",
    rf"(?:diese (?:nachricht|e-mail) wurde )?(?:von|mit) {WRITTEN_WITH} (?:gesendet|verschickt)",
    rf"envoyé (?:de|depuis|avec|à partir de|à partir d[’'])\s?{WRITTEN_WITH}",
    r"(?:get|download|télécharge[rz]|obtenez|obtenir|installe[rz]) outlook (?:for|voor|pour|für) .{2,30}",
    r"(?:download )?outlook (?:voor|für|for|pour) (?:ios|android|mac|windows)\b.{0,30}",
    r"(?:holen sie sich|laden sie) outlook für .{2,30}",
    r"yahoo mail: .{2,60}",
    r"(?:virusvrij|virenfrei|virus-free|garanti sans virus|sans virus)[.:]? ?(?:www\.\S{2,40})?",
)
PROGRAM_LINE = re.compile(rf"\s*[*_]?(?:{'|'.join(PROGRAM_LINES)})[.!*_]{{0,3}}\s*$", re.IGNORECASE)
PROGRAM_WORD = re.compile(
    r"\s*[*_]?(?:verz|verst|sent|gese|diese|vers|von |mit |envoy|get |down|téléc|obten|inst|outlook|holen|laden|yahoo|"
    r"vir|gara|sans)",
    re.IGNORECASE,
)
LONGEST_PROGRAM_LINE = 120
LINK = re.compile(r"\s?[<(\[]?https?://[^\s<>()\[\]]{1,400}[>)\]]?")
LABELLED = re.compile(r"\[([^\[\]]{1,40})\]")  # a link's words, as Markdown writes them
CLOSING = re.compile(
    r"\s*(?:(?:met )?(?:vriendelijke|hartelijke|beste)? ?groet(?:en|jes)?|m\.?v\.?g|hoogachtend|"
    r"(?:kind|best|warm)? ?regards|yours (?:sincerely|faithfully)|sincerely|"
    r"mit (?:freundlichen|besten) grüßen|(?:viele|beste|freundliche|liebe) grüße|mfg|hochachtungsvoll|"
    r"(?:bien )?cordialement|bien à vous|salutations)\b[^?]{0,60}$",
    re.IGNORECASE,
)


def split(text: str) -> tuple[str, str]:
    """(new text, quoted history and signature). If nothing would be left as new, all of it is new."""
    lines = text.strip("\n").split("\n")
    openings = {opening.start: opening for opening in find_openings(lines)}
    cut = _history_starts(lines, openings)
    new, folded = _fold_quoted(lines[:cut], openings)
    new, signature = cut_signatures(new)
    if _says_nothing(new) and (folded or cut < len(lines) or not any(map(str.strip, new))):
        return text.strip("\n"), ""
    history = "\n".join((*signature, *folded, *lines[cut:])).strip("\n")
    return "\n".join(new).strip("\n").rstrip(), history


def _history_starts(lines: Sequence[str], openings: Mapping[int, Opening]) -> int:
    """The line from which on everything is history; the number of lines where nothing is."""
    if not openings:
        return len(lines)
    first = next((index for index, line in enumerate(lines) if line.strip() and not is_separator(line)), len(lines))
    own = _last_own(lines)
    for index, opening in openings.items():
        if index > first and _opens(lines, opening, own):
            return index
    return len(lines)


def _last_own(lines: Sequence[str]) -> int:
    """The last line that is neither blank nor quoted nor a program's; -1 where there is none."""
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if line.strip() and not is_quoted(line) and not (SIGNATURE.match(line) or _is_program_line(line)):
            return index
    return -1


def _opens(lines: Sequence[str], opening: Opening, last_own: int) -> bool:
    """Whether all below an opening is history: not where the writer answers below or between quoted lines."""
    below = next(
        (index for index in range(opening.end, min(len(lines), opening.end + SOON)) if lines[index].strip()), 0
    )
    if below and is_quoted(lines[below]):
        return below > last_own
    return opening.sure


def _fold_quoted(lines: Sequence[str], openings: Mapping[int, Opening]) -> tuple[list[str], list[str]]:
    """Lines that begin with ">" and the opening above them, apart from the rest."""
    new: list[str] = []
    folded: list[str] = []
    if not openings and not any(">" in line for line in lines):
        return list(lines), folded
    index = 0
    while index < len(lines):
        end = index + 1
        if is_quoted(lines[index]):
            (new if _is_more_than(lines, index, folded) else folded).append(lines[index])
        elif index in openings and any(
            is_quoted(line) for line in lines[openings[index].end : openings[index].end + 4]
        ):
            end = min(openings[index].end, len(lines))
            folded += lines[index:end]
        else:
            new.append(lines[index])
        index = end
    return new, folded


def _is_more_than(lines: Sequence[str], index: int, folded: Sequence[str]) -> bool:
    """A line by itself like "> 3 weken gewacht" in a text that quotes nothing before it: there it means *more than*."""
    beside = (*lines[max(index - 1, 0) : index], *lines[index + 1 : index + 2])
    return not folded and bool(MORE_THAN.match(lines[index])) and not any(is_quoted(line) for line in beside)


def cut_signatures(lines: list[str]) -> tuple[list[str], list[str]]:
    """The text without what a program added at its end, and without what stands below the mark "-- "."""
    above, program = _cut_program_lines(lines)
    above, signature = _cut_signature(above)
    above, more = _cut_program_lines(above)
    return above, [*more, *signature, *program]


def _cut_program_lines(lines: list[str]) -> tuple[list[str], list[str]]:
    end = cut = len(lines)
    while end:
        line = lines[end - 1]
        if _is_program_line(line):
            cut = end - 1
        elif line.strip():
            break
        end -= 1
    return lines[:cut], lines[cut:]


def _cut_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """Below the first mark, as RFC 3676 section 4.3 has it. A long text below a word or two is rather the mail itself,
    and a mark that comes more than once a line between its parts."""
    marks = [index for index, line in enumerate(lines) if line.startswith("--") and SIGNATURE.match(line)]
    if not marks or (len(marks) > 1 and lines[marks[0]] == "--"):
        return lines, []
    above, below = lines[: marks[0]], lines[marks[0] :]
    if not any(map(str.strip, above)) or (_letters(above) < FEW_LETTERS and _letters(below) > MANY_LETTERS):
        return lines, []
    return above, below


def _letters(lines: Sequence[str]) -> int:
    return sum(character.isalpha() for line in lines for character in line)


def _is_program_line(line: str) -> bool:
    if len(line) > 5 * LONGEST_PROGRAM_LINE or PROGRAM_WORD.match(line) is None:
        return False
    words = LABELLED.sub(r"\1", LINK.sub("", line)).strip()
    return len(words) <= LONGEST_PROGRAM_LINE and PROGRAM_LINE.match(words) is not None


def _says_nothing(lines: Sequence[str]) -> bool:
    """Whether the writer wrote nothing: no line at all, or a closing formula with a name and an address below it."""
    filled = (line for line in lines if line.strip() and not is_separator(line))
    first = next(filled, None)
    if first is None:
        return True
    return CLOSING.match(first[:200]) is not None and len(list(islice(filled, MOST_OF_A_CLOSING))) < MOST_OF_A_CLOSING
