"""POST /v1/feedback: a score for an earlier answer."""

import time
from typing import Annotated, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.registry import DIALECTS
from gateway.endpoints.access import with_key
from gateway.endpoints.table import Row
from gateway.errors import Refused
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.learning.decisions import Decision
from gateway.learning.scores import JUDGE, Scores
from gateway.spine.ids import made_at, owned
from gateway.store.contract import Store, StoreError
from gateway.telemetry.redact import Redactor
from gateway.telemetry.row import FEEDBACK_LOG, Feedback, encode_feedback

KEPT_S: Final = 90 * 86_400.0
"""How long a repeated score is known as one."""

SKEW_S: Final = 60.0
"""What clocks of two machines may differ by."""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client says of an answer."""

    id: str
    """The `x-routeiq-id` of the answer."""
    score: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    """0 useless, 1 perfect."""
    name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """What is scored, where there are several scores of one answer."""
    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    source: Literal["", "judge"] = ""
    """`judge`: a model says so. Only who runs the gateway may tell."""


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


def _speaker(said: Said, who: Principal) -> Principal:
    """Whose opinion it is. Raises `Refused`."""
    if not said.source:
        return who
    if not who.sees_all:
        message = "only the master key may tell what a judge said"
        raise Refused(403, "permission_error", message, param="source")
    return JUDGE


def _checked(said: Said) -> None:
    """An id tells when it was made: raises `Refused` for what is none, and for what
    cannot have been answered, or is too long ago for a client to know of it."""
    id = said.id
    at = made_at(id)
    if at is None:
        message = "id must be the x-routeiq-id header of an earlier answer"
        raise Refused(400, "invalid_request_error", message, param="id")
    age_s = time.time() - at
    if age_s < -SKEW_S:
        message = "id is of a time that has not come yet"
        raise Refused(400, "invalid_request_error", message, param="id")
    if age_s > KEPT_S and not said.source:
        message = f"id is of an answer older than {KEPT_S / 86_400:.0f} days"
        raise Refused(400, "invalid_request_error", message, param="id")


async def _decided(scores: Scores, id: str, who: Principal) -> Decision | None:
    """What was decided for the key's own answer, where somebody learns from it.
    Raises `Refused`, `StoreError`."""
    is_own = who.sees_all or owned(id, who.id) == id
    decision = await scores.decision(id) if is_own else None
    if decision is not None:  # which knows its key for certain
        is_own = who.sees_all or decision.key == who.id
    if not is_own:
        message = "this key was given no answer of that id"
        raise Refused(404, "invalid_request_error", message, param="id")
    return decision


def _result(first: bool, weight: float) -> str:
    """`capped`: it counts less, its key has given many."""
    if not first:
        return "duplicate"
    return "capped" if 0.0 < weight < 1.0 else "taken"


class Scoring:
    """The handler."""

    def __init__(self, store: Store, redactor: Redactor, scores: Scores) -> None:
        self._store = store
        self._redactor = redactor
        self._scores = scores

    async def create(self, request: Request, principal: Principal) -> Response:
        source, result = "client", "failed"
        try:
            try:
                said = _decode(await request.body())
            except msgspec.MsgspecError as error:
                raise Refused(400, "invalid_request_error", str(error)) from error
            source = said.source or source
            first, weight = await self._take(said, principal)
            result = _result(first, weight)
        except Refused as refused:
            if refused.status < 500:
                result = "refused"
            raise
        finally:
            self._scores.results[source, result] += 1
        told = {"object": "feedback", "id": said.id, "accepted": first}
        return Response(
            _encode(told | {"weight": weight}),
            status_code=201 if first else 200,
            media_type="application/json",
        )

    async def _take(self, said: Said, principal: Principal) -> tuple[bool, float]:
        """Whether it was new, and how much it taught. Raises `Refused`."""
        _checked(said)
        speaker = _speaker(said, principal)
        kept = Feedback(
            id=said.id,
            at_ns=time.time_ns(),
            score=said.score,
            name=said.name,
            comment=said.comment,
            key=speaker.id,
            source=said.source,
        )
        try:
            decision = await _decided(self._scores, said.id, principal)
            data = encode_feedback(kept, self._redactor)
            first = await _keep(self._store, kept, data)
        except StoreError as error:
            raise Refused(503, "server_error", "feedback cannot be kept now") from error
        if not first or decision is None:
            return first, 0.0
        return True, await self._scores.teach(said.id, decision, speaker, said.score)


def rows(
    store: Store, keyring: Keyring, redactor: Redactor, scores: Scores
) -> list[Row]:
    """One score per key, answer and name: the first counts, repeats change nothing."""
    handler = Scoring(store, redactor, scores).create
    return [
        Row(
            method="POST",
            path="/v1/feedback",
            endpoint=with_key(keyring, DIALECTS["openai.chat"], handler),
            auth="key",
            recorded=False,
            summary="A score for an earlier answer",
            tag="feedback",
        )
    ]
