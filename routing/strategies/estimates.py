"""What is expected of candidates, and of cascades of them, in dollars of now."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.filters import expected
from routing.learned.model import Model
from routing.learned.prices import repriced
from routing.strategies import gated
from routing.types import Candidate, Query

Floats = npt.NDArray[np.float32]

PICO: Final = 1e12
LEAST: Final = 1e-12
"""Dollars that anything is taken to cost where costs are divided."""
_SAME: Final = 0.005
"""Shares by which a cost may differ before anybody is told."""
_UNKNOWN_COST: Final = 1.0
"""Dollars, of a candidate that has neither a price nor a place in the artifact."""


class Estimate(NamedTuple):
    """Of one candidate."""

    quality: float
    cost: float
    prior: float
    """Its mean quality, over all prompts learned from."""
    known: bool
    """Whether the artifact knows its model."""
    scale: float = 1.0
    """`cost`, as a share of what it was when it was learned."""
    alone: bool = True
    """Whether it is of one candidate, not of a cascade."""


def estimates(
    model: Model,
    query: Query,
    candidates: Sequence[Candidate],
    quality: Floats,
    cost: Floats,
) -> list[Estimate]:
    """What is expected of each candidate; of a stranger what models of its price were
    worth. `quality` and `cost` are of the artifact's models."""
    places = [gated.placed(model, candidate) for candidate in candidates]
    qualities, costs = quality.tolist(), cost.tolist()
    found = []
    for place, candidate in zip(places, candidates, strict=True):
        if place is None:
            found.append(_stranger(model, query, candidate))
            continue
        learned = now = costs[place]
        then = model.prices[place]
        if then is not None:
            now = repriced(learned, then, query, candidate)
        scale = now / learned if learned else 1.0
        found.append(Estimate(qualities[place], now, model.priors[place], True, scale))
    if len(set(places)) < len(places):
        _tell_apart(model, query, candidates, places, found)
    return found


def _stranger(model: Model, query: Query, candidate: Candidate) -> Estimate:
    price = expected(query, candidate)
    dollars = _UNKNOWN_COST if price is None else price / PICO
    worth = _like(model, dollars)
    return Estimate(worth, dollars, worth, known=False)


def _tell_apart(
    model: Model,
    query: Query,
    candidates: Sequence[Candidate],
    places: Sequence[int | None],
    found: list[Estimate],
) -> None:
    """Several candidates of one model, of which nobody noted what it cost: told apart
    by their own prices. The cheapest costs what was learned."""
    members: dict[int, list[int]] = {}
    for i, place in enumerate(places):
        if place is not None and model.prices[place] is None:
            members.setdefault(place, []).append(i)
    for own in members.values():
        costs = {i: expected(query, candidates[i]) for i in own} if own[1:] else {}
        least = min((cost for cost in costs.values() if cost), default=0.0)
        for i, cost in costs.items():
            if cost is not None and least:
                scale = cost / least
                found[i] = found[i]._replace(cost=scale * found[i].cost, scale=scale)


def dearer(scale: float) -> str:
    """What is said of a price that is another than when it was learned."""
    return "" if abs(scale - 1.0) < _SAME else f" (x{scale:.3g} since it was learned)"


def _like(model: Model, dollars: float) -> float:
    """The lowest mean quality of the models nearest in cost, one dearer, one cheaper:
    of a stranger the worse is believed."""
    order = model.by_cost
    at = int(np.searchsorted(model.prior_cost[order], dollars))
    near = order[max(0, at - 1) : at + 1]
    return float(model.prior[near].min())


def several(
    model: Model,
    arm: gated.Open,
    quality: Floats,
    cost: Floats,
    found: Sequence[Estimate],
) -> Estimate:
    """What is expected of a cascade whose members are `found`. How often the last of
    them is asked is what its learned cost tells; then its price is theirs."""
    first, second, last = (float(cost[place]) for place in arm.learned)
    learned = float(cost[arm.place])
    share = min(max((learned - first - second) / max(last, LEAST), 0.0), 1.0)
    own = [found[i].cost for i in arm.members]
    now = own[0] + own[1] + share * own[2]
    scale = now / max(first + second + share * last, LEAST)
    return Estimate(
        float(quality[arm.place]),
        learned * scale,
        float(model.prior[arm.place]),
        known=True,
        scale=scale,
        alone=False,
    )
