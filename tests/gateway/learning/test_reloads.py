"""A reload in every worker: who is asked tells the others through the store."""

import asyncio
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.learning.lessons import Lessons
from gateway.learning.reloads import SPACE
from gateway.store.contract import StoreError
from gateway.store.memory import MemoryStore
from routing.book import Book, Spec


class Worker:
    """With a strategy over a folder that is not there: each look is a refusal."""

    def __init__(self, store: MemoryStore, folder: Path) -> None:
        options = {"artifact": str(folder / "none"), "poll_s": 3600.0}
        specs = {"ours": Spec(kind="ridge", options=options)}
        self.lessons = Lessons(
            store, Book(specs, random.Random(1), lambda: 0.0), every_s=60.0
        )
        self.lessons.book.ready()

    def looks(self) -> int:
        """Since it was made."""
        strategy: Any = self.lessons.book.get("ours")
        refused: int = strategy.counts()["refused"]
        return refused - 1

    async def turn(self) -> None:
        await self.lessons.exchange()
        task = self.lessons.reloads._task
        if task is not None:
            await task


def run(job: Coroutine[Any, Any, None]) -> None:
    asyncio.run(job)


def test_the_others_look_once(tmp_path: Path) -> None:
    async def job() -> None:
        store = MemoryStore()
        one, other = Worker(store, tmp_path), Worker(store, tmp_path)
        for worker in (one, other):
            await worker.lessons.reloads.start()
        assert await one.lessons.reloads.ask()
        assert (one.looks(), other.looks()) == (1, 0)
        for _ in range(3):
            await one.turn()
            await other.turn()
        assert (one.looks(), other.looks()) == (1, 1)
        assert await other.lessons.reloads.ask()
        await one.turn()
        assert (one.looks(), other.looks()) == (2, 2)
        # Who comes later has just looked.
        late = Worker(store, tmp_path)
        await late.lessons.reloads.start()
        await late.turn()
        assert late.looks() == 0

    run(job())


def test_without_a_store_who_is_asked_looks_and_says_that_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def job() -> None:
        store = MemoryStore()
        worker = Worker(store, tmp_path)
        usual = store.put

        async def full(space: str, name: str, data: bytes, **more: Any) -> None:
            if space == SPACE:
                raise StoreError("full")
            await usual(space, name, data, **more)

        monkeypatch.setattr(store, "put", full)
        assert not await worker.lessons.reloads.ask()
        assert worker.looks() == 1

    run(job())
