"""/v1/files: files of batches, kept by the gateway itself."""

from typing import Any, Final

from adapters.errors import BadCall
from adapters.framing import multipart
from adapters.framing.multipart import Part
from adapters.registry import DIALECTS
from gateway.endpoints.table import Row
from gateway.endpoints.visit import Handler, Visit, VisitDoor, missing
from gateway.errors import Refused
from gateway.spine.dispatch import Dispatch
from gateway.store.contract import StoreError
from gateway.store.files import Files, Full, Kept, one
from gateway.telemetry.context import Propagation

PATH: Final = "/v1/files"
OURS: Final = frozenset({"batch", "batch_output"})
"""Purposes of files that the gateway keeps by itself."""
SHORTEST_S: Final = 3600
LONGEST_S: Final = 30 * 86_400
MOST: Final = 10_000
"""Files of one page."""
_ANCHOR: Final = "created_at"


def rows(dispatch: Dispatch, propagation: Propagation, files: Files) -> list[Row]:
    """OpenAI's SDKs take `/v1`, `/openai/v1`, `/openai` or the bare origin as base."""

    def row(
        method: str, tail: str, summary: str, handle: Handler, *, forms: bool = False
    ) -> Row:
        path = PATH + tail
        bare = path.removeprefix("/v1")
        return Row(
            method=method,
            path=path,
            aliases=(bare, f"/openai{bare}", f"/openai{path}"),
            endpoint=VisitDoor(
                dispatch, propagation, DIALECTS["openai.chat"], "files", path, handle
            ),
            auth="key",
            recorded=True,
            summary=summary,
            tag="files",
            forms=forms,
        )

    own = OwnFiles(files)
    return [
        row("POST", "", "Upload a file", own.upload, forms=True),
        row("GET", "", "The key's files", own.listed),
        row("GET", "/{id}", "One file", own.shown),
        row("DELETE", "/{id}", "Delete a file", own.deleted),
        row("GET", "/{id}/content", "What a file holds", own.content),
    ]


class Form:
    """An upload: what the form says of its file."""

    def __init__(self, body: bytes, content_type: bytes) -> None:
        """Raises `BadCall`."""
        mark = multipart.boundary(content_type)
        if not mark:
            raise BadCall("send multipart/form-data with a file and its purpose")
        self.body = body
        self.parts = multipart.read(body, mark)
        self.mark = mark
        found = [part for part in self.parts if part.name == "file"]
        if len(found) != 1 or found[0].filename is None:
            raise BadCall("file: one file is wanted", "file")
        self.file: Part = found[0]
        self.purpose = self.field("purpose")

    def field(self, name: str) -> str:
        """The value of a field; empty when there is none."""
        found = [part for part in self.parts if part.name == name]
        if len(found) > 1:
            raise BadCall(f"{name}: there twice", name)
        return found[0].text() if found else ""


class OwnFiles:
    """Handlers for what is kept here."""

    def __init__(self, files: Files) -> None:
        self.files = files

    async def upload(self, visit: Visit) -> None:
        form = Form(
            await visit.body(), visit.exchange.headers.get(b"content-type", b"")
        )
        if not form.purpose:
            raise BadCall("purpose: what is the file for?", "purpose")
        if form.purpose not in OURS:
            raise Refused(
                400,
                "invalid_request_error",
                f"files for {form.purpose[:64]!r} are not kept here, only for `batch`",
                code="unsupported_purpose",
                param="purpose",
            )
        await self.keep(visit, form)

    async def keep(self, visit: Visit, form: Form) -> None:
        """Keep the form's file here."""
        try:
            kept = await self.files.add(
                visit.principal.id,
                one(form.file.data),
                filename=form.file.filename or "",
                purpose=form.purpose,
                ttl_s=expiry(
                    form.field("expires_after[anchor]"),
                    form.field("expires_after[seconds]"),
                ),
            )
        except Full as error:
            raise full(error) from None
        except (StoreError, OSError) as error:
            raise unkept(error) from error
        await visit.json(told(kept))

    async def listed(self, visit: Visit) -> None:
        query = visit.query
        found = await self.all(visit)
        if purpose := query.get("purpose"):
            found = [kept for kept in found if kept.purpose == purpose]
        if query.get("order", "desc") != "asc":
            found.reverse()
        await visit.json(page(visit, [told(kept) for kept in found], MOST, MOST))

    async def shown(self, visit: Visit) -> None:
        await visit.json(told(await self.one(visit)))

    async def deleted(self, visit: Visit) -> None:
        kept = await self.one(visit)
        try:
            await self.files.delete(visit.principal.id, kept.id)
        except (StoreError, OSError) as error:
            raise unkept(error) from error
        await visit.json({"id": kept.id, "object": "file", "deleted": True})

    async def content(self, visit: Visit) -> None:
        kept = await self.one(visit)
        headers = (
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % kept.bytes),
        )
        await send(visit, self.files, kept, headers)

    async def all(self, visit: Visit) -> list[Kept]:
        """The key's files, oldest first."""
        try:
            return await self.files.all(visit.principal.id)
        except StoreError as error:
            raise unkept(error) from error

    async def one(self, visit: Visit) -> Kept:
        """The file that the path names, if it is the key's."""
        id = visit.parameters["id"]
        found = await self.find(visit, id)
        if found is None:
            raise missing("file", id)
        return found

    async def find(self, visit: Visit, id: str) -> Kept | None:
        """A file of the key's."""
        try:
            return await self.files.find(visit.principal.id, id)
        except StoreError as error:
            raise unkept(error) from error


async def send(
    visit: Visit, files: Files, kept: Kept, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    """A file's bytes, a piece at a time."""
    await visit.body()  # none, but its end starts the watch
    pieces = files.pieces(visit.principal.id, kept)
    try:
        first = await anext(pieces, b"")
    except OSError as error:
        raise unkept(error) from error
    await visit.start(200, headers)
    piece = first
    while piece:
        visit.exchange.response_bytes += len(piece)
        await visit.write(piece)
        piece = await anext(pieces, b"")
    await visit.end()


def told(kept: Kept) -> dict[str, Any]:
    """A file as OpenAI tells it."""
    return {
        "id": kept.id,
        "object": "file",
        "bytes": kept.bytes,
        "created_at": kept.created_at,
        "expires_at": kept.expires_at,
        "filename": kept.filename,
        "purpose": kept.purpose,
        "status": "processed",
        "status_details": None,
    }


def page(
    visit: Visit, found: list[dict[str, Any]], usual: int, most: int
) -> dict[str, Any]:
    """One page of a list, by `after` and `limit`. Raises `BadCall`."""
    after, limit = visit.query.get("after"), visit.query.get("limit", str(usual))
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        raise BadCall(f"limit: a number from 1 to {most}", "limit")
    ids = [each["id"] for each in found]
    start = ids.index(after) + 1 if after in ids else 0
    shown = found[start : start + int(limit)]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": start + len(shown) < len(found),
    }


def expiry(anchor: str, seconds: str) -> float | None:
    """Seconds from now; `None`: never. Raises `BadCall`."""
    if not anchor and not seconds:
        return None
    if anchor != _ANCHOR:
        raise BadCall("expires_after.anchor: must be created_at", "expires_after")
    if not seconds.isdecimal() or not SHORTEST_S <= int(seconds) <= LONGEST_S:
        message = f"expires_after.seconds: a number from {SHORTEST_S} to {LONGEST_S}"
        raise BadCall(message, "expires_after")
    return float(seconds)


def full(error: Full) -> Refused:
    """For a folder that has no more room."""
    return Refused(
        507,
        "server_error",
        f"there is no room for the file: {error}; delete some, or have "
        "`files.total_bytes` raised",
        code="storage_full",
    )


def unkept(error: Exception) -> Refused:
    """For a store or a disk that fails; the log has the rest."""
    del error
    return Refused(
        503,
        "server_error",
        "what is kept cannot be reached at the moment",
        code="store_unavailable",
        retry_after=1.0,
    )
