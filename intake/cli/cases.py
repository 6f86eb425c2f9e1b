"""Commands that show cases: `cases`, `show`."""

from typing import Annotated

import typer

from intake.bootstrap import clock
from intake.cli.app import JsonOption, ShopOption, app, load, one_of, out, print_json, read_store
from intake.cli.case_page import case_file_value, case_page
from intake.cli.tables import case_value, cases_table
from intake.errors import NotFound
from storage.models import CaseState

STATES = (*(state.value for state in CaseState), "all")


@app.command()
def cases(
    shop: ShopOption = None,
    state: Annotated[str, typer.Option(help="open, answered, closed, merged or all.")] = "open",
    json: JsonOption = False,
) -> None:
    """List cases, the most urgent first; with the open ones, those that a dispute body has."""
    one_of(state, STATES, "state")
    config = load()
    if shop is not None:
        config.shop(shop)
    store = read_store(config)
    states = tuple(CaseState) if state == "all" else (CaseState(state),)
    found = store.list_cases(shop, states)
    if state == CaseState.OPEN.value:  # what a dispute body waits for is not done with
        found = [*store.dossiers.in_dispute(shop), *found]
    if json:
        print_json([case_value(case) for case in found])
        return
    drafts = store.drafts_of_cases([case.id or 0 for case in found])
    out.print(cases_table(found, drafts, config, clock()) if found else f"No {state} cases.")


@app.command()
def show(
    reference: Annotated[str, typer.Argument(metavar="REF", help="The case, for example SIS-2026-0042.")],
    json: JsonOption = False,
) -> None:
    """Show one case: who, what, why this date, the draft, the history."""
    config = load()
    store = read_store(config)
    case = store.find_case(reference)
    if case is None:
        raise NotFound(f"There is no case {reference}.", "`intake cases --state all` lists them.")
    file = store.case_file(case.id or 0)
    if json:
        print_json(case_file_value(file))
        return
    for block in case_page(file, config.shop(case.shop), clock()):
        out.print(block)
