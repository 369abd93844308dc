"""How good predictions are, apart from what is done with them."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS: Final = 15


def ece(predicted: Floats, true: Floats) -> float:
    """Expected calibration error, over all models, of `BINS` equal bins."""
    p, y = np.clip(predicted.ravel(), 0.0, 1.0), true.ravel()
    bins = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    off = np.bincount(bins, p, BINS) - np.bincount(bins, y, BINS)
    return float(np.abs(off).sum() / len(p))


def auc(predicted: Floats, true: Floats) -> float:
    """Mean over models: how often a right answer was rated above a wrong one."""
    found = []
    for j in range(true.shape[1]):
        right = true[:, j] > 0.5
        good, bad = int(right.sum()), int((~right).sum())
        if good and bad:
            total = ranks(predicted[:, j])[right].sum()
            found.append((total - good * (good + 1) / 2) / (good * bad))
    return float(np.mean(found)) if found else float("nan")


def ranks(values: Floats) -> Floats:
    """From 1; equals share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    middle: Floats = ends - (count - 1) / 2.0
    return middle[place]


def recovered(score: Floats, weak: Floats, strong: Floats, bins: int = 10) -> Floats:
    """(bins + 1, 2): share of strong calls and mean quality, by quantiles of `score`.

    Source: RouteLLM (Ong et al., 2024), section on metrics; thresholds are deciles.
    """
    cuts = np.quantile(score, np.linspace(0.0, 1.0, bins + 1))
    out = np.empty((bins + 1, 2))
    for i, cut in enumerate(cuts):
        sent = score > cut if i == bins else score >= cut
        out[i] = sent.mean(), np.where(sent, strong, weak).mean()
    return out[np.argsort(out[:, 0], kind="stable")]


def apgr(curve: Floats, weak: float, strong: float) -> float:
    """Average performance gap recovered: 0 always weak, 1 always strong, 1/2 chance."""
    x, y = curve[:, 0], curve[:, 1]
    width = x[-1] - x[0]
    area = float(np.trapezoid(y, x))
    return float((area - weak * width) / ((strong - weak) * width))


def calls_for(curve: Floats, weak: float, strong: float, share: float) -> float:
    """CPT: share of strong calls that recovers `share` of the gap."""
    rising = np.maximum.accumulate(curve[:, 1])
    return float(np.interp(weak + share * (strong - weak), rising, curve[:, 0]))
