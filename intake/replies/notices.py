"""The text of mail to the manager: reminders, warnings and the morning digest, in the shop's first language.

The words lie in `templates/notices/LANGUAGE.toml`. What is put in them is ours: references, days, counts. No name of a
customer, no address, no account number and no word of a complaint gets in here.
"""

import textwrap
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date

from intake.types import Line, Section

WIDTH = 76
INDENT = "  "
PATTERNS = {"de": "EEEE, d. MMMM"}
PATTERN = "EEEE d MMMM"
# What the subject counts, the most urgent first; the rest are notices.
COUNTED = ("missed", "overdue", "late to post", "today", "before", "tomorrow")
# The parts of a digest that list cases by date, and the notices that say the same of one.
DATED = ("overdue", "today", "tomorrow", "this week", "to post")
REMINDERS = ("missed", "late to post", "today", "before")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language: those of the mail itself, and by key those of subjects, lines, titles and names;
    `told` by the kind of a notice that somebody else made."""

    language: str
    mail: Mapping[str, str]
    short: Mapping[str, str]
    lines: Mapping[str, str]
    told: Mapping[str, str]
    titles: Mapping[str, str]
    names: Mapping[str, str]


def load_words(folder: Path) -> dict[str, Words]:
    """The words of every language in `templates/notices`."""
    return {path.stem: _words(path) for path in sorted(folder.glob("*.toml"))}


def _words(path: Path) -> Words:
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    mail = {key: value for key, value in found.items() if isinstance(value, str)}
    return Words(path.stem, mail, found["short"], found["lines"], found["told"], found["titles"], found["names"])


def line_text(line: Line, words: Words) -> str:
    """What there is to say, without the reference: `one business day is left; answer by Friday 18 September.`"""
    return words.lines[line.what].format(
        day=day_words(line.day, words.language),
        due=day_words(line.due_on, words.language),
        name=words.names.get(line.name, line.name),
        count=line.count,
    )


def notices_mail(told: Sequence[tuple[str, str, str]], words: Words) -> tuple[str, str]:
    """The subject and the text of one mail about several notices: each its kind, its case's reference ("" where it has
    none) and what it says."""
    kinds = [kind for kind, _, _ in told]
    if len(told) == 1 and told[0][1]:
        begin, what = f"{words.mail['complaint']} {told[0][1]}", words.short.get(kinds[0], words.short["notice"])
    else:
        begin, what = words.mail["complaints"], _counts(kinds, words)
    return f"{begin}{words.mail['colon']}{what}", _page(_notices(told, words), words)


def digest_mail(
    sections: Sequence[Section], today: date, words: Words, told: Sequence[tuple[str, str, str]] = ()
) -> tuple[str, str]:
    """The subject and the text of the morning digest, with the notices that wait (as for `notices_mail`): a reminder
    takes the place of its case's line, the rest stands above."""
    dated = [line.reference for section in sections if section.title in DATED for line in section.lines]
    reminders = {reference: text for kind, reference, text in told if kind in REMINDERS and reference in dated}
    others = [one for one in told if one[0] not in REMINDERS or one[1] not in reminders]
    page = [*_notices(others, words), ""] if others else []
    for section in sections:
        said = reminders if section.title in DATED else {}
        page += [words.titles[section.title].format(day=day_words(section.day, words.language))]
        page += [_digest_line(line, said.get(line.reference) or line_text(line, words)) for line in section.lines]
        page += [""]
    kinds = [section.title for section in sections if section.title in COUNTED for _ in section.lines]
    subject = words.mail["digest"].format(day=day_words(today, words.language))
    return f"{subject}{words.mail['colon']}{_counts(kinds, words)}" if kinds else subject, _page(page[:-1], words)


def day_words(day: date | None, language: str) -> str:
    """`Friday 18 September`, in a language; "" where there is no day."""
    if day is None:
        return ""
    text = format_date(day, PATTERNS.get(language, PATTERN), locale=_locale(language))
    return text.replace(" 1 ", " 1er ") if language == "fr" else text


def _counts(kinds: Sequence[str], words: Words) -> str:
    """`1 too late, 2 today, 3 notices`."""
    counts = Counter(kind if kind in COUNTED else "" for kind in kinds)
    told = [
        f"{counts[kind]} {words.short.get(f'{kind} counted', words.short[kind])}" for kind in COUNTED if counts[kind]
    ]
    if counts[""]:
        told.append(
            f"1 {words.short['notice']}" if counts[""] == 1 else words.short["notices"].format(count=counts[""])
        )
    return ", ".join(told)


def _notices(told: Sequence[tuple[str, str, str]], words: Words) -> list[str]:
    """The notices as a list, each with the reference of its case unless it names it itself."""
    lines = [
        f"{reference}{words.mail['colon']}{text}" if reference and reference not in text else text
        for _, reference, text in told
    ]
    return [words.mail["notices"], "", *(_filled(f"- {' '.join(line.split())}", INDENT) for line in lines)]


def _digest_line(line: Line, text: str) -> str:
    about = f"{line.reference}  " if line.reference else ""
    return _filled(f"{INDENT}{about}{text}", 2 * INDENT)


def _filled(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _page(lines: Sequence[str], words: Words) -> str:
    # "-- " would begin a signature, which some programs fold away; that is what this is.
    return "\n".join((*lines, "", "-- ", _filled(words.mail["footer"], ""), ""))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse("en_GB" if language == "en" else language)
