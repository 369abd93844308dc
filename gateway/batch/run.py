"""One batch, from wherever it stands to its end."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

from gateway.batch import lines, report
from gateway.batch.caller import Caller, Said
from gateway.batch.ledger import Batch, Entry, Fault, Ledger, Spent
from gateway.config.stateful import Batches
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.store.files import Files, new_id

SAVE_S: Final = 0.5
"""Between two reports of progress."""
KEY_S: Final = 5.0
"""How long the key that a batch runs for is believed."""
BACKOFF_S: Final = 1.0
BACKOFF_MAX_S: Final = 60.0


class Left(Exception):
    """The process stops; what is not done is for another one."""


class Run:
    """Under its lease."""

    def __init__(
        self,
        batch: Batch,
        ledger: Ledger,
        files: Files,
        caller: Caller,
        keyring: Keyring,
        settings: Batches,
        places: asyncio.Semaphore,
        stopping: asyncio.Event,
    ) -> None:
        self._batch = batch
        self._ledger = ledger
        self._files = files
        self._caller = caller
        self._keyring = keyring
        self._settings = settings
        self._places = places
        self._stopping = stopping
        self._done: set[int] = set()
        self._saved = 0.0
        self._asked_for_end: int | None = None
        self._principal: tuple[Principal | None, float] = (None, 0.0)

    async def run(self) -> None:
        """To its end.

        Raises:
            Left: the process stops.
            StoreError, OSError: it may be gone on with later.
        """
        batch, ledger = self._batch, self._ledger
        kept = await self._files.find(batch.owner, batch.input)
        if kept is None:
            await self._fail([Fault("invalid_input", "the input file is gone")])
            return
        data = await self._files.read(batch.owner, kept)
        if batch.status == "validating" and not await self._validate(data):
            return
        await self._recall()
        requests = await asyncio.to_thread(lambda: list(lines.split(data)))
        if batch.status != "finalizing":
            await self._lines(requests)
            await self._look()
            batch.status, batch.finalizing_at = "finalizing", self._now()
            await ledger.save(batch)
        await self._finish(requests)

    async def _validate(self, data: bytes) -> bool:
        batch = self._batch
        batch.total, faults = await asyncio.to_thread(
            lines.check, data, batch.endpoint, self._settings.lines
        )
        if faults:
            await self._fail(faults)
            return False
        batch.status, batch.in_progress_at = "in_progress", self._now()
        await self._ledger.save(batch)
        return True

    async def _fail(self, faults: Sequence[Fault]) -> None:
        batch = self._batch
        batch.status, batch.ended_at = "failed", self._now()
        batch.faults = list(faults)
        await self._ledger.save(batch)

    async def _recall(self) -> None:
        """What the journal says was done, by whomever."""
        batch = self._batch
        batch.completed = batch.failed = 0
        batch.spent = Spent()
        async for entry in self._ledger.results(batch.name):
            self._count(entry)

    def _count(self, entry: Entry) -> None:
        batch = self._batch
        self._done.add(entry.line)
        if entry.ok:
            batch.completed += 1
        else:
            batch.failed += 1
        if entry.spent is not None:
            for name in Spent.__struct_fields__:
                before = getattr(batch.spent, name)
                setattr(batch.spent, name, before + getattr(entry.spent, name))

    async def _lines(self, requests: Sequence[bytes]) -> None:
        """Run what is not done, until it ends, is ended, or its time is over."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            for number, raw in enumerate(requests):
                if number in self._done:
                    continue
                if not await self._place(tasks):
                    break
                task = asyncio.create_task(self._line(number, raw))
                task.add_done_callback(lambda _: self._places.release())
                tasks.add(task)
                await self._reap(tasks)
            while tasks:  # those under way may end, whatever comes
                await asyncio.wait(
                    tasks, timeout=SAVE_S, return_when=asyncio.FIRST_COMPLETED
                )
                await self._reap(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._stopping.is_set() and len(self._done) < len(requests):
            raise Left

    async def _place(self, tasks: set[asyncio.Task[None]]) -> bool:
        """Wait for a place to run a line in; False: none is to be begun any more."""
        while not self._shall_end():
            with suppress(TimeoutError):
                async with asyncio.timeout(SAVE_S):
                    await self._places.acquire()
                if not self._shall_end():
                    return True
                self._places.release()
            await self._reap(tasks)
        return False

    async def _reap(self, tasks: set[asyncio.Task[None]]) -> None:
        """Forget those that are over, raising what one of them did; now and then
        tell of the progress."""
        over = {task for task in tasks if task.done()}
        tasks -= over
        for task in over:
            task.result()
        now = time.monotonic()
        if now - self._saved >= SAVE_S:
            self._saved = now
            await self._look()
            await self._ledger.save(self._batch)

    async def _look(self) -> None:
        """Whether a client wants it to end."""
        if self._asked_for_end is None:
            at = await self._ledger.cancelled_at(self._batch.name)
            self._asked_for_end = self._batch.cancelling_at = at

    def _shall_end(self) -> bool:
        return (
            self._stopping.is_set()
            or self._asked_for_end is not None
            or self._now() >= self._batch.expires_at
        )

    async def _line(self, number: int, raw: bytes) -> None:
        batch = self._batch
        line = lines.read(raw)
        await self._ledger.begin(batch.name, number)
        said = await self._call(bytes(line.body), f"{batch.id}-{number}")
        entry = Entry(
            number,
            report.result(batch.endpoint, line.custom_id, said),
            ok=said.ok,
            spent=_spent(said),
        )
        await self._ledger.end(batch.name, entry)
        self._count(entry)

    async def _call(self, body: bytes, key: str) -> Said:
        """Ask; again, later and later, where that may help."""
        tries = 0
        while True:
            said = await self._caller.call(
                self._batch.endpoint, body, await self._who(), key
            )
            tries += 1
            if said.retry_after is None or tries >= self._settings.tries:
                return said
            pause = min(BACKOFF_S * 2.0**tries, BACKOFF_MAX_S)
            pause = max(said.retry_after, pause * random.uniform(0.5, 1.0))  # noqa: S311
            if self._shall_end() or self._now() + pause >= self._batch.expires_at:
                return said
            await asyncio.sleep(pause)

    async def _who(self) -> Principal | None:
        """The key it runs for, as it is now: one that was revoked asks no more."""
        principal, until = self._principal
        now = time.monotonic()
        if now >= until:
            principal = await self._keyring.by_id(self._batch.owner)
            self._principal = principal, now + KEY_S
        return principal

    async def _finish(self, requests: Sequence[bytes]) -> None:
        """Leave the files, and say so. Repeated after a crash, it leaves the same."""
        batch = self._batch
        why = "cancelled" if self._asked_for_end is not None else "expired"
        undone = len(requests) - len(self._done)
        ok = self._results(ok=True)
        rest = self._rest(requests, why)
        messages = batch.endpoint == report.MESSAGES
        if messages:
            await self._leave("output", _chained(ok, rest))
        else:
            if batch.completed:
                await self._leave("output", ok)
            if batch.failed or undone:
                await self._leave("errors", rest)
        setattr(batch, why, undone)
        if self._asked_for_end is not None:
            batch.status = "cancelled"
        else:
            batch.status = "expired" if undone else "completed"
        batch.ended_at = self._now()
        await self._ledger.save(batch)

    async def _leave(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        batch = self._batch
        if not getattr(batch, name):
            # Known before it is there, so that a second try replaces the first.
            setattr(batch, name, new_id("file-", self._ledger.clock()))
            await self._ledger.save(batch)
        ttl_s = batch.output_ttl_s or self._settings.keep_days * 86_400.0
        await self._files.add(
            batch.owner,
            pieces,
            filename=f"{batch.id}_{name}.jsonl",
            purpose="batch_output",
            ttl_s=ttl_s,
            id=getattr(batch, name),
        )

    async def _results(self, *, ok: bool) -> AsyncIterator[bytes]:
        async for entry in self._ledger.results(self._batch.name):
            if entry.ok is ok:
                yield bytes(entry.result) + b"\n"

    async def _rest(self, requests: Sequence[bytes], why: str) -> AsyncIterator[bytes]:
        async for piece in self._results(ok=False):
            yield piece
        for number, raw in enumerate(requests):
            if number not in self._done:
                custom_id = lines.read(raw).custom_id
                yield report.undone(self._batch.endpoint, custom_id, why) + b"\n"

    def _now(self) -> int:
        return int(self._ledger.clock())


async def _chained(*parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        async for piece in part:
            yield piece


def _spent(said: Said) -> Spent | None:
    usage = said.exchange.usage
    if usage is None:
        return None
    return Spent(usage.input, usage.cached, usage.output, usage.reasoning)
