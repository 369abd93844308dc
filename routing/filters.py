"""Hard limits: what takes a candidate out before anyone scores it, in this order.

What the gateway is told to keep to (regions, prices, keys, tiers, a pin) fails closed:
a candidate of which too little is known is out. What is only known from the catalogue
(abilities) is a preference where nobody has it: the provider judges.
"""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import Final

from routing.types import TIERS, Candidate, Query

REGIONS: Final = {
    "eu": ("eu-", "europe-", "eu.", "westeurope", "northeurope", "swedencentral",
           "francecentral", "germanywestcentral", "italynorth", "polandcentral",
           "spaincentral"),
    "us": ("us-", "us.", "eastus", "westus", "centralus", "northcentralus",
           "southcentralus", "westcentralus"),
    "uk": ("eu-west-2", "europe-west2", "uksouth", "ukwest"),
    "ap": ("ap-", "asia-", "apac.", "eastasia", "southeastasia", "japan", "korea",
           "australia"),
}  # fmt: skip
"""Short names for parts of the world -> how the clouds' regions there begin.
Source: the region lists of AWS, Google Cloud and Azure."""

ABILITIES: Final = (
    ("images", "vision"),
    ("audio", "audio_input"),
    ("documents", "pdf_input"),
    ("tools", "function_calling"),
    ("json", "response_schema"),
)
"""What a prompt has -> what a model must be able to do, in the catalogue's words."""

Check = Callable[[Query, Candidate], str]


def operation(query: Query, candidate: Candidate) -> str:
    """Who cannot do such a thing at all."""
    return "" if query.operation in candidate.operations else "operation"


def pinned(query: Query, candidate: Candidate) -> str:
    """The client named another."""
    pin = query.wishes.pin
    return "" if not pin or pin == candidate.id else "wish"


def window(query: Query, candidate: Candidate) -> str:
    """Only what cannot fit by any count is taken out; the provider judges the rest."""
    most = candidate.max_input_tokens
    return "context_window" if most is not None and query.least_tokens > most else ""


def region(query: Query, candidate: Candidate) -> str:
    """It is served elsewhere, or nobody knows where."""
    for wanted in (query.wishes.regions, *query.wishes.within):
        if wanted and not any(is_within(candidate.region, area) for area in wanted):
            return "region"
    return ""


def price(query: Query, candidate: Candidate) -> str:
    """It is dearer than the call may be, or nobody knows how dear."""
    most = query.wishes.max_cost
    if most is None:
        return ""
    cost = expected(query, candidate)
    return "price" if cost is None or cost > most * 1e12 else ""


def key(query: Query, candidate: Candidate) -> str:
    """The key's calls may not go there."""
    if query.may is None or any(fnmatchcase(candidate.model, p) for p in query.may):
        return ""
    return "key"


def tier(query: Query, candidate: Candidate) -> str:
    """It is less able than is asked for."""
    least = query.wishes.tier
    if least is None:
        return ""
    own = candidate.tier or "advanced"
    return "tier" if TIERS.index(own) < TIERS.index(least) else ""


CHECKS: Final[tuple[Check, ...]] = (
    operation, pinned, window, region, price, key, tier,
)  # fmt: skip
"""Each names what it removes by, or nothing."""


def checks(query: Query) -> Sequence[Check]:
    """Those of `CHECKS` that could take anything out for this query."""
    wishes = query.wishes
    asked: list[Check] = [operation]
    if wishes.pin:
        asked.append(pinned)
    if query.least_tokens:
        asked.append(window)
    if wishes.regions or wishes.within:
        asked.append(region)
    if wishes.max_cost is not None:
        asked.append(price)
    if query.may is not None:
        asked.append(key)
    if wishes.tier is not None:
        asked.append(tier)
    return asked


def limit(query: Query, candidate: Candidate, asked: Sequence[Check] = CHECKS) -> str:
    """The first limit of those `asked` that `query` breaks at `candidate`; empty when
    it breaks none."""
    for check in asked:
        if said := check(query, candidate):
            return said
    return ""


def unable(query: Query, candidates: Sequence[Candidate]) -> dict[int, str]:
    """Positions of those that cannot do what the prompt needs while others can -> what
    they lack."""
    prompt = query.prompt
    if prompt is None:
        return {}
    needs = [word for field, word in ABILITIES if getattr(prompt, field)]
    if not needs:
        return {}
    lacking = {}
    for i, candidate in enumerate(candidates):
        known = candidate.abilities
        missing = next((n for n in needs if known is not None and n not in known), "")
        if missing:
            lacking[i] = f"ability:{missing}"
    return lacking if len(lacking) < len(candidates) else {}


def is_within(place: str, area: str) -> bool:
    """Whether a region lies in an area: a region's own name, one of `REGIONS`, or a
    pattern (`eu-*`)."""
    if not place:
        return False
    if place == area or _pattern(area).match(place):
        return True
    return place.startswith(REGIONS.get(area, ())) if area in REGIONS else False


@lru_cache(maxsize=256)
def _pattern(area: str) -> re.Pattern[str]:
    """As `fnmatchcase`, which would keep 32,768 of what clients make up."""
    return re.compile(translate(area))


def expected(query: Query, candidate: Candidate) -> float | None:
    """Pico-dollars that `query` should cost; `None` when a price is unknown."""
    if candidate.input_price is None or candidate.output_price is None:
        return None
    return (
        query.input_tokens * candidate.input_price
        + query.output_tokens * candidate.output_price
    )
