"""Batches in the store: what is known of each, and what became of its lines.

A batch is one document; its journal, a log of its own, has an entry before and after
each line. An entry after a line is its result: what is in the journal is done, once
and for all, whatever happens to the process.
"""

import time
from collections.abc import AsyncIterator, Callable
from typing import Final, Literal

import msgspec
from msgspec import Raw

from gateway.store.contract import Store

SPACE: Final = "batches"
"""Of the store: `owner/id` -> `Batch`."""
OPEN: Final = "batches.open"
"""The names of those that are not over."""
CANCEL: Final = "batches.cancel"
"""The names of those that shall end -> when that was said (Unix seconds)."""
PAGE: Final = 500
NONE: Final = Raw()

Status = Literal[
    "validating",
    "failed",
    "in_progress",
    "finalizing",
    "completed",
    "expired",
    "cancelling",
    "cancelled",
]
OVER: Final = frozenset({"failed", "completed", "expired", "cancelled"})


class Fault(msgspec.Struct, frozen=True):
    """Why an input cannot be run."""

    code: str
    message: str
    line: int | None = None
    """From 1."""
    param: str | None = None


class Spent(msgspec.Struct, omit_defaults=True):
    """Tokens of all lines together."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0


class Batch(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One batch. Instants are Unix seconds."""

    id: str
    owner: str
    endpoint: str
    input: str
    """Id of the input file."""
    created_at: int
    expires_at: int
    window: str = "24h"
    metadata: dict[str, str] | None = None
    status: Status = "validating"
    total: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    """Lines that were not run because it was cancelled..."""
    expired: int = 0
    """... or because its time was over."""
    spent: Spent = msgspec.field(default_factory=Spent)
    faults: list[Fault] = []
    output: str = ""
    """Ids of the files it leaves; empty until there are some."""
    errors: str = ""
    output_ttl_s: float | None = None
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    cancelling_at: int | None = None
    ended_at: int | None = None

    @property
    def name(self) -> str:
        return f"{self.owner}/{self.id}"


class Entry(msgspec.Struct, omit_defaults=True, frozen=True):
    """One entry of a journal."""

    line: int
    """From 0."""
    result: Raw = NONE
    """The line of the output or error file; absent: it was begun."""
    ok: bool = False
    spent: Spent | None = None


_batch: Final = msgspec.json.Decoder(Batch).decode
_entry: Final = msgspec.json.Decoder(Entry).decode
_encode: Final = msgspec.json.Encoder().encode


class Ledger:
    """All batches. Every method raises `StoreError`."""

    def __init__(
        self, store: Store, keep_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        """`keep_s`: how long one that is over is remembered."""
        self._store = store
        self._keep_s = keep_s
        self.clock = clock

    async def create(self, batch: Batch) -> None:
        """A new batch, to be run by whoever looks for some."""
        await self._store.put(SPACE, batch.name, _encode(batch))
        await self._store.put(OPEN, batch.name, b"1")

    async def find(self, owner: str, id: str) -> Batch | None:
        """One of the owner's batches, as it stands."""
        data = await self._store.get(SPACE, f"{owner}/{id}")
        if data is None:
            return None
        return await self._marked(_batch(data))

    async def all(self, owner: str) -> list[Batch]:
        """The owner's batches, newest first."""
        found = [_batch(d) async for _, d in self._store.scan(SPACE, f"{owner}/")]
        return [await self._marked(batch) for batch in reversed(found)]

    async def open_names(self) -> list[str]:
        """Names of those that are not over."""
        return [name async for name, _ in self._store.scan(OPEN)]

    async def load(self, name: str) -> Batch | None:
        data = await self._store.get(SPACE, name)
        return None if data is None else _batch(data)

    async def save(self, batch: Batch) -> None:
        """To be called by who has its lease only."""
        ttl_s = self._keep_s if batch.status in OVER else None
        await self._store.put(SPACE, batch.name, _encode(batch), ttl_s)
        if batch.status in OVER:
            await self.close(batch.name)

    async def close(self, name: str) -> None:
        """It is over, or gone: nobody needs to look for it."""
        await self._store.delete(OPEN, name)
        await self._store.delete(CANCEL, name)
        await self._store.trim(_journal(name), 2**62)

    async def delete(self, batch: Batch) -> None:
        await self._store.delete(SPACE, batch.name)
        await self.close(batch.name)

    async def cancel(self, batch: Batch) -> None:
        """It shall end; whoever runs it will see."""
        await self._store.add_new(CANCEL, batch.name, b"%d" % self.clock())

    async def cancelled_at(self, name: str) -> int | None:
        data = await self._store.get(CANCEL, name)
        return None if data is None else int(data)

    async def begin(self, name: str, line: int) -> None:
        """A line is about to be run."""
        await self._store.append(_journal(name), [_encode(Entry(line))])

    async def end(self, name: str, entry: Entry) -> None:
        """A line was run: from now on it is done."""
        await self._store.append(_journal(name), [_encode(entry)])

    async def results(self, name: str) -> AsyncIterator[Entry]:
        """Results in the order in which they came, one for each line."""
        after, seen = 0, set[int]()
        while True:
            page = await self._store.read(_journal(name), after, PAGE)
            for id, data in page:
                after = id
                entry = _entry(data)
                if bytes(entry.result) and entry.line not in seen:
                    seen.add(entry.line)
                    yield entry
            if len(page) < PAGE:
                return

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        return await self._store.lease(f"batch/{name}", holder, ttl_s)

    async def release(self, name: str, holder: str) -> None:
        await self._store.release(f"batch/{name}", holder)

    async def _marked(self, batch: Batch) -> Batch:
        """With what was said since it was written."""
        if batch.status in OVER:
            return batch
        at = await self.cancelled_at(batch.name)
        if at is not None:
            batch.cancelling_at = at
            batch.status = "cancelling"
        return batch


def _journal(name: str) -> str:
    return f"batch/{name}"
