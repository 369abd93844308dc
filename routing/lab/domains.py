"""Kinds of prompts: those that the table names, or those that are found."""

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Names = npt.NDArray[np.str_]

MOST: Final = 64
LEAST: Final = 5
"""Rows that a kind of its own needs."""
_ROUNDS: Final = 15
_ROWS_EACH: Final = 60


def one_hot(named: Names, embedded: Floats, seed: int) -> Floats:
    """(rows, kinds). The rarest named domains share one; where the table names none
    or one, prompts are gathered by what they are like."""
    frequent = names(named)
    if frequent:
        place = {name: i for i, name in enumerate(sorted(frequent))}
        kinds = np.array([place.get(name, len(place)) for name in named.tolist()])
    else:
        kinds = clusters(embedded, min(32, max(2, len(embedded) // _ROWS_EACH)), seed)
    hot: Floats = np.eye(int(kinds.max()) + 1, dtype=np.float32)[kinds]
    return hot


def names(named: Names) -> list[str]:
    """Domains that are kinds of their own; none where they tell nothing apart."""
    counts = Counter(named.tolist())
    frequent = [name for name, n in counts.most_common(MOST - 1) if n >= LEAST]
    return frequent if len(frequent) > 1 else []


def clusters(embedded: Floats, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Of each row, which of at most `count` groups, by k-means on the sphere; groups
    are numbered without gaps."""
    rng = np.random.default_rng(seed)
    centres = embedded[rng.choice(len(embedded), count, replace=False)]
    nearest = np.zeros(len(embedded), np.int64)
    for _ in range(_ROUNDS):
        nearest = (embedded @ centres.T).argmax(1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, embedded)
        length = np.sqrt((sums**2).sum(1, keepdims=True))
        centres = np.where(length > 0.0, sums / (length + 1e-9), centres)
    return np.unique(nearest, return_inverse=True)[1].astype(np.int64)
