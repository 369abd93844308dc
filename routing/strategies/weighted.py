"""At random, in proportion to weights."""

import math
from collections.abc import Sequence

from routing.contract import Options, Setting
from routing.health import Health
from routing.types import Candidate, Query, Score

_ORDERS = ((0, 1), (1, 0))


class Weighted:
    """Draws an order without replacement, each step in proportion to the weights.

    Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006):
    ordering by `log(u) / w` gives exactly that distribution.
    """

    options = Options

    def __init__(self, name: str, options: Options, setting: Setting) -> None:
        self.name = name
        self._random = setting.rng.random

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        place = {i: -float(at) for at, i in enumerate(self.draw(candidates))}
        return [
            Score(place[i], reason, share)
            for i, (reason, share) in enumerate(self.odds(candidates))
        ]

    def draw(self, candidates: Sequence[Candidate]) -> tuple[int, ...]:
        """An order of the candidates, by their positions."""
        random = self._random
        if len(candidates) == 2:
            first, second = candidates[0].weight, candidates[1].weight
            if first > 0.0 and second > 0.0:
                return _ORDERS[random() * (first + second) >= first]
        keys = [
            math.log(1.0 - random()) / c.weight if c.weight > 0.0 else -math.inf
            for c in candidates
        ]
        return tuple(sorted(range(len(keys)), key=keys.__getitem__, reverse=True))

    def odds(self, candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
        """Of each: why it stands where, and how likely it comes first."""
        total = sum([c.weight for c in candidates])
        if total <= 0.0:
            return [("weight 0 of 0", float(not i)) for i in range(len(candidates))]
        return [
            (f"weight {c.weight:g} of {total:g}", c.weight / total)
            if c.weight > 0.0
            else ("weight 0: only when all others are out", 0.0)
            for c in candidates
        ]
