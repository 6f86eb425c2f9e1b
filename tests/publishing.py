"""What tests of the published pages share: results from plain facts, and a reader of pages that checks them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from intake.bootstrap import TEMPLATES
from intake.config import Shop
from intake.guarantee import ShopFacts, progress
from intake.measuring.facts import CaseFacts
from intake.measuring.guarantees import Guarantee, parse_guarantees
from intake.publishing.site import load_site
from intake.publishing.views import Result, result_of
from tests.builders import shop_settings
from tests.plain_facts import CALENDARS, answer, case, closed, word

LAYOUTS = TEMPLATES / "badges"
DELIVERED = parse_guarantees((TEMPLATES / "guarantees.toml").read_text(encoding="utf-8"), "guarantees.toml")
OCTOBER = datetime(2026, 10, 12, 8, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 12, 8, tzinfo=UTC)
EMPTY_ELEMENTS = frozenset({"meta", "link", "img", "source", "br"})


def shop(**changes: Any) -> Shop:
    """A shop of the configuration."""
    return Shop.model_validate(shop_settings(**changes))


def cases(good: int, late: int = 0, withdrawn: int = 0) -> list[CaseFacts]:
    """Complaints of one Monday: answered on Wednesday, a week late, or withdrawn."""
    found = [case(f"SIS-2026-{number:04}", answers=(answer("09 10:00"),)) for number in range(good)]
    found += [case(f"SIS-2026-{1000 + number:04}", answers=(word("18 10:00"),)) for number in range(late)]
    found += [
        case(f"SIS-2026-{2000 + number:04}", closings=(closed("08 10:00", "withdrawn"),)) for number in range(withdrawn)
    ]
    # Each message is one of its own.
    return [
        replace(one, promised=tuple(replace(made, message=number) for made in one.promised))
        for number, one in enumerate(found)
    ]


def results(
    of: Shop, found: Sequence[CaseFacts], guarantees: Sequence[Guarantee] = DELIVERED, now: datetime = OCTOBER
) -> list[Result]:
    """What a shop has of each guarantee."""
    facts = ShopFacts(of, tuple(found), {}, CALENDARS, (2025, 2027))
    return [result_of(facts, progress(facts, one, now)) for one in guarantees]


def site(
    *shops: tuple[Shop, list[Result]], guarantees: Sequence[Guarantee] = DELIVERED, issuer: str = "self", url: str = ""
) -> dict[str, bytes]:
    """The files of the pages."""
    return load_site(LAYOUTS, issuer, url).files(guarantees, shops)


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Put files there, for a look at them."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@dataclass
class Element:
    """A start tag, with the text inside it."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A page as a strict reader sees it. Raises `AssertionError` where elements do not close."""

    markup: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.markup)
        self.close()
        assert not self.open, [one.name for one in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"{tag} says something twice"
        self.elements.append(element)
        if tag not in EMPTY_ELEMENTS:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open[-1].name == tag, f"</{tag}> closes {self.open[-1].name}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *names: str) -> list[Element]:
        """The elements of some names, in order."""
        return [element for element in self.elements if element.name in names]

    def one(self, name: str) -> Element:
        """The only element of a name."""
        (found,) = self.all(name)
        return found
