"""One HTTP/1.1 connection to a provider: writes a request, feeds the answer to its
reply, and judges what the provider sends.

One exchange at a time. After it the connection is given back to its pool, unless
anything at all was odd about it.
"""

import asyncio
from typing import Final, Protocol

import httptools

from adapters.errors import Garbled, Timeout, Unreachable, UpstreamError
from gateway.net.coding import BadCoding
from gateway.net.reply import Reply

MAX_HEAD: Final = 64 * 1024
MAX_HEADERS: Final = 256
MAX_INTERIM: Final = 8
"""1xx answers before the real one."""
MAX_IDLE_S: Final = 60.0
STALE_S: Final = 1.0
"""A kept connection that ends this soon after a request was closed before it."""
JOINED: Final = 16 * 1024
"""A body up to this size is copied behind its head, to go in one packet."""

_SPECIAL: Final = frozenset(
    (b"transfer-encoding", b"content-length", b"content-encoding", b"keep-alive")
)


class Keeper(Protocol):
    """Who looks after connections: their pool."""

    def give_back(self, connection: "Connection") -> None:
        """Its exchange is over, and it may be used again."""
        ...

    def forget(self, connection: "Connection") -> None:
        """It is of no more use. May be called more than once."""
        ...


class _BadAnswer(Exception):
    """Out of a parser callback: the provider broke the protocol."""


class Connection(asyncio.BufferedProtocol):
    """See the module."""

    __slots__ = (
        "_buffer",
        "_fed",
        "_headers",
        "_interim",
        "_is_interim",
        "_keep",
        "_parser",
        "_quiet",
        "_room",
        "_special",
        "_surplus",
        "_trailers",
        "_until_close",
        "alive",
        "deadline",
        "expires",
        "first_token_s",
        "heard",
        "idle_s",
        "keep_s",
        "keeper",
        "last",
        "reply",
        "started",
        "transport",
        "uses",
    )

    transport: asyncio.Transport

    def __init__(self, keeper: Keeper, buffer: memoryview) -> None:
        """`buffer` may be shared by all connections of a loop that reads and tells in
        one breath."""
        self.keeper = keeper
        self.alive = False
        self.uses = 0
        self.reply: Reply | None = None
        self.keep_s = MAX_IDLE_S
        """How long it may lie idle."""
        self.expires = 0.0
        """Loop time at which it should be closed, while it lies idle."""
        self.started = 0.0
        self.last = 0.0
        self.heard = False
        self.first_token_s = self.idle_s = self.deadline = 0.0
        self._buffer = buffer
        self._room: asyncio.Future[None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._forget_answer()

    def _forget_answer(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._special: dict[bytes, bytes] = {}
        self._fed = 0
        self._quiet = 0
        self._interim = 0
        self._trailers = 0
        self._is_interim = False
        self._until_close = False
        self._keep = True
        self._surplus = False

    # --- the owner's side ---------------------------------------------------------

    def start(self, reply: Reply, head: bytes, body: bytes, now: float) -> None:
        """Send a request; `reply` is fed from now on."""
        if self.uses:
            self._forget_answer()
        self.uses += 1
        self.reply = reply
        reply.source = self
        self.started = self.last = now
        self.heard = False
        if not body:
            self.transport.write(head)
        elif len(body) <= JOINED:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))

    async def send(self, data: bytes) -> bool:
        """More of a request's body; returns when there is room for yet more.

        False: no more is wanted, the answer is over or the connection lost.
        """
        if self.reply is None or self.reply.done:
            return False
        self.transport.write(data)
        if self._room is not None:
            await asyncio.shield(self._room)
        return self.reply is not None

    def check(self, now: float) -> None:
        """Fail the exchange when one of its limits ran out."""
        reply = self.reply
        if reply is None:
            return
        if self.heard or reply.waits_for_reader():
            self.heard = False
            self.last = now
        if now >= self.deadline:
            reply.fail(_late("total", now - self.started))
        elif reply.begun:
            if now - self.last >= self.idle_s:
                reply.fail(_late("idle", self.idle_s))
        elif now - self.started >= self.first_token_s:
            reply.fail(_late("first_token", self.first_token_s))

    def cut(self) -> None:
        """End it now, whatever is on the way."""
        self._let_go()
        self.keeper.forget(self)
        self.transport.abort()

    def pause(self) -> None:
        self.transport.pause_reading()

    def resume(self) -> None:
        if self.alive and not self.transport.is_closing():
            self.transport.resume_reading()

    # --- the transport's side -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.alive = True

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        reply = self.reply
        if reply is None:  # nobody asked: whatever it is, it is not an answer
            self.cut()
            return
        self.heard = True
        self._fed += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._surplus = True
            cause = error.__context__
            reply.fail(Garbled(f"not HTTP: {cause or error}"))
        if self._fed > MAX_HEAD:
            self._bound(reply, nbytes)
        if reply.done:
            self._over(reply)
        reply.settle()

    def eof_received(self) -> None:
        self._ended(None)
        self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(exc)
        self._let_go()
        self.keeper.forget(self)
        self._parser = None  # type: ignore[assignment]  # it holds us, too

    def pause_writing(self) -> None:
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def _let_go(self) -> None:
        self.alive = False
        self.reply = None
        self.resume_writing()

    def _over(self, reply: Reply) -> None:
        """The answer is complete; so is the request, if all is well."""
        self.reply = None
        if (
            self._keep
            and not self._surplus
            and reply.error is None
            and not reply.bodiless
            and self.alive
            and not self.transport.is_closing()
            and not self.transport.get_write_buffer_size()
        ):
            if reply.paused:
                self.resume()
            self.keeper.give_back(self)
        else:
            self.cut()

    def _ended(self, exc: Exception | None) -> None:
        """The provider ended the connection."""
        reply = self.reply
        if reply is None:
            return
        if self._until_close and exc is None:
            reply.finish()
            self.reply = None
            reply.settle()
            return
        # A provider that took the request and fails later may have begun to work on
        # it: that is an attempt that failed, not a connection that had been closed.
        waited = asyncio.get_running_loop().time() - self.started
        reply.stale = self.uses > 1 and not self._fed and waited < STALE_S
        reply.fail(_broken(exc, reply))

    def _bound(self, reply: Reply, nbytes: int) -> None:
        """What the parser itself does not bound: the size of a head, and of trailers
        and chunk extensions, which come without a byte of the body."""
        if not reply.headed:
            reply.fail(Garbled(f"a head of more than {MAX_HEAD} bytes"))
        elif self._quiet > MAX_HEAD:
            reply.fail(Garbled("framing without content"))
        self._quiet += nbytes

    # --- the parser's side --------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.reply is None or self.reply.done:
            self._surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        reply = self.reply
        if reply is None or reply.headed:
            self._trailers += 1
            if self._trailers > MAX_HEADERS:
                raise _BadAnswer("too many trailers")
            return
        name = name.lower()
        self._headers.append((name, value))
        if name in _SPECIAL:
            if name in self._special:
                value = self._special[name] + b", " + value
            self._special[name] = value

    def on_headers_complete(self) -> None:
        reply, parser = self.reply, self._parser
        if reply is None or reply.done:
            return
        if len(self._headers) > MAX_HEADERS:
            raise _BadAnswer(f"more than {MAX_HEADERS} headers")
        if self._fed > MAX_HEAD and _size(self._headers) > MAX_HEAD:
            raise _BadAnswer(f"a head of more than {MAX_HEAD} bytes")
        status: int = parser.get_status_code()
        if self.uses == 1 and parser.get_http_version() not in ("1.1", "1.0"):
            raise _BadAnswer(f"HTTP version {parser.get_http_version()}")
        if status < 200:
            self._interim += 1
            if status < 100 or status == 101 or self._interim > MAX_INTERIM:
                raise _BadAnswer(f"status {status}")
            self._is_interim = True
            self._headers = []
            self._special = {}
            return
        if status > 999:
            raise _BadAnswer(f"status {status}")
        self._keep = parser.should_keep_alive()
        self._frame(status)
        try:
            coding = self._special.get(b"content-encoding")
            reply.begin(status, tuple(self._headers), coding)
        except BadCoding as error:
            raise _BadAnswer(str(error)) from None
        if reply.bodiless:
            reply.finish()

    def _frame(self, status: int) -> None:
        """How the body ends, and how long the connection may be kept after it."""
        special = self._special
        transfer = special.get(b"transfer-encoding")
        if transfer is not None and transfer.strip().lower() != b"chunked":
            raise _BadAnswer(f"transfer-encoding {transfer[:40]!r}")
        self._until_close = (
            transfer is None
            and b"content-length" not in special
            and status not in (204, 304)
        )
        keep = special.get(b"keep-alive")
        if keep is not None:
            self.keep_s = _keep_s(keep)

    def on_body(self, data: bytes) -> None:
        reply = self.reply
        if reply is not None:
            self._quiet = 0
            reply.feed(data)

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
        elif self.reply is not None:
            self.reply.finish()


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)


def _late(limit: str, seconds: float) -> UpstreamError:
    words = {
        "first_token": "no first token",
        "idle": "silence",
        "total": "no complete answer",
    }
    return Timeout(f"{words[limit]} for {seconds:.3g} s", code=limit)


def _broken(exc: Exception | None, reply: Reply) -> UpstreamError:
    where = "in the middle of its answer" if reply.headed else "without an answer"
    if exc is None:
        return Unreachable(f"the connection was closed {where}", code="closed")
    return Unreachable(f"the connection broke {where}: {exc}", code="reset")


def _keep_s(value: bytes) -> float:
    """`keep-alive: timeout=5, max=100` -> a second less than it says."""
    for part in value.split(b","):
        name, _, number = part.strip().partition(b"=")
        if name.strip().lower() == b"timeout" and number.strip().isdigit():
            return min(MAX_IDLE_S, max(0.5, int(number.strip()[:6]) - 1.0))
    return MAX_IDLE_S
