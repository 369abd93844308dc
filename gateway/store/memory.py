"""Everything in this process's memory: for tests, the demo and throw-away use."""

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from gateway.store.contract import Entry, StoreError
from gateway.store.names import checked, in_range

MAX_ENTRIES: Final = 10_000
"""Entries a log keeps: older ones go, as there is no disk to keep them on."""


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
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._lock = threading.Lock()
        """Everything happens under it: one method is called from another thread."""
        self._documents: dict[str, dict[str, _Document]] = {}
        self._counters: dict[str, _Counter] = {}
        self._leases: dict[str, _Lease] = {}
        self._logs: dict[str, deque[Entry]] = {}
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
                self._later(expires, lambda now: self._end_counter(name, now))
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
            kept = self._logs.setdefault(log, deque(maxlen=self._max_entries))
            for data in entries:
                self._last_id += 1
                kept.append(Entry(self._last_id, data))
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
                kept.popleft()
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
            self._later(now + ttl_s, lambda now: self._end_lease(name, now))
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
        if at is not None:
            heapq.heappush(self._ends, (at, next(self._order), look))

    def _document(self, space: str, name: str, now: float) -> _Document | None:
        found = self._documents.get(space, {}).get(name)
        return None if found is None or _is_over(found.expires, now) else found

    def _put(
        self, space: str, name: str, data: bytes, ttl_s: float | None, now: float
    ) -> None:
        expires = None if ttl_s is None else now + ttl_s
        self._documents.setdefault(space, {})[name] = _Document(data, expires)
        self._later(expires, lambda now: self._end_document(space, name, now))

    def _drop(self, space: str, name: str) -> None:
        documents = self._documents.get(space, {})
        documents.pop(name, None)
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
