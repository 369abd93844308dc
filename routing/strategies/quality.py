"""By price and quality together."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from msgspec import Meta

from routing.contract import Options, Setting, reads, vetoes
from routing.filters import expected
from routing.health import Health
from routing.strategies.noes import keeping
from routing.types import Candidate, Query, Score

Share = Annotated[float, Meta(ge=0, le=1)]

MIDDLING = 0.5
"""What a candidate of which nothing is known is taken for."""


class CostQualityOptions(Options, frozen=True, kw_only=True):
    """`cost_quality`."""

    qualities: dict[str, Share] = {}
    """Deployment id or `provider/model-id`, or a pattern of them -> its quality."""
    of: str = ""
    """A strategy that tells qualities, instead of `qualities`. Its no holds."""
    floor: Share = 0.7
    """Share of the best candidate's quality that is enough, where the client does
    not say."""
    cost_weight: Share = 0.7
    """What a low price counts against quality, among those that are good enough."""


class CostQuality:
    """Whoever nobody beats in both price and quality, and is good enough; of these
    the best of `(1 - w) quality + w (1 - price / dearest)`."""

    options = CostQualityOptions

    def __init__(
        self, name: str, options: CostQualityOptions, setting: Setting
    ) -> None:
        if options.of and options.qualities:
            raise ValueError("`of` and `qualities` exclude each other")
        self.name = name
        self._options = options
        self._of = setting.named(options.of) if options.of else None
        self.reads_prompt = self._of is not None and reads(self._of)
        self.vetoes = self._of is not None and vetoes(self._of)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        return keeping(
            self._of,
            query,
            candidates,
            health,
            lambda left, states: self._weighed(query, left, states),
        )

    def _weighed(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        qualities = self._qualities(query, candidates, health)
        costs = [expected(query, c) for c in candidates]
        dearest = max((c for c in costs if c is not None), default=0.0) or 1.0
        wished = query.wishes.quality
        enough = (self._options.floor if wished is None else wished) * max(qualities)
        weight = self._options.cost_weight
        values, reasons = [], []
        for cost, quality in zip(costs, qualities, strict=True):
            share = 1.0 if cost is None else cost / dearest
            good = quality >= enough - 1e-9
            beaten = any(
                _beats(c, q, cost, quality)
                for c, q in zip(costs, qualities, strict=True)
            )
            value = (1.0 - weight) * quality + weight * (1.0 - share)
            # Who is good enough comes first, dominated ones behind their betters.
            values.append((2.0 if good else quality - 1.0) + value - beaten)
            told = "price unknown" if cost is None else f"${cost / 1e12:.6f}"
            word = "beaten" if beaten else "on the frontier"
            short = "" if good else f", under {enough:.3f}"
            reasons.append(f"quality {quality:.3f}{short}, {told}, {word}")
        best = max(values)
        ties = values.count(best)
        return [
            Score(v, r, 1.0 / ties if v == best else 0.0, q)
            for v, r, q in zip(values, reasons, qualities, strict=True)
        ]

    def _qualities(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[float]:
        if self._of is not None:
            told = self._of.score(query, candidates, health)
            return [MIDDLING if s.quality is None else s.quality for s in told]
        return [said(self._options.qualities, c, MIDDLING) for c in candidates]


def said(table: dict[str, float], candidate: Candidate, default: float) -> float:
    """What a table says of a candidate: by its id, by its model, by a pattern."""
    for name in (candidate.id, candidate.model):
        if name in table:
            return table[name]
    for pattern, value in table.items():
        if stands_for(pattern, candidate):
            return value
    return default


def stands_for(pattern: str, candidate: Candidate) -> bool:
    """Whether a pattern means this candidate: its id or its model."""
    return fnmatchcase(candidate.id, pattern) or fnmatchcase(candidate.model, pattern)


def _beats(
    cost: float | None, quality: float, other: float | None, than: float
) -> bool:
    """As good at a lower price, or better at the same; unknown prices are the
    highest."""
    a = float("inf") if cost is None else cost
    b = float("inf") if other is None else other
    return (a <= b and quality > than) or (a < b and quality >= than)
