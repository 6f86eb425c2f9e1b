"""What the shop's own mail server says of spam, in the headers that it adds.

A sender can forge such a verdict only to his own disadvantage, so any of them is believed; a verdict of *clean* can
be forged, so it counts where our own server wrote it: above what came with the mail. Points, stars and levels are no
verdict: where the server draws the line is its own affair.
"""

import re
from collections.abc import Callable
from itertools import takewhile

from intake.types import Message

MAX_VALUE = 4096
# No name that a sender gives himself in a Received has a space in it.
HANDED_ON = re.compile(r"\bby\s+\S+\s+(?:\([^()]*\)\s+)?with\s+LMTPS?A?\b")
SPAM_LEVEL = 5  # Microsoft: 5 and 6 are spam, 7 to 9 spam for sure, -1 is let through, 0 and 1 are clean
MICROSOFT_SPAM = frozenset({"spm", "sks", "skb", "blk"})
RSPAMD_SPAM = ("reject", "add header", "add_header", "rewrite subject", "rewrite_subject", "soft reject spam")


def spam_sign(message: Message) -> str:
    """The verdict in words, empty where no server calls the mail spam."""
    allowed = any(
        _microsoft(value) not in ("", *MICROSOFT_SPAM) for value in _values(message, "x-forefront-antispam-report")
    )
    for name, value in message.headers:
        check = SIGNS.get(name)
        sign = check(name, value.strip().lower()) if check else ""
        if sign and not (allowed and name in MICROSOFT):
            return sign
    return ""


def clean(message: Message, *, vouched: bool = False) -> bool:
    """Whether a server that looked for spam found none: a positive verdict, not the absence of one. Where our server
    vouches for the sender it may stand anywhere, else only above what came with the mail."""
    if spam_sign(message):
        return False
    headers = message.headers if vouched else takewhile(_is_ours, message.headers)
    return any(name in CLEAN and CLEAN[name](value.strip().lower()) for name, value in headers)


def _is_ours(header: tuple[str, str]) -> bool:
    """Whether a header and those below it may be our server's: the first `Received` ends them. Where the server hands
    a mail on to the one that keeps it (LMTP, RFC 2033), that one's stands above."""
    name, value = header
    return name != "received" or HANDED_ON.search(value[:MAX_VALUE]) is not None


def _values(message: Message, wanted: str) -> list[str]:
    return [value for name, value in message.headers if name == wanted]


def _says_yes(name: str, value: str) -> str:
    return f"{name.title()}: yes" if re.match(r"(yes|true)\b", value) else ""


def _rspamd_result(_name: str, value: str) -> str:
    return "Rspamd's result" if re.match(r"[a-z_]{1,30}:\s*true\b", value) else ""


def _rspamd_action(_name: str, value: str) -> str:
    return f"Rspamd: {value[:30]}" if value.startswith(RSPAMD_SPAM) else ""


def _gmail(_name: str, value: str) -> str:
    return "X-Gm-Spam: 1" if value == "1" else ""


def _level(_name: str, value: str) -> str:
    found = re.match(r"-?\d{1,3}", value)
    return f"SCL {found[0]}" if found and int(found[0]) >= SPAM_LEVEL else ""


def _forefront(_name: str, value: str) -> str:
    word = _microsoft(value)
    if word in MICROSOFT_SPAM:
        return f"X-Forefront-Antispam-Report: SFV:{word.upper()}"
    level = re.search(r"(?:^|;)\s*scl:(-?\d{1,3})", value)
    return _level("", level[1]) if level and not word else ""


def _microsoft(value: str) -> str:
    """The filter's verdict (SFV) of Exchange Online, empty where it gives none."""
    found = re.search(r"(?:^|;)\s*sfv:([a-z]{2,5})", value.strip().lower())
    return found[1] if found else ""


def _proofpoint(_name: str, value: str) -> str:
    return "X-Proofpoint-Spam-Details: spam" if re.match(r"rule=([a-z_]*_)?(spam|phish|malware)\b", value) else ""


SIGNS: dict[str, Callable[[str, str], str]] = {
    "x-spam-flag": _says_yes,
    "x-spam-status": _says_yes,
    "x-spam": _says_yes,
    "x-barracuda-spam-flag": _says_yes,
    "x-barracuda-spam-status": _says_yes,
    "x-spamd-result": _rspamd_result,
    "x-rspamd-action": _rspamd_action,
    "x-spam-action": _rspamd_action,
    "x-gm-spam": _gmail,
    "x-ms-exchange-organization-scl": _level,
    "x-forefront-antispam-report": _forefront,
    "x-proofpoint-spam-details": _proofpoint,
}
MICROSOFT = frozenset({"x-ms-exchange-organization-scl", "x-forefront-antispam-report"})
CLEAN: dict[str, Callable[[str], bool]] = {
    "x-spam-flag": lambda value: value.startswith("no"),
    "x-spam-status": lambda value: value.startswith("no"),
    "x-spam": lambda value: value.startswith("no"),
    "x-barracuda-spam-status": lambda value: value.startswith("no"),
    "x-barracuda-spam-flag": lambda value: value.startswith("no"),
    "x-spamd-result": lambda value: re.match(r"[a-z_]{1,30}:\s*false\b", value) is not None,
    "x-rspamd-action": lambda value: value.startswith("no action"),
    "x-gm-spam": lambda value: value == "0",
    "x-ms-exchange-organization-scl": lambda value: re.fullmatch(r"-1|0|1", value) is not None,
    "x-forefront-antispam-report": lambda value: _microsoft(value) in ("nspm", "ski", "skn", "ska", "skq"),
    "x-proofpoint-spam-details": lambda value: value.startswith("rule=notspam"),
}
