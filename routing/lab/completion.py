"""Tables with holes: what was asked of one model only, made fit to learn and to judge.

A record knows how well the model did that served, not how the others would have done.
What is missing is estimated from the other rows; that is good enough to learn from. To
judge by, estimates are corrected with what did happen, weighted by how likely it was
(the doubly robust estimate): right on average even where the estimates are wrong, as
long as the likelihoods are not.
"""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab import features
from routing.lab.heads import ridge
from routing.lab.lines import Line, Lines, read_lines
from routing.lab.table import LEAST_COST, Table, TableError, read
from routing.learned.model import EMBEDDING
from routing.sketch import Sketch, opened
from routing.text import Reader

Doubles = npt.NDArray[np.float64]

LEAST_SEEN: Final = 20
"""Outcomes of a model from which a prompt's part in them can be learned."""
LEAST_ODDS: Final = 0.01
"""What was less likely than this tells nothing of what it would have been."""


class Partial(NamedTuple):
    """Rows with holes; all arrays are (rows, models)."""

    sketches: list[Sketch]
    quality: Doubles
    """NaN: unknown."""
    cost: Doubles
    odds: Doubles
    """How likely each model was to be asked; 1 where all were."""
    share: Doubles
    """Of the times that the prompt was asked, how often each model was."""


def holes(lines: Lines) -> bool:
    """Whether some outcome is missing."""
    return any(None in line.scores or None in line.cost_usd for line in lines.lines)


def partial(lines: Lines) -> Partial:
    """The lines as numbers.

    Raises:
        TableError: a line is not as the format says.
    """
    shape = (len(lines.lines), len(lines.models))
    if not shape[0] or shape[1] < 2:
        raise TableError(f"{lines.name}: needs rows, and two models")
    quality = np.array([line.scores for line in lines.lines], np.float64)
    cost = np.array([line.cost_usd for line in lines.lines], np.float64)
    known = quality[np.isfinite(quality)]
    if ((known < 0.0) | (known > 1.0)).any():
        raise TableError(f"{lines.name}: a score is not from 0 to 1")
    odds, share = np.ones(shape), np.ones(shape)
    for i, line in enumerate(lines.lines):
        if line.propensity is not None and line.served is not None:
            odds[i] = line.propensity
            share[i] = np.array(line.served) / max(sum(line.served), 1)
    for name, column in zip(lines.models, quality.T, strict=True):
        if not np.isfinite(column).any():
            raise TableError(f"{lines.name}: nothing is known of {name}")
    reader = Reader()
    sketches = [_sketch(lines, line, reader) for line in lines.lines]
    return Partial(sketches, quality, np.maximum(cost, LEAST_COST), odds, share)


def guessed(rows: Partial) -> tuple[Doubles, Doubles]:
    """Quality and cost of every model on every row, each by the other rows."""
    learned = features.learn(rows.sketches)
    given = features.inputs(learned, rows.sketches)
    x = np.hstack([EMBEDDING * given.embedded, given.marks])
    quality, cost = np.empty(rows.quality.shape), np.empty(rows.cost.shape)
    for j in range(len(rows.quality.T)):
        quality[:, j] = np.clip(_column(x, rows.quality[:, j]), 0.0, 1.0)
        logs = np.log(rows.cost[:, j])
        seen = np.isfinite(logs)
        if not seen.any():
            raise TableError("a model's cost is never known: give it a price")
        spent = np.exp(np.clip(_column(x, logs), logs[seen].min(), logs[seen].max()))
        cost[:, j] = spent * rows.cost[seen, j].mean() / spent[seen].mean()
    return quality, cost


def completed(lines: Lines) -> Table:
    """The table with estimates in its holes: to learn from, not to judge by."""
    rows = partial(lines)
    quality, cost = guessed(rows)
    return Table(
        name=lines.name,
        models=tuple(lines.models),
        sketches=rows.sketches,
        domains=np.array([line.domain for line in lines.lines], dtype=np.str_),
        quality=np.where(np.isfinite(rows.quality), rows.quality, quality),
        cost=np.where(np.isfinite(rows.cost), rows.cost, cost),
        duplicates=lines.duplicates,
        digest=lines.digest,
        prices=lines.prices,
    )


def corrected(rows: Partial) -> tuple[Doubles, Doubles]:
    """Quality and cost whose mean over rows is right, whichever model is chosen for
    each; single entries may lie far outside of what is possible."""
    quality, cost = guessed(rows)
    weight = np.where(
        rows.odds >= LEAST_ODDS, rows.share / np.maximum(rows.odds, LEAST_ODDS), 0.0
    )
    quality += weight * np.where(np.isfinite(rows.quality), rows.quality - quality, 0.0)
    cost += weight * np.where(np.isfinite(rows.cost), rows.cost - cost, 0.0)
    return quality, cost


def read_table(path: Path, limit: int | None = None, seed: int = 0) -> Table:
    """The table of a file, whole or with holes.

    Raises:
        TableError: it cannot be read, or a line is not as the format says.
    """
    lines = read_lines(path)
    if not holes(lines):
        return read(path, limit, seed)
    if limit is not None and limit < len(lines.lines):
        drawn = np.random.default_rng(seed).permutation(len(lines.lines))[:limit]
        lines.lines = [lines.lines[i] for i in sorted(drawn.tolist())]
    return completed(lines)


def _column(x: npt.NDArray[np.float32], y: Doubles) -> Doubles:
    seen = np.isfinite(y)
    if seen.sum() < LEAST_SEEN:
        return np.full(len(y), y[seen].mean())
    line = ridge(x[seen], y[seen, None])
    out: Doubles = x @ line.weights[:, 0] + line.bias[0]
    out[seen] = line.left_out[:, 0]
    return out


def _sketch(lines: Lines, line: Line, reader: Reader) -> Sketch:
    if line.prompt:
        return reader.sketch(line.prompt)
    try:
        return opened(line.sketch)
    except ValueError as error:
        raise TableError(f"{lines.name}: a `sketch` {error}") from None
