"""Aggregates: equal to a naive count, bounded, summed right over workers."""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.normal.usage import Usage
from gateway.telemetry import names, process
from gateway.telemetry.facts import Attempt, Facts
from gateway.telemetry.families import Buckets, families
from gateway.telemetry.metrics import MAX_SERIES, Metrics, Snapshot, merge
from gateway.telemetry.names import Instrument
from gateway.telemetry.workers import MAX_DEAD, SUFFIX, Workers
from tests.gateway.telemetry.samples import attempt, calm, exchanges, facts

Shown = dict[tuple[tuple[str, str | int], ...], object]


def shown(snapshot: Snapshot, instrument: Instrument) -> Shown:
    for family in families(snapshot):
        if family.instrument.name == instrument.name:
            return dict(family.points)
    return {}


def taken(batch: Sequence[Facts]) -> Snapshot:
    metrics = Metrics()
    metrics.take(batch)
    return metrics.snapshot()


def buckets(values: Iterable[float], bounds: Sequence[float]) -> list[int]:
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[sum(1 for bound in bounds if value > bound)] += 1
    return counts


def clean(**labels: str | int) -> tuple[tuple[str, str | int], ...]:
    return tuple((k.replace("__", "."), v) for k, v in labels.items() if v != "")


def exchange_labels(f: Facts) -> tuple[tuple[str, str | int], ...]:
    return clean(
        gen_ai__operation__name={
            "embed": "embeddings",
            "complete": "text_completion",
        }.get(f.operation, f.operation),
        gen_ai__provider__name={"gemini": "gcp.gemini"}.get(f.provider, f.provider),
        gen_ai__request__model=f.alias if f.known_alias else "other",
        gen_ai__response__model=f.model,
        error__type=f.error,
    )


def attempt_labels(f: Facts, a: Attempt) -> tuple[tuple[str, str | int], ...]:
    return clean(
        gen_ai__operation__name={
            "embed": "embeddings",
            "complete": "text_completion",
        }.get(f.operation, f.operation),
        gen_ai__provider__name={"gemini": "gcp.gemini", "xai": "x_ai"}.get(
            a.provider, a.provider
        ),
        gen_ai__request__model=a.model,
        gen_ai__response__model="" if a.error else f.model,
        server__address=a.host,
        server__port=a.port or "",
        error__type=a.error,
    )


def same_histogram(
    told: Shown, wanted: dict[object, list[float]], bounds: Sequence[float]
) -> None:
    assert set(told) == set(wanted)
    for labels, values in wanted.items():
        got = told[labels]  # type: ignore[index]
        assert isinstance(got, Buckets)
        assert got.counts == buckets(values, bounds)
        assert got.sum == pytest.approx(sum(values), rel=1e-9, abs=1e-9)


batches = st.lists(exchanges, max_size=12)


@calm
@given(batches)
def test_exchanges_are_counted_as_a_naive_count_does(batch: list[Facts]) -> None:
    snapshot = taken(batch)
    told: Counter[object] = Counter()
    cost: dict[object, float] = defaultdict(float)
    duration: dict[object, list[float]] = defaultdict(list)
    http: dict[object, list[float]] = defaultdict(list)
    first: dict[object, list[float]] = defaultdict(list)
    per: dict[object, list[float]] = defaultdict(list)
    for f in batch:
        alias = f.alias if f.known_alias else "other"
        told[clean(alias=alias, status=f.status, error=f.error)] += 1
        if f.cost_nano:
            cost[clean(alias=alias, provider=f.provider, model=f.model)] += (
                f.cost_nano / 1e9
            )
        duration[exchange_labels(f)].append(f.ended - f.began)
        error = f.error if f.status >= 500 else ""
        status = (names.HTTP_STATUS, f.status)
        routed = clean(http__request__method="POST", http__route=f.route)
        http[(*routed, status, *clean(error__type=error))].append(f.ended - f.began)
        if f.first_token:
            first[exchange_labels(f)].append(f.first_token - f.began)
            if f.stream and f.usage is not None and f.usage.output > 1:
                per[exchange_labels(f)].append(
                    (f.ended - f.first_token) / (f.usage.output - 1)
                )
    assert shown(snapshot, names.EXCHANGES) == told
    costs = shown(snapshot, names.COST)
    assert set(costs) == set(cost)
    assert all(costs[k] == pytest.approx(v) for k, v in cost.items())  # type: ignore[index]
    same_histogram(shown(snapshot, names.SERVER_DURATION), duration, names.DOUBLING)
    same_histogram(
        shown(snapshot, names.HTTP_SERVER_DURATION), http, names.HTTP_SECONDS
    )
    same_histogram(shown(snapshot, names.SERVER_FIRST_TOKEN), first, names.FIRST_TOKEN)
    same_histogram(shown(snapshot, names.SERVER_PER_TOKEN), per, names.PER_TOKEN)


@calm
@given(batches)
def test_attempts_are_counted_as_a_naive_count_does(batch: list[Facts]) -> None:
    snapshot = taken(batch)
    outcomes: Counter[object] = Counter()
    duration: dict[object, list[float]] = defaultdict(list)
    chunk: dict[object, list[float]] = defaultdict(list)
    per: dict[object, list[float]] = defaultdict(list)
    into: dict[object, list[float]] = defaultdict(list)
    cached: Counter[object] = Counter()
    for f in batch:
        for a in f.attempts:
            labels = attempt_labels(f, a)
            outcomes[
                clean(
                    deployment=a.deployment,
                    provider=a.provider,
                    outcome=a.error or "ok",
                )
            ] += 1
            duration[labels].append(a.ended - a.started)
            if f.stream and a.first_token:
                chunk[labels].append(a.first_token - a.started)
                if not a.error and f.chunks > 1:
                    per[labels].append((a.ended - a.first_token) / (f.chunks - 1))
            if a.usage is not None:
                into[labels].append(a.usage.input)
                if a.usage.cached:
                    cached[(*labels, (names.MODALITY, "text"))] += a.usage.cached
    assert shown(snapshot, names.ATTEMPTS) == outcomes
    assert shown(snapshot, names.CLIENT_CACHE_READ) == cached
    for new, old in (
        (names.CLIENT_DURATION, names.OLD_CLIENT_DURATION),
        (names.CLIENT_FIRST_CHUNK, names.OLD_CLIENT_FIRST_CHUNK),
        (names.CLIENT_PER_CHUNK, names.OLD_CLIENT_PER_CHUNK),
    ):
        assert shown(snapshot, new) == shown(snapshot, old)
    same_histogram(shown(snapshot, names.CLIENT_DURATION), duration, names.DOUBLING)
    same_histogram(shown(snapshot, names.CLIENT_FIRST_CHUNK), chunk, names.DOUBLING)
    same_histogram(shown(snapshot, names.CLIENT_PER_CHUNK), per, names.DOUBLING)
    same_histogram(shown(snapshot, names.CLIENT_OPERATION_INPUT), into, names.TOKENS)


@calm
@given(batches, st.integers(0, 12))
def test_parts_add_up_to_the_whole(batch: list[Facts], cut: int) -> None:
    whole = families(taken(batch))
    parts = families(merge([taken(batch[:cut]), taken(batch[cut:])]))
    assert [f.instrument for f in whole] == [f.instrument for f in parts]
    for one, other in zip(whole, parts, strict=True):
        assert set(one.points) == set(other.points)
        for labels, value in one.points.items():
            got = other.points[labels]
            if isinstance(value, Buckets):
                assert isinstance(got, Buckets)
                assert value.counts == got.counts
                assert value.sum == pytest.approx(got.sum)
            else:
                assert value == pytest.approx(got)


def test_retries_fallbacks_and_hedges_are_told_apart() -> None:
    snapshot = taken(
        [
            facts(
                attempts=(
                    attempt(error="timeout"),
                    attempt(error="timeout"),
                    attempt(deployment="gpt-b", error="timeout"),
                    attempt(deployment="gpt-c", hedge=True),
                )
            )
        ]
    )
    for instrument in (names.RETRIES, names.FALLBACKS, names.HEDGES):
        assert shown(snapshot, instrument) == {(("alias", "fast"),): 1}


def test_modalities_are_told_apart() -> None:
    usage = msgspec.structs.replace(
        facts().usage, input=100, audio_input=30, image_input=20
    )  # type: ignore[type-var]
    told = shown(taken([facts(attempts=(attempt(usage=usage),))]), names.CLIENT_INPUT)
    by = {dict(labels)[names.MODALITY]: value for labels, value in told.items()}
    assert by == {"text": 50, "audio": 30, "image": 20}


@pytest.mark.parametrize(
    ("semconv", "present", "absent"),
    [
        ("0.1", names.CLIENT_DURATION, names.OLD_CLIENT_DURATION),
        ("1.41", names.OLD_CLIENT_DURATION, names.CLIENT_DURATION),
    ],
)
def test_one_setting_chooses_the_names(
    semconv: str, present: Instrument, absent: Instrument
) -> None:
    told = {f.instrument.name for f in families(taken([facts()]), semconv)}
    assert present.name in told
    assert absent.name not in told
    assert names.EXCHANGES.name in told


def test_labels_stay_bounded_whatever_clients_and_providers_name() -> None:
    metrics = Metrics()
    draw = random.Random(1)
    for start in range(0, 100_000, 1000):
        metrics.take(
            [
                facts(
                    alias=f"wild-{start + i}",
                    model=f"m-{draw.random()}",
                    attempts=(
                        attempt(model=f"wild-{start + i}", deployment=f"d-{start + i}"),
                    ),
                )
                for i in range(1000)
            ]
        )
    snapshot = metrics.snapshot()
    assert len(snapshot.exchanges) <= 2 * MAX_SERIES + 1
    assert len(snapshot.attempts) <= 2 * MAX_SERIES + 1
    told = shown(snapshot, names.EXCHANGES)
    assert sum(told.values()) == 100_000  # type: ignore[arg-type]
    assert told[(("alias", "other"), ("status", 200))] == 100_000 - MAX_SERIES


def test_unknown_aliases_are_one_series() -> None:
    told = shown(
        taken([facts(alias=f"x{i}", known_alias=False) for i in range(50)]),
        names.EXCHANGES,
    )
    assert told == {(("alias", "other"), ("status", 200)): 50}


def test_strange_names_do_not_break_the_snapshot() -> None:
    snapshot = taken(
        [facts(alias="\ud800" + "x" * 1000), facts(alias="\ud800" + "x" * 1000)]
    )
    ((labels, count),) = shown(snapshot, names.EXCHANGES).items()
    assert count == 2
    assert len(str(dict(labels)["alias"])) <= 160


def test_counts_without_end_do_not_break_the_snapshot() -> None:
    usage = Usage(10**30, 10**30, cached=10**30)
    batch = [facts(cost_nano=10**30, attempts=(attempt(usage=usage),))]
    assert shown(taken(batch), names.CLIENT_CACHE_READ)
    assert shown(merge([taken(batch), taken(batch)]), names.EXCHANGES)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=5))
def test_what_workers_read_becomes_one_number(values: list[float]) -> None:
    def snapshot(value: float) -> Snapshot:
        metrics = Metrics()
        for how in ("sum", "max", "min", "mean"):
            metrics.register(how, "x", lambda: [({"a": "b"}, value)], merge=how)
        return metrics.snapshot()

    whole = merge([snapshot(value) for value in values])
    found = {reading.name: reading.points[0][1] for reading in whole.readings}
    assert found == {
        "sum": pytest.approx(sum(values), abs=1e-9),
        "max": max(values),
        "min": min(values),
        "mean": pytest.approx(sum(values) / len(values), abs=1e-9),
    }


def test_a_failing_gauge_is_left_out_and_counted() -> None:
    metrics = Metrics()
    metrics.register("bad", "x", lambda: [({}, 1 / 0)])
    metrics.register("good", "x", lambda: [({"a": "b"}, 2.0)])
    assert [r.name for r in metrics.snapshot().readings] == ["good"]
    assert metrics.read_errors == 1


def test_the_process_is_shown() -> None:
    metrics = Metrics()
    process.register(metrics, "1.2.3")
    told = {r.name: r.points for r in metrics.snapshot().readings}
    assert told["process.resident_memory"][0][1] > 1_000_000
    assert told["process.open_fds"][0][1] > 0
    assert dict(told["routeiq.build_info"][0][0])["version"] == "1.2.3"


@pytest.fixture
def worker(tmp_path: Path) -> Callable[..., tuple[Metrics, Workers]]:
    def make(**options: object) -> tuple[Metrics, Workers]:
        metrics = Metrics()
        metrics.register("up", "x", lambda: [({}, 1)])
        metrics.register("errors", "x", lambda: [({}, 5)], kind="counter")
        return metrics, Workers(tmp_path, metrics)

    return make


def total(snapshot: Snapshot) -> int:
    return sum(shown(snapshot, names.EXCHANGES).values())  # type: ignore[arg-type]


def reading(snapshot: Snapshot, name: str) -> float:
    return next((r.points[0][1] for r in snapshot.readings if r.name == name), 0.0)


def test_any_worker_tells_the_sum_of_all(
    worker: Callable[[], tuple[Metrics, Workers]],
) -> None:
    made = [worker() for _ in range(3)]
    for index, (metrics, workers) in enumerate(made):
        metrics.take([facts()] * (index + 1))
        workers.publish()
    for _, workers in made:
        assert total(workers.gather()) == 6
        assert reading(workers.gather(), "up") == 3
        assert reading(workers.gather(), "errors") == 15


def test_ones_own_numbers_are_live_and_not_counted_twice(
    worker: Callable[[], tuple[Metrics, Workers]],
) -> None:
    metrics, workers = worker()
    workers.publish()
    metrics.take([facts()])
    assert total(workers.gather()) == 1


def died(path: Path) -> None:
    """As if the process that wrote it had gone."""
    pid = 4_194_304 + int(path.name.rpartition("-")[2].partition(".")[0]) % 10_000_000
    path.rename(path.with_name(f"{pid}{path.name[path.name.index('-') :]}"))


def test_a_dead_workers_counts_stay_and_its_gauges_go(
    tmp_path: Path, worker: Callable[[], tuple[Metrics, Workers]]
) -> None:
    metrics, workers = worker()
    metrics.take([facts()] * 4)
    workers.publish()
    for path in tmp_path.glob(f"*{SUFFIX}"):
        died(path)
    metrics, workers = worker()
    metrics.take([facts()])
    assert total(workers.gather()) == 5
    assert reading(workers.gather(), "up") == 1
    assert reading(workers.gather(), "errors") == 10


def test_a_stale_snapshots_gauges_go(
    tmp_path: Path, worker: Callable[[], tuple[Metrics, Workers]]
) -> None:
    _, one = worker()
    one.publish()
    for path in tmp_path.glob(f"*{SUFFIX}"):
        os.utime(path, (1, 1))
    _, other = worker()
    assert reading(other.gather(), "up") == 1
    assert reading(other.gather(), "errors") == 10


def test_many_dead_workers_are_added_up_without_counting_twice(
    tmp_path: Path, worker: Callable[[], tuple[Metrics, Workers]]
) -> None:
    for _ in range(MAX_DEAD + 5):
        metrics, workers = worker()
        metrics.take([facts()])
        workers.publish()
    for path in tmp_path.glob(f"*{SUFFIX}"):
        died(path)
    _, reader = worker()
    wanted = MAX_DEAD + 5
    for _ in range(3):
        assert total(reader.gather()) == wanted
        reader.compact()
        assert total(reader.gather()) == wanted
        assert reading(reader.gather(), "errors") == 5 * (wanted + 1)
    for _ in range(MAX_DEAD + 5):
        metrics, workers = worker()
        metrics.take([facts()])
        workers.publish()
    for path in tmp_path.glob(f"*{SUFFIX}"):
        if not path.name.startswith("0-") and path.stat().st_mtime > 0:
            died(path)
    reader.compact()
    assert total(reader.gather()) == 2 * wanted
    assert len(list(tmp_path.iterdir())) <= MAX_DEAD + 7


def test_a_torn_or_foreign_file_is_passed_over(
    tmp_path: Path, worker: Callable[[], tuple[Metrics, Workers]]
) -> None:
    (tmp_path / f"1-2{SUFFIX}").write_bytes(b"\x93\x01")
    (tmp_path / f"name{SUFFIX}").write_bytes(b"")
    _, workers = worker()
    assert total(workers.gather()) == 0
