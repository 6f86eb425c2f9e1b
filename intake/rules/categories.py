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
WORD = re.compile(r"\w+")
CLAUSE_ENDS = re.compile(r"[.,;:!?\n]")
BETWEEN_WORDS = r"(?!\w)[^\w.!?]+"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as written, its pattern over folded text, and what it is worth. `stem` is its longest word: where
    that does not occur the pattern is not tried. A `negative` phrase begins with a negation itself."""

    written: str
    pattern: "re.Pattern[str]"
    points: float
    stem: str
    whole_word: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Field:
    """Folded text to search: the words in it, and how many times a match in it counts."""

    text: str
    words: frozenset[str]
    counts: int


@dataclass(frozen=True)
class Topic:
    """A category or a label: its names and its phrases per language."""

    id: str
    weight: float
    names: Mapping[str, str]
    phrases: Mapping[str, tuple[Phrase, ...]]


@dataclass(frozen=True)
class Categories:
    """All categories and labels, in the order of the file (which breaks ties), and the negations per language."""

    categories: tuple[Topic, ...]
    labels: tuple[Topic, ...]
    negations: Mapping[str, "re.Pattern[str] | None"]

    def of(self, subject: str, text: str, language: str) -> Categorisation:
        """The category and labels of a message in `language`. English words count in every language."""
        fields = (_field(subject, SUBJECT_COUNTS), _field(text[:MOST_CHARACTERS], 1))
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

    def _match(self, topic: Topic, fields: Iterable[Field], language: str) -> tuple[float, tuple[str, ...]]:
        score, words = 0.0, []
        for code in dict.fromkeys((language, "en")):
            for phrase in topic.phrases.get(code, ()):
                worth = max((field.counts for field in fields if self._occurs(phrase, field, code)), default=0)
                if worth:
                    score += worth * phrase.points
                    words.append(phrase.written)
        return score, tuple(words)

    def _occurs(self, phrase: Phrase, field: Field, language: str) -> bool:
        if phrase.stem not in (field.words if phrase.whole_word else field.text):
            return False
        negation = self.negations.get(language)
        for match in phrase.pattern.finditer(field.text):
            clause = CLAUSE_ENDS.split(field.text[max(0, match.start() - 60) : match.start()])[-1]
            before = " ".join(clause.split()[-NEGATED_WITHIN:])
            if phrase.negative or negation is None or not negation.search(before):
                return True
        return False


def load_categories(toml: str) -> Categories:
    """Categories from the text of `categories.toml`. Raises `TemplateError` with what is wrong."""
    try:
        raw = tomllib.loads(toml)
        negations = {language: _any_of(words) for language, words in raw["negations"].items()}
        return Categories(
            categories=tuple(_topic(item, negations) for item in raw["categories"]),
            labels=tuple(_topic(item, negations) for item in raw["labels"]),
            negations=negations,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise TemplateError(
            f"categories.toml cannot be used: {error}.", "Compare it with the one delivered."
        ) from error


def fold(text: str) -> str:
    """Lower case, without accents, one kind of apostrophe: how words are compared."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'").replace("ß", "ss"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _field(text: str, counts: int) -> Field:
    folded = fold(text)
    return Field(folded, frozenset(WORD.findall(folded)), counts)


def _topic(item: Mapping[str, object], negations: Mapping[str, "re.Pattern[str] | None"]) -> Topic:
    words, names = item.get("words", {}), item.get("name", {})
    if not isinstance(words, dict) or not isinstance(names, dict):
        raise TypeError(f"{item['id']}: name and words must be tables by language")
    phrases = {
        language: tuple(_phrase(phrase, negations.get(language)) for phrase in listed)
        for language, listed in words.items()
    }
    return Topic(id=str(item["id"]), weight=float(str(item.get("weight", 1.0))), names=names, phrases=phrases)


def _phrase(written: str, negation: "re.Pattern[str] | None") -> Phrase:
    """`beschadig*` matches any ending, `niet ... ontvangen` up to four words in between."""
    words = [word for word in fold(written).split() if word != "..."]
    pieces = []
    for word in fold(written).split():
        if word == "...":
            pieces.append(rf"(?:[^\s.!?]+\s+){{0,{GAP_WORDS}}}?")
        else:
            pieces.append(re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "") + BETWEEN_WORDS)
    longest = max(words, key=len)
    return Phrase(
        written=written,
        pattern=re.compile(r"(?<!\w)" + "".join(pieces).removesuffix(BETWEEN_WORDS) + r"(?!\w)"),
        points=1 + EXTRA_WORD * (len(words) - 1),
        stem=longest.rstrip("*"),
        whole_word=bool(WORD.fullmatch(longest)),
        negative=negation is not None and negation.match(fold(written)) is not None,
    )


def _any_of(words: list[str]) -> "re.Pattern[str] | None":
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(fold(word)) for word in words) + r")(?!\w)") if words else None
