"""What is saved with nothing learned of a table: by `centroid`, by `cascade`."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from routing.lab.cascade import agreement, outcome
from routing.lab.frontier import best_single, hull, quality_at, singles
from routing.lab.results import Single
from routing.lab.table import Table, TableError
from routing.learned.centroids import Centroids
from routing.strategies.centroid import PROFILES, standing, wanted, worth

Doubles = npt.NDArray[np.float64]

SIZES: Final = (1 / 2, 1 / 5)
"""Of the best model's price: what its smaller companions cost at most."""
JUDGED: Final = ("premium", "auto", "eco", "free")
"""Profiles; `reasoning` asks for an ability, of which tables know nothing."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Against always asking the best of the deployments."""

    saved: float
    """Share of its cost."""
    quality: float
    """Share of its quality."""
    mixed: float
    """The same share, where the deployments are drawn by lot at the same cost."""
    asked: dict[str, float]
    """Share of prompts that each deployment is asked."""


class Untrained(msgspec.Struct, frozen=True, kw_only=True):
    """Of one table."""

    dataset: str
    rows: int
    best: str
    deployments: dict[str, Single]
    """By rising price."""
    profiles: dict[str, Profile]
    cascade: Profile | None
    """The two cheaper ones at once, and the dearest where they differ; `None`:
    there are not three."""


def untrained(
    table: Table,
    centroids: Centroids,
    models: Sequence[str] = (),
    wrong_agreement: float = 0.5,
) -> Untrained:
    """Judge `centroid` between some models of the table; default: `three`. Where the
    table has no answers, two wrong ones are the same by `wrong_agreement`.

    Raises:
        TableError: the table has no such model, or fewer than two were named.
    """
    places = _places(table, models) if models else three(table)
    places = sorted(places, key=lambda j: float(table.cost[:, j].mean()))
    quality, cost = table.quality[:, places], table.cost[:, places]
    names = [table.models[j] for j in places]
    needs = [centroids.need(sketch)[0] for sketch in table.sketches]
    stand = standing(cost.mean(0).tolist())
    line, best = hull(singles(quality, cost)), best_single(quality, cost)
    alone = Single(float(quality[:, best].mean()), float(cost[:, best].mean()))

    def judged(got: Doubles, spent: Doubles, asked: Sequence[float]) -> Profile:
        paid = float(spent.mean())
        return Profile(
            saved=1.0 - paid / alone.cost,
            quality=float(got.mean()) / alone.quality,
            mixed=quality_at(line, paid) / alone.quality,
            asked=dict(zip(names, asked, strict=True)),
        )

    rows = np.arange(len(table))
    profiles = {}
    for name in JUDGED:
        aims = [wanted(need, PROFILES[name]) for need in needs]
        chosen = np.array([_nearest(stand, aim) for aim in aims])
        shares = [float((chosen == j).mean()) for j in range(len(names))]
        profiles[name] = judged(quality[rows, chosen], cost[rows, chosen], shares)
    cascade = None
    if len(places) == 3:
        agreed = agreement(table, wrong_agreement, 0)
        got, spent = outcome(table, agreed, *places)
        differ = 1.0 - float(agreed.of(places[0], places[1]).mean())
        cascade = judged(got, spent, [1.0, 1.0, differ])
    return Untrained(
        dataset=table.name,
        rows=len(table),
        best=names[best],
        deployments={
            n: Single(float(quality[:, j].mean()), float(cost[:, j].mean()))
            for j, n in enumerate(names)
        },
        profiles=profiles,
        cascade=cascade,
    )


def three(table: Table) -> list[int]:
    """Models as somebody would deploy them: the best one, the best of those at half of
    its price, and the best of those at a fifth, as far as there are such."""
    quality, cost = table.quality.mean(0), table.cost.mean(0)
    found = [best_single(table.quality, table.cost)]
    for size in SIZES:
        cheap = np.flatnonzero(cost <= size * cost[found[0]]).tolist()
        left = [j for j in cheap if j not in found]
        if left:
            found.append(max(left, key=lambda j: float(quality[j])))
    if len(found) < 2:
        raise TableError(f"{table.name}: no model costs half of what the best one does")
    return found


def _places(table: Table, models: Sequence[str]) -> list[int]:
    strange = [name for name in models if name not in table.models]
    if strange or len(set(models)) < 2:
        raise TableError(
            f"{table.name}: name two or more of {', '.join(table.models)}"
            + (f"; not {', '.join(strange)}" if strange else "")
        )
    return [table.models.index(name) for name in dict.fromkeys(models)]


def _nearest(stand: Sequence[float], aim: float) -> int:
    return max(range(len(stand)), key=lambda j: worth(stand[j], aim))
