"""A TCP or TLS connection to an address that the guard has seen.

Names are resolved here and nowhere else, and the connection goes to the very address
that was checked. Source of the racing: RFC 8305 (Happy Eyeballs), sections 4 and 5.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import zip_longest
from typing import Final, Protocol, TypeVar

import certifi

from adapters.errors import Unreachable
from gateway.net.address import Origin
from gateway.net.guard import Guard

NEXT_ADDRESS_S: Final = 0.25
"""How long an address is tried before the next one is tried too."""
NAMES_S: Final = 5.0
"""How long an answer of DNS is believed."""

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Resolve(Protocol):
    """Asks for the addresses of a name, best first."""

    async def __call__(self, host: str, port: int) -> list[str]: ...


async def system_names(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system's resolver orders them.

    Raises:
        Unreachable: it has none; code `dns`.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} has no address: {error}", code="dns") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Trust:
    """The TLS context, made when first needed and in a thread: it reads 250 kB."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._lock = asyncio.Lock()

    async def context(self) -> ssl.SSLContext:
        if self._context is None:
            async with self._lock:
                if self._context is None:
                    self._context = await asyncio.to_thread(self._make)
        return self._context

    def _make(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=certifi.where())
        if self._ca_file:
            context.load_verify_locations(self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        return context


class Dialer:
    """Opens connections to one origin."""

    def __init__(
        self,
        origin: Origin,
        guard: Guard,
        trust: Trust,
        resolve: Resolve = system_names,
    ) -> None:
        self._origin = origin
        self._guard = guard
        self._trust = trust
        self._resolve = resolve
        self._known: list[str] = []
        self._known_until = 0.0
        self._lock = asyncio.Lock()

    async def dial(self, make: Callable[[], P]) -> P:
        """A protocol with its transport. No time limit of its own.

        Raises:
            Unreachable: code `dns`, `blocked`, `connect` or `tls`.
        """
        origin = self._origin
        addresses = self._guard.choose(origin, await self._addresses())
        try:
            sock = await _race(addresses, origin.port)
        except OSError as error:
            self._known_until = 0.0
            raise Unreachable(
                f"no connection to {origin.host}:{origin.port}: {error}",
                code="connect",
            ) from None
        try:
            return await self._wrap(sock, make)
        except BaseException:
            sock.close()
            raise

    async def _wrap(self, sock: socket.socket, make: Callable[[], P]) -> P:
        origin = self._origin
        loop = asyncio.get_running_loop()
        try:
            if origin.scheme == "https":
                _, protocol = await loop.create_connection(
                    make,
                    sock=sock,
                    ssl=await self._trust.context(),
                    server_hostname=origin.host,
                )
            else:
                _, protocol = await loop.create_connection(make, sock=sock)
        except ssl.SSLError as error:
            raise Unreachable(
                f"no TLS connection to {origin.host}: {error}", code="tls"
            ) from None
        except OSError as error:
            raise Unreachable(
                f"no connection to {origin.host}:{origin.port}: {error}",
                code="connect",
            ) from None
        return protocol

    async def _addresses(self) -> list[str]:
        origin = self._origin
        with suppress(ValueError):
            return [str(ipaddress.ip_address(origin.host))]
        loop = asyncio.get_running_loop()
        async with self._lock:  # one question for all who open at the same time
            if loop.time() >= self._known_until:
                self._known = await self._resolve(origin.host, origin.port)
                self._known_until = loop.time() + NAMES_S
            return self._known


async def _race(addresses: list[str], port: int) -> socket.socket:
    """The first socket that is connected; raises the first `OSError`."""
    queue = _interleaved(addresses)
    if len(queue) == 1:
        return await _connected(queue[0], port)
    tasks: list[asyncio.Task[socket.socket]] = []
    won: socket.socket | None = None
    error: OSError | None = None
    try:
        while won is None:
            if queue:
                tasks.append(asyncio.create_task(_connected(queue.pop(0), port)))
            pending = [task for task in tasks if not task.done()]
            if pending:
                await asyncio.wait(
                    pending,
                    timeout=NEXT_ADDRESS_S if queue else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            for task in pending:
                if task.done():
                    try:
                        won = task.result()
                        break
                    except OSError as each:
                        error = error or each
            if won is None and not queue and all(task.done() for task in tasks):
                raise error or OSError("no address answers")
        return won
    finally:
        await _put_away(tasks, won)


async def _put_away(
    tasks: Iterable[asyncio.Task[socket.socket]], won: socket.socket | None
) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, socket.socket) and result is not won:
            result.close()


async def _connected(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _interleaved(addresses: list[str]) -> list[str]:
    """Families in turn, beginning with the one that came first."""
    first = ":" in addresses[0]
    same = [each for each in addresses if (":" in each) is first]
    other = [each for each in addresses if (":" in each) is not first]
    return [each for pair in zip_longest(same, other) for each in pair if each]
