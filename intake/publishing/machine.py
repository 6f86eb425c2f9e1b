"""The same for programs: `badges.json`, by the schema that is published beside it."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from intake.config import Shop
from intake.measuring import METHOD
from intake.measuring.figures import figures_value
from intake.measuring.guarantees import Guarantee
from intake.publishing.lettering import TURNING
from intake.publishing.views import Issuer, Result, verdict_of

SCHEMA = "intake-badges/1"
_HARMFUL = re.compile(f"[<\ud800-\udfff]|{TURNING.pattern}")


def shop_json(shop: Shop, results: Iterable[Result], issuer: Issuer) -> bytes:
    """What a shop holds."""
    return _json({**_head(issuer), **_shop(shop, results)})


def all_json(shops: Sequence[tuple[Shop, Sequence[Result]]], guarantees: Iterable[Guarantee], issuer: Issuer) -> bytes:
    """The guarantees, and what each shop holds."""
    return _json(
        {
            **_head(issuer),
            "guarantees": [{**one.model_dump(), "fingerprint": one.fingerprint} for one in guarantees],
            "shops": [_shop(shop, results) for shop, results in shops],
        }
    )


def _head(issuer: Issuer) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "self_measured": not issuer.name,
        "issuer": issuer.name or None,
        "method": METHOD,
    }


def _shop(shop: Shop, results: Iterable[Result]) -> dict[str, Any]:
    return {"shop": {"id": shop.id, "name": shop.name}, "results": [_result(one) for one in results]}


def _result(one: Result) -> dict[str, Any]:
    latest = one.latest
    value: dict[str, Any] = {
        "guarantee": one.guarantee.id,
        "definition": one.guarantee.fingerprint,
        "verdict": "unmeasured" if latest is None else str(latest.rating.verdict),
        "reason": "held" if one.level else verdict_of(one),
        "held": latest.held or None if latest else None,
        "reached": latest.rating.reached or None if latest else None,
        "measured_on": one.computed_on.isoformat() if one.computed_on else None,
        "figures": figures_value(latest.rating.figures) if latest else None,
        "excluded": [
            {"reason": out.reason, "count": out.count, "decided_on": [day.isoformat() for day in out.days]}
            for out in one.exclusions
        ],
        "missing": {},
    }
    if latest is not None:
        value["missing"] = {
            level: [{"what": lacking.what, "have": lacking.have, "need": lacking.need} for lacking in found]
            for level, found in latest.rating.missing
        }
    value["months"] = [
        {
            "month": f"{month.first:%Y-%m}",
            "held": month.held or None,
            "reached": month.rating.reached or None,
            "verdict": str(month.rating.verdict),
            "figures": figures_value(month.rating.figures),
        }
        for month in one.progress.months
    ]
    return value


def _json(value: dict[str, Any]) -> bytes:
    # Escaped is what would do harm where somebody puts the file into a page, or looks at it; it stays what it is.
    text = _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, indent=1))
    return f"{text}\n".encode()
