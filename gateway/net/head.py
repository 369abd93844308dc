"""Request heads as bytes, made once per kind of request and kept.

What a caller hands in is checked here: nothing that reaches the wire can end a line,
and how a body is framed is ours alone to say.
"""

import re
import weakref
from typing import Final
from urllib.parse import quote

from adapters.contract import Headers, WireHead
from adapters.errors import BadRequest, Unreachable
from gateway.net.address import BadAddress, Origin, parse

OURS: Final = frozenset(
    (
        *(b"host", b"content-length", b"transfer-encoding", b"connection", b"te"),
        *(b"keep-alive", b"proxy-connection", b"upgrade", b"trailer", b"expect"),
    )
)
"""Headers that describe the connection or the framing: dropped when handed in."""
BODILESS: Final = frozenset(("GET", "HEAD", "OPTIONS", "DELETE"))
"""Methods whose empty body is not worth a `content-length: 0`."""
AGENT: Final = b"user-agent: routeiq\r\n"

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,19}")


class Prepared:
    """A `WireHead` ready to be sent, but for what differs between requests."""

    __slots__ = ("_agent", "_top", "bodiless", "method", "origin")

    def __init__(
        self, method: str, origin: Origin, target: str, headers: Headers
    ) -> None:
        """Raises `BadRequest` for a method or header that cannot be sent."""
        if _METHOD.fullmatch(method) is None:
            raise BadRequest(f"method {method[:40]!r} cannot be sent")
        self.method = method
        self.origin = origin
        self.bodiless = method in BODILESS
        names = {name for name, _ in headers}
        lines = [f"{method} {target} HTTP/1.1\r\nhost: {origin.authority}\r\n".encode()]
        if b"accept-encoding" not in names:
            lines.append(b"accept-encoding: identity\r\n")
        lines.extend(_line(name, value) for name, value in headers)
        self._agent = b"user-agent" not in names
        self._top = b"".join(lines)

    def head(self, headers: Headers, extra: Headers, size: int | None) -> bytes:
        """The whole head of a request with a body of `size` bytes; `None`: chunked.

        Raises:
            BadRequest: a header that cannot be sent.
        """
        agent = self._agent
        top = self._top
        if headers or extra:
            lines = [top]
            for name, value in (*headers, *extra):
                lines.append(_line(name, value))
                if agent and name == b"user-agent":
                    agent = False
            top = b"".join(lines)
        if agent:
            top += AGENT
        if size is None:
            return top + b"transfer-encoding: chunked\r\n\r\n"
        if not size and self.bodiless:
            return top + b"\r\n"
        return b"%bcontent-length: %d\r\n\r\n" % (top, size)


class Heads:
    """Prepared heads, as long as their `WireHead` lives."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[WireHead], Prepared]] = {}

    def find(self, head: WireHead) -> Prepared:
        """Raises `Unreachable` (code `blocked`) for a URL that cannot be trusted, and
        `BadRequest` for anything else that cannot be sent."""
        kept = self._kept.get(id(head))
        if kept is not None and kept[0]() is head:
            return kept[1]
        origin, target = locate(head.url)
        prepared = Prepared(head.method, origin, target, head.headers)
        key = id(head)
        gone = weakref.ref(head, lambda _: self._kept.pop(key, None))
        self._kept[key] = (gone, prepared)
        return prepared


def locate(url: str) -> tuple[Origin, str]:
    """The origin and the target; raises `Unreachable`, code `blocked`."""
    try:
        return parse(_FOREIGN.sub(lambda found: quote(found[0]), url))
    except BadAddress as error:
        raise Unreachable(
            f"the address of the provider cannot be used: {error}",
            code="blocked",
            should_retry=False,
        ) from None


def checked(headers: Headers) -> Headers:
    """Those that are not ours to set. Raises `BadRequest` for one that cannot be
    sent."""
    return tuple((name, value) for name, value in headers if _line(name, value))


def _line(name: bytes, value: bytes) -> bytes:
    if _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
        raise BadRequest(f"header {name[:40]!r} cannot be sent")
    return b"" if name.lower() in OURS else b"%b: %b\r\n" % (name, value)
