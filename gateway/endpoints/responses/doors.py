"""POST /v1/responses: the door with a memory."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from adapters import envelope
from adapters.contract import Hint
from adapters.normal.chat import ChatCall
from adapters.openai.responses import asked, replies
from adapters.openai.wire import RESPONSES
from gateway.deployments import Deployment, Directory
from gateway.endpoints.door import Door, query_key
from gateway.endpoints.reply import Reply, served
from gateway.endpoints.responses.conversations import Conversations
from gateway.endpoints.responses.follow import EVENTS, follow
from gateway.endpoints.responses.jobs import Job, Jobs
from gateway.endpoints.responses.kept import Keeper
from gateway.endpoints.responses.session import KeptReply, Session
from gateway.errors import Refused
from gateway.net.link import Link
from gateway.spine.admit import identify, presented

_encode: Final = msgspec.json.Encoder().encode


class Memory(msgspec.Struct, frozen=True):
    """What the doors of this API share."""

    keeper: Keeper
    conversations: Conversations
    jobs: Jobs
    directory: Directory


class _Asked(msgspec.Struct, frozen=True):
    model: str | None = None
    background: bool | None = None
    store: bool | None = None
    stream: bool | None = None


_asked: Final = msgspec.json.Decoder(_Asked).decode


class ResponsesDoor(Door):
    """A door whose calls may name what was said before."""

    def __init__(self, memory: Memory, *args: Any) -> None:
        super().__init__(*args)
        self._memory = memory

    async def direct(self, link: Link) -> None:
        """A call whose body says everything."""
        await self.serve(link, self.hint(link.headers))

    async def serve(self, link: Link, hint: Hint) -> None:
        """A call; one in the background is answered before it is served."""
        exchange = self.exchange(link)
        key = presented(exchange.headers, query_key(link.query))
        try:  # before a body is read: nobody unknown may fill our memory
            exchange.principal = await identify(self._dispatch.keyring, key)
        except Refused as refused:
            await self._dispatch.serve(
                exchange, key, _raises(refused), hint, Reply(link)
            )
            return
        body = await link.body()
        wanted = _background(body, self._memory.directory)
        session = Session(
            self._memory.keeper,
            self._memory.conversations,
            exchange,
            background=wanted is not None,
        )
        exchange.dialect = session
        if wanted is None:
            reply = KeptReply(link, session)
            again = _Read(link, body)
            await self.run(again, exchange, hint, reply, session.prepare)
        else:
            await self._later(link, body, hint, session, wanted)

    async def _later(
        self,
        link: Link,
        body: bytes | None,
        hint: Hint,
        session: Session,
        wanted: _Asked,
    ) -> None:
        memory, exchange = self._memory, session.exchange
        job = Job(memory.keeper, session)

        async def prepare(body: bytes) -> bytes:
            if wanted.store is False or not memory.keeper.keeps:
                raise Refused(
                    400,
                    "invalid_request_error",
                    "background: a response that is not stored cannot be asked for "
                    "later: leave store out, and see responses.keep_days",
                    param="background",
                )
            prepared = await session.prepare(body)
            plain = envelope.replace(prepared, {}, frozenset({"background", "stream"}))
            who, model = exchange.principal, wanted.model or ""
            if who is not None and who.may_use(model) and memory.directory.find(model):
                call = session.read_call(plain, hint)
                assert isinstance(call, ChatCall)
                call.received = exchange.began_unix_ns // 1_000_000_000
                queued = _encode(replies.begun(call, "queued"))
                await memory.jobs.hold(session.id)
                await job.accept(exchange, queued)
                memory.jobs.watch(session.id, exchange)
            return plain

        # Neither the client's connection nor its end matters to the task.
        apart = _Apart(link, body)
        task = asyncio.create_task(self.run(apart, exchange, hint, job, prepare))
        waits: set[asyncio.Future[Any]] = {task, job.accepted}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        error = job.accepted.exception() if job.accepted.done() else None
        if not job.accepted.done() or isinstance(error, Exception):
            lost = RuntimeError("the exchange ended without an answer")
            await Reply(link).refuse(exchange, error or lost)  # type: ignore[arg-type]
            return
        headers = served(exchange)
        if not wanted.stream:
            headers.append((b"content-type", b"application/json"))
            await link.answer(200, headers, job.accepted.result())
            return
        await link.begin(200, [*headers, *EVENTS])
        owner = exchange.principal
        assert owner is not None
        async for piece in follow(memory.keeper, memory.jobs, session.id, owner, -1):
            await link.write(piece)
        await link.end()


def _raises(refused: Refused) -> Callable[[], Awaitable[bytes]]:
    """In a body's place, should the key be known the second time."""

    async def read() -> bytes:
        raise refused

    return read


class _Read:
    """A link whose body was read already."""

    def __init__(self, link: Link, body: bytes | None) -> None:
        self._link = link
        self._body = body
        self.note: object = None
        self.headers, self.query = link.headers, link.query
        self.task = link.task

    async def body(self) -> bytes | None:
        return self._body

    def watch(self, callback: Callable[[], None] | None) -> None:
        self._link.watch(callback)

    async def answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        await self._link.answer(status, headers, body)

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        await self._link.begin(status, headers)

    async def write(self, data: bytes) -> None:
        await self._link.write(data)

    async def end(self) -> None:
        await self._link.end()


class _Apart(_Read):
    """One that nobody is at the other end of."""

    def __init__(self, link: Link, body: bytes | None) -> None:
        super().__init__(link, body)
        self.task = None

    def watch(self, callback: Callable[[], None] | None) -> None:
        """Nobody leaves."""


def _background(body: bytes | None, directory: Directory) -> _Asked | None:
    """What a call asks that the gateway itself must run in the background; `None` for
    any other, and where every deployment of the model can do it."""
    if body is None or b'"background"' not in body:
        return None
    try:
        wanted = _asked(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None  # its reader says where it is wrong
    if not wanted.background:
        return None
    alias = directory.find(wanted.model or "")
    if alias is not None and all(native(one) for one in alias.deployments):
        return None
    return wanted


def native(deployment: Deployment) -> bool:
    """Whether a deployment has the API itself."""
    upstream, target = deployment.upstream, deployment.target
    if upstream.dialect == RESPONSES:
        return True
    return upstream.speaks(RESPONSES) and asked.native(target, "chat")
