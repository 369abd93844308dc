"""What a router would have chosen, row by row, by the rule it serves with."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.ground import Ground
from routing.lab.table import TableError
from routing.learned.artifact import Members
from routing.learned.model import GBDT, Model, Prediction
from routing.learned.prices import PICO_PER_MILLIONTH, Rates, repriced
from routing.sketch import Sketch
from routing.strategies.estimates import Estimate, several
from routing.strategies.gated import Open
from routing.strategies.learned import weighed
from routing.types import Candidate, Query

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Moved = list[tuple[int, Rates, Candidate]]


class Rule(NamedTuple):
    """How a strategy decides by an artifact."""

    head: str = GBDT
    """Its kind."""
    share: float = 0.99
    """Of the best single model's quality that is enough."""
    threshold: float | None = None
    """Of `hybrid`, where it is said: share of the likeliest model's chance that is
    enough."""
    cascades: bool = False
    """Whether it may choose cascades, too."""

    def __str__(self) -> str:
        aim = f"{self.share:.0%} of the best"
        if self.threshold is not None:
            aim = f"threshold {self.threshold:g}"
        return f"{self.head} ({aim}{', cascades' if self.cascades else ''})"


class Decided(NamedTuple):
    """What a router chose."""

    chosen: Ints
    """Columns of the ground."""
    scale: float
    """What it expected to spend, as a share of what the same cost when it learned."""


def choices(model: Model, ground: Ground, rule: Rule) -> Decided:
    """On every row, at the prices that its table names: as it would have served then.

    Raises:
        TableError: the table and the artifact know different models.
    """
    models = ground.lines.models
    unknown = sorted(set(models) - set(model.place))
    if unknown:
        raise TableError(
            f"the artifact has not learned of {', '.join(unknown)}; it knows"
            f" {', '.join(model.place)}"
        )
    if rule.head not in model.artifact.manifest.terms:
        kinds = ", ".join(model.artifact.manifest.terms)
        raise TableError(f"there is no trained kind {rule.head!r}; kinds: {kinds}")
    arms = _opened(model, ground) if rule.cascades else []
    sees = _Sees(model, models, arms, _moved(model, models, ground.lines.prices))
    columns = [*range(len(models)), *(ground.arms[_members(model, a)] for a in arms)]
    chosen = np.empty(len(ground.rows.sketches), np.int64)
    learned = spent = 0.0
    for i, sketch in enumerate(ground.rows.sketches):
        said = model.predict(sketch, rule.head)
        quality, cost, then = sees.of(sketch, said)
        at = sees.choice(rule, said.trust, quality, cost)
        chosen[i] = columns[at]
        learned, spent = learned + float(then[at]), spent + float(cost[at])
    return Decided(chosen, spent / learned if learned else 1.0)


def _opened(model: Model, ground: Ground) -> list[Open]:
    """Cascades of which the ground tells what they would have answered."""
    at = {model.place[name]: i for i, name in enumerate(ground.lines.models)}
    return [
        Open(arm.name, arm.place, tuple(at[m] for m in arm.members), arm.members)
        for arm in model.arms
        if model.artifact.manifest.arms[arm.name] in ground.arms
    ]


def _members(model: Model, arm: Open) -> Members:
    return model.artifact.manifest.arms[arm.name]


class _Sees:
    """What a router expects of whom it may choose: models alone, then cascades."""

    def __init__(
        self, model: Model, models: Sequence[str], arms: list[Open], moved: Moved
    ) -> None:
        self._model = model
        self._place = np.array([model.place[name] for name in models])
        self._arms = arms
        self._learned = [arm.place for arm in arms]
        self._moved = moved
        prior = model.prior[self._place]
        self._first = np.append(prior == prior.max(), np.zeros(len(arms), bool))
        """The best single model."""

    def of(self, sketch: Sketch, said: Prediction) -> tuple[Doubles, Doubles, Doubles]:
        """Quality, cost now, and cost as learned."""
        quality = said.quality[self._place].astype(np.float64)
        then = said.cost[self._place].astype(np.float64)
        cost = _repriced(then, sketch, self._moved)
        if not self._arms:
            return quality, cost, then
        found = [
            Estimate(q, c, 0.0, known=True)
            for q, c in zip(quality.tolist(), cost.tolist(), strict=True)
        ]
        more = [
            several(self._model, arm, said.quality, said.cost, found)
            for arm in self._arms
        ]
        return (
            np.append(quality, [e.quality for e in more]),
            np.append(cost, [e.cost for e in more]),
            np.append(then, said.cost[self._learned]),
        )

    def choice(self, rule: Rule, trust: float, quality: Doubles, cost: Doubles) -> int:
        if rule.threshold is not None:
            enough = quality >= rule.threshold * quality.max()
            return int(np.argmin(np.where(enough, cost, np.inf)))
        rate, loyalty = weighed(
            self._model, rule.head, rule.share, trust, cascades=bool(self._arms)
        )
        return int(np.argmax(quality - rate * cost + loyalty * self._first))


def _moved(model: Model, models: Sequence[str], prices: Mapping[str, Rates]) -> Moved:
    """Places of those that had another price when they were learned of: that one, and
    who has the price of now."""
    found = []
    for at, name in enumerate(models):
        then, now = model.prices[model.place[name]], prices.get(name)
        if then is not None and now is not None and then != now:
            pico = [
                round(rate * PICO_PER_MILLIONTH) for rate in (now.input, now.output)
            ]
            there = Candidate(id=name, input_price=pico[0], output_price=pico[1])
            found.append((at, then, there))
    return found


def _repriced(then: Doubles, sketch: Sketch, moved: Moved) -> Doubles:
    if not moved:
        return then
    # The first mark is the logarithm of the prompt's length; four characters a token.
    query = Query(alias="", input_tokens=int(math.expm1(sketch.marks[0])) // 4)
    cost = then.copy()
    for at, rates, candidate in moved:
        cost[at] = repriced(float(then[at]), rates, query, candidate)
    return cost
