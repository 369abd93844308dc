"""How to tell a prompt of a kind that was never learned from, and what to say of it.

Domains are left out in turn: what the heads say of their rows, learned from the other
domains alone, is what they will say of the unknown. A line between that and how rows of
known domains look is the guard; and how much of what they say holds is measured.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.lab import blend
from routing.lab.frontier import Frontier
from routing.lab.heads import domain_means, formed, ridge, sparse_logistic, together
from routing.learned.model import (
    DOMAINS,
    NEIGHBOURS,
    SHARPNESS,
    signs,
    top_similar,
)

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

GROUPS: Final = 4
LEAST_KINDS: Final = 3
FALSE_ALARMS: Final = 0.05
"""Share of rows of known kinds that may be taken for unknown."""
SLOPES: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""How much of what heads say that models differ by may be believed."""
_LEVELS: Final = (0.95, 0.99, 1.0)
_FIRM: Final = 1.0
_NEWTON: Final = 25


class Given(NamedTuple):
    """What training has made of the table."""

    words: Any
    embedded: Floats
    marks: Floats
    kinds: Floats
    """(rows, domains), one-hot."""
    probable: Floats
    """(rows, domains), left out."""
    quality: Doubles
    cost: Doubles


class Strange(NamedTuple):
    """Rows as if their kind had never been seen: what heads say of them."""

    signs: Floats
    heads: dict[str, Doubles]
    cost: Doubles


class Guard(NamedTuple):
    """A prompt is unknown where `weights @ signs` is above `threshold`."""

    weights: Floats
    threshold: float
    strange: Strange | None
    """`None`: there are too few kinds to leave one out."""


def guard(given: Given, seed: int) -> Guard:
    """Of a table's kinds of prompts."""
    count, domains = given.kinds.shape
    near = _near(given, given.probable, np.arange(count), np.ones(count, bool))[0]
    if domains < LEAST_KINDS:
        weights = np.zeros(near.shape[1], np.float32)
        weights[0] = -20.0
        return Guard(weights, _limit(near, weights), None)
    rng = np.random.default_rng(seed)
    place = rng.permutation(domains) % min(GROUPS, domains)
    group = place[given.kinds.argmax(1)]
    parts = [_left(given, group, k) for k in np.unique(group)]
    order = np.argsort(
        np.concatenate([np.flatnonzero(group == k) for k in np.unique(group)])
    )
    strange = Strange(
        np.concatenate([p.signs for p in parts])[order],
        {
            name: np.concatenate([p.heads[name] for p in parts])[order]
            for name in parts[0].heads
        },
        np.concatenate([p.cost for p in parts])[order],
    )
    weights = _line(near, strange.signs)
    return Guard(weights, _limit(near, weights), strange)


def sobered(
    strange: Strange,
    share: dict[str, float],
    quality: Doubles,
    true_cost: Doubles,
    base: Ints,
) -> tuple[Doubles, Doubles]:
    """(2 + models,): what `blend.sober` needs to speak of unknown kinds, and what is
    then said. How much of the heads' word is kept is what saves most there, against
    `base` (rows,), and 0 keeps none: single models, by their means."""
    own = {name: share[name] for name in strange.heads}
    total = sum(own.values()) or 1.0
    said = blend.mixed(strange.heads, {n: s / total for n, s in own.items()})
    best: tuple[float, Doubles, Doubles] | None = None
    for slope in SLOPES:
        curve = blend.sober_curve(said, quality, slope)
        sober = blend.sober(said, curve)
        line = Frontier(sober, strange.cost, quality, true_cost, base)
        saved = [line.saved(level) for level in _LEVELS]
        worth = float(np.where(np.isfinite(saved), saved, -1.0).sum())
        if best is None or worth > best[0] + 1e-3:
            best = (worth, curve, sober)
    assert best is not None
    return best[1], best[2]


def _left(given: Given, group: Ints, k: int) -> Strange:
    """The rows of a group of kinds, by what the other groups teach."""
    rows, rest = np.flatnonzero(group == k), np.flatnonzero(group != k)
    left = np.flatnonzero(given.kinds[rest].sum(0) > 0)
    quality = given.quality[rest]
    form = formed(given.embedded, given.marks)
    kinds = given.kinds[rest][:, left]
    fitted = sparse_logistic(given.words[rest], form[rest], kinds, quality)
    few, good = fitted.predict(given.words[rows], form[rows], len(left))
    probable = np.zeros((len(rows), given.kinds.shape[1]), np.float32)
    probable[:, left] = few

    def inputs(at: Ints, said: Floats) -> Floats:
        return np.hstack([form[at], DOMAINS * said])

    x = inputs(rest, given.probable[rest])
    line = together(ridge(x, quality, apart=True), ridge(x, np.log(given.cost[rest])))
    said = inputs(rows, probable) @ line.weights + line.bias
    told, knn = _near(given, few, rows, group != k)
    count = quality.shape[1]
    heads = {
        "ridge": said[:, :count],
        "knn": knn,
        "domain": few @ domain_means(kinds, quality),
        "logistic": good.astype(np.float64),
    }
    return Strange(told, heads, np.exp(said[:, count:]))


def _limit(near: Floats, weights: Floats) -> float:
    return float(np.quantile(near @ weights, 1 - FALSE_ALARMS))


def _near(
    given: Given, probable: Floats, rows: Ints, among: Flags
) -> tuple[Floats, Doubles]:
    """Signs of rows, and what their neighbours `among` others say."""
    keys, values = given.embedded[among], given.quality[among]
    place = np.cumsum(among) - 1
    similar = given.embedded[rows] @ keys.T
    own = np.flatnonzero(among[rows])
    similar[own, place[rows[own]]] = -1.0
    k = min(NEIGHBOURS, len(keys) - 1)
    nearest = np.argpartition(similar, len(keys) - k, axis=1)[:, len(keys) - k :]
    close = np.take_along_axis(similar, nearest, 1)
    weights = np.exp(SHARPNESS * (close - close.max(1, keepdims=True)))
    near = np.einsum("rk,rkm->rm", weights, values[nearest]) + values.mean(0)
    near /= weights.sum(1, keepdims=True) + 1.0
    return signs(top_similar(close), probable), near


def _line(near: Floats, far: Floats) -> Floats:
    """Logistic regression, both sides of equal weight."""
    x = np.vstack([near, far]).astype(np.float64)
    y = np.repeat([0.0, 1.0], [len(near), len(far)])
    weights = np.zeros(x.shape[1])
    for _ in range(_NEWTON):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + _FIRM * np.eye(len(weights))
        weights -= np.linalg.solve(curve, x.T @ (p - y) + _FIRM * weights)
    return weights.astype(np.float32)
