"""The press: data and a layout in, one PDF out, accessible (PDF/UA-1) and, if it is dated, archival (PDF/A-3a).

What is printed is data to a layout, never markup. No network, no clock, no fonts of the machine: only those beside
the layouts and those that come with the library, embedded. Equal data gives equal bytes.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path

import typst

from intake.errors import Refused, TemplateError
from intake.replies.printable import SHOWN_FOR_MISSING, ZERO_WIDTH_SPACE

_NOT_SHOWN = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_ESCAPED = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))")
# As it is, with boxes, and again: what one error hides, the next one shows.
_MOST_ATTEMPTS = 4
# Without a time the library asks the clock; a layout that is undated prints and keeps none.
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)

Check = Callable[[tuple[str, ...]], None]


def _accept(_missing: tuple[str, ...]) -> None:
    """Print □ for whatever no font has."""


class Press:
    """Sets pages with the layouts of one folder, and the fonts in its `fonts`. It may be shared by threads."""

    def __init__(self, layouts: Path) -> None:
        """Take the folder that holds the layouts, typst files."""
        self._layouts = layouts
        self._fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=True, font_paths=[layouts / "fonts"]
        )

    def layout(self, name: str) -> Path:
        """The path of a layout. Raises TemplateError if it is missing."""
        path = self._layouts / name
        if not path.is_file():
            raise TemplateError(f"The letter layout {path} is missing.", "Restore it, or correct its path.")
        return path

    def set_pages(
        self, name: str, data: Mapping[str, object], dated: date | None = None, check: Check = _accept
    ) -> bytes:
        """Return the PDF of a layout with its data (anything that JSON can hold).

        `dated` has to be the date that the layout gives to the document; without it there is no PDF/A. `check` is
        told the characters that no font has, and may refuse them; else they are printed as □. Raises what `check`
        raises, Refused where the layout refuses, TemplateError where the layout is missing or wrong.
        """
        layout, page = self.layout(name), dict(data)
        missing: tuple[str, ...] = ()
        for _ in range(_MOST_ATTEMPTS):
            outcome = self._attempt(layout, page, dated)
            if isinstance(outcome, bytes):
                return outcome
            missing = outcome
            check(missing)
            page = {key: _with_boxes(missing, part) for key, part in page.items()}
        raise TemplateError(
            f"A page holds characters that cannot be printed: {' '.join(missing)}", "Take them out of the text."
        )

    def _attempt(self, layout: Path, page: Mapping[str, object], dated: date | None) -> bytes | tuple[str, ...]:
        """The PDF, or what no font can show: PDF/A forbids the sign for a missing glyph, and which characters a
        font has is known only from the errors, all of them at once.

        The layout goes in by its path: text given as bytes takes one of 65,535 numbers of the process each time,
        and the library panics when they are used up."""
        try:
            return typst.compile(
                layout,
                root=self._layouts,
                font_paths=self._fonts,
                sys_inputs={"data": json.dumps(page)},
                pdf_standards=["a-3a", "ua-1"] if dated else ["ua-1"],
                timestamp=datetime.combine(dated, time(), UTC) if dated else _NO_TIME,
            )
        except typst.TypstError as error:
            missing = _missing(error)
            if not missing:
                raise _explained(error, layout) from error
            return missing


def _missing(error: typst.TypstError) -> tuple[str, ...]:
    """What no font can show, as the error lists it, with its escapes undone."""
    return tuple(
        _ESCAPED.sub(lambda code: chr(int(code[1], 16)) if code[1] else code[2], text)
        for text in _NOT_SHOWN.findall(error.diagnostic)
    )


def _with_boxes(missing: tuple[str, ...], value: object) -> object:
    if isinstance(value, str):
        for part in missing:
            value = value.replace(part, "" if part == ZERO_WIDTH_SPACE else SHOWN_FOR_MISSING)
        return value
    if isinstance(value, dict):
        return {key: _with_boxes(missing, part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_boxes(missing, part) for part in value]
    return value


def _explained(error: typst.TypstError, layout: Path) -> Refused | TemplateError:
    """A layout refuses by `panic("refused: …")`; everything else is a mistake in the layout."""
    prefix = "panicked with: refused: "
    if error.message.startswith(prefix):
        what = error.message.removeprefix(prefix)
        return Refused(f"The letter cannot be set: {what}.", "Shorten it, or use an envelope with a larger window.")
    return TemplateError(f"The letter layout {layout} cannot be set: {error.message}", error.diagnostic.strip())
