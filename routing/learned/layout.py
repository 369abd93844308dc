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


def fill(
    rows: Floats,
    heads: list[Floats],
    log_cost: Floats,
    shared: list[Floats],
) -> None:
    """Write the rest: heads and `log_cost` are (..., models), `shared` (..., n)."""
    at = STATIC
    for head in heads:
        mean = head.mean(-1, keepdims=True)
        rows[..., at] = head
        rows[..., at + 1] = mean
        rows[..., at + 2] = head - mean
        at += PER_HEAD
    rows[..., at] = log_cost
    at += 1
    for part in shared:
        size = part.shape[-1]
        rows[..., at : at + size] = part[..., None, :]
        at += size
