"""By price."""

import math
from collections.abc import Sequence

from routing.contract import Options, Setting
from routing.filters import expected
from routing.health import Health
from routing.types import Candidate, Query, Score


class Cheapest:
    """Least expected cost; an unknown price ranks behind every known one."""

    options = Options

    def __init__(self, name: str, options: Options, setting: Setting) -> None:
        self.name = name

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
