"""The bedrock family: Converse, and InvokeModel where Converse has no words.

Which API a call goes to: a client of Messages asks Claude through InvokeModel, and its
words go out and come back as they are; everybody else, and every other model, through
Converse, where a client of Converse is relayed likewise. `converse/` and `invoke/`
before the model's id say otherwise. Embeddings are InvokeModel's.

Requests bear a key (`AWS_BEARER_TOKEN_BEDROCK`) or are signed by whoever sends them.
Source: Amazon Bedrock Runtime, API version 2023-09-30.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic import answer as messages_answer
from adapters.anthropic import family as anthropic
from adapters.anthropic.wire import DIALECT as MESSAGES
from adapters.bedrock import (
    answer,
    conversation,
    embed,
    errors,
    invoke,
    request,
    rerank,
    vendors,
)
from adapters.bedrock.answer import Names
from adapters.bedrock.decoder import ConverseDecoder
from adapters.bedrock.encoder import ChunkEncoder, ConverseEncoder, Relay
from adapters.bedrock.models import Model, named
from adapters.bedrock.parts import without_foreign
from adapters.bedrock.wire import (
    DIALECT,
    NONE,
    Camel,
    call_part,
    given,
    tool_name,
    travels,
)
from adapters.contract import (
    Call,
    Encoder,
    Headers,
    Hint,
    Operation,
    Result,
    Target,
    Told,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.errors import BadCall, Unsupported, UpstreamError
from adapters.normal.chat import ChatCall, ChatResult, TokenCount
from adapters.normal.embed import EmbedCall
from adapters.normal.rerank import RerankCall
from adapters.openai import family as openai
from adapters.signing import auth_headers, headers

INVOKE: Final = "bedrock.invoke"

_JSON: Final[Headers] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
)
_STREAM: Final[Headers] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/vnd.amazon.eventstream"),
)
_VERBS: Final = {"converse": "converse-stream", "invoke": "invoke-with-response-stream"}
_LIST: Final = ord("[")


class _Inference(Camel, frozen=True):
    max_tokens: int | None = None


class _Head(Camel, frozen=True):
    messages: Raw = NONE
    inference_config: _Inference | None = None
    model_id: Raw = NONE


class _Answer(msgspec.Struct, frozen=True):
    """Whose answer it is."""

    output: Raw = NONE
    type: str = ""
    choices: Raw = NONE


_head = msgspec.json.Decoder(_Head)


class Bedrock:
    """The half that speaks to providers."""

    dialect: str = DIALECT
    operations: frozenset[Operation] = frozenset(
        {
            *(Operation.chat, Operation.complete, Operation.count_tokens),
            *(Operation.embed, Operation.rerank),
        }
    )

    def speaks(self, dialect: str) -> bool:
        """Converse, and Messages where the model is Claude."""
        return dialect in (DIALECT, MESSAGES)

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: the model cannot be told.
            BadCall: the body does not follow its own dialect.
        """
        model = named(target.model)
        if isinstance(call, EmbedCall):
            body, dropped = embed.write(call, target, model)
            return WireRequest(_wire_head(target, model, "invoke"), body, (), dropped)
        if isinstance(call, RerankCall):
            body, dropped = rerank.write(call, target, model)
            return WireRequest(_wire_head(target, model, "invoke"), body, (), dropped)
        if not isinstance(call, ChatCall):
            raise Unsupported("Bedrock has no words for this call", "model")
        if call.operation == "count_tokens":
            return _count(call, target, model)
        api = _api(call, model)
        verb = _VERBS[api] if call.stream else api
        if api == "converse":
            body, dropped = _converse(call, target, model, count=False)
        else:
            body, dropped = _invoke(call, target, model)
        head = _wire_head(target, model, verb)
        return WireRequest(head, body, (), dropped)

    def portion(self, call: EmbedCall, target: Target) -> int:
        """How many texts of the call one request may hold."""
        return embed.portion(named(target.model))

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for one that is none."""
        if isinstance(call, EmbedCall):
            return embed.read(response)
        if isinstance(call, RerankCall):
            return rerank.read(response, call)
        if call.operation == "count_tokens":
            return answer.read_count(response)
        return _answer(response, call)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> ConverseDecoder:
        """A decoder for one streamed answer."""
        return ConverseDecoder(_names(call), call)


class Converse:
    """Converse, ConverseStream and CountTokens, as clients call them."""

    name: str = DIALECT

    def read_call(self, body: bytes, hint: Hint) -> ChatCall:
        """The head of the call.

        Raises:
            BadCall: not a Converse request; says where.
        """
        if hint.operation is Operation.count_tokens:
            return ChatCall(
                model=hint.model,
                dialect=DIALECT,
                raw=body,
                operation="count_tokens",
                read=conversation.read_count,
            )
        try:
            head = _head.decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            head = call_part(body, _Head)
        if not head.messages or memoryview(head.messages)[0] != _LIST:
            raise BadCall("messages: a list of messages is required", "messages")
        config = head.inference_config
        return ChatCall(
            model=hint.model,
            dialect=DIALECT,
            raw=body,
            stream=bool(hint.stream),
            include_usage=True,
            max_tokens=config.max_tokens if config is not None else None,
            read=conversation.read,
        )

    def write_result(self, result: Result, call: Call) -> bytes:
        """The whole answer."""
        if isinstance(result, TokenCount):
            return answer.write_count(result)
        if not isinstance(result, ChatResult):
            raise TypeError("vectors have no form in Converse")
        return answer.write(result)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """An encoder for a stream from `source`."""
        if source == DIALECT:
            return Relay()
        if not isinstance(call, ChatCall):
            raise TypeError("vectors do not stream")
        return ConverseEncoder(call)

    def write_error(self, told: Told) -> bytes:
        """The error body."""
        return errors.write(told)

    def error_headers(self, told: Told) -> Headers:
        """What AWS's SDKs read of an error before its body."""
        return errors.headers(told)


class Invoke(Converse):
    """InvokeModel of Claude, as clients call it: Messages in Bedrock's wrapping."""

    name: str = INVOKE

    def read_call(self, body: bytes, hint: Hint) -> ChatCall:
        """The call, as one of Messages: any Claude can be asked it.

        Raises:
            BadCall: not a Messages request; says where.
        """
        return anthropic.MESSAGES.read_call(*invoke.unwrapped(body, hint))

    def write_result(self, result: Result, call: Call) -> bytes:
        """The whole answer."""
        return anthropic.MESSAGES.write_result(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        """An encoder for a stream from `source`."""
        return ChunkEncoder(anthropic.MESSAGES.write_stream(call, source))


def _api(call: ChatCall, model: Model) -> str:
    if model.api:
        return model.api
    own = call.dialect == MESSAGES and model.is_claude
    return "invoke" if own else "converse"


def _converse(
    call: ChatCall, target: Target, model: Model, *, count: bool
) -> tuple[bytes, tuple[str, ...]]:
    if call.dialect == DIALECT and call.raw:
        if count or not travels(call.raw):
            return call.raw, ()
        return without_foreign(call.raw), ()
    return request.write(call.conversation(), target, model, count=count)


def _count(call: ChatCall, target: Target, model: Model) -> WireRequest:
    if call.dialect != DIALECT and _api(call, model) == "invoke" and model.is_claude:
        body, dropped = invoke.write(call, target, model)
    else:
        body, dropped = _converse(call, target, model, count=True)
    head = _wire_head(target, model.foundation, "count-tokens")
    return WireRequest(head, body, (), dropped)


def _invoke(
    call: ChatCall, target: Target, model: Model
) -> tuple[bytes, tuple[str, ...]]:
    """The vendor's own body."""
    if model.is_claude or not model.vendor:
        return invoke.write(call, target, model)
    if model.nova:
        return request.write(call.conversation(), target, model, count=False)
    form = vendors.form(model)
    if form is not None:
        return vendors.write(call, form, strict=target.strict)
    return invoke.completions(call, target, model)


def _answer(response: WireResponse, call: Call) -> Result:
    """A conversation's, of whichever API was asked."""
    told = _whose(response.body)
    if given(told.output):
        return answer.read(response, _names(call))
    if told.type == "message":
        return messages_answer.read(response, _names(call).custom)
    if given(told.choices):
        return openai.UPSTREAM.parse_response(response, call)
    return vendors.read(response)


def _names(call: Call) -> Names:
    """What must be known of the call's tools to read the answer."""
    if not isinstance(call, ChatCall) or call.dialect in (DIALECT, MESSAGES):
        return Names()
    tools = call.conversation().tools
    renamed = {told: t.name for t in tools if (told := tool_name(t.name)) != t.name}
    return Names(renamed, frozenset(t.name for t in tools if t.kind == "custom"))


def _whose(body: bytes) -> _Answer:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _Answer()  # whoever reads it will say what is wrong


def _wire_head(target: Target, model: Model, verb: str) -> WireHead:
    head = target.heads.get(verb)
    if head is None:
        url = f"{target.base_url.rstrip('/')}/model/{model.path}/{verb}"
        kind = _STREAM if "stream" in verb else _JSON
        told = headers(kind, auth_headers(target), _own(target.headers))
        head = target.heads[verb] = WireHead("POST", url, told)
    return head


def _own(configured: Headers) -> Headers:
    """Beta flags stand in the body."""
    return tuple(h for h in configured if h[0].lower() != b"anthropic-beta")


UPSTREAM: Final = Bedrock()
CONVERSE: Final = Converse()
MESSAGES_INVOKED: Final = Invoke()
