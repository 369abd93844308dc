"""By what is expected of a query like this one, and by how little is known of it."""

import math
from collections import Counter
from collections.abc import Sequence
from operator import mul
from typing import Annotated, Any, Final

from msgspec import Meta

from routing.contract import Outcome, Setting
from routing.health import Health
from routing.strategies.experience import Experience, ExperienceOptions
from routing.strategies.odds import shared
from routing.strategies.tally import Notes, Tally
from routing.types import Candidate, Query, Score

WIDTH: Final = 8
"""Numbers that a query is told by."""
NEAREST_ZERO: Final = 1e-12
FADES_S: Final = 600.0
"""Sums of which nothing new is heard fade so little that they are solved once."""

Row = tuple[float, ...]
Matrix = list[list[float]]


class LinUcbOptions(ExperienceOptions, frozen=True, kw_only=True):
    """`linucb`; `prior` is the weight of its ridge, `by` says nothing here."""

    alpha: Annotated[float, Meta(ge=0, le=10)] = 0.5
    """How much little knowledge counts for a candidate, in standard deviations."""


class LinUcb:
    """A linear model of each candidate's quality, and its upper bound.

    Source: Li, Chu, Langford and Schapire, A contextual-bandit approach to
    personalized news article recommendation (2010), algorithm 1 (disjoint).
    """

    options = LinUcbOptions
    reads_prompt = True

    def __init__(self, name: str, options: LinUcbOptions, setting: Setting) -> None:
        self.name = name
        self._options = options
        self._experience = Experience(options, setting.clock)
        self._model = Tally(
            WIDTH * WIDTH + WIDTH,
            keep=options.keep,
            most=options.most,
            clock=setting.clock,
        )
        """Candidate -> the sum of `x x'`, and that of `x (quality - expected)`."""
        self._clock = setting.clock
        self._solved: dict[str, tuple[Matrix, Row]] = {}
        """Candidate -> the inverse of its sums, the model's weights."""
        self._valid = (0, 0.0)
        """Joins, and the time, that they are of."""
        self.notes = Notes(model=self._model, ends=self._experience.ends)
        self.scored = Counter[str]()

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        self.scored["learned"] += 1
        share, rest = self._experience.rest(query, candidates)
        x = features(query)
        some = [(i, v) for i, v in enumerate(x) if v]
        values, told = [], []
        for candidate, other in zip(candidates, rest, strict=True):
            inverse, weights = self._solve(candidate.id)
            mean = self._experience.prior(candidate) + _dot(weights, x)
            mean = min(1.0, max(0.0, mean))
            square = sum([v * w * inverse[i][j] for i, v in some for j, w in some])
            wide = math.sqrt(max(0.0, square))
            values.append(share * (mean + self._options.alpha * wide) + other)
            told.append((mean, wide))
        odds = shared(values)
        return [
            Score(v, f"quality {mean:.3f} +- {wide:.3f}, bound {v:.3f}", odd, mean)
            for v, odd, (mean, wide) in zip(values, odds, told, strict=True)
        ]

    def learn(self, outcome: Outcome) -> None:
        """A score, or else cost and time."""
        if outcome.quality is None:
            self._experience.learn(outcome)
            return
        x, weight = features(outcome.query), outcome.weight
        known = Candidate(id=outcome.candidate, model=outcome.model)
        gain = weight * (outcome.quality - self._experience.prior(known))
        squares = [weight * a * b for a in x for b in x]
        self._model.add(outcome.candidate, (*squares, *(gain * v for v in x)))
        self._solved.pop(outcome.candidate, None)

    def told(self) -> dict[str, Any]:
        lines = []
        for candidate, sums in self._model.items():
            _, weights = self._solve(candidate)
            named = dict(zip(NAMES, (round(w, 4) for w in weights), strict=True))
            # The first feature is 1: its square counts scores.
            lines.append(
                {"deployment": candidate, "scores": round(sums[0], 3), "model": named}
            )
        return {"learned": lines}

    def _solve(self, candidate: str) -> tuple[Matrix, Row]:
        joins, since = self._valid
        if joins != self._model.joins or self._clock() - since > FADES_S:
            self._solved.clear()
            self._valid = (self._model.joins, self._clock())
        held = self._solved.get(candidate)
        if held is None:
            if len(self._solved) >= self._options.most:
                self._solved.clear()
            held = solved(self._model.get(candidate), self._options.prior)
            self._solved[candidate] = held
        return held


NAMES: Final = (
    "always",
    "tokens",
    "turns",
    "tools",
    "tool_results",
    "json",
    "media",
    "effort",
)
"""What the numbers of a query stand for."""


def features(query: Query) -> Row:
    """Of the query, each from 0 to about 1."""
    prompt = query.prompt
    tokens = math.log1p(query.input_tokens) / 10.0
    if prompt is None:
        return (1.0, tokens, *(0.0,) * (WIDTH - 2))
    return (
        1.0,
        tokens,
        math.log1p(prompt.turns) / 4.0,
        float(prompt.tools > 0),
        float(prompt.tool_results > 0),
        float(prompt.json),
        float(prompt.images + prompt.audio + prompt.documents > 0),
        float(prompt.effort in ("medium", "high", "xhigh")),
    )


def solved(sums: Row, ridge: float) -> tuple[Matrix, Row]:
    """The inverse of `ridge I + sum x x'`, and it times the other sum. By Gauss and
    Jordan, with no pivots: such a matrix needs none."""
    n = WIDTH
    left = [
        [sums[i * n + j] + (ridge if i == j else 0.0) for j in range(n)]
        + [float(i == j) for j in range(n)]
        for i in range(n)
    ]
    for i in range(n):
        top = left[i] = [v / left[i][i] for v in left[i]]
        for j in range(n):
            if j != i and abs(by := left[j][i]) > NEAREST_ZERO:
                left[j] = [a - by * b for a, b in zip(left[j], top, strict=True)]
    inverse = [row[n:] for row in left]
    return inverse, tuple(_dot(row, sums[n * n :]) for row in inverse)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return float(sum(map(mul, a, b)))
