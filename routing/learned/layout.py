"""The columns that the trees look at, the same in training and in serving.

One row per model of a prompt. First what differs between models, then what all rows of
the prompt share.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

STATIC: Final = 3
"""Which model (a category), its mean quality, the logarithm of its mean cost."""
PER_HEAD: Final = 3
"""A head's estimate, the mean of it over models, what it differs by."""
EMBEDDED: Final = 32
"""Leading dimensions of the embedding."""


def width(heads: int, marks: int, domains: int) -> int:
    """Columns in all."""
    return STATIC + PER_HEAD * heads + 1 + 1 + marks + EMBEDDED + domains


def start(rows: Floats, prior: Floats, log_cost: Floats) -> None:
    """Write what never changes; `rows` is (..., models, width)."""
    rows[..., 0] = np.arange(rows.shape[-2])
    rows[..., 1] = prior
    rows[..., 2] = log_cost


def fill(rows: Floats, heads: Floats, log_cost: Floats, shared: list[Floats]) -> None:
    """Write the rest: `heads` are (heads, ..., models), `log_cost` (..., models), and
    each of `shared` (..., n)."""
    end = STATIC + PER_HEAD * len(heads)
    mean = np.add.reduce(heads, -1, keepdims=True)
    mean /= heads.shape[-1]
    for place, told in enumerate((heads, mean, heads - mean), STATIC):
        last = told.transpose(*range(1, told.ndim), 0)
        rows[..., place:end:PER_HEAD] = last
    rows[..., end] = log_cost
    at = end + 1
    for part in shared:
        size = part.shape[-1]
        rows[..., at : at + size] = part[..., None, :]
        at += size
