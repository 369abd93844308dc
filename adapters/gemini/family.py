"""The Gemini family: generateContent, countTokens and embeddings, both halves.

A call of a Gemini client goes to a Gemini provider as it came: the model stands in the
path. Source: ai.google.dev/api (v1beta). On Vertex AI the same grammar is spoken under
`.../publishers/google` (`root` in the quirks); its countTokens is flat
(`count_tokens: flat`) and most of its embeddings are predictions (`embed: predict`).
"""

from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Raw

from adapters.contract import (
    Call,
    Decoder,
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
from adapters.envelope import replace
from adapters.errors import BadCall, Garbled, Unsupported, UpstreamError
from adapters.gemini import (
    answer,
    conversation,
    embed,
    encode,
    errors,
    pictures,
    predict,
    reply,
    signature,
    sounds,
    stream,
)
from adapters.gemini.wire import BROKEN, NONE, given, members, plain
from adapters.gemini.wire import EMBED as EMBED_NAME
from adapters.gemini.wire import GENERATE as NAME
from adapters.gemini.wire import encode as to_json
from adapters.normal.audio import SpeechCall, TranscribeCall
from adapters.normal.chat import ChatCall, ChatResult, TokenCount
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.image import ImageCall
from adapters.signing import auth_headers, headers

FORWARDED: Final = frozenset(
    {b"x-vertex-ai-llm-request-type", b"x-vertex-ai-llm-shared-request-type"}
)
"""Headers of a Gemini client that choose how it is served."""

COUNTED: Final = ("contents", "systemInstruction", "tools", "generationConfig")
"""What Vertex AI's countTokens takes."""

_JSON: Final[Headers] = ((b"content-type", b"application/json"),)
_ROOTS: Final = ("models/", "tunedModels/", "endpoints/", "publishers/", "projects/")

_MODEL: Final = frozenset({"model"})

Number = int | float | str | None


class _Limits(msgspec.Struct, frozen=True, rename="camel"):
    max_output_tokens: Number = None
    snake_max_output_tokens: Number = msgspec.field(
        default=None, name="max_output_tokens"
    )


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    contents: Raw = NONE
    model: Raw = NONE
    generation_config: _Limits | None = None
    snake_generation_config: _Limits | None = msgspec.field(
        default=None, name="generation_config"
    )
    generate_content_request: Raw = NONE
    snake_generate_content_request: Raw = msgspec.field(
        default=NONE, name="generate_content_request"
    )


class _Count(msgspec.Struct, frozen=True, rename="camel"):
    total_tokens: int | None = None
    cached_content_token_count: int | None = None
    error: Raw = NONE


class _Named(msgspec.Struct, frozen=True):
    nested: Raw = msgspec.field(default=NONE, name="generateContentRequest")
    snake: Raw = msgspec.field(default=NONE, name="generate_content_request")


_head = msgspec.json.Decoder(_Head)
_count = msgspec.json.Decoder(_Count)
_named = msgspec.json.Decoder(_Named)


class Gemini:
    """The half that speaks to providers."""

    dialect: str = NAME
    operations: frozenset[Operation] = frozenset(
        {
            Operation.chat,
            Operation.embed,
            Operation.count_tokens,
            Operation.images_generate,
            Operation.images_edit,
            Operation.speech,
            Operation.transcribe,
            Operation.translate_audio,
        }
    )

    def speaks(self, dialect: str) -> bool:
        return dialect in (NAME, EMBED_NAME, predict.PREDICT)

    def build_request(self, call: Call, target: Target) -> WireRequest:
        if isinstance(call, EmbedCall):
            return _embed_request(call, target)
        if not isinstance(call, ChatCall):
            return _media_request(call, target)
        verb = _verb(call)
        if call.dialect == NAME and call.raw and not signature.travels(call.raw):
            body = call.raw
            if call.operation == "count_tokens":
                body = _renamed(body, target)
            return WireRequest(_wire_head(target, verb), body, call.headers)
        is_ours = call.dialect == NAME
        written = conversation.write(call.conversation(), target, is_ours)
        if call.operation == "count_tokens":
            fields = COUNTED if _is_flat(target) else ()
            body = conversation.counted(written, _name(target), fields)
        else:
            body = conversation.flat(written)
        head = _wire_head(target, verb)
        return WireRequest(head, body, call.headers if is_ours else (), written.dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        if isinstance(call, EmbedCall):
            if b'"predictions"' in response.body:
                return predict.parse(response, call)
            return embed.parse(response, call, call.model)
        if call.operation == "count_tokens":
            return _parse_count(response)
        if isinstance(call, ImageCall) and b'"predictions"' in response.body[:200]:
            return pictures.predicted(response)
        result = _whole(response)
        return result if isinstance(call, ChatCall) else _made(result, call, response)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        return errors.parse(response)

    def parse_stream(self, call: Call) -> Decoder:
        return stream.Chunks()


class Generate:
    """generateContent, streamGenerateContent and countTokens, as clients call them."""

    name: str = NAME

    def read_call(self, body: bytes, hint: Hint) -> ChatCall:
        try:
            told = _head.decode(body)
        except BROKEN as error:
            raise BadCall(f"not a generateContent body: {error}") from error
        is_count = hint.operation is Operation.count_tokens
        nested = told.generate_content_request or told.snake_generate_content_request
        if not given(told.contents) and not (is_count and nested):
            raise BadCall("contents is required", "contents")
        if told.model:
            body = replace(body, {}, _MODEL)  # it stands in the path
        limits = told.generation_config or told.snake_generation_config
        return ChatCall(
            model=hint.model.removeprefix("models/"),
            dialect=NAME,
            raw=body,
            operation="count_tokens" if is_count else "chat",
            stream=bool(hint.stream),
            include_usage=True,
            max_tokens=None if limits is None else _limit(limits),
            headers=_forwarded(hint.headers),
            query=hint.query,
            read=conversation.read,
        )

    def write_result(self, result: Result, call: Call) -> bytes:
        match result:
            case ChatResult():
                is_ours = result.dialect == NAME and result.raw
                return result.raw if is_ours else reply.write(result)
            case TokenCount():
                if result.dialect == NAME and result.raw:
                    return result.raw
                told = {"totalTokens": result.input}
                if result.cached:
                    told["cachedContentTokenCount"] = result.cached
                return to_json(told)
            case EmbedResult():
                return EMBED.write_result(result, call)
            case _:
                raise TypeError("this has no form in Gemini's API")

    def write_stream(self, call: Call, source: str) -> Encoder:
        query = call.query if isinstance(call, ChatCall) else ""
        return encode.Relay(query) if source == NAME else encode.Writer(query)

    def write_error(self, told: Told) -> bytes:
        return errors.write(told)


class Embed:
    """embedContent and batchEmbedContents, as clients call them."""

    name: str = EMBED_NAME

    def read_call(self, body: bytes, hint: Hint) -> EmbedCall:
        given = Hint(headers=_forwarded(hint.headers))
        return embed.read_call(body, given, hint.model.removeprefix("models/"))

    def write_result(self, result: Result, call: Call) -> bytes:
        if not isinstance(result, EmbedResult) or not isinstance(call, EmbedCall):
            raise TypeError("embedContent answers with vectors")
        return embed.write_result(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        raise TypeError("embeddings are never streamed")

    def write_error(self, told: Told) -> bytes:
        return errors.write(told)


def _speaks(told: answer.Head) -> bool:
    """Whether there are candidates, or the prompt was blocked."""
    feedback = told.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        return True
    return given(told.candidates) and bytes(memoryview(told.candidates)[:3]) != b"[]"


def _limit(limits: _Limits) -> int | None:
    given = limits.max_output_tokens
    if given is None:
        given = limits.snake_max_output_tokens
    try:
        return None if given is None else int(given)
    except (ValueError, OverflowError) as error:
        where = "generationConfig.maxOutputTokens"
        raise BadCall(f"{where} must be an integer", where) from error


def _forwarded(given: Headers) -> Headers:
    return tuple(pair for pair in given if pair[0] in FORWARDED)


def _verb(call: ChatCall) -> str:
    if call.operation == "count_tokens":
        return "countTokens"
    return "streamGenerateContent?alt=sse" if call.stream else "generateContent"


def _name(target: Target) -> str:
    model = target.model
    root = target.provider.quirks.extra.get("root", "models/")
    return model if model.startswith(_ROOTS) else root + model


def _is_flat(target: Target) -> bool:
    return target.provider.quirks.extra.get("count_tokens") == conversation.FLAT


def _wire_head(target: Target, verb: str) -> WireHead:
    head = target.heads.get(verb)
    if head is None:
        path = _name(target)
        if not target.model or any(step in ("", ".", "..") for step in path.split("/")):
            raise BadCall(f"{target.model!r} is not the name of a model", "model")
        url = f"{target.base_url.rstrip('/')}/{quote(path, safe='/@-._~')}:{verb}"
        given = headers(_JSON, auth_headers(target), target.headers)
        head = target.heads[verb] = WireHead("POST", url, given)
    return head


def _renamed(body: bytes, target: Target) -> bytes:
    """A countTokens body; the request within it must name the target's model, or stand
    alone where the API is flat."""
    name = to_json(_name(target))
    told = _named.decode(body)
    if _is_flat(target):
        nested = told.nested or told.snake
        if not nested:
            return body
        return to_json({k: v for k, v in members(nested, "").items() if k in COUNTED})
    changes: dict[str, bytes] = {}
    for key, nested in (
        ("generateContentRequest", told.nested),
        ("generate_content_request", told.snake),
    ):
        if nested:
            inner = plain(nested)
            if bytes(inner.get("model", b"")) != name:
                changes[key] = to_json({**inner, "model": Raw(name)})
    return replace(body, changes) if changes else body


def _embed_request(call: EmbedCall, target: Target) -> WireRequest:
    if predict.asked(target):
        asks = predict.write(call, target)
        head = _wire_head(target, "predict")
        return WireRequest(head, asks.body, _own_headers(call), asks.dropped)
    name = _name(target)
    nested = b'"embedContentConfig"' in call.raw
    if call.dialect == EMBED_NAME and call.raw and nested is _is_flat(target):
        is_batch = not call.single
        verb = "batchEmbedContents" if is_batch else "embedContent"
        body = embed.relayed(call, name)
        return WireRequest(_wire_head(target, verb), body, call.headers)
    written = embed.write(call, target, name, flat=_is_flat(target))
    verb = "batchEmbedContents" if embed.is_batch(call) else "embedContent"
    headers = _own_headers(call)
    return WireRequest(_wire_head(target, verb), written.body, headers, written.dropped)


def _own_headers(call: EmbedCall) -> Headers:
    return call.headers if call.dialect in (EMBED_NAME, predict.PREDICT) else ()


def _whole(response: WireResponse) -> ChatResult:
    """Any answer of generateContent."""
    body = response.body
    try:
        told = answer.head.decode(body)
    except BROKEN as error:
        raise Garbled(f"no answer: {error}", body=body[:2000]) from error
    if given(told.error):
        raise errors.inner(told.error, body)
    if not _speaks(told):
        raise Garbled("the answer has no candidates", body=body[:2000])
    spent = told.usage_metadata
    return ChatResult(
        id=told.response_id or "",
        model=told.model_version or "",
        usage=None if spent is None else answer.usage(spent),
        raw=body,
        dialect=NAME,
        read=answer.choices,
    )


def _made(result: ChatResult, call: Call, response: WireResponse) -> Result:
    """What was asked for, out of an answer."""
    match call:
        case ImageCall():
            return pictures.drawn(result)
        case SpeechCall():
            return sounds.spoken(result, call, response)
        case TranscribeCall():
            return sounds.heard(result)
        case _:
            raise TypeError("not a call that is answered so")


def _media_request(call: Call, target: Target) -> WireRequest:
    """Pictures, speech and transcripts, asked for in words."""
    verb = "generateContent"
    match call:
        case ImageCall(operation="images_generate" | "images_edit"):
            body, dropped = pictures.write(call, target)
            verb = "predict" if pictures.is_imagen(target) else verb
        case SpeechCall():
            body, dropped = sounds.speech(call, target)
        case TranscribeCall():
            body, dropped = sounds.transcript(call, target)
            verb = "streamGenerateContent?alt=sse" if call.stream else verb
        case _:
            raise Unsupported("Gemini's API has no such call", "operation")
    return WireRequest(_wire_head(target, verb), body, (), dropped)


def _parse_count(response: WireResponse) -> TokenCount:
    try:
        told = _count.decode(response.body)
    except BROKEN as error:
        raise Garbled(f"no count: {error}", body=response.body[:2000]) from error
    if given(told.error):
        raise errors.inner(told.error, response.body)
    if told.total_tokens is None:
        raise Garbled("the answer has no totalTokens", body=response.body[:2000])
    cached = told.cached_content_token_count or 0
    return TokenCount(told.total_tokens, cached, raw=response.body, dialect=NAME)


class Predict:
    """`:predict` of Vertex AI's embedding models, as clients call it."""

    name: str = predict.PREDICT

    def read_call(self, body: bytes, hint: Hint) -> EmbedCall:
        given = Hint(headers=_forwarded(hint.headers))
        return predict.read_call(body, given, hint.model.removeprefix("models/"))

    def write_result(self, result: Result, call: Call) -> bytes:
        if not isinstance(result, EmbedResult) or not isinstance(call, EmbedCall):
            raise TypeError("predictions are vectors")
        return predict.write_result(result, call)

    def write_stream(self, call: Call, source: str) -> Encoder:
        raise TypeError("embeddings are never streamed")

    def write_error(self, told: Told) -> bytes:
        return errors.write(told)


UPSTREAM: Final = Gemini()
GENERATE: Final = Generate()
EMBED: Final = Embed()
PREDICT: Final = Predict()
