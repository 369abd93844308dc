"""GET, DELETE, cancel and input items of one response.

A response that its provider keeps is asked for there, with the deployment's credential;
one that the gateway keeps is told from the store.
"""

import time
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adapters.contract import WireRequest, WireResponse
from adapters.errors import UpstreamError
from adapters.openai.responses import asked
from adapters.registry import DIALECTS
from gateway.accounts import Account
from gateway.endpoints.responses.doors import Memory
from gateway.endpoints.responses.follow import EVENTS, follow
from gateway.endpoints.responses.jobs import GOING_ON
from gateway.endpoints.responses.kept import Kept, status
from gateway.endpoints.responses.listing import listing
from gateway.errors import Refused, tell
from gateway.govern.principal import Principal
from gateway.net.client import Limits

MAX_ERROR: Final = 256 * 1024
"""Bytes of an error answer that are read at all."""
ASKS: Final = frozenset(
    {
        "stream",
        "starting_after",
        "include_obfuscation",
        "include",
        "include[]",
        "after",
        "limit",
        "order",
    }
)
"""What may be asked of a provider beside the path; a client's key may stand there."""
_TRUE: Final = frozenset({"true", "1"})
_encode: Final = msgspec.json.Encoder().encode


class Desk:
    """What is answered at each of the routes."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def retrieve(self, request: Request, who: Principal) -> Response:
        """The response, or its events."""
        id, kept = await self._need(request, who)
        streams = request.query_params.get("stream", "") in _TRUE
        if kept.native:
            wire = self._wire(kept, "GET", id, "", request)
            place = self._memory.keeper.place(kept)
            return await (_open(place, wire) if streams else _ask(place, wire))
        if streams:
            after = request.query_params.get("starting_after")
            if after is not None and not after.isdecimal():
                raise Refused(
                    400,
                    "invalid_request_error",
                    "starting_after: expected the number of an event",
                    param="starting_after",
                )
            number = -1 if after is None else int(after)
            events = follow(self._memory.keeper, self._memory.jobs, id, who, number)
            return _streamed(events)
        kept = await self._memory.jobs.current(id, kept)
        return _json(bytes(kept.response))

    async def delete(self, request: Request, who: Principal) -> Response:
        """Forget it, here and there."""
        id, kept = await self._need(request, who)
        if kept.native:
            wire = self._wire(kept, "DELETE", id, "", request)
            answer = await _ask(self._memory.keeper.place(kept), wire)
            if answer.status_code >= 400 and answer.status_code != 404:
                return answer
            await self._memory.keeper.delete(id)
            return answer
        if status(kept) in GOING_ON:
            await self._memory.jobs.cancel(id)
        await self._memory.keeper.delete(id)
        return _json(_encode({"id": id, "object": "response", "deleted": True}))

    async def cancel(self, request: Request, who: Principal) -> Response:
        """End one that runs in the background."""
        id, kept = await self._need(request, who)
        if kept.native:
            wire = self._wire(kept, "POST", id, "/cancel", request)
            return await _ask(self._memory.keeper.place(kept), wire)
        if not kept.background:
            raise Refused(
                400,
                "invalid_request_error",
                "only a response that was begun with background: true can be cancelled",
            )
        if status(kept) in GOING_ON:
            await self._memory.jobs.cancel(id)
            kept = await self._memory.keeper.need(id, who)
        return _json(bytes(kept.response))

    async def input_items(self, request: Request, who: Principal) -> Response:
        """What the model was told."""
        id, kept = await self._need(request, who)
        if kept.native:
            wire = self._wire(kept, "GET", id, "/input_items", request)
            return await _ask(self._memory.keeper.place(kept), wire)
        return _json(_encode(listing(kept.input, request.query_params)))

    async def _need(self, request: Request, who: Principal) -> tuple[str, Kept]:
        id = request.path_params["response"]
        return id, await self._memory.keeper.need(id, who)

    def _wire(
        self, kept: Kept, method: str, id: str, more: str, request: Request
    ) -> WireRequest:
        place = self._memory.keeper.place(kept)
        query = [pair for pair in request.query_params.multi_items() if pair[0] in ASKS]
        return asked.stored(place.target, method, id, more, urlencode(query))


async def _ask(place: Account, wire: WireRequest) -> Response:
    """The provider's own answer, or its error in our words."""
    limits = Limits(place.limits.connect_s, place.total_s, place.total_s)
    try:
        found = await place.client.ask(wire, limits, time.monotonic() + place.total_s)
        if not 200 <= found.status < 300:
            raise place.upstream.parse_error(found)
    except UpstreamError as error:
        return _told(place, error)
    return _json(found.body)


async def _open(place: Account, wire: WireRequest) -> Response:
    """The same, for a stream."""
    deadline = time.monotonic() + place.total_s
    try:
        reply = await place.client.open(wire, place.limits, deadline)
        if not 200 <= reply.status < 300:
            body = await reply.body(MAX_ERROR)
            reply.close()
            found = WireResponse(reply.status, reply.headers, body)
            raise place.upstream.parse_error(found)
    except UpstreamError as error:
        return _told(place, error)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while data := await reply.read():
                yield data
        finally:
            reply.close()

    return _streamed(pieces())


def _streamed(pieces: AsyncIterator[bytes]) -> Response:
    headers = {name.decode(): value.decode() for name, value in EVENTS}
    return StreamingResponse(pieces, headers=headers)


def _told(place: Account, error: UpstreamError) -> Response:
    error.message = place.redactor.text(error.message)
    told: Any = tell(error)
    body = DIALECTS["openai.responses"].write_error(told)
    return Response(body, told.status, media_type="application/json")


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
