"""By what is known that something was erased: keyed hashes, from which nothing can be told without the key.

A mail is the same by its Message-ID and its content together, anything by its bytes. An answer in an old thread is
neither: it has an id of its own.
"""

import hashlib
import hmac


def of_bytes(key: bytes, shop: str, sha256: str) -> str:
    """The tombstone of an original, by the SHA-256 of its bytes."""
    return _keyed(key, "bytes", shop, sha256)


def of_mail(key: bytes, shop: str, message_id: str, content_hash: str) -> str:
    """The tombstone of a mail, by its Message-ID and the hash of its content."""
    return _keyed(key, "mail", shop, message_id, content_hash)


def keys_of(key: bytes, shop: str, sha256: str, message_id: str = "", content_hash: str = "") -> tuple[str, ...]:
    """The tombstones that something would have; a mail without a Message-ID is known by its bytes alone."""
    found = (of_bytes(key, shop, sha256),) if sha256 else ()
    return (*found, of_mail(key, shop, message_id, content_hash)) if message_id and content_hash else found


def _keyed(key: bytes, *parts: str) -> str:
    return hmac.new(
        key, "\x00".join(("tombstone", *parts)).encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()
