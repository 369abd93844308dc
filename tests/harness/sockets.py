"""A provider of WebSockets that plays a part in a thread of its own."""

import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import trustme
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

Play = Callable[[ServerConnection], None]


class SocketProvider:
    """Every session is handed to `play`; what it was asked by is kept."""

    def __init__(self, *, tls: bool = False) -> None:
        self.ca = trustme.CA() if tls else None
        """The authority to trust, with `tls`."""
        self.asked: list[Request] = []
        self.ended: list[str] = []
        """Paths of sessions that are over."""
        self.errors: list[BaseException] = []
        self.play: Play = lambda _: None
        self.refuse: Callable[[ServerConnection], Response | None] = lambda _: None
        self._server: Server
        self._thread: threading.Thread

    @property
    def url(self) -> str:
        scheme = "http" if self.ca is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        context = None
        if self.ca is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.ca.issue_cert("127.0.0.1").configure_cert(context)
        self._server = serve(
            self._serve,
            "127.0.0.1",
            0,
            ssl=context,
            process_request=self._check,
            compression=None,
            subprotocols=None,
            select_subprotocol=lambda _, offered: offered[0] if offered else None,
            max_size=None,
            close_timeout=2,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join(5)

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append(request)
        return self.refuse(connection)

    def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        try:
            self.play(connection)
        except BaseException as error:
            self.errors.append(error)
        finally:
            self.ended.append(connection.request.path)
