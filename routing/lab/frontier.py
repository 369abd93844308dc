"""Quality against cost: what a router reaches, what mixing single models reaches."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS: Final = 320
"""Prices of quality that are tried."""
RUNGS: Final = 16
LOYALTIES: Final = (0.01, 0.02, 0.04, 0.07, 0.12, 0.2)
"""Quality points by which another must be better than the single model."""
HALVINGS: Final = 10
DRAWS: Final = 100
"""Of the bootstrap."""


class Saving(NamedTuple):
    """Against always asking the best single model."""

    saved: float
    """Share of its cost."""
    quality: float
    """Share of its quality that was reached."""
    spread: float
    """Standard deviation of `saved` over the halves."""


class Frontier:
    """What a router chooses at every price of quality.

    `quality` and `cost` are predicted, `true_*` what happened, all (rows, models). Of
    each row `base` is the single model that would be asked without a router; by default
    the best of all rows.
    """

    def __init__(
        self,
        quality: Floats,
        cost: Floats,
        true_quality: Floats,
        true_cost: Floats,
        base: Ints | None = None,
    ) -> None:
        rows = np.arange(len(quality))
        one = best_single(true_quality, true_cost) if base is None else base
        self.terms: Floats = terms(float(np.median(cost)) or 1.0)
        """(steps, 2): quality points that a dollar is worth, and those that being the
        single model is."""
        count = (len(self.terms), len(quality))
        self.got: Floats = np.empty(count)
        self.spent: Floats = np.empty(count)
        own = np.zeros_like(quality)
        own[rows, one] = 1.0
        for i, (rate, loyalty) in enumerate(self.terms.tolist()):
            worth = quality - rate * cost
            if loyalty:
                worth += loyalty * own
            chosen = np.argmax(worth, axis=1)
            self.got[i] = true_quality[rows, chosen]
            self.spent[i] = true_cost[rows, chosen]
        self.base: Floats = true_quality[rows, one]
        """What the single model would have got, and spent."""
        self.price: Floats = true_cost[rows, one]

    def points(self) -> Floats:
        """(steps, 2): mean cost, mean quality."""
        return np.stack([self.spent.mean(1), self.got.mean(1)], axis=1)

    def saved(self, share: float) -> float:
        """Of the best single model's cost at `share` of its quality, in hindsight;
        NaN where that quality is not reached."""
        cost = cost_at(hull(self.points()), share * self.base.mean())
        return float(1.0 - cost / self.price.mean())

    def nested(self, share: float, seed: int = 0) -> Saving:
        """The same with the price of quality chosen on the one half of the rows and
        measured on the other, `HALVINGS` times in both directions."""
        rng = np.random.default_rng(seed)
        count = self.got.shape[1]
        found = []
        for _ in range(HALVINGS):
            order = rng.permutation(count)
            one, other = order[: count // 2], order[count // 2 :]
            found += [self._half(share, one, other), self._half(share, other, one)]
        saved = np.array([s for s, _ in found])
        return Saving(
            float(saved.mean()),
            float(np.mean([q for _, q in found])),
            float(saved.std()),
        )

    def interval(self, share: float, seed: int = 0) -> tuple[float, float]:
        """Where `nested` lies in 95 of 100 draws of the rows, with repetition."""
        rng = np.random.default_rng(seed)
        count = self.got.shape[1]
        drawn = rng.multinomial(count, np.full(count, 1.0 / count), DRAWS).T
        half = rng.random(drawn.shape) < 0.5
        best = np.stack([self.base, self.price])
        one = (drawn * half).astype(np.float64)
        other = drawn - one
        enough = self.got @ one >= share * (best[0] @ one)
        price = np.where(enough, self.spent @ one, np.inf)
        step = price.argmin(0)
        spent = (self.spent @ other)[step, np.arange(DRAWS)]
        price = np.maximum(best[1] @ other, 1e-12)  # a half may be empty
        saved = np.where(enough.any(0), 1.0 - spent / price, 0.0)
        low, high = np.quantile(saved, [0.025, 0.975])
        return float(low), float(high)

    def _half(self, share: float, chosen_on: Ints, held: Ints) -> tuple[float, float]:
        step = self.step(share, chosen_on)
        if step is None:
            return 0.0, 1.0
        price = self.price[held].mean()
        best = max(self.base[held].mean(), 1e-12)
        return (
            1.0 - float(self.spent[step, held].mean() / price),
            float(self.got[step, held].mean() / best),
        )

    def step(self, share: float, rows: Ints | None = None) -> int | None:
        """The cheapest step that reaches `share` of the best single model's quality
        on `rows`; `None`: no step does."""
        where: Ints | slice = slice(None) if rows is None else rows
        wanted = share * self.base[where].mean()
        enough = np.flatnonzero(self.got[:, where].mean(1) >= wanted)
        if not len(enough):
            return None
        return int(enough[self.spent[enough][:, where].mean(1).argmin()])


def terms(scale: float) -> Floats:
    """(steps, 2): rates, for costs of about `scale`, and loyalties to the single model.

    The last step is loyal whatever a router says: with it, mixing reaches the single
    model's quality even where the router is wrong.
    """
    rates = np.concatenate([[0.0], np.geomspace(1e-4, 1e2, STEPS - 1) / scale])
    plain = np.stack([rates, np.zeros(STEPS)], axis=1)
    some = np.repeat(rates[:: STEPS // RUNGS], len(LOYALTIES))
    loyal = np.stack([some, np.tile(LOYALTIES, len(some) // len(LOYALTIES))], axis=1)
    return np.concatenate([plain, loyal, [[0.0, 2.0]]])


def best_single(quality: Floats, cost: Floats) -> int:
    """Of highest mean quality; the cheapest of equals."""
    means = quality.mean(0)
    best = np.flatnonzero(means >= means.max() - 1e-12)
    return int(best[cost.mean(0)[best].argmin()])


def singles(quality: Floats, cost: Floats) -> Floats:
    """(models, 2): mean cost, mean quality."""
    return np.stack([cost.mean(0), quality.mean(0)], axis=1)


def hull(points: Floats) -> Floats:
    """The rising part of the upper convex hull of (cost, quality): what mixing
    reaches."""
    kept: list[tuple[float, float]] = []
    for cost, quality in sorted((float(c), float(q)) for c, q in points):
        if kept and cost == kept[-1][0]:
            kept.pop()
        while len(kept) > 1 and _under(kept[-2], kept[-1], (cost, quality)):
            kept.pop()
        kept.append((cost, quality))
    best = max(range(len(kept)), key=lambda i: (kept[i][1], -i))
    return np.array(kept[: best + 1])


def cost_at(line: Floats, quality: float) -> float:
    """Of a hull at a quality; NaN above it."""
    if quality > line[-1, 1] + 1e-12:
        return float("nan")
    return float(np.interp(quality, line[:, 1], line[:, 0]))


def quality_at(line: Floats, cost: float) -> float:
    """Of a hull at a cost."""
    return float(np.interp(cost, line[:, 0], line[:, 1]))


def _under(
    before: tuple[float, float], middle: tuple[float, float], after: tuple[float, float]
) -> bool:
    rise = (middle[1] - before[1]) * (after[0] - before[0])
    return rise <= (after[1] - before[1]) * (middle[0] - before[0])
