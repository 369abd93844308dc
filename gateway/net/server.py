"""The server: our HTTP/1.1 in Hypercorn's place, Hypercorn for all else.

`gateway/net/http1` holds its parts, top to bottom: supervisor, process, worker,
connection and handover, cycle, head and bodies, refusals.
"""

import errno
import logging
import resource
import socket
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from starlette.types import ASGIApp

from gateway.config.schema import Server
from gateway.net.http1.process import FAILED, complain, run
from gateway.net.http1.state import State
from gateway.net.http1.supervisor import Supervisor
from gateway.net.http1.worker import NotStarted, tls_context

__all__ = ["State", "serve"]

log = logging.getLogger(__name__)

_SPARE_FILES: Final = 512
"""Descriptors left to everything but clients: upstreams, the store, logs."""


def serve(
    make: Callable[[], ASGIApp],
    settings: Server,
    *,
    ready: Callable[[list[str]], None] | None = None,
) -> int:
    """Serve what `make` gives until SIGTERM or SIGINT; the exit code.

    `make` must be picklable: each of several workers is a spawned process and calls it
    there. `ready` gets the bound addresses once the application has started.
    """
    try:
        tls_context(settings)
        sockets = _bind(settings)
    except NotStarted as error:
        complain(str(error))
        return FAILED
    settings = _within_files(settings)
    scheme = "http" if settings.tls is None else "https"
    addresses = [f"{scheme}://{_name(sock)}" for sock in sockets]
    announce = partial(ready or _quiet, addresses)
    if settings.workers > 1:
        return Supervisor(make, settings, sockets, announce).run()
    try:
        return run(make, settings, sockets, started=announce)
    finally:
        for sock in sockets:
            sock.close()


def _quiet(_: list[str]) -> None:
    """Nobody asked."""


def _bind(settings: Server) -> list[socket.socket]:
    """Sockets that do not listen yet. Raises: NotStarted."""
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            why = "the port is in use"
        elif error.errno == errno.EACCES:
            why = "this user may not use the port"
        else:
            why = error.strerror or str(error)
        raise NotStarted(f"cannot listen on {where}: {why}") from error
    return [sock]


def _name(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _within_files(settings: Server) -> Server:
    """The settings, with no more connections than there can be open files."""
    wanted = settings.max_connections + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return settings
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == wanted:
        return settings
    cap = max(1, allowed - min(_SPARE_FILES, allowed // 2))
    log.warning(
        "server.max_connections is more than open files allow",
        extra={"max_connections": cap, "open_files": allowed},
    )
    return msgspec.structs.replace(settings, max_connections=cap)
