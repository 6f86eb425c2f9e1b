"""Writes sets of UIDs and searches, and reads the answers to UID FETCH. Pure: it asks nothing of a server.

imapclient's own `fetch` takes the sequence number of an answer that names no UID for its UID, and so would give one
mail the text of another. Such answers (a person marks a mail as read while we fetch) are left out here.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone

from imapclient.response_parser import parse_response

IDS_IN_A_COMMAND = 200
BODY, HEADER = b"BODY[]", b"BODY[HEADER"
HEADER_AT_MOST = 64 * 1024
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# RFC 3501 section 9, date-time; some servers write a day below 10 without its leading blank.
INTERNALDATE = re.compile(rb"\s?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d)(?: ([+-])(\d\d)(\d\d))?\s*\Z")

Answer = dict[bytes, object]


def by_uid(records: Sequence[object]) -> dict[int, Answer]:
    """What was answered for each UID: item (upper case) to value. `records` is what imaplib keeps of untagged FETCH
    answers. Raises imapclient's `ProtocolError` or `ValueError` on what is no IMAP."""
    found: dict[int, Answer] = {}
    tokens = iter(parse_response([record for record in records if record is not None]))
    for _sequence, items in zip(tokens, tokens, strict=True):
        if not isinstance(items, tuple):
            raise ValueError("an answer to FETCH that cannot be read")
        pairs = zip(items[::2], items[1::2], strict=True)
        answer = {key.upper(): value for key, value in pairs if isinstance(key, bytes)}
        uid = answer.get(b"UID")
        if isinstance(uid, int):
            found.setdefault(uid, {}).update(answer)
    return found


def size(answer: Answer) -> int:
    """RFC822.SIZE; 0 where the server does not tell it."""
    told = answer.get(b"RFC822.SIZE")
    return told if isinstance(told, int) else 0


def received_at(answer: Answer) -> datetime | None:
    """INTERNALDATE, aware, UTC; None where the server does not tell it, or not a moment that exists."""
    told = answer.get(b"INTERNALDATE")
    match = INTERNALDATE.match(told) if isinstance(told, bytes) else None
    if match is None or match[2].lower().decode() not in MONTHS:
        return None
    day, year, hour, minute, second = (int(match[part]) for part in (1, 3, 4, 5, 6))
    ahead = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0))
    try:
        zone = timezone(-ahead if match[7] == b"-" else ahead)
        month = MONTHS.index(match[2].lower().decode()) + 1
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def section(answer: Answer, name: bytes = BODY) -> bytes:
    """The bytes of the section whose item begins with `name`, whole or from the first byte on; empty where there are
    none. Servers repeat a list of header fields in their own way, so only the beginning is compared."""
    for item, value in answer.items():
        if item.startswith(name) and isinstance(value, bytes):
            return value
    return b""


def header_lines(names: str) -> str:
    """The item for some header fields (names with blanks between), 64 kB at most. Its answer is `HEADER`."""
    return f"BODY.PEEK[HEADER.FIELDS ({names})]<0.{HEADER_AT_MOST}>"


def id_set(uids: Sequence[int]) -> str:
    """Ascending UIDs as an IMAP set: `1:3,7`."""
    runs: list[list[int]] = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def parts(uids: Sequence[int]) -> Iterator[list[int]]:
    """UIDs in portions for one command: Dovecot refuses a line with 20,000 of them."""
    for start in range(0, len(uids), IDS_IN_A_COMMAND):
        yield list(uids[start : start + IDS_IN_A_COMMAND])


def known_by(message_id: str, anchor: str) -> list[str]:
    """The criteria of a search for a draft of ours, whatever a mail program made of it: its Message-ID, or the id of
    ours in its References."""
    own = ["HEADER", "Message-ID", message_id]
    return ["OR", *own, "HEADER", "References", anchor] if anchor else own
