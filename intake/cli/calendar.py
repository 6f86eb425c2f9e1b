"""The command about the calendar feed: `calendar`."""

from pathlib import Path
from typing import Annotated

import typer

from intake.bootstrap import TEMPLATES, check_rules
from intake.cli.app import ShopOption, app, load, out, read_store
from intake.errors import UsageError
from intake.pipeline.feeding import calendar_of
from intake.post_folder import write_durably
from intake.replies.notices import load_words


@app.command()
def calendar(
    shop: ShopOption = None,
    to: Annotated[Path | None, typer.Option("--to", help="The file to write; default: print it.")] = None,
) -> None:
    """Print the answer dates of the open cases as an iCalendar feed, without personal data."""
    config = load()
    check_rules(config)
    shops = [config.shop(shop)] if shop is not None else list(config.shops)
    content = calendar_of(read_store(config), shops, load_words(TEMPLATES / "notices"))
    if to is None:
        typer.echo(content.decode("utf-8"), nl=False)
        return
    try:
        write_durably(to, content)
    except OSError as error:
        raise UsageError(f"{to} cannot be written: {error.strerror}.", "Name another file with --to.") from error
    out.print(f"{to}: {content.count(b'BEGIN:VEVENT')} dates.", highlight=False, soft_wrap=True)
