"""A part of the traffic goes to anyone, so that everyone is known."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from routing.contract import Options, Setting, gates, reads, vetoes
from routing.health import Health
from routing.strategies.odds import drawn
from routing.types import Candidate, Query, Score


class ExploreOptions(Options, frozen=True, kw_only=True):
    """`explore`."""

    of: str
    """The strategy that decides for the rest."""
    share: Annotated[float, Meta(ge=0, le=1)] = 0.1
    """Of the traffic."""
    floor: Annotated[float, Meta(ge=0, le=0.5)] = 0.02
    """The least probability of each candidate: more is explored where `share` would
    give them less."""


class Explore:
    """Another strategy, and the odds of its choices known and never 0: what it
    recorded can say what any other strategy would have been worth."""

    options = ExploreOptions

    def __init__(self, name: str, options: ExploreOptions, setting: Setting) -> None:
        self.name = name
        self._options = options
        self._of = setting.named(options.of)
        self._rng = setting.rng
        self.reads_prompt = reads(self._of)
        self.vetoes = vetoes(self._of)
        self.gates = gates(self._of)

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        scores = self._of.score(query, candidates, health)
        inside = [not s.out for s in scores]
        count = sum(inside)
        if not count:
            return scores
        share = min(1.0, max(self._options.share, self._options.floor * count))
        odds = [
            (1.0 - share) * s.propensity + share / count if within else 0.0
            for s, within in zip(scores, inside, strict=True)
        ]
        explores = self._rng.random() < share
        if explores:
            equal = inside
        else:  # whom it would put first; of those who are equal it says equal odds
            best = max(
                s.value for s, within in zip(scores, inside, strict=True) if within
            )
            equal = [s.value == best and not s.out for s in scores]
        chosen = drawn(self._rng, [float(one) for one in equal])
        top = _above(scores)
        return [
            msgspec.structs.replace(
                s,
                value=top if i == chosen else s.value,
                reason=f"explored ({share:.0%})"
                if explores and i == chosen
                else s.reason,
                propensity=odds[i],
                # Who is explored is asked alone.
                rung=0 if explores else s.rung,
            )
            for i, s in enumerate(scores)
        ]


def _above(scores: Sequence[Score]) -> float:
    """More than any of them."""
    finite = [s.value for s in scores if abs(s.value) != float("inf")]
    return max(finite, default=0.0) + 1.0
