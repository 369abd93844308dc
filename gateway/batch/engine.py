"""Runs batches: one process at a time has a batch, and any other may go on with it.

A batch that is open is found by looking; a lease says who runs it. Whoever takes it
over reads the journal and runs what has no result there.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Final

from gateway.batch.caller import Caller
from gateway.batch.ledger import OVER, Ledger
from gateway.batch.run import Left, Run
from gateway.config.stateful import Batches
from gateway.govern.keys import Keyring
from gateway.store.contract import StoreError
from gateway.store.files import Files

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""Between looks for batches that nobody runs."""
LEASE_S: Final = 8.0
"""How long a batch waits for a process that died."""
RENEW_S: Final = 2.0
SWEEP_S: Final = 3600.0
LAST_S: Final = 5.0
"""How long lines under way may take to end when the process stops."""


class Engine:
    """Of one process."""

    def __init__(
        self,
        ledger: Ledger,
        files: Files,
        caller: Caller,
        keyring: Keyring,
        settings: Batches,
    ) -> None:
        self.ledger = ledger
        self.files = files
        self.settings = settings
        self._caller = caller
        self._keyring = keyring
        self._holder = secrets.token_hex(8)
        self._places = asyncio.Semaphore(settings.parallel)
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._swept = float("-inf")

    def start(self) -> None:
        """Look for batches, on the running loop, until `close`."""
        self._looking = asyncio.create_task(self._look())

    def wake(self) -> None:
        """There is a new one."""
        self._wake.set()

    async def close(self) -> None:
        """Begin no more lines, let those under way end if they soon do; the rest is
        for whoever comes next."""
        self._stopping.set()
        self._wake.set()
        if self._looking is not None:
            await self._looking
        runs = list(self._runs.values())
        if runs:
            await asyncio.wait(runs, timeout=LAST_S)
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    async def _look(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                for name in await self.ledger.open_names():
                    if name not in self._runs and not self._stopping.is_set():
                        await self._take(name)
                await self._sweep()
            except (StoreError, OSError) as error:
                log.warning("batches cannot be looked for", extra={"error": str(error)})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S)

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._swept >= SWEEP_S:
            self._swept = now
            await self.files.sweep()

    async def _take(self, name: str) -> None:
        if await self.ledger.lease(name, self._holder, LEASE_S):
            task = asyncio.create_task(self._run(name))
            self._runs[name] = task
            task.add_done_callback(lambda _: self._runs.pop(name, None))

    async def _run(self, name: str) -> None:
        try:
            batch = await self.ledger.load(name)
            if batch is None or batch.status in OVER:
                await self.ledger.close(name)
                return
            run = Run(
                batch,
                self.ledger,
                self.files,
                self._caller,
                self._keyring,
                self.settings,
                self._places,
                self._stopping,
            )
            async with _kept(self.ledger, name, self._holder):
                await run.run()
        except Left:
            log.info("a batch waits for the next process", extra={"batch": name})
        except (StoreError, OSError) as error:
            # It stays open: the next look goes on with it.
            log.warning("a batch rests", extra={"batch": name, "error": str(error)})
            await asyncio.sleep(LOOK_S)
        except Exception:
            log.exception("a batch failed", extra={"batch": name})
            await asyncio.sleep(LEASE_S)
        finally:
            with suppress(StoreError):
                await self.ledger.release(name, self._holder)


class _kept:  # noqa: N801 - a context manager
    """Renews the lease of a batch; whoever lost it stops running the batch."""

    def __init__(self, ledger: Ledger, name: str, holder: str) -> None:
        self._ledger = ledger
        self._name = name
        self._holder = holder
        self._renewing: asyncio.Task[None] | None = None
        self._owner = asyncio.current_task()

    async def __aenter__(self) -> None:
        self._renewing = asyncio.create_task(self._renew())

    async def __aexit__(self, *_: object) -> None:
        assert self._renewing is not None
        self._renewing.cancel()
        await asyncio.gather(self._renewing, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with suppress(StoreError):
                if not await self._ledger.lease(self._name, self._holder, LEASE_S):
                    log.warning("another process runs it", extra={"batch": self._name})
                    if self._owner is not None:
                        self._owner.cancel()
                    return
