"""What the shops are measured by: facts from the store, results month by month, kept once they are known."""

from intake.guarantee.collecting import ShopFacts, collect, reported
from intake.guarantee.standing import (
    Difference,
    Month,
    Progress,
    as_kept,
    differences,
    guarantees_of,
    keep_months,
    progress,
)

__all__ = [
    "Difference",
    "Month",
    "Progress",
    "ShopFacts",
    "as_kept",
    "collect",
    "differences",
    "guarantees_of",
    "keep_months",
    "progress",
    "reported",
]
