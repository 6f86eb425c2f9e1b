"""Charts as SVG: a share by month with its interval and the levels' thresholds, columns, and bars.

Pure: values in, text out. Nothing is told by colour alone: colours differ in lightness too, series are named, and
whoever uses a chart puts the same figures beside it as a table.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, floor, log10

from intake.publishing.lettering import shortened, width_of, wrapped
from intake.publishing.svg import SERIES, element, painted, picture, words

TEXT = 13.0
TITLE = 16.0
_GAP = 8.0
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Series:
    """A row of values, one for each label; None where there is none. A chart takes four at most."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line across the chart, with its name."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class SharePoint:
    """A share (0 to 1) with its interval; None where there was nothing to share."""

    label: str
    share: float | None
    lower: float = 0.0
    upper: float = 0.0


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a chart, and what it says to who cannot see it."""

    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart is drawn: its size, values on top of each other (`stacked`) or side by side, how numbers are
    written, and lines across it."""

    width: float = 720.0
    height: float = 320.0
    stacked: bool = True
    number: Callable[[float], str] = "{:g}".format
    thresholds: Sequence[Threshold] = field(default=())


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the values are drawn, and how high the scale goes."""

    left: float
    top: float
    right: float
    bottom: float
    most: float

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * min(1.0, max(0.0, value / self.most))

    def slot(self, count: int) -> float:
        return (self.right - self.left) / max(1, count)


def share_by_month(heading: Heading, points: Sequence[SharePoint], legend: tuple[str, str], look: Look) -> str:
    """A line of shares with their intervals as a band. `legend` names the share and the interval; `look.thresholds`
    are the levels' (0 to 1), `look.number` writes a share."""
    top, above = _above(heading.title, [(legend[0], "line"), (legend[1], "band")], look)
    frame = _frame(look, top, 1.0)
    slot = frame.slot(len(points))
    places = [(frame.left + slot * (number + 0.5), point) for number, point in enumerate(points)]
    runs = [list(run) for known, run in groupby(places, key=lambda one: one[1].share is not None) if known]
    body = [
        *_paper(look, above),
        *_scale(frame, look, (0.0, 0.25, 0.5, 0.75, 1.0)),
        *(_band(run, frame, slot) for run in runs),
        *_across(frame, look),
        *(part for run in runs for part in _line(run, frame, slot)),
        *_below([point.label for point in points], frame),
    ]
    return picture(heading.title, heading.description, (look.width, look.height), body)


def columns(heading: Heading, labels: Sequence[str], series: Sequence[Series], look: Look) -> str:
    """Columns over their labels, from left to right: for months."""
    named = [(one.name, shade) for one, shade in zip(series, SERIES, strict=False)]
    top, above = _above(heading.title, named if len(named) > 1 else [], look)
    high = max([*_heights(len(labels), series, look), *(one.value for one in look.thresholds)], default=0.0)
    ticks = _nice(high)
    frame = _frame(look, top, ticks[-1])
    slot = frame.slot(len(labels))
    body = [*_paper(look, above), *_scale(frame, look, ticks)]
    for number in range(len(labels)):
        body += _column(frame, (frame.left + slot * number, slot), [one.values[number] for one in series], look)
    body += [*_across(frame, look), *_below(labels, frame)]
    return picture(heading.title, heading.description, (look.width, look.height), body)


def bars(heading: Heading, labels: Sequence[str], series: Sequence[Series], look: Look) -> str:
    """Bars beside their labels, from top to bottom, each with its sum: for what has long names. As high as needed."""
    named = [(one.name, shade) for one, shade in zip(series, SERIES, strict=False)]
    top, above = _above(heading.title, named if len(named) > 1 else [], look)
    room = min(look.width * 0.42, max((width_of(label, TEXT) for label in labels), default=0.0))
    sums = [sum(one.values[number] or 0.0 for one in series) for number in range(len(labels))]
    most = max(sums, default=0.0) or 1.0
    told = max((width_of(look.number(value), TEXT) for value in sums), default=0.0)
    left, right = 2 * _GAP + room + _GAP, look.width - 2 * _GAP - told - _GAP
    body = []
    for number, label in enumerate(labels):
        y = top + 28.0 * number
        body.append(_text(shortened(label, TEXT, room), 2 * _GAP + room, y + 17.0, anchor="end"))
        x = left
        for one, shade in zip(series, SERIES, strict=False):
            wide = (right - left) * (one.values[number] or 0.0) / most
            # A pixel of the background between two parts, so that they are told apart without their colours.
            if wide > 0:
                part = max(1.0, wide - 1.0)
                body.append(element("rect", x=x, y=y + 3.0, width=part, height=20.0, **painted(shade)))
            x += wide
        body.append(_text(look.number(sums[number]), x + _GAP, y + 17.0))
    size = (look.width, top + 28.0 * len(labels) + 2 * _GAP)
    return picture(heading.title, heading.description, size, [*_paper(look, above, size[1]), *body])


def _text(text: str, x: float, y: float, *, anchor: str | None = None, shade: str = "ink") -> str:
    return element("text", words(text), x=x, y=y, font_size=TEXT, text_anchor=anchor, **painted(shade))


def _paper(look: Look, above: Iterable[str], height: float = 0.0) -> list[str]:
    sheet = element("rect", width=look.width, height=height or look.height, **painted("paper"))
    return [sheet, *above]


def _above(title: str, named: Sequence[tuple[str, str]], look: Look) -> tuple[float, list[str]]:
    """The title and the legend; and where the room below them begins."""
    room = look.width - 4 * _GAP
    x, y, body = 2 * _GAP, _GAP, []
    # Drawn bold, which takes more room.
    for line in wrapped(title, TITLE, room / 1.12, 2):
        y += TITLE + 4.0
        body.append(element("text", words(line), x=x, y=y, font_size=TITLE, font_weight=600, **painted("ink")))
    y += _GAP
    for number, (name, shade) in enumerate(named):
        wide = 26.0 + width_of(name, TEXT) + 2 * _GAP
        if number == 0 or x + wide > look.width - _GAP:
            x, y = 2 * _GAP, y + 20.0
        body += [_sample(x, y, shade), _text(shortened(name, TEXT, room - 26.0), x + 26.0, y)]
        x += wide
    return y + 2 * _GAP + 4.0, body


def _sample(x: float, y: float, shade: str) -> str:
    if shade == "line":
        dot = element("circle", cx=x + 9.0, cy=y - 4.5, r=3.5, **painted("line"))
        return _rule((x, x + 18.0), y - 4.5, "line", 2.5) + dot
    framed = {"stroke": painted("edge", stroke=True)["stroke"]} if shade == "band" else {}
    return element("rect", x=x, y=y - 10.0, width=18.0, height=11.0, **painted(shade), **framed)


def _frame(look: Look, top: float, most: float) -> _Frame:
    named = max((width_of(one.name, TEXT) for one in look.thresholds), default=0.0)
    told = max(width_of(look.number(value), TEXT) for value in (0.0, most / 4, most))
    right = look.width - 2 * _GAP - (min(named, look.width / 4) + _GAP if named else 0.0)
    return _Frame(2 * _GAP + told + _GAP, top, right, look.height - 34.0, most)


def _scale(frame: _Frame, look: Look, ticks: Iterable[float]) -> list[str]:
    parts = []
    for value in ticks:
        y = frame.y(value)
        parts.append(_rule((frame.left, frame.right), y, "soft" if value == 0 else "grid", 1.0))
        parts.append(_text(look.number(value), frame.left - _GAP, y + 4.5, anchor="end", shade="soft"))
    return parts


def _rule(between: tuple[float, float], y: float, shade: str, width: float, dashes: str | None = None) -> str:
    return element(
        "line",
        x1=between[0],
        x2=between[1],
        y1=y,
        y2=y,
        stroke_width=width,
        stroke_dasharray=dashes,
        **painted(shade, stroke=True),
    )


def _across(frame: _Frame, look: Look) -> list[str]:
    """The thresholds, each named at the right end; names that would meet move apart."""
    parts, last = [], frame.bottom + 100.0
    for one in sorted(look.thresholds, key=lambda one: one.value):
        y = frame.y(one.value)
        last = min(y + 4.5, last - TEXT - 1.0)
        name = shortened(one.name, TEXT, look.width / 4)
        parts += [
            # With an edge of paper, so that it is seen on a column, too.
            _rule((frame.left, frame.right), y, "paper", 4.0, "7 4"),
            _rule((frame.left, frame.right), y, "mark", 1.5, "7 4"),
            _text(name, frame.right + _GAP, last, shade="mark"),
        ]
    return parts


def _below(labels: Sequence[str], frame: _Frame) -> list[str]:
    """The labels; as many as have room, the last one among them."""
    slot = frame.slot(len(labels))
    wide = max((width_of(label, TEXT) for label in labels), default=0.0) + _GAP
    step = max(1, ceil(wide / slot)) if labels else 1
    chosen = [number for number in range(len(labels)) if (len(labels) - 1 - number) % step == 0]
    y = frame.bottom + 20.0
    return [
        _text(labels[number], _within(frame, slot * (number + 0.5), wide), y, anchor="middle", shade="soft")
        for number in chosen
    ]


def _within(frame: _Frame, x: float, wide: float) -> float:
    return min(max(frame.left + x, frame.left + wide / 2 - _GAP), frame.right + _GAP - wide / 2 + _GAP)


def _band(run: Sequence[tuple[float, SharePoint]], frame: _Frame, slot: float) -> str:
    reach = min(8.0, slot / 3)
    stops = run if len(run) > 1 else [(run[0][0] - reach, run[0][1]), (run[0][0] + reach, run[0][1])]
    upper = [f"{x:.1f} {frame.y(point.upper):.1f}" for x, point in stops]
    lower = [f"{x:.1f} {frame.y(point.lower):.1f}" for x, point in stops]
    filled = element("path", d=f"M{' L'.join([*upper, *reversed(lower)])} Z", **painted("band"))
    drawn = painted("edge", stroke=True) | {"fill": "none"}
    edges = [element("path", d=f"M{' L'.join(edge)}", stroke_width=1.25, **drawn) for edge in (upper, lower)]
    return "".join((filled, *edges))


def _line(run: Sequence[tuple[float, SharePoint]], frame: _Frame, slot: float) -> list[str]:
    places = [(x, frame.y(point.share or 0.0)) for x, point in run]
    parts = []
    if len(places) > 1:
        way = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        drawn = painted("line", stroke=True) | {"fill": "none"}
        parts.append(element("path", d=f"M{way}", stroke_width=2.5, stroke_linejoin="round", **drawn))
    radius = min(3.5, max(2.0, slot / 4))
    return parts + [element("circle", cx=x, cy=y, r=radius, **painted("line")) for x, y in places]


def _heights(count: int, series: Sequence[Series], look: Look) -> list[float]:
    values = [[one.values[number] or 0.0 for one in series] for number in range(count)]
    return [sum(found) if look.stacked else max(found, default=0.0) for found in values]


def _column(frame: _Frame, place: tuple[float, float], values: Sequence[float | None], look: Look) -> list[str]:
    left, slot = place
    wide = min(44.0, slot * 0.72)
    x, base, parts = left + (slot - wide) / 2, 0.0, []
    each = wide if look.stacked else wide / max(1, len(values))
    for value, shade in zip(values, SERIES, strict=False):
        if value:
            y, foot = frame.y(base + value), frame.y(base)
            tall = max(1.0, foot - y - (1.0 if base else 0.0))
            parts.append(element("rect", x=x, y=y, width=each - 1.0, height=tall, **painted(shade)))
        if look.stacked:
            base += value or 0.0
        else:
            x += each
    return parts


def _nice(most: float) -> list[float]:
    """Ticks from 0 to at least `most`, at round steps."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough - 1e-9)
    step = max(step, 1.0) if most >= 2 else step
    return [step * number for number in range(ceil(most / step - 1e-9) + 1)]
