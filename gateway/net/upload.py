"""A request body that is sent as it comes."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from adapters.errors import BadRequest


class Upload(NamedTuple):
    """A body in pieces, read once."""

    pieces: AsyncIterator[bytes]
    size: int | None
    """Bytes; `None`: not known before its end."""


async def framed(upload: Upload) -> AsyncIterator[bytes]:
    """The pieces as they go over the wire: chunks when the size is not known.

    Raises:
        BadRequest: the body is not of its size.
    """
    size, sent = upload.size, 0
    async for piece in upload.pieces:
        sent += len(piece)
        if size is None and piece:
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
        elif size is not None and sent <= size:
            yield piece
    if size is None:
        yield b"0\r\n\r\n"
    elif sent != size:
        raise BadRequest(f"a body of {sent} bytes instead of {size}")


async def gathered(upload: Upload) -> bytes:
    """The whole body, for who cannot send it in pieces."""
    return b"".join([piece async for piece in upload.pieces])
