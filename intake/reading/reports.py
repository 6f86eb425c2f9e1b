"""Bounces: who did not get a mail, why, and which mail it was. RFC 3464 (delivery status), RFC 6522 (reports).

Also for servers that write theirs in plain words: qmail, Exim, sendmail, Exchange, Gmail, Domino. Whether a mail is a
bounce at all is decided elsewhere (`rules.automatic`); this reads only mail that has some sign of it, since anybody
can quote a bounce.
"""

import re
from collections.abc import Iterable

from intake.reading.decoding import decode, decode_header, fit_id, one_line
from intake.reading.mime import FIELD, Fields, Part, fields_of, payload
from intake.types import Undelivered

MOST_ANSWERED = 10
MAX_REPORTED = 100
MAX_READ = 256 * 1024
MAX_WORDS = 400
RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
UNDELIVERED_ACTIONS = {"failed": True, "delayed": False}
SERVERS = re.compile(
    r"(mailer[-_]?daemon|postmaster|mail[-_ ]?delivery|mdaemon|microsoftexchange[0-9a-f]*)@?", re.IGNORECASE
)
SUBJECTS = re.compile(
    r"undeliver|not delivered|delivery (status|failure|has failed|problem|delayed)|mail delivery|returned mail|"
    r"failure notice|message you sent|mail system error|onbestelbaar|niet[- ]bezorgd|niet bestelbaar|unzustellbar|"
    r"nicht zugestellt|non remis|échec de (la )?remise|non distribu|warning: (could not send|message)",
    re.IGNORECASE,
)
# Where the returned copy begins in a report of plain words.
COPY_STARTS = re.compile(
    r"^[ \t]*(--.{0,120}?(copy of|original message|oorspronkelijk|ursprüngliche|message header|returned message|"
    r"transcript of|message d'origine).{0,80}|original message headers:?|oorspronkelijke berichtkoppen:?|"
    r"ursprüngliche nachrichtenkopfzeilen:?|en-têtes du message d'origine:?|return-path: .{0,200})[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
QUOTED_ID = re.compile(r"^[> \t]*message-id:[ \t]*\n?[ \t]*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
ADDRESS = r"[A-Za-z0-9_+][A-Za-z0-9._%+=/!#$&'*^{|}~-]{0,63}@[A-Za-z0-9.-]{1,250}[A-Za-z0-9]"
# What stands around a recipient who did not get it, the surest first.
RECIPIENTS = (
    re.compile(rf"^[ \t]*<({ADDRESS})>:?[ \t]*(?=$|\s|\()", re.MULTILINE),
    re.compile(rf"^[ \t]+({ADDRESS})[ \t]*$", re.MULTILINE),
    re.compile(
        rf"(?:delivered to|deliver(?: your message)? to|message to|bezorgd (?:bij|aan)|bericht (?:aan|naar)|"
        rf"nachricht an|zugestellt werden an|message à|remis à)[ \t\n]{{1,5}}[\"'<(]{{0,2}}(?:mailto:)?({ADDRESS})",
        re.IGNORECASE,
    ),
    re.compile(rf"[(<\[](?:mailto:)?({ADDRESS})[)>\]]"),
    re.compile(rf"({ADDRESS})"),
)
XTEXT = re.compile(r"\+([2-7][0-9A-F])")  # RFC 3461 section 4
CODE = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
REPLY_CODE = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")
FULL = re.compile(
    r"mailbox (is )?full|over ?quota|quota exceeded|postvak (is )?vol|postfach (ist )?voll|boîte .{0,20}pleine",
    re.IGNORECASE,
)
UNKNOWN = re.compile(
    r"user unknown|unknown user|no such user|address not found|not listed in|user not found|recipient not found|"
    r"does not exist|doesn't exist|couldn't be found|bestaat niet|niet gevonden|unbekannt|inconnu",
    re.IGNORECASE,
)
WAITING = re.compile(
    r"will (keep trying|be retried|continue to)|still (being|trying)|delayed|not yet (been )?delivered|"
    r"no action is required|vertraagd|verzögert|you do not need to resend|temporary failure|temporarily deferred",
    re.IGNORECASE,
)  # fmt: skip
GIVEN_UP = re.compile(r"permanent|giving up|gave up|fatal|could not be delivered|undeliverable|expired", re.IGNORECASE)


def has_sign(fields: Fields, leaves: Iterable[Part], sender: str, subject: str) -> bool:
    """Whether a mail may be a bounce, so that it is worth reading as one."""
    if any(leaf.media_type in STATUS_TYPES for leaf in leaves):
        return True
    names = {name: value for name, value in fields if name in ("return-path", "x-failed-recipients", "content-type")}
    if "x-failed-recipients" in names or "report" in names.get("content-type", "")[:40].lower():
        return True
    if "return-path" in names and not names["return-path"].strip("<> \t"):
        return SUBJECTS.search(subject) is not None or SERVERS.match(sender) is not None
    return SERVERS.match(sender) is not None


def actions(leaves: Iterable[Part]) -> tuple[str, ...]:
    """What a delivery status says was done (RFC 3464 section 2.3.3): `failed`, `delayed`, `delivered`, `relayed`,
    `expanded`."""
    groups = (group for leaf in leaves if leaf.media_type in STATUS_TYPES for group in _groups(leaf))
    return tuple(_word(group["action"]) for group in groups if "action" in group)


def read_undelivered(fields: Fields, leaves: list[Part], text: str) -> tuple[Undelivered, ...]:
    """The recipients whom a bounce reports about, from its status part, else from its words."""
    found = [
        item
        for leaf in leaves
        if leaf.media_type in STATUS_TYPES
        for group in _groups(leaf)
        if (item := _recipient(group)) is not None
    ]
    if not any(leaf.media_type in STATUS_TYPES for leaf in leaves):
        found = _in_words(fields, leaves, text)
    return tuple(dict.fromkeys(found))[:MAX_REPORTED]


def returned_ids(leaves: Iterable[Part], text: str) -> tuple[str, ...]:
    """The Message-IDs of the mails that a report brings back, attached or quoted in its text; then those that they
    answer, since a mail program may have given what it sent an id of its own."""
    found: list[str] = []
    for leaf in leaves:
        if leaf.media_type in RETURNED:
            fields = _returned_fields(leaf)
            for wanted in ("message-id", "in-reply-to", "references"):
                values = [value for name, value in fields if name == wanted]
                ids = [fit_id(match) for value in values for match in re.findall(r"<[^<>\s]+>", one_line(value))]
                found += reversed(ids[-MOST_ANSWERED:])
        elif leaf.media_type in STATUS_TYPES:
            found += QUOTED_ID.findall(decode(payload(leaf)[:MAX_READ]).replace("Original-Message-ID", "Message-ID"))
    return tuple(dict.fromkeys(found or QUOTED_ID.findall(text[:MAX_READ])))[:20]


def _returned_fields(leaf: Part) -> Fields:
    return fields_of(payload(leaf)[:MAX_READ].lstrip(), [])


def _groups(leaf: Part) -> list[dict[str, str]]:
    """The fields of each recipient; the first group is about the message."""
    raw = payload(leaf)[:MAX_READ].replace(b"\r\n", b"\n")
    groups: list[dict[str, str]] = []
    for block in re.split(rb"\n[ \t]*\n", raw)[: MAX_REPORTED * 2]:
        group: dict[str, str] = {}
        for match in FIELD.finditer(block):
            value = match[2][:4000].decode("ascii", "surrogateescape")
            group.setdefault(match[1].decode("ascii").lower(), decode_header(value))
        groups.append(group)
    return groups


def _recipient(group: dict[str, str]) -> Undelivered | None:
    """The original recipient is whom we wrote to; the final one is where it was forwarded to (section 2.3.1)."""
    action = _word(group.get("action", ""))
    final = _address(group.get("final-recipient", ""))
    original = _address(group.get("original-recipient", ""))
    if original != final:
        original = XTEXT.sub(lambda code: chr(int(code[1], 16)), original)
    addresses = list(filter(None, (original, final, _address(group.get("x-actual-recipient", "")))))
    if not addresses or (action and action not in UNDELIVERED_ACTIONS):
        return None
    status = CODE.search(group.get("status", "")) or CODE.search(group.get("diagnostic-code", ""))
    words = re.sub(r"^[a-z0-9-]{1,20};\s*", "", group.get("diagnostic-code", ""), flags=re.IGNORECASE)
    is_final = UNDELIVERED_ACTIONS.get(action, not (status and status[1].startswith("4")))
    return Undelivered(addresses[0], status[1] if status else "", words[:MAX_WORDS], is_final)


def _word(value: str) -> str:
    return (value.lower().split() or [""])[0].strip(";(")


def _address(value: str) -> str:
    """`rfc822; jan@example.com` → the address; RFC 6533's escapes and unknown types as they are."""
    text = value.partition(";")[2] if ";" in value else value
    return text.strip().strip("<>").strip()


def _in_words(fields: Fields, leaves: list[Part], text: str) -> list[Undelivered]:
    named = [value for name, value in fields if name == "x-failed-recipients"]
    copy = COPY_STARTS.search(text)
    report = text[: copy.start() if copy else len(text)][:MAX_READ]
    addresses = re.findall(ADDRESS, decode_header(",".join(named))) or _written(report, fields, leaves)
    return [_as_told(address, report) for address in dict.fromkeys(addresses[:MAX_REPORTED])]


def _written(report: str, fields: Fields, leaves: list[Part]) -> list[str]:
    """The recipients that a report names: those whom the returned mail was for, else those who stand where reports
    put them. The servers' own addresses are none."""
    own = {address.lower() for name, value in fields if name in ("from", "to", "sender", "reply-to")
           for address in re.findall(ADDRESS, value)}  # fmt: skip
    returned = [value for leaf in leaves if leaf.media_type in RETURNED for name, value in _returned_fields(leaf)
                if name in ("to", "cc", "bcc")]  # fmt: skip
    lowered = report.lower()
    meant = [address for value in returned for address in re.findall(ADDRESS, value) if address.lower() in lowered]
    if meant:
        return meant
    for pattern in RECIPIENTS:
        found = [address for address in pattern.findall(report) if not _is_server(address, own)]
        if found:
            return found if pattern is not RECIPIENTS[-1] else found[:1]
    return []


def _is_server(address: str, own: set[str]) -> bool:
    return address.lower() in own or SERVERS.match(address) is not None


def _as_told(address: str, report: str) -> Undelivered:
    """What the report says after a recipient's name, up to the next blank line but one."""
    start = max(report.lower().find(address.lower()), 0)
    told = re.split(r"\n[ \t]*\n[ \t]*\n|\n[ \t]*\n(?=[ \t]*<)", report[start + len(address) : start + 3000])[0]
    words = " ".join(told.strip(" \t\r\n>:'\")").split())[:MAX_WORDS]
    status = CODE.search(words) or CODE.search(report)
    if status is not None:
        code = status[1]
    else:
        code = "5.2.2" if FULL.search(report) else "5.1.1" if UNKNOWN.search(report) else ""
        reply = REPLY_CODE.search(words)
        code = code or (f"{reply[1]}.0.0" if reply else "")
    final = not code.startswith("4") and (GIVEN_UP.search(report) is not None or WAITING.search(report) is None)
    return Undelivered(address, code, words, final)
