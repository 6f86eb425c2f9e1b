"""What a complaint is about: one category and any labels, by the words of `templates/categories.toml`.

The matched words are kept, so that a person sees why. A word counts as it stands in the new text and the subject;
quoted history is not looked at. A match right after a negation ("niet beschadigd") does not count.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from intake.errors import TemplateError
from intake.types import Categorisation

OTHER = "other"
SUBJECT_COUNTS = 2
EXTRA_WORD = 0.5
GAP_WORDS = 4
NEGATED_WITHIN = 2
MOST_CHARACTERS = 20_000


@dataclass(frozen=True)
class Topic:
    """A category or a label: its names and its compiled phrases per language."""

    id: str
    weight: float
    names: Mapping[str, str]
    phrases: Mapping[str, tuple[tuple[str, "re.Pattern[str]", float], ...]]


@dataclass(frozen=True)
class Categories:
    """All categories and labels, in the order of the file (which breaks ties), and the negations per language."""

    categories: tuple[Topic, ...]
    labels: tuple[Topic, ...]
    negations: Mapping[str, "re.Pattern[str] | None"]

    def of(self, subject: str, text: str, language: str) -> Categorisation:
        """The category and labels of a message in `language`. English words count in every language."""
        fields = ((fold(subject), SUBJECT_COUNTS), (fold(text[:MOST_CHARACTERS]), 1))
        found = {topic.id: self._match(topic, fields, language) for topic in (*self.categories, *self.labels)}
        best, score = OTHER, 0.0
        for topic in self.categories:
            if found[topic.id][0] * topic.weight > score:
                best, score = topic.id, found[topic.id][0] * topic.weight
        labels = tuple(topic.id for topic in self.labels if found[topic.id][0] > 0)
        matched = {topic: found[topic][1] for topic in (best, *labels) if topic in found and found[topic][1]}
        return Categorisation(best, labels, matched)

    def name(self, category: str, language: str) -> str:
        """The name of a category or label in a language."""
        for topic in (*self.categories, *self.labels):
            if topic.id == category:
                return topic.names.get(language, category)
        return category

    def _match(self, topic: Topic, fields: Iterable[tuple[str, int]], language: str) -> tuple[float, tuple[str, ...]]:
        score, words = 0.0, []
        for code in dict.fromkeys((language, "en")):
            for phrase, pattern, points in topic.phrases.get(code, ()):
                worth = max((counts for text, counts in fields if self._occurs(pattern, phrase, text, code)), default=0)
                if worth:
                    score += worth * points
                    words.append(phrase)
        return score, tuple(words)

    def _occurs(self, pattern: "re.Pattern[str]", phrase: str, text: str, language: str) -> bool:
        negation = self.negations.get(language)
        negative = negation is not None and negation.match(fold(phrase))
        for match in pattern.finditer(text):
            before = " ".join(text[max(0, match.start() - 60) : match.start()].split()[-NEGATED_WITHIN:])
            if negative or negation is None or not negation.search(before):
                return True
        return False


def load_categories(toml: str) -> Categories:
    """Categories from the text of `categories.toml`. Raises `TemplateError` with what is wrong."""
    try:
        raw = tomllib.loads(toml)
        return Categories(
            categories=tuple(_topic(item) for item in raw["categories"]),
            labels=tuple(_topic(item) for item in raw["labels"]),
            negations={language: _any_of(words) for language, words in raw["negations"].items()},
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise TemplateError(
            f"categories.toml cannot be used: {error}.", "Compare it with the delivered one."
        ) from error


def fold(text: str) -> str:
    """Lower case, without accents, one kind of apostrophe: how words are compared."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'").replace("ß", "ss"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _topic(item: Mapping[str, object]) -> Topic:
    words = item.get("words", {})
    if not isinstance(words, dict):
        raise TypeError(f"{item['id']}: words must be lists per language")
    phrases = {language: tuple(_phrase(phrase) for phrase in listed) for language, listed in words.items()}
    names = item.get("name", {})
    return Topic(
        id=str(item["id"]),
        weight=float(str(item.get("weight", 1.0))),
        names=names if isinstance(names, dict) else {},
        phrases=phrases,
    )


def _phrase(phrase: str) -> tuple[str, "re.Pattern[str]", float]:
    """`beschadig*` matches any ending, `niet ... ontvangen` up to four words in between."""
    words = phrase.split()
    pieces = []
    for word in words:
        if word == "...":
            pieces.append(rf"(?:[^\s.!?]+\s+){{0,{GAP_WORDS}}}?")
        else:
            stem = re.escape(fold(word.rstrip("*")))
            pieces.append(stem + (r"\w*" if word.endswith("*") else "") + r"\b(?:[^\w.!?]+|$)")
    pattern = re.compile(r"(?<!\w)" + "".join(pieces).removesuffix(r"(?:[^\w.!?]+|$)"))
    count = sum(1 for word in words if word != "...")
    return phrase, pattern, 1 + EXTRA_WORD * (count - 1)


def _any_of(words: list[str]) -> "re.Pattern[str] | None":
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(fold(word)) for word in words) + r")(?!\w)") if words else None
