"""Reply templates: which one serves a reply, and how it is rendered.

Templates are data that a shop may write, and values come from strangers: Jinja runs in an immutable sandbox with
strict undefined names over plain values. A fact that is not known, and the decision itself, is a visible gap:
`[bestelnummer?]`. This module asserts nothing about the complaint.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from intake.config import CLOSED_ODR
from intake.errors import TemplateError

GAP = re.compile(r"\[[^\[\]\n]{1,300}\?\]")
MOST_CHARACTERS = 200_000
# What a wrong template can raise while it is rendered; a mistake of the program itself is not among them.
WRONG = (
    JinjaError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    OSError,
)


class Templates:
    """The templates of one shop: its own folder first, then those delivered. They are read once: a change on disk is
    taken up at the next start."""

    def __init__(self, delivered: Path, own: Path | None = None) -> None:
        folders = self._folders = [folder for folder in (own, delivered) if folder is not None]
        self._jinja = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
            auto_reload=False,
        )
        self._chosen: dict[tuple[str, str, str], str] = {}
        self._jinja.globals.clear()
        self._jinja.globals["gap"] = gap
        self._jinja.filters["or_gap"] = or_gap

    def choose(self, kind: str, category: str, language: str) -> str:
        """The template's name: of the category where there is one, else the general one of the kind."""
        wanted = (kind, category, language)
        if wanted not in self._chosen:
            self._chosen[wanted] = self._find(f"{language}/{kind}/{category}.j2", f"{language}/{kind}.j2")
        return self._chosen[wanted]

    def _find(self, *names: str) -> str:
        for name in names:
            if any((folder / name).is_file() for folder in self._folders):
                return name
        folder = names[-1].partition("/")[0]
        raise TemplateError(f"There is no template {names[-1]}.", f"Add it to the folder of language {folder!r}.")

    def render(self, name: str, values: Mapping[str, Any]) -> tuple[str, str]:
        """(subject, body) of a template over plain values. Raises `TemplateError` with the template and the line."""
        try:
            text = self._jinja.get_template(name).render(values)
        except TemplateNotFound as error:
            missing = "is not there" if error.name == name else f"needs {error.name}, which is not there"
            raise TemplateError(
                f"Template {name} {missing}{_place(error)}.", "Add it to the template folder."
            ) from error
        except WRONG as error:
            raise TemplateError(
                f"Template {name} cannot be rendered{_place(error)}: {_why(error)}.", "Mend it, or take it away."
            ) from error
        subject, _, body = text[:MOST_CHARACTERS].strip().partition("\n")
        lines = [line.rstrip() for line in body.strip("\n").split("\n")]
        return " ".join(subject.split()), re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"

    def mistakes(self) -> list[str]:
        """What is wrong with any template, one line each: it cannot be compiled, or it names the closed platform."""
        found = []
        for name in self._jinja.list_templates(extensions=("j2",)):
            try:
                self._jinja.get_template(name)
                source, _, _ = (
                    self._jinja.loader.get_source(self._jinja, name) if self._jinja.loader else ("", "", None)
                )
            except WRONG as error:
                found.append(f"{name}{_place(error)}: {_why(error)}")
                continue
            if CLOSED_ODR.search(source):
                found.append(f"{name}: names the EU's ODR platform, which closed on 20 July 2025")
        return found


def _place(error: BaseException) -> str:
    """Where in which file: Jinja writes the template's own file and line into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return f" at line {error.lineno}" + (f" of {Path(error.filename).name}" if error.filename else "")
    place, step = "", error.__traceback__
    while step is not None:
        if "__jinja_exception__" in step.tb_frame.f_globals:
            place = f" at line {step.tb_lineno} of {Path(step.tb_frame.f_code.co_filename).name}"
        step = step.tb_next
    return place


def _why(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


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
