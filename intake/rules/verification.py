"""Does the shop's own mail server vouch for the sender? RFC 8601 (Authentication-Results), RFC 7489 (DMARC).

Only the word of our own server counts: anybody can write such a header, and a server that is not ours may believe
anybody. Of ours only the topmost counts, since what a sender brings along stands below what our server adds. Nothing
is checked anew here, and nothing is looked up.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from intake.config import Mailbox
from intake.types import Message, Verified

GOOGLE_HOSTS = frozenset({"imap.gmail.com", "imap.googlemail.com"})
GOOGLE = ("mx.google.com",)
MICROSOFT_HOSTS = ("office365.com", "outlook.office.com", "outlook.com")
MICROSOFT = re.compile(r"(^|\.)(protection\.outlook\.com|microsoft\.com)$")
# Registries that hand out names below a second level, where a mail host's own domain has three labels.
SECOND_LEVELS = frozenset({"co", "com", "net", "org", "gov", "ac", "edu", "ne", "or", "gv", "asso"})
MAX_VALUE = 16 * 1024
PIECE = re.compile(r'\\.|"(?:[^"\\]|\\.)*"|[();=]|[^\s();="]+|["\\]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict, and the sign in words (empty where there is none)."""

    verdict: Verified
    sign: str = ""


@dataclass(slots=True)
class _Result:
    """One result of a method: `dkim`, `pass`, and its properties (`header.d`)."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


def verified_sender(message: Message, mailbox: Mailbox | None) -> Verified:
    """Whether our own server vouches for who wrote it. Of a forward, and of mail through a group of the shop, it
    vouches for whoever passed it on, not for the writer."""
    passed_on = message.forwarded_by is not None or (
        mailbox is not None and message.sender is not None and message.sender.key in _lower(mailbox.own_lists)
    )
    return Verified.UNKNOWN if passed_on else verify(message, mailbox).verdict


def verify(message: Message, mailbox: Mailbox | None) -> Verification:
    """The verdict on whoever sent it last, with its sign: DMARC decides; without it DKIM or SPF of the sender's own
    domain say yes, and both failing says no."""
    sender = message.forwarded_by or message.sender
    if mailbox is None or sender is None:
        return Verification(Verified.UNKNOWN)
    results = _own_results(message, mailbox)
    domain = sender.key.rpartition("@")[2]
    dmarc = [item.result for item in results if item.method == "dmarc" and _is_about(item, domain)]
    if dmarc and dmarc[0] in ("pass", "fail"):
        verdict = Verified.YES if dmarc[0] == "pass" else Verified.NO
        return Verification(verdict, f"our mail server says dmarc={dmarc[0]}")
    for item in results:
        if item.result == "pass" and _is_aligned(item, domain):
            return Verification(Verified.YES, f"our mail server says {item.method}=pass for {_domain_of(item)}")
    methods = ("dkim", "spf")
    outcomes = {method: {item.result for item in results if item.method == method} for method in methods}
    if all(outcomes[method] == {"fail"} for method in methods):
        return Verification(Verified.NO, "our mail server says dkim=fail and spf=fail")
    return Verification(Verified.UNKNOWN)


def _own_results(message: Message, mailbox: Mailbox) -> list[_Result]:
    """The results in the topmost header of our own server. Where it is known by its domain alone, that header stands
    above the first Received: what is further down may have come with the mail."""
    for name, value in message.headers:
        if name == "received" and not (mailbox.authserv or _is_of_a_provider(mailbox)):
            return []
        if name == "authentication-results":
            server, results = _parsed(value[:MAX_VALUE])
            if _is_ours(server, mailbox):
                return results
    return []


def _is_of_a_provider(mailbox: Mailbox) -> bool:
    """Whether the server is one that takes away or renames such headers when they come from outside."""
    host = mailbox.host.lower().rstrip(".")
    return host in GOOGLE_HOSTS or any(host == name or host.endswith(f".{name}") for name in MICROSOFT_HOSTS)


def _is_about(item: _Result, domain: str) -> bool:
    """Whether a DMARC result is about the sender's domain, as far as it says so."""
    about = item.properties.get("header.from", "").rpartition("@")[2].strip().lower().rstrip(".")
    return not about or _registered(about) == _registered(domain)


def _lower(names: Iterable[str]) -> set[str]:
    return {name.strip().lower() for name in names}


def _is_ours(server: str, mailbox: Mailbox) -> bool:
    if mailbox.authserv:
        return server in {name.lower().rstrip(".") for name in mailbox.authserv}
    host = mailbox.host.lower().rstrip(".")
    if host in GOOGLE_HOSTS:
        return server in GOOGLE
    if any(host == name or host.endswith(f".{name}") for name in MICROSOFT_HOSTS):
        # Exchange Online gives its topmost header no name, or one of its own.
        return not server or MICROSOFT.search(server) is not None
    return bool(server) and "." in host and _registered(server) == _registered(host)


def _registered(host: str) -> str:
    """The registered domain of a host: its last two labels, three below a registry like co.uk. An address of numbers
    is only itself."""
    labels = host.strip("[]").split(".")
    if all(label.isdigit() for label in labels):
        return host
    deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS
    return ".".join(labels[-3:] if deep else labels[-2:])


def _is_aligned(item: _Result, domain: str) -> bool:
    """Relaxed alignment (RFC 7489 section 3.1): the same registered domain."""
    found = _domain_of(item)
    return bool(found) and item.method in ("dkim", "spf") and _registered(found) == _registered(domain)


def _domain_of(item: _Result) -> str:
    names = ("header.d", "header.i") if item.method == "dkim" else ("smtp.mailfrom", "smtp.mail")
    value = next((item.properties[name] for name in names if item.properties.get(name)), "")
    return value.rpartition("@")[2].strip().lower().rstrip(".")


def _parsed(value: str) -> tuple[str, list[_Result]]:
    """(authserv-id, results). A header without an id begins with a result at once."""
    server = ""
    results: list[_Result] = []
    for number, tokens in enumerate(_statements(value)):
        if number == 0 and "=" not in tokens:
            server = tokens[0].strip('"').lower().rstrip(".") if tokens else ""
            continue
        result = _result(tokens)
        if result is not None:
            results.append(result)
    return server, results


def _statements(value: str) -> Iterator[list[str]]:
    """The words of each statement, without comments (which nest, RFC 5322 section 3.2.2)."""
    words: list[str] = []
    depth = 0
    for piece in PIECE.findall(value):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif piece == ";":
            yield words
            words = []
        else:
            words.append(piece)
    yield words


def _result(words: list[str]) -> _Result | None:
    """`dkim=pass header.d=example.com`; None for what is none."""
    pairs: list[tuple[str, str]] = []
    for position, word in enumerate(words):
        if word == "=" and 0 < position < len(words) - 1:
            pairs.append((words[position - 1].lower(), words[position + 1].strip('"').lower()))
    if not pairs or words[1:2] != ["="]:
        return None
    (method, outcome), rest = pairs[0], pairs[1:]
    return _Result(method.partition("/")[0], outcome, dict(reversed(rest)))
