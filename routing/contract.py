"""What a strategy promises."""

from collections.abc import Sequence
from typing import Protocol

from routing.health import Health
from routing.types import Candidate, Query, Score


class Strategy(Protocol):
    """Scores candidates. One method; holds no request state."""

    name: str

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        """One score per candidate, in their order.

        Permuting the candidates permutes the scores (random strategies: in
        distribution). `health[i]` is the live state of `candidates[i]`.
        """
        ...
