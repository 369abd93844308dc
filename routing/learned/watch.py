"""Whether a version does what it was put in for: quality, errors and cost, live.

Every worker watches the decisions it made; what they saw adds up (`join`), over a
restart too. Older outcomes weigh less.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from routing.contract import Outcome
from routing.learned.registry import Expected

SIGMAS: Final = 3.0
"""It is looked at all the time: chance alone must not take a version out."""
MEMORY: Final = 10_000
"""Decisions whose outcome is waited for."""
FADE: Final = 400.0
"""Outcomes from which on older ones lose weight."""
KEYS: Final = 64
"""Whose scores are told apart; of more the quietest are forgotten."""
_COIN: Final = 0.25
"""Variance of a fair coin: the most that a number from 0 to 1 has."""

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]


class Band(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far live figures may be from those a version was put in with."""

    quality: Share = 0.1
    """Points of mean quality that it may fall short by."""
    errors: Share = 0.2
    """Share of its choices that may fail."""
    cost: Positive = 0.5
    """Share that a call may cost more."""
    least: Annotated[int, Meta(ge=2)] = 30
    """Outcomes without which nothing is concluded."""


class Sum(msgspec.Struct):
    """Of weighted numbers."""

    weight: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        self.weight += weight
        self.total += weight * value
        self.squares += weight * value * value

    def plus(self, other: "Sum") -> "Sum":
        return Sum(
            self.weight + other.weight,
            self.total + other.total,
            self.squares + other.squares,
        )

    def faded(self) -> "Sum":
        share = min(1.0, FADE / self.weight) if self.weight else 1.0
        return Sum(share * self.weight, share * self.total, share * self.squares)

    @property
    def mean(self) -> float:
        return self.total / self.weight if self.weight else math.nan

    def error(self, least: float = 0.0) -> float:
        """Standard error of the mean. `least` is the variance that one number has, so
        that few that are alike do not seem certain."""
        if self.weight <= 1.0:
            return math.inf
        spread = max(self.squares / self.weight - self.mean**2, 0.0)
        return math.sqrt((spread + least / self.weight) / self.weight)


class Seen(msgspec.Struct):
    """What came of a version's decisions."""

    version: str = ""
    quality: Sum = msgspec.field(default_factory=Sum)
    failed: Sum = msgspec.field(default_factory=Sum)
    cost: Sum = msgspec.field(default_factory=Sum)
    by_key: dict[str, Sum] = {}
    """Quality, by the key that asked."""

    def plus(self, other: "Seen") -> "Seen":
        keys = {
            key: self.by_key.get(key, Sum()).plus(other.by_key.get(key, Sum())).faded()
            for key in self.by_key | other.by_key
        }
        loudest = sorted(keys, key=lambda key: (-keys[key].weight, key))[:KEYS]
        return Seen(
            self.version,
            self.quality.plus(other.quality).faded(),
            self.failed.plus(other.failed).faded(),
            self.cost.plus(other.cost).faded(),
            {key: keys[key] for key in loudest},
        )

    def alone(self, lowest: float, least: float) -> bool:
        """Whether one key alone finds the quality under `lowest`: all others together,
        whose scores weigh `least`, do not."""
        weight = sum(one.weight for one in self.by_key.values())
        total = sum(one.total for one in self.by_key.values())
        return any(
            weight - own.weight >= least
            and total - own.total >= lowest * (weight - own.weight)
            for own in self.by_key.values()
        )


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Seen).decode


class Watch:
    """Of the version that serves now; holds for one strategy."""

    def __init__(self, band: Band) -> None:
        self._band = band
        self._expected: Expected | None = None
        self._known, self._news = Seen(), Seen()
        self._chosen: OrderedDict[str, Mapping[str, float]] = OrderedDict()

    def begin(self, version: str, expected: Expected | None) -> None:
        """Another version serves; the one before is forgotten."""
        self._known, self._news = Seen(version), Seen(version)
        self._expected = expected
        self._chosen.clear()

    @property
    def watches(self) -> bool:
        """Whether anything was promised of the version, by which it can be at fault."""
        return self._expected is not None

    def chose(self, id: str, scales: Mapping[str, float]) -> None:
        """The version put this one first for the exchange, or a cascade of these. By
        its scale a candidate's price is another than the one it was learned with: that
        is no fault of the version."""
        if self._expected is None or not id:
            return
        self._chosen.setdefault(id, scales)
        while len(self._chosen) > MEMORY:
            self._chosen.popitem(last=False)

    def learn(self, outcome: Outcome) -> None:
        """Take note of an attempt, or of a score, of a decision that was its own."""
        scale = self._chosen.get(outcome.query.id, {}).get(outcome.candidate)
        if scale is None:
            return
        news = self._news
        if outcome.quality is not None:
            if outcome.weight > 0.0:
                news.quality.add(outcome.quality, outcome.weight)
                own = news.by_key.setdefault(outcome.query.key, Sum())
                own.add(outcome.quality, outcome.weight)
            return
        news.failed.add(0.0 if outcome.ok else 1.0)
        if outcome.ok and outcome.cost is not None:
            news.cost.add(outcome.cost / (scale or 1.0))

    @property
    def fresh(self) -> bool:
        """Whether something was seen since the last `join`."""
        return self._news != Seen(self._news.version)

    def join(self, theirs: bytes | None, age_s: float) -> bytes:
        """As `routing.contract.Notes`; what others saw of another version is dropped.

        Raises:
            ValueError: it is not what this keeps.
        """
        del age_s
        try:
            kept = Seen() if theirs is None else _decode(theirs)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not what a watch keeps: {error}") from None
        version = self._news.version
        before = kept if kept.version == version else Seen(version)
        self._known = before.plus(self._news)
        self._news = Seen(version)
        return _encode(self._known)

    def seen(self) -> Seen:
        """All that is known here."""
        return self._known.plus(self._news)

    def fault(self) -> str:
        """Why the version must not go on; empty: it may."""
        expected, band = self._expected, self._band
        if expected is None:
            return ""
        seen = self.seen()
        quality, failed, cost = seen.quality, seen.failed, seen.cost
        lowest = expected.quality - band.quality
        if (
            quality.weight >= band.least
            and quality.mean + SIGMAS * quality.error(_COIN) < lowest
            and not seen.alone(lowest, band.least)
        ):
            return (
                f"quality {quality.mean:.3f} of {quality.weight:.0f} scores, when"
                f" {expected.quality:.3f} was expected"
            )
        if (
            failed.weight >= band.least
            and failed.mean - SIGMAS * failed.error(_COIN) > band.errors
        ):
            return f"{failed.mean:.0%} of {failed.weight:.0f} choices failed"
        highest = (1.0 + band.cost) * expected.cost
        if cost.weight >= band.least and cost.mean - SIGMAS * cost.error() > highest:
            return (
                f"${cost.mean:.6f} a call over {cost.weight:.0f} calls, when"
                f" ${expected.cost:.6f} was expected"
            )
        return ""
