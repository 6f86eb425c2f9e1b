"""The configuration: one TOML file, read once into frozen models.

`load_config` reports every mistake at once, with its dotted path, what was found and what would be right. Secrets
never stand in the file: a section names an environment variable or a file, and the value is kept out of `repr`.
"""

from intake.config.base import CLOSED_ODR
from intake.config.letter_page import ENVELOPES, LetterPage, Window
from intake.config.loading import load_config, missing_secrets
from intake.config.sections import (
    DAYS,
    Config,
    Logging,
    Mailbox,
    Outgoing,
    PostFolder,
    Security,
    Shop,
    Workers,
)

__all__ = [
    "CLOSED_ODR",
    "DAYS",
    "ENVELOPES",
    "Config",
    "LetterPage",
    "Logging",
    "Mailbox",
    "Outgoing",
    "PostFolder",
    "Security",
    "Shop",
    "Window",
    "Workers",
    "load_config",
    "missing_secrets",
]
