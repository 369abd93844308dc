"""Everything in one SQLite file.

A thread writes, in groups (`Writer`); another reads on a connection of its own, so that
neither waits for the other (WAL). A write that was acknowledged survives `kill -9`: its
transaction is in the operating system's hands. With `fsync` it also survives a power
cut. Several processes may share the file.

Expired entries are invisible at once and swept by later writes, a few at a time.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final

from gateway.store.contract import Entry
from gateway.store.names import checked, in_range
from gateway.store.sqlite_file import open_reader, open_writer
from gateway.store.worker import Worker, Writer

PAGE: Final = 500
"""Documents of one read of a scan."""
SWEEP_EVERY_S: Final = 10.0
SWEEP: Final = 1000
"""Expired rows of a table that one sweep removes."""

Clock = Callable[[], float]


class SqliteStore:
    """A `Store` in a file. `clock` gives Unix seconds; it is asked in any thread.

    Open it with `open`, which may block, before anything else.
    """

    def __init__(
        self, path: str, *, fsync: bool = False, clock: Clock = time.time
    ) -> None:
        self._clock = clock
        self._swept = clock()
        self._writer = Writer(path, partial(open_writer, path, fsync=fsync))
        self._reader = Worker(path, partial(open_reader, path))

    def open(self) -> None:
        """Open the file, making or migrating it. Blocks.

        Raises:
            StoreError: it cannot be opened, or is not ours.
        """
        self._writer.open()
        try:
            self._reader.open()
        except BaseException:
            self._writer.close()
            raise

    async def get(self, space: str, name: str) -> bytes | None:
        """A document; `None` when absent or expired."""
        checked(space, name)
        return await self._reader.do(
            lambda db: _document(db, space, name, self._clock())
        )

    async def put(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> None:
        """Write a document, replacing any."""
        checked(space, name)

        def job(db: sqlite3.Connection) -> None:
            _put(db, space, name, data, self._until(db, ttl_s))

        await self._writer.do(job)

    async def add_new(
        self, space: str, name: str, data: bytes, ttl_s: float | None = None
    ) -> bool:
        """Write a document if there is none; whether it was written."""
        checked(space, name)

        def job(db: sqlite3.Connection) -> bool:
            expires = self._until(db, ttl_s)
            if _document(db, space, name, self._clock()) is not None:
                return False
            _put(db, space, name, data, expires)
            return True

        return await self._writer.do(job)

    async def delete(self, space: str, name: str) -> bool:
        """Remove a document; whether there was one."""
        checked(space, name)

        def job(db: sqlite3.Connection) -> bool:
            found = _document(db, space, name, self._clock()) is not None
            db.execute(
                "DELETE FROM documents WHERE space = ? AND name = ?", (space, name)
            )
            return found

        return await self._writer.do(job)

    async def scan(
        self, space: str, prefix: str = ""
    ) -> AsyncIterator[tuple[str, bytes]]:
        """Live documents of a space, by name, ascending. Read in pages: what changes
        meanwhile may or may not be seen."""
        checked(space, prefix)
        compare, start = ">=", prefix
        while True:
            page = await self._reader.do(
                partial(_page, space=space, compare=compare, start=start, now=self._now)
            )
            for name, data in page:
                # Names with a prefix stand together, from the prefix on.
                if not name.startswith(prefix):
                    return
                yield name, data
            if len(page) < PAGE:
                return
            compare, start = ">", page[-1][0]

    async def add(self, name: str, amount: int, window_s: float | None = None) -> int:
        """Add to a counter and give its new value."""
        checked(name)

        def job(db: sqlite3.Connection) -> int:
            expires = self._until(db, window_s)
            found = db.execute(
                "SELECT value, expires FROM counters WHERE name = ?"
                " AND (expires IS NULL OR expires > ?)",
                (name, self._clock()),
            ).fetchone()
            value, expires = (0, expires) if found is None else found
            value = in_range(value + amount)
            db.execute(
                "INSERT OR REPLACE INTO counters (name, value, expires)"
                " VALUES (?, ?, ?)",
                (name, value, expires),
            )
            return value

        return await self._writer.do(job)

    async def append(self, log: str, entries: Sequence[bytes]) -> int:
        """Append in order, all or none; the id of the last entry."""
        checked(log)
        return await self._writer.do(partial(_append, log=log, entries=entries))

    def append_blocking(self, log: str, entries: Sequence[bytes]) -> int:
        """The same, for another thread than the loop's; blocks it."""
        checked(log)
        return self._writer.do_blocking(partial(_append, log=log, entries=entries))

    async def read(self, log: str, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Entries with ids above `after`, oldest first."""
        checked(log)

        def job(db: sqlite3.Connection) -> list[Entry]:
            rows = db.execute(
                "SELECT id, data FROM log WHERE log = ? AND id > ? ORDER BY id LIMIT ?",
                (log, after, max(limit, 0)),
            )
            return [Entry(*row) for row in rows]

        return await self._reader.do(job)

    async def trim(self, log: str, before: int) -> int:
        """Drop entries with ids below `before`; how many."""
        checked(log)

        def job(db: sqlite3.Connection) -> int:
            return db.execute(
                "DELETE FROM log WHERE log = ? AND id < ?", (log, before)
            ).rowcount

        return await self._writer.do(job)

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take or renew a lease; whether `holder` has it now."""
        checked(name, holder)

        def job(db: sqlite3.Connection) -> bool:
            expires = self._until(db, ttl_s)
            found = db.execute(
                "SELECT holder FROM leases WHERE name = ? AND expires > ?",
                (name, self._clock()),
            ).fetchone()
            if found is not None and found[0] != holder:
                return False
            db.execute(
                "INSERT OR REPLACE INTO leases (name, holder, expires)"
                " VALUES (?, ?, ?)",
                (name, holder, expires),
            )
            return True

        return await self._writer.do(job)

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back early."""
        checked(name, holder)

        def job(db: sqlite3.Connection) -> None:
            db.execute(
                "DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder)
            )

        await self._writer.do(job)

    async def close(self) -> None:
        """Finish what was asked for and let go of the file."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reader.close()
        self._writer.close()

    def _now(self) -> float:
        return self._clock()

    def _until(self, db: sqlite3.Connection, ttl_s: float | None) -> float | None:
        """When something written now expires; sweeps now and then."""
        now = self._clock()
        if now - self._swept >= SWEEP_EVERY_S:
            self._swept = now
            for table in ("documents", "counters", "leases"):
                db.execute(
                    f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table}"  # noqa: S608 - our own names
                    " WHERE expires <= ? LIMIT ?)",
                    (now, SWEEP),
                )
        return None if ttl_s is None else now + ttl_s


def _document(
    db: sqlite3.Connection, space: str, name: str, now: float
) -> bytes | None:
    found = db.execute(
        "SELECT data FROM documents WHERE space = ? AND name = ?"
        " AND (expires IS NULL OR expires > ?)",
        (space, name, now),
    ).fetchone()
    return None if found is None else bytes(found[0])


def _put(
    db: sqlite3.Connection, space: str, name: str, data: bytes, expires: float | None
) -> None:
    db.execute(
        "INSERT OR REPLACE INTO documents (space, name, data, expires)"
        " VALUES (?, ?, ?, ?)",
        (space, name, data, expires),
    )


def _page(
    db: sqlite3.Connection, *, space: str, compare: str, start: str, now: Clock
) -> list[tuple[str, bytes]]:
    rows = db.execute(
        f"SELECT name, data FROM documents WHERE space = ? AND name {compare} ?"  # noqa: S608 - our own words
        " AND (expires IS NULL OR expires > ?) ORDER BY name LIMIT ?",
        (space, start, now(), PAGE),
    )
    return [(name, bytes(data)) for name, data in rows]


def _append(db: sqlite3.Connection, *, log: str, entries: Sequence[bytes]) -> int:
    rows = [(log, data) for data in entries]
    db.executemany("INSERT INTO log (log, data) VALUES (?, ?)", rows)
    last = db.execute("SELECT MAX(id) FROM log WHERE log = ?", (log,)).fetchone()[0]
    return 0 if last is None else int(last)
