"""The strategies of a configuration, made when they are asked for."""

import time
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import msgspec

from routing.contract import Learner, Options, Setting, Strategy
from routing.strategies.table import kind


def seeded() -> Random:
    """The randomness of strategies: seeded by time, never for secrets."""
    return Random(time.time_ns())  # noqa: S311


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy as it is configured."""

    kind: str
    options: Mapping[str, Any] = {}


class BadStrategy(Exception):
    """A strategy cannot be made as it is configured."""

    def __init__(self, name: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.field = field
        """The option that is wrong; empty: the strategy as a whole."""


class Book:
    """Names -> strategies. A kind's own name stands for it without options."""

    def __init__(
        self,
        specs: Mapping[str, Spec],
        rng: Random,
        clock: Callable[[], float],
    ) -> None:
        self._specs = specs
        self._rng = rng
        self._clock = clock
        self._made: dict[str, Strategy] = {}
        self._making: list[str] = []
        self._uses: dict[str, list[str]] = {}
        """Name -> whom it was made with."""
        self._learners: dict[str, tuple[Learner, ...]] = {}

    def get(self, name: str) -> Strategy:
        """The strategy of that name; always the same object.

        Raises:
            LookupError: there is none, or it leads back to itself.
            BadStrategy: it cannot be made.
        """
        if self._making:
            self._uses.setdefault(self._making[-1], []).append(name)
        found = self._made.get(name)
        if found is not None:
            return found
        if name in self._making:
            way = " -> ".join([*self._making, name])
            raise LookupError(f"the strategies go round in a circle: {way}")
        self._making.append(name)
        try:
            made = self._make(name, self._specs.get(name) or Spec(kind=name))
        finally:
            self._making.pop()
        self._made[name] = made
        return made

    def _make(self, name: str, spec: Spec) -> Strategy:
        cls = kind(spec.kind)
        options = converted(name, spec, cls.options)
        setting = Setting(rng=self._rng, clock=self._clock, named=self.get)
        try:
            return cls(name, options, setting)
        except ValueError as error:
            raise BadStrategy(name, str(error)) from error

    def within(self, name: str) -> tuple[Strategy, ...]:
        """The strategy of that name, and all that it asks in its turn.

        Raises: as `get`.
        """
        found = {name: self.get(name)}
        for one in (names := [name]):
            for other in self._uses.get(one, ()):
                if other not in found:
                    found[other] = self.get(other)
                    names.append(other)
        return tuple(found.values())

    def learners(self, name: str) -> tuple[Learner, ...]:
        """Who learns where a strategy decides.

        Raises: as `get`.
        """
        found = self._learners.get(name)
        if found is None:
            found = tuple(s for s in self.within(name) if isinstance(s, Learner))
            self._learners[name] = found
        return found

    def names(self) -> list[str]:
        """Of all that are configured, and all that were asked for."""
        return sorted({*self._specs, *self._made})

    def kind(self, name: str) -> str:
        """Of the strategy of that name."""
        spec = self._specs.get(name)
        return spec.kind if spec is not None else name

    def ready(self) -> None:
        """Make all that are configured, while nobody waits: some read files.

        Raises: as `get`.
        """
        for name in self._specs:
            self.get(name)

    def made(self) -> Iterator[Strategy]:
        """Those that have been asked for."""
        yield from self._made.values()


def converted(name: str, spec: Spec, options: type[Options]) -> Options:
    """The options of a strategy.

    Raises:
        BadStrategy: they do not fit; with the field where that is known.
    """
    fields = {f.encode_name: f for f in msgspec.structs.fields(options)}
    for key in spec.options:
        if key not in fields:
            known = ", ".join(fields) or "none"
            message = f"{spec.kind} has no option {key!r}; its options: {known}"
            raise BadStrategy(name, message, key)
    for key, value in spec.options.items():
        try:
            msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            raise BadStrategy(name, _told(error), key) from error
    try:
        return msgspec.convert(dict(spec.options), options)
    except msgspec.ValidationError as error:
        raise BadStrategy(name, _told(error)) from error


def _told(error: msgspec.ValidationError) -> str:
    """msgspec's words, without its `$` for where."""
    return str(error).replace(" - at `$`", "").replace("`$.", "`").replace("`$[", "`[")
