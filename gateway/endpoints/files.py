"""/v1/files: files of batches, kept by the gateway itself."""

from typing import Any, Final

from adapters.errors import BadCall
from adapters.framing import multipart
from adapters.framing.multipart import Part
from gateway.endpoints.visit import Visit, missing
from gateway.errors import Refused
from gateway.store.contract import StoreError
from gateway.store.files import Files, Full, Kept, one

PATH: Final = "/v1/files"
OURS: Final = frozenset({"batch", "batch_output"})
"""Purposes of files that the gateway keeps by itself."""
SHORTEST_S: Final = 3600
LONGEST_S: Final = 30 * 86_400
MOST: Final = 10_000
"""Files of one page."""
_ANCHOR: Final = "created_at"


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
