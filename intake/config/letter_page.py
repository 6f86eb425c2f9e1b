"""The page of posted letters: what stands at its top, and where the envelope's window is.

Only DIN 5008 publishes where its window is. The Dutch and Belgian presets are middle ways between envelopes on sale
there: check them against your own with `intake letters test-page`, and correct what differs.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from intake.config.base import Section

EnvelopeName = Literal["din5008b", "din5008a", "nl-left", "nl-right", "be-right"]


@dataclass(frozen=True, slots=True)
class Window:
    """Where the address shows through the envelope: millimetres, from the page's top and left.

    `above` is the zone at the window's top for the return line and a remark; the address begins below it, higher when
    it is long. `folds` are where the page is folded. The default is DIN 5008 form B."""

    left: float = 20
    top: float = 45
    width: float = 85
    height: float = 45
    above: float = 17.7
    folds: tuple[float, ...] = (105, 210)


ENVELOPES: dict[str, Window] = {
    # DIN 5008:2020: 20 mm from the left, 85 x 45 mm, 17.7 mm of it for return line and remarks.
    "din5008b": Window(),
    "din5008a": Window(top=27, folds=(87, 192)),
    # For 110 x 220 mm with a window of 40 x 100 to 110 mm, some 20 mm off the lower edge and the side.
    "nl-left": Window(left=20, top=48, width=100, height=40, above=14),
    "nl-right": Window(left=95, top=48, width=100, height=40, above=14),
    # bpost wants the upper 40 mm of the envelope free, and 15 mm on the right of the address.
    "be-right": Window(left=100, top=50, width=95, height=40, above=14),
}


class WindowNumbers(Section):
    """Numbers of one's own, in millimetres, each in the place of the preset's."""

    left: float | None = Field(default=None, ge=0, le=200)
    top: float | None = Field(default=None, ge=0, le=200)
    width: float | None = Field(default=None, gt=0, le=210)
    height: float | None = Field(default=None, gt=0, le=150)
    above: float | None = Field(default=None, ge=0, le=100)
    folds: tuple[float, ...] | None = Field(default=None, max_length=4)

    @field_validator("folds")
    @classmethod
    def _on_the_page(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value and not all(0 < fold < 297 for fold in value):
            raise ValueError("given in millimetres from the page's top, more than 0 and less than 297")
        return value


class LetterPage(Section):
    """What stands at the top of posted letters, and the envelope that they go in.

    `logo` is a PNG, JPEG or SVG file; `logo_text` says to who cannot see it what it shows."""

    lines: tuple[str, ...] = ()
    logo: Path | None = None
    logo_text: str = ""
    envelope: EnvelopeName = "din5008b"
    window: WindowNumbers = WindowNumbers()

    @model_validator(mode="after")
    def _window_on_the_page(self) -> Self:
        place = self.place
        if place.left + place.width > 210 or place.top + place.height > 250:
            raise ValueError("a window that lies on the page: left and width up to 210 mm, top and height up to 250 mm")
        return self

    @property
    def place(self) -> Window:
        """The envelope's window: the preset's, with the numbers of one's own."""
        return replace(ENVELOPES[self.envelope], **self.window.model_dump(exclude_none=True))
