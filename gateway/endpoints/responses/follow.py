"""A response that is kept, told as a stream."""

from collections.abc import AsyncIterator
from typing import Final

from adapters.openai.responses import replay
from gateway.endpoints.responses.jobs import GOING_ON, Jobs
from gateway.endpoints.responses.kept import Keeper, status
from gateway.govern.principal import Principal

EVENTS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
"""Headers of a stream."""


async def follow(
    keeper: Keeper, jobs: Jobs, id: str, who: Principal, after: int
) -> AsyncIterator[bytes]:
    """Its events behind number `after`; waits for the end of one that is going on.

    Raises:
        Refused: it is gone meanwhile.
    """
    kept = await jobs.current(id, await keeper.need(id, who))
    while status(kept) in GOING_ON:
        yield b": waiting\n\n"
        await jobs.wait(id)
        kept = await jobs.current(id, await keeper.need(id, who))
    yield replay.events(bytes(kept.response), after)
