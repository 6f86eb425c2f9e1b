"""Is a message mere thanks? Pure, and cautious: a complaint that is taken for thanks gets no draft.

A short text with a word of thanks, without a question, a figure, a word of a complaint, or a word that turns
("bedankt, maar …"). Thanks in advance ask for something.
"""

import re

from intake.rules.categories import OTHER, Categories, fold

MOST_WORDS, MOST_CHARACTERS = 40, 400
WORD = re.compile(r"[^\W\d_]+")
THANKS = re.compile(
    r"\b(dank|bedankt|dankjewel|dankuwel|dankje|thanks|thank you|thx|danke|dankeschon|vielen dank|merci|remercie"
    r"|remercions)\b"
)
# "Merci de me répondre" asks; "merci de votre réponse" does not.
REQUEST = re.compile(r"\bmerci d(e |')(?!votre|vos|ta|ton|tes|cette|ce |m'avoir|nous avoir|tout)")
DUTCH = """
    maar echter helaas niet niets niks geen nog steeds toch ondanks behalve alleen wanneer waar waarom hoe wie graag
    wacht wachten verwacht moet wil willen zou kunt kun jammer teleurgesteld alvast voorbaat probleem klacht opnieuw
    weer zodra totdat
"""
ENGLISH = """
    but however still not no never nothing yet unfortunately although though except when where why how please wait
    waiting expect must want would could can cannot don didn doesn isn hasn wasn advance problem complaint again until
    unless
"""
GERMAN = """
    aber jedoch leider noch nicht nichts kein keine keinen trotzdem dennoch allerdings ausser wann wo warum wieso wie
    bitte warte erwarte muss mochte wurde konnten konnen voraus problem beschwerde wieder sobald bis
"""
FRENCH = """
    mais cependant toutefois pourtant malheureusement encore pas ne jamais rien toujours sauf quand ou pourquoi comment
    attends attendons dois veux voudrais pouvez pourriez avance probleme reclamation nouveau n plait svp
"""
TURNS = frozenset(f"{DUTCH} {ENGLISH} {GERMAN} {FRENCH}".split())


def is_mere_thanks(text: str, categories: Categories, language: str) -> bool:
    """Whether the new text of a message says thanks and nothing else. Its subject is that of the complaint."""
    folded = fold(text[:MOST_CHARACTERS])
    words = WORD.findall(folded)
    if len(text) > MOST_CHARACTERS or len(words) > MOST_WORDS or THANKS.search(folded) is None:
        return False
    if TURNS.intersection(words) or REQUEST.search(folded) or any(sign in "?€$[" or sign.isdigit() for sign in folded):
        return False
    found = categories.of("", text, language)
    return found.category == OTHER and not found.labels
