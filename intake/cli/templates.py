"""Commands about reply templates: `templates list | check | preview | copy`."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from intake.bootstrap import CATEGORIES, LAYOUTS, TEMPLATES
from intake.cli.app import JsonOption, ShopOption, app, load, one_of, out, print_json
from intake.config import Shop
from intake.errors import Refused, TemplateError, UsageError
from intake.pipeline.delivering import letter_of
from intake.post_folder import write_durably
from intake.replies.checking import check, place_of
from intake.replies.compose import ANSWER, KINDS, OUTCOMES, Complaint, compose, quote
from intake.replies.html_part import to_html
from intake.replies.letter import LetterTypesetter
from intake.replies.samples import bare, sample
from intake.replies.templates import Templates
from intake.rules.categories import load_categories
from intake.types import Channel, Reply
from storage import models

templates = typer.Typer(help="Reply templates: what there is, what is wrong, how one looks.", no_args_is_help=True)
app.add_typer(templates, name="templates")

OWN, DELIVERED, MISSING = "own", "delivered", "missing"
SAMPLE_ADDRESS = {"name": "A. de Boer", "street": "Kerkstraat 5", "postal_code": "1017 GA", "city": "Amsterdam"}


@templates.callback()
def _group() -> None:
    """Reply templates: what there is, what is wrong, how one looks."""


@templates.command("list")
def list_(shop: ShopOption = None, json: JsonOption = False) -> None:
    """Show which template serves each kind of reply, category and language, and whether it is the shop's own."""
    chosen = load().shop(shop)
    known = _templates(chosen)
    rows = [*_replies(known, chosen), *_others(known)]
    if json:
        print_json(rows)
        return
    table = Table("reply", *chosen.languages, box=None, pad_edge=False)
    for kind, category in dict.fromkeys((row["kind"], row["category"]) for row in rows if row["language"]):
        cells = {row["language"]: _cell(row) for row in rows if (row["kind"], row["category"]) == (kind, category)}
        label = f"{kind}/{category}" if category else kind
        table.add_row(escape(label), *(cells.get(code, "") for code in chosen.languages))
    out.print(table)
    for row in rows:
        if not row["language"]:
            out.print(f"{row['name']}: {row['from']}", highlight=False)
    out.print(f"Own templates: {chosen.templates or 'no folder is set'}", highlight=False, soft_wrap=True)


def _replies(known: Templates, shop: Shop) -> Iterator[dict[str, Any]]:
    """A row for each kind, category and language: the template that serves it, and from where."""
    for kind in KINDS:
        for category in ("", *(_category_ids() if kind == ANSWER else _own_categories(known, kind))):
            for language in shop.languages:
                try:
                    name = known.choose(kind, category, language, shop.languages[0])
                except TemplateError:
                    name = ""
                origin = MISSING if not name else OWN if known.is_own(name) else DELIVERED
                yield {"kind": kind, "category": category, "language": language, "name": name, "from": origin}


def _others(known: Templates) -> Iterator[dict[str, Any]]:
    """A row for each template that others are built from."""
    for name in known.names():
        if place_of(name) is None:
            yield {
                "kind": "",
                "category": "",
                "language": "",
                "name": name,
                "from": OWN if known.is_own(name) else DELIVERED,
            }


def _cell(row: dict[str, Any]) -> str:
    if not row["name"]:
        return f"[bold red]{MISSING}[/]"
    wanted = f"{row['language']}/{row['kind']}" + (f"/{row['category']}" if row["category"] else "") + ".j2"
    if row["name"] == wanted:
        return "[bold green]own[/]" if row["from"] == OWN else DELIVERED
    return f"[yellow]→ {escape(row['name'])}[/]"


def _own_categories(known: Templates, kind: str) -> list[str]:
    places = (place_of(name) for name in known.names())
    return sorted({place.category for place in places if place and place.kind == kind and place.category})


@templates.command("check")
def check_(shop: ShopOption = None, json: JsonOption = False) -> None:
    """Render every template for all kinds of cases and tell what is wrong, with the place. Exit 1 on a mistake."""
    config = load()
    shops = [config.shop(shop)] if shop else list(config.shops)
    found = {chosen.id: check(_templates(chosen), chosen, _category_ids()) for chosen in shops}
    if json:
        print_json([{"shop": name, **asdict(mistake)} for name, mistakes in found.items() for mistake in mistakes])
    for name, mistakes in found.items() if not json else ():
        for mistake in mistakes:
            mark = "[yellow]note[/]" if mistake.warning else "[bold red]FAIL[/]"
            place = f"{mistake.file}:{mistake.line}" if mistake.line else mistake.file
            out.print(f"{mark} {escape(name)}: {escape(f'{place}: {mistake.what}')}", highlight=False, soft_wrap=True)
        wrong = sum(not mistake.warning for mistake in mistakes)
        total = len(_templates(config.shop(name)).names())
        told = f"{wrong} mistakes" if wrong != 1 else "one mistake"
        out.print(f"{escape(name)}: {total} templates, {told if wrong else 'no mistake'}.", highlight=False)
    if any(not mistake.warning for mistakes in found.values() for mistake in mistakes):
        raise typer.Exit(1)


@templates.command()
def preview(  # noqa: PLR0913, PLR0917 - one option each
    shop: ShopOption = None,
    lang: Annotated[str | None, typer.Option(help="nl, en, de or fr; default: the shop's first.")] = None,
    kind: Annotated[str, typer.Option(help="acknowledgement, answer, holding or final.")] = ANSWER,
    category: Annotated[str, typer.Option(help="What the complaint is about, as in categories.toml.")] = "other",
    channel: Annotated[str, typer.Option(help="mail or letter.")] = "mail",
    outcome: Annotated[str, typer.Option(help="Of a final position: accepted, offered or rejected.")] = "",
    few: Annotated[bool, typer.Option("--few", help="As for a complaint of which nothing is known.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML part.")] = False,
    pdf: Annotated[Path | None, typer.Option(help="Write the letter to this file.")] = None,
) -> None:
    """Show a reply to a made-up complaint: subject, text and gaps."""
    chosen = load().shop(shop)
    one_of(lang, chosen.languages, "language")
    one_of(kind, KINDS, "kind of reply")
    one_of(category, ("other", *_category_ids()), "category")
    one_of(channel, tuple(Channel), "channel")
    one_of(outcome, ("", *OUTCOMES), "outcome")
    known = _templates(chosen)
    complaint = sample(lang or chosen.languages[0], category, Channel(channel), chosen)
    complaint = replace(bare(complaint) if few else complaint, outcome=outcome)
    reply = compose(kind, complaint, chosen, known)
    if pdf is not None:
        _write_letter(pdf, chosen, reply)
    elif html:
        words = quote(complaint.text, complaint.customer, complaint.now, reply.language) if complaint.text else ""
        typer.echo(to_html(reply.subject, reply.body, words, reply.language, known))
    else:
        typer.echo(f"Template: {reply.template} ({OWN if known.is_own(reply.template) else DELIVERED})")
        typer.echo(f"Subject: {reply.subject}\n\n{reply.body}")
        typer.echo(f"Gaps: {' '.join(reply.gaps) or 'none'}")


def _write_letter(to: Path, shop: Shop, reply: Reply) -> None:
    """The reply as it comes out of the printer, with DRAFT across it."""
    complaint = sample(reply.language, "other", Channel.LETTER, shop)
    draft = models.Draft(
        case_id=0,
        message_id=0,
        kind=ANSWER,
        channel=models.Channel.LETTER,
        language=reply.language,
        category="other",
        template=reply.template,
        explanation=reply.explanation,
        recipient="",
        subject=reply.subject,
        body=reply.body,
        token="",
        dated=complaint.received_on,
        made_at=complaint.now,
    )
    letter = letter_of(shop, draft, _sample_case(complaint, shop), draft_mark=True)
    try:
        write_durably(to, LetterTypesetter(LAYOUTS / "letter.typ").typeset(letter))
    except OSError as error:
        raise UsageError(f"{to} cannot be written: {error.strerror}.", "Name another file with --pdf.") from error
    out.print(f"{to}: the letter as a draft.", soft_wrap=True, highlight=False)


def _sample_case(complaint: Complaint, shop: Shop) -> models.Case:
    return models.Case(
        shop=shop.id,
        reference=complaint.reference,
        channel=models.Channel.LETTER,
        language=complaint.language.code,
        category="other",
        received_at=complaint.now,
        received_basis="sample",
        due_on=complaint.due_on,
        target_at=complaint.now,
        opened_at=complaint.now,
        postal=SAMPLE_ADDRESS,
    )


@templates.command()
def copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in `intake templates list`: nl/answer.j2.")],
    shop: ShopOption = None,
) -> None:
    """Copy a delivered template into the shop's own folder, to be changed there."""
    chosen = load().shop(shop)
    if chosen.templates is None:
        raise UsageError(
            f"Shop {chosen.id} has no folder of its own.", 'Set templates = "FOLDER" in its section first.'
        )
    delivered = Templates(TEMPLATES / "replies")
    if name not in delivered.names():
        raise UsageError(f"There is no template {name!r}.", "`intake templates list --json` names them all.")
    target = chosen.templates / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(delivered.source_of(name))
    except FileExistsError as error:
        raise Refused(f"{target} is there already.", "Change that one, or take it away first.") from error
    out.print(f"{target} is yours now; `intake templates check` tells whether it is right.", soft_wrap=True)


def _templates(shop: Shop) -> Templates:
    return Templates(TEMPLATES / "replies", shop.templates)


def _category_ids() -> tuple[str, ...]:
    return tuple(topic.id for topic in load_categories(CATEGORIES.read_text(encoding="utf-8")).categories)
