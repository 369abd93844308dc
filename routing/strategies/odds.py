"""Who goes first, by chance."""

from collections.abc import Sequence
from random import Random


def floored(odds: Sequence[float], floor: float) -> list[float]:
    """The same odds, none of them under `floor`, or under an equal share where there
    are too many for that. They add up to 1."""
    least = min(floor, 1.0 / len(odds))
    left = 1.0 - least * len(odds)
    return [least + left * share for share in odds]


def drawn(rng: Random, odds: Sequence[float]) -> int:
    """A position, with these odds."""
    at = rng.random() * sum(odds)
    for i, share in enumerate(odds):
        at -= share
        if at < 0.0:
            return i
    return max(range(len(odds)), key=odds.__getitem__)


def shared(values: Sequence[float]) -> list[float]:
    """1 for the highest; those who are equal share it."""
    best = max(values)
    ties = values.count(best)
    return [1.0 / ties if v == best else 0.0 for v in values]
