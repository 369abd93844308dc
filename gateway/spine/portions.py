"""A call with more inputs than its model takes at once: asked in portions.

Several at a time, in whatever order they are answered; the vectors come back in the
order of the inputs. One portion's failure is the try's: what the others used by then
is counted with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from adapters.contract import Call, Portions, Result, WireRequest
from adapters.normal.embed import EmbedCall, EmbedResult
from gateway.deployments import Deployment
from gateway.spine.book import Try

AT_ONCE: Final = 8
"""Requests of one call that are under way."""


def apart(call: Call, deployment: Deployment) -> Sequence[Call]:
    """The call in portions; itself where it fits."""
    if not isinstance(call, EmbedCall) or len(call.inputs) < 2:
        return (call,)
    upstream = deployment.upstream
    if not isinstance(upstream, Portions):
        return (call,)
    size = upstream.portion(call, deployment.target) or len(call.inputs)
    if len(call.inputs) <= size:
        return (call,)
    return [
        msgspec.structs.replace(call, inputs=call.inputs[start : start + size], raw=b"")
        for start in range(0, len(call.inputs), size)
    ]


async def together(
    ask: Callable[[Call, WireRequest], Awaitable[Result]],
    portions: Sequence[Call],
    wires: Sequence[WireRequest],
    book: Try,
) -> Result:
    """The answers to all portions as one.

    Raises:
        UpstreamError: of the first portion that failed; the others are let go.
    """
    if len(wires) == 1:
        return await ask(portions[0], wires[0])
    results: list[Result | None] = [None] * len(wires)
    todo = enumerate(zip(portions, wires, strict=True))

    async def work() -> None:
        for place, (portion, wire) in todo:
            results[place] = await ask(portion, wire)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(wires))):
                group.create_task(work())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    got = [result for result in results if isinstance(result, EmbedResult)]
    vectors = tuple(vector for result in got for vector in result.vectors)
    return EmbedResult(vectors=vectors, usage=book.usage, model=got[0].model)
