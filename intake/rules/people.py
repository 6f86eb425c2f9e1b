"""Who wrote a message, who sent it last, and who may join its case.

Whom a mail is *from*, and who *wrote* it, are two things. It is from whoever sent it last: a colleague, a form, a
group. The writer is the customer: whom a colleague's forward names, whom a form or a group names in its headers.
Nothing here decides what becomes of a message.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from intake.config import Shop
from intake.rules.names import LEGAL_FORM, PARTICLES, folded, is_organisation, without_title
from intake.types import Address, Message

VIA = re.compile(r"\s+(?:via|durch|door)\s.{1,100}$", re.IGNORECASE)
WORDS = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
APOSTROPHES = re.compile(r"(?<=\w)['\u2019\u02bc`\u00b4](?=\w)")
ONE_ADDRESS = re.compile(r"[^\s<>\[\]()\"',;:@]{1,64}@[^\s<>\[\]()\"',;:@]{1,250}")


def participant_keys(message: Message, shop: Shop) -> tuple[str, ...]:
    """Who may later join this message's case without being asked: its writer's addresses; for a letter, name and
    postcode together (a name alone is nobody). A colleague who forwards is no participant."""
    people = [message.sender, _listed_writer(message, shop), *(() if message.forwarded_by else message.reply_to)]
    keys = [person.key for person in people if person is not None and person.address]
    keys = [key for key in keys if not shop.owns(key)]
    postal = message.postal
    name = name_key(postal.name or postal.organisation) if postal is not None else ""
    if postal is not None and name and postal.postal_code:
        keys.append(f"post:{name}|{''.join(postal.postal_code.split()).upper()}")
    return tuple(dict.fromkeys(keys))


def name_key(name: str) -> str:
    """A name for comparing: the first initial and the surname with its particles, without title, accents and case, so
    that "Dhr. A. de Boer" and "Anna de Boer" agree and "B. de Boer" does not. An organisation keeps all its words but
    the legal form; a surname alone has no initial, and agrees with no first name. "" where there is no letter.

    Where no particle says where the surname begins, it is the last word: "Anna Maria Jansen" is "A.M. Jansen"."""
    if is_organisation(name):
        return " ".join(WORDS.findall(folded(LEGAL_FORM.sub(" ", name))))
    surname, comma, given = APOSTROPHES.sub("", without_title(name)).partition(",")
    words = WORDS.findall(folded(f"{given} {surname}" if comma and given.strip() else surname))
    particle = next((place for place, word in enumerate(words) if word in PARTICLES), len(words) - 1)
    first = next((place for place, word in enumerate(words) if word not in PARTICLES), 0)
    if len(words) < 2 or particle < first:
        return " ".join(words)
    return " ".join((words[0][0], *words[max(particle, 1) :]))


def writer_keys(message: Message, shop: Shop) -> tuple[str, ...]:
    """Who wrote this message. A stranger may put anybody into Reply-To, so it counts for mail of the shop's own
    domain and of its forms only."""
    sender = message.sender
    if sender is None or shop.owns(sender.key) or is_form(message, shop):
        return participant_keys(message, shop)
    return participant_keys(replace(message, reply_to=()), shop)


def complainant_of(message: Message, shop: Shop) -> tuple[str, str]:
    """Whose complaint it is, as (name, address): whom a colleague's forward names; whom a group of the shop names as
    the original sender; the foreign Reply-To of mail from the shop's own domain or from a form; else the sender. A
    sender with a Reply-To of his own is answered there. A colleague who forwards what names nobody, and a form that
    names nobody, do not complain: ("", "")."""
    sender = message.sender
    if sender is not None and message.forwarded_by is not None:
        return sender.name, sender.address
    writer = _listed_writer(message, shop)
    if writer is not None:
        return writer.name, writer.address
    foreign = [person for person in message.reply_to if not shop.owns(person.key)]
    if sender is None or shop.owns(sender.key) or is_form(message, shop):
        return (foreign[0].name, foreign[0].address) if foreign else ("", "")
    return sender.name, foreign[0].address if foreign else sender.address


def _listed_writer(message: Message, shop: Shop) -> Address | None:
    """Whom a group of the shop's names as the writer, where it put itself into From ("Jan via Klachten"), as Google
    Groups and Mailman do for senders whose domain forbids passing on (RFC 7960 section 4.1). X-Original-From and
    Reply-To name him; X-Original-Sender is only the envelope's."""
    sender, mailbox = message.sender, shop.mailbox
    if sender is None or mailbox is None or sender.key not in {item.strip().lower() for item in mailbox.own_lists}:
        return None
    headers = dict(reversed(message.headers))
    named = [*_addresses(headers.get("x-original-from", "")), *message.reply_to]
    named += _addresses(headers.get("x-original-sender", ""))
    writer = next((person for person in named if not shop.owns(person.key)), None)
    name = VIA.sub("", sender.name).strip(" '\"") if VIA.search(sender.name) else ""
    return None if writer is None else Address(writer.name or name, writer.address)


def _addresses(value: str) -> list[Address]:
    """The one address in a header of a group's: `Jan <jan@example.com>`, or bare."""
    match = ONE_ADDRESS.search(value[:1000])
    return [Address(value[: match.start()].strip(" <'\""), match[0])] if match else []


def sent_by(message: Message) -> Address | None:
    """Who sent it last: the colleague who forwarded it, else its sender."""
    return message.forwarded_by or message.sender


def is_form(message: Message, shop: Shop) -> bool:
    return shop.mailbox is not None and is_listed(message, shop.mailbox.forms)


def is_listed(message: Message, entries: Iterable[str]) -> bool:
    """Whether whoever sent it last is among `entries`, which are addresses or domains."""
    sender = sent_by(message)
    return sender is not None and is_entry(sender.key, entries)


def is_entry(address: str, entries: Iterable[str]) -> bool:
    """Whether an address, or its domain, is among `entries`."""
    key = address.strip().lower()
    return any(entry.lower().lstrip("@") in (key, key.rpartition("@")[2]) for entry in entries)
