"""One Responses call with what came before it, and what is kept of its answer.

A `Session` stands in for the dialect in its exchange: what a client only names is put
into the call before it is read, and the answer is kept before the client has it.
"""

import logging
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.contract import (
    Call,
    Encoder,
    Hint,
    Medium,
    Operation,
    Result,
    Told,
)
from adapters.errors import BadCall
from adapters.openai import fields
from adapters.openai.calls import bad_call
from adapters.openai.responses import history
from adapters.openai.responses.calls import ResponsesCall
from adapters.openai.responses.replies import ResponsesEncoder
from adapters.openai.wire import ABSENT, RESPONSES, present
from adapters.registry import DIALECTS
from gateway.endpoints.reply import Reply
from gateway.endpoints.responses.conversations import Conversations
from gateway.endpoints.responses.kept import (
    Keeper,
    Kept,
    status,
    unknown,
)
from gateway.errors import Refused
from gateway.govern.principal import ANYONE, Principal
from gateway.net.link import Link
from gateway.spine.exchange import Exchange
from gateway.spine.relay import Write

log = logging.getLogger(__name__)

Json = dict[str, Any]

_PREVIOUS: Final = "previous_response_id"
_REFERENCE: Final = "item_reference"
_dialect: Final = DIALECTS[RESPONSES]


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Asked(msgspec.Struct, frozen=True):
    previous_response_id: str | None = None
    conversation: str | _Named | None = None
    store: bool | None = None
    input: Raw = ABSENT


class _Item(msgspec.Struct, frozen=True):
    id: str = ""


class _Kind(msgspec.Struct, frozen=True):
    type: str | None = None
    role: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    id: str = ""
    store: bool | None = None
    output: list[_Item] = []


class _Created(msgspec.Struct, frozen=True):
    created_at: Raw


_created: Final = msgspec.json.Decoder(_Created).decode
_asked: Final = msgspec.json.Decoder(_Asked).decode
_kinds: Final = msgspec.json.Decoder(list[_Kind])
_answer: Final = msgspec.json.Decoder(_Answer).decode
_encode: Final = msgspec.json.Encoder().encode


class Session:
    """The dialect of one exchange."""

    name = RESPONSES

    def __init__(
        self,
        keeper: Keeper,
        conversations: Conversations,
        exchange: Exchange,
        *,
        background: bool = False,
        again: Kept | None = None,
        id: str = "",
    ) -> None:
        """`again`: the response `id` is begun anew."""
        self._keeper = keeper
        self._conversations = conversations
        self.exchange = exchange
        self._background = background
        self.id = id or "resp_" + exchange.id.removeprefix("req_")
        self._asked = _Asked()
        self._shown: Json = {"background": Raw(b"true")} if background else {}
        if again is not None:
            self._shown["created_at"] = _created(again.response).created_at
        self._previous = ""
        """The response before, where we keep it."""
        self._conversation = ""
        self._native = False
        self._encoder: ResponsesEncoder | None = None
        self._streamed = False
        self._body = b""

    @property
    def _who(self) -> Principal:
        return self.exchange.principal or ANYONE

    # --- before -----------------------------------------------------------------------

    async def prepare(self, body: bytes) -> bytes:
        """The body with everything that it only names.

        Raises:
            Refused: 404, it names what is not there.
            BadCall: it names both a response and a conversation, or cannot be read.
        """
        try:
            asked = self._asked = _asked(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            # Never on as it is: it may name what is another's.
            raise bad_call(error) from error
        named = asked.conversation
        if asked.previous_response_id and named is not None:
            raise BadCall(
                "conversation: cannot be used together with previous_response_id",
                "conversation",
            )
        if asked.store is not False and not self._keeper.keeps:
            self._shown["store"] = Raw(b"false")
        before: list[Json] = []
        gone: tuple[str, ...] = ()
        if asked.previous_response_id:
            before, gone = await self._follow(asked.previous_response_id)
        elif named is not None:
            id = named if isinstance(named, str) else named.id
            before, gone = await self._converse(id)
        if _refers(asked.input):
            body = await self._referred(body)
        if not gone:
            return body
        return history.joined(envelope.fields(body), before, gone)

    async def _follow(self, id: str) -> tuple[list[Json], tuple[str, ...]]:
        kept = await self._keeper.find(id, self._who)
        if kept is None and self._who.sees_all:
            if not await self._keeper.known(id):
                return [], ()  # perhaps the provider's own
            kept = await self._keeper.find(id, self._who)  # kept between the two looks
        if kept is None:
            raise unknown(id, "previous_response_not_found", _PREVIOUS)
        if kept.native:
            self.exchange.pinned = self._keeper.place(kept).account
            return [], ()
        if status(kept) in ("queued", "in_progress"):
            raise Refused(
                400,
                "invalid_request_error",
                f"the response {id!r} has not ended yet",
                code="response_in_progress",
                param=_PREVIOUS,
            )
        self._previous = id
        self._shown[_PREVIOUS] = Raw(_encode(id))
        return await self._keeper.history(id, kept, self._who), (_PREVIOUS,)

    async def _converse(self, id: str) -> tuple[list[Json], tuple[str, ...]]:
        items = await self._conversations.items_of(id, self._who)
        if items is None:
            if self._who.sees_all and not await self._conversations.known(id):
                return [], ()  # perhaps the provider's own
            raise unknown(id, "conversation_not_found", "conversation")
        self._conversation = id
        self._shown["conversation"] = Raw(_encode({"id": id}))
        return history.again(items), ("conversation",)

    async def _referred(self, body: bytes) -> bytes:
        """The body with items in the place of references to those that we keep."""
        top = envelope.fields(body)
        items: list[Json] = []
        for item in history.read(top.get("input", ABSENT)):
            if _is_reference(item.get("type"), item.get("role")):
                items.append(await self._item(str(item.get("id")), item))
            else:
                items.append(item)
        found = top["input"] = Raw(_encode(items))
        self._asked = msgspec.structs.replace(self._asked, input=found)
        return _encode(top)

    async def _item(self, id: str, reference: Json) -> Json:
        made = "resp_" + id.rpartition("_")[2].partition("i")[0][:28]
        held = await self._keeper.of_item(id)
        kept = await self._keeper.find(held or made, self._who)
        if kept is not None and kept.native:
            self.exchange.pinned = self._keeper.place(kept).account
            return reference
        if kept is not None:
            for one in (*kept.input, *history.output(bytes(kept.response))):
                if one.get("id") == id:
                    return history.again([one])[0]
        if not held and self._who.sees_all:
            return reference  # perhaps the provider's own
        raise Refused(
            404,
            "invalid_request_error",
            f"there is no item {id[:128]!r} that this key may use",
            code="item_not_found",
            param="input",
        )

    # --- the dialect ------------------------------------------------------------------

    def read_call(self, body: bytes, hint: Hint) -> Call:
        """As the dialect, with the answer's id and what it shows otherwise."""
        call = _dialect.read_call(body, hint)
        if isinstance(call, ResponsesCall):
            call.id = self.id
            call.shown = self._shown
        return call

    def write_result(self, result: Result, call: Call) -> bytes | Medium:
        """As the dialect; remembered."""
        if not self._body:
            self._native = result.dialect == RESPONSES and bool(result.raw)
            body = _dialect.write_result(result, call)
            assert isinstance(body, bytes)
            self._body = body
        return self._body

    def write_stream(self, call: Call, source: str) -> Encoder:
        """As the dialect; remembered."""
        encoder = _dialect.write_stream(call, source)
        assert isinstance(encoder, ResponsesEncoder)
        self._encoder = encoder
        return encoder

    def write_error(self, told: Told) -> bytes:
        """As the dialect."""
        return _dialect.write_error(told)

    # --- after ------------------------------------------------------------------------

    async def keep_streamed(self) -> None:
        """Remember what the stream told, once it has told all.

        Raises:
            Refused: 503, it cannot be remembered.
        """
        encoder = self._encoder
        if encoder is not None and encoder.final and not self._streamed:
            self._streamed = True
            self._native = encoder.relayed
            await self.keep(encoder.final)

    async def keep(self, body: bytes) -> None:
        """Remember a response object, and what was said in its conversation.

        Raises:
            Refused: 503, it cannot be remembered.
        """
        if self.exchange.operation is not Operation.chat:
            return
        told = _answer(body)
        if self._conversation:
            spoken = [*self.input(), *history.output(body)]
            await self._conversations.add(self._conversation, spoken)
        if not self._keeper.keeps or self._asked.store is False:
            return
        exchange = self.exchange
        served = exchange.served_by
        if served is None or not told.id:
            return
        kept = Kept(
            owner=self._who.id,
            account=served.account,
            background=self._background,
        )
        if self._native:  # the ids of its items do not tell whose they are
            ids = [item.id for item in told.output if item.id]
            await self._keeper.put_items(ids, told.id)
        if self._native and told.store:
            note = msgspec.structs.replace(kept, native=True)
            await self._keeper.put(told.id, note)
            return
        whole = msgspec.structs.replace(
            kept, previous=self._previous, input=self.input(), response=Raw(body)
        )
        await self._keeper.put(told.id, whole)

    def forget(self) -> None:
        """Say of a whole answer that it is not stored."""
        if self._asked.store is not False and not self._conversation:
            self._body = envelope.replace(self._body, {"store": b"false"})

    def input(self) -> list[Json]:
        """The items of this call alone, as listed."""
        raw = self._asked.input
        items = history.read(raw) if present(raw) else []
        return history.listed(items, self.id.removeprefix("resp_"))


def _refers(raw: Raw) -> bool:
    """Whether any item of the input is but a name of one."""
    if not present(raw) or fields.is_text(raw):
        return False
    items = fields.decode(_kinds, raw, "input")
    return any(_is_reference(item.type, item.role) for item in items)


def _is_reference(kind: object, role: object) -> bool:
    """An item without a type is a message, which has a role, or a reference."""
    return kind == _REFERENCE or (kind is None and role is None)


class KeptReply(Reply):
    """The client's end: what it is told is remembered first."""

    __slots__ = ("_session",)

    def __init__(self, link: Link, session: Session) -> None:
        super().__init__(link)
        self._session = session

    async def whole(self, exchange: Exchange, result: Result) -> None:
        call = exchange.call
        assert call is not None
        body = self._session.write_result(result, call)
        assert isinstance(body, bytes)
        try:
            await self._session.keep(body)
        except Refused as error:
            # The answer is paid for: better not remembered than not given.
            _unkept(exchange, error)
            self._session.forget()
        await super().whole(exchange, result)

    def _writer(self) -> Write:
        return self._write

    async def _write(self, data: bytes) -> None:
        try:
            await self._session.keep_streamed()
        except Refused as error:
            _unkept(self._session.exchange, error)
        await self._link.write(data)


def _unkept(exchange: Exchange, error: Refused) -> None:
    told = {"id": exchange.id, "error": str(error)}
    log.warning("a response is not remembered", extra=told)
