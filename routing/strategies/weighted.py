"""At random, in proportion to weights."""

import math
import random
from collections.abc import Sequence

from routing.health import Health
from routing.types import Candidate, Query, Score


class Weighted:
    """Draws an order without replacement, each step in proportion to the weights.

    Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006):
    ordering by `log(u) / w` gives exactly that distribution.
    """

    name = "weighted"

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        total = sum(c.weight for c in candidates)
        if total <= 0.0:
            return [Score(0.0, "weight 0 of 0", 1.0 / len(candidates))] * len(
                candidates
            )
        return [self._one(c.weight, total) for c in candidates]

    def _one(self, weight: float, total: float) -> Score:
        if weight <= 0.0:
            return Score(-math.inf, "weight 0: only when all others are out", 0.0)
        drawn = math.log(1.0 - self._rng.random()) / weight
        return Score(drawn, f"weight {weight:g} of {total:g}", weight / total)
