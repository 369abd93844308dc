"""What was decided for an exchange, until its scores come.

Of the prompt only counts are kept, never a word. The latest are in memory, all in the
store for a while, so that another worker, or the next process, finds them too.
"""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from typing import Final

import msgspec

from gateway.store.contract import Store, StoreError
from routing.types import Prompt, Query, Wishes

log = logging.getLogger(__name__)

SPACE: Final = "routing.decisions"
MOST: Final = 10_000
"""Decisions in memory, and as many that wait to be written."""
SOON_S: Final = 0.05
"""Decisions of that time are written together."""
GROUP: Final = 200


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """Enough to tell a score to whoever decided."""

    key: str
    """Id of the virtual key that asked."""
    alias: str
    candidate: str
    model: str
    query: Query
    strategy: str = ""
    """Who decided: of an experiment, the arm."""
    expected: float | None = None
    """Quality of the candidate, as far as who decided has an opinion."""


_decode = msgspec.json.Decoder(Decision).decode
_encode = msgspec.json.Encoder().encode


def wordless(query: Query) -> Query:
    """The query without what anybody wrote: what is left are counts and ids."""
    prompt, wishes = query.prompt, query.wishes
    # What may stay is named: a field that is new stays out.
    counts = None
    if prompt is not None:
        counts = Prompt(
            turns=prompt.turns,
            tool_results=prompt.tool_results,
            tools=prompt.tools,
            json=prompt.json,
            images=prompt.images,
            audio=prompt.audio,
            documents=prompt.documents,
            effort=prompt.effort,
        )
    return Query(
        alias=query.alias,
        input_tokens=query.input_tokens,
        output_tokens=query.output_tokens,
        operation=query.operation,
        stream=query.stream,
        id=query.id,
        key=query.key,
        user=query.user,
        prompt=counts,
        wishes=Wishes(strategy=wishes.strategy, profile=wishes.profile),
    )


class Decisions:
    """Of one process."""

    def __init__(self, store: Store, keep_s: float, most: int = MOST) -> None:
        self._store = store
        self._keep_s = keep_s
        self._most = most
        self._latest: OrderedDict[str, Decision] = OrderedDict()
        self._waiting: OrderedDict[str, Decision] = OrderedDict()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write down what comes, on the running loop, until `close`."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what waits."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    def note(self, id: str, decision: Decision) -> None:
        """Of the exchange `id`."""
        for kept in (self._latest, self._waiting):
            kept[id] = decision
            while len(kept) > self._most:
                kept.popitem(last=False)
        self._wake.set()

    async def find(self, id: str) -> Decision | None:
        """`None`: there was none, nobody learns from it, or it is too long ago.

        Raises:
            StoreError: it cannot be looked for.
        """
        if id in self._latest:
            return self._latest[id]
        kept = await self._store.get(SPACE, id)
        try:
            return None if kept is None else _decode(kept)
        except msgspec.MsgspecError:
            return None  # of another release

    async def flush(self) -> None:
        """Write what waits, now; what cannot be written is given up."""
        while self._waiting:
            some = list(self._waiting.items())[:GROUP]
            for id, _ in some:
                self._waiting.pop(id, None)
            puts = [
                self._store.put(SPACE, id, _encode(one), ttl_s=self._keep_s)
                for id, one in some
            ]
            done = await asyncio.gather(*puts, return_exceptions=True)
            failed = [error for error in done if isinstance(error, BaseException)]
            if failed:
                self._told(failed)

    def _told(self, failed: list[BaseException]) -> None:
        for error in failed:
            if not isinstance(error, StoreError):
                raise error
        log.warning(
            "decisions cannot be written: their scores teach nothing after a restart",
            extra={"decisions": len(failed), "error": str(failed[0])},
        )

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(SOON_S)
            self._wake.clear()
            await self.flush()
