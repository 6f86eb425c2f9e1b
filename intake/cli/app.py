"""The application object, the options that commands share, and the ways to print."""

import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from intake.bootstrap import ROOT, build, check_rules, clock, open_store, sole_process
from intake.config import Config, load_config
from intake.demo.config import adapt
from intake.errors import ConfigError, UsageError
from intake.pipeline import House
from storage.database import open_engine
from storage.store import Store

app = typer.Typer(
    name="intake",
    help="Every complaint becomes a case with an answer date, and a draft that waits in the manager's own mail.",
    epilog="Exit codes: 0 fine, 1 something needs attention, 2 usage or configuration.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ShopOption = Annotated[str | None, typer.Option("--shop", help="The shop's id; default: all shops, or the first.")]


@dataclass
class Settings:
    """What the global options say."""

    config: Path | None = None
    demo: bool = False


settings = Settings()


@app.callback()
def _global_options(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", envvar="INTAKE_CONFIG", help="The configuration; default: ./config.toml."),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Look at the data of `intake demo`.")] = False,
) -> None:
    settings.demo = demo
    settings.config = config


def load() -> Config:
    """The configuration that the options name: `./config.toml`, else the one beside the program."""
    path = settings.config or Path("config.toml")
    if settings.config is None and not path.exists():
        path = ROOT / path
    config = load_config(path, os.environ)
    return adapt(config) if settings.demo else config


def read_store(config: Config) -> Store:
    """The database for commands that only read. Raises `ConfigError` where there is none yet."""
    path = config.data / "intake.db"
    if not config.database and not path.exists():
        raise ConfigError(f"There is no database in {config.data} yet.", next_step="Start `intake run` once.")
    return open_store(config, clock(), upgrade=False)


@contextmanager
def working_house(config: Config) -> Iterator[House]:
    """The house for commands that change something and may run beside the service."""
    with build(_quiet(config), upgrade=False) as house:
        yield house


@contextmanager
def only_process(config: Config, *, service: bool = False) -> Iterator[House]:
    """The house for commands that must be alone. Raises `AlreadyRunning`. Only a service logs what goes well."""
    check_rules(config)
    config.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(config.database_url)
    with sole_process(engine, config), build(config if service else _quiet(config)) as house:
        yield house


def _quiet(config: Config) -> Config:
    return config.model_copy(update={"logging": config.logging.model_copy(update={"level": "warning"})})


def actor() -> str:
    """Who gives the command, for the history."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def problem(text: str) -> None:
    """Print what went wrong and what to do."""
    err.print(f"[bold red]intake:[/] {_plain(text)}", highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
    """Print one JSON value on one line. What is from outside steers no terminal: JSON lets control characters of
    Unicode stand as they are, and they are escaped here."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    typer.echo("".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text))


def one_of(value: str | None, allowed: tuple[str, ...], what: str) -> None:
    """Refuse an option's value that is not among those allowed."""
    if value is not None and value not in allowed:
        raise UsageError(f"There is no {what} {value!r}.", f"Use one of: {', '.join(allowed)}.")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
