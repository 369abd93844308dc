"""How the heads of `routing.learned.kinds` are trained."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from routing.learned import kinds

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Arrays = dict[str, Floats]

FOLDS: Final = 3
_FOURIER: Final = 192
_HIDDEN: Final = 48
_EPOCHS: Final = 12
_BATCH: Final = 128
_PACE: Final = 2e-3
_DECAY: Final = 1.0
_TRAITS: Final = 4
_STEPS: Final = 60
_EVEN: Final = 4.0
"""Games, won and lost alike, that ratings begin with."""


class Data(NamedTuple):
    """What heads learn from."""

    x: Floats
    domains: Floats
    """(rows, domains), probabilities."""
    quality: Doubles

    def take(self, rows: Ints) -> "Data":
        return Data(self.x[rows], self.domains[rows], self.quality[rows])


def svm(data: Data, seed: int) -> Arrays:
    """Squared hinge loss; a score between 0 and 1 counts for both sides."""
    rng = np.random.default_rng(seed)
    width = float(np.median(np.sqrt((data.x**2).sum(1)))) + 1e-6
    shape = (data.x.shape[1], _FOURIER)
    frequencies = (rng.standard_normal(shape) / width).astype(np.float32)
    phases = rng.uniform(0.0, 2.0 * np.pi, _FOURIER).astype(np.float32)
    waves = np.cos(data.x @ frequencies + phases)

    def slope(margin: Floats) -> Floats:
        good = data.quality.astype(np.float32)
        up = np.maximum(1.0 - margin, 0.0)
        down = np.maximum(1.0 + margin, 0.0)
        pull: Floats = (1.0 - good) * down - good * up
        return pull

    weights, bias = _descend(waves, slope, data.quality.shape[1], 1e-3)
    return {
        "svm_frequencies": frequencies,
        "svm_phases": phases,
        "svm_weights": weights,
        "svm_bias": bias,
    }


def hybrid(data: Data, seed: int) -> Arrays:
    """Logistic, on whether a model did no worse than the best single one."""
    best = int(data.quality.mean(0).argmax())
    level = (data.quality >= data.quality[:, [best]]).astype(np.float32)

    def slope(margin: Floats) -> Floats:
        return kinds.sigmoid(margin) - level

    scale = 1.0 / (np.sqrt((data.x**2).mean(0)) + 1e-3)
    weights, bias = _descend(data.x * scale, slope, level.shape[1], 3e-2)
    return {"hybrid_weights": weights * scale[:, None], "hybrid_bias": bias}


def mlp(data: Data, seed: int) -> Arrays:
    """Adam on the log loss, with weights that decay.

    Source: Kingma and Ba, Adam (2015); Loshchilov and Hutter, Decoupled weight decay
    regularization (2019).
    """
    rng = np.random.default_rng(seed)
    inputs, models = data.x.shape[1], data.quality.shape[1]
    spread = np.sqrt((data.x**2).mean(0)) + 1e-3
    x, y = data.x / spread, data.quality.astype(np.float32)
    mean = np.clip(y.mean(0), 0.02, 0.98)
    parts = [
        rng.standard_normal((inputs, _HIDDEN)) * (1.0 / inputs) ** 0.5,
        np.zeros(_HIDDEN),
        np.zeros((_HIDDEN, models)),
        np.log(mean / (1.0 - mean)),
    ]
    weights = [part.astype(np.float32) for part in parts]
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    step = 0
    for _ in range(_EPOCHS):
        order = rng.permutation(len(x))
        for at in range(0, len(x), _BATCH):
            rows = order[at : at + _BATCH]
            step += 1
            slopes = _backward(weights, x[rows], y[rows])
            for i, slope in enumerate(slopes):
                first[i] += 0.1 * (slope - first[i])
                second[i] += 0.001 * (slope * slope - second[i])
                scale = np.sqrt(second[i] / (1.0 - 0.999**step)) + 1e-8
                weights[i] -= _PACE * first[i] / (1.0 - 0.9**step) / scale
                if weights[i].ndim == 2:
                    weights[i] *= 1.0 - _PACE * _DECAY
    return {
        "mlp_first": weights[0] / spread[:, None].astype(np.float32),
        "mlp_first_bias": weights[1],
        "mlp_second": weights[2],
        "mlp_second_bias": weights[3],
    }


def _backward(weights: list[Floats], x: Floats, y: Floats) -> list[Floats]:
    hidden = np.maximum(x @ weights[0] + weights[1], 0.0)
    off = (kinds.sigmoid(hidden @ weights[2] + weights[3]) - y) / len(x)
    back = (off @ weights[2].T) * (hidden > 0.0)
    return [x.T @ back, back.sum(0), hidden.T @ off, off.sum(0)]


def mf(data: Data, seed: int) -> Arrays:
    """Least squares of reduced rank: ridge, then the leading traits of what it fits.

    Source: Izenman, Reduced-rank regression for the multivariate linear model (1975).
    """
    mean = data.quality.mean(0)
    middle = data.x.mean(0).astype(np.float64)
    x, y = data.x - middle, data.quality - mean
    gram = x.T @ x + 300.0 * np.eye(x.shape[1])
    line = np.linalg.solve(gram, x.T @ y)
    traits = np.linalg.svd(x @ line, full_matrices=False)[2][:_TRAITS]
    return {
        "mf_asked": (line @ traits.T).astype(np.float32),
        "mf_had": traits.astype(np.float32),
        "mf_bias": (mean - middle @ line @ traits.T @ traits).astype(np.float32),
    }


def ratings(data: Data, seed: int) -> Arrays:
    """Ratings by maximum likelihood, of every pair of models on every prompt.

    Source: Hunter, MM algorithms for generalized Bradley-Terry models (2004).
    """
    share = data.domains.sum(0)
    models = data.quality.shape[1]
    better = np.zeros((len(share), models, models))
    for j in range(models):
        gain = np.sign(data.quality[:, [j]] - data.quality) / 2.0 + 0.5
        better[:, j] = data.domains.T @ gain
    better += _EVEN * better.sum(0) / max(share.sum(), 1.0)
    games = better + better.transpose(0, 2, 1)
    strength = np.ones((len(share), models))
    for _ in range(40):
        sums = strength[:, :, None] + strength[:, None, :]
        strength = better.sum(2) / (games / sums).sum(2)
        strength /= np.exp(np.log(strength).mean(1, keepdims=True))
    return {"ratings": np.log(strength).astype(np.float32)}


TRAINERS: Final[dict[str, Callable[[Data, int], Arrays]]] = {
    "svm": svm,
    "mlp": mlp,
    "mf": mf,
    "ratings": ratings,
    "hybrid": hybrid,
}


def train(data: Data, seed: int) -> tuple[Arrays, dict[str, Doubles]]:
    """Arrays of all, and predictions of each row by the other folds."""
    arrays: Arrays = {}
    left_out: dict[str, Doubles] = {}
    fold = np.random.default_rng(seed).permutation(len(data.x)) % FOLDS
    for name, trainer in TRAINERS.items():
        arrays |= trainer(data, seed)
        out = np.empty(data.quality.shape)
        for k in range(FOLDS):
            held = np.flatnonzero(fold == k)
            made = trainer(data.take(np.flatnonzero(fold != k)), seed)
            out[held] = _said(name, made, data.take(held))
        left_out[name] = out
    return arrays, left_out


def _said(name: str, arrays: Arrays, data: Data) -> Floats:
    def get(key: str, *shape: int) -> Floats:
        return arrays[key]

    sizes = data.x.shape[1], data.domains.shape[1], data.quality.shape[1]
    return kinds.KINDS[name](get, *sizes)(data.x, data.domains)


def _descend(
    x: Floats, slope: Callable[[Floats], Floats], models: int, decay: float
) -> tuple[Floats, Floats]:
    """Weights and bias, by `_STEPS` accelerated steps down the mean of `slope`."""
    one = np.hstack([x, np.ones((len(x), 1), np.float32)])
    rng = np.random.default_rng(0)
    probe = rng.standard_normal(one.shape[1]).astype(np.float32)
    for _ in range(8):  # the largest curvature, by power iteration
        probe = one.T @ (one @ (probe / np.sqrt(probe @ probe)))
    rate = np.float32(len(one) / np.sqrt(probe @ probe))
    weights = np.zeros((one.shape[1], models), np.float32)
    ahead, momentum = weights, 1.0
    for _ in range(_STEPS):
        down = one.T @ slope(one @ ahead) / len(one) + np.float32(decay) * ahead
        stepped = ahead - rate * down
        after = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        ahead = stepped + np.float32((momentum - 1.0) / after) * (stepped - weights)
        weights, momentum = stepped, after
    return weights[:-1], weights[-1]
