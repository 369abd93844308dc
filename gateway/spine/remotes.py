"""Asks other servers what strategies want to know before they score."""

import asyncio
import time
from typing import Final

from adapters.contract import Call, WireHead, WireRequest
from adapters.errors import UpstreamError
from gateway.deployments import Alias
from gateway.net.client import Client, Limits
from gateway.spine.exchange import Exchange
from gateway.spine.route import query
from routing.contract import Question, Remote

MAX_BODY: Final = 256 * 1024
"""Bytes of an answer."""
_JSON: Final = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
)


class Remotes:
    """Through the one client, whose guard looks at where it leads. What fails is the
    strategy's to make up for: nothing is raised here."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, exchange: Exchange, call: Call, alias: Alias) -> None:
        """Let every strategy that decides on this call know what it wants to.

        Raises:
            BadCall: the client names a strategy that there is not.
        """
        remotes = alias.remotes(exchange.wishes.strategy)
        if not remotes:
            return
        asked = query(exchange, call, alias)
        candidates = [d.candidate for d in alias.deployments]
        questions = [
            (remote, question)
            for remote in remotes
            if (question := remote.question(asked, candidates)) is not None
        ]
        if not questions:
            return
        async with asyncio.TaskGroup() as group:
            for remote, question in questions:
                group.create_task(self._one(exchange, alias, remote, question))

    async def _one(
        self, exchange: Exchange, alias: Alias, remote: Remote, question: Question
    ) -> None:
        try:
            async with asyncio.timeout(question.timeout_s):
                body = await self._fetched(exchange, remote, question)
            remote.answered(question, body, [d.candidate for d in alias.deployments])
        except TimeoutError:
            remote.failed("timeout")
        except UpstreamError as error:
            # Its kind alone: a message may tell of the address or of what was sent.
            remote.failed(error.kind)
        except ValueError as error:
            remote.failed(str(error))

    async def _fetched(
        self, exchange: Exchange, remote: Remote, question: Question
    ) -> bytes:
        headers = tuple(
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in remote.headers.items()
        )
        head = WireHead("POST", remote.url, (*_JSON, *headers))
        wire = WireRequest(head, question.body)
        wait = question.timeout_s
        deadline = time.monotonic() + wait
        if exchange.deadline:
            deadline = min(deadline, exchange.deadline)
        reply = await self._client.open(wire, Limits(wait, wait, wait), deadline)
        try:
            if not 200 <= reply.status < 300:
                raise ValueError(f"status {reply.status}")
            return await reply.body(MAX_BODY)
        finally:
            reply.close()
