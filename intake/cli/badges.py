"""Commands about the guarantees that a shop is measured by: `badges`, and what is made of it."""

import typer

from intake.cli.app import JsonOption, ShopOption, app, load, out, print_json, read_store

badges = typer.Typer(help="The guarantees: what each shop holds, and why.", invoke_without_command=True)
app.add_typer(badges, name="badges")


@badges.callback()
def _table(context: typer.Context, shop: ShopOption = None, as_json: JsonOption = False) -> None:
    """Show which level of each guarantee a shop holds, by which figures, and what the next one lacks."""
    if context.invoked_subcommand is not None:
        return
    config = load()
    kept = [one.model_dump(mode="json") for one in read_store(config).measuring.standings(shop)]
    print_json(kept) if as_json else out.print(f"{len(kept)} months are kept.")
