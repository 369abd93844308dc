"""Embeddings through InvokeModel: Titan, Cohere and Nova, each in its own body.

Titan and Nova make one vector per request; Cohere up to 96. Input tokens stand in a
header. Source: docs.aws.amazon.com/bedrock, the models' parameters; recorded traffic.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.bedrock.models import Model
from adapters.bedrock.vendors import counted
from adapters.bedrock.wire import Camel, answer_part, encode, given
from adapters.contract import Target, WireResponse
from adapters.errors import Garbled, Unsupported
from adapters.normal.embed import EmbedCall, EmbedResult, Input
from adapters.normal.usage import Usage

TASKS: Final = {
    "RETRIEVAL_DOCUMENT": "search_document",
    "RETRIEVAL_QUERY": "search_query",
    "SEMANTIC_SIMILARITY": "search_document",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
    "document": "search_document",
    "query": "search_query",
    "passage": "search_document",
}
"""Other vendors' words for what a vector is for -> Cohere's."""
PURPOSES: Final = {
    "search_document": "GENERIC_INDEX",
    "search_query": "GENERIC_RETRIEVAL",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
"""Cohere's -> Nova's."""
MOST: Final = 96
"""Texts Cohere takes at once."""
_OWN: Final = frozenset(
    {"truncate", "normalize", "embedding_types", "embeddingTypes", "max_tokens"}
)


class _Vector(Camel, frozen=True):
    embedding: tuple[float, ...] = ()


class _ByType(msgspec.Struct, frozen=True):
    floats: tuple[tuple[float, ...], ...] | None = msgspec.field(
        default=None, name="float"
    )


class _Titan(Camel, frozen=True):
    embedding: tuple[float, ...] | None = None
    embeddings: Raw = Raw(b"")
    input_text_token_count: int | None = None


def write(
    call: EmbedCall, target: Target, model: Model
) -> tuple[bytes, tuple[str, ...]]:
    """The vendor's body, and the client's names of what it leaves out.

    Raises:
        Unsupported: the model does not take it.
    """
    texts = [_text(one) for one in call.inputs]
    extra = {k: v for k, v in call.extra.items() if k in _OWN}
    dropped = [name for name in call.extra if name not in _OWN]
    if call.user:
        dropped.append("user")
    if call.title:
        dropped.append("title")
    body: dict[str, object]
    if model.vendor == "cohere":
        body = _cohere(call, texts, model, dropped)
    elif len(texts) != 1:
        raise Unsupported(f"{model.bare} makes one vector per request", "input")
    elif model.nova:
        body = _nova(call, texts[0])
    else:
        body = _titan(call, texts[0], model, dropped)
    if dropped and target.strict:
        raise Unsupported(f"Bedrock cannot say {dropped[0]}", dropped[0])
    return encode({**body, **extra}), tuple(dropped)


def portion(model: Model) -> int:
    """How many texts one request may hold."""
    return MOST if model.vendor == "cohere" else 1


def _text(one: Input) -> str:
    if isinstance(one, str):
        return one
    told = "Bedrock's models embed text, neither tokens nor media, through this API"
    raise Unsupported(told, "input")


def _task(call: EmbedCall) -> str:
    return TASKS.get(call.task, call.task)


def _cohere(
    call: EmbedCall, texts: list[str], model: Model, dropped: list[str]
) -> dict[str, object]:
    task = _task(call)
    known = task in PURPOSES
    if task and not known:
        dropped.append("input_type")
    body: dict[str, object] = {
        "texts": texts,
        "input_type": task if known else "search_document",
    }
    if call.dimensions is not None:
        if "v4" in model.bare:
            body["output_dimension"] = call.dimensions
        else:
            dropped.append("dimensions")
    return body


def _nova(call: EmbedCall, text: str) -> dict[str, object]:
    purpose = PURPOSES.get(_task(call), call.task or "GENERIC_INDEX")
    single: dict[str, object] = {"embeddingPurpose": purpose}
    if call.dimensions is not None:
        single["embeddingDimension"] = call.dimensions
    single["text"] = {"truncationMode": "END", "value": text}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": single}


def _titan(
    call: EmbedCall, text: str, model: Model, dropped: list[str]
) -> dict[str, object]:
    body: dict[str, object] = {"inputText": text}
    if call.dimensions is not None:
        if "embed-image" in model.bare:
            body["embeddingConfig"] = {"outputEmbeddingLength": call.dimensions}
        elif "v1" in model.bare or "g1" in model.bare:
            dropped.append("dimensions")
        else:
            body["dimensions"] = call.dimensions
    if call.task:
        dropped.append("input_type")
    return body


def read(response: WireResponse) -> EmbedResult:
    """The vectors.

    Raises:
        Garbled: there are none.
    """
    told = answer_part(response.body, _Titan)
    vectors: tuple[tuple[float, ...], ...]
    if told.embedding is not None:
        vectors = (told.embedding,)
    elif given(told.embeddings):
        vectors = _several(told.embeddings)
    else:
        raise Garbled("the answer holds no vectors", body=response.body[:2000])
    usage = counted(response)
    if usage is None and told.input_text_token_count is not None:
        usage = Usage(told.input_text_token_count)
    return EmbedResult(vectors=vectors, usage=usage)


def _several(raw: Raw) -> tuple[tuple[float, ...], ...]:
    """A list of vectors, of objects that hold one, or an object of such lists."""
    data = bytes(raw)
    if data[:1] == b"{":
        found = answer_part(raw, _ByType).floats
        if found is None:
            raise Garbled("the answer holds no vectors of floats", body=data[:2000])
        return found
    if data[:2] == b"[{":
        return tuple(one.embedding for one in answer_part(raw, list[_Vector]))
    return answer_part(raw, tuple[tuple[float, ...], ...])
