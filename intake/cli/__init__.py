"""The command line: the only place that prints, exits, and turns errors into exit codes.

Exit codes: 0 fine, 1 something needs attention, 2 usage or configuration. Each module holds one family of commands;
none holds business code.
"""

import sys
from importlib import import_module

import click

from intake.cli.app import app, problem
from intake.errors import IntakeError
from storage.errors import StorageError

FAMILIES = ("running", "cases", "arrivals", "dates", "letters", "keeping")
for family in FAMILIES:
    import_module(f"intake.cli.{family}")


def main() -> None:
    """Entry point of `intake`."""
    try:
        app(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except IntakeError as error:
        problem(str(error))
        sys.exit(error.exit_code)
    except StorageError as error:
        problem(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output (head, a pager) went away: nothing is wrong.
        sys.stderr.close()
        sys.exit(0)
