"""Reply templates: which one serves a reply, and how it is rendered.

Templates are data that a shop may write, and values come from strangers: Jinja runs in an immutable sandbox with
strict undefined names over plain values, and within limits (`intake.replies.limits`). A fact that is not known, and
the decision itself, is a visible gap: `[bestelnummer?]`. This module asserts nothing about the complaint.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError

from intake.config import CLOSED_ODR
from intake.errors import TemplateError
from intake.replies.limits import MOST_BYTES, BoundedEnvironment, limited

GAP = re.compile(r"\[[^\[\]\n]{1,300}\?\]")
LAYOUT = "mail.html.j2"
ODR_IS_CLOSED = "names the EU's ODR platform, which closed on 20 July 2025 (Regulation (EU) 2024/3228)"
# What a wrong template can raise while it is rendered; a mistake of the program itself is not among them.
WRONG = (
    JinjaError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    SyntaxError,
    MemoryError,
    OSError,
)


class Templates:
    """The templates of one shop: its own folder first, then those delivered. They are read once: a change on disk is
    taken up at the next start."""

    def __init__(self, delivered: Path, own: Path | None = None) -> None:
        self.delivered, self.own = delivered, own
        folders = self._folders = [folder for folder in (own, delivered) if folder is not None]
        self._jinja = BoundedEnvironment(
            (gap,),
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=lambda name: name is not None and name.endswith(".html.j2"),
            auto_reload=False,
        )
        self._chosen: dict[tuple[str, ...], str] = {}
        self._jinja.filters["or_gap"] = or_gap

    def choose(self, kind: str, category: str, language: str, otherwise: str = "") -> str:
        """The template's name: of the category where there is one, else the general one of the kind; in the language
        `otherwise` where there is none in the wanted one. Raises `TemplateError`."""
        wanted = (kind, category, language, otherwise)
        if wanted not in self._chosen:
            names = [f"{language}/{kind}/{category}.j2", f"{language}/{kind}.j2"]
            if otherwise:
                names += [f"{otherwise}/{kind}/{category}.j2", f"{otherwise}/{kind}.j2"]
            self._chosen[wanted] = self._find(*names)
        return self._chosen[wanted]

    def _find(self, *names: str) -> str:
        for name in names:
            if self.path(name) is not None:
                return name
        folder = names[-1].partition("/")[0]
        raise TemplateError(f"There is no template {names[-1]}.", f"Add it to the folder of language {folder!r}.")

    def path(self, name: str) -> Path | None:
        """The file that serves a template: the shop's, else the delivered one, if any."""
        return next((folder / name for folder in self._folders if (folder / name).is_file()), None)

    def names(self) -> list[str]:
        """Every template, those that others are built from included."""
        return self._jinja.list_templates(extensions=("j2",))

    def render(self, name: str, values: Mapping[str, Any]) -> tuple[str, str]:
        """(subject, body) of a template over plain values. Raises `TemplateError` with the template and the line."""
        subject, _, body = self._text(name, values).strip().partition("\n")
        lines = [line.rstrip() for line in body.strip("\n").split("\n")]
        return " ".join(subject.split()), re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"

    def lay_out(self, language: str, values: Mapping[str, Any]) -> str:
        """The HTML around a reply: `mail.html.j2`, of the language where there is one. Values are escaped, except
        what is `Markup`. Raises `TemplateError`."""
        wanted = ("", "", language, LAYOUT)
        if wanted not in self._chosen:
            self._chosen[wanted] = self._find(f"{language}/{LAYOUT}", LAYOUT)
        return self._text(self._chosen[wanted], values)

    def _text(self, name: str, values: Mapping[str, Any]) -> str:
        try:
            with limited():
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
        if len(text) > MOST_BYTES // 4 and len(text.encode("utf-8", "replace")) > MOST_BYTES:
            raise TemplateError(
                f"Template {name} makes a reply of more than {MOST_BYTES // 1000} kB.", "Mend it, or take it away."
            )
        return text

    def source_of(self, name: str) -> str:
        """What is written in a template, also where it cannot be compiled. Raises `TemplateError`."""
        path = self.path(name)
        try:
            if path is None or path.stat().st_size > MOST_BYTES:
                raise TemplateError(f"Template {name} is longer than {MOST_BYTES // 1000} kB.", "Shorten it.")
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateError(f"Template {name} cannot be read: {error}.", "Save it as UTF-8.") from error

    def mistakes(self) -> list[str]:
        """What is wrong with any template, one line each: it cannot be compiled, or it names the closed platform."""
        found = []
        for name in self.names():
            try:
                source = self.source_of(name)
                self._jinja.get_template(name)
            except TemplateError as error:
                found.append(f"{name}: {error.what}")
            except WRONG as error:
                found.append(f"{name}{_place(error)}: {_why(error)}")
            else:
                found += [f"{name}: {ODR_IS_CLOSED}"] if CLOSED_ODR.search(source) else []
        return found


def naming_closed_platform(folder: Path) -> list[str]:
    """The templates in a folder that send a consumer to the closed platform."""
    files = sorted(path for path in folder.rglob("*.j2") if path.is_file())
    return [str(path) for path in files if CLOSED_ODR.search(path.read_text(encoding="utf-8", errors="replace"))]


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
