"""/v1/conversations: items that a client may add to, ask about and speak on from.

All of them are the gateway's own, so that any model can go on with one. A conversation
that nobody uses for `responses.keep_days` is forgotten.
"""

import time
from secrets import token_hex
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.contract import Dialect
from adapters.openai.responses import history
from gateway.endpoints.access import with_key
from gateway.endpoints.responses.kept import owns, unavailable, unknown
from gateway.endpoints.responses.listing import listing
from gateway.endpoints.table import Row
from gateway.errors import Refused
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.store.contract import Store

Json = dict[str, Any]
T = TypeVar("T")

SPACE: Final = "conversations"
ITEMS: Final = "conversation_items"
"""`conversation/sequence` -> item."""
MOST: Final = 20
"""Items that one request may add, as at OpenAI."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation."""

    owner: str
    created_at: int
    metadata: dict[str, str] = {}
    refreshed_at: int = 0
    """Unix seconds: when its lifetime was last begun anew."""


class _Create(msgspec.Struct, frozen=True):
    items: list[Json] | None = None
    metadata: dict[str, str] | None = None


class _Add(msgspec.Struct, frozen=True):
    items: list[Json]


class _Update(msgspec.Struct, frozen=True):
    metadata: dict[str, str] | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Conversation).decode
_item: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Conversations:
    """The conversations of all keys."""

    def __init__(self, store: Store, keep_s: float) -> None:
        """`keep_s`: how long after its last use one is forgotten."""
        self._store = store
        self._keep_s = keep_s

    @property
    def keeps(self) -> bool:
        """Whether there are any."""
        return self._keep_s > 0

    async def find(self, id: str, who: Principal) -> Conversation | None:
        """The conversation, if it is theirs."""
        with unavailable():
            data = await self._store.get(SPACE, id)
        if data is None:
            return None
        found = _decode(data)
        return found if owns(who, found.owner) else None

    async def known(self, id: str) -> bool:
        """Whether it is anybody's."""
        with unavailable():
            return await self._store.get(SPACE, id) is not None

    async def put(self, id: str, conversation: Conversation) -> None:
        """Create, or replace."""
        with unavailable():
            await self._store.put(SPACE, id, _encode(conversation), self._keep_s)

    async def items(self, id: str) -> list[tuple[str, Json]]:
        """Names and items, oldest first."""
        with unavailable():
            found = self._store.scan(ITEMS, f"{id}/")
            return [(name, _item(data)) async for name, data in found]

    async def items_of(self, id: str, who: Principal) -> list[Json] | None:
        """The items, oldest first; `None` for one that is not theirs."""
        if await self.find(id, who) is None:
            return None
        return [item for _, item in await self.items(id)]

    async def add(self, id: str, items: list[Json]) -> list[Json]:
        """Append; the items with their ids. Everything in it lives on."""
        listed = history.listed(items, token_hex(14))
        now = time.time_ns()
        with unavailable():
            for number, item in enumerate(listed):
                name = f"{id}/{now:020}{number:06}"
                await self._store.put(ITEMS, name, _encode(item), self._keep_s)
        await self._refresh(id)
        return listed

    async def _refresh(self, id: str) -> None:
        """Begin all lifetimes anew, where half of them is over."""
        with unavailable():
            data = await self._store.get(SPACE, id)
        now = int(time.time())
        if data is None or now - _decode(data).refreshed_at < self._keep_s / 2:
            return
        fresh = msgspec.structs.replace(_decode(data), refreshed_at=now)
        await self.put(id, fresh)
        for name, item in await self.items(id):
            with unavailable():
                await self._store.put(ITEMS, name, _encode(item), self._keep_s)

    async def remove(self, name: str) -> None:
        """Remove an item."""
        with unavailable():
            await self._store.delete(ITEMS, name)

    async def delete(self, id: str) -> None:
        """Remove a conversation with its items."""
        for name, _ in await self.items(id):
            await self.remove(name)
        with unavailable():
            await self._store.delete(SPACE, id)


def rows(conversations: Conversations, keyring: Keyring, dialect: Dialect) -> list[Row]:
    """Create, read, change and delete; the same for items."""
    desk = _Desk(conversations)
    one, items = "/v1/conversations/{conversation}", "/items"
    table = [
        ("POST", "/v1/conversations", desk.create, "Begin a conversation"),
        ("GET", one, desk.retrieve, "One conversation"),
        ("POST", one, desk.update, "Change a conversation's metadata"),
        ("DELETE", one, desk.delete, "Delete a conversation"),
        ("GET", one + items, desk.items, "The items of a conversation"),
        ("POST", one + items, desk.add, "Add items to a conversation"),
        ("GET", one + items + "/{item}", desk.item, "One item of a conversation"),
        ("DELETE", one + items + "/{item}", desk.remove, "Delete an item"),
    ]
    return [
        Row(
            method=method,
            path=path,
            aliases=(
                path.removeprefix("/v1"),
                f"/openai{path}",
                f"/openai{path.removeprefix('/v1')}",
            ),
            endpoint=with_key(keyring, dialect, handler),
            auth="key",
            recorded=False,
            summary=summary,
            tag="conversations",
        )
        for method, path, handler, summary in table
    ]


class _Desk:
    """What is answered at each of the routes."""

    def __init__(self, conversations: Conversations) -> None:
        self._all = conversations

    async def _need(self, request: Request, who: Principal) -> tuple[str, Conversation]:
        id = request.path_params["conversation"]
        found = await self._all.find(id, who)
        if found is None:
            raise unknown(id, "conversation_not_found", "conversation_id")
        return id, found

    async def _need_item(self, request: Request, id: str) -> tuple[str, Json]:
        wanted = request.path_params["item"]
        for name, item in await self._all.items(id):
            if item.get("id") == wanted:
                return name, item
        raise Refused(
            404,
            "invalid_request_error",
            f"there is no item {wanted[:128]!r} in this conversation",
            code="item_not_found",
            param="item_id",
        )

    async def create(self, request: Request, who: Principal) -> Response:
        if not self._all.keeps:
            raise Refused(
                400,
                "invalid_request_error",
                "this gateway keeps no conversations (responses.keep_days is 0)",
                code="unsupported_operation",
            )
        asked = _said(await request.body() or b"{}", _Create)
        now = int(time.time())
        id = "conv_" + token_hex(24)
        made = Conversation(
            owner=who.id,
            created_at=now,
            metadata=asked.metadata or {},
            refreshed_at=now,
        )
        _few(asked.items or [])
        await self._all.put(id, made)
        await self._all.add(id, asked.items or [])
        return _json(_told(id, made))

    async def retrieve(self, request: Request, who: Principal) -> Response:
        return _json(_told(*await self._need(request, who)))

    async def update(self, request: Request, who: Principal) -> Response:
        id, found = await self._need(request, who)
        asked = _said(await request.body(), _Update)
        changed = msgspec.structs.replace(found, metadata=asked.metadata or {})
        await self._all.put(id, changed)
        return _json(_told(id, changed))

    async def delete(self, request: Request, who: Principal) -> Response:
        id, _ = await self._need(request, who)
        await self._all.delete(id)
        return _json({"id": id, "object": "conversation.deleted", "deleted": True})

    async def items(self, request: Request, who: Principal) -> Response:
        id, _ = await self._need(request, who)
        found = [item for _, item in await self._all.items(id)]
        return _json(listing(found, request.query_params))

    async def add(self, request: Request, who: Principal) -> Response:
        id, _ = await self._need(request, who)
        asked = _said(await request.body(), _Add)
        _few(asked.items)
        added = await self._all.add(id, asked.items)
        return _json(listing(added, {"order": "asc", "limit": "100"}))

    async def item(self, request: Request, who: Principal) -> Response:
        id, _ = await self._need(request, who)
        return _json((await self._need_item(request, id))[1])

    async def remove(self, request: Request, who: Principal) -> Response:
        id, found = await self._need(request, who)
        name, _ = await self._need_item(request, id)
        await self._all.remove(name)
        return _json(_told(id, found))


def _few(items: list[Json]) -> None:
    if len(items) > MOST:
        raise Refused(
            400,
            "invalid_request_error",
            f"items: at most {MOST} at a time",
            param="items",
        )


def _said(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused(400, "invalid_request_error", str(error)) from error


def _told(id: str, found: Conversation) -> Json:
    return {
        "id": id,
        "object": "conversation",
        "created_at": found.created_at,
        "metadata": found.metadata,
    }


def _json(value: object) -> Response:
    return Response(_encode(value), media_type="application/json")
