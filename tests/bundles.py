"""An evidence bundle in a folder, to be changed by a test: as somebody does who knows nothing of hashes, or who makes
them all anew (`seal`)."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from intake.evidence.form import EXCLUSIONS, LISTED, MANIFEST, ROWS, SUMS, as_json, sha256, sums
from intake.evidence.lines import COLUMNS, EXCLUSION_COLUMNS, check_of, table_part

Cells = dict[str, str]


class Bundle:
    """The files of a bundle, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_bytes())

    def change(self, name: str, change: Callable[[Any], object]) -> None:
        """Change what a JSON file says."""
        value = self.read(name)
        change(value)
        (self.folder / name).write_bytes(as_json(value))

    def lines(self, name: str = ROWS) -> list[Cells]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def write_lines(self, lines: list[Cells], name: str = ROWS) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS if name == ROWS else EXCLUSION_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        (self.folder / name).write_text(text.getvalue(), encoding="utf-8")

    def set_cell(self, number: int, **cells: str) -> None:
        """Change cells of a line of `rows.csv`, by its number in the file."""
        lines = self.lines()
        lines[number - 2] |= cells
        self.write_lines(lines)

    def seal(self) -> None:
        """Make every check and hash anew, as a forger would."""
        tables = {}
        for name, columns in ((ROWS, COLUMNS), (EXCLUSIONS, EXCLUSION_COLUMNS)):
            lines = self.lines(name)
            for line in lines:
                line["check"] = check_of([line[column] for column in columns[:-1]])
            self.write_lines(lines, name)
            tables[name] = table_part(columns, [[line[column] for column in columns] for line in lines]).model_dump()
        contents = {name: (self.folder / name).read_bytes() for name in LISTED}
        files = {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in contents.items()}
        self.change(MANIFEST, lambda manifest: manifest.update(tables=tables, files=files))
        contents[MANIFEST] = (self.folder / MANIFEST).read_bytes()
        (self.folder / SUMS).write_bytes(sums(contents))
