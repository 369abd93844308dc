"""A client's connection, down to its bytes."""

import json
import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

MASTER = "sk-riq-master-0123456789abcdef"
"""The gateway's master key in these tests."""


class Wire:
    """A blocking TCP connection; closed with a reset when its block ends early."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def ask(
        self, path: str, body: Any, headers: Iterable[tuple[str, str]] = ()
    ) -> float:
        """Send a whole request; when that was."""
        data = json.dumps(body).encode()
        self.send(request(path, headers, length=len(data)) + data)
        return time.monotonic()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def offer(self, data: bytes) -> bool:
        """Send; whether the other side still takes it."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def read(self, size: int = 65536) -> bytes:
        """What is there, once something is; empty at the end, also at a reset."""
        try:
            return self.socket.recv(size)
        except ConnectionError:
            return b""

    def peep(self) -> bytes:
        """A byte of what is there, if any."""
        with suppress(BlockingIOError, ConnectionError):
            return self.socket.recv(1, socket.MSG_DONTWAIT)
        return b""

    def until(self, what: bytes) -> bytes:
        """Read until something has come; fails at the end of the connection."""
        data = b""
        while what not in data:
            more = self.read()
            assert more, data
            data += more
        return data

    def rest(self, within_s: float = 10.0) -> bytes:
        """All until the other side closes."""
        limit = time.monotonic() + within_s
        data = b""
        while True:
            self.socket.settimeout(max(0.01, limit - time.monotonic()))
            more = self.read()
            if not more:
                return data
            data += more

    def reset(self) -> None:
        """End with RST."""
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.socket.close()


def request(
    path: str,
    headers: Iterable[tuple[str, str]] = (),
    *,
    method: str = "POST",
    length: int | None = None,
    chunked: bool = False,
    key: str = MASTER,
) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost"]
    if key:
        lines.append(f"authorization: Bearer {key}")
    if length is not None:
        lines.append(f"content-length: {length}")
    if chunked:
        lines.append("transfer-encoding: chunked")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
