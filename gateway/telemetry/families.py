"""Snapshots of aggregates -> the instruments of the conventions.

What both Prometheus and OTLP are written from.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from gateway.telemetry import metrics, names
from gateway.telemetry.metrics import AttemptCell, AttemptKey, ExchangeCell, ExchangeKey
from gateway.telemetry.names import Instrument

Labels = tuple[tuple[str, str | int], ...]
"""Dotted names; empty values stand for absent ones and are left out."""


class Buckets(NamedTuple):
    """A histogram's state: one count more than bounds."""

    counts: list[int]
    sum: float


class Family(NamedTuple):
    """One instrument with all its series."""

    instrument: Instrument
    bounds: tuple[float, ...]
    """Of a histogram, else empty."""
    points: dict[Labels, Buckets] | dict[Labels, float]


class _Shown(NamedTuple):
    """A histogram of a cell, as an instrument shows it."""

    instrument: Instrument
    labels: Callable[[Any], Labels]
    counts: Callable[[Any], list[int]]
    sum: Callable[[Any], float]
    bounds: tuple[float, ...]
    into: tuple[int, ...]
    """The cell's bucket -> the instrument's."""


class _Counted(NamedTuple):
    """A number of a cell, as a counter shows it."""

    instrument: Instrument
    labels: Callable[[Any], Labels]
    amount: Callable[[Any], float]


def _exchange(key: ExchangeKey) -> Labels:
    _, operation, alias, provider, model, _, error = key
    return (
        (names.OPERATION, names.operation(operation)),
        (names.PROVIDER, names.provider(provider)),
        (names.REQUEST_MODEL, alias),
        (names.RESPONSE_MODEL, model),
        (names.ERROR_TYPE, error),
    )


def _http(key: ExchangeKey) -> Labels:
    status, error = key[5], key[6]
    return (
        (names.HTTP_METHOD, "POST"),
        (names.HTTP_ROUTE, key[0]),
        (names.HTTP_STATUS, status),
        (names.ERROR_TYPE, error if status >= 500 else ""),
    )


def _told(key: ExchangeKey) -> Labels:
    return (("alias", key[2]), ("status", key[5]), ("error", key[6]))


def _priced(key: ExchangeKey) -> Labels:
    return (("alias", key[2]), ("provider", key[3]), ("model", key[4]))


def _alias(key: ExchangeKey) -> Labels:
    return (("alias", key[2]),)


def _attempt(key: AttemptKey) -> Labels:
    operation, provider, model, answered, _, host, port, error = key
    return (
        (names.OPERATION, names.operation(operation)),
        (names.PROVIDER, names.provider(provider)),
        (names.REQUEST_MODEL, model),
        (names.RESPONSE_MODEL, answered),
        (names.SERVER_ADDRESS, host),
        (names.SERVER_PORT, port or ""),
        (names.ERROR_TYPE, error),
    )


def _of(modality: str) -> Callable[[AttemptKey], Labels]:
    return lambda key: (*_attempt(key), (names.MODALITY, modality))


def _unit(kind: str) -> Callable[[AttemptKey], Labels]:
    return lambda key: (
        ("provider", key[1]),
        ("model", key[2]),
        ("kind", kind),
    )


def _typed(type_: str) -> Callable[[AttemptKey], Labels]:
    return lambda key: (*_attempt(key), (names.TOKEN_TYPE, type_))


def _outcome(key: AttemptKey) -> Labels:
    return (("deployment", key[4]), ("provider", key[1]), ("outcome", key[7] or "ok"))


def _shown(
    instrument: Instrument,
    labels: Callable[[Any], Labels],
    field: str,
    bounds: tuple[float, ...],
    finer: tuple[float, ...] = (),
) -> _Shown:
    finer = finer or bounds
    into = (*(bisect_left(bounds, bound) for bound in finer), len(bounds))
    return _Shown(
        instrument, labels, attrgetter(field), attrgetter(field + "_sum"), bounds, into
    )


def _dollars(cell: ExchangeCell) -> float:
    return cell.cost_nano / 1e9


def _seconds(cell: AttemptCell) -> float:
    return cell.audio_ms / 1000


def _text_input(cell: AttemptCell) -> int:
    return max(cell.input_sum - cell.audio_input - cell.image_input, 0)


def _text_output(cell: AttemptCell) -> int:
    return max(cell.output_sum - cell.audio_output - cell.image_output, 0)


def _times(cell: ExchangeCell | AttemptCell) -> int:
    return sum(cell.duration)


_EXCHANGE_HISTOGRAMS: Final = (
    _shown(
        names.HTTP_SERVER_DURATION,
        _http,
        "duration",
        names.HTTP_SECONDS,
        metrics.SECONDS,
    ),
    _shown(
        names.SERVER_DURATION, _exchange, "duration", names.DOUBLING, metrics.SECONDS
    ),
    _shown(names.SERVER_FIRST_TOKEN, _exchange, "first_token", names.FIRST_TOKEN),
    _shown(names.SERVER_PER_TOKEN, _exchange, "per_token", names.PER_TOKEN),
)
_EXCHANGE_COUNTERS: Final = (
    _Counted(names.EXCHANGES, _told, _times),
    _Counted(names.COST, _priced, _dollars),
    _Counted(names.COST_UNKNOWN, _priced, attrgetter("cost_unknown")),
    _Counted(names.RETRIES, _alias, attrgetter("retries")),
    _Counted(names.FALLBACKS, _alias, attrgetter("fallbacks")),
    _Counted(names.HEDGES, _alias, attrgetter("hedges")),
)
_ATTEMPT_HISTOGRAMS: Final = (
    _shown(names.CLIENT_DURATION, _attempt, "duration", names.DOUBLING),
    _shown(names.CLIENT_FIRST_CHUNK, _attempt, "first_chunk", names.DOUBLING),
    _shown(names.CLIENT_PER_CHUNK, _attempt, "per_chunk", names.DOUBLING),
    _shown(names.CLIENT_OPERATION_INPUT, _attempt, "input", names.TOKENS),
    _shown(names.CLIENT_OPERATION_OUTPUT, _attempt, "output", names.TOKENS),
    _shown(names.OLD_CLIENT_DURATION, _attempt, "duration", names.DOUBLING),
    _shown(names.OLD_CLIENT_FIRST_CHUNK, _attempt, "first_chunk", names.DOUBLING),
    _shown(names.OLD_CLIENT_PER_CHUNK, _attempt, "per_chunk", names.DOUBLING),
    _shown(names.OLD_TOKEN_USAGE, _typed("input"), "input", names.TOKENS),
    _shown(names.OLD_TOKEN_USAGE, _typed("output"), "output", names.TOKENS),
)
_ATTEMPT_COUNTERS: Final = (
    _Counted(names.ATTEMPTS, _outcome, _times),
    _Counted(names.CLIENT_INPUT, _of("text"), _text_input),
    _Counted(names.CLIENT_INPUT, _of("audio"), attrgetter("audio_input")),
    _Counted(names.CLIENT_INPUT, _of("image"), attrgetter("image_input")),
    _Counted(names.CLIENT_OUTPUT, _of("text"), _text_output),
    _Counted(names.CLIENT_OUTPUT, _of("audio"), attrgetter("audio_output")),
    _Counted(names.CLIENT_OUTPUT, _of("image"), attrgetter("image_output")),
    # Providers do not tell these apart by modality.
    _Counted(names.CLIENT_CACHE_READ, _of("text"), attrgetter("cached")),
    _Counted(names.CLIENT_CACHE_WRITE, _of("text"), attrgetter("cache_write")),
    _Counted(names.CLIENT_REASONING, _of("text"), attrgetter("reasoning")),
    _Counted(names.UNITS, _unit("images"), attrgetter("images")),
    _Counted(names.UNITS, _unit("audio_seconds"), _seconds),
    _Counted(names.UNITS, _unit("characters"), attrgetter("characters")),
    _Counted(names.UNITS, _unit("searches"), attrgetter("searches")),
)


def families(snapshot: metrics.Snapshot, semconv: str = "both") -> list[Family]:
    """Every instrument that the setting includes and that has something to show."""
    made: dict[str, Family] = {}
    for shown in _EXCHANGE_HISTOGRAMS:
        _histogram(made, shown, snapshot.exchanges, semconv)
    for counted in _EXCHANGE_COUNTERS:
        _counter(made, counted, snapshot.exchanges, semconv)
    for shown in _ATTEMPT_HISTOGRAMS:
        _histogram(made, shown, snapshot.attempts, semconv)
    for counted in _ATTEMPT_COUNTERS:
        _counter(made, counted, snapshot.attempts, semconv)
    for reading in snapshot.readings:
        instrument = Instrument(
            reading.name, reading.kind, reading.unit, reading.help, "both"
        )
        numbers: dict[Labels, float] = {}
        for labels, value in reading.points:
            numbers[_present(labels)] = value
        made[reading.name] = Family(instrument, (), numbers)
    return list(made.values())


def _histogram(
    made: dict[str, Family],
    shown: _Shown,
    cells: Sequence[tuple[Any, Any]],
    semconv: str,
) -> None:
    instrument = shown.instrument
    if not names.included(instrument.since, semconv):
        return
    points: Any = _points(made, instrument, shown.bounds)
    for key, cell in cells:
        counts = shown.counts(cell)
        if not any(counts):
            continue
        labels = _present(shown.labels(key))
        buckets = points.get(labels)
        if buckets is None:
            buckets = points[labels] = Buckets([0] * (len(shown.bounds) + 1), 0.0)
        for index, count in zip(shown.into, counts, strict=True):
            buckets.counts[index] += count
        points[labels] = buckets._replace(sum=buckets.sum + shown.sum(cell))
    if not points:
        del made[instrument.name]


def _counter(
    made: dict[str, Family],
    counted: _Counted,
    cells: Iterable[tuple[Any, Any]],
    semconv: str,
) -> None:
    instrument = counted.instrument
    if not names.included(instrument.since, semconv):
        return
    points: Any = _points(made, instrument, ())
    for key, cell in cells:
        amount = counted.amount(cell)
        if amount:
            labels = _present(counted.labels(key))
            points[labels] = points.get(labels, 0) + amount
    if not points:
        del made[instrument.name]


def _points(
    made: dict[str, Family], instrument: Instrument, bounds: tuple[float, ...]
) -> object:
    family = made.get(instrument.name)
    if family is None:
        family = made[instrument.name] = Family(instrument, bounds, {})
    return family.points


def _present(labels: Iterable[tuple[str, str | int]]) -> Labels:
    return tuple(label for label in labels if label[1] != "")
