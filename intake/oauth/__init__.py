"""OAuth 2 sign-in: access tokens for mailboxes, and the person who grants them.

    a person, once ── device code (RFC 8628) ──────────┐
                   └─ browser, loopback (RFC 8252) ────┼─► tokens/SHOP.json ─► access token ─► IMAP
    the application itself ── client credentials ──────┘   (a person's only)   (renewed early)

`provider` asks the provider, `accounts` keeps what it grants, `browser` waits for a person who comes back, and `sasl`
shows a token to a mail server. A mailbox's tokens are its own: what happens to them concerns that mailbox alone. No
token stands in a log, an error or a `repr`: of what a provider says in an error only its code is repeated. Nothing
here connects to a mail server, and nothing prints.
"""

from intake.oauth.accounts import Account, account_of
from intake.oauth.browser import Listener
from intake.oauth.provider import Provider
from intake.oauth.sasl import Bearer
from intake.oauth.tokens import DeviceCode, Tokens

__all__ = ["Account", "Bearer", "DeviceCode", "Listener", "Provider", "Tokens", "account_of"]
