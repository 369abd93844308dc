"""As written."""

from collections.abc import Sequence

from routing.contract import Options, Setting
from routing.health import Health
from routing.types import Candidate, Query, Score


class Ordered:
    """Keeps the order of the configuration: the first that is well serves."""

    options = Options

    def __init__(self, name: str, options: Options, setting: Setting) -> None:
        self.name = name

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        return [
            Score(-float(i), reason, share)
            for i, (reason, share) in enumerate(self.odds(candidates))
        ]

    def draw(self, candidates: Sequence[Candidate]) -> tuple[int, ...]:
        """As they stand."""
        return tuple(range(len(candidates)))

    def odds(self, candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
        """The first, always."""
        return [(f"position {i + 1}", float(not i)) for i in range(len(candidates))]
