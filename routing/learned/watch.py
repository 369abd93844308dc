"""Whether a version does what it was put in for: quality, errors and cost, live.

Every worker watches the decisions it made; what they saw adds up (`join`), over a
restart too. Older outcomes weigh less. An exchange is one decision, however many calls
its answer took: it costs what all of them cost.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from routing.contract import Outcome
from routing.learned.registry import Expected

ALONE: Final = "alone"
CASCADES: Final = "cascades"
"""Ways to decide: among models that are asked alone; or among cascades of them too.
Each was judged, and is watched, for itself."""
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
    """Share of its choices that may fail; a cascade does where any call of it fails."""
    cost: Positive = 0.5
    """Share that an answer may cost more."""
    least: Annotated[int, Meta(ge=2)] = 30
    """Outcomes without which nothing is concluded."""


class Choice(NamedTuple):
    """What a version decided for an exchange."""

    scales: Mapping[str, float]
    """Who was put first, or all whom the cascade may ask -> the price, as a share of
    the one that was learned: another price is no fault of the version."""
    way: str = ALONE


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


class Tally(msgspec.Struct):
    """What came of decisions of one way."""

    quality: Sum = msgspec.field(default_factory=Sum)
    failed: Sum = msgspec.field(default_factory=Sum)
    cost: Sum = msgspec.field(default_factory=Sum)
    by_key: dict[str, Sum] = {}
    """Quality, by the key that asked."""

    def plus(self, other: "Tally") -> "Tally":
        keys = {
            key: self.by_key.get(key, Sum()).plus(other.by_key.get(key, Sum())).faded()
            for key in self.by_key | other.by_key
        }
        loudest = sorted(keys, key=lambda key: (-keys[key].weight, key))[:KEYS]
        return Tally(
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

    def fault(self, expected: Expected, band: Band) -> str:
        """Why it is out of the band around what was expected; empty: it is not."""
        quality, failed, cost = self.quality, self.failed, self.cost
        lowest = expected.quality - band.quality
        if (
            quality.weight >= band.least
            and quality.mean + SIGMAS * quality.error(_COIN) < lowest
            and not self.alone(lowest, band.least)
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
                f"${cost.mean:.6f} an answer over {cost.weight:.0f} answers, when"
                f" ${expected.cost:.6f} was expected"
            )
        return ""


class Seen(msgspec.Struct):
    """What came of a version's decisions."""

    version: str = ""
    """As `Watch.begin` was told."""
    ways: dict[str, Tally] = {}

    def of(self, way: str) -> Tally:
        return self.ways.setdefault(way, Tally())

    def plus(self, other: "Seen") -> "Seen":
        ways = {
            way: self.ways.get(way, Tally()).plus(other.ways.get(way, Tally()))
            for way in self.ways | other.ways
        }
        return Seen(self.version, ways)

    def whole(self) -> Tally:
        """Of all ways."""
        found = Tally()
        for tally in self.ways.values():
            found = found.plus(tally)
        return found


class _Waiting:
    """A decision whose outcome is not whole."""

    __slots__ = ("answered", "asked", "choice", "failed", "spent")

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.asked: set[str] = set()
        self.failed = self.answered = False
        self.spent: float | None = 0.0
        """Dollars, at the prices that were learned; `None`: unknown."""

    def add(self, outcome: Outcome) -> None:
        """An attempt of one of those whom it chose."""
        self.asked.add(outcome.candidate)
        self.failed = self.failed or not outcome.ok
        self.answered = self.answered or outcome.ok
        if outcome.cost is None:
            self.spent = None if outcome.ok else self.spent
        elif self.spent is not None:
            scale = self.choice.scales[outcome.candidate] or 1.0
            self.spent += outcome.cost / scale

    @property
    def was_done(self) -> bool:
        """Whether what was decided is what happened. Of a cascade one alone was asked
        where somebody explored, or where time or money had run out."""
        return len(self.asked) >= min(2, len(self.choice.scales))


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Seen).decode


class Watch:
    """Of the version that serves now; holds for one strategy."""

    def __init__(self, band: Band) -> None:
        self._band = band
        self._promised: dict[str, Expected] = {}
        self._known, self._news = Seen(), Seen()
        self._written = self._known, self._news
        """Both, before the last `join`."""
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()

    def begin(
        self, version: str, expected: Expected | None, cascades: Expected | None = None
    ) -> None:
        """Another version serves (or the same again, under another name), with what was
        promised of it, also where it may choose cascades; the one before is
        forgotten."""
        self._known, self._news = Seen(version), Seen(version)
        self._written = self._known, Seen(version)
        promised = ((ALONE, expected), (CASCADES, cascades))
        self._promised = {way: said for way, said in promised if said is not None}
        self._waiting.clear()

    @property
    def watches(self) -> bool:
        """Whether anything was promised of the version, by which it can be at fault."""
        return bool(self._promised)

    def chose(self, id: str, choice: Choice) -> None:
        """The version decided so for the exchange; the first time counts."""
        if choice.way not in self._promised or not id:
            return
        self._waiting.setdefault(id, _Waiting(choice))
        while len(self._waiting) > MEMORY:
            self._waiting.popitem(last=False)

    def learn(self, outcome: Outcome) -> None:
        """Take note of an attempt, or of a score, of a decision that was its own."""
        id = outcome.query.id
        waiting = self._waiting.get(id)
        if waiting is None:
            return
        choice, own = waiting.choice, outcome.candidate in waiting.choice.scales
        tally = self._news.of(choice.way)
        if outcome.quality is not None:
            if own and outcome.weight > 0.0:
                tally.quality.add(outcome.quality, outcome.weight)
                key = tally.by_key.setdefault(outcome.query.key, Sum())
                key.add(outcome.quality, outcome.weight)
            return
        if own:
            waiting.add(outcome)
        if not outcome.last or not waiting.asked:
            return
        if not waiting.was_done:
            del self._waiting[id]
            return
        tally.failed.add(float(waiting.failed))
        if waiting.answered and waiting.spent is not None:
            tally.cost.add(waiting.spent)
        self._waiting[id] = _Waiting(choice)  # for the score

    @property
    def fresh(self) -> bool:
        """Whether something was seen since the last `join`."""
        return any(tally != Tally() for tally in self._news.ways.values())

    def join(self, theirs: bytes | None, age_s: float) -> bytes:
        """As `routing.contract.Notes`; what others saw of another version is dropped,
        also where they wrote it over what was kept of this one.

        Raises:
            ValueError: it is not what this keeps.
        """
        del age_s
        try:
            kept = Seen() if theirs is None else _decode(theirs)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not what a watch keeps: {error}") from None
        version = self._news.version
        before = kept if kept.version == version else self._known
        self._written = before, self._news
        self._known, self._news = before.plus(self._news), Seen(version)
        return _encode(self._known)

    def unwritten(self) -> None:
        """As `routing.contract.Notes`."""
        self._known, news = self._written
        self._news = news.plus(self._news)
        self._written = self._known, Seen(self._news.version)

    def seen(self) -> Seen:
        """All that is known here."""
        return self._known.plus(self._news)

    def fault(self) -> str:
        """Why the version must not go on; empty: it may."""
        if not self._promised:
            return ""
        seen = self.seen()
        for way, expected in self._promised.items():
            if why := seen.of(way).fault(expected, self._band):
                return f"with cascades: {why}" if way == CASCADES else why
        return ""
