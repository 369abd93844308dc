"""Objects that live at providers: made, listed, shown, changed and deleted there, each
for the key that it was given to."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from adapters import envelope
from adapters.errors import BadCall
from adapters.framing import multipart
from gateway.accounts import Account
from gateway.endpoints.native.chooser import NO_PROVIDER, Chooser, Chosen
from gateway.endpoints.native.courier import Courier
from gateway.endpoints.native.owned import Place
from gateway.endpoints.visit import Visit, missing
from gateway.errors import Refused

USUAL: Final = 20
"""Items of a page whose size nobody said."""
PAGES: Final = 20
"""Of a provider's list that are looked through for one of ours."""
FOUND: Final = ("output_file_id", "error_file_id", "result_files")
"""Fields of answers that name files which come with an object."""


class Cursor(NamedTuple):
    """How a list goes on, in one API."""

    items: str
    """The field that holds them; empty: the surface's own name."""
    id: str
    parameter: str
    """Of the query, for the page after one."""
    most: str
    """Of the query: how many items a page has."""
    token: str = ""
    """The field that names the next page; empty: the last item does."""


OPENAI: Final = Cursor("data", "id", "after", "limit")
ANTHROPIC: Final = Cursor("data", "id", "after_id", "limit")
GEMINI: Final = Cursor("", "name", "pageToken", "pageSize", "nextPageToken")


class Surface(NamedTuple):
    """One kind of object."""

    kind: str
    """Its name in the store, and in paths."""
    root: str
    """Below the base URL."""
    family: str
    cursor: Cursor
    makers: frozenset[str] = frozenset()
    """What stands in an id's place where new ones are made (`generations`)."""
    free: bool = True
    """Making and changing one costs nothing by itself."""
    alias: bool = False
    """Its body names a model as `models/NAME`."""


_fields: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder().encode


class Native:
    """Handlers of a surface."""

    def __init__(self, surface: Surface, chooser: Chooser, courier: Courier) -> None:
        self.surface = surface
        self.chooser = chooser
        self.courier = courier

    # --- requests -----------------------------------------------------------------

    async def create(self, visit: Visit) -> None:
        """A new object, at the account that fits."""
        await self.make(visit, await visit.body())

    async def make(self, visit: Visit, body: bytes) -> None:
        """The same, of a body that was read."""
        fields = self._read(visit, body)
        if fields.get("purpose") == "batch" and not visit.principal.sees_all:
            # Its lines are not looked into, and name models and objects.
            raise BadCall(
                "purpose: batch: send the lines whole, to /v1/files", "purpose"
            )
        chosen = await self._choose(visit, fields)
        if chosen.model:
            body = self._renamed(visit, body, chosen.model)
        await self.ask(visit, chosen.account, body)

    async def item(self, visit: Visit) -> None:
        """Anything that is asked of one object."""
        id = visit.parameters["id"].partition(":")[0]
        if id in self.surface.makers:
            await self.create(visit)
            return
        account = await self.account_of(visit, id)
        if account is None:
            raise missing(self._word(), id)
        body = await visit.body()
        fields = self._read(visit, body)
        if fields:
            await self.chooser.holding(visit, fields)
        await self.ask(visit, account, body, gone=id)

    async def listed(self, visit: Visit) -> None:
        """A page of the key's objects at an account."""
        hint = self.chooser.hinted(visit, self.surface.family)
        family = self.surface.family
        account = hint.account if hint else self.chooser.usual(visit, family)
        await visit.body()
        if visit.principal.sees_all:
            await self.ask(visit, account, b"")
            return
        query = visit.query
        most = query.get(self.surface.cursor.most, "")
        size = int(most) if most.isdecimal() and int(most) else USUAL
        await visit.json(await self.page(visit, account, query, size))

    # --- parts of them ------------------------------------------------------------

    async def account_of(self, visit: Visit, id: str) -> Account | None:
        """Where the key's object is; `None`: it has no such."""
        place = await self.chooser.objects.find(
            visit.principal.id, self.surface.kind, id
        )
        if place is not None:
            return self.chooser.accounts.marked(place.account)
        if not visit.principal.sees_all:
            return None
        hint = self.chooser.hinted(visit, self.surface.family)
        if hint is not None:
            return hint.account
        try:
            return self.chooser.usual(visit, self.surface.family)
        except Refused as refused:
            if refused.code != NO_PROVIDER:
                raise
            return None

    async def ask(
        self, visit: Visit, account: Account, body: bytes, *, gone: str = ""
    ) -> None:
        """Carry the request there and the answer back; what it names is the key's.
        `gone`: what a DELETE of the object itself makes an end of."""
        path = self.path(visit)
        carried = await self.courier.send(visit, account, path, body)

        async def hear(said: dict[str, Any]) -> Mapping[str, Any] | None:
            if visit.method == "DELETE":
                if gone and path.count(b"/") == self.surface.root.count("/") + 1:
                    kind = self.surface.kind
                    await self.chooser.objects.drop(visit.principal.id, kind, gone)
                return None
            await self.note(visit, account, said)
            return self.retold(visit, said)

        free = self.surface.free or visit.method != "POST"
        await self.courier.answer(visit, carried, hear, free=free)

    def retold(self, visit: Visit, said: dict[str, Any]) -> Mapping[str, Any] | None:
        """What a client is told instead; `None`: the answer as it is."""
        del visit, said
        return None

    async def note(self, visit: Visit, account: Account, said: dict[str, Any]) -> None:
        """The objects that an answer names are the key's from now on."""
        owner, place = visit.principal.id, Place(account.account)
        objects = self.chooser.objects
        if visit.method == "POST":
            id = said.get(self.surface.cursor.id) or said.get("request_id")
            if isinstance(id, str):
                await objects.add(owner, self.surface.kind, id.split("/")[-1], place)
        for name in FOUND:
            found = said.get(name)
            for each in found if isinstance(found, list) else [found]:
                if isinstance(each, str):
                    await objects.add(owner, "files", each, place)
        inner = said.get("file")
        if isinstance(inner, dict):
            id = inner.get(self.surface.cursor.id)
            if isinstance(id, str):
                await objects.add(owner, "files", id.split("/")[-1], place)

    async def page(
        self, visit: Visit, account: Account, query: dict[str, str], size: int
    ) -> dict[str, Any]:
        """Up to `size` of what is the key's at the account: looked through page by
        page. Of an API that goes on by tokens, pages are not cut."""
        cursor, kept = self.surface.cursor, list[dict[str, Any]]()
        field = cursor.items or self.surface.kind
        answer: dict[str, Any] = {}
        more = False
        for _ in range(PAGES):
            carried = await self.courier.send(
                visit, account, self.path(visit), b"", more=_query(query)
            )
            if carried.status >= 400:
                await carried.take(billed=False)
                break
            answer = _fields(await carried.take(billed=False))
            shown = [each for each in answer.get(field, ()) if isinstance(each, dict)]
            for at, each in enumerate(shown):
                if await self._owns(visit, each):
                    kept.append(each)
                if len(kept) == size and not cursor.token:
                    more = at + 1 < len(shown)
                    break
            following = _following(answer, shown, cursor)
            more = more or bool(following)
            if len(kept) >= size or not following:
                break
            query[cursor.parameter] = following
        return _told(answer, field, kept, cursor, more=more)

    async def _owns(self, visit: Visit, each: Mapping[str, Any]) -> bool:
        if visit.principal.sees_all:
            return True
        id = str(each.get(self.surface.cursor.id, "")).split("/")[-1]
        place = await self.chooser.objects.find(
            visit.principal.id, self.surface.kind, id
        )
        return place is not None

    async def _choose(self, visit: Visit, fields: Mapping[str, Any]) -> Chosen:
        family = self.surface.family
        held = await self.chooser.holding(visit, fields)
        model = fields.get("model")
        asked = model if isinstance(model, str) else ""
        if self.surface.alias:
            asked = asked.removeprefix("models/")
        hint = self.chooser.hinted(visit, family)
        named = self.chooser.by_model(visit, asked, family) if asked else None
        if named is not None and named.account is (held or named.account):
            return named
        if held is not None:
            return Chosen(held)
        return hint or Chosen(self.chooser.usual(visit, family))

    def path(self, visit: Visit) -> bytes:
        """What follows the base URL, as it was written."""
        raw: bytes = visit.scope["raw_path"].partition(b"?")[0]
        at = raw.find(b"/" + self.surface.root.encode())
        if at < 0:
            raise missing("path", raw.decode("latin-1"))
        return raw[at + 1 :]

    def _read(self, visit: Visit, body: bytes) -> dict[str, Any]:
        """Fields of a JSON body, or those of a form that are no files."""
        kind = visit.exchange.headers.get(b"content-type", b"")
        mark = multipart.boundary(kind)
        if mark:
            parts = multipart.read(body, mark)
            return {p.name: p.text() for p in parts if p.filename is None}
        try:
            return _fields(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            if body and not visit.principal.sees_all:
                # Never on as it is: other readers may find another's ids in it.
                raise BadCall("the body is no JSON object") from error
            return {}  # the provider will say what is wrong

    def _renamed(self, visit: Visit, body: bytes, model: str) -> bytes:
        """The body for the model's name there."""
        if self.surface.alias:
            model = f"models/{model}"
        kind = visit.exchange.headers.get(b"content-type", b"")
        mark = multipart.boundary(kind)
        if mark:
            parts = multipart.read(body, mark)
            return multipart.replaced(body, parts, {"model": model.encode()})
        if _fields(body).get("model") == model:
            return body
        return envelope.replace(body, {"model": _encode(model)})

    def _word(self) -> str:
        return self.surface.kind.removesuffix("s").replace("_", " ")


def _query(query: Mapping[str, str]) -> bytes:
    pairs = [(n, v) for n, v in query.items() if n != "key"]
    return urlencode(pairs).encode()


def _following(
    answer: Mapping[str, Any], shown: list[dict[str, Any]], cursor: Cursor
) -> str:
    """What names the page after this one; empty: it is the last."""
    if cursor.token:
        return str(answer.get(cursor.token) or "")
    if not answer.get("has_more") or not shown:
        return ""
    return str(shown[-1].get(cursor.id, ""))


def _told(
    answer: dict[str, Any],
    field: str,
    kept: list[dict[str, Any]],
    cursor: Cursor,
    *,
    more: bool,
) -> dict[str, Any]:
    answer[field] = kept
    if cursor.token:
        return answer
    answer.setdefault("object", "list")
    answer["has_more"] = more
    answer["first_id"] = kept[0].get(cursor.id) if kept else None
    answer["last_id"] = kept[-1].get(cursor.id) if kept else None
    return answer
