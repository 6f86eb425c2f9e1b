"""Mere thanks, and what only begins like thanks."""

from functools import cache

import pytest

from intake.bootstrap import CATEGORIES
from intake.rules.categories import Categories, load_categories
from intake.rules.thanks import is_mere_thanks


@cache
def categories() -> Categories:
    return load_categories(CATEGORIES.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "Hartelijk dank voor uw snelle reactie en de oplossing!\n\nMet vriendelijke groet,\nJan Jansen"),
        ("nl", "Dank u wel, prima geregeld."),
        ("nl", "Top, bedankt!"),
        ("en", "Thank you very much, all is well now.\n\nKind regards,\nJane"),
        ("en", "Thanks, much appreciated."),
        ("de", "Vielen Dank für die schnelle Hilfe!"),
        ("de", "Super, danke Ihnen, schönes Wochenende!"),
        ("fr", "Je vous remercie de votre réponse, tout est réglé."),
        ("fr", "Merci beaucoup pour votre aide."),
        ("fr", "Merci de votre réponse !"),
    ],
)
def test_mere_thanks_are_known(language: str, text: str) -> None:
    assert is_mere_thanks(text, categories(), language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "Bedankt, maar hij doet het nog steeds niet."),
        ("nl", "Bedankt. Wanneer komt hij?"),
        ("nl", "Alvast bedankt voor uw reactie."),
        ("nl", "Bij voorbaat dank."),
        ("nl", "Dank. Ik kreeg 20 euro te weinig."),
        ("nl", "Bedankt voor de terugbetaling"),
        ("nl", "Bedankt. Graag hoor ik van u."),
        ("nl", "Prima zo."),
        ("nl", ""),
        ("nl", "Bedankt. " + "Dit is een lang verhaal over van alles en nog wat. " * 8),
        ("en", "Thanks for nothing."),
        ("en", "Thank you, but it is broken again."),
        ("en", "Thanks in advance for your help."),
        ("en", "Thanks, it still doesn't work"),
        ("de", "Danke, aber der Staubsauger ist kaputt."),
        ("de", "Vielen Dank im Voraus für Ihre Hilfe."),
        ("de", "Danke. Leider fehlt ein Teil."),
        ("fr", "Merci d'avance pour votre réponse."),
        ("fr", "Merci, mais je n'ai rien reçu."),
        ("fr", "Merci de me rembourser."),
        ("fr", "Merci de me répondre rapidement."),
    ],
)
def test_what_asks_for_something_or_turns_is_no_mere_thanks(language: str, text: str) -> None:
    assert not is_mere_thanks(text, categories(), language)
