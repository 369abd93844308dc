"""What strategies have learned, and how experiments were changed: kept in the store,
shared by workers, back after a restart.

Lessons add up (`routing.contract.Notes`): whoever has news joins them with what others
wrote, under a lease, and writes the sum. A change of an experiment is one document; the
last writer wins.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from gateway.learning.reloads import Reloads
from gateway.store.contract import Store, StoreError
from routing.book import Book
from routing.contract import Forgetting, Keeping, Weighing

log = logging.getLogger(__name__)

LESSONS: Final = "routing.lessons"
SHARES: Final = "routing.shares"
LEASE_S: Final = 5.0
LAST_S: Final = 2.0
"""How long the last lessons may take to be written when the process stops."""
AGAIN_S: Final = 0.05
BUSY: Final = 20.0
"""Pauses are at least so many times as long as the work."""


class Kept(msgspec.Struct, frozen=True):
    """What a strategy learned."""

    at: float
    """Unix seconds."""
    mark: str
    """Another one for every writing."""
    notes: bytes


class Changed(msgspec.Struct, frozen=True):
    """Shares of an experiment, in place of the configured ones."""

    configured: dict[str, float]
    """The shares that were configured then: other ones end the change."""
    shares: dict[str, float]


_kept = msgspec.json.Decoder(Kept).decode
_changed = msgspec.json.Decoder(Changed).decode
_encode = msgspec.json.Encoder().encode


class Lessons:
    """Of one process."""

    def __init__(
        self,
        store: Store,
        book: Book,
        every_s: float,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.book = book
        self.reloads = Reloads(store, book, every_s)
        self._store = store
        self._every_s = every_s
        self._wall = wall
        self._holder = secrets.token_hex(8)
        self._seen: dict[str, str] = {}
        """Strategy -> mark of what was joined last."""
        self._turn = asyncio.Lock()
        """Between reading and writing nobody else of this process writes: the lease
        keeps off other processes only."""
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read what is kept, then go on in the background."""
        await self.reloads.start()
        await self.exchange()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what was learned last."""
        self._stopping.set()
        if self._task is not None:
            await self._task  # never cut off between reading and writing
        await _until(self.exchange, LAST_S)

    async def exchange(self) -> bool:
        """Tell others and hear from them; whether all is told."""
        told = True
        try:
            await self.reloads.follow()
            for strategy in list(self.book.made()):
                if isinstance(strategy, Keeping):
                    told = await self._join(strategy) and told
                if isinstance(strategy, Weighing):
                    await self._follow(strategy)
        except StoreError as error:
            log.warning(
                "what strategies learn cannot be kept now", extra={"error": str(error)}
            )
            return True  # waiting does not help
        return told

    async def change(self, strategy: Weighing, shares: Mapping[str, float]) -> None:
        """New shares of an experiment, here at once, soon in every worker.

        Raises:
            ValueError: an unknown arm, or nothing is left.
            StoreError: they cannot be kept; nothing has changed.
        """
        before = dict(strategy.weights)
        strategy.change(shares)
        document = Changed(dict(strategy.configured), dict(strategy.weights))
        try:
            await self._store.put(SHARES, strategy.name, _encode(document))
        except StoreError:
            strategy.change(before)
            raise
        strategy.change(document.shares)  # others' may have been read meanwhile

    async def forget(self, strategy: Forgetting, subject: str) -> bool:
        """Everything about a subject, here and in the store at once, in other workers
        within seconds; whether it is gone for certain.

        Raises:
            StoreError: what is kept cannot be reached.
        """
        strategy.forget(subject)
        if not isinstance(strategy, Keeping):
            return True
        return await _until(lambda: self._join(strategy), 2 * LEASE_S)

    async def _run(self) -> None:
        pause = self._every_s
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            began = time.monotonic()
            await self.exchange()
            pause = max(self._every_s, BUSY * (time.monotonic() - began))

    async def _join(self, strategy: Keeping) -> bool:
        """Whether nothing is left to tell."""
        async with self._turn:
            return await self._joined(strategy)

    async def _joined(self, strategy: Keeping) -> bool:
        name = strategy.name
        if not strategy.notes.fresh:
            kept = await self._read(name)
            if kept is not None and kept.mark != self._seen.get(name):
                self._heard(strategy, kept)
            return True
        lease = f"{LESSONS}/{name}"
        if not await self._store.lease(lease, self._holder, LEASE_S):
            return False
        try:
            notes = self._heard(strategy, await self._read(name))
            mark = self._seen[name] = secrets.token_hex(8)
            document = _encode(Kept(self._wall(), mark, notes))
            await self._store.put(LESSONS, name, document)
        except StoreError:
            strategy.notes.unwritten()
            raise
        finally:
            await self._store.release(lease, self._holder)
        return True

    def _heard(self, strategy: Keeping, kept: Kept | None) -> bytes:
        """What is to be kept next."""
        if kept is not None:
            self._seen[strategy.name] = kept.mark
            try:
                return strategy.notes.join(kept.notes, self._wall() - kept.at)
            except ValueError as error:
                log.warning(
                    "what a strategy learned does not fit it any more",
                    extra={"strategy": strategy.name, "error": str(error)},
                )
        return strategy.notes.join(None, 0.0)

    async def _read(self, name: str) -> Kept | None:
        data = await self._store.get(LESSONS, name)
        try:
            return None if data is None else _kept(data)
        except msgspec.MsgspecError as error:
            log.warning(
                "what a strategy learned cannot be read",
                extra={"strategy": name, "error": str(error)},
            )
            return None

    async def _follow(self, strategy: Weighing) -> None:
        """The shares that were set last, over the same configuration."""
        shares: Mapping[str, float] = strategy.configured
        data = await self._store.get(SHARES, strategy.name)
        if data is not None:
            try:
                changed = _changed(data)
            except msgspec.MsgspecError:
                return
            if changed.configured == strategy.configured:
                shares = changed.shares
        if shares != strategy.weights:
            strategy.change(shares)
            log.info(
                "an experiment has other shares",
                extra={"strategy": strategy.name, "shares": dict(shares)},
            )


async def _until(done: Callable[[], Awaitable[bool]], within_s: float) -> bool:
    """Try, and try again, for so long."""
    deadline = time.monotonic() + within_s
    while not await done():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(AGAIN_S)
    return True
