"""A small IMAP server that lies: for faults that no real server can be made to show.

It serves one mailbox, whose first message has the UID `first_uid`. UIDs in these sets are treated so:

    refuses   a FETCH of the body is answered with NO       silent    left out of every answer with bodies
    cuts      it hangs up in the middle of the literal      empty     a body of no bytes
    undated   no INTERNALDATE                               mute      left out of the answers with sizes
    nameless  the answer names no UID                       vanishes  expunged while bodies are fetched

`sizes` are lies about RFC822.SIZE by UID, `literals` about the length of the body that follows. Commands that begin
with `stalls` (upper case, without the tag) are never answered, those with `trickles` a byte at a time for ever, those
with `byes` with BYE. `aside` is sent before each answer to FETCH, `beside_search` before those to SEARCH, and `idle`
one piece after another when IDLE begins; an empty piece hangs up. `login` is the answer to LOGIN. With `tls` it speaks
TLS from the start, or, with `starttls`, when it is asked to.
"""

import contextlib
import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DATE = b' INTERNALDATE "14-Sep-2026 09:00:00 +0000"'
NOTHING = b"\0"
TRICKLE_SECONDS = 0.02


class LyingServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mails: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails = mails
        self.first_uid = 1
        self.capability = b"IMAP4rev1"
        self.greeting = b"* OK ready\r\n"
        self.login = b"OK done"
        self.tls: ssl.SSLContext | None = None
        self.starttls = False
        self.refuses: set[int] = set()
        self.silent: set[int] = set()
        self.cuts: set[int] = set()
        self.empty: set[int] = set()
        self.undated: set[int] = set()
        self.mute: set[int] = set()
        self.nameless: set[int] = set()
        self.vanishes: set[int] = set()
        self.gone: set[int] = set()
        self.sizes: dict[int, int] = {}
        self.literals: dict[int, int] = {}
        self.stalls = self.trickles = self.byes = NOTHING
        self.aside = b""
        self.beside_search = b""
        self.idle: list[bytes] = [b"+ idling\r\n"]
        self.commands: list[bytes] = []
        self.ended = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def uids(self) -> list[int]:
        """The UIDs that are there."""
        return [uid for uid in range(self.first_uid, self.first_uid + len(self.mails)) if uid not in self.gone]

    def raw(self, uid: int) -> bytes:
        """The message with this UID."""
        return self.mails[uid - self.first_uid]


class _Session(socketserver.StreamRequestHandler):
    server: LyingServer

    def setup(self) -> None:
        if self.server.tls is not None and not self.server.starttls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        super().setup()

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # a client that gives up does not say goodbye
            self._serve()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.request.close()

    def _serve(self) -> None:
        self.wfile.write(self.server.greeting)
        while line := self.rfile.readline():
            tag, _, command = line.strip().partition(b" ")
            words = command.upper()
            self.server.commands.append(words)
            if not self._misbehaves(words) and not self._answer(tag, words):
                return

    def _misbehaves(self, words: bytes) -> bool:
        if words.startswith(self.server.stalls):
            self.server.ended.wait()
        elif words.startswith(self.server.trickles):
            self.wfile.write(b"* OK ")
            while not self.server.ended.wait(TRICKLE_SECONDS):
                self.wfile.write(b".")
        elif words.startswith(self.server.byes):
            self.wfile.write(b"* BYE the server goes down\r\n")
        else:
            return False
        return True

    def _answer(self, tag: bytes, words: bytes) -> bool:
        """Answer; False where the connection ends."""
        commands: dict[bytes, Callable[[bytes, bytes], bool]] = {
            b"UID FETCH": self._fetch,
            b"UID SEARCH": self._search,
            b"IDLE": self._idle,
            b"STARTTLS": self._starttls,
        }
        for name, answer in commands.items():
            if words.startswith(name):
                return answer(tag, words)
        return self._simple(tag, words)

    def _starttls(self, tag: bytes, _words: bytes) -> bool:
        assert self.server.tls is not None
        self.wfile.write(tag + b" OK go on\r\n")
        self.request = self.server.tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        super().setup()
        return True

    def _simple(self, tag: bytes, words: bytes) -> bool:
        if words.startswith(b"CAPABILITY"):
            self.wfile.write(b"* CAPABILITY " + self.server.capability + b"\r\n")
        if words.startswith((b"EXAMINE", b"SELECT")):
            count, following = len(self.server.uids), self.server.first_uid + len(self.server.mails)
            self.wfile.write(b"* %d EXISTS\r\n* OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT %d] n\r\n" % (count, following))
        if words.startswith(b"LOGOUT"):
            self.wfile.write(b"* BYE\r\n")
        self.wfile.write(tag + b" " + (self.server.login if words.startswith(b"LOGIN") else b"OK done") + b"\r\n")
        return not words.startswith(b"LOGOUT")

    def _search(self, tag: bytes, words: bytes) -> bool:
        match = re.search(rb"UID ([\d,:*]+)", words.removeprefix(b"UID SEARCH"))
        found = b"".join(b" %d" % uid for uid in self._named(match[1] if match else b"1:*"))
        self.wfile.write(self.server.beside_search)
        self.wfile.write(b"* SEARCH" + found + b"\r\n" + tag + b" OK done\r\n")
        return True

    def _named(self, names: bytes) -> list[int]:
        """The UIDs of a set; `n:*` names the last message, wherever n is."""
        there = self.server.uids
        wanted: set[int] = set()
        for name in names.split(b","):
            first, _, last = name.partition(b":")
            end = there[-1] if last == b"*" and there else int(last or first)
            wanted.update(range(min(int(first), end), max(int(first), end) + 1))
        return [uid for uid in there if uid in wanted]

    def _fetch(self, tag: bytes, words: bytes) -> bool:
        server = self.server
        uids = self._named(words.split()[2])
        self.wfile.write(server.aside)
        if b"BODY.PEEK" not in words:
            for uid in (uid for uid in uids if uid not in server.mute):
                size = server.sizes.get(uid, len(server.raw(uid)))
                date = b"" if uid in server.undated else DATE
                self.wfile.write(b"* %d FETCH (%sRFC822.SIZE %d%s)\r\n" % (*self._name(uid), size, date))
            self.wfile.write(tag + b" OK done\r\n")
            return True
        server.gone |= server.vanishes
        if server.refuses & set(uids):
            self.wfile.write(tag + b" NO [SERVERBUG] some messages could not be fetched\r\n")
            return True
        partial = re.search(rb"\[\]<0\.(\d+)>", words)
        for uid in (uid for uid in uids if uid not in server.silent | server.gone):
            raw = b"" if uid in server.empty else server.raw(uid)[: int(partial[1]) if partial else None]
            item = b"BODY[]<0>" if partial else b"BODY[]"
            self.wfile.write(
                b"* %d FETCH (%s%s {%d}\r\n" % (*self._name(uid), item, server.literals.get(uid, len(raw)))
            )
            if uid in server.cuts:
                self.wfile.write(raw[: len(raw) // 2])
                return False
            self.wfile.write(raw + b")\r\n")
        self.wfile.write(tag + b" OK done\r\n")
        return True

    def _name(self, uid: int) -> tuple[int, bytes]:
        """The sequence number, and the words that tell the UID."""
        return uid - self.server.first_uid + 1, b"" if uid in self.server.nameless else b"UID %d " % uid

    def _idle(self, tag: bytes, _words: bytes) -> bool:
        for piece in self.server.idle:
            if not piece:
                return False
            self.wfile.write(piece)
            self.server.ended.wait(TRICKLE_SECONDS)
        self.rfile.readline()
        self.wfile.write(tag + b" OK idled\r\n")
        return True


@contextmanager
def lying_server(*mails: bytes) -> Iterator[LyingServer]:
    """A server of these mails, on a port of its own."""
    with LyingServer(list(mails)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
