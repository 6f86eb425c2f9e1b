"""What is shown to everybody: badges, pages and charts, as files for any web server.

    store ─► facts ─► months (`intake.guarantee`) ─► results ─► files by path ─► folder

No customer, no case and nobody of the staff is named in it.
"""

from datetime import datetime
from pathlib import Path

from intake.config import Config
from intake.guarantee import as_kept, collect, guarantees_of, progress
from intake.publishing.folder import Published, put
from intake.publishing.site import load_site
from intake.publishing.views import result_of
from storage.store import Store

__all__ = ["Published", "publish"]

GUARANTEES, LAYOUTS = "guarantees.toml", "badges"


def publish(store: Store, config: Config, templates: Path, folder: Path, now: datetime) -> Published:
    """Make a folder hold the pages of the shops of a configuration, as of now. `templates` are those delivered. Raises
    `ConfigError`, `Refused`, `UsageError`."""
    guarantees = guarantees_of(config, (templates / GUARANTEES).read_text(encoding="utf-8"))
    site = load_site(templates / LAYOUTS, config.guarantees.issuer, config.guarantees.url)
    shops = []
    for shop in config.shops:
        facts = collect(store, shop, now.astimezone(shop.zone).date())
        kept = store.measuring.standings(shop.id)
        months = [as_kept(progress(facts, one, now), kept) for one in guarantees]
        shops.append((shop, [result_of(facts, one) for one in months]))
    return put(folder, site.files(guarantees, shops))
