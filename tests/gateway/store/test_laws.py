"""Every store does what the contract says, whatever the order and the names."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gateway.store.contract import Store, StoreError
from gateway.store.memory import MemoryStore
from gateway.store.sqlite import SqliteStore

HOSTILE = [
    "",
    "a",
    "ab",
    "a'b",
    'a"b',
    "a\x00b",
    "a\x00",
    "\x00",
    "a{b}",
    "a:b",
    "a/b",
    "a\r\nb",
    "a%",
    "a_",
    "A",
    "1",
    "01",
    "1.0",
    "' OR 1=1 --",
    "'; DROP TABLE documents; --",
    "{0.__class__}",
    "e\u0301",
    "\u00e9",
    "\u202e\u200b",
    "\uffff",
    "\U0001f600",
    "x" * 5000,
]
names = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]))
few = st.sampled_from(["a", "a'b", "a\x00b"])
data = st.binary(max_size=40)
lives = st.none() | st.sampled_from([0.5, 5.0, 60.0])


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class StoreMachine(RuleBasedStateMachine):
    """A store beside dictionaries that do the same, plainly."""

    make: Callable[[Clock, Path], Store]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.store = type(self).make(self.clock, Path(self.folder.name))
        self.documents: dict[tuple[str, str], tuple[bytes, float | None]] = {}
        self.counters: dict[str, tuple[int, float | None]] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.log: dict[str, list[tuple[int, bytes]]] = {}
        self.last_id = 0

    def teardown(self) -> None:
        self.do(self.store.close())
        self.runner.close()
        self.folder.cleanup()

    def do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(what)

    def until(self, seconds: float | None) -> float | None:
        return None if seconds is None else self.clock.now + seconds

    def live(self, expires: float | None) -> bool:
        return expires is None or expires > self.clock.now

    def document(self, space: str, name: str) -> bytes | None:
        found = self.documents.get((space, name))
        return found[0] if found and self.live(found[1]) else None

    @rule(seconds=st.sampled_from([0.4, 1.0, 20.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(space=few, name=names, data=data, life=lives)
    def put(self, space: str, name: str, data: bytes, life: float | None) -> None:
        self.do(self.store.put(space, name, data, life))
        self.documents[space, name] = (data, self.until(life))

    @rule(space=few, name=names, data=data, life=lives)
    def add_new(self, space: str, name: str, data: bytes, life: float | None) -> None:
        absent = self.document(space, name) is None
        assert self.do(self.store.add_new(space, name, data, life)) == absent
        if absent:
            self.documents[space, name] = (data, self.until(life))

    @rule(space=few, name=names)
    def get(self, space: str, name: str) -> None:
        assert self.do(self.store.get(space, name)) == self.document(space, name)

    @rule(space=few, name=names)
    def delete(self, space: str, name: str) -> None:
        there = self.document(space, name) is not None
        assert self.do(self.store.delete(space, name)) == there
        self.documents.pop((space, name), None)

    @rule(space=few, prefix=names | st.just(""))
    def scan(self, space: str, prefix: str) -> None:
        async def all_of() -> list[tuple[str, bytes]]:
            return [pair async for pair in self.store.scan(space, prefix)]

        assert self.do(all_of()) == sorted(
            (name, data)
            for (where, name), (data, expires) in self.documents.items()
            if where == space and name.startswith(prefix) and self.live(expires)
        )

    @rule(name=few | names, amount=st.integers(-5, 2**40), window=lives)
    def add(self, name: str, amount: int, window: float | None) -> None:
        value, expires = self.counters.get(name, (0, None))
        if name not in self.counters or not self.live(expires):
            value, expires = 0, self.until(window)
        value += amount
        assert self.do(self.store.add(name, amount, window)) == value
        self.counters[name] = (value, expires)

    @rule(log=few, entries=st.lists(data, max_size=4), blocking=st.booleans())
    def append(self, log: str, entries: list[bytes], blocking: bool) -> None:
        if blocking:
            last = self.store.append_blocking(log, entries)
        else:
            last = self.do(self.store.append(log, entries))
        kept = self.do(self.store.read(log, limit=10_000))
        mine = self.log.setdefault(log, [])
        new = kept[len(mine) :]
        assert [data for _, data in new] == entries
        assert last == (kept[-1][0] if kept else 0)
        for id, _ in new:
            assert id > self.last_id
            self.last_id = id
        mine += new

    @rule(log=few, after=st.integers(0, 30), limit=st.integers(0, 5))
    def read(self, log: str, after: int, limit: int) -> None:
        found = self.do(self.store.read(log, after, limit))
        kept = [pair for pair in self.log.get(log, []) if pair[0] > after]
        assert found == kept[:limit]

    @rule(log=few, before=st.integers(0, 30))
    def trim(self, log: str, before: int) -> None:
        kept = [pair for pair in self.log.get(log, []) if pair[0] >= before]
        dropped = len(self.log.get(log, [])) - len(kept)
        assert self.do(self.store.trim(log, before)) == dropped
        self.log[log] = kept

    @rule(name=few, holder=few, seconds=st.sampled_from([0.5, 30.0]))
    def lease(self, name: str, holder: str, seconds: float) -> None:
        has, expires = self.leases.get(name, (holder, 0.0))
        free = not self.live(expires) or has == holder
        assert self.do(self.store.lease(name, holder, seconds)) == free
        if free:
            self.leases[name] = (holder, self.clock.now + seconds)

    @rule(name=few, holder=few)
    def release(self, name: str, holder: str) -> None:
        self.do(self.store.release(name, holder))
        if self.leases.get(name, ("", 0))[0] == holder:
            del self.leases[name]

    @invariant()
    def what_is_hostile_changes_nothing(self) -> None:
        for name in ("\ud800", "a\udfff"):
            with pytest.raises(StoreError):
                self.do(self.store.put("a", name, b""))


def _sqlite(clock: Clock, folder: Path) -> Store:
    store = SqliteStore(str(folder / "store.db"), clock=clock)
    store.open()
    return store


STORES: dict[str, Callable[[Clock, Path], Store]] = {
    "memory": lambda clock, _: MemoryStore(clock),
    "sqlite": _sqlite,
}


@pytest.mark.parametrize("kind", STORES)
def test_a_store_keeps_the_contract(kind: str) -> None:
    machine = type("Machine", (StoreMachine,), {"make": staticmethod(STORES[kind])})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=60, stateful_step_count=40, deadline=None),
    )


@pytest.mark.parametrize("kind", STORES)
def test_parallel_calls_neither_lose_nor_double(kind: str, tmp_path: Path) -> None:
    async def scene() -> None:
        store = STORES[kind](Clock(), tmp_path)
        values = await asyncio.gather(*(store.add("n", 1) for _ in range(300)))
        assert sorted(values) == list(range(1, 301))
        first = await asyncio.gather(
            *(store.add_new("once", "x", bytes([i])) for i in range(100))
        )
        assert first.count(True) == 1
        held = await asyncio.gather(
            *(store.lease("l", f"h{i}", 10.0) for i in range(100))
        )
        assert held.count(True) == 1
        ids = await asyncio.gather(
            *(store.append("log", [b"a", b"b", b"c"]) for _ in range(100))
        )
        assert len(set(ids)) == 100
        entries = await store.read("log", limit=1000)
        assert [data for _, data in entries] == [b"a", b"b", b"c"] * 100
        await store.close()

    asyncio.run(scene())


@pytest.mark.parametrize("kind", STORES)
def test_a_number_too_large_is_refused_and_changes_nothing(
    kind: str, tmp_path: Path
) -> None:
    async def scene() -> None:
        store = STORES[kind](Clock(), tmp_path)
        await store.add("n", 2**62)
        with pytest.raises(StoreError):
            await store.add("n", 2**62)
        assert await store.add("n", 1) == 2**62 + 1
        await store.close()

    asyncio.run(scene())


@pytest.mark.parametrize("kind", STORES)
def test_a_closed_store_says_so(kind: str, tmp_path: Path) -> None:
    async def scene() -> None:
        store = STORES[kind](Clock(), tmp_path)
        await store.put("a", "b", b"c")
        await store.close()
        await store.close()
        with pytest.raises(StoreError, match="closed"):
            await store.get("a", "b")
        with pytest.raises(StoreError, match="closed"):
            store.append_blocking("log", [b"x"])

    asyncio.run(scene())


@pytest.mark.parametrize("kind", STORES)
def test_a_long_scan_gives_every_document_once(kind: str, tmp_path: Path) -> None:
    async def scene() -> None:
        store = STORES[kind](Clock(), tmp_path)
        every = [f"k{i:05}" for i in range(1203)]
        await asyncio.gather(*(store.put("s", name, b"") for name in every))
        await store.put("s", "l", b"")
        await store.put("other", "k", b"")
        assert [name async for name, _ in store.scan("s", "k")] == every
        await store.close()

    asyncio.run(scene())


def test_memory_keeps_only_the_last_entries_of_a_log() -> None:
    async def scene() -> None:
        store = MemoryStore(max_entries=3)
        await store.append("log", [bytes([i]) for i in range(10)])
        assert [data for _, data in await store.read("log")] == [b"\7", b"\10", b"\11"]

    asyncio.run(scene())


def test_memory_forgets_what_has_expired() -> None:
    async def scene() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        for i in range(100):
            await store.put("s", str(i), b"x", 5.0)
            await store.add(str(i), 1, 5.0)
            await store.lease(str(i), "h", 5.0)
        clock.now += 6.0
        await store.get("s", "0")
        assert not store._documents
        assert not store._counters
        assert not store._leases
        assert not store._ends

    asyncio.run(scene())


WRITES = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 60), st.booleans()),
    max_size=40,
)


@given(WRITES)
def test_memory_stays_within_its_bound_and_drops_nothing_immortal(
    writes: list[tuple[str, int, bool]],
) -> None:
    async def scene() -> None:
        store = MemoryStore(Clock(), max_bytes=100)
        lasting: dict[str, int] = {}
        for name, size, mortal in writes:
            held = sum(lasting.values()) - lasting.get(name, 0)
            try:
                await store.put("s", name, b"x" * size, 9.0 if mortal else None)
            except StoreError:
                assert held + size > 100  # what is mortal would have gone
                continue
            lasting.pop(name, None)
            if not mortal:
                lasting[name] = size
            assert await store.get("s", name) == b"x" * size
            kept = {n: len(data) async for n, data in store.scan("s")}
            assert sum(kept.values()) <= 100
            assert lasting.items() <= kept.items()

    asyncio.run(scene())


def test_memory_looks_at_no_end_that_is_none() -> None:
    async def scene() -> None:
        store = MemoryStore(Clock())
        for i in range(20_000):
            await store.put("s", "k", b"%d" % i, 86_400.0)
        assert len(store._ends) < 2_000
        assert await store.get("s", "k") == b"19999"

    asyncio.run(scene())


def test_memory_bounds_a_log_by_its_bytes() -> None:
    async def scene() -> None:
        store = MemoryStore(max_bytes=25)
        await store.append("log", [b"x" * 10, b"y" * 10, b"z" * 10])
        assert [data[:1] for _, data in await store.read("log")] == [b"y", b"z"]
        await store.append("log", [b"a" * 40])
        assert [data[:1] for _, data in await store.read("log")] == [b"a"]

    asyncio.run(scene())
