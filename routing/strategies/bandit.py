"""Learning while serving: try, see what came of it, prefer what was worth it."""

import math
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Annotated, Any, Final

from msgspec import Meta

from routing.contract import Outcome, Setting
from routing.health import Health
from routing.strategies.experience import Experience, ExperienceOptions
from routing.strategies.odds import drawn, floored, shared
from routing.types import Candidate, Query, Score

Floor = Annotated[float, Meta(ge=0, le=0.5)]

DRAWS: Final = 128
"""Draws of `thompson` for one decision, over all candidates."""


class ThompsonOptions(ExperienceOptions, frozen=True, kw_only=True):
    """`thompson`."""

    floor: Floor = 0.005
    """The least probability of each candidate. It tries by itself; above 0 its records
    can say what any other strategy would have been worth."""


class Thompson:
    """As often first as it is likely to be the best, by what is believed of each.

    A handful of draws from the beliefs is counted, and one candidate drawn by the
    counts: taken together these are the odds of Thompson's rule, and those of each
    decision are known exactly. Source: Thompson, On the likelihood that one unknown
    probability exceeds another (1933); Russo et al., A tutorial (2018).
    """

    options = ThompsonOptions

    def __init__(self, name: str, options: ThompsonOptions, setting: Setting) -> None:
        self.name = name
        self._rng = setting.rng
        self._floor = options.floor
        self._experience = Experience(options, setting.clock)
        self.notes = self._experience.notes
        self.scored = Counter[str]()

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        self.scored["learned"] += 1
        share, rest = self._experience.rest(query, candidates)
        beliefs = [self._experience.belief(query, c) for c in candidates]
        draws = min(32, max(4, DRAWS // len(candidates)))
        wins = [0.0] * len(candidates)
        draw = self._rng.betavariate
        for _ in range(draws):
            both = zip(beliefs, rest, strict=True)
            for i, won in enumerate(shared([share * draw(*b) + r for b, r in both])):
                wins[i] += won / draws
        means = [a / (a + b) for a, b in beliefs]
        values = [share * m + r for m, r in zip(means, rest, strict=True)]
        return ranked(self._rng, values, floored(wins, self._floor), means)

    def learn(self, outcome: Outcome) -> None:
        self._experience.learn(outcome)

    def told(self) -> dict[str, Any]:
        return self._experience.told()


class SoftmaxOptions(ExperienceOptions, frozen=True, kw_only=True):
    """`softmax`."""

    temperature: Annotated[float, Meta(ge=0.001, le=100)] = 0.05
    """A reward better by this much goes first 2.7 times as often."""
    floor: Annotated[float, Meta(ge=0.02, le=0.5)] = 0.02
    """The least probability of each candidate: enough to judge other strategies by
    what this one recorded."""


class Softmax:
    """At random, by how much reward is expected of each; never less than the floor."""

    options = SoftmaxOptions

    def __init__(self, name: str, options: SoftmaxOptions, setting: Setting) -> None:
        self.name = name
        self._rng = setting.rng
        self._options = options
        self._experience = Experience(options, setting.clock)
        self.notes = self._experience.notes
        self.scored = Counter[str]()

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        self.scored["learned"] += 1
        share, rest = self._experience.rest(query, candidates)
        beliefs = [self._experience.belief(query, c) for c in candidates]
        means = [a / (a + b) for a, b in beliefs]
        values = [share * m + r for m, r in zip(means, rest, strict=True)]
        best = max(values)
        heats = [math.exp((v - best) / self._options.temperature) for v in values]
        total = sum(heats)
        odds = floored([h / total for h in heats], self._options.floor)
        return ranked(self._rng, values, odds, means)

    def learn(self, outcome: Outcome) -> None:
        self._experience.learn(outcome)

    def told(self) -> dict[str, Any]:
        return self._experience.told()


def ranked(
    rng: Random,
    values: Sequence[float],
    odds: Sequence[float],
    qualities: Sequence[float | None],
) -> list[Score]:
    """One drawn by the odds goes first, the others by their values."""
    first = drawn(rng, odds)
    spread = max(values) - min(values) + 1.0
    return [
        Score(
            value + (spread if i == first else 0.0),
            f"reward {value:.3f}, first in {odds[i]:.1%}",
            odds[i],
            qualities[i],
        )
        for i, value in enumerate(values)
    ]
