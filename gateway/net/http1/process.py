"""A worker as a process: its loop, its signals, its link to a supervisor."""

import asyncio
import contextlib
import gc
import importlib.util
import logging
import signal
import socket
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

from starlette.types import ASGIApp

from gateway.config.schema import Server
from gateway.net.http1 import heap
from gateway.net.http1.worker import NotStarted, Worker

log = logging.getLogger(__name__)

STOPPED: Final = 0
FAILED: Final = 1

COLLECT: Final = (10_000, 20, 50)
"""Thresholds of the garbage collector while serving."""

READY: Final = "ready"
STOP: Final = "stop"
AT_ONCE: Final = "at once"


class Stop:
    """A wish to stop: the first is orderly, the second means at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()

    def ask(self) -> None:
        if self.asked.is_set():
            self.at_once.set()
        self.asked.set()


def complain(message: str) -> None:
    """To stderr, however logging is set up."""
    sys.stderr.write(f"routeiq: {message}\n")
    sys.stderr.flush()


def new_loop(kind: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """The factory of event loops; `auto` is uvloop where installed."""
    if kind == "asyncio" or (
        kind == "auto" and importlib.util.find_spec("uvloop") is None
    ):
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415 - an optional dependency

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def run(
    make: Callable[[], ASGIApp],
    settings: Server,
    sockets: list[socket.socket],
    *,
    started: Callable[[], None] | None = None,
    link: Connection | None = None,
) -> int:
    """Serve until stopped; the exit code.

    With a `link`, its words count and the terminal's signals do not.
    """
    try:
        factory = new_loop(settings.loop)
    except ImportError:
        complain("server.loop: uvloop is not installed")
        return FAILED
    heap.give_back()
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_main(make, settings, sockets, started, link))


async def _main(
    make: Callable[[], ASGIApp],
    settings: Server,
    sockets: list[socket.socket],
    started: Callable[[], None] | None,
    link: Connection | None,
) -> int:
    stop = Stop()
    _listen(stop, link)
    worker = Worker(make(), settings)
    starting = asyncio.ensure_future(worker.start(sockets))
    asked = asyncio.ensure_future(stop.asked.wait())
    await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError, NotStarted):
            await starting
        return STOPPED
    try:
        starting.result()
    except NotStarted as error:
        complain(str(error))
        asked.cancel()
        return FAILED
    # What is there now stays: the collector need not look at it again. Exchanges leave
    # no circles, so it may come round less often: at the default of 700 objects it
    # takes an eighth of the time of a request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    if started is not None:
        started()
    if link is not None:
        link.send(READY)
    trimming = asyncio.create_task(heap.keep_small())
    await asked
    trimming.cancel()
    await worker.stop(stop.at_once)
    return STOPPED


def _listen(stop: Stop, link: Connection | None) -> None:
    loop = asyncio.get_running_loop()
    if link is None:
        # Outside the main thread there are no signals to hear.
        with contextlib.suppress(ValueError, RuntimeError):
            loop.add_signal_handler(signal.SIGTERM, stop.ask)
            loop.add_signal_handler(signal.SIGINT, stop.ask)
        return

    def hear() -> None:
        try:
            word = link.recv()
        except (EOFError, OSError):
            # The supervisor is gone.
            loop.remove_reader(link.fileno())
            word = STOP
        stop.asked.set()
        if word == AT_ONCE:
            stop.at_once.set()

    # A terminal, or a service supervisor, signals the whole group: what the parent
    # hears too must not count twice.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGTERM, stop.asked.set)
    loop.add_reader(link.fileno(), hear)
