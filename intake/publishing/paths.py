"""Where each published file lies, below the folder that is published.

index.html              the choice of a language
LANG/index.html         every badge there is, and who holds which
LANG/SHOP.html          what a shop holds, and why
badges/GUARANTEE_LEVEL_LANG.svg       an example of each level (0: none)
SHOP/GUARANTEE-LANG.svg               what the shop holds now
SHOP/GUARANTEE_months_LANG.svg        month by month, and once more for narrow screens
SHOP/embed-LANG.html, SHOP/badges.json, badges.json, badges.schema.json, style.css
"""

from intake.measuring.guarantees import LANGUAGES

# Names that the site has for itself; no id of a shop has an underscore.
_OWN = frozenset({"index", "badges", *LANGUAGES})


def folder_of(shop: str) -> str:
    """The name that a shop's files go by: its id, unless the site has that name for itself."""
    return f"{shop}_" if shop in _OWN else shop


def badge_path(shop: str, guarantee: str, language: str) -> str:
    """The badge of what a shop holds now."""
    return f"{folder_of(shop)}/{guarantee}-{language}.svg"


def chart_path(shop: str, guarantee: str, language: str, *, narrow: bool) -> str:
    """How a shop did month by month."""
    return f"{folder_of(shop)}/{guarantee}_months{'_narrow' if narrow else ''}_{language}.svg"


def specimen_path(guarantee: str, level: str, language: str) -> str:
    """An example of a level's badge; "" is no level."""
    return f"badges/{guarantee}_{level or '0'}_{language}.svg"
