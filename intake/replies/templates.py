"""Reply templates: which one serves a reply, and how it is rendered.

Templates are data that a shop may write, and values come from strangers: Jinja runs in an immutable sandbox with
strict undefined names over plain values, and within limits (`intake.replies.limits`). A fact that is not known, and
the decision itself, is a visible gap: `[bestelnummer?]`. This module asserts nothing about the complaint.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2 import TemplateError as JinjaError

from intake.config import CLOSED_ODR
from intake.errors import TemplateError
from intake.replies.limits import MOST_BYTES, BoundedEnvironment, limited

GAP = re.compile(r"\[[^\[\]\n]{1,300}\?\]")
LAYOUT = "mail.html.j2"
Result = TypeVar("Result")
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
        self._trees: dict[str, nodes.Template] = {}
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
        text = self._tried(name, lambda: self._jinja.get_template(name).render(values))
        if len(text) > MOST_BYTES // 4 and len(text.encode("utf-8", "replace")) > MOST_BYTES:
            reason = f"makes a reply of more than {MOST_BYTES // 1000} kB"
            raise TemplateError(f"Template {name} {reason}.", "Mend it, or take it away.", reason=reason)
        return text

    def _tried(self, name: str, work: Callable[[], Result]) -> Result:
        """The result of some work on a template, within limits; what goes wrong becomes a `TemplateError`."""
        try:
            with limited():
                return work()
        except TemplateNotFound as error:
            reason = "is not there" if error.name == name else f"needs {error.name}, which is not there"
            file, line = _where(error)
            what = f"Template {name} {reason}{_place(file, line)}."
            raise TemplateError(what, "Add it to the template folder.", reason=reason, file=file, line=line) from error
        except WRONG as error:
            file, line = _where(error)
            reason = str(error).rstrip(".") or type(error).__name__
            what = f"Template {name} cannot be rendered{_place(file, line)}: {reason}."
            raise TemplateError(what, "Mend it, or take it away.", reason=reason, file=file, line=line) from error

    def tree(self, name: str) -> nodes.Template:
        """The syntax tree of a template that compiles. Raises `TemplateError`."""
        if name not in self._trees:
            source = self.source_of(name)
            self._tried(name, lambda: self._jinja.get_template(name))
            self._trees[name] = self._tried(name, lambda: self._jinja.parse(source, name))
        return self._trees[name]

    def is_own(self, name: str) -> bool:
        """Whether a template is the shop's."""
        return self.own is not None and (self.own / name).is_file()

    def delivered_source(self, name: str) -> str | None:
        """What is written in the delivered template of this name, if there is one."""
        path = self.delivered / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

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
                self.tree(name)
            except TemplateError as error:
                found.append(f"{name}{_place(error.file, error.line)}: {error.reason}")
            else:
                found += [f"{name}: {ODR_IS_CLOSED}"] if CLOSED_ODR.search(source) else []
        return found


def naming_closed_platform(folder: Path) -> list[str]:
    """The templates in a folder that send a consumer to the closed platform."""
    files = sorted(path for path in folder.rglob("*.j2") if path.is_file())
    return [str(path) for path in files if CLOSED_ODR.search(path.read_text(encoding="utf-8", errors="replace"))]


def _where(error: BaseException) -> tuple[str, int]:
    """The file and the line: Jinja writes the template's own into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return error.filename or "", error.lineno
    place, step = ("", 0), error.__traceback__
    while step is not None:
        if "__jinja_exception__" in step.tb_frame.f_globals:
            place = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    return place


def _place(file: str, line: int) -> str:
    return (f" at line {line}" + (f" of {Path(file).name}" if file else "")) if line else ""


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
