"""The way of a request, top to bottom.

    admit    who is it, and may they
    read     what do they ask, in their dialect
    route    which deployments, best first
    answer   try them until one begins to answer
    reply    in the client's dialect, whole or streamed
    record   once, whatever happened

Read `serve` and you have read the gateway; each step is a file beside this one.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from adapters.contract import Call, Hint, Result
from adapters.errors import UpstreamError
from adapters.normal.chat import ChatCall
from gateway import errors
from gateway.deployments import Directory
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.learning.decisions import Decisions
from gateway.net.hangup import ClientGone
from gateway.spine.admit import identify
from gateway.spine.attempt import Stream, Whole
from gateway.spine.conduct.conductor import Conductor
from gateway.spine.exchange import Exchange
from gateway.spine.explain import explain
from gateway.spine.outcome import learn
from gateway.spine.record import Recorder
from gateway.spine.remotes import Remotes
from gateway.spine.route import resolve
from gateway.spine.way import Way
from gateway.spine.wishes import DRY_RUN, wants_dry_run, wishes

log = logging.getLogger(__name__)

HUNG_UP: Final = 499
"""The status of an exchange whose client left (nginx's convention; never sent)."""

_UNARY_DEADLINES: Final = (
    b"x-routeiq-timeout-s",
    b"x-stainless-timeout",
    b"x-stainless-read-timeout",
    b"x-server-timeout",
)
"""Seconds a client is going to wait, by our own, the OpenAI and Anthropic, and the
Google SDKs' headers; first one found counts."""


Owns = Callable[[Principal, bytes], Awaitable[None]]
"""Raises `Refused` for a JSON body that names what is not the key's."""


class Outlet(Protocol):
    """The client's end: one of the three is called, once."""

    async def whole(self, exchange: Exchange, result: Result) -> None: ...

    async def stream(self, exchange: Exchange, stream: Stream) -> UpstreamError | None:
        """Gives back the error that broke the stream, already told."""
        ...

    async def explained(self, exchange: Exchange, decision: bytes) -> None:
        """What would be done: nothing is."""
        ...

    async def refuse(self, exchange: Exchange, error: Exception) -> None: ...


class Dispatch:
    """Everything a request meets. Immutable: a reload makes a new one."""

    def __init__(
        self,
        *,
        keyring: Keyring,
        directory: Directory,
        way: Way,
        remotes: Remotes,
        conductor: Conductor,
        recorder: Recorder,
        decisions: Decisions,
        total_s: float,
        keep_content: bool,
        collects: bool,
        owns: Owns,
    ) -> None:
        self.keyring = keyring
        self.directory = directory
        self._way = way
        self._remotes = remotes
        self._conductor = conductor
        self._recorder = recorder
        self._decisions = decisions
        self._total_s = total_s
        self._keep_content = keep_content
        self._collects = collects
        self._owns = owns
        self.in_flight = 0

    async def serve(
        self,
        exchange: Exchange,
        key: bytes,
        read: Callable[[], Awaitable[bytes]],
        hint: Hint,
        outlet: Outlet,
    ) -> None:
        """The whole way. Everything a client is told goes through `outlet`."""
        self.in_flight += 1
        failure: Exception | None = None
        try:
            try:
                who = exchange.principal
                if who is None:
                    who = await identify(self.keyring, key)
                    exchange.admit(who)
                body = await read()
                if not (who.sees_all or _is_form(hint)):
                    await self._owns(who, body)
                call = exchange.call = exchange.dialect.read_call(body, hint)
                self._note(exchange, call)
                if DRY_RUN in exchange.headers and wants_dry_run(exchange.headers):
                    await outlet.explained(exchange, await self.decide(exchange, call))
                    return
                exchange.alias = resolve(self.directory, exchange, call.model)
                self._limit(exchange, streams=call.stream)
                answered = await self._conductor.answer(exchange, call)
                if isinstance(answered, Stream):
                    await self._stream(exchange, answered, outlet)
                else:
                    await self._whole(exchange, answered, outlet)
            except asyncio.CancelledError:
                if not exchange.hung_up:
                    raise
                exchange.status = HUNG_UP
            except ClientGone:  # its server told who was sending, before the watch
                exchange.hung_up = True
                exchange.status = HUNG_UP
            except Exception as error:  # noqa: BLE001 - noted, and told below
                failure = error
                _broke(exchange, error)
            # Not in the handler: one that awaits forgets its error when compiled.
            if failure is not None:
                await outlet.refuse(exchange, failure)
        finally:
            self.in_flight -= 1
            self._record(exchange)
            _untie(exchange.error)

    async def decide(self, exchange: Exchange, call: Call) -> bytes:
        """The whole decision, in words; nothing of it is carried out.

        Raises:
            Refused, BadCall: as the call itself would be.
        """
        exchange.wishes = wishes(exchange.headers, call)
        alias = resolve(self.directory, exchange, call.model)
        await self._remotes.ask(exchange, call, alias)
        return explain(self.directory, exchange, call)

    def _note(self, exchange: Exchange, call: Call) -> None:
        """What the call says of itself."""
        exchange.asked = call.model
        if isinstance(call, ChatCall):
            call.received = exchange.began_unix_ns // 1_000_000_000
        exchange.content = self._keep_content
        exchange.learned_from = self._collects
        exchange.wishes = wishes(exchange.headers, call)

    async def perform(
        self,
        exchange: Exchange,
        key: bytes,
        work: Callable[[], Awaitable[None]],
        refuse: Callable[[Exchange, Exception], Awaitable[None]],
    ) -> None:
        """The way of what is no model call: admitted, bounded and recorded alike."""
        self.in_flight += 1
        failure: Exception | None = None
        try:
            try:
                if exchange.principal is None:
                    exchange.admit(await identify(self.keyring, key))
                exchange.content = self._keep_content
                self._limit(exchange, streams=True)
                await work()
            except asyncio.CancelledError:
                if not exchange.hung_up:
                    raise
                exchange.status = HUNG_UP
            except ClientGone:  # its server told who was sending, before the watch
                exchange.hung_up = True
                exchange.status = HUNG_UP
            except Exception as error:  # noqa: BLE001 - noted, and told below
                failure = error
                _broke(exchange, error)
            if failure is not None:
                await refuse(exchange, failure)
        finally:
            self.in_flight -= 1
            self._record(exchange)
            _untie(exchange.error)

    def _limit(self, exchange: Exchange, *, streams: bool) -> None:
        """When it must be over, by the configuration and by the client's own wait."""
        model = exchange.alias.model if exchange.alias is not None else None
        total = self._total_s
        if model is not None and model.timeouts is not None:
            total = model.timeouts.total_s
        headers = exchange.headers
        for name in _UNARY_DEADLINES:
            said = headers.get(name)
            if said is not None:
                wait = _seconds(said)
                # A client waits that long for a whole answer; of a stream, only for
                # its next piece.
                if wait is not None and streams:
                    exchange.first_token_limit = wait
                elif wait is not None and wait < total:
                    total, exchange.hurried = wait, True
                break
        exchange.deadline = exchange.began + total

    async def _whole(self, exchange: Exchange, whole: Whole, outlet: Outlet) -> None:
        result = whole.result
        exchange.response_id = result.id
        exchange.stop = [*result.stops()]
        exchange.usage = result.usage
        exchange.served_model = result.model
        if whole.book is not None:
            exchange.tries = len(exchange.attempts) + 1
            whole.book.served(billed=result.billed)
        await outlet.whole(exchange, result)

    async def _stream(self, exchange: Exchange, stream: Stream, outlet: Outlet) -> None:
        exchange.tries = len(exchange.attempts) + (not stream.book.ended)
        try:
            error = await outlet.stream(exchange, stream)
            if error is not None:
                exchange.error = error
                self._way.broke(exchange, stream, error)
        finally:
            stream.close()
            stream.book.cancelled()  # does nothing unless we were cut off

    def _record(self, exchange: Exchange) -> None:
        kind = ""
        if exchange.hung_up:
            kind = errors.HUNG_UP
        elif exchange.error is not None:
            kind = errors.kind(exchange.error)
        if exchange.attempts and (kind or exchange.usage is None):
            exchange.usage = exchange.attempts[-1].usage
        if exchange.query is not None:
            learn(exchange, self._decisions)
        self._recorder.put(exchange.facts(time.monotonic(), kind))


def _broke(exchange: Exchange, error: Exception) -> None:
    """What broke an exchange; a bug of ours is logged with where it was raised."""
    exchange.error = error
    if errors.row(error) is errors.INTERNAL and not isinstance(error, errors.Refused):
        log.error("exchange failed", exc_info=error, extra={"id": exchange.id})


def _is_form(hint: Hint) -> bool:
    """Whether the body is a form: those of model calls name nothing that is kept."""
    return hint.content_type[:10].lower() == b"multipart/"


def _untie(error: BaseException | None) -> None:
    """Let go of the frames an error was raised through: they hold the exchange, which
    holds the error, and would keep bodies until the collector comes round."""
    while error is not None:
        following = error.__cause__ or error.__context__
        error.__traceback__ = error.__cause__ = error.__context__ = None
        error = following


def _seconds(said: bytes) -> float | None:
    try:
        wait = float(said)
    except ValueError:
        return None
    return wait if 0.0 < wait < 86_400.0 else None
