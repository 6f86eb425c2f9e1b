"""Small files of every kind that a scanner makes, and a post folder to drop them in: what tests of the folder need."""

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from intake.config import PostFolder
from intake.sources.post import PATIENT, Patience, PostSource

PDF = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
QUICK = {"room_address": "post@example.nl", "stable_seconds": 0, "stable_looks": 2, "record_wait_seconds": 0}
RECORD: dict[str, Any] = {"schema": "letter-intake/1", "received_on": "2026-09-05"}


def picture(kind: str, pages: int = 1, **how: Any) -> bytes:
    """A picture as TIFF, JPEG or PNG; a TIFF can have several pages. It has no areas that pack to nothing."""
    mode = "1" if how.get("compression") == "group4" else "L"
    image = Image.linear_gradient("L").resize((300, 400)).convert(mode)
    out = io.BytesIO()
    more = {"save_all": True, "append_images": [image.copy() for _ in range(pages - 1)]} if pages > 1 else {}
    image.save(out, kind, **more, **how)
    return out.getvalue()


class Folder:
    """A post folder on disk with its source; `look` looks at moments of a clock that the test sets."""

    def __init__(self, path: Path, patience: Patience = PATIENT, **settings: Any) -> None:
        self.path = path
        self.settings = PostFolder.model_validate({**QUICK, **settings, "path": path})
        self.source = PostSource(self.settings, patience)
        self.source.prepare()

    def again(self) -> PostSource:
        """The source of a process that knows nothing of the last one."""
        self.source = PostSource(self.settings)
        return self.source

    def drop(self, name: str, content: bytes = PDF, record: dict[str, Any] | None = None) -> Path:
        """Put a file into incoming/, and its record beside it."""
        place = self.path / "incoming" / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        if record is not None:
            place.with_suffix(".json").write_text(json.dumps(record))
        return place

    def look(self, *moments: float) -> list[str]:
        """The names that are handed out at these moments, with what is wrong with each."""
        claims = [claim for moment in moments for claim in self.source.look(moment)]
        return [f"{claim.name} {claim.problem}".strip() for claim in claims]

    def names(self, folder: str = "incoming") -> list[str]:
        """The files and folders below one of the folders, but for our marks."""
        base = self.path / folder
        return sorted(str(path.relative_to(base)) for path in base.rglob("*") if not path.name.startswith("."))
