"""The whole site: every file by its path. Pure but for the layouts, which it reads: the same input makes the same
bytes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intake.config import Shop
from intake.measuring.guarantees import Guarantee
from intake.publishing.badge import draw
from intake.publishing.machine import all_json, shop_json
from intake.publishing.pages import Pages, load_pages
from intake.publishing.paths import badge_path, chart_path, folder_of, specimen_path
from intake.publishing.pictures import chart_of
from intake.publishing.views import Issuer, Result, face_of, specimen
from intake.publishing.words import Words, load_words

COPIED = ("style.css", "badges.schema.json")
ShopResults = Sequence[tuple[Shop, Sequence[Result]]]


@dataclass(frozen=True)
class Site:
    """What a site is made with."""

    pages: Pages
    folder: Path

    @property
    def words(self) -> Mapping[str, Words]:
        """The languages."""
        return self.pages.words

    @property
    def issuer(self) -> Issuer:
        """Whose results these are."""
        return self.pages.issuer

    def files(self, guarantees: Sequence[Guarantee], shops: ShopResults) -> dict[str, bytes]:
        """Every file: pictures and figures first, then the pages that show them."""
        found = {name: (self.folder / name).read_bytes() for name in COPIED}
        for words in self.words.values():
            found |= _bytes(self._specimens(words, guarantees))
            for shop, results in shops:
                found |= _bytes(self._pictures(words, shop, results))
        found["badges.json"] = all_json(shops, guarantees, self.issuer)
        for shop, results in shops:
            found[f"{folder_of(shop.id)}/badges.json"] = shop_json(shop, results, self.issuer)
        everything = [result for _, results in shops for result in results]
        for code, words in self.words.items():
            for shop, results in shops:
                found[f"{code}/{folder_of(shop.id)}.html"] = self.pages.shop(words, shop, results).encode()
            found[f"{code}/index.html"] = self.pages.overview(words, guarantees, everything).encode()
        found["index.html"] = self.pages.start().encode()
        return found

    def _specimens(self, words: Words, guarantees: Iterable[Guarantee]) -> Iterable[tuple[str, str]]:
        for one in guarantees:
            for level in (None, *one.levels):
                path = specimen_path(one.id, level.id if level else "", words.code)
                yield path, draw(specimen(one, level, words, self.issuer))

    def _pictures(self, words: Words, shop: Shop, results: Sequence[Result]) -> Iterable[tuple[str, str]]:
        for one in results:
            yield badge_path(shop.id, one.guarantee.id, words.code), draw(face_of(one, words, self.issuer))
            chart = chart_of(one, words)
            if chart is not None:
                yield chart_path(shop.id, one.guarantee.id, words.code, narrow=False), chart.wide
                yield chart_path(shop.id, one.guarantee.id, words.code, narrow=True), chart.narrow
        yield f"{folder_of(shop.id)}/embed-{words.code}.html", self.pages.embed(words, results)


def load_site(folder: Path, issuer: str, url: str) -> Site:
    """A site with the layouts and words of `templates/badges`, for an issuer as the configuration names it."""
    return Site(load_pages(folder, load_words(folder), Issuer.called(issuer), url), folder)


def _bytes(files: Iterable[tuple[str, str]]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files}
