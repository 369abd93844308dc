"""/v1/messages/batches: Anthropic's batches, run by the gateway itself."""

import time
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Headers
from adapters.errors import BadCall
from gateway.batch.engine import Engine
from gateway.batch.ledger import OVER, Batch
from gateway.batch.lines import check
from gateway.batch.report import MESSAGES
from gateway.endpoints.files import full, send, unkept
from gateway.endpoints.visit import Visit, missing
from gateway.errors import Refused
from gateway.store.contract import StoreError
from gateway.store.files import Full, new_id, one

PATH: Final = "/v1/messages/batches"
MOST: Final = 1000
_JSONL: Final[Headers] = ((b"content-type", b"application/x-jsonl"),)


class Request(msgspec.Struct, frozen=True):
    """One of a batch."""

    custom_id: str
    params: Raw


class Wanted(msgspec.Struct, frozen=True):
    """What a client asks for."""

    requests: list[Request]


_wanted: Final = msgspec.json.Decoder(Wanted).decode
_encode: Final = msgspec.json.Encoder().encode


class OwnMessageBatches:
    """Handlers for what is run here."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create(self, visit: Visit) -> None:
        await self.run(visit, wanted(await visit.body()))

    async def run(self, visit: Visit, asked: Wanted) -> None:
        """Take it on; the rest happens by itself."""
        data = b"\n".join(
            _encode(
                {
                    "custom_id": each.custom_id,
                    "method": "POST",
                    "url": MESSAGES,
                    "body": each.params,
                }
            )
            for each in asked.requests
        )
        count, faults = check(data, MESSAGES, self._engine.settings.lines)
        if faults:
            first = faults[0]
            where = "requests" if first.line is None else f"requests.{first.line - 1}"
            raise BadCall(f"{where}: {first.message}", where)
        owner, engine = visit.principal.id, self._engine
        ledger = engine.ledger
        now = int(ledger.clock())
        batch = Batch(
            id=new_id("msgbatch_", ledger.clock()),
            owner=owner,
            endpoint=MESSAGES,
            input="",
            created_at=now,
            expires_at=now + int(engine.settings.window_s),
            status="in_progress",
            total=count,
            in_progress_at=now,
        )
        try:
            kept = await engine.files.add(
                owner,
                one(data),
                filename=f"{batch.id}.jsonl",
                purpose="batch",
                ttl_s=engine.settings.keep_days * 86_400.0,
            )
            batch.input = kept.id
            await ledger.create(batch)
        except Full as error:
            raise full(error) from None
        except (StoreError, OSError) as error:
            raise unkept(error) from error
        engine.wake()
        await visit.json(told(batch, visit))

    async def listed(self, visit: Visit) -> None:
        try:
            found = await self._engine.ledger.all(visit.principal.id)
        except StoreError as error:
            raise unkept(error) from error
        ours = [told(b, visit) for b in found if b.endpoint == MESSAGES]
        await visit.json(page(visit, ours))

    async def shown(self, visit: Visit) -> None:
        await visit.json(told(await self.one(visit), visit))

    async def cancel(self, visit: Visit) -> None:
        batch = await self.one(visit)
        if batch.status not in OVER:
            try:
                await self._engine.ledger.cancel(batch)
            except StoreError as error:
                raise unkept(error) from error
            self._engine.wake()
        await visit.json(told(await self.one(visit), visit))

    async def deleted(self, visit: Visit) -> None:
        batch = await self.one(visit)
        if batch.status not in OVER:
            raise Refused(
                409,
                "invalid_request_error",
                "the batch is not over: cancel it first, and wait for its end",
                code="batch_in_progress",
            )
        try:
            await self._engine.ledger.delete(batch)
            for id in filter(None, (batch.input, batch.output)):
                await self._engine.files.delete(batch.owner, id)
        except (StoreError, OSError) as error:
            raise unkept(error) from error
        await visit.json({"id": batch.id, "type": "message_batch_deleted"})

    async def results(self, visit: Visit) -> None:
        batch = await self.one(visit)
        kept = None
        if batch.status in OVER and batch.output:
            try:
                kept = await self._engine.files.find(batch.owner, batch.output)
            except StoreError as error:
                raise unkept(error) from error
        if kept is None:
            raise missing("result of the batch", batch.id)
        await send(visit, self._engine.files, kept, _JSONL)

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
        return found if found is not None and found.endpoint == MESSAGES else None


def wanted(body: bytes) -> Wanted:
    """Raises `BadCall`."""
    try:
        return _wanted(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(str(error)) from None


def told(batch: Batch, visit: Visit) -> dict[str, Any]:
    """A batch as Anthropic tells it."""
    over = batch.status in OVER
    cancelling = batch.cancelling_at is not None
    left = batch.total - batch.completed - batch.failed
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": (
            "ended" if over else "canceling" if cancelling else "in_progress"
        ),
        "request_counts": {
            "processing": 0 if over else left,
            "succeeded": batch.completed,
            "errored": batch.failed,
            "canceled": batch.cancelled,
            "expired": batch.expired,
        },
        "ended_at": _instant(batch.ended_at),
        "created_at": _instant(batch.created_at),
        "expires_at": _instant(batch.expires_at),
        "archived_at": None,
        "cancel_initiated_at": _instant(batch.cancelling_at),
        "results_url": f"{visit.origin}{PATH}/{batch.id}/results" if over else None,
    }


def page(visit: Visit, found: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a list, by `after_id` or `before_id`, and `limit`."""
    query = visit.query
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST:
        raise BadCall(f"limit: a number from 1 to {MOST}", "limit")
    ids, size = [each["id"] for each in found], int(limit)
    start, stop = 0, len(ids)
    if (after := query.get("after_id")) in ids:
        start = ids.index(after) + 1
    if (before := query.get("before_id")) in ids:
        stop = ids.index(before)
        start = max(start, stop - size)
    shown = found[start : min(stop, start + size)]
    more = start > 0 if "before_id" in query else start + len(shown) < len(ids)
    return {
        "data": shown,
        "has_more": more,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def _instant(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
