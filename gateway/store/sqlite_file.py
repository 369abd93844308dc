"""The SQLite file: opening it, bringing its schema forward, naming its troubles."""

import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from gateway.store.contract import StoreError

APPLICATION_ID: Final = 0x52495131
"""`RIQ1` in the file's header: this program's file and no one else's."""
BUSY_S: Final = 5.0
"""How long other processes on the file are waited for."""
PAGE_BYTES: Final = 16_384
"""Of new files. A record takes some 700 bytes; in pages of SQLite's own 4,096 bytes
the store's thread spends half as much again on each."""

_MIGRATIONS: Final = (
    (
        "CREATE TABLE documents (space TEXT NOT NULL, name TEXT NOT NULL,"
        " data BLOB NOT NULL, expires REAL, PRIMARY KEY (space, name))",
        "CREATE INDEX documents_expires ON documents (expires)"
        " WHERE expires IS NOT NULL",
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL,"
        " expires REAL)",
        "CREATE INDEX counters_expires ON counters (expires) WHERE expires IS NOT NULL",
        "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL,"
        " expires REAL NOT NULL)",
        "CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL,"
        " data BLOB NOT NULL)",
        "CREATE INDEX log_entries ON log (log, id)",
        f"PRAGMA application_id = {APPLICATION_ID}",
    ),
)
"""Statements that lead from schema version n to n + 1. Append only."""

VERSION: Final = len(_MIGRATIONS)

_REMEDIES: Final = (
    ("SQLITE_FULL", "the disk is full: free some space, writing then goes on"),
    (
        "SQLITE_READONLY",
        "it may not be written: check the owner and mode of file and folder, and "
        "whether the disk is mounted read-only",
    ),
    (
        "SQLITE_CORRUPT",
        "the file is damaged: stop the gateway, keep a copy, and restore a backup or "
        "save what is left with `sqlite3 FILE .recover | sqlite3 NEW`",
    ),
    (
        "SQLITE_NOTADB",
        "it is not an SQLite database: name another file in `store.url`",
    ),
    (
        "SQLITE_CANTOPEN",
        "it cannot be opened: check that its folder is there and may be written",
    ),
    (
        "SQLITE_BUSY",
        f"another process has had it locked for more than {BUSY_S:g} seconds: look for "
        "a backup or a shell that holds it open",
    ),
    ("SQLITE_IOERR", "the disk fails: check its health and the system's log"),
)


def trouble(path: str, error: Exception) -> StoreError:
    """What went wrong, where, and how to mend it."""
    code = getattr(error, "sqlite_errorname", None) or ""
    remedy = next((text for name, text in _REMEDIES if code.startswith(name)), "")
    message = f"the store {path!r}: {error}"
    return StoreError(f"{message}; {remedy}" if remedy else message)


def open_writer(path: str, *, fsync: bool) -> sqlite3.Connection:
    """A connection that may write, to a file with the current schema.

    Raises:
        StoreError: not ours, of a newer version, or it cannot be opened.
    """
    try:
        # Hashes of keys and recorded prompts are nobody else's business; the files
        # SQLite puts beside it take over its mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        folder = Path(path).absolute().parent
        hint = f"check that {str(folder)!r} is there and may be written"
        raise StoreError(f"the store {path!r}: {error.strerror}; {hint}") from error
    try:
        db = _connect(path)
    except sqlite3.Error as error:
        raise trouble(path, error) from error
    try:
        _prepare(db, path, fsync=fsync)
    except sqlite3.Error as error:
        db.close()
        raise trouble(path, error) from error
    except StoreError:
        db.close()
        raise
    return db


def open_reader(path: str) -> sqlite3.Connection:
    """A connection that only reads.

    Raises:
        StoreError: the file cannot be opened.
    """
    try:
        db = _connect(path)
    except sqlite3.Error as error:
        raise trouble(path, error) from error
    try:
        db.execute("PRAGMA query_only = 1")
    except sqlite3.Error as error:
        db.close()
        raise trouble(path, error) from error
    return db


def _connect(path: str) -> sqlite3.Connection:
    # Each connection stays in one thread; it is opened and closed in others.
    return sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )


def _prepare(db: sqlite3.Connection, path: str, *, fsync: bool) -> None:
    tables = _number(db, "schema_version")
    if tables and _number(db, "application_id") != APPLICATION_ID:
        raise StoreError(
            f"the store {path!r} is another program's database: name another file in "
            "`store.url`"
        )
    if not tables:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    _use_wal(db)
    db.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
    db.execute("PRAGMA journal_size_limit = 67108864")
    if _number(db, "user_version") != VERSION:
        _migrate(db, path)


def _use_wal(db: sqlite3.Connection) -> None:
    # Changing the mode does not wait for others as everything else does.
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            locked = (error.sqlite_errorname or "").startswith("SQLITE_BUSY")
            if not locked or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(db: sqlite3.Connection, path: str) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while we waited for the lock.
        at = _number(db, "user_version")
        _refuse_newer(path, at)
        for step in _MIGRATIONS[at:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _refuse_newer(path: str, version: int) -> None:
    if version > VERSION:
        raise StoreError(
            f"the store {path!r} has schema version {version}, this program knows "
            f"{VERSION}: it was written by a newer one; upgrade, or name another file "
            "in `store.url`"
        )


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])
