"""A small OAuth 2 provider on 127.0.0.1: tokens, device codes, a sign-in page that says yes, and introspection.

It does what the RFCs say and can be told to fail. Refresh tokens rotate: a used one is dead.
"""

import base64
import contextlib
import json
import secrets
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, SECRET = "intake-app", "client-secret-value"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

Form = dict[str, str]
Answer = tuple[int, dict[str, Any]]


@dataclass
class TokenServer:
    """Start with `with`. What it knows and how it behaves can be read and changed while it runs."""

    user: str = "mirjam@example.nl"
    life: Any = 3600
    rotates: bool = True
    interval: float = 0
    device_life: float = 60
    answers: list[tuple[int, bytes]] = field(default_factory=list)  # sent before anything else, one a request
    device_answers: list[str] = field(default_factory=list)  # errors for polls, until the person has said yes
    trickles: bool = False  # answers a byte every 50 ms
    introspects: bool = True  # else the mail server cannot find out about a token
    slow: threading.Event = field(default_factory=threading.Event)  # token requests wait until this is set
    asked: list[Form] = field(default_factory=list)  # every request to the token and device endpoints
    active: dict[str, str] = field(default_factory=dict)  # access token → user
    refresh_tokens: dict[str, str] = field(default_factory=dict)  # refresh token → user
    introspected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slow.set()
        self.stopped = threading.Event()
        self._codes: dict[str, Form] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> "TokenServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> None:
        owner = self
        self.stopped.clear()

        class Handler(_Handler):
            provider = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self.stopped.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def grants(self) -> list[str]:
        """The kinds of grant that were asked for, in order."""
        return [form["grant_type"] for form in self.asked if "grant_type" in form]

    def granted(self, user: str = "") -> Form:
        """New tokens for a user, as if they had signed in."""
        with self._lock:
            access, refresh = (f"{kind}-{secrets.token_urlsafe(24)}" for kind in ("access", "refresh"))
            self.active[access] = self.refresh_tokens[refresh] = user or self.user
        return {"access_token": access, "refresh_token": refresh}

    def settings(self, **changes: Any) -> dict[str, Any]:
        """An oauth section for this provider."""
        return {
            "provider": "other",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "token_url": self.url("token"),
            "device_url": self.url("device"),
            "scope": "imap offline_access",
            **changes,
        }

    def answer(self, path: str, form: Form, who: str) -> Answer:
        if path == "/introspect":
            return self._introspect(form)
        self.asked.append(form)
        if who != CLIENT:
            return 401, {"error": "invalid_client", "error_description": f"bad secret {form.get('client_secret')}"}
        return self._begin_device() if path == "/device" else self._token(form)

    def _token(self, form: Form) -> Answer:
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            return 200, {**self._answer(self.user), "scope": form.get("scope", "")}
        if grant == DEVICE_GRANT:
            if self.device_answers:
                return 400, {"error": self.device_answers.pop(0)}
            return 200, {**self._answer(self.user), **self._refresh(self.user)}
        if grant == "authorization_code":
            return self._from_code(form)
        token = form.get("refresh_token", "")
        with self._lock:
            user = self.refresh_tokens.pop(token, None) if self.rotates else self.refresh_tokens.get(token)
        if grant != "refresh_token" or user is None:
            return 400, {"error": "invalid_grant", "error_description": f"AADSTS700082: the token {token} is dead"}
        return 200, {**self._answer(user), **(self._refresh(user) if self.rotates else {})}

    def _answer(self, user: str) -> dict[str, Any]:
        access = f"access-{secrets.token_urlsafe(24)}"
        self.active[access] = user
        return {"access_token": access, "token_type": "Bearer", "expires_in": self.life}

    def _refresh(self, user: str) -> Form:
        refresh = f"refresh-{secrets.token_urlsafe(24)}"
        self.refresh_tokens[refresh] = user
        return {"refresh_token": refresh}

    def _begin_device(self) -> Answer:
        shown = {"user_code": "WDJB-MJHT", "verification_uri": "https://sign-in.example.com/device"}
        waits = {"interval": self.interval, "expires_in": self.device_life}
        return 200, {"device_code": "device-" + secrets.token_urlsafe(12), **shown, **waits}

    def authorize(self, query: Form) -> str:
        """The person says yes at once: where the browser is sent."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def _from_code(self, form: Form) -> Answer:
        begun = self._codes.pop(form.get("code", ""), {})
        proof = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if proof != begun.get("code_challenge") or form.get("redirect_uri") != begun.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, {**self._answer(self.user), **self._refresh(self.user)}

    def _introspect(self, form: Form) -> Answer:
        token = form.get("token", "")
        self.introspected.append(token)
        if not self.introspects:
            return 503, {}
        user = self.active.get(token)
        return 200, {"active": user is not None, "email": user or "", "username": user or "", "token_type": "Bearer"}


class _Handler(BaseHTTPRequestHandler):
    provider: TokenServer

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        path = urlsplit(self.path).path
        if path != "/introspect":
            self.provider.slow.wait(30)
            if self.provider.answers:
                self._send(*self.provider.answers.pop(0))
                return
        status, answer = self.provider.answer(path, form, self._client(form))
        self._send(status, json.dumps(answer).encode())

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/introspect":
            status, answer = self.provider.answer(parts.path, query, "")
            self._send(status, json.dumps(answer).encode())
            return
        self.send_response(302)
        self.send_header("Location", self.provider.authorize(query))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _client(self, form: Form) -> str:
        """Who asks: with a secret in either of the two usual places; a public client without one."""
        header = self.headers.get("Authorization", "")
        name, secret = form.get("client_id", ""), form.get("client_secret")
        if header.startswith("Basic "):
            name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
        return name if secret in (None, SECRET) else ""

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if 300 <= status < 400:
            self.send_header("Location", self.path)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            if not self.provider.trickles:
                self.wfile.write(body)
                return
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.provider.stopped.wait(0.05)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""
