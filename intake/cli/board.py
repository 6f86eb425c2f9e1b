"""The live board of the demo: what came in, its fate, its date and its draft, as it happens.

On a terminal one table that is drawn anew; elsewhere one line whenever something about an arrival changes.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from intake.bootstrap import clock
from intake.cli.app import out
from intake.cli.tables import FATE_STYLE, draft_words, due_words, sender_words, shorten
from intake.config import Config
from storage.models import Case, CaseState, Draft, Effect
from storage.store import ArrivalLine, Store

REFRESH_SECONDS = 0.5
HEADINGS = ("arrived", "by", "from", "subject", "fate", "case", "answer", "draft")


@dataclass(frozen=True)
class Row:
    """One arrival as the board shows it."""

    id: int
    cells: tuple[str | Text, ...]

    @property
    def plain(self) -> str:
        """The row on one line, without colours."""
        return "  ".join(str(cell) for cell in self.cells if str(cell))


class Board:
    """Watches the database and shows it. `welcome` are the lines about how to take part."""

    def __init__(self, store: Store, config: Config, welcome: list[str]) -> None:
        self._store = store
        self._config = config
        self._welcome = welcome

    def show_until(self, stopping: threading.Event) -> None:
        """Show until the event is set."""
        if out.is_terminal:
            with Live(self._page(out), console=out, auto_refresh=False) as live:
                while not stopping.wait(REFRESH_SECONDS):
                    live.update(self._page(out), refresh=True)
        else:
            self._print_changes(stopping)

    def _print_changes(self, stopping: threading.Event) -> None:
        for line in self._welcome:
            out.print(line, highlight=False, soft_wrap=True, markup=False)
        shown: dict[int, str] = {}
        while True:
            for row in self._rows():
                if shown.get(row.id) != row.plain:
                    shown[row.id] = row.plain
                    out.print(row.plain, highlight=False, soft_wrap=True, markup=False)
            if stopping.wait(REFRESH_SECONDS):
                return

    def _page(self, console: Console) -> Group:
        rows = list(self._rows())
        # What does not fit on the screen cannot be drawn anew: the newest rows go first.
        room = max(5, console.height - len(self._welcome) - 6)
        table = Table(box=None, header_style="bold", pad_edge=False, expand=True)
        for heading, ratio in zip(HEADINGS, (10, 6, 18, 26, 9, 13, 30, 16), strict=True):
            table.add_column(heading, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for row in rows[-room:]:
            table.add_row(*row.cells)
        hidden = len(rows) - min(room, len(rows))
        above = f" ({hidden} more above; make the window higher, or `intake arrivals`)" if hidden else ""
        title = Text(f"Intake · {self._config.shops[0].name} · {len(rows)} arrivals{above}", style="bold")
        return Group(title, Text(), table, Text(), *(Text(line, style="dim") for line in self._welcome))

    def _rows(self) -> Iterator[Row]:
        lines = self._store.list_arrivals()
        files = {case.id or 0: case for case in self._store.list_cases(states=tuple(CaseState))}
        drafts = self._store.drafts_of_cases(list(files))
        effects = self._store.effects_of(draft_ids=[draft.id or 0 for draft in drafts.values()])
        for line in lines:
            case = files.get((line.message.case_id if line.message else None) or 0)
            draft = drafts.get(case.id or 0) if case else None
            yield self._row(line, case, draft, effects.get(draft.id or 0) if draft else None)

    def _row(self, line: ArrivalLine, case: Case | None, draft: Draft | None, effect: Effect | None) -> Row:
        shop = self._config.shop(line.arrival.shop)
        message = line.message
        fate = message.fate.value if message else "waiting"
        opened = fate == "opened"
        reason = shorten(message.reason, 60) if message and not opened else ""
        return Row(
            line.arrival.id or 0,
            (
                f"{(message or line.arrival).received_at.astimezone(shop.zone):%a %H:%M}",
                line.arrival.channel.value,
                escape(shorten(sender_words(line), 24)),
                escape(shorten(message.subject if message else "", 40)),
                Text(fate, style=FATE_STYLE.get(fate, "")),
                line.reference,
                due_words(case, shop, clock()) if case and opened else Text(reason, style="dim"),
                draft_words(draft, effect) if opened else "",
            ),
        )
