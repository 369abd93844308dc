"""How the shipped centroids are learned: of no model, from tables of many."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from routing.lab import features
from routing.lab.heads import ridge
from routing.lab.table import Table
from routing.learned.centroids import BUCKETS, CLIP, LEVELS, SHARPNESS, Centroids

Doubles = npt.NDArray[np.float64]

COUNT: Final = 64
EACH: Final = 3000
"""Rows of a table, at most: none outweighs the others."""
_ROUNDS: Final = 15
_PULL: Final = 20.0
_FLOOR: Final = 0.3


def learn(tables: Sequence[Table], seed: int = 0, count: int = COUNT) -> Centroids:
    """From all rows, by what a row's quality rises with the strength of models."""
    rng = np.random.default_rng(seed)
    drawn = [t.take(np.sort(rng.permutation(len(t))[:EACH])) for t in tables]
    words = sparse.vstack([_hashed(t) for t in drawn]).tocsr()
    gain = np.concatenate([_gain(t) for t in drawn])
    marks = np.array([s.marks for t in drawn for s in t.sketches])
    often = np.bincount(words.indices, minlength=BUCKETS)
    idf = np.log((1 + words.shape[0]) / (1 + often)) + _FLOOR
    rows = words @ sparse.diags(idf)
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel()) + 1e-9
    rows = (sparse.diags(1.0 / length) @ rows).tocsr()
    centres = _means(rows, min(count, rows.shape[0] // 4), rng)
    near = np.asarray(rows @ centres.T)
    share = np.exp(SHARPNESS * (near - near.max(1, keepdims=True)))
    share /= share.sum(1, keepdims=True)
    gains = (share.T @ gain + _PULL * gain.mean()) / (share.sum(0) + _PULL)
    mean, spread = marks.mean(0), marks.std(0) + 1e-3
    x = np.clip((marks - mean) / spread, -CLIP, CLIP)
    line = ridge(x.astype(np.float32), (gain - share @ gains)[:, None])
    said = share @ gains + x @ line.weights[:, 0]
    return Centroids(
        idf=idf.astype(np.float32),
        centres=np.ascontiguousarray(centres.T, np.float32),
        gains=gains.astype(np.float32),
        marks_mean=mean.astype(np.float32),
        marks_spread=spread.astype(np.float32),
        marks_gain=line.weights[:, 0].astype(np.float32),
        levels=np.quantile(said, np.linspace(0, 1, LEVELS)).astype(np.float32),
    )


def _hashed(table: Table) -> Any:
    words = features.counted(table.sketches).tocoo()
    place = words.row, words.col & (BUCKETS - 1)
    return sparse.csr_matrix((words.data, place), shape=(len(table), BUCKETS))


def _gain(table: Table) -> Doubles:
    """Of each row: how quality rises from the weakest model to the strongest, over the
    mean rise of the table."""
    strength = table.quality.mean(0)
    own = strength - strength.mean()
    rise: Doubles = table.quality @ own / max(own @ own, 1e-9)
    rise /= max(float(rise.mean()), 1e-9)
    return rise


def _means(rows: Any, count: int, rng: np.random.Generator) -> Doubles:
    """Centres of length 1, by k-means on the sphere."""
    drawn = np.sort(rng.choice(rows.shape[0], count, replace=False))
    centres: Doubles = np.asarray(rows[drawn].todense())
    for _ in range(_ROUNDS):
        nearest = np.asarray(rows @ centres.T).argmax(1)
        place = nearest, np.arange(len(nearest))
        mine = sparse.csr_matrix((np.ones(len(nearest)), place))
        mine.resize((count, len(nearest)))
        sums = np.asarray((mine @ rows).todense())
        length = np.sqrt((sums**2).sum(1, keepdims=True))
        centres = np.where(length > 0.0, sums / (length + 1e-9), centres)
    return centres
