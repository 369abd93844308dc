"""The file outlives its processes, is shared by them, and says what ails it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gateway.config.schema import StoreConfig
from gateway.store import sqlite_file
from gateway.store.contract import Store, StoreError
from gateway.store.memory import MemoryStore
from gateway.store.open import open_store
from gateway.store.sqlite import SWEEP_EVERY_S, SqliteStore
from tests.harness.timing import at_most, timely
from tests.shared import ROOT

WRITER = """
import asyncio, sys
from gateway.config.schema import StoreConfig
from gateway.store.open import open_store

async def one(store, worker):
    i = 0
    while True:
        name = f"{worker}-{i}"
        await store.put("docs", name, name.encode())
        await store.append("log", [name.encode()] * 3)
        count = await store.add(f"count-{worker}", 1)
        sys.stdout.write(f"{name} {count}\\n")
        sys.stdout.flush()
        i += 1

async def main():
    store = await open_store(StoreConfig(url=f"sqlite:///{sys.argv[1]}"))
    await asyncio.gather(*(one(store, w) for w in range(8)))

asyncio.run(main())
"""

ADDER = """
import asyncio, sys
from gateway.config.schema import StoreConfig
from gateway.store.open import open_store

async def main():
    store = await open_store(StoreConfig(url=f"sqlite:///{sys.argv[1]}"))
    me = sys.argv[2]
    async def one(i):
        value = await store.add("n", 1)
        won = await store.add_new("once", str(i), me.encode())
        held = await store.lease(f"lease-{i}", me, 600.0)
        last = await store.append("log", [b"1", b"2"])
        print(value, int(won), int(held), last)
    await asyncio.gather(*(one(i) for i in range(150)))
    await store.close()

asyncio.run(main())
"""


def child(code: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def opened(path: Path, *, fsync: bool = False) -> SqliteStore:
    store = SqliteStore(str(path), fsync=fsync)
    store.open()
    return store


@pytest.mark.parametrize("after", [30, 300, 1000])
def test_a_killed_process_loses_no_acknowledged_write(
    tmp_path: Path, after: int
) -> None:
    path = tmp_path / "store.db"
    process = child(WRITER, path)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().splitlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    acknowledged = [line.split() for line in said if len(line.split()) == 2]
    assert len(acknowledged) >= after

    async def check() -> None:
        store = opened(path)
        logged = [data for _, data in await store.read("log", limit=10**6)]
        counts: dict[str, int] = {}
        for name, count in acknowledged:
            assert await store.get("docs", name) == name.encode()
            assert logged.count(name.encode()) == 3
            worker = name.partition("-")[0]
            counts[worker] = max(counts.get(worker, 0), int(count))
        for worker, count in counts.items():
            # At most the one write that was under way is more.
            assert await store.add(f"count-{worker}", 0) - count in (0, 1)
        await store.close()

    asyncio.run(check())
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_processes_share_a_file_without_losing_or_doubling(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    # No file yet: they race for making it, too.
    processes = [child(ADDER, path, name) for name in "abcd"]
    rows = []
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        rows += [tuple(map(int, line.split())) for line in out.splitlines()]
    values, won, held, lasts = zip(*rows, strict=True)
    assert sorted(values) == list(range(1, 601))
    assert sum(won) == 150
    assert sum(held) == 150
    assert len(set(lasts)) == 600

    async def check() -> None:
        store = opened(path)
        logged = await store.read("log", limit=10_000)
        assert [data for _, data in logged] == [b"1", b"2"] * 600
        await store.close()

    asyncio.run(check())


@timely
def test_the_loop_goes_on_while_another_process_holds_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def scene() -> None:
        store = opened(path)
        await store.put("a", "b", b"old")
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, lambda: other.execute("COMMIT")).start()
        began = time.monotonic()
        write = asyncio.create_task(store.put("a", "b", b"new"))
        longest = 0.0
        while not write.done():
            before = time.monotonic()
            assert await store.get("a", "b") in (b"old", b"new")
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)
        assert time.monotonic() - began > 0.3
        at_most(0.2, longest)
        assert await store.get("a", "b") == b"new"
        other.close()
        await store.close()

    asyncio.run(scene())


def test_a_file_locked_too_long_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.1)
    path = tmp_path / "store.db"

    async def scene() -> None:
        store = opened(path)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"store\.db.*locked.*another process"):
            await store.put("a", "b", b"c")
        other.execute("COMMIT")
        await store.put("a", "b", b"c")
        other.close()
        await store.close()

    asyncio.run(scene())


@pytest.mark.parametrize("fsync", [False, True])
def test_the_file_is_set_up_as_promised(tmp_path: Path, fsync: bool) -> None:
    path = tmp_path / "store.db"

    async def scene() -> None:
        store = opened(path, fsync=fsync)
        level = await store._writer.do(
            lambda db: db.execute("PRAGMA synchronous").fetchone()[0]
        )
        mode = await store._writer.do(
            lambda db: db.execute("PRAGMA journal_mode").fetchone()[0]
        )
        await store.put("a", "b", b"c")
        assert (level, mode) == (2 if fsync else 1, "wal")
        assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}
        with pytest.raises(StoreError):
            await store._reader.do(lambda db: db.execute("DELETE FROM documents"))
        await store.close()
        assert [p.name for p in tmp_path.iterdir()] == ["store.db"]

    asyncio.run(scene())


def test_a_full_disk_is_told_and_writing_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        store = opened(tmp_path / "store.db")
        await store.put("a", "kept", b"x")
        pages = await store._reader.do(
            lambda db: db.execute("PRAGMA page_count").fetchone()[0]
        )
        await store._writer.do(
            lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        )
        big = b"x" * 100_000
        with pytest.raises(StoreError, match="the disk is full: free some space"):
            await store.put("a", "big", big)
        with pytest.raises(StoreError, match="full"):
            store.append_blocking("log", [b"small", big])
        assert await store.get("a", "big") is None
        assert await store.get("a", "kept") == b"x"
        assert await store.read("log") == []
        await store._writer.do(
            lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone()
        )
        await store.put("a", "big", big)
        assert await store.get("a", "big") == big
        await store.close()

    asyncio.run(scene())


def test_one_callers_fault_is_not_the_others(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path / "store.db")
        await store.add("n", 2**63 - 1)
        results = await asyncio.gather(
            *(store.add("fine", 1) for _ in range(20)),
            store.add("n", 5),
            store.put("a", "b", b"c"),
            store.trim("log", 2**70),
            return_exceptions=True,
        )
        assert sorted(r for r in results[:20] if isinstance(r, int)) == [*range(1, 21)]
        assert isinstance(results[20], StoreError)
        assert results[21] is None
        assert isinstance(results[22], StoreError)
        assert await store.get("a", "b") == b"c"
        assert await store.add("fine", 0) == 20
        await store.close()

    asyncio.run(scene())


def test_expired_rows_are_swept_by_later_writes(tmp_path: Path) -> None:
    now = 1000.0

    async def scene() -> None:
        nonlocal now
        store = SqliteStore(str(tmp_path / "store.db"), clock=lambda: now)
        store.open()
        for i in range(50):
            await store.put("a", str(i), b"x", 1.0)
            await store.add(str(i), 1, 1.0)
            await store.lease(str(i), "h", 1.0)
        now += SWEEP_EVERY_S + 2.0
        await store.put("a", "live", b"x")
        for table, left in (("documents", 1), ("counters", 0), ("leases", 0)):
            rows = await store._reader.do(
                lambda db, table=table: db.execute(
                    f"SELECT COUNT(*) FROM {table}"
                ).fetchone()[0]
            )
            assert rows == left
        await store.close()

    asyncio.run(scene())


def test_ids_are_not_used_again_after_a_trim_and_a_restart(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path / "store.db")
        last = await store.append("log", [b"a", b"b"])
        assert await store.trim("log", last + 1) == 2
        await store.close()
        store = opened(tmp_path / "store.db")
        assert await store.append("log", [b"c"]) > last
        await store.close()

    asyncio.run(scene())


def test_a_caller_who_gives_up_leaves_the_store_well(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path / "store.db")
        for i in range(50):
            task = asyncio.create_task(store.put("a", str(i), b"x"))
            await asyncio.sleep(0)
            task.cancel()
        assert await store.get("a", "nothing") is None
        await store.put("a", "last", b"x")
        assert await store.get("a", "last") == b"x"
        await store.close()

    asyncio.run(scene())


def test_closing_finishes_what_was_asked_for(tmp_path: Path) -> None:
    async def scene() -> None:
        store = opened(tmp_path / "store.db")
        writes = [asyncio.create_task(store.add("n", 1)) for _ in range(200)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*writes)
        store = opened(tmp_path / "store.db")
        assert await store.add("n", 0) == 200
        await store.close()

    asyncio.run(scene())


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE precious (x)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"other\.db.*another program.*store\.url"):
        opened(path)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    asyncio.run(opened(path).close())
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match=r"schema version 99.*newer.*upgrade"):
        opened(path)


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 500)
    with pytest.raises(StoreError, match=r"notes\.txt.*not an SQLite database"):
        opened(path)
    assert path.read_text().startswith("Dear diary")


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def fill() -> None:
        store = opened(path)
        for i in range(200):
            await store.put("a", str(i), os.urandom(2000))
        await store.close()

    asyncio.run(fill())
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(sqlite_file.PAGE_BYTES)
        file.write(b"\xa5" * (size - sqlite_file.PAGE_BYTES))

    async def use() -> None:
        store = opened(path)
        with pytest.raises(StoreError, match=r"store\.db.*damaged.*recover"):
            await store.get("a", "5")
        with pytest.raises(StoreError, match="damaged"):
            await store.put("a", "5", b"x")
        await store.close()

    asyncio.run(use())


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"No such file.*nowhere.*written"):
        opened(tmp_path / "nowhere" / "store.db")
    with pytest.raises(StoreError, match="directory"):
        opened(tmp_path)


def test_a_store_is_opened_by_its_url(tmp_path: Path) -> None:
    async def scene() -> None:
        store: Store = await open_store(StoreConfig(url="memory:"))
        assert isinstance(store, MemoryStore)
        path = tmp_path / "odd name'; %20?x=1#.db"
        store = await open_store(StoreConfig(url=f"sqlite:///{path}"))
        await store.put("a", "b", b"c")
        assert path.is_file()
        await store.close()
        for url in ("", "sqlite:///", "sqlite:///:memory:", "redis://x", "memory"):
            with pytest.raises(StoreError, match=r"store\.url"):
                await open_store(StoreConfig(url=url))

    asyncio.run(scene())
