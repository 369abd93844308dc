"""Files and batches that may be here or at a provider: ours are looked for first."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.errors import BadCall
from adapters.framing import multipart
from adapters.registry import DIALECTS
from gateway.batch.lines import split
from gateway.endpoints.batches import OwnBatches, told, wanted
from gateway.endpoints.files import Form, OwnFiles
from gateway.endpoints.files import told as file_told
from gateway.endpoints.message_batches import PATH, OwnMessageBatches
from gateway.endpoints.native.chooser import NO_PROVIDER, Chooser, Chosen
from gateway.endpoints.native.courier import Courier
from gateway.endpoints.native.google import Uploads
from gateway.endpoints.native.surface import ANTHROPIC, OPENAI, Native, Surface
from gateway.endpoints.visit import Visit, missing
from gateway.errors import Refused

BATCH: Final = "batch"
_FILES: Final = Surface("files", "files", "openai", OPENAI)
_BATCHES: Final = Surface("batches", "batches", "openai", OPENAI)
_ANTHROPIC_FILES: Final = Surface("files", "files", "anthropic", ANTHROPIC)
_MESSAGES: Final = Surface(
    "message_batches", "messages/batches", "anthropic", ANTHROPIC
)
_line: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_text: Final = msgspec.json.Decoder(str).decode
_fields: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder().encode


class Models:
    """Names of models in many requests at once, for the account they go to."""

    def __init__(self, chooser: Chooser, visit: Visit, chosen: Chosen, family: str):
        self._chooser = chooser
        self._visit = visit
        self._account = chosen.account
        self._family = family
        self._known: dict[str, str] = {}

    def renamed(self, body: bytes) -> bytes:
        """A request for the model's name there.

        Raises:
            Refused: the key may not use it.
            BadCall: it is somewhere else.
        """
        found = envelope.fields(body).get("model")
        try:
            asked = _text(found or b'""')
        except msgspec.MsgspecError:
            asked = ""
        native = self._native(asked)
        if native == asked:
            return body
        return envelope.replace(body, {"model": _encode(native)})

    def _native(self, asked: str) -> str:
        if asked not in self._known:
            named = self._chooser.by_model(self._visit, asked, self._family)
            if named is not None and named.account is not self._account:
                message = f"the model {asked!r} is not at {self._account.id!r}"
                raise BadCall(message, "model")
            self._known[asked] = asked if named is None else named.model
        return self._known[asked]


class Files:
    """`/v1/files`, OpenAI's and Anthropic's."""

    def __init__(
        self, own: OwnFiles, google: Uploads, chooser: Chooser, courier: Courier
    ) -> None:
        self._own = own
        self._google = google
        self._chooser = chooser
        self._native = Native(_FILES, chooser, courier)
        self._anthropic = Native(_ANTHROPIC_FILES, chooser, courier)

    async def upload(self, visit: Visit) -> None:
        if speaks_anthropic(visit):
            await self._anthropic.create(visit)
            return
        body = await visit.body()
        form = Form(body, visit.exchange.headers.get(b"content-type", b""))
        hint = self._chooser.hinted(visit, "openai")
        if form.purpose != BATCH:
            await self._native.make(visit, body)
        elif hint is None:
            await self._own.keep(visit, form)
        else:
            if not visit.principal.sees_all:
                for line in split(bytes(form.file.data)):
                    await self._chooser.named.check(visit.principal, line)
            await self._native.ask(visit, hint.account, self._lines(visit, form, hint))

    async def listed(self, visit: Visit) -> None:
        if speaks_anthropic(visit):
            await self._anthropic.listed(visit)
            return
        if speaks_google(visit):
            await self._google.files.listed(visit)
            return
        found = await self._own.all(visit)
        if purpose := visit.query.get("purpose"):
            found = [kept for kept in found if kept.purpose == purpose]
        ours = [file_told(kept) for kept in reversed(found)]
        await listed(visit, self._native, ours, 10_000)

    async def shown(self, visit: Visit) -> None:
        if await self._ours(visit):
            await self._own.shown(visit)
        else:
            await self._theirs(visit)

    async def deleted(self, visit: Visit) -> None:
        if await self._ours(visit):
            await self._own.deleted(visit)
        else:
            await self._theirs(visit)

    async def content(self, visit: Visit) -> None:
        if await self._ours(visit):
            await self._own.content(visit)
        else:
            await self._theirs(visit)

    async def _ours(self, visit: Visit) -> bool:
        if speaks_anthropic(visit) or speaks_google(visit):
            return False
        return await self._own.find(visit, visit.parameters["id"]) is not None

    async def _theirs(self, visit: Visit) -> None:
        if speaks_google(visit):
            await self._google.item(visit)
            return
        native = self._anthropic if speaks_anthropic(visit) else self._native
        await native.item(visit)

    def _lines(self, visit: Visit, form: Form, hint: Chosen) -> bytes:
        """The form, its lines for the models' names there."""
        models = Models(self._chooser, visit, hint, "openai")
        before = list(split(bytes(form.file.data)))
        after = []
        for number, raw in enumerate(before, 1):
            try:
                line = _line(raw)
                asked = bytes(line["body"])
                renamed = models.renamed(asked)
            except (msgspec.MsgspecError, KeyError) as error:
                raise BadCall(f"line {number}: no request: {error}", "file") from None
            same = renamed == asked
            after.append(raw if same else _encode({**line, "body": Raw(renamed)}))
        if after == before:
            return form.body
        data = b"\n".join(after) + b"\n"
        return multipart.replaced(form.body, form.parts, {"file": data})


class Batches:
    """`/v1/batches`."""

    def __init__(
        self, own: OwnBatches, files: OwnFiles, chooser: Chooser, courier: Courier
    ) -> None:
        self._own = own
        self._files = files
        self._native = Native(_BATCHES, chooser, courier)

    async def create(self, visit: Visit) -> None:
        body = await visit.body()
        id = wanted(body).input_file_id
        if await self._files.find(visit, id) is not None:
            await self._own.run(visit, wanted(body))
            return
        try:
            await self._native.make(visit, body)
        except Refused as refused:
            if refused.code != NO_PROVIDER:
                raise
            raise missing("file", id) from None

    async def listed(self, visit: Visit) -> None:
        ours = [told(batch) for batch in await self._own.all(visit)]
        await listed(visit, self._native, ours, 20)

    async def shown(self, visit: Visit) -> None:
        if await self._own.find(visit, visit.parameters["id"]) is not None:
            await self._own.shown(visit)
        else:
            await self._native.item(visit)

    async def cancel(self, visit: Visit) -> None:
        if await self._own.find(visit, visit.parameters["id"]) is not None:
            await self._own.cancel(visit)
        else:
            await self._native.item(visit)


class MessageBatches:
    """`/v1/messages/batches`."""

    def __init__(
        self, own: OwnMessageBatches, chooser: Chooser, courier: Courier
    ) -> None:
        self._own = own
        self._chooser = chooser
        self._native = _Linked(_MESSAGES, chooser, courier)

    async def create(self, visit: Visit) -> None:
        hint = self._chooser.hinted(visit, "anthropic")
        if hint is None:
            await self._own.create(visit)
            return
        body = await visit.body()
        if not visit.principal.sees_all:
            await self._chooser.named.check(visit.principal, body)
        models = Models(self._chooser, visit, hint, "anthropic")
        top = envelope.fields(body)
        try:
            before = [_line(raw) for raw in _raws(top["requests"])]
            after = [
                {**each, "params": Raw(models.renamed(bytes(each["params"])))}
                for each in before
            ]
        except (msgspec.MsgspecError, KeyError) as error:
            raise BadCall(f"requests: {error}", "requests") from None
        if any(
            bytes(ours["params"]) != bytes(theirs["params"])
            for ours, theirs in zip(after, before, strict=True)
        ):
            body = envelope.replace(body, {"requests": _encode(after)})
        await self._native.ask(visit, hint.account, body)

    async def listed(self, visit: Visit) -> None:
        if self._chooser.hinted(visit, "anthropic") is not None:
            await self._native.listed(visit)
        else:
            await self._own.listed(visit)

    async def item(self, visit: Visit) -> None:
        """Anything that is asked of one."""
        if await self._own.find(visit, visit.parameters["id"]) is None:
            await self._native.item(visit)
            return
        tail = visit.scope["path"].rpartition("/")[2]
        if visit.method == "DELETE":
            await self._own.deleted(visit)
        elif tail == "cancel":
            await self._own.cancel(visit)
        elif tail == "results":
            await self._own.results(visit)
        else:
            await self._own.shown(visit)


class _Linked(Native):
    """Links in answers lead through the gateway again."""

    def retold(self, visit: Visit, said: dict[str, Any]) -> Mapping[str, Any] | None:
        if not said.get("results_url"):
            return None
        url = f"{visit.origin}{PATH}/{said.get('id')}/results"
        return {**said, "results_url": url}


_raws: Final = msgspec.json.Decoder(list[Raw]).decode


async def listed(
    visit: Visit, native: Native, ours: list[dict[str, Any]], usual: int
) -> None:
    """One list of what is here, newest first, and then of what is at the provider."""
    query = visit.query
    limit = query.get("limit", str(usual))
    if not limit.isdecimal() or not 1 <= int(limit) <= 10_000:
        raise BadCall("limit: a number from 1 to 10000", "limit")
    size, after = int(limit), query.get("after", "")
    ids = [each["id"] for each in ours]
    theirs = bool(after) and after not in ids
    ours = [] if theirs else ours[ids.index(after) + 1 if after in ids else 0 :]
    chooser = native.chooser
    try:
        hint = chooser.hinted(visit, native.surface.family)
        account = hint.account if hint else chooser.usual(visit, "openai")
    except Refused as refused:
        if refused.status == 403 or visit.header(b"x-routeiq-provider"):
            raise
        account = None
    if account is not None and not ours and visit.principal.sees_all:
        await visit.body()
        await native.ask(visit, account, b"")
        return
    data, more = ours[:size], len(ours) > size
    if account is not None and len(data) < size:
        query["limit"] = str(size - len(data))
        if not theirs:
            query.pop("after", None)
        page = await native.page(visit, account, query, size - len(data))
        data, more = data + page["data"], page["has_more"]
    elif account is not None:
        more = True
    await visit.json(
        {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": more,
        }
    )


def speaks_anthropic(visit: Visit) -> bool:
    """Whether a path that both APIs have is asked in Anthropic's; errors are told in
    it from then on."""
    headers = visit.exchange.headers
    if b"anthropic-version" in headers or visit.scope["path"].startswith("/anthropic"):
        visit.exchange.dialect = DIALECTS["anthropic.messages"]
        return True
    return False


def speaks_google(visit: Visit) -> bool:
    """The same for Google's, whose clients show their key in a header of their own."""
    headers = visit.exchange.headers
    if b"x-goog-api-key" in headers or b"x-goog-api-client" in headers:
        visit.exchange.dialect = DIALECTS["gemini.generate"]
        return True
    return False
