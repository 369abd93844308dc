"""How well strategies route a table, measured on rows they did not learn from."""

import time
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab import cascade
from routing.lab.frontier import Frontier, best_single, cost_at, hull, singles
from routing.lab.measures import apgr, auc, calls_for, ece, recovered
from routing.lab.results import Bin, Domain, Level, Pair, Report, Result, Single
from routing.lab.split import Fold
from routing.lab.table import Table
from routing.lab.train import train
from routing.learned.artifact import Artifact
from routing.learned.model import GBDT, NAMES, Model

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SHARES: Final = (0.95, 0.99, 1.0)
"""Of the best single model's quality."""
TENTHS: Final = 10
DRAWS: Final = 200
"""Of the bootstrap of a pair's figures."""


class Judged(NamedTuple):
    """Predictions beside what happened; arrays are (rows, models)."""

    rows: Ints
    """Of the table."""
    quality: dict[str, Doubles]
    cost: Doubles
    true_quality: Doubles
    true_cost: Doubles
    prior: Doubles
    prior_cost: Doubles
    """Means of the rows learned from: what single models are known to be worth."""
    trust: Doubles
    latency_s: Doubles
    """(rows,), of one decision of `gbdt`, with the features of its prompt."""
    models: int
    """The first so many are asked alone, the others are cascades."""

    @property
    def base(self) -> int:
        """The best single model of the rows judged: what routers are held against,
        though nobody knew it beforehand."""
        own = slice(self.models)
        return best_single(self.true_quality[:, own], self.true_cost[:, own])

    def frontier(self, quality: Doubles, cost: Doubles) -> Frontier:
        """Of what a router says, beside the best single model."""
        base = np.full(len(quality), self.base)
        return Frontier(quality, cost, self.true_quality, self.true_cost, base)


def crossed(
    table: Table, folds: Iterable[Fold], seed: int, arms: cascade.Arms | None = None
) -> Judged:
    """Each fold's test rows, by what was learned from its others."""
    parts = []
    for fold in folds:
        wide = table
        if arms is not None:
            wide = arms.widened(table, fold.train)
        trained = train(wide.take(fold.train), seed)
        parts.append(_predicted(trained.artifact, wide, fold.test))

    def joined(field: str) -> Doubles:
        return np.concatenate([getattr(part, field) for part in parts])

    return Judged(
        rows=np.concatenate([p.rows for p in parts]),
        quality={
            name: np.concatenate([p.quality[name] for p in parts]) for name in NAMES
        },
        cost=joined("cost"),
        true_quality=joined("true_quality"),
        true_cost=joined("true_cost"),
        prior=joined("prior"),
        prior_cost=joined("prior_cost"),
        trust=joined("trust"),
        latency_s=joined("latency_s"),
        models=table.alone,
    )


def predicted(artifact: Artifact, table: Table) -> Judged:
    """Every row of a table of the same models, by an artifact."""
    return _predicted(artifact, table, np.arange(len(table)))


def _predicted(artifact: Artifact, table: Table, rows: Ints) -> Judged:
    model = Model(artifact)
    shape = (len(rows), len(table.models))
    quality = {name: np.empty(shape) for name in NAMES}
    cost, trust = np.empty(shape), np.empty(len(rows))
    latency = np.empty(len(rows))
    for i, row in enumerate(rows.tolist()):
        began = time.perf_counter()
        said = model.predict(table.sketches[row])
        latency[i] = time.perf_counter() - began + table.reading_s[row]
        quality[NAMES[0]][i], cost[i], trust[i] = said.quality, said.cost, said.trust
        for name in NAMES[1:]:
            quality[name][i] = model.predict(table.sketches[row], name).quality
    return Judged(
        rows=rows,
        quality=quality,
        cost=cost,
        true_quality=table.quality[rows],
        true_cost=table.cost[rows],
        prior=np.tile(model.prior.astype(np.float64), (len(rows), 1)),
        prior_cost=np.tile(model.prior_cost.astype(np.float64), (len(rows), 1)),
        trust=trust,
        latency_s=latency,
        models=model.alone,
    )


def report(table: Table, judged: Judged, protocol: str, seed: int) -> Report:
    """All figures of a table."""
    own = judged.true_quality[:, : judged.models]
    prices = judged.true_cost[:, : judged.models]
    base = judged.base
    alone = own[:, base].mean(), prices[:, base].mean()
    line = hull(singles(own, prices))
    costs = {"query oracle": judged.true_cost, "single models": judged.prior_cost}
    routers = {
        name: _result(judged, quality, costs.get(name, judged.cost), seed)
        for name, quality in (judged.quality | _references(table, judged, seed)).items()
    }
    latency = np.sort(judged.latency_s * 1e6)
    return Report(
        dataset=table.name,
        protocol=protocol,
        rows=len(judged.rows),
        duplicates=table.duplicates,
        base=table.models[base],
        alone=Single(float(alone[0]), float(alone[1])),
        singles={
            name: Single(float(own[:, j].mean()), float(prices[:, j].mean()))
            for j, name in enumerate(table.models[: judged.models])
        },
        hull={
            str(share): _number(1.0 - cost_at(line, share * alone[0]) / alone[1])
            for share in SHARES
        },
        hull_line=[(float(c), float(q)) for c, q in line],
        routers=routers,
        calibration=_calibration(judged),
        domains=_by_domain(table, judged, seed),
        trust=float(judged.trust.mean()),
        latency_us={
            "min": float(latency[0]),
            "p50": float(latency[len(latency) // 2]),
            "p99": float(latency[int(len(latency) * 0.99)]),
        },
    )


def _calibration(judged: Judged) -> list[Bin]:
    said, true = judged.quality[GBDT].ravel(), judged.true_quality.ravel()
    tenth = np.minimum((said * TENTHS).astype(int), TENTHS - 1)
    return [
        Bin(float(said[here].mean()), float(true[here].mean()), int(here.sum()))
        for here in (tenth == k for k in range(TENTHS))
        if here.any()
    ]


def _by_domain(table: Table, judged: Judged, seed: int) -> dict[str, Domain]:
    line = judged.frontier(judged.quality[GBDT], judged.cost)
    order = np.random.default_rng(seed).permutation(len(judged.rows))
    half = len(order) // 2
    got, spent = line.base.copy(), line.price.copy()
    for chosen_on, held in (
        (order[:half], order[half:]),
        (order[half:], order[:half]),
    ):
        step = line.step(0.99, chosen_on)
        if step is not None:
            got[held], spent[held] = line.got[step, held], line.spent[step, held]
    own = table.domains[judged.rows]
    return {
        str(name): Domain(
            rows=int(here.sum()),
            alone=float(line.base[here].mean()),
            quality=float(got[here].mean()),
            saved=1.0 - float(spent[here].mean() / line.price[here].mean()),
        )
        for name in np.unique(own)
        for here in (own == name,)
    }


def _references(table: Table, judged: Judged, seed: int) -> dict[str, Doubles]:
    """What chance, and what knowing the truth, would do."""
    rng = np.random.default_rng(seed)
    names, kind = np.unique(table.domains[judged.rows], return_inverse=True)
    means = np.stack(
        [judged.true_quality[kind == k].mean(0) for k in range(len(names))]
    )
    return {
        "single models": judged.prior,
        "random": rng.random(judged.cost.shape),
        "domain oracle": means[kind],
        "query oracle": judged.true_quality,
    }


def _result(judged: Judged, quality: Doubles, cost: Doubles, seed: int) -> Result:
    line = judged.frontier(quality, cost)
    own = judged.true_quality[:, : judged.models]
    prices = judged.true_cost[:, : judged.models]
    limit = hull(singles(own, prices))
    levels = {}
    for share in SHARES:
        nested = line.nested(share, seed)
        low, high = line.interval(share, seed)
        aim = nested.quality * line.base.mean()
        mixed = 1.0 - cost_at(limit, aim) / line.price.mean()
        levels[str(share)] = Level(
            hindsight=_number(line.saved(share)),
            nested=nested.saved,
            quality=nested.quality,
            low=low,
            high=high,
            over_hull=_number(nested.saved - mixed),
        )
    step = line.step(0.99)
    points = line.points()
    at = points[0 if step is None else step]
    return Result(
        quality=float(at[1]),
        cost=float(at[0]),
        auc=_number(auc(quality, judged.true_quality)),
        ece=ece(quality, judged.true_quality),
        levels=levels,
        curve=[(float(c), float(q)) for c, q in hull(points)],
        pair=_pair(quality, own, prices, seed) if own.shape[1] == 2 else None,
    )


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def _pair(quality: Doubles, own: Doubles, prices: Doubles, seed: int) -> Pair:
    """Of two models: how much of the gap, for how many calls of the better one."""
    strong = int(own.mean(0).argmax())
    weak = 1 - strong
    gain = quality[:, strong] - quality[:, weak]
    rng = np.random.default_rng(seed)
    gain = gain + 1e-9 * rng.random(len(gain))  # ties in no order

    def measured(rows: Ints) -> tuple[float, float, float]:
        low, high = own[rows, weak], own[rows, strong]
        curve = recovered(gain[rows], low, high)
        ends = float(low.mean()), float(high.mean())
        return (
            apgr(curve, *ends),
            calls_for(curve, *ends, 0.5),
            calls_for(curve, *ends, 0.8),
        )

    count = len(gain)
    whole = measured(np.arange(count))
    drawn = [measured(rng.integers(0, count, count))[0] for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Pair(
        apgr=whole[0], cpt50=whole[1], cpt80=whole[2], low=float(low), high=float(high)
    )
