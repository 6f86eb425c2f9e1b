"""Pictures as SVG text: elements, and colours that also serve in the dark.

A picture stands by itself: no script, no font of others, no page's style. Every text is escaped. A colour is written
as an attribute for light surroundings, and once more in the picture's own style for dark ones; where a server forbids
that style, the light one stays, on its own background.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from intake.publishing.lettering import FONTS, clean


@dataclass(frozen=True, slots=True)
class Shade:
    """A colour on a light background, and its counterpart on a dark one."""

    light: str
    dark: str


SHADES: Mapping[str, Shade] = MappingProxyType(
    {
        "paper": Shade("#ffffff", "#15191e"),
        "ink": Shade("#1b2127", "#eef1f4"),
        "soft": Shade("#555e68", "#aeb7c1"),
        "grid": Shade("#dfe3e8", "#2c343d"),
        "line": Shade("#175a8c", "#86c0ea"),
        "band": Shade("#d3e3f0", "#223a4e"),
        "edge": Shade("#5c86a8", "#5d90b8"),
        "mark": Shade("#6d4a00", "#e6bd5c"),
        # Series of a chart, each darker or lighter than its neighbours.
        "one": Shade("#175a8c", "#86c0ea"),
        "two": Shade("#b06a10", "#d58a2c"),
        "three": Shade("#2b3540", "#dfe5ea"),
        "four": Shade("#7d8a96", "#77838f"),
    }
)
SERIES = ("one", "two", "three", "four")


def element(name: str, inner: str | Iterable[str] = "", **attributes: object) -> str:
    """One element around what is markup already. `font_size` is written as `font-size`; None is left out."""
    inside = inner if isinstance(inner, str) else "".join(inner)
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(_plain(value)), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{inside}</{name}>" if inside else f"<{name}{given}/>"


def words(text: str) -> str:
    """A text as markup."""
    return escape(clean(text), quote=False)


def painted(shade: str, *, stroke: bool = False) -> dict[str, str]:
    """The attributes that paint an element with one of `SHADES`."""
    kind = "stroke" if stroke else "fill"
    return {"class_": f"{kind[0]}-{shade}", kind: SHADES[shade].light}


def picture(title: str, description: str, size: tuple[float, float], body: Iterable[str], *, dark: bool = True) -> str:
    """A whole SVG file, `size` wide and high; what it shows is told to who cannot see it."""
    width, height = size
    named = element("title", words(title), id="title"), element("desc", words(description), id="desc")
    style = element("style", _dark_style()) if dark else ""
    drawn = element(
        "svg",
        (*named, style, *body),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_plain(width)} {_plain(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby="title desc",
        font_family=FONTS,
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'


def _dark_style() -> str:
    rules = "".join(f".f-{name}{{fill:{shade.dark}}}.s-{name}{{stroke:{shade.dark}}}" for name, shade in SHADES.items())
    return f"@media (prefers-color-scheme:dark){{{rules}}}"


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
