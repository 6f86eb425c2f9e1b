"""Asks a provider for tokens, over Authlib: each question is one request, or one walk with a person.

It keeps nothing. Of a provider's error only the code is repeated (and Microsoft's number), because the text beside it
may hold what it was sent. An answer that is no answer, too long or too slow counts as a provider that is away.
"""

import contextlib
import io
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter

from intake.config import OAuth, is_loopback
from intake.errors import ServerError, SignInError
from intake.oauth.browser import Listener
from intake.oauth.tokens import BEARER, DeviceCode, Tokens

RENEW_BEFORE = timedelta(minutes=5)
USUAL_LIFE = timedelta(hours=1)
LONGEST_LIFE = timedelta(days=1)
ANSWER_SECONDS = 30.0
ANSWER_BYTES = 64 * 1024
TEXT_AT_MOST = 16 * 1024
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
FIRST_INTERVAL, LONGEST_INTERVAL, SLOWER = 5.0, 60.0, 5.0
LONGEST_WALK = timedelta(hours=1)
PERSON_SECONDS = 15 * 60.0
MICROSOFT_NUMBER = re.compile(r"\bAADSTS\d{4,9}\b")


class NotYet(ServerError):
    """The person has not entered the code yet."""


class SlowDown(NotYet):
    """The same, and we ask too often."""


@dataclass(frozen=True, slots=True)
class BrowserSignIn:
    """A sign-in that has begun: `address` is for the person's browser."""

    address: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


class Provider:
    """One provider, asked for one mailbox. `who` is that mailbox in messages; `remedy` what a person can do there."""

    def __init__(self, settings: OAuth, who: str) -> None:
        self._settings = settings
        self._who = who
        shop = settings.tokens_file.stem if settings.tokens_file else "SHOP"
        by_person = f"Run `intake auth {shop}`."
        self.remedy = by_person if settings.grant == "device" else "Check the settings in its oauth section."

    def ask(self, now: datetime, **question: str) -> Tokens:
        """Ask the token endpoint (RFC 6749 section 3.2). Raises `SignInError` or `ServerError`."""
        url = self._settings.endpoint("token_url")
        with self._told(), self._session(url) as session:
            # A renewal asks for what was granted by not naming it (RFC 6749 section 6); Microsoft wants it named.
            if question["grant_type"] != "client_credentials" and self._settings.provider != "microsoft":
                session.scope = None
            answer = session.fetch_token(url, allow_redirects=False, **question)
            return self._tokens(dict(answer), question.get("refresh_token", ""), now)

    def ask_device_code(self, now: datetime) -> DeviceCode:
        """Begin a sign-in with a code (RFC 8628 section 3.1). Raises `SignInError` or `ServerError`."""
        url = self._settings.endpoint("device_url")
        with self._told(), self._session(url) as session:
            auth = session.client_auth(session.token_endpoint_auth_method)
            form = {"scope": self._settings.scopes} if self._settings.scopes else {}
            answer = session.parse_response_token(
                session.request("POST", url, data=form, auth=auth, allow_redirects=False)
            )
            shown = str(answer["user_code"]), str(answer["verification_uri"])
            if not all(0 < len(text) <= 500 and text.isprintable() for text in shown):
                raise ValueError("not for a person's eyes")
            lasts = min(timedelta(seconds=float(answer["expires_in"])), LONGEST_WALK)
            interval = min(max(float(answer.get("interval", FIRST_INTERVAL)), 0.0), LONGEST_INTERVAL)
            return DeviceCode(*shown, now + lasts, interval, str(answer["device_code"]))

    def await_device(
        self, code: DeviceCode, now: Callable[[], datetime], pause: Callable[[float], None] = time.sleep
    ) -> Tokens:
        """Wait until the person has entered the code (RFC 8628 section 3.5). Raises `SignInError` where they refuse,
        or do not come in time."""
        interval = code.interval
        while now() < code.expires_at:
            pause(interval)
            try:
                return self.ask(now(), grant_type=DEVICE_GRANT, device_code=code.device_code)
            except SlowDown:
                interval += SLOWER
            except NotYet:
                continue
            except SignInError:
                raise
            except ServerError:
                # One that is away is asked less often; the code's end ends this too.
                interval = min(max(interval, 1.0) * 2, LONGEST_INTERVAL)
        raise SignInError(f"Nobody has entered the code for {self._who} in time.", self.remedy)

    def begin_browser(self, listener: Listener) -> BrowserSignIn:
        """Begin a sign-in over the browser (RFC 8252, with PKCE, RFC 7636)."""
        url = self._settings.endpoint("authorize_url")
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        # Without these Google gives a refresh token at the first sign-in only.
        more = {"access_type": "offline", "prompt": "consent"} if self._settings.provider == "google" else {}
        with self._session(url) as session:
            address, _ = session.create_authorization_url(
                url, state=state, code_verifier=verifier, redirect_uri=listener.address, **more
            )
        return BrowserSignIn(str(address), state, verifier)

    def await_browser(
        self, begun: BrowserSignIn, listener: Listener, now: Callable[[], datetime], seconds: float = PERSON_SECONDS
    ) -> Tokens:
        """Wait until the browser comes back, then fetch the tokens. Raises `SignInError` where it does not."""
        with self._told():
            code = listener.wait(begun.state, seconds)
        if not code:
            raise SignInError(f"Nobody has signed in to {self._who} in time.", self.remedy)
        question = {"code": code, "code_verifier": begun.verifier, "redirect_uri": listener.address}
        return self.ask(now(), grant_type="authorization_code", **question)

    def _session(self, url: str) -> OAuth2Session:
        settings = self._settings
        secret = settings.client_secret.get_secret_value() if settings.client_secret else None
        # Basic is what every provider has to know (RFC 6749 section 2.3.1); these two document the other way.
        method = "client_secret_basic" if settings.provider == "other" else "client_secret_post"
        session = OAuth2Session(
            client_id=settings.client_id,
            client_secret=secret,
            token_endpoint_auth_method=method if secret else "none",
            scope=settings.scopes or None,
            code_challenge_method="S256",
            default_timeout=ANSWER_SECONDS,
        )
        # What is on this machine is not asked by way of a proxy.
        session.trust_env = not is_loopback(urlsplit(url).hostname or "")
        session.mount("https://", _ShortAnswers())
        session.mount("http://", _ShortAnswers())
        return session

    def _tokens(self, answer: dict[str, Any], before: str, now: datetime) -> Tokens:
        """The grant in an answer (RFC 6749 section 5.1). Without a new refresh token the one `before` stays."""
        access, refresh = answer["access_token"], answer.get("refresh_token") or before
        if not all(isinstance(token, str) and len(token) <= TEXT_AT_MOST for token in (access, refresh)):
            raise ValueError("no tokens")
        if not BEARER.fullmatch(access) or str(answer.get("token_type", "bearer")).lower() != "bearer":
            raise ValueError("no bearer token")
        if not refresh and self._settings.grant == "device":
            raise SignInError(
                f"The provider gives no refresh token for {self._who}.",
                "Ask for one in its oauth section's scope; many providers call it offline_access.",
            )
        told = answer.get("expires_in")
        life = USUAL_LIFE if told is None else timedelta(seconds=float(told))
        life = min(max(life, timedelta()), LONGEST_LIFE)
        # One that lives for minutes is renewed at half its life, not at every use.
        return Tokens(access, refresh, now + max(life - RENEW_BEFORE, life / 2), now + life)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Errors in our words; their causes are left behind, since their text may hold a token."""
        provider = f"The provider that {self._who} signs in with"
        try:
            yield
        except OAuthError as error:
            raise self._refusal(str(error.error), str(error.description)) from None
        except RequestException as error:
            status = f"status {error.response.status_code}" if error.response is not None else type(error).__name__
            raise ServerError(f"{provider} does not answer ({status}).", "It is tried again by itself.") from None
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ServerError(
                f"{provider} gives an answer that cannot be used ({type(error).__name__}).",
                "It is tried again by itself; if it stays so, check the addresses in its oauth section.",
            ) from None

    def _refusal(self, code: str, description: str) -> ServerError:
        """What an error's code means (RFC 6749 section 5.2, RFC 8628 section 3.5, OpenID Connect Core 3.1.2.6)."""
        number = MICROSOFT_NUMBER.search(description[:500])
        named = code if re.fullmatch(r"[a-z_]{1,60}", code) else "an error without a known name"
        reason = f"{named}, {number.group()}" if number else named
        match code:
            case "authorization_pending" | "slow_down":
                kind = SlowDown if code == "slow_down" else NotYet
                return kind(f"Nobody has entered the code for {self._who} yet.")
            case "temporarily_unavailable" | "server_error":
                return ServerError(f"The provider that {self._who} signs in with is away ({reason}).", "Try again.")
            case "access_denied" | "authorization_declined":
                what = f"The sign-in to {self._who} was refused ({reason})."
            case "expired_token":
                what = f"Nobody has entered the code for {self._who} in time ({reason})."
            case "invalid_grant" | "interaction_required" | "consent_required" | "login_required":
                what = f"The sign-in to {self._who} is no longer valid ({reason})."
            case _:
                what = f"The provider does not let {self._who} sign in ({reason})."
                return SignInError(what, "Check the settings in its oauth section.")
        return SignInError(what, self.remedy)


class _ShortAnswers(HTTPAdapter):
    """Takes answers of a sane size that come in a sane time: one that trickles in would hold up its mailbox."""

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:  # noqa: ANN401
        """As the base class, but the body has been read when this returns. Raises `RequestException`."""
        deadline = time.monotonic() + ANSWER_SECONDS
        found = super().send(request, *arguments, **{**options, "stream": True})
        body = bytearray()
        with contextlib.closing(found):
            # Byte by byte (out of a buffer): a larger part would wait until it is full, however long that takes.
            for part in found.iter_content(1):
                body += part
                if len(body) > ANSWER_BYTES or time.monotonic() > deadline:
                    raise RequestException("too long, or too slow")
        answer = Response()
        answer.status_code, answer.url, answer.request = found.status_code, found.url, request
        answer.headers, answer.raw = found.headers, io.BytesIO(bytes(body))
        return answer
