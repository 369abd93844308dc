"""What another strategy would have been worth, from records of the one that served.

Each record knows what was done, how likely that was, and what came of it. Weighting it
by how much more often another strategy would have done the same makes up for all that
was not tried, as long as it was tried at all; the effective sample size says how many
records that leaves, and where it is too small, nothing is concluded.

Source: Horvitz and Thompson (1952), inverse propensities; Swaminathan and Joachims, The
self-normalized estimator (2015); Dudik, Langford and Li, Doubly robust policy
evaluation (2011); Kish, Survey sampling (1965), the effective size.
"""

from statistics import NormalDist
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_ODDS: Final = 0.01
"""What was done less often tells nothing."""
PRIOR: Final = 2.0
"""Records that the mean of all is worth, beside those of one action."""

Verdict = Literal["enough", "too_few_rows", "no_support"]


class Log(NamedTuple):
    """What was done, row by row."""

    odds: Doubles
    """(rows, actions): how likely each was."""
    done: Ints
    """(rows,): the place of what was done."""
    reward: Doubles
    """(rows,): what came of it."""


class Terms(NamedTuple):
    """When something is concluded."""

    least: float = 100.0
    """Effective rows."""
    unseen: float = 0.05
    """Share of the other strategy's actions that may have been next to never tried."""
    confidence: float = 0.95
    """Of intervals, two-sided."""


class Range(NamedTuple):
    """An estimate, and where the truth is with confidence."""

    mean: float
    low: float
    high: float


class Estimate(NamedTuple):
    """What a strategy would have been worth for each row."""

    verdict: Verdict
    """`too_few_rows`, `no_support` (it does what was next to never tried): the figures
    say nothing."""
    rows: int
    effective: float
    unseen: float
    ips: Range
    """Right on average; single large weights make it wild."""
    snips: Range
    """Divided by the sum of weights: steadier, and right with many rows."""
    robust: Range
    """Doubly robust: right on average, and steadier the better the guesses are."""
    gain: Range
    """The doubly robust estimate, above what was recorded."""


def estimate(
    log: Log, target: Doubles, guess: Doubles | None = None, terms: Terms | None = None
) -> Estimate:
    """`target` is (rows, actions): how likely the other strategy does each. `guess` is
    what each action would have brought, said without looking at the row's own reward;
    by default as `guessed`."""
    terms = terms or Terms()
    guess = guessed(log) if guess is None else guess
    rows = np.arange(len(log.done))
    seen = log.odds >= LEAST_ODDS
    share = np.where(seen, target / np.maximum(log.odds, LEAST_ODDS), 0.0)
    weights = share[rows, log.done]
    reward = log.reward
    weighted = weights * reward
    robust = (target * guess).sum(axis=1)
    robust = robust + weights * (reward - guess[rows, log.done])
    unseen = float((target * ~seen).sum(axis=1).mean())
    size = effective(weights)
    verdict: Verdict = "enough"
    if unseen > terms.unseen:
        verdict = "no_support"
    elif size < terms.least:
        verdict = "too_few_rows"
    return Estimate(
        verdict,
        len(rows),
        size,
        unseen,
        _range(weighted, terms),
        _ratio(weights, reward, terms),
        _range(robust, terms),
        _range(robust - reward, terms),
    )


def effective(weights: Doubles) -> float:
    """How many rows of equal weight are worth as much."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def guessed(log: Log) -> Doubles:
    """The mean reward of each action over the other rows, drawn a little to that of
    all."""
    rows = np.arange(len(log.done))
    chosen = np.zeros(log.odds.shape)
    chosen[rows, log.done] = 1.0
    total, count = log.reward.sum(), len(rows)
    sums = chosen.T @ log.reward - chosen * log.reward[:, None]
    counts = chosen.sum(axis=0) - chosen
    # Of all, also without the row's own.
    common = (total - log.reward) / max(count - 1, 1)
    means: Doubles = (sums + PRIOR * common[:, None]) / (counts + PRIOR)
    return means


def _range(values: Doubles, terms: Terms) -> Range:
    mean = float(values.mean())
    if len(values) < 2:
        return Range(mean, -np.inf, np.inf)
    half = _z(terms) * float(values.std(ddof=1)) / len(values) ** 0.5
    return Range(mean, mean - half, mean + half)


def _ratio(weights: Doubles, reward: Doubles, terms: Terms) -> Range:
    """Of two sums: its error by the delta method."""
    total = float(weights.sum())
    if total <= 0.0:
        return Range(0.0, -np.inf, np.inf)
    mean = float((weights * reward).sum()) / total
    half = _z(terms) * float((weights**2 * (reward - mean) ** 2).sum()) ** 0.5 / total
    return Range(mean, mean - half, mean + half)


def _z(terms: Terms) -> float:
    return NormalDist().inv_cdf(0.5 + terms.confidence / 2.0)
