"""Sums that fade with time, and that several processes add to."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

DAY_S: Final = 86_400.0
FAR: Final = 1e100
"""Where the unit begins anew, long before numbers overflow."""

Sums = dict[str, tuple[float, ...]]
State = dict[str, dict[str, list[float]]]

_decode = msgspec.json.Decoder(State).decode
_encode = msgspec.json.Encoder().encode


class Tally:
    """Names -> sums of `width` numbers each; the least lately touched names go when
    there are more than `most`.

    A sum fades to its share `keep` in a day. So that nothing has to be touched for
    this, sums are kept in a unit that grows instead.
    """

    def __init__(
        self, width: int, *, keep: float, most: int, clock: Callable[[], float]
    ) -> None:
        self.width = width
        self.fresh = False
        """Something was added, or forgotten, since the last `join`."""
        self._keep = keep
        self._most = most
        self._clock = clock
        self._began = clock()
        self._sums: Sums = {}
        self._base: Sums = {}
        """The sums after the last `join`: what is more is news."""
        self._theirs: Sums = {}
        """What others had then."""
        self.joins = 0
        self._gone: set[str] = set()
        """Forgotten since the last `join`."""
        self._went: set[str] = set()
        """Forgotten with it."""

    def get(self, name: str) -> tuple[float, ...]:
        """Its sums as of now; zeros for what is not known."""
        found = self._sums.get(name)
        if found is None:
            return (0.0,) * self.width
        unit = self._unit()
        return tuple(v / unit for v in found)

    def add(self, name: str, amounts: Sequence[float]) -> None:
        """Finite numbers, `width` of them."""
        unit = self._unit()
        before = self._sums.pop(name, None)
        if before is None:
            self._sums[name] = tuple(a * unit for a in amounts)
        else:
            both = zip(before, amounts, strict=True)
            self._sums[name] = tuple(b + a * unit for b, a in both)
        self.fresh = True
        _shorten(self._sums, self._most)

    def forget(self, name: str) -> bool:
        """Drop a name here, and with the next `join` everywhere; whether it was known
        here."""
        self._gone.add(name)
        for known in (self._base, self._theirs):
            known.pop(name, None)
        self.fresh = True
        return self._sums.pop(name, None) is not None

    def items(self) -> Iterator[tuple[str, tuple[float, ...]]]:
        """The latest last."""
        unit = self._unit()
        for name, sums in self._sums.items():
            yield name, tuple(v / unit for v in sums)

    def join(
        self, theirs: Mapping[str, Sequence[float]], age_s: float
    ) -> dict[str, list[float]]:
        """What others had `age_s` seconds ago, with what was added here since the last
        `join`: known here from now on, and for others to join.

        Raises:
            ValueError: not sums of this width.
        """
        for name, values in theirs.items():
            if len(values) != self.width or not all(map(math.isfinite, values)):
                raise ValueError(f"{name!r} has not {self.width} finite sums")
        unit = self._unit()
        old = unit * math.pow(self._keep, max(age_s, 0.0) / DAY_S)
        joined: Sums = {
            name: tuple(v * old for v in values)
            for name, values in theirs.items()
            if name not in self._gone
        }
        self._theirs = dict(joined)
        for name, ours in self._sums.items():
            before = self._base.get(name, (0.0,) * self.width)
            news = [a - b for a, b in zip(ours, before, strict=True)]
            if any(news):
                there = joined.pop(name, (0.0,) * self.width)
                joined[name] = tuple(a + b for a, b in zip(there, news, strict=True))
        _shorten(joined, self._most)
        self._sums, self._base = joined, dict(joined)
        self._gone, self._went = set(), self._gone
        self.joins += 1
        self.fresh = False
        return {name: [v / unit for v in sums] for name, sums in joined.items()}

    def unwritten(self) -> None:
        """What `join` gave last is not known to others: it is news again."""
        self._base = dict(self._theirs)
        self._gone |= self._went
        self.fresh = True

    def _unit(self) -> float:
        """What a sum of 1 that is added now counts beside the first ones."""
        unit = math.pow(self._keep, (self._began - self._clock()) / DAY_S)
        if unit > FAR:
            for sums in (self._sums, self._base, self._theirs):
                for name, values in sums.items():
                    sums[name] = tuple(v / unit for v in values)
            self._began, unit = self._clock(), 1.0
        return unit


def _shorten(sums: Sums, most: int) -> None:
    while len(sums) > most:
        del sums[next(iter(sums))]


class Notes:
    """The tallies of one strategy, as one text to be kept."""

    def __init__(self, **tallies: Tally) -> None:
        self._tallies = tallies

    @property
    def fresh(self) -> bool:
        """Whether there is something to write down."""
        return any(tally.fresh for tally in self._tallies.values())

    def join(self, theirs: bytes | None, age_s: float) -> bytes:
        """See `routing.contract.Notes`."""
        found: State = {}
        if theirs is not None:
            try:
                found = _decode(theirs)
            except msgspec.MsgspecError as error:
                raise ValueError(f"not notes: {error}") from error
        for name, tally in self._tallies.items():
            for key, values in found.get(name, {}).items():
                if len(values) != tally.width:
                    raise ValueError(f"{key!r} of {name} has {len(values)} sums")
        return _encode(
            {n: t.join(found.get(n, {}), age_s) for n, t in self._tallies.items()}
        )

    def unwritten(self) -> None:
        """See `routing.contract.Notes`."""
        for tally in self._tallies.values():
            tally.unwritten()
