"""Embeddings, both halves: /v2/embed; answers of v1 are understood, too."""

import base64
import struct
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters import envelope, kin
from adapters.cohere import wire
from adapters.cohere.wire import EMBED, NONE, TITLE, Meta, encode
from adapters.contract import Hint, Target, WireResponse
from adapters.errors import BadCall, Unsupported
from adapters.kin import Json
from adapters.normal.content import Image, Part, Text
from adapters.normal.embed import EmbedCall, EmbedResult, Input
from adapters.normal.usage import Usage
from adapters.openai import errors
from adapters.openai import fields as f

TASKS: Final = {
    "RETRIEVAL_QUERY": "search_query",
    "CODE_RETRIEVAL_QUERY": "search_query",
    "QUESTION_ANSWERING": "search_query",
    "FACT_VERIFICATION": "search_query",
    "RETRIEVAL_DOCUMENT": "search_document",
    "SEMANTIC_SIMILARITY": "clustering",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
    "query": "search_query",
    "document": "search_document",
    "passage": "search_document",
}
"""Gemini's task types, and the input types of Voyage and NVIDIA -> Cohere's."""
DEFAULT: Final = "search_document"
"""Cohere wants to be told; most clients of other dialects do not."""
_OWN: Final = frozenset({"truncate", "max_tokens", "embedding_types", "priority"})
_TYPES: Final = frozenset({"float", "base64"})
"""Forms of a vector that are the same numbers: any backend's can be told in them."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    model: str | None = None
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: list[Raw] | None = None
    input_type: str | None = None
    embedding_types: list[str] | None = None
    output_dimension: int | None = None


class _Url(msgspec.Struct, frozen=True):
    url: str


class _Content(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    image_url: _Url | None = None


class _Input(msgspec.Struct, frozen=True):
    content: list[_Content]


class _Vectors(msgspec.Struct, frozen=True):
    floats: list[tuple[float, ...]] | None = msgspec.field(default=None, name="float")
    base64: list[str] | None = None


class _Answer(msgspec.Struct, frozen=True):
    embeddings: Raw
    meta: Meta | None = None


_head = msgspec.json.Decoder(_Head)
_input = msgspec.json.Decoder(_Input)
_answer = msgspec.json.Decoder(_Answer).decode
_by_type = msgspec.json.Decoder(_Vectors).decode
_plain = msgspec.json.Decoder(list[tuple[float, ...]]).decode
_KNOWN: Final = frozenset(_Head.__struct_fields__)


def read_call(body: bytes, hint: Hint) -> EmbedCall:
    """An embed call of a client.

    Raises:
        BadCall: not one; says where.
    """
    head = f.decode(_head, body, "body")
    if not head.model:
        raise BadCall("model: missing", "model")
    inputs: list[Input] = [*(head.texts or ())]
    inputs += [(_picture(url),) for url in head.images or ()]
    inputs += [_parts(raw, at) for at, raw in enumerate(head.inputs or ())]
    if not inputs:
        raise BadCall("texts: one of texts, images and inputs is required", "texts")
    top = envelope.fields(body)
    extra = {k: v.copy() for k, v in top.items() if k not in _KNOWN and wire_has(v)}
    types = head.embedding_types or ["float"]
    if not _TYPES.issuperset(types):
        extra["embedding_types"] = top["embedding_types"].copy()
    return EmbedCall(
        model=head.model,
        dialect=EMBED,
        raw=body,
        inputs=tuple(inputs),
        dimensions=head.output_dimension,
        encoding="base64" if "float" not in types else "float",
        task=head.input_type or "",
        extra=extra,
    )


def wire_has(raw: Raw) -> bool:
    """Whether a field says something."""
    return bytes(raw).strip() not in (b"", b"null")


def _parts(raw: Raw, at: int) -> tuple[Part, ...]:
    told = f.decode(_input, raw, f"inputs[{at}]")
    parts: list[Part] = []
    for piece in told.content:
        if piece.image_url is not None:
            parts.append(_picture(piece.image_url.url))
        else:
            parts.append(Text(piece.text or ""))
    return tuple(parts)


def _picture(url: str) -> Image:
    head, _, data = url.partition(";base64,")
    if data and head.startswith("data:"):
        return Image(data, head.removeprefix("data:"))
    return Image(url=url)


def write(call: EmbedCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body for Cohere, and what had to be left out in the client's names.

    Raises:
        Unsupported: an input is token ids, or the target is strict.
    """
    if call.dialect == EMBED and call.raw:
        return envelope.splice(call.raw, b"model", call.model, target.model), ()
    body: Json = {"model": target.model}
    if all(isinstance(entry, str) for entry in call.inputs):
        body["texts"] = call.inputs
    else:
        body["inputs"] = [{"content": _content(entry)} for entry in call.inputs]
    drop = [name for name in ("user", "title") if getattr(call, name)]
    extra = dict(call.extra)
    said = extra.pop("input_type", NONE)
    task = f.decode(f.text, said, "input_type") if said else call.task
    body["input_type"] = TASKS.get(task, task) or DEFAULT
    body["embedding_types"] = ["float"]
    if call.dimensions is not None:
        body["output_dimension"] = call.dimensions
    for name, raw in extra.items():
        if name in _OWN:
            body[name] = raw
        else:
            drop.append(name)
    return encode(body), kin.named(drop, call.dialect, target)


def _content(entry: Input) -> list[Json]:
    if isinstance(entry, str):
        return [{"type": "text", "text": entry}]
    out: list[Json] = []
    for part in entry:
        match part:
            case Text():
                out.append({"type": "text", "text": part.text})
            case Image() if part.data or part.url:
                media = part.media_type or "image/png"
                url = part.url or f"data:{media};base64,{part.data}"
                out.append({"type": "image_url", "image_url": {"url": url}})
            case _:
                raise Unsupported(f"{TITLE} embeds texts and images only", "input")
    return out


def parse(response: WireResponse, call: EmbedCall) -> EmbedResult:
    """The vectors.

    Raises:
        Garbled: it holds none.
    """
    body = response.body
    try:
        told = _answer(body)
        vectors = _vectors(told.embeddings)
    except wire.BROKEN as error:
        raise errors.garbled(f"no vectors ({error})", body) from error
    own = call.dialect == EMBED
    if len(vectors) != len(call.inputs) and not own:
        raise errors.garbled("not a vector for each input", body)
    return EmbedResult(
        vectors=vectors, usage=_usage(told.meta), raw=body, dialect=EMBED
    )


def _vectors(raw: Raw) -> tuple[tuple[float, ...] | str, ...]:
    if bytes(memoryview(raw)[:1]) == b"[":
        return tuple(_plain(raw))
    told = _by_type(raw)
    return tuple(told.floats or told.base64 or ())


def _usage(meta: Meta | None) -> Usage | None:
    if meta is None or meta.billed_units is None:
        return None
    images = int(meta.billed_units.image_tokens or 0)
    texts = int(meta.billed_units.input_tokens or 0)
    return Usage(input=texts + images, image_input=images)


def reply(result: EmbedResult, call: EmbedCall) -> bytes:
    """The answer for a client; one of Cohere goes verbatim."""
    if result.dialect == EMBED and result.raw:
        return result.raw
    types = _types(call)
    forms: Json = {}
    if "float" in types:
        forms["float"] = [_floats(vector) for vector in result.vectors]
    if "base64" in types:
        forms["base64"] = [_packed(vector) for vector in result.vectors]
    meta: Json = {"api_version": {"version": "2"}}
    if result.usage is not None:
        meta["billed_units"] = {"input_tokens": result.usage.input}
    return encode(
        {
            "id": kin.made_id(call.raw),
            "embeddings": forms,
            "texts": [text for text in call.inputs if isinstance(text, str)],
            "meta": meta,
            "response_type": "embeddings_by_type",
        }
    )


def _types(call: EmbedCall) -> frozenset[str]:
    found: Any = _head.decode(call.raw).embedding_types if call.raw else None
    return _TYPES.intersection(found or ()) or frozenset({"float"})


def _floats(vector: tuple[float, ...] | str) -> tuple[float, ...]:
    if not isinstance(vector, str):
        return vector
    data = base64.b64decode(vector)
    return struct.unpack(f"<{len(data) // 4}f", data)


def _packed(vector: tuple[float, ...] | str) -> str:
    if isinstance(vector, str):
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
