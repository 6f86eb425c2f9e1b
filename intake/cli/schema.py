"""Commands that print the formats which other programs write: `schema record`."""

import json

import typer

from intake.cli.app import app
from intake.reading.record import schema_of_record

schema = typer.Typer(help="The formats that other programs write.", no_args_is_help=True)
app.add_typer(schema, name="schema")


@schema.callback()
def _group() -> None:
    """The formats that other programs write."""


@schema.command()
def record() -> None:
    """Print the JSON Schema (draft 2020-12) of the record beside a scan."""
    typer.echo(json.dumps(schema_of_record(), ensure_ascii=False, indent=2))
