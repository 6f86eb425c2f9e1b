"""The command line: the only place that prints, exits, and turns errors into exit codes.

Exit codes: 0 fine, 1 something needs attention, 2 usage or configuration. Each module holds one family of commands;
none holds business code.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from intake.cli.app import app, problem
from intake.errors import IntakeError
from storage.errors import StorageError

FAMILIES = (
    *("running", "cases", "casework", "arrivals", "inspecting", "dates", "letters"),
    *("schema", "keeping", "status", "auth", "calendar", "templates", "dossier"),
    *("badges", "report", "publishing", "privacy", "evidence"),
)
for family in FAMILIES:
    import_module(f"intake.cli.{family}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `intake`; the words of the command line where none are given. Ends in `SystemExit`."""
    try:
        # Typer itself tells wrong usage (2) and takes the exit code of a command; our own errors pass through it.
        app(None if arguments is None else list(arguments))
    except IntakeError as error:
        problem(str(error))
        sys.exit(error.exit_code)
    except StorageError as error:
        problem(str(error))
        sys.exit(1)
