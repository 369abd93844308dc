"""Everything in this process's memory: for tests, the demo and throw-away use.

Memory ends, so there is a bound: what has a lifetime then goes before its time, the
longest unwritten first. What has none (keys) is never dropped; a store full of it
refuses more.
"""

import heapq
import itertools
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from gateway.store.contract import Entry, StoreError
from gateway.store.names import checked, in_range

MAX_ENTRIES: Final = 10_000
"""Entries a log keeps: older ones go, as there is no disk to keep them on."""


MAX_BYTES: Final = 256 * 1024 * 1024
"""Of all documents, and of each log."""
SLACK: Final = 1024
"""Ends of what is no more that may wait to be looked at, besides one for each that
lives."""


class _Document(NamedTuple):
    data: bytes
    expires: float | None


class _Counter(NamedTuple):
    value: int
    expires: float | None


class _Lease(NamedTuple):
    holder: str
    expires: float


class MemoryStore:
    """A `Store` that forgets when the process ends. `clock` gives Unix seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        """Everything happens under it: one method is called from another thread."""
        self._documents: dict[str, dict[str, _Document]] = {}
        self._counters: dict[str, _Counter] = {}
        self._leases: dict[str, _Lease] = {}
        self._logs: dict[str, deque[Entry]] = {}
        self._mortal: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Documents with a lifetime, the longest unwritten first."""
        self._bytes = 0
        """Of documents."""
        self._log_bytes: Counter[str] = Counter()
        self._last_id = 0
        self._ends: list[tuple[float, int, Callable[[float], None]]] = []
        """What to look at again, and when."""
        self._order = itertools.count()
        self._closed = False

    async def get(self, space: str, name: str) -> bytes | None:
        """A document; `None` when absent or expired."""
        checked(space, name)
        with self._lock:
            found = self._document(space, name, self._now())
            return found.data if found is not None else None

    async def put(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> None:
        """Write a document, replacing any."""
        checked(space, name)
        with self._lock:
            self._put(space, name, data, ttl_s, self._now())

    async def add_new(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> bool:
        """Write a document if there is none; whether it was written."""
        checked(space, name)
        with self._lock:
            now = self._now()
            if self._document(space, name, now) is not None:
                return False
            self._put(space, name, data, ttl_s, now)
            return True

    async def delete(self, space: str, name: str) -> bool:
        """Remove a document; whether there was one."""
        checked(space, name)
        with self._lock:
            found = self._document(space, name, self._now())
            self._drop(space, name)
            return found is not None

    async def scan(
        self, space: str, prefix: str = ""
    ) -> AsyncIterator[tuple[str, bytes]]:
        """Live documents of a space, by name, ascending."""
        checked(space, prefix)
        with self._lock:
            now = self._now()
            found = sorted(
                (name, document.data)
                for name, document in self._documents.get(space, {}).items()
                if name.startswith(prefix) and not _is_over(document.expires, now)
            )
        for pair in found:
            yield pair

    async def add(self, name: str, amount: int, window_s: float | None = None) -> int:
        """Add to a counter and give its new value."""
        checked(name)
        with self._lock:
            now = self._now()
            held = self._counters.get(name)
            if held is None or _is_over(held.expires, now):
                expires = None if window_s is None else now + window_s
                held = _Counter(0, expires)
                self._later(expires, partial(self._end_counter, name))
            value = in_range(held.value + amount)
            self._counters[name] = held._replace(value=value)
            return value

    async def append(self, log: str, entries: Sequence[bytes]) -> int:
        """Append in order; the id of the last entry."""
        return self.append_blocking(log, entries)

    def append_blocking(self, log: str, entries: Sequence[bytes]) -> int:
        """The same, from any thread."""
        checked(log)
        with self._lock:
            self._now()
            kept = self._logs.setdefault(log, deque())
            for data in entries:
                self._last_id += 1
                kept.append(Entry(self._last_id, data))
                self._log_bytes[log] += len(data)
            while len(kept) > self._max_entries or (
                self._log_bytes[log] > self._max_bytes and len(kept) > 1
            ):
                self._log_bytes[log] -= len(kept.popleft().data)
            return kept[-1].id if kept else 0

    async def read(self, log: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Entries with ids above `after`, oldest first."""
        checked(log)
        with self._lock:
            self._now()
            kept = self._logs.get(log, ())
            later = (entry for entry in kept if entry.id > after)
            return list(itertools.islice(later, max(limit, 0)))

    async def trim(self, log: str, before: int) -> int:
        """Drop entries with ids below `before`; how many."""
        checked(log)
        with self._lock:
            self._now()
            kept, dropped = self._logs.get(log, deque()), 0
            while kept and kept[0].id < before:
                self._log_bytes[log] -= len(kept.popleft().data)
                dropped += 1
            return dropped

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take or renew a lease; whether `holder` has it now."""
        checked(name, holder)
        with self._lock:
            now = self._now()
            held = self._leases.get(name)
            if held is not None and held.expires > now and held.holder != holder:
                return False
            self._leases[name] = _Lease(holder, now + ttl_s)
            self._later(now + ttl_s, partial(self._end_lease, name))
            return True

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back early."""
        checked(name, holder)
        with self._lock:
            self._now()
            held = self._leases.get(name)
            if held is not None and held.holder == holder:
                del self._leases[name]

    async def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._closed = True
            for held in (self._documents, self._counters, self._leases, self._logs):
                held.clear()
            self._mortal.clear()
            self._ends.clear()

    def _now(self) -> float:
        """The time, once what has expired by then is gone."""
        if self._closed:
            raise StoreError("the store is closed")
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            heapq.heappop(self._ends)[2](now)
        return now

    def _later(self, at: float | None, look: Callable[[float], None]) -> None:
        if at is None:
            return
        heapq.heappush(self._ends, (at, next(self._order), look))
        live = len(self._mortal) + len(self._counters) + len(self._leases)
        if len(self._ends) > 2 * live + SLACK:
            self._forget_ends()

    def _forget_ends(self) -> None:
        """Look once at everything that ends, and no more at what ends no more."""
        ends: list[tuple[float | None, Callable[[float], None]]] = []
        for space, name in self._mortal:
            expires = self._documents[space][name].expires
            ends.append((expires, partial(self._end_document, space, name)))
        for name, counter in self._counters.items():
            ends.append((counter.expires, partial(self._end_counter, name)))
        for name, lease in self._leases.items():
            ends.append((lease.expires, partial(self._end_lease, name)))
        self._ends = [(at, next(self._order), look) for at, look in ends if at]
        heapq.heapify(self._ends)

    def _document(self, space: str, name: str, now: float) -> _Document | None:
        found = self._documents.get(space, {}).get(name)
        return None if found is None or _is_over(found.expires, now) else found

    def _put(
        self, space: str, name: str, data: bytes, ttl_s: float | None, now: float
    ) -> None:
        self._make_room(space, name, len(data))
        self._drop(space, name)
        expires = None if ttl_s is None else now + ttl_s
        self._documents.setdefault(space, {})[name] = _Document(data, expires)
        self._bytes += len(data)
        if expires is not None:
            self._mortal[space, name] = None
            self._later(expires, partial(self._end_document, space, name))

    def _make_room(self, space: str, name: str, size: int) -> None:
        """Drop what is mortal until so much more fits.

        Raises:
            StoreError: it does not; nothing was dropped.
        """
        held = self._documents.get(space, {}).get(name)
        over = self._bytes + size - self._max_bytes
        over -= len(held.data) if held is not None else 0
        going = []
        for other in self._mortal if over > 0 else ():
            if other != (space, name):
                going.append(other)
                over -= len(self._documents[other[0]][other[1]].data)
            if over <= 0:
                break
        if over > 0:
            raise StoreError("memory: is full; set store.url to a file")
        for other in going:
            self._drop(*other)

    def _drop(self, space: str, name: str) -> None:
        documents = self._documents.get(space, {})
        gone = documents.pop(name, None)
        if gone is not None:
            self._bytes -= len(gone.data)
            self._mortal.pop((space, name), None)
        if not documents:
            self._documents.pop(space, None)

    def _end_document(self, space: str, name: str, now: float) -> None:
        found = self._documents.get(space, {}).get(name)
        if found is not None and _is_over(found.expires, now):
            self._drop(space, name)

    def _end_counter(self, name: str, now: float) -> None:
        held = self._counters.get(name)
        if held is not None and _is_over(held.expires, now):
            del self._counters[name]

    def _end_lease(self, name: str, now: float) -> None:
        held = self._leases.get(name)
        if held is not None and held.expires <= now:
            del self._leases[name]


def _is_over(expires: float | None, now: float) -> bool:
    return expires is not None and expires <= now
