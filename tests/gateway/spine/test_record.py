"""The recorder: nothing waits for it, nothing is lost silently."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spine.record import Recorder, RowLog, Sink
from gateway.store.contract import StoreError
from gateway.telemetry.facts import Facts
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.redact import Redactor
from gateway.telemetry.row import decode_row
from tests.gateway.telemetry.samples import calm, facts
from tests.harness.timing import at_most, timely


class Store:
    """Keeps rows, unless told to fail."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.down = False
        self.calls = 0
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def append_blocking(self, log: str, entries: Sequence[bytes]) -> int:
        assert log == "exchanges"
        self.calls += 1
        self.threads.add(threading.current_thread().name)
        self.gate.wait(5)
        if self.down:
            raise StoreError("disk full")
        self.rows += entries
        return len(self.rows)

    def ids(self) -> list[str]:
        return [decode_row(row).id for row in self.rows]


class Seen:
    """A sink that remembers, and fails when told to."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.ticks = 0
        self.closed = False
        self.ill = False

    def take(self, batch: Sequence[Facts]) -> None:
        if self.ill:
            raise RuntimeError("no")
        self.ids += [f.id for f in batch]

    def tick(self, now: float) -> None:
        self.ticks += 1

    def close(self) -> None:
        self.closed = True


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + 5
    while not true():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.005)


def recorder(
    store: RowLog | None, *sinks: Sink, buffer: int = 1000, **options: float
) -> Recorder:
    return Recorder(
        store=store,
        sinks=sinks,
        redactor=Redactor(),
        buffer=buffer,
        tick_s=options.get("tick_s", 0.01),
    )


def test_every_exchange_is_kept_in_order_and_told_to_every_sink() -> None:
    store, one, other = Store(), Seen(), Seen()
    made = recorder(store, one, other, buffer=10_000)
    made.start()
    wanted = [f"e{i}" for i in range(3000)]
    for id in wanted:
        assert made.put(facts(id=id))
    assert made.close()
    assert store.ids() == one.ids == other.ids == wanted
    assert made.recorded == 3000
    assert made.lost == made.dropped == 0
    assert one.closed
    assert store.threads == {"routeiq-recorder"}


def test_a_full_ring_drops_the_new_and_counts_them() -> None:
    store = Store()
    made = recorder(store, buffer=10)
    kept = [made.put(facts(id=f"e{i}")) for i in range(25)]
    assert kept == [True] * 10 + [False] * 15
    assert made.dropped == made.lost == 15
    assert made.depth == 10
    made.start()
    assert made.close()
    assert store.ids() == [f"e{i}" for i in range(10)]


def test_a_store_that_fails_and_recovers_loses_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, seen = Store(), Seen()
    store.down = True
    made = recorder(store, seen)
    made.start()
    with caplog.at_level(logging.INFO, logger="gateway"):
        for i in range(200):
            made.put(facts(id=f"e{i}"))
        until(lambda: made.store_errors >= 2)
        assert made.is_failing
        assert made.backlog == 200
        assert len(seen.ids) == 200
        store.down = False
        until(lambda: made.recorded == 200)
    assert not made.is_failing
    assert store.ids() == [f"e{i}" for i in range(200)]
    assert made.close()
    assert made.lost == 0
    told = [r.message for r in caplog.records]
    assert told == ["records cannot be written; they wait", "records are written again"]


def test_a_store_that_fails_is_asked_less_and_less_often() -> None:
    store = Store()
    store.down = True
    made = recorder(store)
    made.start()
    made.put(facts())
    time.sleep(0.5)
    assert 2 <= store.calls <= 4
    store.down = False
    assert made.close()
    assert made.recorded == 1


def test_a_backlog_without_end_gives_up_the_new_rows_and_counts_them() -> None:
    store, seen = Store(), Seen()
    store.down = True
    made = recorder(store, seen, buffer=50)
    made.start()
    for i in range(120):
        until(lambda: made.depth < 50)
        made.put(facts(id=f"e{i}"))
    until(lambda: len(seen.ids) == 120)
    assert made.lost == 70
    assert made.dropped == 0
    store.down = False
    assert made.close()
    assert store.ids() == [f"e{i}" for i in range(50)]


@timely
def test_closing_is_bounded_and_counts_what_it_gives_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    store.down = True
    made = recorder(store)
    made.start()
    for _ in range(7):
        made.put(facts())
    began = time.monotonic()
    assert not made.close(0.3)
    at_most(1.5, time.monotonic() - began)
    assert made.lost == 7
    assert "records lost at shutdown" in caplog.text


@timely
def test_closing_does_not_wait_for_a_store_that_hangs() -> None:
    store = Store()
    store.gate.clear()
    made = recorder(store)
    made.start()
    made.put(facts())
    until(lambda: store.calls == 1)
    began = time.monotonic()
    assert not made.close(0.2)
    at_most(1.5, time.monotonic() - began)
    store.gate.set()


def test_after_closing_nothing_is_taken() -> None:
    made = recorder(None)
    made.start()
    assert made.close()
    assert not made.put(facts())
    assert made.dropped == 1


@timely
def test_a_store_that_hangs_never_holds_up_the_loop() -> None:
    store = Store()
    store.gate.clear()
    made = recorder(store, buffer=100)
    made.start()
    made.put(facts())
    until(lambda: store.calls == 1)
    began = time.monotonic()
    for _ in range(1000):
        made.put(facts())
    at_most(0.5, time.monotonic() - began)
    assert made.dropped == 900
    store.gate.set()
    assert made.close()
    assert made.recorded == 101


def test_an_ill_sink_harms_neither_rows_nor_other_sinks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, ill, well = Store(), Seen(), Seen()
    ill.ill = True
    made = recorder(store, ill, well)
    made.start()
    for i in range(5):
        made.put(facts(id=f"e{i}"))
        until(lambda i=i: len(well.ids) == i + 1)
    assert made.close()
    assert len(store.rows) == len(well.ids) == 5
    assert made.sink_errors >= 1
    assert caplog.text.count("telemetry sink failed") <= made.sink_errors


def test_a_row_that_cannot_be_written_is_counted_and_the_rest_goes_on() -> None:
    store = Store()
    made = recorder(store)
    made.start()
    made.put(facts(key_id="\ud800"))
    made.put(facts(id="good"))
    assert not made.close()
    assert made.lost == 1
    assert store.ids() == ["good"]


def test_content_without_room_is_left_out_and_the_row_stays() -> None:
    store = Store()
    made = Recorder(store=store, redactor=Redactor(), content=True)
    big = b"x" * (40 * 1024 * 1024)
    assert made.put(facts(id="a", request=big))
    assert made.put(facts(id="b", request=big))
    assert made.put(facts(id="c", request=b"small"))
    assert made.stripped == 1
    made.start()
    assert made.close(20)
    told = {decode_row(row).id: decode_row(row).request for row in store.rows}
    assert told["a"] is not None
    assert told["b"] is None
    assert told["c"] == "small"


def test_rows_hold_no_content_unless_it_is_asked_for() -> None:
    store = Store()
    made = recorder(store)
    made.start()
    made.put(facts(request=b"secret prompt", response=b"secret answer"))
    assert made.close()
    assert b"secret" not in store.rows[0]


def test_an_idle_recorder_does_not_spin() -> None:
    seen = Seen()
    made = recorder(None, seen, tick_s=0.1)
    made.start()
    began = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - began < 0.1
    assert 1 <= seen.ticks <= 6
    assert made.close()


def test_its_own_state_is_shown_as_metrics() -> None:
    metrics = Metrics()
    made = recorder(None, buffer=1)
    for name, kind, help, read in made.gauges():
        metrics.register(
            name, help, read, kind="counter" if kind == "counter" else "gauge"
        )
    made.put(facts())
    made.put(facts())
    told = {r.name: r.points[0][1] for r in metrics.snapshot().readings}
    assert told["routeiq.ring.depth"] == 1
    assert told["routeiq.records.dropped"] == 1


@calm
@given(st.lists(st.sampled_from(["put", "down", "up"]), max_size=40))
def test_taken_is_recorded_or_counted(steps: list[str]) -> None:
    store = Store()
    made = recorder(store, buffer=8, tick_s=0.001)
    made.start()
    put = 0
    for step in steps:
        if step == "put":
            made.put(facts(id=f"e{put}"))
            put += 1
        else:
            store.down = step == "down"
    store.down = False
    made.close()
    assert made.recorded + made.lost == put
    assert len(store.rows) == made.recorded
    assert store.ids() == sorted(store.ids(), key=lambda id: int(id[1:]))


def test_rows_come_back_from_a_real_database(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "x.db", check_same_thread=False)
    base.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, data BLOB)")

    class Sqlite:
        def append_blocking(self, log: str, entries: Sequence[bytes]) -> int:
            with base:
                base.executemany(
                    "INSERT INTO log (data) VALUES (?)", [(e,) for e in entries]
                )
            return 0

    made = recorder(Sqlite())
    made.start()
    for i in range(100):
        made.put(facts(id=f"e{i}"))
    assert made.close()
    rows = [
        decode_row(data) for (data,) in base.execute("SELECT data FROM log ORDER BY id")
    ]
    base.close()
    assert [row.id for row in rows] == [f"e{i}" for i in range(100)]
