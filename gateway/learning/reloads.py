"""Look for other artifacts, in every worker: one of them is asked, the store tells all.

A document holds the mark of the last time somebody asked. Whoever finds another mark
than before looks, beside the loop.
"""

import asyncio
import logging
import secrets
from typing import Final

from gateway.store.contract import Store, StoreError
from routing.book import Book
from routing.contract import Reloading

log = logging.getLogger(__name__)

SPACE: Final = "routing.reloads"
NAME: Final = "last"


class Reloads:
    """Of one process."""

    def __init__(self, store: Store, book: Book, every_s: float) -> None:
        self.every_s = every_s
        """How often the others look whether anybody asked."""
        self._store = store
        self._book = book
        self._seen: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """What was asked before is done: everything has just been made."""
        try:
            self._seen = await self._store.get(SPACE, NAME)
        except StoreError as error:
            log.warning("nobody tells of reloads now", extra={"error": str(error)})

    async def ask(self) -> bool:
        """Look here now, to the end; whether the others were told."""
        mark = secrets.token_bytes(8)
        told = True
        try:
            await self._store.put(SPACE, NAME, mark)
            self._seen = mark
        except StoreError as error:
            log.warning("other workers look by themselves", extra={"error": str(error)})
            told = False
        await self._look()
        return told

    async def follow(self) -> None:
        """Look, in the background, where another process was asked to.

        Raises:
            StoreError: nobody knows.
        """
        mark = await self._store.get(SPACE, NAME)
        if mark == self._seen or (self._task and not self._task.done()):
            return
        self._seen = mark
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        for strategy in list(self._book.made()):
            if isinstance(strategy, Reloading):
                await asyncio.to_thread(strategy.reload)
