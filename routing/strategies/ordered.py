"""As written."""

from collections.abc import Sequence

from routing.health import Health
from routing.types import Candidate, Query, Score


class Ordered:
    """Keeps the order of the configuration: the first that is well serves."""

    name = "ordered"

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        return [
            Score(-float(i), f"position {i + 1}", 1.0 if i == 0 else 0.0)
            for i in range(len(candidates))
        ]
