"""What a router would have chosen, row by row, by the rule it serves with."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.table import TableError
from routing.learned.model import GBDT, Model
from routing.strategies.learned import weighed
from routing.text import Sketch

Ints = npt.NDArray[np.int64]


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


def choices(
    model: Model, sketches: Sequence[Sketch], models: Sequence[str], rule: Rule
) -> Ints:
    """Places in `models`, the table's.

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
    chosen = np.empty(len(sketches), np.int64)
    for i, sketch in enumerate(sketches):
        said = model.predict(sketch, rule.head)
        quality, cost = said.quality[place], said.cost[place]
        if rule.threshold is not None:
            enough = quality >= rule.threshold * quality.max()
            chosen[i] = np.argmin(np.where(enough, cost, np.inf))
            continue
        rate, loyalty = weighed(model, rule.head, rule.share, said.trust)
        chosen[i] = np.argmax(quality - rate * cost + loyalty * first)
    return chosen
