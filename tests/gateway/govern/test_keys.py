"""Keys open doors for as long as they live, and leave nothing to steal or to guess."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.govern import keys
from gateway.govern.keys import (
    MAX_STRANGERS,
    Keyring,
    Minted,
    create,
    list_keys,
    revoke,
)
from gateway.govern.principal import ANYONE, Principal
from gateway.store.contract import StoreError
from gateway.store.memory import MemoryStore

MASTER = "sk-master-of-all"
CACHE_S = 5.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def ring(store: Any, clock: Clock, master: str = MASTER) -> Keyring:
    return Keyring(store, master, CACHE_S, monotonic=clock, wall=clock)


async def ask(keyring: Keyring, presented: bytes) -> Principal | None:
    """As the door does."""
    return keyring.known(presented) or await keyring.find(presented)


class KeyMachine(RuleBasedStateMachine):
    """Live keys are let in at once; dead ones at most for the cache's time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.runner = asyncio.Runner()
        self.store = MemoryStore(self.clock)
        self.keyring = ring(self.store, self.clock)
        self.minted: list[Minted] = []
        self.ended: dict[str, float] = {}
        """Id -> when it was revoked."""

    def teardown(self) -> None:
        self.runner.close()

    def do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(what)

    @rule(life=st.none() | st.sampled_from([1.0, 7.0, 100.0]))
    def mint(self, life: float | None) -> None:
        key = create(self.store, name="n", expires_s=life, now=self.clock.now)
        self.minted.append(self.do(key))

    @precondition(lambda self: self.minted)
    @rule(pick=st.randoms())
    def revoke_one(self, pick: Any) -> None:
        key = pick.choice(self.minted)
        there = key.id not in self.ended
        assert self.do(revoke(self.store, key.id)) == there
        self.ended.setdefault(key.id, self.clock.now)

    @rule(seconds=st.sampled_from([0.5, 2.0, 5.0, 50.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @precondition(lambda self: self.minted)
    @rule(pick=st.randoms())
    def use_one(self, pick: Any) -> None:
        key = pick.choice(self.minted)
        found = self.do(ask(self.keyring, key.secret.encode()))
        expires = key.kept.expires_unix_s
        if expires is not None and self.clock.now >= expires:
            assert found is None
        elif key.id not in self.ended:
            assert found is not None
            assert found.id == key.id
        elif self.clock.now >= self.ended[key.id] + CACHE_S:
            assert found is None

    @rule(presented=st.binary(max_size=80))
    def a_stranger_tries(self, presented: bytes) -> None:
        assert self.do(ask(self.keyring, presented)) is None

    @invariant()
    def the_master_is_always_let_in(self) -> None:
        found = self.keyring.known(MASTER.encode())
        assert found is not None
        assert found.is_master


def test_keys_open_for_as_long_as_they_live() -> None:
    run_state_machine_as_test(
        KeyMachine, settings=settings(max_examples=60, stateful_step_count=40)
    )


def test_a_secret_is_long_random_and_kept_nowhere() -> None:
    async def scene() -> None:
        store = MemoryStore()
        minted = [await create(store, name="a") for _ in range(50)]
        assert len({key.secret for key in minted}) == 50
        assert len({key.id for key in minted}) == 50
        kept = [(n, d) async for n, d in store.scan(keys.SPACE)]
        assert len(kept) == 50
        for key in minted:
            assert key.secret.startswith("sk-riq-")
            assert len(key.secret) >= len("sk-riq-") + 43
            random = key.secret.removeprefix("sk-riq-")
            for name, data in kept:
                assert random[:8] not in name
                assert random.encode()[:8] not in data
            shown = key.kept.preview.replace("sk-riq-", "").replace("...", "")
            assert len(shown) <= 8

    asyncio.run(scene())


def test_keys_are_listed_oldest_first_without_their_secrets() -> None:
    async def scene() -> None:
        store = MemoryStore()
        for i in (3, 1, 2):
            await create(
                store,
                name=f"k{i}",
                models=["gpt", "openai/*"],
                expires_s=60.0,
                metadata={"team": "a'b\x00"},
                now=float(i),
            )
        listed = await list_keys(store)
        assert [kept.name for kept in listed] == ["k1", "k2", "k3"]
        assert listed[0].models == ["gpt", "openai/*"]
        assert listed[0].expires_unix_s == 61.0
        assert listed[0].metadata == {"team": "a'b\x00"}
        assert "secret" not in msgspec.json.encode(listed).decode()

    asyncio.run(scene())


def test_a_key_knows_its_models() -> None:
    async def scene() -> None:
        store, clock = MemoryStore(), Clock()
        key = await create(store, name="n", models=["gpt", "openai/*"], now=clock.now)
        found = await ring(store, clock).find(key.secret.encode())
        assert found is not None
        assert (found.id, found.name, found.is_master) == (key.id, "n", False)
        assert found.may_use("gpt")
        assert found.may_use("openai/any")
        assert not found.may_use("claude")

    asyncio.run(scene())


@given(st.binary(max_size=2000))
def test_whatever_is_presented_is_simply_unknown(presented: bytes) -> None:
    async def scene() -> None:
        keyring = ring(MemoryStore(), Clock())
        assert await ask(keyring, presented) is None

    asyncio.run(scene())


@pytest.mark.parametrize(
    "presented",
    [
        b"",
        b"sk-riq-",
        MASTER[:-1].encode(),
        MASTER.encode() + b"\x00",
        MASTER.upper().encode(),
        b"\xff\xfe",
        "\u202esk-riq".encode(),
        b"' OR 1=1 --",
        b"x" * 10_000_000,
    ],
)
def test_hostile_keys_are_unknown(presented: bytes) -> None:
    async def scene() -> None:
        store = MemoryStore()
        await create(store, name="n")
        assert await ask(ring(store, Clock()), presented) is None

    asyncio.run(scene())


def test_a_hash_is_no_key() -> None:
    async def scene() -> None:
        store, clock = MemoryStore(), Clock()
        await create(store, name="n", now=clock.now)
        names = [name async for name, _ in store.scan(keys.SPACE)]
        assert await ask(ring(store, clock), names[0].encode()) is None
        assert await ask(ring(store, clock), bytes.fromhex(names[0])) is None

    asyncio.run(scene())


def test_without_a_master_everyone_is_let_in() -> None:
    async def scene() -> None:
        keyring = ring(MemoryStore(), Clock(), master="")
        for presented in (b"", b"anything", b"x" * 10_000):
            assert await ask(keyring, presented) is ANYONE
            assert await keyring.find(presented) is ANYONE
        assert not ANYONE.is_master

    asyncio.run(scene())


class Counting(MemoryStore):
    """Counts reads; breaks on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.broken = False

    async def get(self, space: str, name: str) -> bytes | None:
        self.reads += 1
        if self.broken:
            raise StoreError("disk on fire")
        return await super().get(space, name)


def test_probing_fills_no_memory_and_forgets_no_key() -> None:
    async def scene() -> None:
        store, clock = Counting(), Clock()
        keyring = ring(store, clock)
        key = await create(store, name="n", now=clock.now)
        assert await ask(keyring, key.secret.encode()) is not None
        for i in range(MAX_STRANGERS + 500):
            assert await ask(keyring, b"sk-riq-%d" % i) is None
        assert len(keyring._strangers) == MAX_STRANGERS
        assert len(keyring._known) == 1
        reads = store.reads
        assert keyring.known(key.secret.encode()) is not None
        for _ in range(10):
            assert await ask(keyring, b"sk-riq-%d" % (MAX_STRANGERS + 499)) is None
        assert store.reads == reads

    asyncio.run(scene())


def test_nobody_is_let_in_while_the_store_is_broken_but_those_still_believed() -> None:
    async def scene() -> None:
        store, clock = Counting(), Clock()
        keyring = ring(store, clock)
        key = await create(store, name="n", now=clock.now)
        assert await ask(keyring, key.secret.encode()) is not None
        store.broken = True
        assert await ask(keyring, key.secret.encode()) is not None
        assert await ask(keyring, MASTER.encode()) is not None
        clock.now += CACHE_S
        with pytest.raises(StoreError):
            await ask(keyring, key.secret.encode())
        with pytest.raises(StoreError):
            await ask(keyring, b"stranger")
        store.broken = False
        assert await ask(keyring, key.secret.encode()) is not None

    asyncio.run(scene())


def test_a_key_that_expires_while_cached_ends_on_time() -> None:
    async def scene() -> None:
        store, clock = MemoryStore(), Clock()
        keyring = ring(store, clock)
        key = await create(store, name="n", expires_s=2.0, now=clock.now)
        assert await ask(keyring, key.secret.encode()) is not None
        clock.now += 1.9
        assert await ask(keyring, key.secret.encode()) is not None
        clock.now += 0.2
        assert await ask(keyring, key.secret.encode()) is None

    asyncio.run(scene())


def test_a_document_that_cannot_be_read_opens_nothing() -> None:
    class Rotten(MemoryStore):
        async def get(self, space: str, name: str) -> bytes | None:
            return b'{"id":5'

        async def scan(
            self, space: str, prefix: str = ""
        ) -> AsyncIterator[tuple[str, bytes]]:
            yield "hash", b"\xff"

    async def scene() -> None:
        assert await ask(ring(Rotten(), Clock()), b"key") is None
        assert await list_keys(Rotten()) == []
        assert not await revoke(Rotten(), "key_1")

    asyncio.run(scene())


def _mean_s(keyring: Keyring, presented: bytes, times: int = 400) -> float:
    began = time.perf_counter()
    for _ in range(times):
        keyring.known(presented)
    return (time.perf_counter() - began) / times


def test_a_near_miss_takes_as_long_as_a_wild_guess() -> None:
    async def prepared() -> tuple[Keyring, bytes]:
        store, clock = MemoryStore(), Clock()
        key = await create(store, name="n", now=clock.now)
        keyring = ring(store, clock)
        await keyring.find(key.secret.encode())
        return keyring, key.secret.encode()

    keyring, secret = asyncio.run(prepared())
    near = secret[:-1] + (b"a" if secret[-1:] != b"a" else b"b")
    wild = bytes(33 + i % 90 for i in range(len(secret)))
    rounds = [(_mean_s(keyring, near), _mean_s(keyring, wild)) for _ in range(40)]
    # Medians of interleaved rounds: a busy machine disturbs both alike.
    a, b = (statistics.median(column) for column in zip(*rounds, strict=True))
    assert abs(a - b) < 0.25 * max(a, b)


def test_a_known_key_is_found_in_microseconds() -> None:
    async def prepared() -> tuple[Keyring, bytes]:
        store, clock = MemoryStore(), Clock()
        key = await create(store, name="n", now=clock.now)
        keyring = ring(store, clock)
        await keyring.find(key.secret.encode())
        return keyring, key.secret.encode()

    keyring, secret = asyncio.run(prepared())
    assert min(_mean_s(keyring, secret) for _ in range(20)) < 15e-6
