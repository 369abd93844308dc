"""By what is going on right now: requests in flight, latency seen."""

import random
from collections.abc import Sequence

from routing.health import Health
from routing.types import Candidate, Query, Score


class LeastBusy:
    """Fewest requests in flight, per weight; ties at random."""

    name = "least_busy"

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        loads = [
            (h.in_flight + 1.0) / max(c.weight, 1e-9)
            for c, h in zip(candidates, health, strict=True)
        ]
        least = min(loads)
        ties = sum(1 for load in loads if load == least)
        return [
            Score(
                -load - 1e-9 * self._rng.random(),
                f"{h.in_flight} in flight",
                1.0 / ties if load == least else 0.0,
            )
            for load, h in zip(loads, health, strict=True)
        ]


class Latency:
    """Power of two choices over the average time to an answer, with load.

    Two candidates are drawn; the one with the lower `latency x (in flight + 1)` goes
    first. Drawing only two keeps a herd from all choosing the same momentary best, and
    keeps measuring the others. A candidate never measured counts as fastest, so that
    it is tried. Source: Mitzenmacher, The power of two choices (2001); Envoy and
    Finagle use the same product of EWMA and load.
    """

    name = "latency"

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        seen = [h.latency_s if query.stream else h.whole_s for h in health]
        costs = [s * (h.in_flight + 1) for s, h in zip(seen, health, strict=True)]
        count = len(costs)
        drawn = (
            set(self._rng.sample(range(count), 2)) if count > 2 else set(range(count))
        )
        ranks = sorted(costs)
        return [
            Score(
                -cost - 1e-12 * self._rng.random() + (1e6 if i in drawn else 0.0),
                f"{seen[i] * 1000:.0f} ms, {h.in_flight} in flight"
                if seen[i]
                else "not measured yet",
                _propensity(ranks.index(cost), ranks.count(cost), count),
            )
            for i, (cost, h) in enumerate(zip(costs, health, strict=True))
        ]


def _propensity(rank: int, ties: int, count: int) -> float:
    """Chance of winning a draw of two, for `ties` equal candidates from `rank` on."""
    if count < 3:
        return 1.0 / ties if rank == 0 else 0.0
    pairs = count * (count - 1) / 2
    # All pairs whose better one lies among the ties, shared by them.
    won = sum(count - 1 - (rank + i) for i in range(ties))
    return won / pairs / ties
