"""Lessons in a store: shared, kept, refused when they are none."""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.learning.decisions import Decision, Decisions
from gateway.learning.lessons import LESSONS, SHARES, Lessons
from gateway.store.contract import StoreError
from gateway.store.memory import MemoryStore
from routing.book import Book, Spec
from routing.types import Prompt, Query
from tests.routing.test_learning import POOL, outcome

SPECS = {
    "own": Spec(kind="elo", options={"k": 50}),
    "trial": Spec(kind="experiment", options={"arms": {"own": 1, "ordered": 1}}),
}


def run(job: Coroutine[Any, Any, None]) -> None:
    asyncio.run(job)


def worker(store: MemoryStore, specs: dict[str, Spec] = SPECS) -> tuple[Any, Lessons]:
    book = Book(specs, random.Random(1), lambda: 0.0)
    book.get("trial")
    return book.get("own"), Lessons(store, book, 60.0, wall=lambda: 1000.0)


def value(strategy: Any) -> float:
    found: float = strategy.score(Query(alias="m"), POOL, [])[0].value
    return found


def test_workers_add_up_what_they_learned() -> None:
    async def job() -> None:
        store = MemoryStore()
        one, ours = worker(store)
        two, theirs = worker(store)
        one.learn(outcome("a", 1.0))
        two.learn(outcome("a", 1.0))
        assert value(one) == 1525.0
        for lessons in (ours, theirs, ours):
            assert await lessons.exchange()
        assert value(one) == value(two) == 1550.0
        assert not one.notes.fresh
        three, fresh = worker(store)
        await fresh.start()
        assert value(three) == 1550.0
        await fresh.close()

    run(job())


def test_who_has_the_lease_is_waited_for_and_nothing_is_lost() -> None:
    async def job() -> None:
        store = MemoryStore()
        one, ours = worker(store)
        one.learn(outcome("a", 1.0))
        assert await store.lease(f"{LESSONS}/own", "another", 60.0)
        assert not await ours.exchange()
        assert one.notes.fresh
        await store.release(f"{LESSONS}/own", "another")
        await ours.close()
        assert not one.notes.fresh

    run(job())


@pytest.mark.parametrize(
    "kept",
    [b"", b"{}", b'{"at": 1, "mark": "x", "notes": "bm8="}', b"\xff", b"[" * 9000],
)
def test_what_cannot_be_read_is_replaced_by_what_is_known(kept: bytes) -> None:
    async def job() -> None:
        store = MemoryStore()
        await store.put(LESSONS, "own", kept)
        await store.put(SHARES, "trial", kept)
        one, ours = worker(store)
        await ours.exchange()
        assert value(one) == 1500.0
        one.learn(outcome("a", 1.0))
        assert await ours.exchange()
        two, theirs = worker(store)
        await theirs.exchange()
        assert value(two) == value(one) == 1525.0

    run(job())


class Failing(MemoryStore):
    """Reads, and does not write while it is told to fail."""

    fails = False

    async def put(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> None:
        if self.fails:
            raise StoreError("disk full")
        await super().put(space, name, data, ttl_s)


def test_lessons_that_could_not_be_written_are_told_later() -> None:
    async def job() -> None:
        store = Failing()
        one, ours = worker(store)
        two, theirs = worker(store)
        two.learn(outcome("a", 1.0))
        assert await theirs.exchange()
        one.learn(outcome("a", 1.0))
        store.fails = True
        assert await ours.exchange()
        assert await ours.exchange()
        assert value(one) == 1550.0
        store.fails = False
        one.learn(outcome("a", 0.5))
        for lessons in (ours, theirs):
            assert await lessons.exchange()
        assert value(one) == value(two)
        assert two.told()["learned"][0]["scores"] == 3.0

    run(job())


class Slow(MemoryStore):
    """Lets others have their turn before it does anything."""

    async def get(self, space: str, name: str) -> bytes | None:
        await asyncio.sleep(0.001)
        return await super().get(space, name)

    async def put(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> None:
        await asyncio.sleep(0.003)
        await super().put(space, name, data, ttl_s)


def test_who_writes_at_the_same_time_loses_nothing() -> None:
    async def job() -> None:
        store = Slow()
        one, ours = worker(store)

        async def learns() -> None:
            for _ in range(10):
                one.learn(outcome("a", 1.0))
                await asyncio.sleep(0.001)

        together = [ours.exchange() for _ in range(6)]
        await asyncio.gather(learns(), *together)
        assert await ours.exchange()
        two, theirs = worker(store)
        await theirs.exchange()
        assert two.told()["learned"][0]["scores"] == pytest.approx(10.0)
        assert value(two) == pytest.approx(value(one))

    run(job())


def test_a_change_reaches_others_and_ends_with_the_configuration() -> None:
    async def job() -> None:
        store = MemoryStore()
        _, ours = worker(store)
        _, theirs = worker(store)
        trial: Any = ours.book.get("trial")
        await ours.change(trial, {"own": 3})
        await theirs.exchange()
        there: Any = theirs.book.get("trial")
        assert there.weights == {"own": 3.0, "ordered": 0.0}
        with pytest.raises(ValueError, match="nobody"):
            await ours.change(trial, {"nobody": 1})
        arms = Spec(kind="experiment", options={"arms": {"own": 1, "ordered": 2}})
        _, later = worker(store, SPECS | {"trial": arms})
        await later.exchange()
        last: Any = later.book.get("trial")
        assert last.weights == {"own": 1.0, "ordered": 2.0}

    run(job())


def test_a_change_that_cannot_be_kept_is_none() -> None:
    async def job() -> None:
        store = MemoryStore()
        _, ours = worker(store)
        trial: Any = ours.book.get("trial")
        await store.close()
        with pytest.raises(StoreError):
            await ours.change(trial, {"own": 3})
        assert trial.weights == {"own": 1.0, "ordered": 1.0}
        assert await ours.exchange()  # goes on without

    run(job())


def test_decisions_are_found_later_and_not_for_ever() -> None:
    async def job() -> None:
        store = MemoryStore()
        ours = Decisions(store, 60.0, most=3)
        query = Query(alias="m", id="req_1", prompt=Prompt(turns=2))
        for i in range(5):
            ours.note(f"req_{i}", Decision("k", "m", "a", "openai/a", query))
        await ours.flush()
        assert await ours.find("req_0") is None  # too many waited
        others = Decisions(store, 60.0)
        assert (await others.find("req_4")) == await ours.find("req_4")
        assert (await ours.find("req_4")) is not None
        await store.put("routing.decisions", "req_9", b"{")
        assert await others.find("req_9") is None
        await store.close()
        ours.note("req_7", Decision("k", "m", "a", "openai/a", query))
        await ours.flush()  # told, and given up

    run(job())
