"""What a router would have chosen, row by row, by the rule it serves with."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.table import TableError
from routing.learned.model import GBDT, Model
from routing.learned.prices import PICO_PER_MILLIONTH, Rates, repriced
from routing.strategies.learned import weighed
from routing.text import Sketch
from routing.types import Candidate, Query

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Marks = npt.NDArray[np.bool_]


class Rule(NamedTuple):
    """How a strategy decides by an artifact."""

    head: str = GBDT
    """Its kind."""
    share: float = 0.99
    """Of the best single model's quality that is enough."""
    threshold: float | None = None
    """Of `hybrid`, where it is said: share of the likeliest model's chance that is
    enough."""

    def __str__(self) -> str:
        if self.threshold is not None:
            return f"{self.head} (threshold {self.threshold:g})"
        return f"{self.head} ({self.share:.0%} of the best)"


class Decided(NamedTuple):
    """What a router chose."""

    chosen: Ints
    """Places in the table's models."""
    scale: float
    """What it expected to spend, as a share of what the same cost when it learned."""


def choices(
    model: Model,
    sketches: Sequence[Sketch],
    models: Sequence[str],
    rule: Rule,
    prices: Mapping[str, Rates] | None = None,
) -> Decided:
    """Of a table whose `models` had these `prices`: as it would have served then.

    Raises:
        TableError: the table and the artifact know different models.
    """
    unknown = sorted(set(models) - set(model.models))
    if unknown:
        raise TableError(
            f"the artifact has not learned of {', '.join(unknown)}; it knows"
            f" {', '.join(model.models)}"
        )
    if rule.head not in model.artifact.manifest.terms:
        kinds = ", ".join(model.artifact.manifest.terms)
        raise TableError(f"there is no trained kind {rule.head!r}; kinds: {kinds}")
    place = np.array([model.place[name] for name in models])
    first = model.prior[place] == model.prior[place].max()
    moved = _moved(model, models, prices or {})
    chosen = np.empty(len(sketches), np.int64)
    learned = spent = 0.0
    for i, sketch in enumerate(sketches):
        said = model.predict(sketch, rule.head)
        quality, then = said.quality[place], said.cost[place]
        cost = _repriced(then, sketch, moved)
        chosen[i] = at = _chosen(model, rule, said.trust, quality, cost, first)
        learned, spent = learned + float(then[at]), spent + float(cost[at])
    return Decided(chosen, spent / learned if learned else 1.0)


def _chosen(
    model: Model, rule: Rule, trust: float, quality: Floats, cost: Floats, first: Marks
) -> int:
    """Of one prompt; `first` marks the best single model."""
    if rule.threshold is not None:
        enough = quality >= rule.threshold * quality.max()
        return int(np.argmin(np.where(enough, cost, np.inf)))
    rate, loyalty = weighed(model, rule.head, rule.share, trust)
    return int(np.argmax(quality - rate * cost + loyalty * first))


def _moved(
    model: Model, models: Sequence[str], prices: Mapping[str, Rates]
) -> list[tuple[int, Rates, Candidate]]:
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


def _repriced(
    then: Floats, sketch: Sketch, moved: list[tuple[int, Rates, Candidate]]
) -> Floats:
    if not moved:
        return then
    # The first mark is the logarithm of the prompt's length; four characters a token.
    query = Query(alias="", input_tokens=int(math.expm1(sketch.marks[0])) // 4)
    cost = then.copy()
    for at, rates, candidate in moved:
        cost[at] = repriced(float(then[at]), rates, query, candidate)
    return cost
