"""The end of the way: what is left of an exchange, handed from the loop to a thread.

The loop appends one `Facts` to a bounded ring and goes on. One thread empties it:
redacts, hands batches to the sinks (metrics, log lines, spans) and appends rows to the
store. A store that fails is asked again, less and less often; meanwhile rows wait in a
bounded backlog. Whatever is given up is counted.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol

from msgspec.structs import replace

from adapters.framing import eventstream
from gateway.spine.collect import Collector
from gateway.telemetry.facts import Facts
from gateway.telemetry.redact import Redactor
from gateway.telemetry.row import LOG, encode_clean

_log = logging.getLogger(__name__)

TICK_S: Final = 0.1
"""Pause of the thread between two looks at the ring."""
SLICE: Final = 32
"""Exchanges done in one go; then the loop may have the interpreter."""
STORE_BATCH: Final = 500
"""Rows of one append."""
BACKOFF_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Of recorded content in the ring, and of rows in the backlog, each."""


class RowLog(Protocol):
    """What the recorder needs of a store."""

    def append_blocking(self, log: str, entries: Sequence[bytes]) -> int:
        """Append in order, all or none; blocks the calling thread.

        Raises:
            StoreError: nothing was changed.
        """
        ...


class Sink(Protocol):
    """Something else that wants to know of every exchange. Called by one thread."""

    def take(self, batch: Sequence[Facts]) -> None:
        """Exchanges, redacted, in the order of their end."""
        ...

    def tick(self, now: float) -> None:
        """Called some ten times a second; monotonic seconds."""
        ...

    def close(self) -> None:
        """No more will come."""
        ...


class Recorder:
    """A ring that the loop fills and a thread that empties it.

    `store=None` keeps no rows; `content` lets bodies into rows, where an exchange
    kept them. Sinks are closed with the recorder.
    """

    def __init__(
        self,
        *,
        store: RowLog | None,
        sinks: Sequence[Sink] = (),
        redactor: Redactor,
        buffer: int = 10_000,
        content: bool = False,
        collector: Collector | None = None,
        tick_s: float = TICK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._sinks = tuple(sinks)
        self._redactor = redactor
        self._cap = buffer
        self._content = content
        self._collector = collector
        self._tick_s = tick_s
        self._clock = clock
        self._ring: deque[Facts] = deque()
        self._room = MAX_WAITING_BYTES
        """Bytes of content that may still join the ring; changed by two threads, so
        only nearly exact."""
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._backoff = 0.0
        self._retry_at = 0.0
        self._failing = False
        self._ill: set[int] = set()
        """Positions of sinks that failed last time."""
        self._wake = threading.Event()
        self._closing = False
        self._deadline = 0.0
        self._emptying = threading.Thread(
            target=self._run, name="routeiq-recorder", daemon=True
        )
        self.recorded = 0
        """Rows the store has acknowledged."""
        self.dropped = 0
        """Exchanges that found the ring full: no row, no metric, no line of them."""
        self.stripped = 0
        """Exchanges whose content was left out for want of room."""
        self.lost = 0
        """Rows given up: `dropped`, backlog full, unencodable, unwritten at the end."""
        self.store_errors = 0
        """Appends that failed, retries included."""
        self.sink_errors = 0

    def start(self) -> None:
        """Start the thread; in the process that will serve, after any fork."""
        self._emptying.start()

    def put(self, facts: Facts) -> bool:
        """Hand an exchange over; whether there was room. Never waits."""
        ring = self._ring
        if len(ring) >= self._cap or self._closing:
            self.dropped += 1
            if self._store is not None:
                self.lost += 1
            return False
        if facts.request or facts.response or facts.asked is not None:
            facts = self._weighed(facts)
        ring.append(facts)
        return True

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write what is waiting, for at most `timeout_s`; whether nothing was lost in
        this. Blocks the calling thread."""
        self._deadline = time.monotonic() + timeout_s
        self._closing = True
        self._wake.set()
        before = self.lost
        if self._emptying.ident is not None:
            self._emptying.join(timeout_s + self._tick_s)
        return not self._emptying.is_alive() and self.lost == before

    @property
    def depth(self) -> int:
        """Exchanges in the ring."""
        return len(self._ring)

    @property
    def backlog(self) -> int:
        """Rows that wait for the store."""
        return len(self._backlog)

    @property
    def is_failing(self) -> bool:
        """Whether the store refused the last rows."""
        return self._failing

    def gauges(
        self,
    ) -> Iterator[
        tuple[str, str, str, Callable[[], list[tuple[Mapping[str, str], float]]]]
    ]:
        """(name, kind, help, read) of its own state, for `Metrics.register`."""
        rows = (
            ("ring.depth", "gauge", "Exchanges waiting in the ring.", "depth"),
            ("records.backlog", "gauge", "Rows waiting for the store.", "backlog"),
            ("records.written", "counter", "Rows the store took.", "recorded"),
            ("records.dropped", "counter", "Exchanges that found no room.", "dropped"),
            ("records.stripped", "counter", "Contents left out.", "stripped"),
            ("records.lost", "counter", "Rows given up.", "lost"),
            ("store.errors", "counter", "Appends that failed.", "store_errors"),
            ("sink.errors", "counter", "Batches a sink failed on.", "sink_errors"),
        )
        for name, kind, help, field in rows:
            yield f"routeiq.{name}", kind, help, self._reading(field)

    def _reading(
        self, field: str
    ) -> Callable[[], list[tuple[Mapping[str, str], float]]]:
        return lambda: [({}, getattr(self, field))]

    def _weighed(self, facts: Facts) -> Facts:
        size = _size(facts)
        if size > self._room:
            self.stripped += 1
            return replace(facts, request=b"", response=b"", asked=None)
        self._room -= size
        return facts

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(self._tick_s)
            self._turn()
        self._finish()

    def _turn(self) -> None:
        """Everything that waits now; what comes meanwhile waits for the next turn."""
        waiting = len(self._ring)
        while waiting > 0:
            batch = self._next(min(SLICE, waiting))
            waiting -= len(batch)
            self._do(batch)
            time.sleep(0)
        self._write()
        now = self._clock()
        self._each(lambda sink: sink.tick(now))

    def _next(self, count: int) -> Sequence[Facts]:
        popleft = self._ring.popleft
        batch = [popleft() for _ in range(count)]
        for facts in batch:
            if facts.request or facts.response or facts.asked is not None:
                self._room += _size(facts)
        return batch

    def _do(self, batch: Sequence[Facts]) -> None:
        try:
            batch = self._redactor.batch(list(map(_readable, batch)))
        except Exception as error:  # noqa: BLE001 - what is not clean goes nowhere
            self.lost += len(batch)
            _log.error("exchanges cannot be redacted", extra={"error": repr(error)})
            return
        self._each(lambda sink: sink.take(batch))
        if self._store is None:
            return
        for facts in batch:
            kept = facts
            if not self._content and (facts.request or facts.response):
                kept = replace(facts, request=b"", response=b"")
            try:
                if kept.asked is not None and self._collector is not None:
                    kept = self._collector.collected(kept, kept.asked)
                row = encode_clean(kept)
            except (UnicodeError, TypeError, ValueError, OverflowError):
                self.lost += 1
                continue
            if (
                len(self._backlog) >= self._cap
                or self._backlog_bytes + len(row) > MAX_WAITING_BYTES
            ):
                self.lost += 1
                continue
            self._backlog.append(row)
            self._backlog_bytes += len(row)

    def _each(self, call: Callable[[Sink], None]) -> None:
        for index, sink in enumerate(self._sinks):
            try:
                call(sink)
            except Exception as error:  # noqa: BLE001 - a sink must not take rows along
                self.sink_errors += 1
                if index not in self._ill:
                    self._ill.add(index)
                    _log.error(
                        "telemetry sink failed",
                        extra={"sink": type(sink).__name__, "error": repr(error)},
                    )
            else:
                self._ill.discard(index)

    def _write(self) -> None:
        """Append the backlog to the store, unless it is to be left alone for now."""
        store, backlog = self._store, self._backlog
        if store is None or not backlog or self._clock() < self._retry_at:
            return
        while backlog:
            rows = list(islice(backlog, STORE_BATCH))
            try:
                store.append_blocking(LOG, rows)
            except Exception as error:  # noqa: BLE001 - rows outlive any store's bug
                self._failed(error)
                return
            for row in rows:
                backlog.popleft()
                self._backlog_bytes -= len(row)
            self.recorded += len(rows)
            if self._failing:
                self._recovered()

    def _failed(self, error: Exception) -> None:
        self.store_errors += 1
        self._backoff = min(max(self._backoff * 2, BACKOFF_S), BACKOFF_MAX_S)
        self._retry_at = self._clock() + self._backoff
        if not self._failing:
            self._failing = True
            _log.error(
                "records cannot be written; they wait",
                extra={"error": repr(error), "waiting": len(self._backlog)},
            )

    def _recovered(self) -> None:
        self._failing = False
        self._backoff = 0.0
        self._retry_at = 0.0
        _log.warning("records are written again", extra={"lost": self.lost})

    def _finish(self) -> None:
        """The last turn: the deadline, not the back-off, says when to give up."""
        self._retry_at = 0.0
        self._turn()
        while self._backlog and time.monotonic() < self._deadline:
            time.sleep(min(0.05, self._tick_s))
            self._retry_at = 0.0
            self._write()
        left = len(self._backlog)
        if left:
            self.lost += left
            _log.error("records lost at shutdown", extra={"lost": left})
        self._each(lambda sink: sink.close())


def _readable(facts: Facts) -> Facts:
    """With an event stream as text, so that secrets in it are found."""
    if facts.response[:1] != b"\0":  # its lengths begin so, and no text does
        return facts
    return replace(facts, response=eventstream.readable(facts.response))


def _size(facts: Facts) -> int:
    """Bytes of content that it holds on to."""
    held = len(facts.request) + len(facts.response)
    return held + facts.request_bytes if facts.asked is not None else held
