"""At random, in proportion to weights."""

import math
import random
from collections.abc import Sequence

from routing.health import Health
from routing.types import Candidate, Query, Score

MAX_REASONS = 1000
"""Pairs of weight and total whose words are kept."""


class Weighted:
    """Draws an order without replacement, each step in proportion to the weights.

    Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006):
    ordering by `log(u) / w` gives exactly that distribution.
    """

    name = "weighted"

    def __init__(self, rng: random.Random) -> None:
        self._random = rng.random
        self._reasons: dict[tuple[float, float], tuple[str, float]] = {}

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        total = sum([c.weight for c in candidates])
        if total <= 0.0:
            even = Score(0.0, "weight 0 of 0", 1.0 / len(candidates))
            return [even] * len(candidates)
        return [self._one(c.weight, total) for c in candidates]

    def _one(self, weight: float, total: float) -> Score:
        if weight <= 0.0:
            return Score(-math.inf, "weight 0: only when all others are out", 0.0)
        said = self._reasons.get((weight, total))
        if said is None:
            said = f"weight {weight:g} of {total:g}", weight / total
            if len(self._reasons) < MAX_REASONS:
                self._reasons[weight, total] = said
        drawn = math.log(1.0 - self._random()) / weight
        return Score(drawn, said[0], said[1])
