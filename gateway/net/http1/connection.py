"""One client's connection: bytes -> requests in order, answers -> bytes.

One request at a time: what a client sends ahead is kept, up to a bound, and read when
the answer before it is out. Anything that is not plain HTTP/1.1 is handed over.
"""

import asyncio
from functools import partial
from typing import Any, Final, cast

from starlette.types import Receive

from gateway.net.http1.body import SLOWEST, Body
from gateway.net.http1.cycle import Cycle, scope_of
from gateway.net.http1.head import Head, without
from gateway.net.http1.inbox import Inbox
from gateway.net.http1.inflate import Inflate, Unpacked
from gateway.net.http1.refusal import (
    CONTINUE,
    Refused,
    crowded,
    failed,
    reply,
    slow,
)
from gateway.net.http1.site import EAGER, NEVER, Site

_HEAD, _BODY, _CLOSING, _GONE = range(4)

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\n"
"""What HTTP/2 begins with when the client knows that we speak it."""

HIGH_WATER: Final = 64 * 1024
"""Unsent bytes of an answer above which the application waits."""

HELD_HIGH: Final = 64 * 1024
"""Bytes sent ahead above which reading pauses."""

LINGER_S: Final = 1.0
"""A refused client keeps sending: it is heard out that long, or the reset that
answers unread bytes could overtake our reply."""
LINGER_BYTES: Final = 256 * 1024

CROWD: Final = 128
"""Connections beyond the cap that are heard out so; more are cut short."""


class Connection(asyncio.Protocol):
    """Mounted by the worker; see the module."""

    __slots__ = (
        "_body",
        "_cycle",
        "_drain",
        "_facts",
        "_fresh",
        "_heard",
        "_inbox",
        "_paused_at",
        "_phase",
        "_started",
        "_transport",
        "_writable",
        "due",
        "keep",
        "site",
        "write_due",
    )

    _transport: asyncio.Transport

    def __init__(self, site: Site) -> None:
        self.site = site
        self.due = self.write_due = NEVER
        self.keep = True
        self._phase = _HEAD
        self._fresh = True
        """No request was read yet."""
        self._inbox = Inbox()
        self._cycle: Cycle | None = None
        self._body: Body | None = None
        """Of the request under way, while it has not arrived whole."""
        self._heard = 0
        """Bytes that came after the end was decided."""
        self._started = 0.0
        """When that body began, later by every pause that was ours."""
        self._paused_at: float | None = None
        self._writable = True
        self._drain: list[asyncio.Future[None]] = []
        self._facts: tuple[str, Any, Any] = ("http", None, None)

    # The transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none of asyncio's classes.
        self._transport = transport = cast(asyncio.Transport, transport)
        site, state = self.site, self.site.state
        state.accepted += 1
        state.connections += 1
        site.connections.add(self)
        cap = site.settings.max_connections
        if state.connections > cap:
            spare = min(CROWD, cap // 4 + 1)
            self.refuse(crowded(cap), linger=state.connections <= cap + spare)
            site.complain()
            return
        tls = transport.get_extra_info("ssl_object")
        if site.settings.http == "hypercorn" or (
            tls is not None and tls.selected_alpn_protocol() == "h2"
        ):
            self._hand_over(b"")
            return
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._facts = (
            "http" if tls is None else "https",
            _address(transport.get_extra_info("peername")),
            _address(transport.get_extra_info("sockname")),
        )
        self.due = max(site.idle_due, site.header_due)

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase == _BODY:
            self._absorb(data)
        elif phase == _CLOSING:
            self._heard += len(data)
            if self._heard > LINGER_BYTES:
                self._transport.pause_reading()
        elif self._cycle is not None:
            self._hold(data)
        elif phase == _HEAD:
            self._advance(data)

    def eof_received(self) -> None:
        """A client that ends its side is taken to be gone: nothing tells it from one
        that closed."""
        cycle = self._cycle
        self._shut(linger=False)
        if cycle is not None:
            cycle.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._phase == _GONE:
            return
        self._phase = _GONE
        self._inbox.clear()
        self.site.connections.discard(self)
        self.site.state.connections -= 1
        cycle, self._cycle = self._cycle, None
        self.resume_writing()
        if cycle is not None:
            cycle.hang_up()

    def pause_writing(self) -> None:
        self._writable = False
        self.write_due = self.site.write_due

    def resume_writing(self) -> None:
        self._writable = True
        self.write_due = NEVER
        for waiter in self._drain:
            if not waiter.done():
                waiter.set_result(None)

    # The tick calls.

    def expire(self) -> None:
        """Some time limit has passed."""
        phase, site = self._phase, self.site
        if self.write_due < site.now:
            site.state.count("write_timeout")
            self.abort()
        elif phase == _CLOSING:
            self.abort()
        elif phase == _BODY:
            self._refuse_cycle(slow("request's body"))
        elif self._inbox.held:
            self.refuse(slow("request's head"))
        else:
            self._shut(linger=False)

    def retire(self) -> None:
        """The server stops: end now if idle, after the answer otherwise."""
        if self._cycle is None and self._phase == _HEAD and not self._inbox.held:
            self._shut(linger=False)

    def abort(self) -> None:
        """End at once; nothing more is sent."""
        self.due = self.write_due = NEVER
        self._transport.abort()

    # Heads.

    def _hold(self, data: bytes) -> None:
        held = self._inbox.held
        held += data
        if len(held) > HELD_HIGH:
            self._pause()

    def _advance(self, data: bytes = b"") -> None:
        """Read the next head from what is held and `data`, and begin its cycle."""
        inbox, settings = self._inbox, self.site.settings
        begun = bool(inbox.held)
        raw = rest = b""
        try:
            found = inbox.head(data, settings.max_header_bytes)
            if found is None:
                if inbox.held and not begun:
                    self.due = self.site.header_due
                return
            raw, rest = found
            self._begin(self.site.heads.read(raw), raw, rest)
        except Refused as refused:
            if raw == PREFACE and self._fresh:
                self._hand_over(raw + rest + inbox.clear())
            else:
                self.refuse(refused)

    def _begin(self, head: Head, raw: bytes, rest: bytes) -> None:
        """Raises: Refused."""
        settings = self.site.settings
        if head.upgrade:
            self._hand_over(raw + rest + self._inbox.clear())
            return
        self._fresh = False
        self.keep = head.keep and settings.keep_alive_s > 0
        whole = rest and len(rest) == head.length <= settings.max_body_bytes
        body = None if whole else Body(head, settings)
        inflate = None
        if head.encoding:
            inflate = Inflate(
                head.encoding, settings.max_body_bytes, settings.max_decompressed_ratio
            )
            head.headers = without(head.headers, b"content-encoding", b"content-length")
        cycle = Cycle(self, head)
        self.due = NEVER
        if body is None:  # it came with its head, and nothing after it
            cycle.feed(rest)
            if self._paused_at is not None:
                self.resume()
        elif not body.over:
            self._phase = _BODY
            self._body = body
            self._started = self.site.now
            cycle.more = True
            rest = rest or self._inbox.clear()
            self.resume()
            self._take_body(cycle, rest)
        elif rest:
            self._hold(rest)
        elif len(self._inbox.held) <= HELD_HIGH:
            self.resume()
        self._cycle = cycle
        self._start(cycle, head, inflate)

    def _start(self, cycle: Cycle, head: Head, inflate: Inflate | None) -> None:
        site = self.site
        endpoint = site.direct.get((head.method, head.path))
        if endpoint is not None and inflate is None:
            serving = endpoint.direct(cycle)
        else:
            receive: Receive = cycle.receive
            if inflate is not None:
                receive = Unpacked(receive, inflate, partial(self._refuse_late, cycle))
            scope = scope_of(cycle, head, self._facts, site)
            serving = site.app(scope, receive, cycle.send)
        site.state.requests += 1
        site.cycles.add(cycle)
        work = cycle.run(serving)
        if EAGER:
            task = asyncio.Task(work, loop=site.loop, eager_start=True)  # type: ignore[call-arg]
        else:
            task = site.loop.create_task(work)
        cycle.task = task

    # Bodies.

    def _absorb(self, data: bytes) -> None:
        cycle = self._cycle
        assert cycle is not None
        try:
            self._take_body(cycle, data)
        except Refused as refused:
            self._refuse_cycle(refused)

    def _take_body(self, cycle: Cycle, data: bytes) -> None:
        """Raises: Refused."""
        body = self._body
        assert body is not None
        full = False
        if data:
            pieces, data = body.feed(data)
            for piece in pieces:
                full = cycle.feed(piece)
        if body.over:
            self._phase = _HEAD
            self._body = None
            self.due = NEVER
            cycle.close_body()
            if data:
                self._hold(data)
        elif full:
            self._pause()
        else:
            self._push_due(body)

    def _push_due(self, body: Body) -> None:
        """The body moves: another pause is granted, while it moves fast enough."""
        due = self._started + self.site.settings.body_timeout_s
        due += self.site.tick_s + body.received / SLOWEST
        self.due = min(self.site.body_due, due)

    def _pause(self) -> None:
        """Stop reading: it is not the client who must hurry now."""
        if self._paused_at is None:
            self._paused_at = self.site.now
            self._transport.pause_reading()
            self.due = NEVER

    def resume(self) -> None:
        """The application took what had arrived."""
        if self._paused_at is not None:
            self._started += self.site.now - self._paused_at
            self._paused_at = None
            self._transport.resume_reading()
            if self._body is not None:
                self._push_due(self._body)

    def proceed(self) -> None:
        self._transport.write(CONTINUE)

    # Answers.

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def is_writable(self) -> bool:
        # A transport that broke while writing says so in the loop's next turn only.
        return self._writable and not self._transport.is_closing()

    async def writable(self) -> None:
        """Wait until the client has read enough."""
        waiter = self.site.loop.create_future()
        self._drain.append(waiter)
        try:
            await waiter
        finally:
            self._drain.remove(waiter)

    def finished(self) -> None:
        """The answer is complete."""
        cycle, self._cycle = self._cycle, None
        if self._phase >= _CLOSING:
            return
        if not self.keep or self._phase == _BODY or self.site.state.draining:
            self._shut(linger=cycle is not None and cycle.more)
            return
        if not self._inbox.held:
            self.due = self.site.idle_due
            return
        # In its own turn, and not in the context of the application that just ended.
        self.due = self.site.header_due
        self.site.loop.call_soon(self._go_on, context=self.site.context)

    def _go_on(self) -> None:
        if self._phase == _HEAD and self._cycle is None and self._inbox.held:
            self._advance()
            self._listen()

    def _listen(self) -> None:
        """Read on, where no request has begun."""
        if self._cycle is None and self._phase == _HEAD:
            self.resume()

    def abandoned(self, flushed: bool) -> None:
        self._cycle = None
        if self._phase >= _CLOSING:
            return
        if flushed:
            self._shut(linger=False)
        else:
            self.refuse(failed())

    # Ends.

    def _refuse_cycle(self, refused: Refused) -> None:
        """The request turned out bad with its exchange under way."""
        cycle, self._cycle = self._cycle, None
        if cycle is not None and cycle.flushed:
            self.site.state.count(refused.code)
            self.abort()
        elif self._phase < _CLOSING:
            self.refuse(refused)
        if cycle is not None:
            cycle.hang_up()

    def _refuse_late(self, cycle: Cycle, refused: Refused) -> None:
        """What `cycle` has read of its body turned out bad."""
        if self._cycle is cycle:
            self._refuse_cycle(refused)

    def refuse(self, refused: Refused, *, linger: bool = True) -> None:
        """Tell the client, then close."""
        self.site.state.count(refused.code)
        self._transport.write(reply(refused, self.site.date))
        self._shut(linger=linger)

    def _shut(self, *, linger: bool) -> None:
        """End after what is written; `linger` when the client may still be sending."""
        if self._phase >= _CLOSING:
            return
        self._phase = _CLOSING
        self._body = None
        self._inbox.clear()
        self.due = self.site.now + self.site.tick_s + LINGER_S
        transport = self._transport
        if not linger or transport.get_write_buffer_size():
            self.due = max(self.due, self.site.write_due)
        if linger and transport.can_write_eof():
            if self._paused_at is not None:
                self._paused_at = None
                transport.resume_reading()
            transport.write_eof()
        else:
            transport.close()

    def _hand_over(self, data: bytes) -> None:
        """Hypercorn's from here on; only counted still."""
        site = self.site
        self.resume()
        self._phase = _GONE
        self._inbox.clear()
        site.connections.discard(self)
        site.state.handed_over += 1
        site.hand_over(self._transport, data, self._handed_back)

    def _handed_back(self) -> None:
        self.site.state.connections -= 1


def _address(name: Any) -> tuple[str, int] | None:
    """Host and port; none for sockets of other kinds."""
    return (name[0], name[1]) if isinstance(name, tuple) else None
