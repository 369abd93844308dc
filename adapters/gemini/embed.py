"""Embeddings: embedContent (one input) and batchEmbedContents (several).

Source: ai.google.dev/api/embeddings. Vectors are floats in JSON; `usageMetadata` came
with gemini-embedding-2.
"""

import base64
import struct
from typing import Final

import msgspec
from msgspec import Raw

from adapters.contract import Hint, Target, WireResponse
from adapters.errors import BadCall, Garbled, Unsupported
from adapters.gemini import answer as wire_answer
from adapters.gemini import errors, parts
from adapters.gemini.ids import Pairs
from adapters.gemini.wire import (
    EMBED,
    NONE,
    answer,
    encode,
    given,
    items,
    members,
    plain,
    pop,
)
from adapters.normal.content import Part, Text
from adapters.normal.embed import EmbedCall, EmbedResult, Input

TASKS: Final = {
    "search_query": "RETRIEVAL_QUERY",
    "query": "RETRIEVAL_QUERY",
    "search_document": "RETRIEVAL_DOCUMENT",
    "document": "RETRIEVAL_DOCUMENT",
    "passage": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
"""Cohere's, Voyage's and NVIDIA's input types -> Gemini's task types."""

OWN_TASKS: Final = frozenset(
    {
        "RETRIEVAL_QUERY",
        "RETRIEVAL_DOCUMENT",
        "SEMANTIC_SIMILARITY",
        "CLASSIFICATION",
        "CLUSTERING",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
        "CODE_RETRIEVAL_QUERY",
    }
)


class _Request(msgspec.Struct, frozen=True):
    """What one request of a batch asks for."""

    input: Input
    dimensions: int | None
    task: str
    title: str
    extra: dict[str, Raw]

    @property
    def asks(self) -> tuple[object, ...]:
        extra = {k: bytes(v) for k, v in self.extra.items()}
        return (self.dimensions, self.task, self.title, extra)


class _Vector(msgspec.Struct, frozen=True):
    values: tuple[float, ...] = ()


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    embedding: _Vector | None = None
    embeddings: list[_Vector] | None = None
    usage_metadata: wire_answer.Tokens | None = None
    error: Raw = NONE


_answer = msgspec.json.Decoder(_Answer)


def read_call(body: bytes, hint: Hint, model: str) -> EmbedCall:
    """An embedContent body, or a batchEmbedContents one (it has `requests`).

    Raises:
        BadCall: it does not follow the documentation; says where.
    """
    top = members(body, "")
    single = "requests" not in top
    if single:
        found = [_read(top, "")]
    else:
        pieces = items(top["requests"], "requests")
        found = [
            _read(members(raw, f"requests[{at}]"), f"requests[{at}].")
            for at, raw in enumerate(pieces)
        ]
    if not found:
        raise BadCall("requests is empty", "requests")
    first = found[0]
    extra = dict(first.extra)
    if any(request.asks != first.asks for request in found):
        extra["requests"] = top["requests"]  # they differ: only Gemini can be told
    return EmbedCall(
        model=model,
        dialect=EMBED,
        raw=body,
        inputs=tuple(request.input for request in found),
        single=single,
        dimensions=first.dimensions,
        task=first.task,
        title=first.title,
        headers=hint.headers,
        extra=extra,
    )


def _read(source: dict[str, Raw], where: str) -> _Request:
    raw = source.pop("content", None)
    if raw is None:
        raise BadCall(f"{where}content is required", f"{where}content")
    source.pop("model", None)
    if (config := source.pop("embedContentConfig", None)) is not None:
        source |= members(config, f"{where}embedContentConfig")
    at = f"{where}content"
    inner = members(raw, at).get("parts")
    pieces = items(inner, f"{at}.parts") if inner is not None else []
    pairs = Pairs()
    found = (
        parts.read(piece, pairs, f"{at}.parts[{n}]") for n, piece in enumerate(pieces)
    )
    said: tuple[Part, ...] = tuple(part for part in found if part is not None)
    if not said:
        raise BadCall(f"{at} says nothing", at)
    only = said[0] if len(said) == 1 else None
    return _Request(
        input=only.text if isinstance(only, Text) else said,
        dimensions=pop(source, "outputDimensionality", int, where),
        task=pop(source, "taskType", str, where) or "",
        title=pop(source, "title", str, where) or "",
        extra=source,
    )


def relayed(call: EmbedCall, model: str) -> bytes:
    """A Gemini client's own body, with the models in it renamed; `model` has its
    `models/` before it."""
    top = plain(call.raw)
    name = Raw(encode(model))
    if "requests" not in top:
        if "model" not in top or bytes(top["model"]) == bytes(name):
            return call.raw
        return encode({**top, "model": name})
    requests = [plain(raw) for raw in items(top["requests"], "requests")]
    if all(bytes(r.get("model", b"")) == bytes(name) for r in requests):
        return call.raw
    return encode({**top, "requests": [{**r, "model": name} for r in requests]})


class Written(msgspec.Struct, frozen=True):
    """A body, and what it could not say."""

    body: bytes
    dropped: tuple[str, ...] = ()


def write(
    call: EmbedCall, target: Target, model: str, *, flat: bool = False
) -> Written:
    """The call in Gemini's words; `flat`: in Vertex AI's, where the model stands in the
    path alone and the rest in `embedContentConfig`.

    Raises:
        Unsupported: an input is of token ids, or the target is strict and something
            would have to be left out.
    """
    dropped: set[str] = set()
    asks = _asks(call, dropped)
    if not flat:
        asks["model"] = model
    elif asks:
        asks = {"embedContentConfig": asks}
    requests = [
        {**asks, "content": _content(one, f"input[{at}]", dropped)}
        for at, one in enumerate(call.inputs)
    ]
    names = tuple(sorted(dropped))
    if target.strict and names:
        raise Unsupported(f"gemini has no word for {', '.join(names)}", names[0])
    if call.single and len(requests) == 1:
        return Written(encode(requests[0]), names)
    return Written(encode({"requests": requests}), names)


def _asks(call: EmbedCall, dropped: set[str]) -> dict[str, object]:
    asks: dict[str, object] = {}
    if call.dimensions is not None:
        asks["outputDimensionality"] = call.dimensions
    if call.task:
        task = TASKS.get(call.task.lower(), call.task.upper())
        if task in OWN_TASKS:
            asks["taskType"] = task
        else:
            dropped.add("input_type")
    if call.title:
        asks["title"] = call.title
    if call.user:
        dropped.add("user")
    is_ours = call.dialect == EMBED
    for name, raw in call.extra.items():
        if is_ours and name != "requests":
            asks[name] = raw
        else:
            dropped.add(name)
    return asks


def _content(one: Input, where: str, dropped: set[str]) -> dict[str, object]:
    if isinstance(one, str):
        return {"parts": [{"text": one}]}
    said: list[object] = []
    for piece in one:
        if isinstance(piece, int):
            raise Unsupported("gemini embeds text, not token ids", "input")
        made = parts.write(piece, where, dropped)
        if made is not None:
            said.append(made)
    return {"parts": said}


def is_batch(call: EmbedCall) -> bool:
    """Whether it goes to batchEmbedContents."""
    return not (call.single and len(call.inputs) == 1)


def parse(response: WireResponse, call: EmbedCall, model: str) -> EmbedResult:
    """The vectors.

    Raises:
        Garbled: it does not follow the documentation.
        UpstreamError: it is an error after all.
    """
    told = answer(_answer, response.body, "the answer")
    if given(told.error):
        raise errors.inner(told.error, response.body)
    found = told.embeddings
    if found is None:
        if told.embedding is None:
            raise Garbled("the answer has no embeddings", body=response.body[:2000])
        found = [told.embedding]
    if len(found) != len(call.inputs):
        raise Garbled(f"{len(found)} embeddings for {len(call.inputs)} inputs")
    spent = told.usage_metadata
    return EmbedResult(
        vectors=tuple(vector.values for vector in found),
        usage=None if spent is None else wire_answer.usage(spent),
        model=model,
        raw=response.body,
        dialect=EMBED,
    )


def write_result(result: EmbedResult, call: EmbedCall) -> bytes:
    """The vectors for a Gemini client, in the form of its own call."""
    if result.dialect == EMBED and result.raw:
        return result.raw
    vectors = [{"values": floats(vector)} for vector in result.vectors]
    out: dict[str, object] = {"embeddings": vectors}
    if call.single and len(vectors) == 1:
        out = {"embedding": vectors[0]}
    if result.usage is not None:
        out["usageMetadata"] = {
            "promptTokenCount": result.usage.input,
            "totalTokenCount": result.usage.total,
        }
    return encode(out)


def floats(vector: tuple[float, ...] | str) -> tuple[float, ...]:
    """Numbers, also of a vector that came as base64 of little-endian float32."""
    if not isinstance(vector, str):
        return vector
    try:
        data = base64.b64decode(vector, validate=True)
        return struct.unpack(f"<{len(data) // 4}f", data)
    except (ValueError, struct.error) as error:
        raise Garbled("a vector is not base64 of float32") from error
