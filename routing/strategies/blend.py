"""Several strategies at once."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from routing.contract import Options, Setting, reads, vetoes
from routing.health import Health
from routing.types import Candidate, Query, Score


class BlendOptions(Options, frozen=True, kw_only=True):
    """`blend`."""

    of: Annotated[dict[str, Annotated[float, Meta(gt=0)]], Meta(min_length=1)]
    """Names of strategies -> how much each counts."""


class Blend:
    """The weighted mean of others' scores, each stretched to run from 0 to 1."""

    options = BlendOptions

    def __init__(self, name: str, options: BlendOptions, setting: Setting) -> None:
        self.name = name
        total = sum(options.of.values())
        self._of = [(setting.named(n), w / total) for n, w in options.of.items()]
        self.reads_prompt = any(reads(one) for one, _ in self._of)
        self.vetoes = any(vetoes(one) for one, _ in self._of)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        values = [0.0] * len(candidates)
        quality: list[float | None] = [None] * len(candidates)
        out = [""] * len(candidates)
        told: list[list[str]] = [[] for _ in candidates]
        for strategy, weight in self._of:
            scores = strategy.score(query, candidates, health)
            for i, share in enumerate(_stretched(scores)):
                score = scores[i]
                values[i] += weight * share
                told[i].append(f"{strategy.name} {share:.2f}")
                out[i] = out[i] or score.out
                if score.quality is not None:
                    quality[i] = score.quality
        best = max(values)
        ties = values.count(best)
        return [
            Score(
                values[i],
                f"{values[i]:.3f} = {', '.join(told[i])}",
                1.0 / ties if values[i] == best else 0.0,
                quality[i],
                out[i],
            )
            for i in range(len(candidates))
        ]


def _stretched(scores: Sequence[Score]) -> list[float]:
    """From 0, the worst finite score, to 1, the best."""
    finite = [s.value for s in scores if abs(s.value) != float("inf")]
    if not finite:
        return [0.0] * len(scores)
    low, high = min(finite), max(finite)
    span = high - low or 1.0
    return [min(1.0, max(0.0, (s.value - low) / span)) for s in scores]
