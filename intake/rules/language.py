"""Which of the shop's languages a text is in; the shop's default where the text does not say.

Uses py3langid, whose model is a file: the caller makes one `Languages` and keeps it.
"""

from collections.abc import Sequence
from itertools import islice

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from intake.types import Language

SURE = 0.80
FEWEST_LETTERS = 12
MOST_CHARACTERS = 2000


class Languages:
    """A language identifier over the shop's languages. Not thread-safe: one for each process or thread."""

    def __init__(self) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._among: tuple[str, ...] = ()

    def of(self, text: str, languages: Sequence[str]) -> Language:
        """The language of a text among `languages`, whose first is the default. A text without features is given
        a language by the model too ("Hallo" is 37 % English), hence the threshold."""
        sample = text[:MOST_CHARACTERS]
        if len(languages) == 1 or not _says_enough(sample):
            return Language(languages[0], 0.0, len(languages) == 1)
        if self._among != tuple(languages):
            self._identifier.set_languages(list(languages))
            self._among = tuple(languages)
        code, confidence = self._identifier.classify(sample)
        if float(confidence) < SURE:
            return Language(languages[0], float(confidence), False)
        return Language(str(code), float(confidence), True)


def _says_enough(sample: str) -> bool:
    return sum(1 for _ in islice(filter(str.isalpha, sample), FEWEST_LETTERS)) == FEWEST_LETTERS
