"""POST /v1/responses: the door with a memory."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from adapters import envelope
from adapters.contract import Hint
from adapters.normal.chat import ChatCall
from adapters.openai.responses import asked, replies, shape
from adapters.openai.wire import RESPONSES
from gateway.deployments import Deployment, Directory
from gateway.endpoints.door import Door, query_key
from gateway.endpoints.reply import Reply, served
from gateway.endpoints.responses.conversations import Conversations
from gateway.endpoints.responses.follow import EVENTS, follow
from gateway.endpoints.responses.jobs import Job, Jobs, finish
from gateway.endpoints.responses.kept import Keeper, Kept, unavailable
from gateway.endpoints.responses.session import KeptReply, Session
from gateway.errors import Refused, tell
from gateway.govern.principal import Principal
from gateway.net.link import Fields, Link
from gateway.spine.admit import identify, presented

IDEMPOTENCY: Final = b"idempotency-key"
_NOBODY: Final = "nobody is there to be told"
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
            exchange.admit(await identify(self._dispatch.keyring, key))
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
            await self._later(link, body, hint, session, wanted, key)

    async def _later(
        self,
        link: Link,
        body: bytes | None,
        hint: Hint,
        session: Session,
        wanted: _Asked,
        key: bytes,
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
            plain = _bare(await session.prepare(body))
            who, model = exchange.principal, wanted.model or ""
            if who is not None and who.may_use(model) and memory.directory.find(model):
                call = session.read_call(plain, hint)
                assert isinstance(call, ChatCall)
                call.received = exchange.began_unix_ns // 1_000_000_000
                queued = _encode(replies.begun(call, "queued"))
                await memory.jobs.hold(session.id)
                await job.accept(exchange, body, queued)
                memory.jobs.watch(session.id, exchange)
            return plain

        # Neither the client's connection nor its end matters to the task.
        apart, once = _Apart(body), _once(hint, session.id)
        task = asyncio.create_task(
            self.run(apart, exchange, once, job, prepare, key=key)
        )
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

    async def again(self, id: str, kept: Kept) -> None:
        """Run a response that was lost with its process, in its key's name.

        Raises:
            Refused: 503, the store does not answer.
        """
        with unavailable():
            who = await self._dispatch.keyring.by_id(kept.owner)
        if who is None:
            told = tell(_gone())
            await finish(self._memory.keeper, id, shape.failed(told))
        else:
            await self._run_again(id, kept, who)

    async def _run_again(self, id: str, kept: Kept, who: Principal) -> None:
        memory, body = self._memory, kept.asked.encode()
        exchange = self._begin({})
        exchange.admit(who)
        session = Session(
            memory.keeper,
            memory.conversations,
            exchange,
            background=True,
            again=kept,
            id=id,
        )
        exchange.dialect = session
        job = Job(memory.keeper, session)
        job.accepted.set_result(bytes(kept.response))

        async def prepare(body: bytes) -> bytes:
            prepared = _bare(await session.prepare(body))
            memory.jobs.watch(id, exchange)
            return prepared

        apart, once = _Apart(body), _once(self._plain, id)
        await self.run(apart, exchange, once, job, prepare, key=b"")


def _gone() -> Refused:
    told = "the key that it was asked with is no longer valid"
    return Refused(401, "authentication_error", told, code="invalid_api_key")


def _once(hint: Hint, id: str) -> Hint:
    """With a name for providers that know a call when it comes again."""
    if any(name == IDEMPOTENCY for name, _ in hint.headers):
        return hint
    headers = (*hint.headers, (IDEMPOTENCY, id.encode()))
    return msgspec.structs.replace(hint, headers=headers)


def _bare(body: bytes) -> bytes:
    return envelope.replace(body, {}, frozenset({"background", "stream"}))


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


class _Apart:
    """A call that nobody is at the other end of."""

    headers: Fields = ()
    query = b""
    task = None

    def __init__(self, body: bytes | None) -> None:
        self._body = body
        self.note: object = None

    async def body(self) -> bytes | None:
        return self._body

    def watch(self, callback: Callable[[], None] | None) -> None:
        """Nobody leaves."""

    async def answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        raise TypeError(_NOBODY)

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        raise TypeError(_NOBODY)

    async def write(self, data: bytes) -> None:
        raise TypeError(_NOBODY)

    async def end(self) -> None:
        raise TypeError(_NOBODY)


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
