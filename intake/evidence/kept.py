"""What a bundle says that Intake kept of each month: that is not counted, but compared with what is counted."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from intake.evidence.form import FIGURES, Finding, KeptPart, differences, shown
from intake.measuring import METHOD

COMPARED = ("figures", "reached", "held")  # where it was counted in the same way
OTHERS = (
    "what was kept of {count} months cannot be counted again: it says that their definition, method or release of the "
    "holidays was another one then"
)


def without_kept(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Figures without what was kept of them: that is not counted, but compared."""

    def months(one: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever stands there
        found = one.get("months")
        if not isinstance(found, list):
            return found
        return [
            {k: v for k, v in month.items() if k != "kept"} if isinstance(month, dict) else month for month in found
        ]

    guarantees = stated.get("guarantees")
    if not isinstance(guarantees, list):
        return dict(stated)
    return {
        **stated,
        "guarantees": [{**one, "months": months(one)} if isinstance(one, dict) else one for one in guarantees],
    }


def check_kept(
    stated: Mapping[str, Any], figures: Mapping[str, Any], definitions: Mapping[str, str], releases: Collection[str]
) -> tuple[list[Finding], list[str]]:
    """What Intake kept when a month was measured, against the same month counted again; with a note of how many cannot
    be compared, because the definition (by guarantee), the method or the release of the holidays was another one."""
    found: list[Finding] = []
    others = 0
    for one, again in zip(stated.get("guarantees") or (), figures["guarantees"], strict=False):
        months = one.get("months") if isinstance(one, dict) else None
        for month, recount in zip(months if isinstance(months, list) else (), again["months"], strict=False):
            kept = month.get("kept") if isinstance(month, dict) else None
            if kept is None:
                continue
            place = f"guarantees[{again['id']}].months[{recount['month']}].kept"
            try:
                part = KeptPart.model_validate(kept)
            except (ValidationError, RecursionError) as error:
                found.append(Finding(FIGURES, place, f"it is nothing that Intake keeps: {shown(str(error))}"))
                continue
            alike = (part.definition, part.method) == (definitions[again["id"]], METHOD) and part.holidays in releases
            if not alike:
                others += 1
                continue
            wanted = {name: recount[name] for name in COMPARED if recount[name] is not None}
            found += differences(FIGURES, {name: kept[name] for name in wanted}, wanted, place)
    return found, [OTHERS.format(count=others)] if others else []
