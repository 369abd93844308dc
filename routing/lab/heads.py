"""Estimators that learn in closed form or in a few passes, each with predictions of
its training rows that did not see the row's own outcome."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.learned.model import EMBEDDING, NEIGHBOURS, SHARPNESS

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Scale = tuple[float, ...]

PENALTIES: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
STEPS: Final = 25
FOLDS: Final = 4
_DOMAIN_RATE: Final = 2.0
_FORM_RATE: Final = 16.0
_QUALITY_RATE: Final = 2.5
"""Over the curvature of the words, or the form: how fast the descent goes, at most."""
_DOMAIN_DECAY: Final = 1e-5
_QUALITY_DECAY: Final = 1e-4
MOST_WEIGHT: Final = 20.0
PSEUDO: Final = 3.0
"""Rows that a domain's mean is pulled to the whole's with."""


class Ridge(NamedTuple):
    """Linear, least squares."""

    weights: Doubles
    bias: Doubles
    left_out: Doubles
    """Of each training row, by the other rows: exact, in closed form."""


class _Line(NamedTuple):
    error: float
    """Squared, of what outputs differ by, left out."""
    line: Ridge


def ridge(x: Floats, y: Doubles, apart: bool = False) -> Ridge:
    """The best of `PENALTIES` by leave-one-out error, one for all outputs; where these
    are judged `apart`, by what they differ by within a row."""
    return _ridge(x, y, apart).line


def blocks(parts: Sequence[Floats], scales: Sequence[Scale], y: Doubles) -> Ridge:
    """The mean of `ridge` with the inputs' parts scaled in several ways: each counts by
    how likely its error, left out, makes it. Its weights are for parts of scale 1."""
    ends = np.cumsum([0, *(part.shape[1] for part in parts)])
    found = []
    for scale in scales:
        each = np.repeat(np.array(scale, np.float32), np.diff(ends))
        error, line = _ridge(np.hstack(parts) * each, y, apart=y.shape[1] > 1)
        found.append((error, line._replace(weights=line.weights * each[:, None])))
    errors = np.array([error for error, _ in found])
    share = np.exp(-0.5 * len(y) * (errors / errors.min() - 1.0))
    share /= share.sum()
    return Ridge(
        *(
            sum(
                s * getattr(line, name)
                for s, (_, line) in zip(share, found, strict=True)
            )
            for name in Ridge._fields
        )
    )


def together(one: Ridge, other: Ridge) -> Ridge:
    """Of the same inputs: the outputs of both, side by side."""
    return Ridge(
        *(np.concatenate(pair, axis=-1) for pair in zip(one, other, strict=True))
    )


def _ridge(x: Floats, y: Doubles, apart: bool) -> _Line:
    one = np.hstack([x, np.ones((len(x), 1), x.dtype)]).astype(np.float64)
    mean = y.mean(0)
    scale = np.ones(y.shape[1]) if apart else y.std(0) + 1e-9
    centred = (y - mean) / scale
    values, vectors = np.linalg.eigh(one.T @ one)
    turned = one @ vectors
    aim = turned.T @ centred
    best: tuple[float, Doubles, Doubles] | None = None
    for penalty in PENALTIES:
        shrink = 1.0 / (np.maximum(values, 0.0) + penalty)
        fitted = turned @ (shrink[:, None] * aim)
        leverage = np.minimum((turned**2 * shrink).sum(1), 0.999)[:, None]
        left_out = (fitted - leverage * centred) / (1.0 - leverage)
        off = left_out - centred
        if apart:
            off -= off.mean(1, keepdims=True)
        error = float((off**2).mean())
        if best is None or error < best[0]:
            best = (error, vectors @ (shrink[:, None] * aim), left_out)
    assert best is not None
    weights = best[1] * scale
    line = Ridge(weights[:-1], weights[-1] + mean, best[2] * scale + mean)
    return _Line(max(best[0], 1e-12), line)


def neighbours(embedded: Floats, quality: Doubles) -> tuple[Floats, Floats]:
    """Of each row by its nearest others: quality, and how near the nearest is."""
    count = len(embedded)
    k = min(NEIGHBOURS, count - 1)
    prior = quality.mean(0)
    out = np.empty(quality.shape, np.float32)
    top = np.empty(count, np.float32)
    for at in range(0, count, 1024):
        similar = embedded[at : at + 1024] @ embedded.T
        rows = np.arange(len(similar))
        similar[rows, at + rows] = -2.0
        nearest = np.argpartition(similar, count - k, axis=1)[:, count - k :]
        close = np.take_along_axis(similar, nearest, 1)
        best = close.max(1, keepdims=True)
        weights = np.exp(SHARPNESS * (close - best))
        near = np.einsum("rk,rkm->rm", weights, quality[nearest]) + prior
        out[at : at + 1024] = near / (weights.sum(1, keepdims=True) + 1.0)
        top[at : at + 1024] = best[:, 0]
    return out, top


class Sparse(NamedTuple):
    """Logistic, on the words themselves: domains (softmax), then models (sigmoid).
    Domains are told by the form of a prompt, too."""

    weights: Floats
    bias: Floats
    form: Floats
    """(form, domains)."""

    def predict(self, words: Any, form: Floats, domains: int) -> tuple[Floats, Floats]:
        """Of weighted words and form: probabilities of domains, quality of models."""
        logits = np.asarray(words @ self.weights) + self.bias
        logits[:, :domains] += form @ self.form
        return softmax(logits[:, :domains]), sigmoid(logits[:, domains:])


def formed(embedded: Floats, marks: Floats) -> Floats:
    """What of a prompt tells its domain beside its words; the inputs of the ridge."""
    return np.hstack([EMBEDDING * embedded, marks])


def sparse_logistic(
    words: Any, form: Floats, domains: Floats, quality: Doubles
) -> Sparse:
    """`STEPS` steps of accelerated descent, stopped early on purpose.

    `form` as `formed`. `domains` are one-hot; each counts as much as any other, however
    few rows it has: a kind of prompts that is new is not taken for an old one. Source:
    Nesterov, A method for solving the convex programming problem with convergence rate
    O(1/k^2) (1983).
    """
    count, kinds = domains.shape
    aim = np.hstack([domains, quality]).astype(np.float32)
    back = words.T.tocsr()
    models = quality.shape[1]
    curve = _curvature(words, back)
    even = evened(domains)
    chance = (even * domains).mean(0)
    most = 1.0 / float((chance * (1.0 - chance)).max() + 1e-6)
    fast = min(_DOMAIN_RATE, most)
    rate = np.float32(1.0 / curve) * _each(fast, kinds, _QUALITY_RATE, models)
    widest = float(np.linalg.eigvalsh(form.T @ form / count)[-1]) + 1e-9
    form_rate = np.float32(min(_FORM_RATE, most) / widest)
    decay = _each(_DOMAIN_DECAY, kinds, _QUALITY_DECAY, models)
    means = np.clip(quality.mean(0), 0.01, 0.99)
    bias = np.concatenate(
        [np.log(chance + 1e-6), np.log(means / (1.0 - means))]
    ).astype(np.float32)
    weights = np.zeros((words.shape[1], aim.shape[1]), np.float32)
    shape = np.zeros((form.shape[1], kinds), np.float32)
    ahead, shape_ahead, momentum = weights, shape, 1.0
    for _ in range(STEPS):
        logits = np.asarray(words @ ahead) + bias
        logits[:, :kinds] += form @ shape_ahead
        off = np.hstack([softmax(logits[:, :kinds]), sigmoid(logits[:, kinds:])]) - aim
        off[:, :kinds] *= even
        slope = np.asarray(back @ (off / count)) + decay * ahead
        stepped = ahead - rate * slope
        after = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        on = np.float32((momentum - 1.0) / after)
        ahead = stepped + on * (stepped - weights)
        turned = shape_ahead - form_rate * (form.T @ (off[:, :kinds] / count))
        shape_ahead = turned + on * (turned - shape)
        weights, shape, momentum = stepped, turned, after
    return Sparse(weights, bias, shape)


def evened(domains: Floats) -> Floats:
    """(rows, 1): weights of mean 1 by which all domains weigh the same; a row at most
    `MOST_WEIGHT` times the mean."""
    size = np.maximum(domains.sum(0), 1.0)
    each = np.minimum(size.mean() / size, MOST_WEIGHT)[domains.argmax(1), None]
    out: Floats = (each / each.mean()).astype(np.float32)
    return out


def left_out_logistic(
    words: Any, form: Floats, domains: Floats, quality: Doubles, seed: int
) -> tuple[Floats, Floats]:
    """Of each row by a `sparse_logistic` of the other folds."""
    count, kinds = domains.shape
    probable = np.zeros(domains.shape, np.float32)
    good = np.zeros(quality.shape, np.float32)
    fold = np.random.default_rng(seed).permutation(count) % FOLDS
    for k in range(FOLDS):
        rest, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        fitted = sparse_logistic(words[rest], form[rest], domains[rest], quality[rest])
        probable[held], good[held] = fitted.predict(words[held], form[held], kinds)
    return probable, good


def domain_means(domains: Floats, values: Doubles) -> Doubles:
    """(domains, models): mean of `values` in each, pulled to the mean of all."""
    size = domains.sum(0)[:, None].astype(np.float64)
    total = domains.T.astype(np.float64) @ values
    means: Doubles = (total + PSEUDO * values.mean(0)) / (size + PSEUDO)
    return means


def left_out_means(
    domains: Floats, probable: Floats, values: Doubles, seed: int
) -> Doubles:
    """What `domain_means` of the other folds say of rows of `probable` domains.

    Not of all other rows: how a mean without one row differs from its neighbours'
    would tell that row's value, and trees would learn to read it.
    """
    fold = np.random.default_rng(seed).permutation(len(values)) % FOLDS
    out = np.empty(values.shape)
    for k in range(FOLDS):
        held = fold == k
        out[held] = probable[held] @ domain_means(domains[~held], values[~held])
    return out


def softmax(x: Floats) -> Floats:
    """Along the last axis."""
    raised = np.exp(x - x.max(1, keepdims=True))
    share: Floats = raised / raised.sum(1, keepdims=True)
    return share


def sigmoid(x: Floats) -> Floats:
    """Of each."""
    odds = np.exp(np.clip(x, -30.0, 30.0)).astype(np.float32)
    share: Floats = odds / (np.float32(1.0) + odds)
    return share


def _each(first: float, count: int, second: float, others: int) -> Floats:
    out: Floats = np.repeat(np.array([first, second], np.float32), [count, others])
    return out


def _curvature(words: Any, back: Any) -> float:
    """The largest eigenvalue of the words' second moments, by power iteration."""
    probe = np.full(words.shape[1], 1.0, np.float32)
    for _ in range(8):
        probe /= np.sqrt(probe @ probe)
        probe = np.asarray(back @ (words @ probe)) / words.shape[0]
    return float(np.sqrt(probe @ probe)) + 1e-9
