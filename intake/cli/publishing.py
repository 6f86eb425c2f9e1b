"""The command that makes the badges' pages: `badges publish`."""

from pathlib import Path
from typing import Annotated

import typer

from intake.bootstrap import TEMPLATES, clock
from intake.cli.app import ShopOption, load, out, read_store
from intake.cli.badges import badges
from intake.errors import UsageError
from intake.publishing import publish as publish_pages


@badges.command()
def publish(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder, a new one or one of ours; default: guarantees.publish.")
    ] = None,
    shop: ShopOption = None,
) -> None:
    """Write the badges, and a page for each shop and for all, as files for any web server."""
    config = load()
    if shop is not None:
        config = config.model_copy(update={"shops": (config.shop(shop),)})
    place = folder or config.guarantees.publish
    if place is None:
        raise UsageError("No folder is named.", "Name one, or set guarantees.publish.")
    done = publish_pages(read_store(config), config, TEMPLATES, place, clock())
    told = f"{done.files} files, {done.changed} of them new or changed, {done.removed} removed"
    out.print(f"{place}: {told}.", highlight=False, markup=False, soft_wrap=True)
