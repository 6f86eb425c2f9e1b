"""Every error that a person meets: what happened, to which item, and what to do next.

    IntakeError
    ├── UsageError            the command was called wrongly                            exit 2
    ├── ConfigError           the configuration cannot be used; lists every mistake     exit 2
    ├── AlreadyRunning        another process works on this data                        exit 1
    ├── NotFound              no such case, arrival or file                             exit 1
    ├── Refused               a rule forbids it (gaps in a letter, a closed case)       exit 1
    ├── ServerError           a server is away or refuses; worth trying again           exit 1
    │   ├── ServerRefused     the server says no to one thing; the rest goes on         exit 1
    │   │   └── MailRefused   a mail server will never take this mail                   exit 1
    │   ├── MailUncertain     nobody knows whether a mail went out                      exit 1
    │   └── SignInError       the server does not take our credentials                  exit 1
    ├── ReadingError          a mail, scan or record cannot be read                     exit 1
    │   └── RecordError       the record beside a scan is wrong                         exit 1
    └── TemplateError         a template is missing or wrong                            exit 1

One class for each thing that a caller can do differently. Errors of libraries are wrapped where they arise,
with their cause. The command line alone turns them into text and exit codes.
"""

from typing import ClassVar


class IntakeError(Exception):
    """The root: `what` happened (with the item's name in it), and the `next_step` for the person who reads it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what} {self.next_step}".strip()


class UsageError(IntakeError):
    """The command was called wrongly."""

    exit_code = 2


class ConfigError(IntakeError):
    """The configuration cannot be used. `mistakes` lists all of them, one line each."""

    exit_code = 2

    def __init__(self, what: str, mistakes: tuple[str, ...] = (), next_step: str = "") -> None:
        super().__init__("\n  ".join((what, *mistakes)), next_step)
        self.mistakes = mistakes


class AlreadyRunning(IntakeError):
    """Another process works on this data."""


class NotFound(IntakeError):
    """There is no such case, arrival or file."""


class Refused(IntakeError):
    """A rule forbids it."""


class ServerError(IntakeError):
    """A server is away, or answered something we cannot go on with. Trying again later may help."""


class ServerRefused(ServerError):
    """The server says no to this one thing (RFC 3501: NO or BAD); the connection and everything else go on."""


class MailRefused(ServerRefused):
    """A mail server will never take this mail (RFC 5321: a reply of 500 or more). `address` says that it is the
    recipient whom it does not take."""

    def __init__(self, what: str, next_step: str = "", *, address: bool = False) -> None:
        super().__init__(what, next_step)
        self.address = address


class MailUncertain(ServerError):
    """The connection ended after the text of a mail began to go out, so nobody knows whether it was taken."""


class SignInError(ServerError):
    """The server does not take our credentials. Trying again without a change will not help."""


class ReadingError(IntakeError):
    """A mail, a scan or a record cannot be read. `code` is the reason in one word, as in failed/ notes."""

    def __init__(self, what: str, next_step: str = "", *, code: str = "DAMAGED") -> None:
        super().__init__(what, next_step)
        self.code = code


class RecordError(ReadingError):
    """The record beside a scan is wrong."""

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what, next_step, code="SIDECAR")


class TemplateError(IntakeError):
    """A template is missing or wrong: for the `reason`, in the `file`, on the `line` (0 where that is not known)."""

    def __init__(self, what: str, next_step: str = "", *, reason: str = "", file: str = "", line: int = 0) -> None:
        super().__init__(what, next_step)
        self.reason = reason or what.removesuffix(".")
        self.file = file
        self.line = line
