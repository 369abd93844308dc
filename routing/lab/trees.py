"""The LightGBM stack: trees over what the other heads say of each (prompt, model)."""

from collections.abc import Callable
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt

from routing.learned import layout

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDS: Final = 60
ROWS_PER_LEAF: Final = 300
_SLOWER: Final = ("learning_rate", "feature_fraction", "bagging_fraction")
_SETTINGS: Final[dict[str, Any]] = {
    "objective": "cross_entropy",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 80,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}

Learner = Callable[[Floats, Doubles, int], lightgbm.Booster]
"""Of rows, outcomes and a seed."""


def grow(rows: Floats, quality: Doubles, seed: int) -> lightgbm.Booster:
    """Trees of flat rows; scores from 0 to 1 are taken as probabilities."""
    data = lightgbm.Dataset(rows, quality, categorical_feature=[0], free_raw_data=True)
    return lightgbm.train(settings(len(rows), seed), data, ROUNDS)


def settings(rows: int, seed: int) -> dict[str, Any]:
    """LightGBM's, for so many rows: of few, trees are small and learn slowly."""
    leaves = int(np.clip(rows // ROWS_PER_LEAF, 4, _SETTINGS["num_leaves"]))
    some = max(0.5, leaves / _SETTINGS["num_leaves"])
    return _SETTINGS | {
        "seed": seed,
        "min_data_in_leaf": int(np.clip(rows // 200, 10, 80)),
        "num_leaves": leaves,
        **{name: some * _SETTINGS[name] for name in _SLOWER},
    }


def columns(
    *,
    prior: Floats,
    log_price: Floats,
    heads: list[Floats],
    log_cost: Floats,
    shared: list[Floats],
) -> Floats:
    """(rows, models, width) as `layout` says."""
    count, models = log_cost.shape
    sizes = sum(part.shape[1] for part in shared)
    width = layout.STATIC + layout.PER_HEAD * len(heads) + 1 + sizes
    rows = np.empty((count, models, width), np.float32)
    layout.start(rows, prior, log_price)
    layout.fill(rows, np.stack(heads), log_cost, shared)
    return rows


def left_out(
    rows: Floats, quality: Doubles, fold: Ints, learner: Learner, seed: int
) -> Doubles:
    """(rows, models) of each row by trees of the other folds."""
    count, models, width = rows.shape
    out = np.empty((count, models))
    for k in np.unique(fold):
        rest, held = fold != k, fold == k
        flat = rows[rest].reshape(-1, width)
        booster = learner(flat, quality[rest].reshape(-1), seed)
        seen = rows[held].reshape(-1, width)
        guess = np.asarray(booster.predict(seen, num_threads=1))
        out[held] = guess.reshape(-1, models)
    return out
