"""What the server itself says no to, and the words for it."""

from http import HTTPStatus
from typing import Final

import msgspec

STATUS: Final = {
    s.value: b"HTTP/1.1 %d %b\r\n" % (s.value, s.phrase.encode())
    for s in HTTPStatus
    if s.value >= 200
}
"""Status lines, known ones."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_encode: Final = msgspec.json.Encoder().encode


class Refused(Exception):
    """A request that never reaches the application, or not to its end.

    The connection ends with it: what follows on the wire cannot be trusted.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = headers

    @property
    def body(self) -> bytes:
        type_ = "server_error" if self.status >= 500 else "invalid_request_error"
        error = {
            "message": self.message,
            "type": type_,
            "code": self.code,
            "param": None,
        }
        return _encode({"error": error})


def status_line(status: int) -> bytes:
    """The first line of an answer, its line end included."""
    return STATUS.get(status) or b"HTTP/1.1 %d -\r\n" % status


def reply(refused: Refused, date: bytes) -> bytes:
    """The whole answer; `date` is a header line. The connection closes after it."""
    body = refused.body
    return b"".join(
        (
            status_line(refused.status),
            date,
            b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body),
            *(b"%b: %b\r\n" % header for header in refused.headers),
            b"connection: close\r\n\r\n",
            body,
        )
    )


def malformed(message: str) -> Refused:
    """The client speaks no valid HTTP."""
    return Refused(400, "malformed_request", message)


def too_large(cap: int) -> Refused:
    """For bodies of more than `cap` bytes."""
    message = f"the request body is larger than {cap} bytes"
    return Refused(413, "request_too_large", message)


def slow(part: str) -> Refused:
    """`part`: what did not come in time."""
    return Refused(408, "request_timeout", f"the {part} did not arrive in time")


def crowded(cap: int) -> Refused:
    """For connections beyond `cap`."""
    message = f"the server holds its {cap} connections already"
    headers = ((b"retry-after", b"1"),)
    return Refused(503, "too_many_connections", message, headers)


def failed() -> Refused:
    """The application did not answer."""
    return Refused(500, "internal_error", "the server failed to answer")
