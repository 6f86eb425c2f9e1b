"""Odd, damaged and hostile mail, and beside each mail what must come out of it.

Every `x.eml` in `tests/data/mail` is one trap; `x.toml` says in words which one, and what a careful person would make
of the mail. The expectations are written by hand and never taken from what Intake says. Only what an expectation
names is compared, and it is compared through the same entrance as in a child process.
"""

import hashlib
import re
import time
import tomllib
from datetime import date, datetime
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from intake.config import Mailbox, Workers
from intake.examine import Examined, Examiner, Job, Tools
from intake.reading.mail import read_attachment
from intake.rules.automatic import find_automatic
from intake.rules.categories import load_categories
from intake.rules.spam import clean, spam_sign
from intake.rules.verification import verified_sender
from intake.types import Address, Attachment, Channel, Message

CORPUS = Path(__file__).parent / "data" / "mail"
NAMES = sorted(path.stem for path in CORPUS.glob("*.eml"))
CATEGORIES = Path(__file__).parent.parent / "templates" / "categories.toml"
LANGUAGES = ("nl", "en", "de", "fr")
ARRIVED = date(2026, 9, 8)
SECONDS = 20
FEWEST = 120
LARGEST = 60_000
MOST_FILES = 20
SETTINGS = frozenset({"why", "own", "own_lists", "authserv", "host"})
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@lru_cache(maxsize=1)
def tools() -> Tools:
    """The tools of a child process: slow to make, so made once."""
    return Tools(load_categories(CATEGORIES.read_text(encoding="utf-8")))


def expectation(name: str) -> dict[str, Any]:
    return tomllib.loads((CORPUS / f"{name}.toml").read_text(encoding="utf-8"))


def original(name: str) -> bytes:
    return (CORPUS / f"{name}.eml").read_bytes()


def job(name: str) -> Job:
    own = frozenset(expectation(name).get("own", ()))
    return Job(Channel.MAIL, original(name), name, LANGUAGES, ARRIVED, own=own)


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_mail_becomes_what_a_careful_person_would_make_of_it(name: str) -> None:
    expected = expectation(name)
    examined = tools().examine(job(name))
    wrong = [
        line for key, want in expected.items() if key not in SETTINGS for line in CHECKS[key](examined, want, expected)
    ]
    assert not wrong, f"{name}: {expected['why']}\n" + "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_mail_is_read_in_time_and_can_be_stored_whole(name: str) -> None:
    started = time.monotonic()
    message = tools().examine(job(name)).message
    assert time.monotonic() - started < SECONDS
    kept = [message.subject, message.text, message.quoted, message.message_id, *message.problems]
    kept += [item.name for item in message.attachments] + [value for _, value in message.headers]
    assert not any(UNSTORABLE.search(value) for value in kept)
    for item in (*message.attachments[:MOST_FILES], *message.attachments[-1:]):
        content = read_attachment(original(name), item.part)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (item.size, item.sha256), item.name


def test_the_corpus_comes_out_of_child_processes_as_it_does_here() -> None:
    examiner = Examiner(CATEGORIES, Workers(processes=2))
    try:
        outcomes = examiner.examine([job(name) for name in NAMES])
    finally:
        examiner.close()
    for name, outcome in zip(NAMES, outcomes, strict=True):
        assert isinstance(outcome, Examined), name
        assert outcome.message == tools().examine(job(name)).message, name


def test_each_mail_has_its_expectation_and_each_expectation_its_mail() -> None:
    assert sorted(path.stem for path in CORPUS.glob("*.toml")) == NAMES
    assert len(NAMES) >= FEWEST


@pytest.mark.parametrize("name", NAMES)
def test_each_expectation_says_why_and_checks_two_things_at_least(name: str) -> None:
    expected = expectation(name)
    checked = set(expected) - SETTINGS
    assert expected["why"].strip()
    assert len(checked) >= 2
    assert checked <= set(CHECKS), "an expectation that nobody checks"
    assert len(original(name)) <= LARGEST


# What each key of an expectation compares. A check gives the lines that say what is wrong, none where all is well.


def _same(what: str, got: object, want: object) -> list[str]:
    return [] if got == want else [f"{what}: expected {want!r}, got {got!r}"]


def _plain(text: str) -> str:
    """Text without regard to how its lines are broken and blanks are doubled."""
    return " ".join(text.split())


def _lines(text: str) -> str:
    """Text without trailing blanks; blank lines count as one, since a folded line leaves two together."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.strip().splitlines()))


def _has(what: str, got: str, want: list[str]) -> list[str]:
    return [f"{what}: {word!r} is missing in {got[:300]!r}" for word in want if _plain(word) not in _plain(got)]


def _text_lacks(examined: Examined, want: list[str]) -> list[str]:
    return [f"text: has {word!r}" for word in want if word in examined.message.text]


def _sender(got: Address | None, want: dict[str, str]) -> list[str]:
    if got is None or not want:
        return _same("from", got, want or None)
    return [line for key, value in want.items() for line in _same(f"from {key}", getattr(got, key), value)]


def _suits(item: Attachment, want: dict[str, Any]) -> bool:
    """Whether an attachment is as expected; `name_lacks` and `name_bytes` bound its name."""
    bounds = {
        "name_lacks": lambda letters: not set(letters) & set(item.name),
        "name_bytes": lambda most: len(item.name.encode()) <= most,
    }
    return all(bounds[key](value) if key in bounds else getattr(item, key) == value for key, value in want.items())


def _attachments(message: Message, want: list[dict[str, Any]]) -> list[str]:
    pairs = zip_longest(message.attachments, want)
    if all(item is not None and wish is not None and _suits(item, wish) for item, wish in pairs):
        return []
    return [f"attachments: expected {want}, got {_shown(message)}"]


def _attachments_has(message: Message, want: list[dict[str, Any]]) -> list[str]:
    missing = [wish for wish in want if not any(_suits(item, wish) for item in message.attachments)]
    return [f"attachments: {wish} is missing in {_shown(message)}" for wish in missing]


def _shown(message: Message) -> list[tuple[str, str, int, bool]]:
    return [(item.name, item.media_type, item.size, item.inline) for item in message.attachments]


def _undelivered(message: Message, want: list[dict[str, Any]]) -> list[str]:
    got = [{key: getattr(item, key) for key in wish} for item, wish in zip(message.undelivered, want, strict=False)]
    if len(message.undelivered) == len(want) and got == want:
        return []
    return [f"undelivered: expected {want}, got {message.undelivered}"]


def _problems(message: Message, want: list[str]) -> list[str]:
    said = " / ".join(message.problems)
    return [f"problems: no {word!r} in {said!r}" for word in want if not re.search(word, said, re.IGNORECASE)]


def _forwarded(message: Message, want: dict[str, str]) -> list[str]:
    found = message.forwarded
    if found is None:
        return ["forwarded: nothing was found"]
    wrong = _same("forwarded from", found.sender.address if found.sender else "", want["from"])
    wrong += _has("forwarded text", found.text, [want["text_has"]] if "text_has" in want else [])
    return wrong + _has("forwarded note", found.note, [want["note_has"]] if "note_has" in want else [])


def _automatic(message: Message, want: str, expected: dict[str, Any]) -> list[str]:
    found = find_automatic(message, expected.get("own_lists", ()))
    return _same("automatic", found.kind if found else "", want)


def _verified(message: Message, want: str, expected: dict[str, Any]) -> list[str]:
    host, authserv = expected.get("host", "imap.example.nl"), tuple(expected.get("authserv", ()))
    mailbox = Mailbox(host=host, username="klachten", authserv=authserv)
    return _same("verified", verified_sender(message, mailbox).value, want)


def _sent_at(message: Message, want: str) -> list[str]:
    return _same("sent_at", message.sent_at, datetime.fromisoformat(want))


CHECKS: dict[str, Any] = {
    "from": lambda it, want, _: _sender(it.message.sender, want),
    "reply_to": lambda it, want, _: _same("reply_to", [who.address for who in it.message.reply_to], want),
    "to": lambda it, want, _: _same("to", [who.address for who in it.message.to], want),
    "subject": lambda it, want, _: _same("subject", it.message.subject, want),
    "subject_starts": lambda it, want, _: _same("subject", it.message.subject[: len(want)], want),
    "text": lambda it, want, _: _same("text", _lines(it.message.text), _lines(want)),
    "text_has": lambda it, want, _: _has("text", it.message.text, want),
    "text_lacks": lambda it, want, _: _text_lacks(it, want),
    "quoted_has": lambda it, want, _: _has("quoted", it.message.quoted, want),
    "either_has": lambda it, want, _: _has("text or quoted", f"{it.message.text}\n{it.message.quoted}", want),
    "attachments": lambda it, want, _: _attachments(it.message, want),
    "attachments_has": lambda it, want, _: _attachments_has(it.message, want),
    "sent_at": lambda it, want, _: _sent_at(it.message, want),
    "message_id": lambda it, want, _: _same("message_id", it.message.message_id, want),
    "message_id_has": lambda it, want, _: _has("message_id", it.message.message_id, [want]),
    "message_id_max": lambda it, want, _: _same("a short message_id", len(it.message.message_id) <= want, True),
    "in_reply_to": lambda it, want, _: _same("in_reply_to", list(it.message.in_reply_to), want),
    "references": lambda it, want, _: _same("references", list(it.message.references), want),
    "language": lambda it, want, _: _same("language", it.language.code, want),
    "readable": lambda it, want, _: _same("readable", it.message.readable, want),
    "noticed": lambda it, want, _: _same("noticed", bool(it.message.problems) or not it.message.readable, want),
    "encrypted": lambda it, want, _: _same("encrypted", it.message.encrypted, want),
    "signed_by_has": lambda it, want, _: _has("signed_by", it.message.signed_by, want),
    "automatic": lambda it, want, expected: _automatic(it.message, want, expected),
    "verified": lambda it, want, expected: _verified(it.message, want, expected),
    "spam": lambda it, want, _: _same("spam", bool(spam_sign(it.message)), want),
    "clean": lambda it, want, _: _same("clean", clean(it.message), want),
    "undelivered": lambda it, want, _: _undelivered(it.message, want),
    "bounced_ids": lambda it, want, _: _same("bounced_ids", list(it.message.bounced_ids), want),
    "problems_has": lambda it, want, _: _problems(it.message, want),
    "forwarded": lambda it, want, _: _forwarded(it.message, want),
    "forwarded_id": lambda it, want, _: _same(
        "forwarded id", it.message.forwarded.message_id if it.message.forwarded else "", want
    ),
    "forwarded_by": lambda it, want, _: _same(
        "forwarded_by", it.message.forwarded_by.address if it.message.forwarded_by else "", want
    ),
}
