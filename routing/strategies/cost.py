"""By price."""

import math
from collections.abc import Sequence

from routing.health import Health
from routing.types import Candidate, Query, Score


class Cheapest:
    """Least expected cost; an unknown price ranks behind every known one."""

    name = "cheapest"

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        costs = [expected(query, c) for c in candidates]
        known = [c for c in costs if c is not None]
        least = min(known) if known else None
        ties = sum(1 for c in costs if c == least)
        return [
            Score(
                -math.inf if cost is None else -cost,
                "price unknown" if cost is None else f"${cost / 1e12:.6f} expected",
                1.0 / ties if cost == least else 0.0,
            )
            for cost in costs
        ]


def expected(query: Query, candidate: Candidate) -> float | None:
    """Pico-dollars that `query` should cost; `None` when a price is unknown."""
    if candidate.input_price is None or candidate.output_price is None:
        return None
    return (
        query.input_tokens * candidate.input_price
        + query.output_tokens * candidate.output_price
    )
