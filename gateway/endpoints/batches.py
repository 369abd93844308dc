"""/v1/batches: run by the gateway itself, over any of its models."""

from typing import Annotated, Any, Final

import msgspec

from adapters.errors import BadCall
from gateway.batch.caller import ENDPOINTS
from gateway.batch.engine import Engine
from gateway.batch.ledger import OVER, Batch
from gateway.batch.report import MESSAGES
from gateway.endpoints.files import expiry, unkept
from gateway.endpoints.visit import Visit, missing
from gateway.errors import Refused
from gateway.store.contract import StoreError
from gateway.store.files import new_id

PATH: Final = "/v1/batches"
WINDOW: Final = "24h"
MOST: Final = 100
ALLOWED: Final = tuple(name for name in ENDPOINTS if name != MESSAGES)

_Word = Annotated[str, msgspec.Meta(max_length=64)]
_Text = Annotated[str, msgspec.Meta(max_length=512)]


class Expires(msgspec.Struct, frozen=True):
    """When outputs are forgotten."""

    anchor: str
    seconds: int


class Wanted(msgspec.Struct, frozen=True):
    """What a client asks for."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: Annotated[dict[_Word, _Text], msgspec.Meta(max_length=16)] | None = None
    output_expires_after: Expires | None = None


_wanted: Final = msgspec.json.Decoder(Wanted).decode


class OwnBatches:
    """Handlers for what is run here."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def run(self, visit: Visit, asked: Wanted) -> None:
        """Take it on; the rest happens by itself."""
        if asked.endpoint not in ALLOWED:
            raise BadCall(f"endpoint: one of {', '.join(ALLOWED)}", "endpoint")
        if asked.completion_window != WINDOW:
            raise BadCall(f"completion_window: must be {WINDOW}", "completion_window")
        ttl_s = None
        if (after := asked.output_expires_after) is not None:
            ttl_s = expiry(after.anchor, str(after.seconds))
        owner, ledger = visit.principal.id, self._engine.ledger
        now = int(ledger.clock())
        batch = Batch(
            id=new_id("batch_", ledger.clock()),
            owner=owner,
            endpoint=asked.endpoint,
            input=asked.input_file_id,
            created_at=now,
            expires_at=now + int(self._engine.settings.window_s),
            metadata=asked.metadata,
            output_ttl_s=ttl_s,
        )
        try:
            kept = await self._engine.files.find(owner, asked.input_file_id)
            if kept is None:
                raise missing("file", asked.input_file_id)
            if kept.purpose != "batch":
                message = "input_file_id: its purpose must be `batch`"
                raise BadCall(message, "input_file_id")
            await ledger.create(batch)
        except StoreError as error:
            raise unkept(error) from error
        self._engine.wake()
        await visit.json(told(batch))

    async def all(self, visit: Visit) -> list[Batch]:
        """The key's that are run here, newest first."""
        try:
            found = await self._engine.ledger.all(visit.principal.id)
        except StoreError as error:
            raise unkept(error) from error
        return [batch for batch in found if batch.endpoint != MESSAGES]

    async def shown(self, visit: Visit) -> None:
        await visit.json(told(await self.one(visit)))

    async def cancel(self, visit: Visit) -> None:
        batch = await self.one(visit)
        if batch.status in OVER:
            raise Refused(
                409,
                "invalid_request_error",
                f"the batch is over: it is {batch.status}",
                code="batch_over",
            )
        try:
            await self._engine.ledger.cancel(batch)
        except StoreError as error:
            raise unkept(error) from error
        self._engine.wake()
        await visit.json(told(await self.one(visit)))

    async def one(self, visit: Visit) -> Batch:
        """The batch that the path names, if it is the key's."""
        found = await self.find(visit, visit.parameters["id"])
        if found is None:
            raise missing("batch", visit.parameters["id"])
        return found

    async def find(self, visit: Visit, id: str) -> Batch | None:
        """A batch of the key's that is run here."""
        try:
            found = await self._engine.ledger.find(visit.principal.id, id)
        except StoreError as error:
            raise unkept(error) from error
        return None if found is None or found.endpoint == MESSAGES else found


def wanted(body: bytes) -> Wanted:
    """Raises `BadCall`."""
    try:
        return _wanted(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(str(error)) from None


def told(batch: Batch) -> dict[str, Any]:
    """A batch as OpenAI tells it."""
    ended = {batch.status: batch.ended_at}
    spent = batch.spent
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": batch.faults} if batch.faults else None,
        "input_file_id": batch.input,
        "completion_window": batch.window,
        "status": batch.status,
        "output_file_id": batch.output or None,
        "error_file_id": batch.errors or None,
        "created_at": batch.created_at,
        "in_progress_at": batch.in_progress_at,
        "expires_at": batch.expires_at,
        "finalizing_at": batch.finalizing_at,
        "completed_at": ended.get("completed"),
        "failed_at": ended.get("failed"),
        "expired_at": ended.get("expired"),
        "cancelling_at": batch.cancelling_at,
        "cancelled_at": ended.get("cancelled"),
        "request_counts": {
            "total": batch.total,
            "completed": batch.completed,
            "failed": batch.failed,
        },
        "usage": {
            "input_tokens": spent.input,
            "input_tokens_details": {"cached_tokens": spent.cached},
            "output_tokens": spent.output,
            "output_tokens_details": {"reasoning_tokens": spent.reasoning},
            "total_tokens": spent.input + spent.output,
        },
        "metadata": batch.metadata,
    }
