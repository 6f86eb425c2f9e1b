"""Keeps the published folder (`guarantees.publish`) fresh: anew when a month has been measured, and at each start."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from intake.config import Config
from intake.measuring.levels import last_measured
from intake.publishing import publish
from storage.store import Store


class MonthlyPages:
    """Publishes once for each month that is measured, and at first; cheap in between."""

    def __init__(self, store: Store, config: Config, templates: Path, clock: Callable[[], datetime]) -> None:
        self._store, self._config, self._templates, self._clock = store, config, templates, clock
        self._done: tuple[date, ...] = ()

    def keep(self) -> bool:
        """Publish if that is due; whether it was done. Raises as `publish` does, and is due again then."""
        now, folder = self._clock(), self._config.guarantees.publish
        months = tuple(last_measured(shop.zone, now) for shop in self._config.shops)
        if folder is None or months == self._done:
            return False
        publish(self._store, self._config, self._templates, folder, now)
        self._done = months
        return True
