"""The parent of several workers: binds, spawns, restarts, stops."""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Final

from starlette.types import ASGIApp

from gateway.config.schema import Server
from gateway.net.http1.process import AT_ONCE, FAILED, READY, STOP, STOPPED, run

log = logging.getLogger(__name__)

_PAUSE_S: Final = 1.0
"""Before a worker that died young is started again."""
_YOUNG_S: Final = 5.0
_KILL_AFTER_S: Final = 15.0
"""Beyond the drain, a worker that has not ended is killed."""


class _Child:
    """One worker process and our end of its link."""

    def __init__(self, process: BaseProcess, link: Connection) -> None:
        self.process = process
        self.link = link
        self.began = time.monotonic()
        self.ready = False

    def say(self, word: str) -> None:
        try:
            self.link.send(word)
        except OSError:
            log.debug("a worker is gone already")


class Supervisor:
    """Keeps `settings.workers` processes on the same sockets."""

    def __init__(
        self,
        make: Callable[[], ASGIApp],
        settings: Server,
        sockets: list[socket.socket],
        ready: Callable[[], None],
    ) -> None:
        self._make = make
        self._settings = settings
        self._sockets = sockets
        self._announce = ready
        self._announced = False
        self._context = multiprocessing.get_context("spawn")
        self._children: list[_Child] = []
        self._respawn: list[float] = []
        """When the missing ones are due."""
        self._asked = 0
        self._told = 0
        self._code = STOPPED
        self._kill_at = float("inf")
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)

    def run(self) -> int:
        """Until stopped; the exit code."""
        before = {
            sign: signal.signal(sign, self._hear)
            for sign in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            for _ in range(self._settings.workers):
                self._spawn()
            while self._children or (self._respawn and not self._asked):
                self._turn()
        finally:
            for child in self._children:
                child.process.kill()
            for sign, handler in before.items():
                signal.signal(sign, handler)
            self._close_sockets()
            os.close(self._wake)
            os.close(self._woken)
        return self._code

    def _hear(self, sign: int, frame: FrameType | None) -> None:
        self._asked += 1
        with contextlib.suppress(BlockingIOError):  # it is awake then
            os.write(self._woken, b"!")

    def _turn(self) -> None:
        """Wait for something to happen, and see to it."""
        now = time.monotonic()
        due = min([*self._respawn, self._kill_at, now + 3600])
        links = {child.link: child for child in self._children if not child.ready}
        ends = {child.process.sentinel: child for child in self._children}
        for found in wait([self._wake, *links, *ends], max(0.0, due - now)):
            if found == self._wake:
                os.read(self._wake, 4096)
            elif isinstance(found, Connection):
                self._heard(links[found])
        for child in [c for c in self._children if not c.process.is_alive()]:
            self._buried(child)
        if self._asked > self._told:
            self._stop()
        now = time.monotonic()
        for at in [at for at in self._respawn if at <= now]:
            self._respawn.remove(at)
            if not self._asked:
                self._spawn()
        if now >= self._kill_at:
            log.warning("workers did not end in time: killed")
            for child in self._children:
                child.process.kill()
            self._kill_at = float("inf")

    def _spawn(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work,
            args=(self._make, self._settings, self._sockets, theirs),
            name="routeiq-worker",
        )
        # The child begins deaf to the terminal, or a Ctrl-C could end it as it starts.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process.start()
        finally:
            signal.signal(signal.SIGINT, handler)
        theirs.close()
        self._children.append(_Child(process, ours))

    def _heard(self, child: _Child) -> None:
        try:
            child.ready = child.link.recv() == READY
        except (EOFError, OSError):
            child.ready = True  # its end will be told by the sentinel
            return
        if not self._announced and all(c.ready for c in self._children):
            self._announced = True
            self._announce()

    def _buried(self, child: _Child) -> None:
        """A worker has ended, asked or not."""
        self._children.remove(child)
        child.process.join()
        child.link.close()
        code = child.process.exitcode or 0
        if self._asked:
            # A signal to the whole group may find it past its own handlers.
            if code not in (STOPPED, -signal.SIGTERM):
                self._code = FAILED
            return
        if not self._announced:
            # It never served: starting it again would not help.
            self._code = code if code > 0 else FAILED
            self._asked += 1
            return
        log.error(
            "a worker died and is started again",
            extra={"pid": child.process.pid, "exit_code": code},
        )
        young = time.monotonic() - child.began < _YOUNG_S
        self._respawn.append(time.monotonic() + (_PAUSE_S if young else 0.0))

    def _stop(self) -> None:
        word = STOP if not self._told else AT_ONCE
        self._told = self._asked
        self._respawn.clear()
        self._close_sockets()
        drain = self._settings.drain_s if word == STOP else 0.0
        self._kill_at = time.monotonic() + drain + _KILL_AFTER_S
        for child in self._children:
            child.say(word)

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()


def _work(
    make: Callable[[], ASGIApp],
    settings: Server,
    sockets: list[socket.socket],
    link: Connection,
) -> None:
    """The worker's process."""
    sys.exit(run(make, settings, sockets, link=link))
