"""What the shops are measured by: facts from the store, results month by month, kept once they are known."""

from intake.guarantee.collecting import ShopFacts, collect
from intake.guarantee.standing import Month, Progress, guarantees_of, keep_months, progress

__all__ = ["Month", "Progress", "ShopFacts", "collect", "guarantees_of", "keep_months", "progress"]
