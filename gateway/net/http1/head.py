"""The head of an HTTP/1.1 request: bytes -> fields, or a refusal.

Two readers must agree: a strict grammar over the whole block first (llhttp alone lets
some bytes pass that other servers read otherwise), then llhttp, which splits the
fields. Source: RFC 9110 section 5, RFC 9112 sections 2 to 7.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import unquote

import httptools

from gateway.config.schema import Server
from gateway.net.http1.refusal import Refused, malformed

Fields = list[tuple[bytes, bytes]]

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
# Beyond RFC 3986, brackets, braces, pipe and caret: clients leave them as they are.
_TARGET: Final = rb"[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~\[\]{}|^]++"

_block: Final = re.compile(
    rb"(" + _TOKEN + rb") (" + _TARGET + rb") HTTP/1\.([01])\r\n"
    rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n"
).fullmatch

is_target: Final = re.compile(_TARGET).fullmatch

_AUTHORITY: Final = (
    rb"(?:[A-Za-z0-9.\-_~!$&'()*+,;=%]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?"
)
_authority: Final = re.compile(_AUTHORITY).fullmatch
_absolute: Final = re.compile(
    rb"[Hh][Tt][Tt][Pp][Ss]?://(" + _AUTHORITY + rb")((?:[/?].*)?)"
).fullmatch
_length: Final = re.compile(rb"[0-9]{1,19}").fullmatch

_PLAIN: Final = frozenset((b"", b"identity"))


class Head:
    """What a request says before its body."""

    __slots__ = (
        "chunked",
        "dropped",
        "encoding",
        "expects",
        "headers",
        "host",
        "keep",
        "length",
        "method",
        "minor",
        "note",
        "path",
        "query",
        "raw_path",
        "sized",
        "tokens",
        "upgrade",
        "watched",
    )

    def __init__(self, method: str, minor: int) -> None:
        self.method = method
        self.minor = minor
        """Of the version: 0 or 1."""
        self.raw_path = b""
        self.path = ""
        self.query = b""
        self.headers: Fields = []
        """Names in lower case, as sent otherwise; no names with underscores."""
        self.host: bytes | None = None
        self.length = 0
        """Of the body in bytes, when it is not chunked."""
        self.sized = False
        """The client has told that length."""
        self.tokens: list[bytes] = []
        """Of the connection header, in lower case."""
        self.chunked = False
        self.keep = minor == 1
        """The client wants the connection kept."""
        self.expects = False
        """It waits for `100 Continue`."""
        self.encoding = b""
        """Of the body, in lower case; empty for none."""
        self.upgrade = False
        """A well-formed wish to go on as websocket or h2c."""
        self.dropped = 0
        self.watched: Fields = []
        self.note: object = None
        """What a door made of it (`gateway.net.link`)."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """For httptools."""
        name = name.lower()
        if name in _READ:
            self.watched.append((name, value))
        elif b"_" in name:
            # `x_user` reads like `x-user` wherever names become variables.
            self.dropped += 1
            return
        self.headers.append((name, value))


def parse_head(block: bytes, settings: Server) -> Head:
    """The head in `block`, which ends with its first empty line.

    Raises: Refused.
    """
    match = _block(block)
    if match is None:
        raise malformed("the request's head is malformed")
    count = block.count(b"\n") - 2
    if count > settings.max_headers:
        raise oversized(f"more than {settings.max_headers} headers")
    method, target, minor = match.groups()
    head = Head(method.decode(), 1 if minor == b"1" else 0)
    try:
        httptools.HttpRequestParser(head).feed_data(block)
    except httptools.HttpParserUpgrade:
        pass  # its body is framed by us all the same
    except httptools.HttpParserError as error:
        raise malformed("the request's head is malformed") from error
    if len(head.headers) + head.dropped != count:
        raise malformed("the request's head is malformed")
    if b" \r\n" in block or b"\t\r\n" in block:
        head.headers = [(n, v.rstrip(b" \t")) for n, v in head.headers]
        head.watched = [(n, v.rstrip(b" \t")) for n, v in head.watched]
    watch(head)
    aim(head, target)
    return head


def oversized(what: str) -> Refused:
    """`what` is too much of the headers."""
    return Refused(431, "headers_too_large", f"the request has {what}")


def watch(head: Head) -> None:
    """Read the fields that say how the message is framed and kept.

    Raises: Refused.
    """
    for name, value in head.watched:
        _READ[name](head, value)
    if head.host is None and head.minor:
        raise malformed("the host header is missing")
    if head.chunked and head.sized:
        raise malformed("content-length and transfer-encoding exclude each other")
    tokens = head.tokens
    if tokens:
        if b"close" in tokens:
            head.keep = False
        elif b"keep-alive" in tokens:
            head.keep = True
        if b"upgrade" in tokens:
            head.upgrade = _upgrades(head)


def _host(head: Head, value: bytes) -> None:
    if head.host is not None or not _authority(value):
        raise malformed("the host header is not one valid host")
    head.host = value


def _content_length(head: Head, value: bytes) -> None:
    if head.sized or not _length(value):
        raise malformed("the content-length is not one whole number")
    head.sized = True
    head.length = int(value)


def _transfer_encoding(head: Head, value: bytes) -> None:
    if head.chunked or value.lower() != b"chunked" or not head.minor:
        raise malformed("the only transfer-encoding understood is chunked")
    head.chunked = True


def _connection(head: Head, value: bytes) -> None:
    head.tokens += (token.strip(b" \t") for token in value.lower().split(b","))


def _expect(head: Head, value: bytes) -> None:
    if value.lower() != b"100-continue":
        raise Refused(417, "expectation_failed", "only 100-continue can be expected")
    head.expects = head.minor == 1


def _content_encoding(head: Head, value: bytes) -> None:
    value = value.lower()
    if value in _PLAIN:
        return
    if head.encoding:
        raise unsupported()
    head.encoding = value


def _nothing(head: Head, value: bytes) -> None:
    """Looked at only when the connection is to be upgraded."""


_READ: Final[dict[bytes, Callable[[Head, bytes], None]]] = {
    b"host": _host,
    b"content-length": _content_length,
    b"transfer-encoding": _transfer_encoding,
    b"connection": _connection,
    b"expect": _expect,
    b"content-encoding": _content_encoding,
    b"upgrade": _nothing,
    b"sec-websocket-key": _nothing,
    b"http2-settings": _nothing,
}


def unsupported() -> Refused:
    """For an encoding of the body that is unknown, or stands on another."""
    message = "the content-encoding can be gzip or deflate, once"
    headers = ((b"accept-encoding", b"gzip, deflate"),)
    return Refused(415, "unsupported_encoding", message, headers)


def _upgrades(head: Head) -> bool:
    """Whether Hypercorn will take it: anything else goes on as HTTP/1.1, so that
    no malformed upgrade leads around this parser."""
    if not head.minor or head.chunked or head.length:
        return False
    fields = dict(head.watched)
    wish = fields.get(b"upgrade", b"").lower()
    if wish == b"websocket":
        return head.method == "GET" and b"sec-websocket-key" in fields
    return wish == b"h2c" and b"http2-settings" in fields


def aim(head: Head, target: bytes) -> None:
    """Split the target; the absolute form replaces the host header.

    Raises: Refused.
    """
    if not target.startswith(b"/"):
        absolute = _absolute(target)
        if absolute is not None and absolute[1]:
            head.host, target = absolute.groups()
            host = head.host
            head.headers = [(n, host if n == b"host" else v) for n, v in head.headers]
            if not target.startswith(b"/"):
                target = b"/" + target
        elif target != b"*" or head.method != "OPTIONS":
            raise malformed("the request's target is malformed")
    path, _, head.query = target.partition(b"?")
    head.raw_path = path
    head.path = decode_path(path)


def decode_path(path: bytes) -> str:
    """Percent-decoded. Raises: Refused."""
    text = path.decode("ascii")
    if "%" not in text:
        return text
    text = unquote(text)
    if "\0" in text:
        raise malformed("the path holds a NUL")
    return text


def without(headers: Iterable[tuple[bytes, bytes]], *names: bytes) -> Fields:
    """A copy that lacks `names`."""
    return [header for header in headers if header[0] not in names]
