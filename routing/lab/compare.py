"""Two routers on the same rows: what one does better than the other."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.completion import Partial, corrected
from routing.lab.gate import Bound

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS: Final = 1000


class Compared(NamedTuple):
    """A router beside the first one."""

    quality: float
    cost: float
    """Dollars a call."""
    same: float
    """Share of the rows for which both choose alike."""
    better: Bound
    """Quality above the first's, row by row."""
    dearer: Bound
    """Dollars a call above the first's."""

    def verdict(self) -> str:
        """What can be said beyond doubt."""
        said = [
            word
            for bound, up, down in (
                (self.better, "better", "worse"),
                (self.dearer, "dearer", "cheaper"),
            )
            for word in (up if bound.low > 0.0 else down if bound.high < 0.0 else "",)
            if word
        ]
        return ", ".join(said) or "no difference that could be told from chance"


def compared(
    rows: Partial, chosen: list[Ints], confidence: float = 0.95, seed: int = 0
) -> list[Compared]:
    """Each router's choices against the first's: bounds by a bootstrap of the rows,
    the same draws for all. On rows that know one model each, doubly robust."""
    quality, cost = corrected(rows)
    count = len(quality)
    at = np.arange(count)
    draws = np.random.default_rng(seed).multinomial(
        count, np.full(count, 1.0 / count), DRAWS
    )
    tail = (1.0 - confidence) / 2.0

    def bound(values: Doubles) -> Bound:
        low, high = np.quantile(draws @ values / count, [tail, 1.0 - tail])
        return Bound(float(values.mean()), float(low), float(high))

    first = chosen[0]
    return [
        Compared(
            quality=float(quality[at, own].mean()),
            cost=float(cost[at, own].mean()),
            same=float((own == first).mean()),
            better=bound(quality[at, own] - quality[at, first]),
            dearer=bound(cost[at, own] - cost[at, first]),
        )
        for own in chosen
    ]
