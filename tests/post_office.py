"""A post room for tests: scans are dropped, letters come out, and everything in between is done when it is told to."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pikepdf
import typst

from intake.pipeline import House, deliver, process, recognise, watch_post
from intake.post_folder import INCOMING
from intake.sources.post import PostSource
from storage.models import Case
from storage.store import CaseFile
from tests.builders import MONDAY, make_config, make_house, post_settings, shop_settings

RECORD = {"schema": "letter-intake/1", "received_on": "2026-09-04"}
SENDER = {
    "name": "A. de Boer",
    "street": "Kerkstraat",
    "house_number": "5",
    "postal_code": "1017 GA",
    "city": "Amsterdam",
}
TEXT = """A. de Boer
Kerkstraat 5
1017 GA Amsterdam

Smart Import Solutions
t.a.v. Mirjam
Plattenborgstraat 20
8043 TT Zwolle

Amsterdam, 3 september 2026

Betreft: klacht over bestelling 104233

Geachte mevrouw,

Mijn stofzuiger is na drie weken stuk gegaan en ik krijg van niemand een antwoord. Het gaat om bestelnummer 104233.
Ik wil dat u hem herstelt of mij mijn geld teruggeeft.

Hoogachtend,

A. de Boer
"""


def scan(text: str = TEXT, pages: int = 1) -> bytes:
    """A letter as a PDF with a text layer, as a program prints it: the same text, the same bytes."""
    body = "\n#pagebreak()\n".join(f"#raw({json.dumps(text)}, block: true)" for _ in range(pages))
    source = f'#set page(paper: "a5", margin: 12mm)\n#set text(size: 8pt)\n{body}'
    return bytes(typst.compile(source.encode(), format="pdf", timestamp=MONDAY))


def stack(*letters: bytes) -> bytes:
    """Several PDFs as one."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        for letter in letters:
            with pikepdf.open(io.BytesIO(letter)) as part:
                document.pages.extend(part.pages)
        document.save(out)
    return out.getvalue()


class PostOffice:
    """The post folder of the house's shop."""

    def __init__(self, house: House) -> None:
        self.house, self.shop = house, house.config.shops[0]
        assert self.shop.post_folder is not None
        self.path = self.shop.post_folder.path
        self.source = PostSource(self.shop.post_folder)
        self.source.prepare()

    def drop(self, name: str, content: bytes, record: dict[str, Any] | None = None) -> None:
        """A file in `incoming/`, its record before it."""
        if record is not None:
            (self.path / INCOMING / f"{Path(name).stem}.json").write_text(json.dumps({**RECORD, **record}))
        target = self.path / INCOMING / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def work(self) -> None:
        """Do all there is to do."""
        for _ in range(12):
            done = watch_post(self.house, self.shop, self.source) + recognise(self.house) + process(self.house)
            done += deliver(self.house, self.shop)
            if not (done or self.source.waiting()):
                return

    def cases(self) -> list[CaseFile]:
        """Everything about each open case, by reference."""
        cases = sorted(self.house.store.list_cases(), key=lambda case: case.reference)
        return [self.house.store.case_file(case.id or 0) for case in cases]

    def case(self) -> CaseFile:
        """Everything about the only open case."""
        (found,) = self.cases()
        return found

    def find(self, reference: str) -> Case:
        """A case, whatever its state."""
        case = self.house.store.find_case(reference)
        assert case is not None
        return case

    def files(self, folder: str) -> list[str]:
        """The names of the files below a folder, sorted."""
        found = (self.path / folder).rglob("*")
        return sorted(str(path.relative_to(self.path / folder)) for path in found if path.is_file())

    def read(self, folder: str, ending: str) -> str:
        """The text of the only file in a folder whose name ends so."""
        (path,) = (path for path in (self.path / folder).rglob("*") if path.name.endswith(ending))
        return path.read_text(encoding="utf-8-sig")


@contextmanager
def post_office(folder: Path, database: str = "", now: Any = MONDAY, **changes: Any) -> Iterator[PostOffice]:
    """A house with a shop that has a post folder and no mailbox."""
    shop = shop_settings(post_folder=post_settings(folder / "post"), **changes)
    with make_house(make_config(folder / "data", database, [shop]), now) as house:
        yield PostOffice(house)
