"""Aggregates of all exchanges, made in the recorder's thread.

One lookup finds the cell of everything that shares its labels; the instruments of the
conventions are projections of cells, made when somebody reads (`families`). So an
exchange costs the same however many instruments show it.
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from gateway.telemetry import names
from gateway.telemetry.facts import Attempt, Facts

OTHER: Final = "other"
MAX_SERIES: Final = 1000
"""Cells of one kind; further label values are counted under `other`."""
MAX_COUNT: Final = 2**62
MAX_LABEL: Final = 160
"""Characters of a label value."""

SECONDS: Final = tuple(sorted({*names.DOUBLING, *names.HTTP_SECONDS}))
"""Finer than each of the instruments that share it: each bound of theirs is here."""

ExchangeKey = tuple[str, str, str, str, str, int, str]
"""Route, operation, alias, provider, model, status, error."""
AttemptKey = tuple[str, str, str, str, str, str, int, str]
"""Operation, provider, model asked, model answered, deployment, host, port, error."""


def _zeros(bounds: Sequence[float]) -> Callable[[], list[int]]:
    length = len(bounds) + 1
    return lambda: [0] * length


class ExchangeCell(msgspec.Struct, array_like=True):
    """Exchanges with the same labels. Bucket `i` counts values up to bound `i`."""

    duration: list[int] = msgspec.field(default_factory=_zeros(SECONDS))
    duration_sum: float = 0.0
    first_token: list[int] = msgspec.field(default_factory=_zeros(names.FIRST_TOKEN))
    first_token_sum: float = 0.0
    per_token: list[int] = msgspec.field(default_factory=_zeros(names.PER_TOKEN))
    per_token_sum: float = 0.0
    cost_nano: int = 0
    cost_unknown: int = 0
    retries: int = 0
    fallbacks: int = 0
    hedges: int = 0


class AttemptCell(msgspec.Struct, array_like=True):
    """Attempts with the same labels."""

    duration: list[int] = msgspec.field(default_factory=_zeros(names.DOUBLING))
    duration_sum: float = 0.0
    first_chunk: list[int] = msgspec.field(default_factory=_zeros(names.DOUBLING))
    first_chunk_sum: float = 0.0
    per_chunk: list[int] = msgspec.field(default_factory=_zeros(names.DOUBLING))
    per_chunk_sum: float = 0.0
    input: list[int] = msgspec.field(default_factory=_zeros(names.TOKENS))
    output: list[int] = msgspec.field(default_factory=_zeros(names.TOKENS))
    input_sum: int = 0
    output_sum: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio_input: int = 0
    image_input: int = 0
    audio_output: int = 0
    image_output: int = 0
    images: int = 0
    audio_ms: int = 0
    characters: int = 0
    searches: int = 0


Merge = Literal["sum", "max", "min", "mean"]
"""What the same labels of several workers become."""


class Reading(msgspec.Struct, array_like=True, frozen=True):
    """What a registered callback said."""

    name: str
    kind: Literal["counter", "gauge"]
    unit: str
    help: str
    merge: Merge
    points: list[tuple[tuple[tuple[str, str], ...], float]]


class Snapshot(msgspec.Struct, array_like=True):
    """All aggregates of one process, or of several added up."""

    started_unix_ns: int
    exchanges: list[tuple[ExchangeKey, ExchangeCell]]
    attempts: list[tuple[AttemptKey, AttemptCell]]
    readings: list[Reading] = []
    absorbed: list[str] = []
    """Names of snapshots whose numbers are in this one already."""


class _Registered(NamedTuple):
    name: str
    kind: Literal["counter", "gauge"]
    unit: str
    help: str
    merge: Merge
    read: Callable[[], Iterable[tuple[Mapping[str, str], float]]]


class Metrics:
    """The aggregates of this process: a sink of the recorder.

    `take` belongs to one thread; `snapshot` may be called from any.
    """

    def __init__(
        self, *, started_unix_ns: int = 0, max_series: int = MAX_SERIES
    ) -> None:
        self._started = started_unix_ns
        self._max = max_series
        self._exchanges: dict[ExchangeKey, ExchangeCell] = {}
        self._attempts: dict[AttemptKey, AttemptCell] = {}
        self._registered: list[_Registered] = []
        self._lock = threading.Lock()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(
            tuple[
                list[tuple[ExchangeKey, ExchangeCell]],
                list[tuple[AttemptKey, AttemptCell]],
            ]
        )
        self.read_errors = 0
        """Callbacks that raised; each was left out of that reading."""

    def register(
        self,
        name: str,
        help: str,
        read: Callable[[], Iterable[tuple[Mapping[str, str], float]]],
        *,
        kind: Literal["counter", "gauge"] = "gauge",
        unit: str = "",
        merge: Merge = "sum",
    ) -> None:
        """Ask `read` for (labels, value) pairs whenever somebody reads the metrics.

        It is called from any thread and must be quick. `merge` says what the same
        labels of several workers become.
        """
        self._registered.append(_Registered(name, kind, unit, help, merge, read))

    def take(self, batch: Sequence[Facts]) -> None:
        """Count exchanges."""
        with self._lock:
            for facts in batch:
                self._exchange(facts)
                for attempt in facts.attempts:
                    self._attempt(facts, attempt)

    def tick(self, now: float) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing waits here."""

    def snapshot(self) -> Snapshot:
        """A copy of everything, the callbacks' readings included."""
        with self._lock:
            # Encoding is the quickest deep copy there is.
            try:
                data = self._encode()
            except OverflowError:
                # Some provider's token counts had no end.
                for cell in (*self._exchanges.values(), *self._attempts.values()):
                    _clamp(cell)
                data = self._encode()
        exchanges, attempts = self._decoder.decode(data)
        return Snapshot(self._started, exchanges, attempts, self._read())

    def _encode(self) -> bytes:
        return self._encoder.encode(
            (list(self._exchanges.items()), list(self._attempts.items()))
        )

    def _exchange(self, facts: Facts) -> None:
        key: ExchangeKey = (
            facts.route,
            facts.operation,
            facts.alias if facts.known_alias else OTHER,
            facts.provider,
            facts.model,
            facts.status,
            facts.error,
        )
        cell = self._exchanges.get(key)
        if cell is None:
            cell = self._new_exchange(key)
        began, ended, first = facts.began, facts.ended, facts.first_token
        seconds = ended - began
        cell.duration[bisect_left(SECONDS, seconds)] += 1
        cell.duration_sum += seconds
        if facts.cost_nano is None:
            cell.cost_unknown += 1
        else:
            cell.cost_nano += facts.cost_nano
        if first:
            seconds = first - began
            cell.first_token[bisect_left(names.FIRST_TOKEN, seconds)] += 1
            cell.first_token_sum += seconds
            usage = facts.usage
            if facts.stream and usage is not None and usage.output > 1:
                seconds = (ended - first) / (usage.output - 1)
                cell.per_token[bisect_left(names.PER_TOKEN, seconds)] += 1
                cell.per_token_sum += seconds
        if len(facts.attempts) > 1:
            _count_tries(cell, facts.attempts)

    def _attempt(self, facts: Facts, attempt: Attempt) -> None:
        served = not attempt.error
        key: AttemptKey = (
            facts.operation,
            attempt.provider,
            attempt.model,
            facts.model if served else "",
            attempt.deployment,
            attempt.host,
            attempt.port,
            attempt.error,
        )
        cell = self._attempts.get(key)
        if cell is None:
            cell = self._new_attempt(key)
        started, first, ended = attempt.started, attempt.first_token, attempt.ended
        seconds = ended - started
        cell.duration[bisect_left(names.DOUBLING, seconds)] += 1
        cell.duration_sum += seconds
        if first and facts.stream:
            seconds = first - started
            cell.first_chunk[bisect_left(names.DOUBLING, seconds)] += 1
            cell.first_chunk_sum += seconds
            if served and facts.chunks > 1:
                seconds = (ended - first) / (facts.chunks - 1)
                cell.per_chunk[bisect_left(names.DOUBLING, seconds)] += 1
                cell.per_chunk_sum += seconds
        usage = attempt.usage
        if usage is not None:
            tokens = usage.input
            cell.input[bisect_left(names.TOKENS, tokens)] += 1
            cell.input_sum += tokens
            tokens = usage.output
            cell.output[bisect_left(names.TOKENS, tokens)] += 1
            cell.output_sum += tokens
            cell.cached += usage.cached
            cell.cache_write += usage.cache_write
            cell.reasoning += usage.reasoning
            cell.audio_input += usage.audio_input
            cell.image_input += usage.image_input
            cell.audio_output += usage.audio_output
            cell.image_output += usage.image_output
            cell.images += usage.images
            cell.audio_ms += usage.audio_ms
            cell.characters += usage.characters
            cell.searches += usage.searches

    def _new_exchange(self, key: ExchangeKey) -> ExchangeCell:
        """The cell of a key not seen before, or of `other` when there are too many."""
        route, operation, alias, provider, model, status, error = key
        if len(self._exchanges) >= self._max:
            key = (route, operation, OTHER, OTHER, OTHER, status, error)
            if key not in self._exchanges and len(self._exchanges) >= 2 * self._max:
                key = (OTHER, OTHER, OTHER, OTHER, OTHER, 0, OTHER)
        else:
            key = (
                _bounded(route),
                _bounded(operation),
                _bounded(alias),
                _bounded(provider),
                _bounded(model),
                status,
                _bounded(error),
            )
        return self._exchanges.setdefault(key, ExchangeCell())

    def _new_attempt(self, key: AttemptKey) -> AttemptCell:
        operation, provider, model, answered, deployment, host, port, error = key
        if len(self._attempts) >= self._max:
            key = (operation, OTHER, OTHER, OTHER, OTHER, OTHER, 0, error)
            if key not in self._attempts and len(self._attempts) >= 2 * self._max:
                key = (OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, 0, OTHER)
        else:
            key = (
                _bounded(operation),
                _bounded(provider),
                _bounded(model),
                _bounded(answered),
                _bounded(deployment),
                _bounded(host),
                port,
                _bounded(error),
            )
        return self._attempts.setdefault(key, AttemptCell())

    def _read(self) -> list[Reading]:
        readings = []
        for name, kind, unit, help, merge, read in self._registered:
            try:
                points = [
                    (tuple((key, _bounded(text)) for key, text in labels.items()), x)
                    for labels, x in read()
                ]
            except Exception:  # noqa: BLE001 - other parts' code, read across threads
                self.read_errors += 1
                continue
            points = points[: self._max]
            readings.append(Reading(name, kind, unit, help, merge, points))
        return readings


def _count_tries(cell: ExchangeCell, attempts: Sequence[Attempt]) -> None:
    seen = {attempts[0].deployment}
    for attempt in attempts[1:]:
        if attempt.hedge:
            cell.hedges += 1
        elif attempt.deployment in seen:
            cell.retries += 1
        else:
            cell.fallbacks += 1
        seen.add(attempt.deployment)


def _clamp(cell: msgspec.Struct) -> None:
    for field in cell.__struct_fields__:
        value = getattr(cell, field)
        if isinstance(value, int) and abs(value) > MAX_COUNT:
            setattr(cell, field, MAX_COUNT if value > 0 else -MAX_COUNT)


def _bounded(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


def merge(snapshots: Sequence[Snapshot]) -> Snapshot:
    """The sum of several processes' aggregates; the first one is not changed."""
    exchanges: dict[ExchangeKey, ExchangeCell] = {}
    attempts: dict[AttemptKey, AttemptCell] = {}
    readings: dict[str, list[Reading]] = {}
    absorbed: list[str] = []
    for snapshot in snapshots:
        for key, exchange in snapshot.exchanges:
            _add(exchanges.setdefault(key, ExchangeCell()), exchange)
        for name, attempt in snapshot.attempts:
            _add(attempts.setdefault(name, AttemptCell()), attempt)
        for reading in snapshot.readings:
            readings.setdefault(reading.name, []).append(reading)
        absorbed += snapshot.absorbed
    return Snapshot(
        min((snapshot.started_unix_ns for snapshot in snapshots), default=0),
        list(exchanges.items()),
        list(attempts.items()),
        [_merge_readings(same) for same in readings.values()],
        absorbed,
    )


def _add(into: msgspec.Struct, other: msgspec.Struct) -> None:
    for field in other.__struct_fields__:
        value = getattr(other, field)
        mine = getattr(into, field)
        if isinstance(value, list):
            for index, count in enumerate(value):
                mine[index] += count
        else:
            setattr(into, field, mine + value)


def _merge_readings(same: Sequence[Reading]) -> Reading:
    first = same[0]
    points: dict[tuple[tuple[str, str], ...], float] = {}
    told: Counter[tuple[tuple[str, str], ...]] = Counter()
    for reading in same:
        for labels, value in reading.points:
            told[labels] += 1
            if labels not in points:
                points[labels] = value
            elif first.merge == "sum":
                points[labels] += value
            elif first.merge == "mean":
                points[labels] += (value - points[labels]) / told[labels]
            elif first.merge == "max":
                points[labels] = max(points[labels], value)
            else:
                points[labels] = min(points[labels], value)
    return msgspec.structs.replace(first, points=list(points.items()))
