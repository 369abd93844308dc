"""What a strategy promises."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class Blind(Protocol):
    """A strategy that looks at candidates alone, neither at queries nor at health: its
    plans can be kept."""

    name: str

    def draw(self, candidates: Sequence[Candidate]) -> tuple[int, ...]:
        """An order of the candidates, by their positions."""
        ...

    def odds(self, candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
        """Of each: why it stands where it does, and how likely it comes first."""
        ...
