"""Stock httpx for what our own connections cannot do: proxies and HTTP/2.

Its pool looks at every connection for every request; it is meant for few requests.
"""

import asyncio
import importlib.util
import ipaddress
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

import httpcore
import httpx

from adapters.contract import Headers, WireRequest
from adapters.errors import BadRequest, Garbled, Timeout, Unreachable, UpstreamError
from gateway.config.schema import Egress
from gateway.net.address import Origin, parse
from gateway.net.coding import BadCoding
from gateway.net.dial import Resolve, Trust
from gateway.net.guard import Guard
from gateway.net.hangup import unsent
from gateway.net.head import AGENT, OURS, locate
from gateway.net.limits import Limits
from gateway.net.reply import Reply

_HAS_HTTP2: Final = importlib.util.find_spec("h2") is not None


class Detours:
    """Which origins go by stock httpx, and how."""

    def __init__(
        self,
        settings: Egress,
        guard: Guard,
        proxies: Mapping[str, str],
        resolve: Resolve,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._resolve = resolve
        self._trust = Trust(settings.ca_file)
        self._proxies = {parse(origin)[0]: url for origin, url in proxies.items()}
        self._http2 = settings.http2 and _HAS_HTTP2
        self.any = bool(self._proxies) or self._http2
        self._made: dict[str, httpx.AsyncBaseTransport] = {}

    def takes(self, origin: Origin) -> bool:
        return origin in self._proxies or (self._http2 and origin.scheme == "https")

    def proxied(self, origin: Origin) -> bool:
        """Whether it is reached through a proxy only."""
        return origin in self._proxies

    async def transport(self, origin: Origin) -> httpx.AsyncBaseTransport:
        """The transport for an origin that a detour takes.

        Raises:
            Unreachable: a forbidden address, spelled out; code `blocked`. What a
                proxy makes of a name is the proxy's rule.
        """
        proxy = self._proxies.get(origin, "")
        if proxy:
            with suppress(ValueError):
                self._guard.choose(origin, [str(ipaddress.ip_address(origin.host))])
        if proxy not in self._made:
            context = await self._trust.context()
            limits = httpx.Limits(max_connections=self._settings.max_connections)
            made = httpx.AsyncHTTPTransport(
                verify=context,
                http2=self._http2,
                limits=limits,
                proxy=proxy or None,
                trust_env=False,
            )
            if not proxy:
                backend = _Guarded(self._guard, self._resolve)
                cast(Any, made)._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001
                    ssl_context=context,
                    max_connections=self._settings.max_connections,
                    http1=True,
                    http2=True,
                    network_backend=backend,
                )
            self._made[proxy] = made
        return self._made[proxy]

    async def send(
        self,
        wire: WireRequest,
        limits: Limits,
        deadline: float,
        extra: Headers,
        *,
        whole: bool,
    ) -> Reply:
        """As `Client.ask` and `Client.open`."""
        origin, _ = locate(wire.head.url)
        transport = await self.transport(origin)
        headers = [
            pair
            for pair in (*wire.head.headers, *wire.headers, *extra)
            if pair[0].lower() not in OURS
        ]
        names = {name for name, _ in headers}
        if b"accept-encoding" not in names:
            headers.append((b"accept-encoding", b"identity"))
        if b"user-agent" not in names:
            headers.append((b"user-agent", AGENT.partition(b": ")[2].strip()))
        request = httpx.Request(
            wire.head.method,
            wire.head.url,
            headers=headers,
            content=wire.body or None,
            extensions={
                "timeout": {"connect": limits.connect_s, "pool": limits.connect_s}
            },
        )
        cap = self._settings.max_response_bytes
        bodiless = wire.head.method == "HEAD"
        reply = Reply(origin.host, origin.port, cap, whole=whole, bodiless=bodiless)
        reply.source = pump = _Pump(transport, request, reply, limits, deadline)
        try:
            await reply.arrive()
        except asyncio.CancelledError:
            if pump.sent:
                raise
            raise unsent() from None
        return reply

    async def aclose(self) -> None:
        made, self._made = self._made, {}
        for transport in made.values():
            await transport.aclose()


class _Pump:
    """Feeds a reply from httpx. Implements `Source`."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        request: httpx.Request,
        reply: Reply,
        limits: Limits,
        deadline: float,
    ) -> None:
        self.sent = False
        """The provider may have got some of it."""
        request.extensions["trace"] = self._trace
        self._room = asyncio.Event()
        self._room.set()
        self._deadline = deadline
        self._limits = limits
        self._task = asyncio.create_task(self._run(transport, request, reply))

    def cut(self) -> None:
        if self._task is not asyncio.current_task():
            self._task.cancel()

    def pause(self) -> None:
        self._room.clear()

    def resume(self) -> None:
        self._room.set()

    async def _trace(self, event: str, details: dict[str, Any]) -> None:
        """Told by httpcore, also of what it says to a proxy on the way."""
        if event.endswith(".send_request_headers.started"):
            self.sent = self.sent or details["request"].method != b"CONNECT"

    async def _run(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, reply: Reply
    ) -> None:
        try:
            await self._feed(transport, request, reply)
        except UpstreamError as error:
            reply.fail(error)
        except BadCoding as error:
            reply.fail(Garbled(str(error)))
        except httpx.TransportError as error:
            reply.fail(told(error, begun=reply.begun))
        reply.settle()

    async def _feed(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, reply: Reply
    ) -> None:
        now = asyncio.get_running_loop().time
        begun_by = min(self._deadline, now() + self._limits.first_token_s)
        try:
            async with asyncio.timeout_at(begun_by) as limit:
                response = await transport.handle_async_request(request)
                try:
                    _begin(reply, response)
                    reply.settle()
                    async for data in response.aiter_raw():
                        reply.feed(data)
                        reply.settle()
                        limit.reschedule(self._deadline)
                        await self._room.wait()
                        if reply.done:
                            return
                        idle_by = now() + self._limits.idle_s
                        await asyncio.sleep(0)  # the reader may find it says nothing
                        limit.reschedule(
                            min(self._deadline, idle_by) if reply.begun else begun_by
                        )
                finally:
                    await response.aclose()
        except TimeoutError:
            if now() >= self._deadline:
                code = "total"
            else:
                code = "idle" if reply.begun else "first_token"
            raise Timeout("no answer in time", code=code) from None
        reply.finish()


def _begin(reply: Reply, response: httpx.Response) -> None:
    headers = tuple((name.lower(), value) for name, value in response.headers.raw)
    codings = [value for name, value in headers if name == b"content-encoding"]
    reply.begin(response.status_code, headers, b", ".join(codings) or None)


def told(error: httpx.TransportError, *, begun: bool) -> UpstreamError:
    """What an error of httpx says, in our words."""
    text = f"{type(error).__name__}: {error}"
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Timeout(text, code="connect")
        case httpx.TimeoutException():
            return Timeout(text, code="idle" if begun else "first_token")
        case httpx.ConnectError() | httpx.ProxyError():
            return Unreachable(text, code="connect")
        case httpx.RemoteProtocolError() | httpx.DecodingError():
            return Garbled(text)
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            return BadRequest(text)
        case _:
            return Unreachable(text, code="reset")


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses that the guard has seen, and to no others."""

    def __init__(self, guard: Guard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = [str(ipaddress.ip_address(host))]
        except ValueError:
            addresses = await self._resolve(host, port)
        origin = Origin("https", host, port)
        error: httpcore.ConnectError | None = None
        for address in self._guard.choose(origin, addresses):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as each:
                error = error or each
        raise error or httpcore.ConnectError("no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("unix sockets are not for egress")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
