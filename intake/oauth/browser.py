"""Waits on this machine for the browser that comes back from the provider (RFC 8252 section 7.3).

It listens on 127.0.0.1 only, takes one answer, and logs nothing: the address of that answer holds the code.
"""

import secrets
import socketserver
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import OAuthError

FIELDS_AT_MOST = 20


class Listener:
    """A port that is open until the block ends. `address` is where the provider should send the browser."""

    def __init__(self, port: int = 0) -> None:
        """Listen on a port, a free one for 0. Raises `OSError`."""
        self._server = _Server(("127.0.0.1", port), _Browser)
        self.port = int(self._server.server_address[1])
        self.address = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def wait(self, state: str, seconds: float) -> str:
        """The code that came with this `state`; empty when time is up. What comes with another state was not asked
        for, and is passed over. Raises Authlib's `OAuthError` where the provider says no."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._server.timeout = left
            self._server.handle_request()
            answer, self._server.answer = self._server.answer, {}
            if secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
                if answer.get("error"):
                    raise OAuthError(answer["error"], answer.get("error_description", ""))
                return answer.get("code", "")
        return ""


class _Server(socketserver.TCPServer):
    # Not `HTTPServer`: that one asks the name service for this machine's name, and may wait for it.
    allow_reuse_address = True

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - those of the base class
        self.answer: dict[str, str] = {}
        super().__init__(*arguments)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A browser that hangs up, or asks for nonsense, is no news."""


class _Browser(BaseHTTPRequestHandler):
    timeout = 5
    server: _Server

    def do_GET(self) -> None:
        """Take the answer out of the address."""
        parts = urlsplit(self.path)
        found = {name: values[0] for name, values in parse_qs(parts.query, max_num_fields=FIELDS_AT_MOST).items()}
        ours = parts.path == "/" and "state" in found
        if ours:
            self.server.answer = found
        page = b"Intake has the answer. Close this window, and go back to the terminal.\n" if ours else b"Not here.\n"
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Nothing: see above."""
