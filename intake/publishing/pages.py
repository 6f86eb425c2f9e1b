"""The pages as HTML: static, without a script, in one language each. Everything that is filled in is escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from intake.config import Shop
from intake.measuring import METHOD
from intake.measuring.figures import WITH_DAYS
from intake.measuring.guarantees import Guarantee
from intake.measuring.levels import Rating, Verdict
from intake.publishing.badge import HEIGHT, WIDTH
from intake.publishing.lettering import clean
from intake.publishing.paths import badge_path, chart_path, folder_of, specimen_path
from intake.publishing.pictures import chart_of
from intake.publishing.views import Issuer, Result, because, best_first, face_of, levels_of, specimen, verdict_of
from intake.publishing.words import Words


@dataclass(frozen=True)
class Pages:
    """The layouts, and what is the same on every page. `base` is where the pages will stand ("" where nobody said):
    it ends in a slash."""

    environment: ImmutableSandboxedEnvironment
    words: Mapping[str, Words]
    issuer: Issuer
    base: str

    def start(self) -> str:
        """The choice of a language."""
        languages = [
            {
                "code": one.code,
                "name": one.table["language"],
                "title": one.say("page.title"),
                "heading": one.say("page.heading"),
            }
            for one in self.words.values()
        ]
        return self._page("start", languages=languages, base=self.base)

    def overview(self, words: Words, guarantees: Sequence[Guarantee], results: Sequence[Result]) -> str:
        """Every badge there is, and who holds which."""
        listed = [
            _definition(one, words, self.issuer, [result for result in results if result.guarantee.id == one.id])
            for one in guarantees
        ]
        return self._page(
            "overview",
            **self._common(words, "index.html", self.issuer.of_all(words)),
            guarantees=listed,
        )

    def shop(self, words: Words, shop: Shop, results: Sequence[Result]) -> str:
        """What one shop holds, and why."""
        folder = folder_of(shop.id)
        issued = self.issuer.of_shop(words, shop.name, holds=any(one.tier for one in results))
        return self._page(
            "shop",
            **self._common(words, f"{folder}.html", issued),
            shop=shop.name,
            folder=folder,
            guarantees=[self._result(words, one) for one in results],
        )

    def embed(self, words: Words, results: Sequence[Result]) -> str:
        """What a shop copies into its own pages."""
        text = "\n".join(self._snippet(words, one) for one in results)
        if self.base:
            return f"{text}\n"
        return f"<!-- {words.say('page.embed_relative')} -->\n{text}\n"

    def _result(self, words: Words, result: Result) -> dict[str, Any]:
        guarantee, months = result.guarantee, result.progress.months
        view = {
            "id": guarantee.id,
            "name": guarantee.name.in_language(words.code),
            "sentence": guarantee.sentence.in_language(words.code),
            "picture": badge_path(result.shop.id, guarantee.id, words.code),
            "alt": _alt(result, words, self.issuer),
            "because": because(result, words),
            "figures": _figures(result, words),
            "levels": levels_of(result, words),
            "months": [],
            "promised": words.promise(result.shop),
            "rules": words.rules(guarantee),
            "method": _method(guarantee, words),
            "snippet": self._snippet(words, result),
        }
        if not months:
            return view
        return view | {
            "chart": _chart(result, words),
            "months": _months(result, words),
            "channels": _channels(result, words),
            "exclusions": [
                {
                    "reason": words.excluded(one.reason),
                    "count": words.number(one.count),
                    "days": words.listed([words.day(day) for day in one.days]),
                }
                for one in result.exclusions
            ],
        }

    def _snippet(self, words: Words, result: Result) -> str:
        # Nothing in it changes from month to month: it stands on pages that nobody will touch again.
        whose = self.issuer.on_badge(words, holds=False)
        name = result.guarantee.name.in_language(words.code)
        return self._page(
            "snippet",
            base=self.base,
            lang=words.code,
            folder=folder_of(result.shop.id),
            id=result.guarantee.id,
            picture=badge_path(result.shop.id, result.guarantee.id, words.code),
            width=round(WIDTH),
            height=round(HEIGHT),
            alt=f"{result.shop.name}: {name} ({whose})",
        ).strip()

    def _common(self, words: Words, page: str, issued: str) -> dict[str, Any]:
        return {
            "words": words,
            "languages": [{"code": one.code, "name": one.table["language"]} for one in self.words.values()],
            "page": page,
            "issued": issued,
            "base": self.base or "../",
            "absolute": bool(self.base),
            "width": round(WIDTH),
            "height": round(HEIGHT),
        }

    def _page(self, name: str, **values: object) -> str:
        return self.environment.get_template(f"{name}.html.j2").render(**values)


def load_pages(folder: Path, words: Mapping[str, Words], issuer: Issuer, url: str) -> Pages:
    """The pages of `templates/badges`. `url` is where they will stand, or ""."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printed,
    )
    return Pages(environment, words, issuer, f"{url.rstrip('/')}/" if url else "")


def _printed(value: object) -> object:
    """Text without what turns the direction of what stands around it."""
    return clean(value) if type(value) is str else value


def _definition(guarantee: Guarantee, words: Words, issuer: Issuer, results: Sequence[Result]) -> dict[str, Any]:
    levels = [
        {
            "name": level.name.in_language(words.code),
            "picture": specimen_path(guarantee.id, level.id, words.code),
            "alt": specimen(guarantee, level, words, issuer).title,
            "requires": words.requirements(guarantee, level),
        }
        for level in reversed(guarantee.levels)
    ]
    return {
        "id": guarantee.id,
        "name": guarantee.name.in_language(words.code),
        "sentence": guarantee.sentence.in_language(words.code),
        "levels": levels,
        "rules": words.rules(guarantee),
        "method": _method(guarantee, words),
        "members": [_member(one, words) for one in best_first(results)],
    }


def _chart(result: Result, words: Words) -> dict[str, str] | None:
    chart = chart_of(result, words)
    if chart is None:
        return None
    wide, narrow = (
        chart_path(result.shop.id, result.guarantee.id, words.code, narrow=small) for small in (False, True)
    )
    return {"wide": wide, "narrow": narrow, "alt": chart.alt, "caption": chart.caption}


def _member(result: Result, words: Words) -> dict[str, Any]:
    none = words.say("words.none")
    level = result.level
    view = {
        "shop": result.shop.name,
        "page": f"{folder_of(result.shop.id)}.html",
        "tier": result.tier,
        "level": level.name.in_language(words.code) if level else words.say(f"badge.{verdict_of(result)}"),
    }
    if result.latest is None:
        return view | dict.fromkeys(("good", "count", "share", "interval", "median"), none)
    return view | _measured(result.latest.rating, words)


def _measured(rating: Rating, words: Words) -> dict[str, str]:
    """The figures of a row. Of what is not rated, or withheld, a share would say too much."""
    figures = rating.figures
    counted = {"good": words.number(figures.good), "count": words.number(figures.count)}
    if rating.verdict is not Verdict.RATED:
        return counted | dict.fromkeys(("share", "interval", "median"), words.say("words.none"))
    return counted | {
        "share": words.share(figures),
        "interval": words.interval(figures),
        "median": words.median_days(figures),
    }


def _alt(result: Result, words: Words, issuer: Issuer) -> str:
    face = face_of(result, words, issuer)
    return ", ".join(part for part in (face.title, face.figure, face.window) if part)


def _figures(result: Result, words: Words) -> list[tuple[str, str]]:
    if result.latest is None or result.computed_on is None:
        return []
    figures, rated = result.latest.rating.figures, result.latest.rating.verdict is not Verdict.NOT_RATED
    shares = [
        (words.say("column.share"), words.share(figures)),
        (words.say("column.interval"), words.interval(figures)),
    ]
    if result.guarantee.measure in WITH_DAYS:
        shares.append((words.say("column.median"), words.median(figures)))
    return [
        (words.say("column.count"), words.kept(result.guarantee, figures)),
        *(shares if rated else []),
        (words.say("column.window"), words.window(figures.window)),
        (words.say("column.unanswered"), words.unanswered(figures)),
        (words.say("column.excluded"), words.number(sum(figures.excluded.values()))),
        (words.say("column.computed"), words.day(result.computed_on)),
    ]


def _months(result: Result, words: Words) -> list[dict[str, str]]:
    """The months, the last one first."""
    names = {level.id: level.name.in_language(words.code) for level in result.guarantee.levels}
    none = words.say("words.none")
    return [
        {
            "name": words.month(month.first),
            **_measured(month.rating, words),
            "excluded": words.number(sum(month.rating.figures.excluded.values())),
            "reached": names.get(month.rating.reached, none),
            "held": names.get(month.held, none),
        }
        for month in reversed(result.progress.months)
    ]


def _channels(result: Result, words: Words) -> list[dict[str, str]]:
    latest = result.latest
    found = latest.rating.figures.channels if latest else {}
    named = words.table["channel"]
    return [
        {"name": named.get(name, name), "good": words.number(good), "count": words.number(count)}
        for name, (count, good) in found.items()
    ]


def _method(guarantee: Guarantee, words: Words) -> str:
    return words.say("foot.method", method=METHOD, fingerprint=guarantee.fingerprint)
