"""The engine by itself: time that runs out, processes that take over, disks that fail."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.registry import DIALECTS
from gateway.batch import engine as engines
from gateway.batch import lines
from gateway.batch.caller import Said
from gateway.batch.engine import Engine
from gateway.batch.ledger import Batch, Entry, Ledger
from gateway.config.stateful import Batches
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.spine.begin import begin
from gateway.store.contract import StoreError
from gateway.store.files import ORPHAN_S, Files, Full, one
from gateway.store.memory import MemoryStore
from gateway.telemetry.context import Propagation

CHAT = "/v1/chat/completions"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class FakeCaller:
    """Answers by itself, when it may."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.who: list[Principal | None] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def call(
        self, endpoint: str, body: bytes, principal: Principal | None, key: str
    ) -> Said:
        del endpoint
        self.asked[key.rpartition("-")[2]] += 1
        self.who.append(principal)
        await self.gate.wait()
        exchange = begin({}, Propagation(0.0), "r", DIALECTS["openai.chat"], "chat")
        return Said(200, body, "req", exchange)


class House:
    """A store and a folder, and as many engines on them as there are processes."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.store = MemoryStore(clock=self.clock)
        self.ledger = Ledger(self.store, 86_400.0, self.clock)
        self.files = Files(self.store, folder, 1_000_000, self.clock)
        self.settings = Batches(**settings)
        self.callers: list[FakeCaller] = []

    def engine(self) -> Engine:
        caller: Any = FakeCaller()
        self.callers.append(caller)
        keyring = Keyring(self.store, "", 5.0)
        return Engine(self.ledger, self.files, caller, keyring, self.settings)

    async def order(self, count: int, **more: Any) -> Batch:
        data = b"\n".join(
            json.dumps(
                {"custom_id": str(n), "method": "POST", "url": CHAT, "body": {"n": n}}
            ).encode()
            for n in range(count)
        )
        kept = await self.files.add("me", one(data), filename="f", purpose="batch")
        now = int(self.clock())
        batch = Batch(
            id="batch_1",
            owner="me",
            endpoint=CHAT,
            input=kept.id,
            created_at=now,
            expires_at=now + 100,
            **more,
        )
        await self.ledger.create(batch)
        return batch

    async def until(self, condition: Callable[[Batch], bool]) -> Batch:
        async with asyncio.timeout(20):
            while True:
                batch = await self.ledger.find("me", "batch_1")
                assert batch is not None
                if condition(batch):
                    return batch
                await asyncio.sleep(0.01)

    async def ids(self, id: str) -> list[str]:
        kept = await self.files.find("me", id)
        assert kept is not None
        data = await self.files.read("me", kept)
        return [json.loads(line)["custom_id"] for line in data.splitlines()]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOOK_S", 0.02)
    monkeypatch.setattr(engines, "RENEW_S", 0.02)
    monkeypatch.setattr(engines, "LAST_S", 0.1)


def test_what_is_not_done_in_time_has_expired(tmp_path: Path) -> None:
    async def work() -> None:
        house = House(tmp_path, parallel=2)
        engine = house.engine()
        house.callers[0].gate.clear()
        await house.order(6)
        engine.start()
        await house.until(lambda _: sum(house.callers[0].asked.values()) == 2)
        house.clock.now += 101
        house.callers[0].gate.set()
        batch = await house.until(lambda b: b.status == "expired")
        assert (batch.completed, batch.expired, batch.total) == (2, 4, 6)
        assert sorted(await house.ids(batch.output)) == ["0", "1"]
        assert sorted(await house.ids(batch.errors)) == ["2", "3", "4", "5"]
        assert await house.ledger.open_names() == []
        assert await house.store.read("batch/me/batch_1") == []
        await engine.close()

    asyncio.run(work())


def test_another_process_goes_on_where_one_died(tmp_path: Path) -> None:
    async def work() -> None:
        house = House(tmp_path, parallel=2)
        first = house.engine()
        batch = await house.order(6)
        # As a process leaves it that was killed: three results, one line begun, and
        # a lease that nobody renews.
        batch.status, batch.total = "in_progress", 6
        await house.ledger.save(batch)
        assert await house.ledger.lease(batch.name, "the dead", engines.LEASE_S)
        for n in range(3):
            await house.ledger.begin(batch.name, n)
            line = json.dumps({"custom_id": str(n)}).encode()
            await house.ledger.end(batch.name, Entry(n, lines.Raw(line), ok=True))
        await house.ledger.begin(batch.name, 3)
        first.start()
        await asyncio.sleep(0.1)
        assert not house.callers[0].asked  # it is the dead one's still
        house.clock.now += engines.LEASE_S
        ended = await house.until(lambda b: b.status == "completed")
        assert ended.completed == 6
        assert set(house.callers[0].asked) == {"3", "4", "5"}
        assert sorted(await house.ids(ended.output)) == list("012345")
        await first.close()

    asyncio.run(work())


def test_two_processes_run_no_line_twice(tmp_path: Path) -> None:
    async def work() -> None:
        house = House(tmp_path, parallel=3)
        both = [house.engine(), house.engine()]
        await house.order(50)
        for engine in both:
            engine.start()
        batch = await house.until(lambda b: b.status == "completed")
        asked = house.callers[0].asked + house.callers[1].asked
        assert asked == Counter({str(n): 1 for n in range(50)})
        assert len(await house.ids(batch.output)) == 50
        for engine in both:
            await engine.close()

    asyncio.run(work())


def test_a_stop_in_order_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    async def work() -> None:
        house = House(tmp_path, parallel=2)
        first = house.engine()
        house.callers[0].gate.clear()
        await house.order(6)
        first.start()
        await house.until(lambda _: sum(house.callers[0].asked.values()) == 2)
        await first.close()
        second = house.engine()
        second.start()  # at once: the lease was given back
        batch = await house.until(lambda b: b.status == "completed")
        assert len(await house.ids(batch.output)) == 6
        await second.close()

    asyncio.run(work())


def test_a_store_that_fails_is_asked_again(tmp_path: Path) -> None:
    async def work() -> None:
        house = House(tmp_path, parallel=2)
        engine = house.engine()
        broken = [2]
        append = house.store.append

        async def failing(log: str, entries: Any) -> int:
            if broken[0]:
                broken[0] -= 1
                raise StoreError("disk full")
            return await append(log, entries)

        house.store.append = failing  # type: ignore[method-assign]
        await house.order(4)
        engine.start()
        batch = await house.until(lambda b: b.status == "completed")
        assert sorted(await house.ids(batch.output)) == list("0123")
        await engine.close()

    asyncio.run(work())


def test_a_key_that_is_no_more_asks_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        house = House(tmp_path)
        engine = house.engine()
        engine._keyring = Keyring(house.store, "sk-master", 5.0)
        await house.order(1)
        engine.start()
        await house.until(lambda b: b.status == "completed")
        assert house.callers[0].who == [None]
        await engine.close()

    asyncio.run(work())


def test_the_folder_is_bounded_and_swept(tmp_path: Path) -> None:
    async def work() -> None:
        house = House(tmp_path)
        files = house.files
        with pytest.raises(Full):
            await files.add("me", one(b"x" * 1_000_001), filename="f", purpose="p")
        assert list(tmp_path.glob("*/*")) == []
        kept = await files.add("me", one(b"x" * 600_000), filename="f", purpose="p")
        with pytest.raises(Full):
            await files.add("me", one(b"x" * 600_000), filename="f", purpose="p")
        short = await files.add("me", one(b"1"), filename="f", purpose="p", ttl_s=10)
        house.clock.now += 10
        assert await files.find("me", short.id) is None
        (tmp_path / "me" / "stray").write_bytes(b"?")
        house.clock.now = (tmp_path / "me" / "stray").stat().st_mtime + ORPHAN_S + 1
        await files.sweep()
        assert [path.name for path in tmp_path.glob("*/*")] == [kept.id]
        for name in ("../me", "a/b", "", "."):
            assert await files.find("me", name) is None

    asyncio.run(work())


@given(st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=5)))
def test_lines_are_split_as_they_were_joined(texts: list[str]) -> None:
    for end in (b"\n", b"\r\n"):
        data = end.join(text.encode() for text in texts)
        kept = [text.encode() for text in texts if text.encode().strip()]
        assert list(lines.split(data)) == kept


@given(st.binary(max_size=200))
def test_any_bytes_are_checked_without_an_error(data: bytes) -> None:
    count, faults = lines.check(data, CHAT, 10)
    assert count == len(list(lines.split(data)))
    assert faults
