"""Two deployments asked for one answer: the first to give it wins."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.spine.attempt import Answered, Broken, Stream

LET_GO_S: Final = 0.05
"""Longest that a winner waits for the loser to end: mostly a turn of the loop."""

Asking = Coroutine[Any, Any, Answered]


async def race(
    first: Asking,
    second: Callable[[], Asking | None],
    after_s: float,
    failed: Callable[[Broken], None],
) -> Answered:
    """The first of two to answer; the other is cancelled and its cost counted.

    `second` is called when the first has not answered after `after_s` seconds, and may
    have nobody to ask; `failed` is told of one that breaks while the other goes on.
    """
    asked = asyncio.create_task(first)
    tasks = {asked}
    try:
        await asyncio.wait(tasks, timeout=after_s)
        other = None if asked.done() else second()
        if other is not None:
            tasks.add(asyncio.create_task(other))
        while len(tasks) > 1:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            task = done.pop()
            tasks.discard(task)
            if task.exception() is None:
                return task.result()
            if isinstance(broken := task.exception(), Broken):
                failed(broken)
        last = tasks.pop()
        try:
            return await last
        except asyncio.CancelledError:
            tasks.add(last)
            raise
    finally:
        await _let_go(tasks)


async def _let_go(tasks: "set[asyncio.Task[Answered]]") -> None:
    """End what nobody waits for any more, whatever comes of it; its cost is booked
    before the exchange is recorded."""
    for task in tasks:
        task.add_done_callback(_close)
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LET_GO_S)


def _close(task: "asyncio.Task[Answered]") -> None:
    if task.cancelled() or task.exception() is not None:
        return
    answered = task.result()
    if isinstance(answered, Stream):
        answered.close()
    if answered.book is not None:
        answered.book.cancelled()
