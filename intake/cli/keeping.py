"""Commands that look after an installation: `check`, `backup`, `restore`, `version`."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from intake import __version__
from intake.bootstrap import CATEGORIES, TEMPLATES, check_rules, clock, guarantees_in_force, sole_process
from intake.cli.app import JsonOption, app, load, out, print_json, settings
from intake.config import Config, Mailbox, Outgoing, Shop, missing_secrets
from intake.errors import ConfigError, IntakeError, TemplateError
from intake.imap import DRAFTS, SENT, connect
from intake.outlets.smtp import probe
from intake.pipeline.notifying import touched_cases
from intake.reading.recognition import missing_languages
from intake.replies.logo import read_logo
from intake.replies.templates import Templates
from intake.rules.categories import load_categories
from intake.sources.post import PostSource
from storage import backup as backups
from storage.database import current_revision, newest_revision, open_engine
from storage.errors import StorageError
from storage.originals import Originals
from storage.store import Store

TOUCHED_AT_MOST = 20

Check = tuple[str, Callable[[], str]]


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__, highlight=False)


@app.command()
def check(json: JsonOption = False) -> None:
    """Test the configuration and connect to every server in it; one line each says what was found."""
    config = load()
    check_rules(config)
    results = [(f"configuration {settings.config or 'config.toml'}", True, _shops(len(config.shops)))]
    results += [("password", False, line) for line in missing_secrets(config)]
    results += [_run(name, probe_it) for name, probe_it in _checks(config)]
    if json:
        print_json([{"what": name, "ok": fine, "found": found} for name, fine, found in results])
    else:
        for name, fine, found in results:
            mark = "[green]ok  [/]" if fine else "[bold red]FAIL[/]"
            out.print(f"{mark} {escape(name)}: {escape(found)}", highlight=False, soft_wrap=True)
    if not all(fine for _, fine, _ in results):
        raise typer.Exit(1)


def _shops(number: int) -> str:
    return "one shop" if number == 1 else f"{number} shops"


def _run(name: str, probe_it: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        return name, True, probe_it()
    except (IntakeError, StorageError, OSError) as error:
        return name, False, str(error)


def _checks(config: Config) -> Iterator[Check]:
    yield "database", partial(_database, config)
    yield "templates", partial(_templates, config)
    yield "guarantees", partial(_guarantees, config)
    for shop in config.shops:
        yield f"{shop.id} dates", partial(_dates, config, shop)
        if shop.mailbox is not None:
            yield f"{shop.id} mailbox", partial(_mailbox, shop.mailbox)
        if shop.outgoing is not None:
            yield f"{shop.id} outgoing mail", partial(_outgoing, shop.outgoing, shop.mailbox)
        if shop.post_folder is not None:
            yield f"{shop.id} post folder", partial(_post_folder, PostSource(shop.post_folder))
            yield f"{shop.id} letters", partial(_letters, shop)


def _database(config: Config) -> str:
    config.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(config.database_url)
    try:
        current = current_revision(engine)
    finally:
        engine.dispose()
    state = "empty; made at the first start" if current is None else f"schema {current}"
    if current not in (None, newest_revision()):
        state += f", brought to {newest_revision()} at the next start"
    return f"{engine.dialect.name}, {state}"


def _guarantees(config: Config) -> str:
    """What the shops are measured by, with the levels from the lowest to the highest."""
    found = guarantees_in_force(config)
    return "; ".join(f"{one.name.en} ({', '.join(level.name.en for level in one.levels)})" for one in found)


def _dates(config: Config, shop: Shop) -> str:
    """The open cases that a change of calendar or promise would touch, if it moved what was promised."""
    engine = open_engine(config.database_url)
    try:
        if current_revision(engine) != newest_revision():
            return "no cases yet"
        found = touched_cases(Store(engine).notices.dated_cases(shop.id), shop)
    finally:
        engine.dispose()
    if not found:
        return "the open cases have the dates that the calendar and the promise give"
    told = ", ".join(
        f"{one.reference} {one.promised} (now it would be {one.would_be})" for one in found[:TOUCHED_AT_MOST]
    )
    told += f" and {len(found) - TOUCHED_AT_MOST} more" if len(found) > TOUCHED_AT_MOST else ""
    return f"by the present calendar and promise these would be due on another day; what was promised stays: {told}"


def _templates(config: Config) -> str:
    categories = load_categories(CATEGORIES.read_text(encoding="utf-8"))
    wrong = [line for shop in config.shops for line in Templates(TEMPLATES / "replies", shop.templates).mistakes()]
    if wrong:
        raise TemplateError("; ".join(dict.fromkeys(wrong)) + ".", "Mend them in the template folder.")
    names = {
        Templates(TEMPLATES / "replies", shop.templates).choose("answer", topic.id, language, shop.languages[0])
        for shop in config.shops
        for language in shop.languages
        for topic in categories.categories
    }
    return f"{len(names)} answers for {len(categories.categories)} categories"


def _mailbox(mailbox: Mailbox) -> str:
    with connect(mailbox) as session:
        state = session.select(mailbox.folder)
        offered = ", ".join(session.capabilities()) or "nothing beyond IMAP4rev1"
        drafts = session.find_folder(DRAFTS, mailbox.drafts) or "none yet; it will be made"
        sent = session.find_folder(SENT, mailbox.sent) or "none found"
    keywords = "keywords" if state.keywords else "no keywords"
    return (
        f"signed in; {mailbox.folder} holds {state.messages} messages; offers {offered}; {keywords}; "
        f"drafts go to {drafts}; sent mail is in {sent}"
    )


def _outgoing(outgoing: Outgoing, mailbox: Mailbox | None) -> str:
    return "offers " + (", ".join(probe(outgoing, mailbox)) or "nothing beyond SMTP")


def _post_folder(source: PostSource) -> str:
    source.prepare()
    return f"{source.path}, {source.waiting().count} scans wait"


def _letters(shop: Shop) -> str:
    missing = missing_languages(shop.languages)
    if missing:
        raise ConfigError("Scans cannot be recognised in full:", tuple(missing), "Install them, or read such scans.")
    if shop.letter.logo is not None:
        read_logo(shop.letter.logo)
    return f"scans are recognised in {', '.join(shop.languages)}; envelope {shop.letter.envelope}"


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Copy the database, the originals and the signing key into a folder, also while Intake runs."""
    config = load()
    engine = open_engine(config.database_url)
    if current_revision(engine) is None:
        raise ConfigError("There is nothing to back up: the database is empty.", next_step="Start `intake run` once.")
    counts = backups.backup(engine, Originals(config.data / "originals"), config.data, folder, clock())
    out.print(f"{escape(str(folder))}: {counts['rows']} rows, {counts['originals']} originals.", highlight=False)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A backup made by `intake backup`.")],
) -> None:
    """Put a backup into the configured database and data folder, which must be empty."""
    config = load()
    engine = open_engine(config.database_url)
    with sole_process(engine, config):
        counts = backups.restore(engine, Originals(config.data / "originals"), config.data, folder, clock())
    out.print(f"Restored {counts['rows']} rows and {counts['originals']} originals.", highlight=False)
