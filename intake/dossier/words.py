"""The words of a dossier in one language, and its days, times and sizes. They lie beside the layout."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_time

from intake.errors import UsageError

LANGUAGES = ("nl", "en", "de", "fr")
LONG_DAY = {"de": "EEEE, d. MMMM y"}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Words:
    """The words by part and key."""

    language: str
    locale: str
    told: Mapping[str, Any]

    def say(self, part: str, key: str, **values: object) -> str:
        """A sentence with its values filled in; one that is missing is left out, the key stands for unknown words."""
        sentence = str(self.told[part].get(key, key))
        return sentence.format_map(defaultdict(str, {name: str(value) for name, value in values.items()}))

    def has(self, part: str, key: str) -> bool:
        """Whether there are words for a key."""
        return key in self.told[part]

    def plain(self, key: str) -> str:
        """A word that stands by itself."""
        return str(self.told[key])

    def day(self, day: date) -> str:
        """`7 September 2026`."""
        return self._first(format_date(day, "long", locale=self.locale))

    def long_day(self, day: date) -> str:
        """`Monday 7 September 2026`."""
        return self._first(format_date(day, LONG_DAY.get(self.language, "EEEE d MMMM y"), locale=self.locale))

    def moment(self, local: datetime) -> str:
        """`7 September 2026, 12:00`."""
        return self.plain("moment").format(day=self.day(local.date()), time=format_time(local, "HH:mm"))

    def when(self, local: datetime, *, day_only: bool) -> str:
        """A moment; of a letter the day alone, since nobody knows the hour."""
        return self.day(local.date()) if day_only else self.moment(local)

    def iso(self, value: object) -> object:
        """A day that the history keeps as text, in words; anything else as it is."""
        return self.day(date.fromisoformat(value)) if isinstance(value, str) and _ISO.fullmatch(value) else value

    def size(self, count: int) -> str:
        """`12 kB`, with this language's comma."""
        if count < 1000:
            return f"{count} B"
        number, unit = (count / 1000, "kB") if count < 1_000_000 else (count / 1_000_000, "MB")
        text = f"{number:.1f}" if number < 10 else f"{number:.0f}"
        return f"{text if self.language == 'en' else text.replace('.', ',')} {unit}"

    def _first(self, text: str) -> str:
        """French says premier, and only for the first; Babel writes "1 janvier"."""
        return re.sub(r"(^|\s)1 ", r"\g<1>1er ", text, count=1) if self.language == "fr" else text


def load_words(folder: Path, language: str) -> Words:
    """The words of a language. Raises `UsageError` where there are none."""
    if language not in LANGUAGES:
        raise UsageError(f"There is no dossier in {language!r}.", f"Use one of: {', '.join(LANGUAGES)}.")
    told = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))
    return Words(language, str(told["locale"]), told)
