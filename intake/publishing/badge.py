"""A badge as SVG: what a shop holds of a guarantee, to be read at 120 pixels and at 400.

A shop's own result is a plain card that says so; it must not look like a mark that somebody awarded (Directive
2005/29/EC, Annex I no. 2; art. 6:193g sub b BW). The badge of a trust mark shows its level large: the higher the
level, the more of it, by the number of filled bars, the frame and the colour, and in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from intake.publishing.lettering import fitting_size, shortened, wrapped
from intake.publishing.svg import element, picture, words

WIDTH, HEIGHT = 200.0, 236.0
_MARGIN = 12.0
_ROOM = WIDTH - 2 * _MARGIN
_PAPER, _INK, _SOFT = "#ffffff", "#1b2127", "#4d565f"
_STRIP = "#e9ecef"
MOST_BARS = 5


@dataclass(frozen=True, slots=True)
class Tone:
    """The colours of a level: of its field, and of its bars."""

    field: str
    bar: str


# Each level darker in its bars or lighter in its field than the others: they differ without their hue, too.
TONES: Mapping[str, Tone] = MappingProxyType(
    {
        "bronze": Tone("#e3b48c", "#7a4a1c"),
        "silver": Tone("#d5dbe1", "#4a545e"),
        "gold": Tone("#f6d463", "#5c4300"),
    }
)
_STEPS = (Tone("#a9c8e2", "#3f6f99"), Tone("#c3daec", "#235985"), Tone("#dcebf6", "#0d4270"))
_NO_TONE = Tone("#eef0f2", "#4d565f")


@dataclass(frozen=True, slots=True)
class Face:
    """What a badge says. `issuer` is the line that says whose result it is, `awarded` that a trust mark gives it;
    `tier` is the level's place from the lowest (1; 0 for none) of `tiers`, `level` its id, and `title` and
    `description` are for who cannot see it."""

    title: str
    description: str
    issuer: str
    awarded: bool
    name: str
    level: str
    level_name: str
    tier: int
    tiers: int
    figure: str
    window: str


def draw(face: Face) -> str:
    """The badge as a whole SVG file."""
    body = _awarded(face) if face.awarded and face.tier else _measured(face)
    return picture(face.title, face.description, (WIDTH, HEIGHT), body, dark=False)


def tone_of(face: Face) -> Tone:
    """The colours of its level."""
    if not face.tier:
        return _NO_TONE
    if face.level in TONES:
        return TONES[face.level]
    return _STEPS[(face.tier * len(_STEPS) - 1) // face.tiers]


def _measured(face: Face) -> list[str]:
    """A plain card: whose result it is, the guarantee, the level, the figure, the window."""
    tone = tone_of(face)
    issuer = _lines(face.issuer, 21.5, 16.0, 2)
    foot = 12.0 + 19.0 * len(issuer)
    corner = f"M1.5 {foot} V7.5 A6 6 0 0 1 7.5 1.5 H{WIDTH - 7.5} A6 6 0 0 1 {WIDTH - 1.5} 7.5 V{foot} Z"
    bars = _bars(face, (_MARGIN, HEIGHT - 100.0), (7.0, 26.0), tone.bar) if face.tier else []
    left = _MARGIN + (min(face.tiers, MOST_BARS) * 9.0 + 5.0 if face.tier else 0.0)
    return [
        _card(1.5, _PAPER, _SOFT),
        element("path", d=corner, fill=_STRIP),
        *issuer,
        *_lines(face.name, foot + 21.0, 16.0, 3),
        *bars,
        _line(face.level_name, HEIGHT - 76.0, 28.0 if face.tier else 22.0, left=left, bold=True),
        _line(face.figure, HEIGHT - 44.0, 22.0, bold=True),
        _line(face.window, HEIGHT - 17.0, 16.0, fill=_SOFT),
    ]


def _awarded(face: Face) -> list[str]:
    """The level on a field of its colour, above what it is about; a higher one has a heavier frame and more bars."""
    tone = tone_of(face)
    frame = 1.5 + 1.5 * face.tier * 3 / max(3, face.tiers)
    field = element("path", d=f"M2 112 V8 A6 6 0 0 1 8 2 H{WIDTH - 8} A6 6 0 0 1 {WIDTH - 2} 8 V112 Z", fill=tone.field)
    bars = min(face.tiers, MOST_BARS)
    each = (_ROOM - 5.0 * (bars - 1)) / bars
    return [
        _card(2.0, _PAPER, "none"),
        field,
        *_lines(face.issuer, 23.0, 15.0, 2),
        _line(face.level_name, 78.0, 36.0, bold=True),
        *_bars(face, (_MARGIN, 87.0), (each, 16.0), tone.bar, rising=False),
        *_lines(face.name, 132.0, 16.0, 3),
        _line(face.figure, HEIGHT - 35.0, 19.0, bold=True),
        _line(face.window, HEIGHT - 13.0, 16.0, fill=_SOFT),
        _card(frame, "none", tone.bar),
    ]


def _card(frame: float, fill: str, stroke: str) -> str:
    inset = frame / 2
    return element(
        "rect",
        x=inset,
        y=inset,
        width=WIDTH - frame,
        height=HEIGHT - frame,
        rx=7.0,
        fill=fill,
        stroke=stroke,
        stroke_width=frame if stroke != "none" else None,
    )


def _lines(text: str, y: float, size: float, most: int) -> list[str]:
    """A text on as many lines as it needs, smaller where that saves it from being cut."""
    fits = next((fit for fit in (size, size - 1, size - 2, size - 3) if not _is_cut(text, fit, most)), size - 2)
    lines: Sequence[str] = wrapped(text, fits, _ROOM, most)
    return [_line(line, y + 19.0 * number, fits) for number, line in enumerate(lines)]


def _is_cut(text: str, size: float, most: int) -> bool:
    return " ".join(wrapped(text, size, _ROOM, most)) != " ".join(text.split())


def _line(
    text: str, y: float, size: float, *, left: float = _MARGIN, bold: bool = False, fill: str = _INK
) -> str:  # one line of text, as large as fits
    room = WIDTH - _MARGIN - left
    fits = fitting_size(text, size, 13.0, room, bold=bold)
    shown = shortened(text, fits, room, bold=bold)
    weight = 700 if bold else None
    return element("text", words(shown), x=left, y=y, font_size=fits, font_weight=weight, fill=fill)


def _bars(
    face: Face, place: tuple[float, float], size: tuple[float, float], colour: str, *, rising: bool = True
) -> list[str]:
    """One bar for each level, filled up to the one that is held."""
    count = min(face.tiers, MOST_BARS)
    filled = max(1, face.tier * count // face.tiers)
    wide, tall = size
    gap = 2.0 if rising else 5.0
    parts = []
    for number in range(1, count + 1):
        high = tall * (0.4 + 0.6 * number / count) if rising else tall
        drawn = {"fill": colour} if number <= filled else {"fill": _PAPER}
        x, y = place[0] + (wide + gap) * (number - 1) + 0.75, place[1] + tall - high + 0.75
        parts.append(
            element("rect", x=x, y=y, width=wide - 1.5, height=high - 1.5, stroke=colour, stroke_width=1.5, **drawn)
        )
    return parts
