"""A small IMAP server that lies: for faults that no real server can be made to show.

It serves one mailbox with messages 1 to n. `refuses` are UIDs for which a FETCH of the body is answered with NO,
`silent` UIDs that are left out of every OK answer, `cuts` UIDs at which it hangs up in the middle of the literal.
"""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

DATE = b'"14-Sep-2026 09:00:00 +0000"'


class LyingServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mails: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails = mails
        self.refuses: set[int] = set()
        self.silent: set[int] = set()
        self.cuts: set[int] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: LyingServer

    def handle(self) -> None:
        self.wfile.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        for line in self.rfile:
            tag, _, command = line.strip().partition(b" ")
            words = command.upper()
            if words.startswith(b"UID FETCH"):
                if not self._fetch(tag, command):
                    return
            elif words.startswith(b"UID SEARCH"):
                self._search(tag, words)
            else:
                self._simple(tag, words)
                if words.startswith(b"LOGOUT"):
                    return

    def _simple(self, tag: bytes, words: bytes) -> None:
        if words.startswith(b"CAPABILITY"):
            self.wfile.write(b"* CAPABILITY IMAP4rev1\r\n")
        if words.startswith((b"EXAMINE", b"SELECT")):
            count = len(self.server.mails)
            self.wfile.write(b"* %d EXISTS\r\n* OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT %d] n\r\n" % (count, count + 1))
        if words.startswith(b"LOGOUT"):
            self.wfile.write(b"* BYE\r\n")
        self.wfile.write(tag + b" OK done\r\n")

    def _search(self, tag: bytes, words: bytes) -> None:
        match = re.search(rb"UID (\d+):(\d+|\*)", words)
        first, last = (int(match[1]), match[2]) if match else (1, b"*")
        end = len(self.server.mails) if last == b"*" else int(last)
        found = b" ".join(b"%d" % uid for uid in range(first, min(end, len(self.server.mails)) + 1))
        self.wfile.write(b"* SEARCH " + found + b"\r\n" + tag + b" OK done\r\n")

    def _fetch(self, tag: bytes, command: bytes) -> bool:
        """Answer; False where it hung up."""
        uids = [int(uid) for uid in re.match(rb"UID FETCH ([\d,]+)", command, re.IGNORECASE)[1].split(b",")]  # type: ignore[index]
        if b"BODY.PEEK" not in command.upper():
            for uid in uids:
                size = len(self.server.mails[uid - 1])
                self.wfile.write(b"* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE %s)\r\n" % (uid, uid, size, DATE))
            self.wfile.write(tag + b" OK done\r\n")
            return True
        if self.server.refuses & set(uids):
            self.wfile.write(tag + b" NO [SERVERBUG] some messages could not be fetched\r\n")
            return True
        for uid in (uid for uid in uids if uid not in self.server.silent):
            raw = self.server.mails[uid - 1]
            self.wfile.write(b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (uid, uid, len(raw)))
            if uid in self.server.cuts:
                self.wfile.write(raw[: len(raw) // 2])
                return False
            self.wfile.write(raw + b")\r\n")
        self.wfile.write(tag + b" OK done\r\n")
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
            server.shutdown()
            thread.join()
