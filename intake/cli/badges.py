"""Commands about the guarantees that a shop is measured by: `badges`, and what is made of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from intake.bootstrap import TEMPLATES, check_rules, clock, guarantees_in_force
from intake.cli.app import JsonOption, ShopOption, app, load, out, print_json, problem, read_store
from intake.config import Config, Shop
from intake.guarantee import Difference, as_kept, collect, differences, progress
from intake.measuring.levels import computed_at
from intake.publishing.machine import shop_json
from intake.publishing.views import Issuer, Result, because, levels_of, result_of
from intake.publishing.words import Words, load_words
from storage.store import Store

badges = typer.Typer(help="The guarantees: what each shop holds, and why.", invoke_without_command=True)
app.add_typer(badges, name="badges")

MONTH = "%B %Y"


@dataclass(frozen=True, slots=True)
class _Held:
    """What a shop holds of one guarantee, where a kept month differs from what is computed again, and the first day
    on which a promise that was known was due."""

    result: Result
    differences: list[Difference]
    first_due: date | None


@badges.callback()
def _table(context: typer.Context, shop: ShopOption = None, as_json: JsonOption = False) -> None:
    """Show which level of each guarantee a shop holds, by which figures, and what the next one lacks."""
    if context.invoked_subcommand is not None:
        return
    config, now = load(), clock()
    check_rules(config)
    shops = [config.shop(shop)] if shop is not None else list(config.shops)
    store, issuer = read_store(config), Issuer.called(config.guarantees.issuer)
    held = {one.id: _held(config, store, one, now) for one in shops}
    differing = [one for found in held.values() for one in found if one.differences]
    if as_json:
        print_json([_value(one, held[one.id], issuer) for one in shops])
    else:
        words = load_words(TEMPLATES / "badges")["en"]
        for one in shops:
            for each in held[one.id]:
                out.print(_grid(each, words, issuer), "")
        for each in differing:
            for line in _differing(each):
                problem(line)
    if differing:
        raise typer.Exit(1)


def _held(config: Config, store: Store, shop: Shop, now: datetime) -> list[_Held]:
    kept = store.measuring.standings(shop.id)
    facts = collect(store, shop, now.astimezone(shop.zone).date())
    found = [progress(facts, guarantee, now) for guarantee in guarantees_in_force(config)]
    first = facts.first_due()
    return [_Held(result_of(facts, as_kept(one, kept)), differences(one, kept), first) for one in found]


def _value(shop: Shop, held: list[_Held], issuer: Issuer) -> dict[str, Any]:
    """The same as is published, and where a kept month differs."""
    value: dict[str, Any] = json.loads(shop_json(shop, [one.result for one in held], issuer))
    for result, one in zip(value["results"], held, strict=True):
        result["differences"] = [asdict(each) for each in one.differences]
    return value


def _grid(held: _Held, words: Words, issuer: Issuer) -> Table:
    """What a shop holds of one guarantee, a line for each thing that there is to know."""
    result = held.result
    title = f"{result.shop.name}: {result.guarantee.name.en}"
    grid = Table(box=None, show_header=False, pad_edge=False, title=escape(title), title_justify="left")
    grid.title_style = "bold"
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, said in _lines(result, words, issuer):
        grid.add_row(name, said)
    if result.latest is None:
        grid.add_row("first figures", _first_figures(result.shop, held.first_due))
    return grid


def _first_figures(shop: Shop, first_due: date | None) -> str:
    """When a shop without figures gets its first ones."""
    if first_due is None:
        return "on the first of the month after the one in which a promise is due"
    at = computed_at(first_due, shop.zone)
    return f"on {at.day} {at:%B %Y} at {at:%H:%M}"


def _lines(result: Result, words: Words, issuer: Issuer) -> Iterator[tuple[str, Text]]:
    level, latest = result.level, result.latest
    yield "level", Text(level.name.en if level else "none", style="bold green" if level else "bold")
    yield "why", Text(" ".join(because(result, words)))
    yield "whose", Text(issuer.of_shop(words, result.shop.name, holds=level is not None))
    if latest is None:
        return
    figures = latest.rating.figures
    yield "measured", Text(f"{words.kept(result.guarantee, figures)}: {words.share(figures)}")
    yield "95 % interval", Text(words.interval(figures))
    yield "median", Text(words.median(figures))
    measured = f", measured on {words.day(result.computed_on)}" if result.computed_on else ""
    yield "window", Text(f"{words.window(figures.window)}{measured}")
    split = (f"{name} {good} of {count}" for name, (count, good) in figures.channels.items())
    yield "by channel", Text(", ".join(split) or "–")
    left_out = "; ".join(f"{one.count} {words.excluded(one.reason)}" for one in result.exclusions)
    share = words.percent(figures.excluded_share, up=True)
    told = f"{left_out} ({share} of the cases)" if left_out else words.say("verdict.nothing_left_out")
    yield "not counted", Text(told)
    yield "waiting", Text(words.unanswered(figures))
    for missing in reversed(levels_of(result, words)):
        if not missing.reached:
            yield f"for {missing.name}", Text("; ".join(missing.missing))


def _differing(held: _Held) -> Iterator[str]:
    """A line for each kept month that is not what it is when it is computed again."""
    months = dict.fromkeys((one.month, one.because) for one in held.differences)
    for month, why in months:
        found = [one for one in held.differences if one.month == month]
        told = ", ".join(f"{one.what} {one.kept!r} (now {one.computed!r})" for one in found)
        reason = why or "nothing that is known explains it: `intake audit`"
        name = f"{held.result.shop.id}, {held.result.guarantee.id}, {month:{MONTH}}"
        yield f"{name} was kept otherwise: {told}; {reason}."
