"""The threads that send spans and metrics away. A collector that is slow, wrong or
gone costs spans, which are counted, and nothing else."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway.telemetry.facts import Facts
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.points import PointMaker
from gateway.telemetry.spans import SpanMaker

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

_log = logging.getLogger(__name__)

QUEUE: Final = 4096
"""Exchanges that may wait to be exported; more are dropped and counted."""
BATCH: Final = 128
"""Exchanges of one export."""
SLICE: Final = 16
"""Exchanges made into spans in one go; then the loop may have the interpreter."""
DELAY_S: Final = 1.0
"""Longest that an exchange waits for others to join its export."""
ERRORS_PER_S: Final = 50
"""Failed exchanges of unsampled traces that are exported all the same."""
_QUIET: Final = ("opentelemetry", "urllib3.connectionpool")


class _State:
    """Says once that exports fail, and once that they work again."""

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self._failing = False

    def tell(self, failed: bool, error: str = "") -> None:
        if failed == self._failing:
            return
        self._failing = failed
        extra = {"signal": self._signal, "error": error}
        if failed:
            _log.warning("telemetry export fails", extra=extra)
        else:
            _log.info("telemetry export works again", extra=extra)


class SpanQueue:
    """A sink of the recorder: keeps what is sampled, exports it in its own thread."""

    def __init__(
        self,
        maker: Callable[[], SpanMaker],
        exporter: "Callable[[], SpanExporter]",
        *,
        queue: int = QUEUE,
        delay_s: float = DELAY_S,
    ) -> None:
        self._make = maker
        self._connect = exporter
        self._cap = queue
        self._delay_s = delay_s
        self._queue: deque[Facts] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._deadline = 0.0
        self._allowance = float(ERRORS_PER_S)
        self._last = 0.0
        self._state = _State("traces")
        self._exporter: SpanExporter | None = None
        self._thread = threading.Thread(
            target=self._run, name="routeiq-spans", daemon=True
        )
        self.exported = 0
        """Spans the collector took."""
        self.dropped = 0
        """Exchanges that found the queue full, or the collector failing."""

    def start(self) -> None:
        """Start the thread; in the process that will serve."""
        self._thread.start()

    def take(self, batch: Sequence[Facts]) -> None:
        """Keep the sampled ones, and errors up to a rate."""
        queue = self._queue
        for facts in batch:
            if facts.trace.sampled or (facts.error and self._error_allowed()):
                if len(queue) >= self._cap:
                    self.dropped += 1
                else:
                    queue.append(facts)
        if len(queue) >= BATCH:
            self._wake.set()

    def tick(self, now: float) -> None:
        """Let the allowance for errors grow again."""
        if self._last:
            grown = self._allowance + (now - self._last) * ERRORS_PER_S
            self._allowance = min(grown, float(ERRORS_PER_S))
        self._last = now

    def close(self) -> None:
        """Send what waits, for at most two seconds."""
        if self._thread.ident is None:
            return
        self._deadline = time.monotonic() + 2.0
        self._closing = True
        self._wake.set()
        self._thread.join(2.5)
        if self._thread.is_alive() and self._exporter is not None:
            # Wakes it out of its own back-off.
            self._exporter.shutdown()

    def _error_allowed(self) -> bool:
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True

    def _run(self) -> None:
        _quiet()
        maker: SpanMaker | None = None
        while True:
            self._wake.wait(self._delay_s)
            self._wake.clear()
            while self._queue:
                if self._closing and time.monotonic() > self._deadline:
                    self._give_up()
                    break
                try:
                    if maker is None or self._exporter is None:
                        maker, self._exporter = self._make(), self._connect()
                    self._export(maker, self._exporter)
                except Exception as error:  # noqa: BLE001 - the SDK's bugs stay there
                    self._state.tell(True, repr(error))
                    if self._exporter is None:
                        self._give_up()
            if self._closing:
                break
        if self._exporter is not None:
            self._exporter.shutdown()

    def _give_up(self) -> None:
        count = len(self._queue)
        for _ in range(count):
            self._queue.popleft()
        self.dropped += count

    def _export(self, maker: SpanMaker, exporter: "SpanExporter") -> None:
        count = min(len(self._queue), BATCH)
        batch = [self._queue.popleft() for _ in range(count)]
        self.dropped += count
        spans = []
        for index, facts in enumerate(batch):
            spans += maker.spans(facts)
            if index % SLICE == SLICE - 1:
                time.sleep(0)
        # By value: importing the enumeration would load the SDK here.
        failed = exporter.export(spans).value != 0
        self._state.tell(failed)
        if not failed:
            self.dropped -= count
            self.exported += len(spans)


class MetricPush:
    """Sends all metrics every `interval_s`, and once more at the end."""

    def __init__(
        self,
        metrics: Metrics,
        maker: Callable[[], PointMaker],
        exporter: "Callable[[], MetricExporter]",
        *,
        interval_s: float,
    ) -> None:
        self._metrics = metrics
        self._make = maker
        self._connect = exporter
        self._interval_s = max(interval_s, 0.05)
        self._stop = threading.Event()
        self._state = _State("metrics")
        self._exporter: MetricExporter | None = None
        self._thread = threading.Thread(
            target=self._run, name="routeiq-metrics", daemon=True
        )
        self.pushed = 0
        self.failed = 0

    def start(self) -> None:
        """Start the thread; in the process that will serve."""
        self._thread.start()

    def close(self) -> None:
        """Send once more, for at most two seconds."""
        if self._thread.ident is None:
            return
        self._stop.set()
        self._thread.join(2.5)
        if self._thread.is_alive() and self._exporter is not None:
            self._exporter.shutdown()

    def _run(self) -> None:
        _quiet()
        maker: PointMaker | None = None
        stopping = False
        while not stopping:
            stopping = self._stop.wait(self._interval_s)
            try:
                if maker is None or self._exporter is None:
                    maker, self._exporter = self._make(), self._connect()
                self._push(maker, self._exporter, 2.0 if stopping else 10.0)
            except Exception as error:  # noqa: BLE001 - the SDK's bugs stay there
                self.failed += 1
                self._state.tell(True, repr(error))
        if self._exporter is not None:
            self._exporter.shutdown()

    def _push(
        self, maker: PointMaker, exporter: "MetricExporter", timeout_s: float
    ) -> None:
        data = maker.data(self._metrics.snapshot())
        result: Any = exporter.export(data, timeout_millis=timeout_s * 1e3)
        failed = result.value != 0
        self._state.tell(failed)
        if failed:
            self.failed += 1
        else:
            self.pushed += 1


def counters(
    spans: SpanQueue | None, push: MetricPush | None
) -> list[tuple[str, str, Callable[[], list[tuple[Mapping[str, str], float]]]]]:
    """(name, help, read) of the exporters' own counters."""
    rows: list[
        tuple[str, str, Callable[[], list[tuple[Mapping[str, str], float]]]]
    ] = []
    if spans is not None:
        rows += [
            (
                "routeiq.spans.exported",
                "Spans the collector took.",
                lambda: [({}, spans.exported)],
            ),
            (
                "routeiq.spans.dropped",
                "Sampled exchanges whose spans were given up.",
                lambda: [({}, spans.dropped)],
            ),
        ]
    if push is not None:
        rows.append(
            (
                "routeiq.metrics.export.errors",
                "Metric exports that failed.",
                lambda: [({}, push.failed)],
            )
        )
    return rows


def _quiet() -> None:
    """The exporter's own lines, one per failed try: ours say it once."""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
