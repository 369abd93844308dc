"""Threads that own a database connection, and run jobs for whoever waits.

`Writer` commits in groups: what comes while one transaction is being written goes into
the next, together. A job is told of its result only when its transaction is on disk.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from gateway.store.contract import StoreError
from gateway.store.sqlite_file import trouble

GROUP: Final = 512
"""Jobs of one transaction."""

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
_Outcome = tuple["_Task", Any, StoreError | None]


class _Task:
    """A job under way, and who waits for it."""

    __slots__ = ("_blocked", "_future", "job", "loop")

    def __init__(self, job: Job[Any], *, blocking: bool) -> None:
        self.job = job
        self.loop = None if blocking else asyncio.get_running_loop()
        self._blocked: Future[Any] | None = Future() if blocking else None
        self._future = self.loop.create_future() if self.loop is not None else None

    def waiting(self) -> Any:
        """What the loop's side awaits."""
        return self._future

    def wait(self) -> Any:
        """What the blocking side waits for."""
        assert self._blocked is not None
        return self._blocked.result()

    def settle(self, result: Any, error: StoreError | None) -> None:
        """In the loop's own thread, where there is one."""
        future: Any = self._blocked if self._future is None else self._future
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class Worker:
    """One thread, one connection, jobs in order."""

    def __init__(self, path: str, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._tasks: deque[_Task] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, name="routeiq-store", daemon=True
        )

    def open(self) -> None:
        """Start, and wait until the connection is there. Blocks.

        Raises:
            StoreError: it could not be opened.
        """
        self._thread.start()
        self._opened.result()

    async def do(self, job: Job[T]) -> T:
        """The job's result, once it is done for good."""
        task = _Task(job, blocking=False)
        self._put(task)
        result: T = await task.waiting()
        return result

    def do_blocking(self, job: Job[T]) -> T:
        """The same, for other threads than a loop's."""
        task = _Task(job, blocking=True)
        self._put(task)
        result: T = task.wait()
        return result

    def close(self) -> None:
        """Finish what waits, close the connection. Blocks."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _put(self, task: _Task) -> None:
        with self._wake:
            if self._closing:
                raise StoreError(f"the store {self._path!r} is closed")
            self._tasks.append(task)
            self._wake.notify()

    def _run(self) -> None:
        try:
            db = self._connect()
        except StoreError as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while group := self._next():
                self._deliver(self._execute(db, group))
                del group
        finally:
            db.close()

    def _next(self) -> list[_Task]:
        """What waits; empty when it is time to end."""
        with self._wake:
            while not self._tasks:
                if self._closing:
                    return []
                self._wake.wait()
            count = min(len(self._tasks), GROUP)
            return [self._tasks.popleft() for _ in range(count)]

    def _execute(self, db: sqlite3.Connection, group: list[_Task]) -> list[_Outcome]:
        return [self._alone(db, task) for task in group]

    def _alone(self, db: sqlite3.Connection, task: _Task) -> _Outcome:
        try:
            return task, task.job(db), None
        except StoreError as error:
            return task, None, error
        except Exception as error:  # noqa: BLE001 - a job must not end the thread
            return task, None, trouble(self._path, error)

    def _deliver(self, outcomes: list[_Outcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
        for outcome in outcomes:
            loop = outcome[0].loop
            if loop is None:
                _settle([outcome])
            else:
                by_loop.setdefault(loop, []).append(outcome)
        for loop, those in by_loop.items():
            try:
                loop.call_soon_threadsafe(_settle, those)
            except RuntimeError:  # the loop is closed: nobody waits any more
                continue


class Writer(Worker):
    """Jobs that change something, many to a transaction."""

    def _execute(self, db: sqlite3.Connection, group: list[_Task]) -> list[_Outcome]:
        try:
            with _Transaction(db):
                return [(task, task.job(db), None) for task in group]
        except Exception as error:  # noqa: BLE001 - a job must not end the thread
            if len(group) == 1:
                wrong = error if isinstance(error, StoreError) else None
                return [(group[0], None, wrong or trouble(self._path, error))]
        # One job's fault must not be the others': each for itself, then.
        return [
            outcome for task in group for outcome in Writer._execute(self, db, [task])
        ]


class _Transaction:
    """Everything or nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._roll_back()
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        # SQLite rolls back by itself on some errors (disk full).
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _settle(outcomes: list[_Outcome]) -> None:
    for task, result, error in outcomes:
        task.settle(result, error)
