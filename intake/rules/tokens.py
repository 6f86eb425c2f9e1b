"""Our own Message-IDs: they carry the case's reference and a signature, so that an answer finds its case.

`<SIS-2026-0042.8f3a91c2.5b1e0c9d7a6f4e3b@example.nl>`: reference, a number used once, and 16 hex digits of
HMAC-SHA-256 over shop, reference and number. Without the key nobody can make one, so a stranger cannot write
himself into a case.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable

NO_CASE = "0000"  # the number of mail that is about no case
TOKEN = re.compile(r"<([A-Z][A-Z0-9]{1,7}-\d{4}-\d{4,9})\.([0-9a-f]{8,32})\.([0-9a-f]{16})@[^<>@\s]+>")


def make_token(key: bytes, shop: str, reference: str, nonce: str, domain: str) -> str:
    """A Message-ID for mail of ours about the case. `nonce` is 8 to 32 hex digits, used once."""
    return f"<{reference}.{nonce}.{_signature(key, shop, reference, nonce)}@{domain}>"


def make_nonce(key: bytes, *parts: str) -> str:
    """The number used once of what these parts name together, which nobody without the key can foresee."""
    return hmac.new(key, "\x00".join(("nonce", *parts)).encode(), hashlib.sha256).hexdigest()[:8]


def read_token(key: bytes, shop: str, message_id: str) -> str | None:
    """The case reference in a Message-ID of ours, None where it is not ours."""
    match = TOKEN.fullmatch(message_id)
    if match is None:
        return None
    reference, nonce, signature = match.groups()
    return reference if hmac.compare_digest(signature, _signature(key, shop, reference, nonce)) else None


def is_notice(key: bytes, shop: str, message_id: str) -> bool:
    """Whether it is the Message-ID of a mail of ours to the manager or the operator: its number no case has."""
    return (read_token(key, shop, message_id) or "").endswith(f"-{NO_CASE}")


def find_reference(key: bytes, shop: str, ids: Iterable[str]) -> str | None:
    """The case reference in the first of these ids that is ours; None where none is."""
    return next(filter(None, (read_token(key, shop, found) for found in ids)), None)


def _signature(key: bytes, shop: str, reference: str, nonce: str) -> str:
    text = "\x00".join((shop, reference, nonce)).encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:16]
