"""How good answers were expected to be by who decided, and how good they were."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

FADE: Final = 400.0
"""Scores from which on older ones lose weight."""
MOST: Final = 1000
"""Strategies."""


class Believed:
    """Of one process, for people to look at: read from any thread."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float, float]] = {}
        """Strategy -> weight, expected and observed qualities."""
        self._counts = Counter[str]()

    def add(
        self, strategy: str, expected: float, observed: float, weight: float
    ) -> None:
        """Of a served answer that was scored, both from 0 to 1."""
        if weight <= 0.0 or (strategy not in self._sums and len(self._sums) >= MOST):
            return
        total, first, second = self._sums.get(strategy, (0.0, 0.0, 0.0))
        kept = min(1.0, (FADE - weight) / total) if total else 0.0
        self._sums[strategy] = (
            kept * total + weight,
            kept * first + weight * expected,
            kept * second + weight * observed,
        )
        self._counts[strategy] += 1

    def means(self) -> Iterator[tuple[Mapping[str, str], float]]:
        """Labels and value, for metrics."""
        for name, (weight, expected, observed) in list(self._sums.items()):
            yield {"strategy": name, "of": "predicted"}, expected / weight
            yield {"strategy": name, "of": "observed"}, observed / weight

    def counts(self) -> Iterator[tuple[Mapping[str, str], float]]:
        """The same, of how many answers it was."""
        for name, count in list(self._counts.items()):
            yield {"strategy": name}, count
