"""Embeddings by Vertex AI's `:predict`: instances in, predictions out.

Source: cloud.google.com/vertex-ai, text embeddings API; google-genai 3.4.0, which asks
that way too. A token count stands beside each vector.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.contract import Hint, Target, WireResponse
from adapters.errors import BadCall, Garbled, Unsupported
from adapters.gemini import errors
from adapters.gemini.embed import OWN_TASKS, TASKS, Written, floats
from adapters.gemini.wire import (
    NONE,
    answer,
    encode,
    given,
    items,
    members,
    pop,
)
from adapters.normal.embed import EmbedCall, EmbedResult, Input
from adapters.normal.usage import Usage

PREDICT: Final = "vertex.predict"
"""The dialect."""
_MULTIMODAL: Final = "multimodalembedding"


class _Statistics(msgspec.Struct, frozen=True):
    token_count: float = 0
    truncated: bool = False


class _Embeddings(msgspec.Struct, frozen=True):
    values: tuple[float, ...] = ()
    statistics: _Statistics = _Statistics()


class _Prediction(msgspec.Struct, frozen=True, rename="camel"):
    embeddings: _Embeddings | None = None
    text_embedding: tuple[float, ...] | None = None
    """Of the multimodal model."""


class _Answer(msgspec.Struct, frozen=True):
    predictions: list[_Prediction] | None = None
    error: Raw = NONE


_answer = msgspec.json.Decoder(_Answer)


def asked(target: Target) -> bool:
    """Whether the target's model is asked that way."""
    if target.provider.quirks.extra.get("embed") != "predict":
        return False
    name = target.model.rpartition("/")[2]
    return "gemini" not in name or name.startswith("gemini-embedding-001")


def read_call(body: bytes, hint: Hint, model: str) -> EmbedCall:
    """A `:predict` body.

    Raises:
        BadCall: it does not follow the documentation; says where.
    """
    top = members(body, "")
    if "instances" not in top:
        raise BadCall("instances is required", "instances")
    inputs: list[Input] = []
    tasks: set[tuple[str, str]] = set()
    for at, raw in enumerate(items(top["instances"], "instances")):
        where = f"instances[{at}]"
        one = members(raw, where)
        text = pop(one, "content", str, where)
        if text is None:
            text = pop(one, "text", str, where)
        if text is None:
            raise BadCall(f"{where}.content is required: text to embed", where)
        inputs.append(text)
        task = pop(one, "taskType", str, where) or ""
        tasks.add((task, pop(one, "title", str, where) or ""))
    if not inputs:
        raise BadCall("instances is empty", "instances")
    extra: dict[str, Raw] = {}
    if len(tasks) > 1:
        extra["instances"] = top["instances"]  # they differ: only `:predict` says that
    task, title = min(tasks)
    asks = members(top["parameters"], "parameters") if "parameters" in top else {}
    dimensions = pop(asks, "outputDimensionality", int, "parameters")
    return EmbedCall(
        model=model,
        dialect=PREDICT,
        raw=body,
        inputs=tuple(inputs),
        dimensions=dimensions,
        task=task,
        title=title,
        headers=hint.headers,
        extra=extra | asks,
    )


def write(call: EmbedCall, target: Target) -> Written:
    """The call in instances.

    Raises:
        Unsupported: an input is no text, or the target is strict and something would
            have to be left out.
    """
    if call.dialect == PREDICT and call.raw:
        return Written(call.raw)
    dropped = {name for name, raw in call.extra.items() if given(raw)}
    shared: dict[str, object] = {}
    if call.task:
        task = TASKS.get(call.task.lower(), call.task.upper())
        if task in OWN_TASKS:
            shared["task_type"] = task
        else:
            dropped.add("input_type")
    if call.title:
        shared["title"] = call.title
    if call.user:
        dropped.add("user")
    names = tuple(sorted(dropped))
    if target.strict and names:
        raise Unsupported(f"Vertex AI has no word for {', '.join(names)}", names[0])
    key = "text" if target.model.startswith(_MULTIMODAL) else "content"
    body: dict[str, object] = {
        "instances": [{key: _text(one), **shared} for one in call.inputs]
    }
    if call.dimensions is not None:
        name = "dimension" if key == "text" else "outputDimensionality"
        body["parameters"] = {name: call.dimensions}
    return Written(encode(body), names)


def _text(one: Input) -> str:
    if isinstance(one, str):
        return one
    texts = [getattr(piece, "text", None) for piece in one]
    said = [text for text in texts if isinstance(text, str)]
    if len(said) != len(one):
        raise Unsupported("this model embeds text alone", "input")
    return "".join(said)


def parse(response: WireResponse, call: EmbedCall) -> EmbedResult:
    """The vectors.

    Raises:
        Garbled: it does not follow the documentation.
        UpstreamError: it is an error after all.
    """
    told = answer(_answer, response.body, "the answer")
    if given(told.error):
        raise errors.inner(told.error, response.body)
    found = told.predictions
    if found is None:
        raise Garbled("the answer has no predictions", body=response.body[:2000])
    if len(found) != len(call.inputs):
        raise Garbled(f"{len(found)} embeddings for {len(call.inputs)} inputs")
    vectors, counted = [], 0.0
    for one in found:
        if one.embeddings is not None:
            vectors.append(one.embeddings.values)
            counted += one.embeddings.statistics.token_count
        elif one.text_embedding is not None:
            vectors.append(one.text_embedding)
        else:
            raise Garbled("a prediction without a vector", body=response.body[:2000])
    return EmbedResult(
        vectors=tuple(vectors),
        usage=Usage(input=round(counted)) if counted else None,
        model=call.model,
        raw=response.body,
        dialect=PREDICT,
    )


def write_result(result: EmbedResult, call: EmbedCall) -> bytes:
    """The vectors as predictions."""
    if result.dialect == PREDICT and result.raw:
        return result.raw
    total = result.usage.input if result.usage is not None else 0
    least, rest = divmod(total, max(len(result.vectors), 1))
    predictions = [
        {
            "embeddings": {
                "values": floats(vector),
                # Only their sum is known: it is shared out.
                "statistics": {
                    "truncated": False,
                    "token_count": least + (at < rest),
                },
            }
        }
        for at, vector in enumerate(result.vectors)
    ]
    return encode({"predictions": predictions})
