"""By what kind of prompt it is, without any training of one's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from routing.contract import Options, Setting
from routing.filters import expected
from routing.health import Health
from routing.learned import centroids
from routing.text import Reader
from routing.types import Candidate, Query, Score


class Band(NamedTuple):
    """Needs from `low` on are worth more than the cheapest, from `high` the dearest."""

    low: float
    high: float


PROFILES: Final = {
    "eco": Band(0.4, 0.9),
    "auto": Band(0.1, 0.5),
    "premium": Band(-0.4, 0.2),
    "free": Band(2.0, 3.0),
    "reasoning": Band(-0.2, 0.3),
}
"""Profile -> how readily dearer models are asked. `free` asks the cheapest alone;
`reasoning` those that reason, where some can."""
_APART: Final = 10.0
"""What keeps those behind whose price is unknown, or who cannot reason."""


class CentroidOptions(Options, frozen=True, kw_only=True):
    """`centroid`."""

    profile: str = "auto"
    """`auto`, `eco`, `premium`, `free` or `reasoning`, where the client names none."""
    file: str = ""
    """Centroids of your own, by `routeiq routing centroids`; default: the shipped."""


class Centroid:
    """Prices say how strong candidates are, the prompt says how much strength gains:
    the candidate whose place among prices is nearest to the prompt's need."""

    options = CentroidOptions
    reads_prompt = True

    def __init__(self, name: str, options: CentroidOptions, setting: Setting) -> None:
        if options.profile not in PROFILES:
            raise ValueError(f"profile must be one of {', '.join(PROFILES)}")
        self.name = name
        self._profile = options.profile
        self._reader = Reader()
        file = Path(options.file) if options.file else centroids.SHIPPED
        self._centroids = centroids.read(file)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        text = query.prompt.text if query.prompt is not None else ""
        need, kind = self._centroids.need(self._reader.sketch(text))
        profile = query.wishes.profile
        if profile not in PROFILES:
            profile = self._profile
        aim = wanted(need, PROFILES[profile])
        costs = [expected(query, c) for c in candidates]
        places = standing(costs)
        thinks = [_reasons(c) for c in candidates]
        only = profile == "reasoning" and any(thinks)
        values = [
            worth(place, aim) - _APART * ((cost is None) + (only and not able))
            for place, cost, able in zip(places, costs, thinks, strict=True)
        ]
        best = max(values)
        ties = values.count(best)
        return [
            Score(
                value,
                f"{profile}: need {need:.2f} (kind {kind}) asks for {aim:.2f},"
                f" stands at {place:.2f}" + (", price unknown" if cost is None else ""),
                1.0 / ties if value == best else 0.0,
            )
            for value, place, cost in zip(values, places, costs, strict=True)
        ]


def wanted(need: float, band: Band) -> float:
    """Where among the candidates' prices, from 0 to 1, a need is best met."""
    return min(max((need - band.low) / (band.high - band.low), 0.0), 1.0)


def worth(place: float, aim: float) -> float:
    """Of who stands at `place`; of two as near to `aim`, the cheaper one's is more."""
    return -abs(place - aim) - 1e-6 * place


def standing(costs: Sequence[float | None]) -> list[float]:
    """Of each: the share of other prices that are lower; the dearest stands at 1."""
    known = sorted({cost for cost in costs if cost is not None})
    last = max(len(known) - 1, 1)
    return [1.0 if cost is None else known.index(cost) / last for cost in costs]


def _reasons(candidate: Candidate) -> bool:
    return candidate.abilities is not None and "reasoning" in candidate.abilities
