"""POST /v1/feedback: a score for an earlier answer."""

import re
import time
from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.registry import DIALECTS
from gateway.endpoints.access import with_key
from gateway.endpoints.table import Row
from gateway.errors import Refused
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.store.contract import Store, StoreError
from gateway.telemetry.redact import Redactor
from gateway.telemetry.row import FEEDBACK_LOG, Feedback, encode_feedback

KEPT_S: Final = 90 * 86_400.0
"""How long a repeated score is known as one."""

_ID: Final = re.compile(r"req_[0-9a-f]{28}").fullmatch


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client says of an answer."""

    id: str
    """The `x-routeiq-id` of the answer."""
    score: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    """0 useless, 1 perfect."""
    name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """What is scored, where there are several scores of one answer."""
    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""


_decode = msgspec.json.Decoder(Said).decode
_encode = msgspec.json.Encoder().encode


async def _keep(store: Store, kept: Feedback, data: bytes) -> bool:
    """Append it, unless it was said before; whether it was new."""
    mark = f"{kept.key}/{kept.id}/{kept.name}"
    if not await store.add_new(FEEDBACK_LOG, mark, b"1", ttl_s=KEPT_S):
        return False
    try:
        await store.append(FEEDBACK_LOG, [data])
    except StoreError:
        await store.delete(FEEDBACK_LOG, mark)  # so that it may be said again
        raise
    return True


def rows(store: Store, keyring: Keyring, redactor: Redactor) -> list[Row]:
    """One score per key, answer and name: the first counts, repeats change nothing."""

    async def create(request: Request, principal: Principal) -> Response:
        try:
            said = _decode(await request.body())
        except msgspec.MsgspecError as error:
            raise Refused(400, "invalid_request_error", str(error)) from error
        if not _ID(said.id):
            raise Refused(
                400,
                "invalid_request_error",
                "id must be the x-routeiq-id header of an earlier answer",
                param="id",
            )
        kept = Feedback(
            id=said.id,
            at_ns=time.time_ns(),
            score=said.score,
            name=said.name,
            comment=said.comment,
            key=principal.id,
        )
        try:
            first = await _keep(store, kept, encode_feedback(kept, redactor))
        except StoreError as error:
            raise Refused(503, "server_error", "feedback cannot be kept now") from error
        return Response(
            _encode({"object": "feedback", "id": said.id, "accepted": first}),
            status_code=201 if first else 200,
            media_type="application/json",
        )

    return [
        Row(
            method="POST",
            path="/v1/feedback",
            endpoint=with_key(keyring, DIALECTS["openai.chat"], create),
            auth="key",
            recorded=False,
            summary="A score for an earlier answer",
            tag="feedback",
        )
    ]
