"""Responses in the background, for providers that have no such thing.

The exchange goes its usual way in a task of this process; its client is told at once
that it is queued, and asks later. While it runs, the task holds a lease: a response
that nobody holds was lost with its process. Whoever is asked for it begins it anew, as
its client would: nothing of the answer was told yet. After a few times it has failed.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from secrets import token_hex
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Result
from adapters.errors import BadCall, UpstreamError
from adapters.openai.responses import shape
from gateway.endpoints.responses.kept import Keeper, Kept, status, unavailable
from gateway.endpoints.responses.session import Session
from gateway.errors import Refused, tell
from gateway.spine.attempt import Stream
from gateway.spine.exchange import Exchange

log = logging.getLogger(__name__)

BEAT_S: Final = 1.0
"""Between two looks at whether a client has cancelled."""
LEASE_S: Final = 15.0
"""How long after its process a response counts as running."""
RUNS: Final = 3
"""How often a response is begun at most."""
GOING_ON: Final = frozenset({"queued", "in_progress"})

_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder().encode

Again = Callable[[str, Kept], Coroutine[Any, Any, None]]
"""Runs a response that was lost."""


class Job:
    """The client's end of one exchange in the background: the store."""

    def __init__(self, keeper: Keeper, session: Session) -> None:
        self._keeper = keeper
        self._session = session
        self.over = False
        self.accepted: asyncio.Future[bytes] = (
            asyncio.get_running_loop().create_future()
        )
        """The queued response, or the error that kept it from being one."""
        self.accepted.add_done_callback(_seen)

    async def accept(self, exchange: Exchange, asked: bytes, queued: bytes) -> None:
        """Keep the response, and how it was asked for, before it has begun.

        Raises:
            Refused: 503, it cannot be kept.
        """
        who = exchange.principal
        kept = Kept(
            owner=who.id if who is not None else "",
            background=True,
            input=self._session.input(),
            response=Raw(queued),
            asked=asked.decode(),
        )
        await self._keeper.put(self._session.id, kept)
        self.accepted.set_result(queued)

    async def whole(self, exchange: Exchange, result: Result) -> None:
        """The answer is there."""
        call = exchange.call
        assert call is not None
        body = self._session.write_result(result, call)
        assert isinstance(body, bytes)
        exchange.status = 200
        exchange.response_bytes = len(body)
        if exchange.content:
            exchange.response += body
        kept = await self._keeper.get(self._session.id)
        if kept is not None and status(kept) in GOING_ON:  # else nobody wants it
            await self._session.keep(body)
        self.over = True

    async def stream(self, exchange: Exchange, stream: Stream) -> UpstreamError | None:
        """Never: the call does not ask for one."""
        raise TypeError("a response in the background is not streamed")

    async def explained(self, exchange: Exchange, decision: bytes) -> None:
        """Never: it would be no response."""
        raise BadCall("a dry run is not made in the background", "background")

    async def refuse(self, exchange: Exchange, error: Exception) -> None:
        """It failed, or was not even accepted."""
        told = tell(error, exchange.request_id)
        exchange.status = told.status
        self.over = True
        if not self.accepted.done():
            self.accepted.set_exception(error)
            return
        try:
            await finish(self._keeper, self._session.id, shape.failed(told))
        except Refused as unkept:
            # It is told as lost as soon as nobody holds it any more.
            log.warning("a response stays open", extra={"error": str(unkept)})


def _seen(accepted: "asyncio.Future[bytes]") -> None:
    """An error in it need not have been asked for."""
    if not accepted.cancelled():
        accepted.exception()


async def finish(keeper: Keeper, id: str, fields: dict[str, Any]) -> None:
    """End a response that is going on, without an answer."""
    kept = await keeper.get(id)
    if kept is not None and status(kept) in GOING_ON:
        ended = Raw(_encode(_object(kept.response) | fields))
        await keeper.put(id, msgspec.structs.replace(kept, response=ended, asked=""))


class Jobs:
    """All that run in this process."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._holder = token_hex(8)
        self._running: dict[str, tuple[asyncio.Task[Any], Exchange]] = {}
        self._watches: set[asyncio.Task[None]] = set()
        self._begun_again: dict[str, asyncio.Task[None]] = {}
        self._again: Again | None = None

    def resumed_by(self, again: Again) -> None:
        """Have lost responses run by `again`."""
        self._again = again

    async def hold(self, id: str) -> bool:
        """Say that this process runs it; whether no other does.

        Raises:
            Refused: 503, nobody can be told.
        """
        with unavailable():
            return await self._keeper.store.lease(_lease(id), self._holder, LEASE_S)

    def watch(self, id: str, exchange: Exchange) -> None:
        """Look after the current task, which serves the exchange, until it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._running[id] = (task, exchange)
        watch = asyncio.create_task(self._watch(id))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _watch(self, id: str) -> None:
        task, _ = self._running[id]
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=BEAT_S)
                if not task.done():
                    await self._look(id)
        finally:
            del self._running[id]

    async def _look(self, id: str) -> None:
        try:
            await self.hold(id)
            kept = await self._keeper.get(id)
        except Refused as error:
            log.warning(
                "a response cannot be looked after", extra={"error": str(error)}
            )
            return
        if kept is None or status(kept) == "cancelled":
            self._stop(id)

    def _stop(self, id: str) -> None:
        running = self._running.get(id)
        if running is not None:
            task, exchange = running
            exchange.hung_up = True
            task.cancel()

    async def cancel(self, id: str) -> None:
        """End it now, wherever it runs."""
        beginning = self._begun_again.get(id)
        if beginning is not None and id not in self._running:
            beginning.cancel()
            await asyncio.wait({beginning})
        await finish(self._keeper, id, {"status": "cancelled"})
        self._stop(id)

    async def current(self, id: str, kept: Kept) -> Kept:
        """The response as it is now; one whose process is gone is begun again."""
        if status(kept) not in GOING_ON or self._here(id) or not await self.hold(id):
            return kept
        found = await self._keeper.get(id)  # it may have ended while we were told
        if found is None or status(found) not in GOING_ON or self._here(id):
            return found or kept
        if self._again is not None and found.asked and found.runs < RUNS:
            task = asyncio.create_task(self._begin_again(self._again, id, found))
            self._begun_again[id] = task
            task.add_done_callback(lambda _: self._begun_again.pop(id))
            return found
        message = (
            "the gateway was stopped while it waited for the answer, of which nothing "
            "is known: ask again"
        )
        error = {"code": "server_error", "message": message}
        await finish(self._keeper, id, {"status": "failed", "error": error})
        return await self._keeper.get(id) or found

    async def _begin_again(self, again: Again, id: str, kept: Kept) -> None:
        try:
            more = msgspec.structs.replace(kept, runs=kept.runs + 1)
            await self._keeper.put(id, more)
            await again(id, more)
        except Refused as error:
            # Whoever asks next begins it.
            log.warning("a response stays open", extra={"error": str(error)})

    def _here(self, id: str) -> bool:
        return id in self._running or id in self._begun_again

    async def wait(self, id: str) -> None:
        """Until it may have ended: at most a beat, where another process runs it."""
        running = self._running.get(id)
        if running is None:
            await asyncio.sleep(BEAT_S)
        else:
            await asyncio.wait({running[0]}, timeout=BEAT_S)

    async def close(self) -> None:
        """Leave what is under way to the next process."""
        held = {*self._running, *self._begun_again}
        for id in held:
            self._stop(id)
        for task in self._begun_again.values():
            task.cancel()
        if self._watches:
            await asyncio.wait(self._watches, timeout=BEAT_S * 2)
        for id in held:
            try:
                with unavailable():
                    await self._keeper.store.release(_lease(id), self._holder)
            except Refused as error:
                log.warning("a response stays held", extra={"error": str(error)})


def _lease(id: str) -> str:
    return f"{id}/job"
