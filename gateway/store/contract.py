"""What the gateway asks of a store, whatever keeps it.

Four kinds of state: documents (with a lifetime), counters (in a window), a log
(append, read in order), leases (one holder at a time). Names are free text: every
implementation must store them byte-exact and never interpret them.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """One entry of a log."""

    id: int
    """Ascending in the order of appends, never reused."""
    data: bytes


class StoreError(Exception):
    """The store could not do it: disk full, database locked, connection lost."""


class Store(Protocol):
    """Durable state. All methods may be called concurrently; none blocks the loop.

    A method that returned has been done and will survive `kill -9` (durable stores).

    Raises (all methods):
        StoreError: nothing was changed.
    """

    async def get(self, space: str, name: str) -> bytes | None:
        """A document; `None` when absent or expired."""
        ...

    async def put(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> None:
        """Write a document, replacing any; `ttl_s` counts from now."""
        ...

    async def add_new(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> bool:
        """Write a document if there is none; whether it was written. Atomic."""
        ...

    async def delete(self, space: str, name: str) -> bool:
        """Remove a document; whether there was one."""
        ...

    def scan(self, space: str, prefix: str = "") -> AsyncIterator[tuple[str, bytes]]:
        """Live documents of a space, by name, ascending."""
        ...

    async def add(self, name: str, amount: int, window_s: float | None = None) -> int:
        """Add to a counter and give its new value. A counter lives `window_s` seconds
        from its first add, then starts again at zero; `None`: for ever. Atomic."""
        ...

    async def append(self, log: str, entries: Sequence[bytes]) -> int:
        """Append in order, all or none; the id of the last entry."""
        ...

    def append_blocking(self, log: str, entries: Sequence[bytes]) -> int:
        """`append` for threads that are no loop's; blocks the caller until done."""
        ...

    async def read(self, log: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Entries with ids above `after`, oldest first."""
        ...

    async def trim(self, log: str, before: int) -> int:
        """Drop entries with ids below `before`; how many."""
        ...

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take or renew a lease; whether `holder` has it now. Free again after
        `ttl_s` without renewal."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back early; nothing happens unless `holder` has it."""
        ...

    async def close(self) -> None:
        """Finish what was acknowledged and let go of files and connections."""
        ...
