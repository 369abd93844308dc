"""Whether a router may take over: figures with bounds, and a verdict.

Both kinds of evidence are weighed alike: on a table in which every model answered,
means are what they are; on records, of which each knows one model, they are doubly
robust estimates, and the effective sample size says how much they are worth.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.completion import LEAST_ODDS, Partial, corrected
from routing.lab.frontier import best_single, hull, quality_at, singles

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS: Final = 500
UNSUPPORTED: Final = 0.05
"""Of the choices that may be of models that were hardly ever asked."""


class Terms(NamedTuple):
    """What a router must hold."""

    floor: float = 0.95
    """Share of the best single model's quality."""
    margin: float = 0.01
    """Quality points that it may seem to be under the hull."""
    confidence: float = 0.95
    """Of every bound, one-sided."""
    least: int = 50
    """Effective rows without which nothing is concluded."""


class Bound(NamedTuple):
    """An estimate, and what it is not under (or over) with confidence."""

    mean: float
    low: float
    high: float


class Verdict(NamedTuple):
    """What was found, and whether it is enough."""

    reasons: tuple[str, ...]
    """Why it must not take over; empty: it may."""
    rows: int
    effective: float
    """Rows that the estimate is worth."""
    quality: Bound
    cost: Bound
    gap: Bound
    """Quality above the hull of single models at the same cost."""
    relative: Bound
    """Quality as a share of the best single model's."""
    saved: Bound
    """Share of the best single model's cost."""
    best: int
    """Place of the best single model."""

    def figures(self) -> dict[str, float]:
        """Flat, for a record."""
        told = {"rows": float(self.rows), "effective": self.effective}
        for name in ("quality", "cost", "gap", "relative", "saved"):
            bound: Bound = getattr(self, name)
            told |= {name: bound.mean, f"{name}_low": bound.low}
            told[f"{name}_high"] = bound.high
        return told


def judge(
    rows: Partial,
    chosen: Ints,
    terms: Terms,
    champion: Ints | None = None,
    truth: tuple[Doubles, Doubles] | None = None,
    seed: int = 0,
    alone: int | None = None,
) -> Verdict:
    """What comes of choosing model `chosen[i]` on row i; `champion` is what serves now
    would have chosen, `truth` what `corrected` said of the rows, where it was asked.
    It is measured by single models: the first `alone` columns; default: all."""
    quality, cost = corrected(rows) if truth is None else truth
    at = np.arange(len(chosen))
    singles_of = quality[:, :alone], cost[:, :alone]
    best = best_single(*singles_of)
    got = _Sample(*singles_of, quality[at, chosen], cost[at, chosen], best)
    draws = np.random.default_rng(seed).multinomial(
        len(at), np.full(len(at), 1.0 / len(at)), DRAWS
    )

    def bound(measure: Callable[[_Sample], float]) -> Bound:
        values = [measure(got.drawn(weights / len(at))) for weights in draws]
        mean = measure(got.drawn(np.full(len(at), 1.0 / len(at))))
        tail = 1.0 - terms.confidence
        low, high = np.quantile(values, [tail, 1.0 - tail])
        return Bound(mean, float(low), float(high))

    verdict = Verdict(
        reasons=(),
        rows=len(at),
        effective=effective(rows.odds[at, chosen], rows.share[at, chosen]),
        quality=bound(_Sample.quality_mean),
        cost=bound(_Sample.cost_mean),
        gap=bound(_Sample.gap),
        relative=bound(_Sample.relative),
        saved=bound(_Sample.saved),
        best=best,
    )
    unseen = float((rows.odds[at, chosen] < LEAST_ODDS).mean())
    reasons = _reasons(verdict, terms, unseen)
    if champion is not None:
        reasons += _beaten(quality, cost, chosen, champion, draws / len(at), terms)
    return verdict._replace(reasons=tuple(reasons))


def effective(odds: Doubles, share: Doubles) -> float:
    """Kish's effective sample size of the weights that the choices had."""
    weights = np.where(odds >= LEAST_ODDS, share / np.maximum(odds, LEAST_ODDS), 0.0)
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


class _Sample(NamedTuple):
    """Weighted rows: single models, and the router's choices."""

    quality: Doubles
    cost: Doubles
    got: Doubles
    spent: Doubles
    best: int
    weights: Doubles | None = None

    def drawn(self, weights: Doubles) -> "_Sample":
        return self._replace(
            quality=(weights @ self.quality)[None],
            cost=(weights @ self.cost)[None],
            got=np.array([weights @ self.got]),
            spent=np.array([weights @ self.spent]),
        )

    def quality_mean(self) -> float:
        return float(self.got[0])

    def cost_mean(self) -> float:
        return float(self.spent[0])

    def gap(self) -> float:
        line = hull(singles(self.quality, self.cost))
        return float(self.got[0]) - quality_at(line, float(self.spent[0]))

    def relative(self) -> float:
        return float(self.got[0]) / max(float(self.quality[0, self.best]), 1e-9)

    def saved(self) -> float:
        return 1.0 - float(self.spent[0]) / max(float(self.cost[0, self.best]), 1e-12)


def _reasons(found: Verdict, terms: Terms, unseen: float) -> list[str]:
    reasons = []
    if found.effective < terms.least:
        reasons.append(
            f"too little evidence: {found.effective:.0f} effective rows of"
            f" {found.rows}, {terms.least} are needed"
        )
    if unseen > UNSUPPORTED:
        reasons.append(
            f"{unseen:.0%} of its choices are models that were hardly ever asked for"
            " such prompts: nothing is known of them; let some traffic explore"
        )
    if found.gap.low < -terms.margin:
        reasons.append(
            f"it may be under the hull of single models: quality {found.gap.mean:+.4f}"
            f" against it, not under {found.gap.low:+.4f} with"
            f" {terms.confidence:.0%} confidence; {-terms.margin:+.4f} is asked for"
        )
    if found.relative.low < terms.floor:
        reasons.append(
            f"it may be under the quality floor: {found.relative.mean:.1%} of the best"
            f" single model, not under {found.relative.low:.1%} with"
            f" {terms.confidence:.0%} confidence; {terms.floor:.0%} is asked for"
        )
    return reasons


def _beaten(
    quality: Doubles,
    cost: Doubles,
    chosen: Ints,
    champion: Ints,
    draws: Doubles,
    terms: Terms,
) -> list[str]:
    """Worse and dearer than who serves, beyond doubt."""
    at = np.arange(len(chosen))
    worse = draws @ (quality[at, chosen] - quality[at, champion])
    dearer = draws @ (cost[at, chosen] - cost[at, champion])
    if (
        np.quantile(worse, terms.confidence) < 0.0
        and np.quantile(dearer, 1.0 - terms.confidence) > 0.0
    ):
        return [f"who serves now is better ({-worse.mean():.4f}) and cheaper"]
    return []
