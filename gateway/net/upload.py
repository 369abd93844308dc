"""A request body that is sent as it comes."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import NamedTuple

from adapters.errors import BadRequest, Timeout
from gateway.net.connection import Connection
from gateway.net.limits import Limits
from gateway.net.reply import Reply


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


async def pour(
    connection: Connection, reply: Reply, upload: AsyncIterator[bytes], limits: Limits
) -> None:
    """Send the pieces of a body; the wait for the answer begins after the last."""
    connection.first_token_s = math.inf
    try:
        async for piece in upload:
            async with asyncio.timeout(limits.first_token_s):
                if not await connection.send(piece):
                    return
    except TimeoutError:
        reply.close()
        raise Timeout("it takes no more of the body", code="first_token") from None
    except BaseException:
        reply.close()
        raise
    connection.started = asyncio.get_running_loop().time()
    connection.first_token_s = limits.first_token_s
