"""The configuration: one TOML file, read once into frozen models.

`load_config` reports every mistake at once, with its dotted path, what was found and what would be right. Secrets
never stand in the file: a section names an environment variable or a file, and the value is kept out of `repr`.
"""

from intake.config.base import CLOSED_ODR
from intake.config.letter_page import ENVELOPES, LetterPage, Window
from intake.config.loading import load_config, missing_secrets
from intake.config.sections import Config, Guarantees, Logging, Workers
from intake.config.servers import Mailbox, OAuth, Outgoing, Security
from intake.config.shops import SAFETY_MONTHS, DisputeBody, PostFolder, Retention, Shop
from intake.config.values import DAYS, is_loopback

__all__ = [
    "CLOSED_ODR",
    "DAYS",
    "ENVELOPES",
    "SAFETY_MONTHS",
    "Config",
    "DisputeBody",
    "Guarantees",
    "LetterPage",
    "Logging",
    "Mailbox",
    "OAuth",
    "Outgoing",
    "PostFolder",
    "Retention",
    "Security",
    "Shop",
    "Window",
    "Workers",
    "is_loopback",
    "load_config",
    "missing_secrets",
]
