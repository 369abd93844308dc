"""Several strategies at once."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from routing.contract import Options, Setting, reads, vetoes
from routing.health import Health
from routing.strategies.odds import shared
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
        said = [one.score(query, candidates, health) for one, _ in self._of]
        both = zip(*said, strict=True)
        noes = [next((s.out for s in own if s.out), "") for own in both]
        inside = [i for i, no in enumerate(noes) if not no]
        blended = self._blended([[scores[i] for i in inside] for scores in said])
        found = [Score(0.0, no, 0.0, out=no) for no in noes]
        for i, score in zip(inside, blended, strict=True):
            found[i] = score
        return found

    def _blended(self, said: Sequence[Sequence[Score]]) -> list[Score]:
        """Of those that nobody says no to."""
        if not said[0]:
            return []
        values = [0.0] * len(said[0])
        quality: list[float | None] = [None] * len(values)
        told: list[list[str]] = [[] for _ in values]
        for (strategy, weight), scores in zip(self._of, said, strict=True):
            for i, share in enumerate(_stretched(scores)):
                values[i] += weight * share
                told[i].append(f"{strategy.name} {share:.2f}")
                if (known := scores[i].quality) is not None:
                    quality[i] = known
        odds = shared(values)
        return [
            Score(value, f"{value:.3f} = {', '.join(words)}", odd, known)
            for value, words, odd, known in zip(
                values, told, odds, quality, strict=True
            )
        ]


def _stretched(scores: Sequence[Score]) -> list[float]:
    """From 0, the worst finite score, to 1, the best."""
    finite = [s.value for s in scores if abs(s.value) != float("inf")]
    if not finite:
        return [0.0] * len(scores)
    low, high = min(finite), max(finite)
    span = high - low or 1.0
    return [min(1.0, max(0.0, (s.value - low) / span)) for s in scores]
