"""Records are kept for `records.keep_days`, then forgotten.

Rows are read from the oldest on, and nothing behind the first one that is still to be
kept is looked at: a row is read once for this in its life. Several processes may sweep
the same store, what one has dropped the other does not find.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from gateway.store.contract import Entry, Store, StoreError
from gateway.telemetry.row import FEEDBACK_LOG, LOG

log = logging.getLogger(__name__)

EVERY_S: Final = 900.0
PAGE: Final = 50
"""Rows of one read: they may hold megabytes of content each."""
PAUSE_S: Final = 0.005
"""Between two pages, so that other writers have their turn."""
DAY_S: Final = 86_400.0


class _Dated(msgspec.Struct, frozen=True):
    """What every row of both logs has."""

    at_ns: int


_decode = msgspec.json.Decoder(_Dated).decode


class Sweep:
    """Drops rows older than `keep_s` seconds, in the background."""

    def __init__(
        self,
        store: Store,
        keep_s: float,
        *,
        every_s: float = EVERY_S,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._keep_s = keep_s
        self._every_s = every_s
        self._wall = wall
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep now and then every `every_s` seconds, on the running loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, wherever it is."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def once(self) -> int:
        """Sweep both logs; how many rows went.

        Raises:
            StoreError: the store would not.
        """
        before_ns = int((self._wall() - self._keep_s) * 1e9)
        return sum([await self._trim(name, before_ns) for name in (LOG, FEEDBACK_LOG)])

    async def _run(self) -> None:
        while True:
            try:
                gone = await self.once()
            except StoreError as error:
                log.warning("old records stay for now", extra={"error": str(error)})
            else:
                if gone:
                    log.info("old records are forgotten", extra={"rows": gone})
            await asyncio.sleep(self._every_s)

    async def _trim(self, name: str, before_ns: int) -> int:
        gone = 0
        while True:
            page = await self._store.read(name, limit=PAGE)
            last = _last_old(page, before_ns)
            if last:
                gone += await self._store.trim(name, last + 1)
            if not page or last != page[-1].id:
                return gone
            await asyncio.sleep(PAUSE_S)


def _last_old(page: list[Entry], before_ns: int) -> int:
    """The id of the last old row before the first that is kept; 0 when there is none.
    What cannot be read goes with the old rows behind it."""
    last = 0
    for entry in page:
        try:
            if _decode(entry.data).at_ns >= before_ns:
                break
        except (msgspec.MsgspecError, UnicodeError):
            continue
        last = entry.id
    return last
