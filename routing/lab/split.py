"""Who trains and who is judged."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab.table import Table, TableError

MOST_LABELS: Final = 150
"""Rows of a domain that are kept for labels, and not judged."""

FIFTHS: Final = 5

Ints = npt.NDArray[np.int64]


class Fold(NamedTuple):
    """Rows to learn from, rows to judge by."""

    train: Ints
    test: Ints


def held(table: Table, how: str, seed: int) -> Fold:
    """A fifth of the rows held back: any (`random`), of whole domains (`group`), or
    those whose `split` says `test` (`file`).

    Raises:
        TableError: there are no domains, or no such rows.
    """
    if how == "random":
        return next(by_chance(len(table), FIFTHS, seed))
    if how == "group":
        return next(by_domain(table, FIFTHS, 0, seed))
    test = np.zeros(len(table), bool) if table.parts is None else table.parts == "test"
    if not test.any() or test.all():
        raise TableError(f"{table.name}: no line has a `split` that says `test`")
    return Fold(np.flatnonzero(~test), np.flatnonzero(test))


def by_chance(count: int, folds: int, seed: int) -> Iterator[Fold]:
    """Every row is judged once."""
    place = np.random.default_rng(seed).permutation(count) % folds
    for k in range(folds):
        yield Fold(np.flatnonzero(place != k), np.flatnonzero(place == k))


def by_domain(table: Table, folds: int, labels: int, seed: int) -> Iterator[Fold]:
    """Domains are judged by what was learned from others, and from up to `labels` rows
    of each of their own; at most a third of a domain's rows are taken for that. The
    same rows are judged whatever `labels` is.

    Raises:
        TableError: fewer than two domains are named.
    """
    names, kind = np.unique(table.domains, return_inverse=True)
    if len(names) < 2:
        raise TableError(f"{table.name}: names {len(names)} domain; by domain needs 2")
    rng = np.random.default_rng(seed)
    spare = np.zeros(len(table), bool)
    for k in range(len(names)):
        rows = rng.permutation(np.flatnonzero(kind == k))
        spare[rows[: min(MOST_LABELS, len(rows) // 3)]] = True
    rank = np.empty(len(table), np.int64)
    for k in range(len(names)):
        own = rng.permutation(np.flatnonzero((kind == k) & spare))
        rank[own] = np.arange(len(own))
    group = (rng.permutation(len(names)) % min(folds, len(names)))[kind]
    for k in np.unique(group):
        given = (group == k) & spare & (rank < labels)
        yield Fold(
            np.flatnonzero((group != k) | given), np.flatnonzero((group == k) & ~spare)
        )
