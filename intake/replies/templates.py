"""Reply templates: which one serves a reply, and how it is rendered.

Templates are data that a shop may write, and values come from strangers: Jinja runs in an immutable sandbox with
strict undefined names over plain values. A fact that is not known, and the decision itself, is a visible gap:
`[bestelnummer?]`. This module asserts nothing about the complaint.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateNotFound
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from intake.errors import TemplateError

GAP = re.compile(r"\[[^\[\]\n]{1,300}\?\]")
MOST_CHARACTERS = 200_000


class Templates:
    """The templates of one shop: its own folder first, then those delivered."""

    def __init__(self, delivered: Path, own: Path | None = None) -> None:
        folders = [folder for folder in (own, delivered) if folder is not None]
        self._jinja = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
        )
        self._jinja.globals.clear()
        self._jinja.globals["gap"] = gap
        self._jinja.filters["or_gap"] = or_gap

    def choose(self, kind: str, category: str, language: str) -> str:
        """The template's name: of the category where there is one, else the general one of the kind."""
        names = (f"{language}/{kind}/{category}.j2", f"{language}/{kind}.j2")
        known = set(self._jinja.list_templates())
        for name in names:
            if name in known:
                return name
        raise TemplateError(f"There is no template {names[1]}.", f"Add it to the folder of language {language!r}.")

    def render(self, name: str, values: Mapping[str, Any]) -> tuple[str, str]:
        """(subject, body) of a template over plain values. Raises `TemplateError` with the template and the line."""
        try:
            text = self._jinja.get_template(name).render(values)
        except TemplateNotFound as error:
            raise TemplateError(f"Template {name} needs {error.name}, which is not there.") from error
        except (JinjaError, SecurityError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            line = getattr(error, "lineno", None)
            where = f" at line {line}" if line else ""
            raise TemplateError(f"Template {name} cannot be rendered{where}: {error}.") from error
        subject, _, body = text[:MOST_CHARACTERS].strip().partition("\n")
        lines = [line.rstrip() for line in body.strip("\n").split("\n")]
        return " ".join(subject.split()), re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def gap(what: str) -> str:
    """A place that only a person can fill."""
    return f"[{' '.join(re.sub(r'[][?]', ' ', what).split())}?]"


def or_gap(value: object, what: str) -> str:
    """The value, or a visible gap where it is not known."""
    text = str(value).strip() if value is not None else ""
    return text or gap(what)


def find_gaps(text: str) -> tuple[str, ...]:
    """The gaps still in a text, in order, each once."""
    return tuple(dict.fromkeys(GAP.findall(text)))
