"""Mistakes in the configuration in words: the dotted path, what was found, and what would be right.

Nothing that may be a secret is ever repeated.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, time
from typing import Any, get_args

from pydantic import (
    BaseModel,
)
from pydantic_core import ErrorDetails

from intake.config.sections import Config

EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string_type": "text in quotes",
    "tuple": 'a list, like ["one", "two"]',
    "date": "a date, like 2026-05-15",
    "time": 'a time of day, like "17:00"',
    "model_type": "a section of its own",
    "dataclass_type": "a section of its own",
    "path": "a path in quotes",
    "too_short": "at least one",
    "string_too_short": "some text",
}


def all_in_words(details: list[ErrorDetails], top: set[str]) -> list[str]:
    """One line a mistake. A list that is empty only because its items are wrong is not a mistake of its own."""
    paths = [detail["loc"] for detail in details]
    kept = []
    for detail in details:
        place = detail["loc"]
        below = any(path[: len(place)] == place and len(path) > len(place) for path in paths)
        if not (detail["type"] == "too_short" and (below or place[0] not in top)):
            kept.append(_in_words(detail))
    return kept


def _in_words(detail: ErrorDetails) -> str:
    """`shops[0].mailbox.port: found "imap"; should be a whole number`. Only plain values are repeated: a whole
    section could hold a secret."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    kind = detail["type"]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where}: there is no such setting; {_nearest(detail['loc'])}"
    if kind == "missing":
        return f"{where}: is missing; it has to be set"
    if detail["loc"] == ("shops",) and kind == "tuple_type":
        return "shops: should be a list; write [[shops]], with two brackets"
    plain = isinstance(detail["input"], str | int | float | date | time) and not re.search("password|secret", where)
    found = f"found {_as_written(detail['input'])}; " if plain else ""
    return f"{where or 'the file'}: {found}should be {_expected(detail)}"


def _expected(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    for start, words in EXPECTED.items():
        if kind.startswith(start):
            return words
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if "expected" in context:
        return f"one of {context['expected']}"
    return detail["msg"].removeprefix("Input should be ").removeprefix("String should ").lower()


def _as_written(value: object) -> str:
    """A value as TOML has it, where that differs from Python."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date | time) else repr(value)


def _nearest(place: tuple[int | str, ...]) -> str:
    near = difflib.get_close_matches(str(place[-1]), _keys_at(place[:-1]), n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else "remove it"


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    """The settings that the section at a path has."""
    section: Any = Config
    for part in place:
        if isinstance(part, str):
            section = next(iter(_sections_in(_fields_of(section).get(part))), None)
    return list(_fields_of(section))


def _fields_of(section: Any) -> dict[str, Any]:  # noqa: ANN401 - a model or a dataclass
    if isinstance(section, type) and issubclass(section, BaseModel):
        return {name: field.annotation for name, field in section.model_fields.items() if field.repr}
    return {field.name: field.type for field in fields(section)} if is_dataclass(section) else {}


def _sections_in(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - any annotation
    """The models and dataclasses that an annotation speaks of: `tuple[Shop, ...]`, `Mailbox | None`."""
    if _fields_of(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections_in(inner)
