"""By how fast they answered."""

import math
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from routing.contract import Options, Setting
from routing.filters import expected
from routing.health import Health
from routing.types import Candidate, Query, Score


class LatencyOptions(Options, frozen=True, kw_only=True):
    """`latency`."""

    target_s: Annotated[float, Meta(gt=0)] | None = None
    """Seconds to a stream's first token, or to a whole answer, that must be kept:
    the cheapest deployment that keeps them goes first."""
    share: Annotated[float, Meta(gt=0, le=1)] = 0.95
    """Of the recent answers that must keep `target_s`."""


class Latency:
    """Power of two choices over the average time to an answer, with load.

    Two candidates are drawn; the one with the lower `latency x (in flight + 1)` goes
    first. Drawing only two keeps a herd from all choosing the same momentary best, and
    keeps measuring the others. A candidate never measured counts as fastest, so that
    it is tried. Source: Mitzenmacher, The power of two choices (2001); Envoy and
    Finagle use the same product of EWMA and load.
    """

    options = LatencyOptions

    def __init__(self, name: str, options: LatencyOptions, setting: Setting) -> None:
        self.name = name
        self._options = options
        self._rng = setting.rng

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        if self._options.target_s is not None:
            return self._kept(query, candidates, health, self._options.target_s)
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

    def _kept(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
        target_s: float,
    ) -> list[Score]:
        """Who keeps the target, the cheapest of them first; then the rest, by how far
        they are off. Who was never measured is taken to keep it, so that it is."""
        share = self._options.share
        seen = [h.percentile(share, streamed=query.stream) for h in health]
        keys = []
        for candidate, s in zip(candidates, seen, strict=True):
            cost = expected(query, candidate)
            cheap = -math.inf if cost is None else -cost
            keys.append((1, cheap) if s <= target_s else (0, -s))
        ranks = sorted(set(keys))
        best = keys.count(ranks[-1])
        return [
            Score(
                float(ranks.index(key)),
                _judged(s, share, target_s),
                1.0 / best if key == ranks[-1] else 0.0,
            )
            for key, s in zip(keys, seen, strict=True)
        ]


def _judged(seen: float, share: float, target_s: float) -> str:
    if not seen:
        return f"not measured yet; the target is {target_s:g} s"
    word = "keeps" if seen <= target_s else "misses"
    return f"{share:.0%} in {seen * 1000:.0f} ms: {word} {target_s:g} s"


def _propensity(rank: int, ties: int, count: int) -> float:
    """Chance of winning a draw of two, for `ties` equal candidates from `rank` on."""
    if count < 3:
        return 1.0 / ties if rank == 0 else 0.0
    pairs = count * (count - 1) / 2
    # All pairs whose better one lies among the ties, shared by them.
    won = sum(count - 1 - (rank + i) for i in range(ties))
    return won / pairs / ties
