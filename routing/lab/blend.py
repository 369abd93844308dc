"""How much of each head, and what its sum means as a probability."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

Doubles = npt.NDArray[np.float64]

_PULL: Final = 0.02
"""Towards equal shares, in rows."""
_NEWTON: Final = 30
_STRIDE: Final = 0.5
"""Longest step: Newton's own leap where probabilities are near 0 or 1."""
_FIRM: Final = 20.0
"""How firmly slopes are held to 1, and shifts, less so, to 0."""


def shares(heads: dict[str, Doubles], quality: Doubles) -> dict[str, float]:
    """Non-negative shares, of sum 1, that fit what models differ by.

    Only differences between models decide a route; how hard a prompt is for all of
    them is left to the calibration.
    """
    own = [(head - head.mean(1, keepdims=True)).ravel() for head in heads.values()]
    aim = (quality - quality.mean(1, keepdims=True)).ravel()
    x = np.stack(own, axis=1)
    gram, moment = x.T @ x, x.T @ aim
    firm = _PULL * np.trace(gram) / len(own)
    gram += firm * np.eye(len(own))
    moment += firm / len(own)
    lower = np.linalg.cholesky(gram)
    found, _ = nnls(lower.T, np.linalg.solve(lower, moment))
    total = found.sum() or 1.0
    return dict(zip(heads, (found / total).tolist(), strict=True))


def mixed(heads: dict[str, Doubles], share: dict[str, float]) -> Doubles:
    """The heads' sum by shares."""
    first = next(iter(heads.values()))
    return sum((share[n] * h for n, h in heads.items()), np.zeros_like(first))


def calibration(predicted: Doubles, quality: Doubles) -> Doubles:
    """(2, models): slope and shift on the logit. One slope for all, by Newton's steps
    on the log loss, and a shift for each model.

    Source: Platt, Probabilistic outputs for support vector machines (1999).
    """
    x = logit(predicted)
    models = x.shape[1]
    slope, shift = 1.0, np.zeros(models)
    for _ in range(_NEWTON):
        p = 1.0 / (1.0 + np.exp(-np.clip(slope * x + shift, -30.0, 30.0)))
        off, weight = p - quality, p * (1.0 - p) + 1e-9
        # The system is an arrow: one slope, a diagonal of shifts.
        corner = (weight * x * x).sum() + _FIRM
        edge, diagonal = (weight * x).sum(0), weight.sum(0) + _FIRM * 0.05
        low = off.sum(0) + _FIRM * 0.05 * shift
        top = (off * x).sum() + _FIRM * (slope - 1.0)
        step = (top - (edge * low / diagonal).sum()) / (
            corner - (edge**2 / diagonal).sum()
        )
        shift -= np.clip((low - edge * step) / diagonal, -_STRIDE, _STRIDE)
        slope -= float(np.clip(step, -_STRIDE, _STRIDE))
    return np.stack([np.full(models, slope), shift])


def calibrated(predicted: Doubles, curve: Doubles) -> Doubles:
    """Probabilities."""
    p: Doubles = 1.0 / (1.0 + np.exp(-(curve[0] * logit(predicted) + curve[1])))
    return p


def logit(p: Doubles) -> Doubles:
    """Of what is held inside (0, 1)."""
    inside = np.clip(p, 1e-3, 1.0 - 1e-3)
    return np.log(inside / (1.0 - inside))


def sober_curve(said: Doubles, quality: Doubles, slope: float) -> Doubles:
    """(2 + models,) for `sober`: how much of what is said of all models together
    holds, `slope` for what they differ by, and each one's shift; by the log loss."""
    x = logit(said)
    common = np.repeat(x.mean(1, keepdims=True), x.shape[1], 1)
    offset = slope * (x - common)
    level, shift = 0.5, np.zeros(x.shape[1])
    for _ in range(_NEWTON):
        p = 1.0 / (1.0 + np.exp(-np.clip(level * common + offset + shift, -30, 30)))
        off, weight = p - quality, p * (1.0 - p) + 1e-9
        corner = (weight * common * common).sum() + _FIRM
        edge, diagonal = (weight * common).sum(0), weight.sum(0) + 1e-3
        low, top = off.sum(0), (off * common).sum() + _FIRM * level
        step = (top - (edge * low / diagonal).sum()) / (
            corner - (edge**2 / diagonal).sum()
        )
        shift -= np.clip((low - edge * step) / diagonal, -_STRIDE, _STRIDE)
        level -= float(np.clip(step, -_STRIDE, _STRIDE))
    return np.concatenate([[level, slope], shift])


def sober(said: Doubles, curve: Doubles) -> Doubles:
    """What is left of what was said, of prompts of an unknown kind."""
    x = logit(said)
    common = x.mean(1, keepdims=True)
    odds = curve[0] * common + curve[1] * (x - common) + curve[2:]
    p: Doubles = 1.0 / (1.0 + np.exp(-odds))
    return p
