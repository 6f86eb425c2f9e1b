"""What a complaint is about: one category and any labels, by the words of `templates/categories.toml`.

The matched words are kept, so that a person sees why. A word counts as it stands in the new text and the subject;
quoted history is not looked at. A match right after a negation ("niet beschadigd") does not count.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from operator import itemgetter

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
APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4]")
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
FIRST_LETTERS = (1, 2, 3)
WORDS_KEPT = 20_000
BETWEEN_WORDS = r"(?!\w)[^\w.!?]+"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as written, its pattern over folded text, and what it is worth. `stem` is its longest word, or the
    beginning of one, `needs` are its words without a star, `first` is how it begins: the pattern is tried only where
    these occur. A `negative` phrase begins with a negation itself."""

    written: str
    pattern: str
    points: float
    stem: str
    first: str
    whole_word: bool
    needs: frozenset[str]
    negative: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A phrase in a lexicon: its place in the file, and the id of its topic."""

    place: int
    topic: str
    phrase: Phrase


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The phrases of one language by their stems: whole words, and beginnings by their first letters. There are some
    thousands of phrases, and a mail has the words of a few. Words come back, so what was found for one is kept."""

    words: Mapping[str, Sequence[Entry]]
    beginnings: Mapping[str, Sequence[Entry]]
    found: dict[str, Sequence[Entry]] = field(default_factory=dict, compare=False)

    def candidates(self, words: Iterable[str]) -> Iterator[Entry]:
        """The phrases whose stem is among the words."""
        if len(self.found) > WORDS_KEPT:
            self.found.clear()
        for word in words:
            entries = self.found.get(word)
            if entries is None:
                entries = self.found[word] = self._search(word)
            yield from entries

    def _search(self, word: str) -> Sequence[Entry]:
        starts = {word[:length] for length in FIRST_LETTERS}
        begun = (entry for start in starts for entry in self.beginnings.get(start, ()))
        return (*self.words.get(word, ()), *(entry for entry in begun if word.startswith(entry.phrase.stem)))


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
    lexicons: Mapping[str, Lexicon]

    def of(self, subject: str, text: str, language: str) -> Categorisation:
        """The category and labels of a message in `language`. English words count in every language."""
        fields = (_field(subject, SUBJECT_COUNTS), _field(text[:MOST_CHARACTERS], 1))
        found = self._matches(fields, tuple(dict.fromkeys((language, "en"))))
        best, score = OTHER, 0.0
        for topic in self.categories:
            points = sum(worth * phrase.points for worth, phrase in found.get(topic.id, ())) * topic.weight
            if points > score:
                best, score = topic.id, points
        labels = tuple(topic.id for topic in self.labels if topic.id in found)
        shown = (best, *labels) if score else labels
        matched = {topic: tuple(phrase.written for _, phrase in found[topic]) for topic in shown}
        return Categorisation(best, labels, matched)

    @property
    def ids(self) -> frozenset[str]:
        """Everything that a case can be about."""
        return frozenset({OTHER, *(topic.id for topic in (*self.categories, *self.labels))})

    def name(self, category: str, language: str) -> str:
        """The name of a category or label in a language."""
        for topic in (*self.categories, *self.labels):
            if topic.id == category:
                return topic.names.get(language, category)
        return category

    def _matches(self, fields: Iterable[Field], languages: Iterable[str]) -> dict[str, list[tuple[int, Phrase]]]:
        """By topic, the phrases that occur and how many times each counts, in the order of the file."""
        found: dict[str, list[tuple[int, Phrase]]] = {}
        for code in languages:
            worth: dict[int, tuple[int, Entry]] = {}
            for part in fields:
                for place, entry in self._candidates(code, part).items():
                    if self._occurs(entry.phrase, part, code):
                        worth[place] = max(worth.get(place, (0, entry)), (part.counts, entry), key=itemgetter(0))
            for _, (counts, entry) in sorted(worth.items(), key=itemgetter(0)):
                found.setdefault(entry.topic, []).append((counts, entry.phrase))
        return found

    def _candidates(self, language: str, field: Field) -> dict[int, Entry]:
        lexicon = self.lexicons.get(language)
        found = lexicon.candidates(field.words) if lexicon else ()
        return {entry.place: entry for entry in found if entry.phrase.needs <= field.words}

    def _occurs(self, phrase: Phrase, field: Field, language: str) -> bool:
        negation = self.negations.get(language)
        for match in _places(phrase, field.text):
            clause = CLAUSE_ENDS.split(field.text[max(0, match.start() - 60) : match.start()])[-1]
            before = " ".join(clause.split()[-NEGATED_WITHIN:])
            if phrase.negative or negation is None or not negation.search(before):
                return True
        return False


@lru_cache(maxsize=2)
def load_categories(toml: str) -> Categories:
    """Categories from the text of `categories.toml`. Raises `TemplateError` with what is wrong. They are
    made once of the same text: that takes a fifth of a second."""
    try:
        raw = tomllib.loads(toml)
        negations = {language: _any_of(words) for language, words in raw["negations"].items()}
        categories = tuple(_topic(item, negations) for item in raw["categories"])
        labels = tuple(_topic(item, negations) for item in raw["labels"])
        return Categories(categories, labels, negations, _lexicons((*categories, *labels)))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise TemplateError(
            f"categories.toml cannot be used: {error}.", "Compare it with the one delivered."
        ) from error


def _places(phrase: Phrase, text: str) -> "Iterator[re.Match[str]]":
    """Where a phrase occurs. Finding its first word before trying the pattern there is thirty times faster."""
    position = text.find(phrase.first)
    while position >= 0:
        match = _compiled(phrase.pattern).match(text, position)
        if match:
            yield match
        position = text.find(phrase.first, position + 1)


def _lexicons(topics: Iterable[Topic]) -> dict[str, Lexicon]:
    words: dict[str, dict[str, list[Entry]]] = {}
    beginnings: dict[str, dict[str, list[Entry]]] = {}
    listed = ((code, topic.id, phrase) for topic in topics for code, line in topic.phrases.items() for phrase in line)
    for place, (code, name, phrase) in enumerate(listed):
        shelf, key = (words, phrase.stem) if phrase.whole_word else (beginnings, phrase.stem[: FIRST_LETTERS[-1]])
        shelf.setdefault(code, {}).setdefault(key, []).append(Entry(place, name, phrase))
    return {code: Lexicon(words.get(code, {}), beginnings.get(code, {})) for code in {*words, *beginnings}}


@cache
def _compiled(pattern: str) -> "re.Pattern[str]":
    """Compiled when first needed: of some thousands of patterns a mail needs a few, and they take most of a second."""
    return re.compile(pattern)


def fold(text: str) -> str:
    """Lower case, without accents, one kind of apostrophe: how words are compared."""
    lower = text.lower()
    if lower.isascii():
        return lower
    plain = unicodedata.normalize("NFKD", APOSTROPHES.sub("'", lower).replace("ß", "ss"))
    return NOT_ASCII.sub(lambda letter: "" if unicodedata.combining(letter[0]) else letter[0], plain)


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
    stems = [
        (stem, word.endswith("*") and word.rstrip("*").endswith(stem)) for word in words for stem in WORD.findall(word)
    ]
    stem, open_ended = max(stems, key=lambda found: len(found[0]))
    return Phrase(
        written=written,
        pattern=r"(?<!\w)" + "".join(pieces).removesuffix(BETWEEN_WORDS) + r"(?!\w)",
        points=1 + EXTRA_WORD * (len(words) - 1),
        stem=stem,
        first=words[0].rstrip("*"),
        whole_word=not open_ended,
        needs=frozenset(stem for word in words if "*" not in word for stem in WORD.findall(word)),
        negative=negation is not None and negation.match(fold(written)) is not None,
    )


def _any_of(words: list[str]) -> "re.Pattern[str] | None":
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(fold(word)) for word in words) + r")(?!\w)") if words else None
