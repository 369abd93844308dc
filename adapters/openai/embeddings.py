"""Embeddings: read from clients, asked of providers, answered."""

import base64
import binascii
import math
import struct
from typing import Any, Literal

import msgspec
from msgspec import Raw

from adapters import envelope, quirks
from adapters.contract import Hint, Target, WireResponse
from adapters.errors import BadCall, Unsupported
from adapters.normal.embed import EmbedCall, EmbedResult, Input
from adapters.normal.usage import Usage
from adapters.openai import answer, calls, errors, mend, request, wire
from adapters.openai import fields as f
from adapters.openai.wire import present


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    model: str | None = None
    input: Raw
    dimensions: int | None = None
    encoding_format: str | None = None
    user: str | None = None


class _Vector(msgspec.Struct, frozen=True, gc=False):
    embedding: list[float] | str
    index: int
    object: Literal["embedding"]


class _Counted(msgspec.Struct, frozen=True, gc=False):
    prompt_tokens: int
    total_tokens: int


class _Answer(msgspec.Struct, frozen=True, gc=False):
    data: list[_Vector]
    model: str
    object: Literal["list"]
    usage: _Counted
    error: Raw = wire.ABSENT


_head = msgspec.json.Decoder(_Head)
_text = msgspec.json.Decoder(str)
_many = msgspec.json.Decoder(list[str | list[int] | int])
_answer = msgspec.json.Decoder(_Answer)
_KNOWN = frozenset({"model", "input", "dimensions", "encoding_format", "user"})


def read_call(body: bytes, hint: Hint) -> EmbedCall:
    """An embeddings call.

    Raises:
        BadCall: not one; says where.
    """
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise calls.bad_call(error) from error
    if hint.model or not head.model:
        body = calls.with_model(body, head.model, hint)
    inputs, single = _inputs(head.input)
    top = envelope.fields(body)
    extra = {k: v.copy() for k, v in top.items() if k not in _KNOWN and present(v)}
    form = head.encoding_format
    if form not in (None, "float", "base64"):
        extra["encoding_format"] = top["encoding_format"].copy()
    return EmbedCall(
        model=hint.model or head.model or "",
        dialect=wire.EMBEDDINGS,
        raw=body,
        inputs=inputs,
        single=single,
        dimensions=head.dimensions,
        encoding="base64" if form == "base64" else "float",
        user=head.user or "",
        headers=calls.forwarded(hint.headers),
        extra=extra,
    )


def _inputs(raw: Raw) -> tuple[tuple[Input, ...], bool]:
    if f.is_text(raw):
        return (f.decode(_text, raw, "input"),), True
    entries: list[str | list[int] | int] = f.decode(_many, raw, "input")
    if not entries:
        raise BadCall("input: empty", "input")
    if isinstance(entries[0], int):
        ids = tuple(e for e in entries if isinstance(e, int))
        if len(ids) != len(entries):
            raise BadCall("input: token ids and others are mixed", "input")
        return (ids,), True
    inputs: list[Input] = []
    for entry in entries:
        if isinstance(entry, int):
            raise BadCall("input: token ids and others are mixed", "input")
        inputs.append(entry if isinstance(entry, str) else tuple(entry))
    return tuple(inputs), False


def build(call: EmbedCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body for the target, and what had to be left out.

    Raises:
        Unsupported: an input that only another family can read.
    """
    if call.raw and call.dialect == wire.EMBEDDINGS:
        if not quirks.any_of(target.provider.quirks):
            return envelope.splice(call.raw, b"model", call.model, target.model), ()
        top = envelope.fields(call.raw)
        top["model"] = f.plain(target.model)
        return request.finished(top, target)
    body, drop = _written(call, target)
    request.refuse(drop, target)
    top = {name: f.plain(value) for name, value in body.items()}
    written, bent = request.finished(top, target)
    return written, (*drop, *bent)


def _written(call: EmbedCall, target: Target) -> tuple[dict[str, Any], list[str]]:
    inputs = [_input(entry) for entry in call.inputs]
    body: dict[str, Any] = {"model": target.model}
    body["input"] = inputs[0] if call.single and len(inputs) == 1 else inputs
    if call.dimensions is not None:
        body["dimensions"] = call.dimensions
    if call.encoding == "base64":
        body["encoding_format"] = "base64"
    if call.user:
        body["user"] = call.user
    drop: list[str] = []
    task = target.provider.quirks.extra.get("task", "")
    if call.task and task:
        body[task] = call.task
    elif call.task:
        drop.append("taskType")
    if call.title:
        drop.append("title")
    if call.dialect == wire.EMBEDDINGS:
        body.update(call.extra)
    else:
        drop += call.extra
    return body, drop


def _input(entry: Input) -> str | list[int]:
    if isinstance(entry, str):
        return entry
    ids = [token for token in entry if isinstance(token, int)]
    if len(ids) != len(entry):
        raise Unsupported("embeddings of media cannot be asked for", "content")
    return ids


def parse(response: WireResponse, call: EmbedCall) -> EmbedResult:
    """The vectors.

    Raises:
        UpstreamError: an error inside the 200, or no vectors.
    """
    body = response.body
    try:
        told = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        body = mended(body, call.model)[0]
        told = _again(body)
    if present(told.error):
        answer.raise_inside(wire.value.decode(body), body)
    vectors: list[tuple[float, ...] | str] = []
    changed = False
    for entry in sorted(told.data, key=lambda v: v.index):
        vector = _encoded(entry.embedding, call)
        changed = changed or type(vector) is not type(entry.embedding)
        vectors.append(vector if isinstance(vector, str) else tuple(vector))
    if changed:
        body = _reencoded(body, call)
    counted = told.usage.prompt_tokens
    return EmbedResult(
        vectors=tuple(vectors),
        usage=Usage(input=counted),
        model=told.model,
        raw=body,
        dialect=wire.EMBEDDINGS,
    )


def _again(body: bytes) -> _Answer:
    try:
        return _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise errors.garbled(f"no embeddings ({error})", body) from error


def mended(body: bytes, model: str) -> tuple[bytes, list[str]]:
    """The body with OpenAI's types, and what had to be mended.

    Raises:
        UpstreamError: an error inside the 200, or no vectors.
    """
    found = mend.load(body)
    answer.raise_inside(found, body)
    if not isinstance(found, dict) or not isinstance(found.get("data"), list):
        raise errors.garbled("no embeddings", body)
    reasons: list[str] = []
    if found.get("object") != "list":
        reasons.append("object")
        found["object"] = "list"
    if not isinstance(found.get("model"), str):
        reasons.append("model missing")
        found["model"] = model
    for at, entry in enumerate(found["data"]):
        if not isinstance(entry, dict):
            raise errors.garbled("no embeddings", body)
        if entry.get("object") != "embedding":
            reasons.append("embedding object")
            entry["object"] = "embedding"
        if not isinstance(entry.get("index"), int):
            reasons.append("index")
            entry["index"] = at
    if not _counts(found.get("usage")):
        reasons.append("usage")
        found["usage"] = _usage(found.get("usage"))
    return wire.encode(found), list(dict.fromkeys(reasons))


def _counts(usage: Any) -> bool:
    try:
        msgspec.convert(usage, _Counted)
    except msgspec.ValidationError:
        return False
    return True


def _usage(found: Any) -> dict[str, Any]:
    """Voyage tells the total alone, others nothing."""
    usage = dict(found) if isinstance(found, dict) else {}
    told = [usage.get(n) for n in ("prompt_tokens", "total_tokens", "input_tokens")]
    count = next((int(n) for n in told if isinstance(n, int | float) and n), 0)
    return usage | {"prompt_tokens": count, "total_tokens": count}


def _encoded(vector: list[float] | str, call: EmbedCall) -> list[float] | str:
    """In the form the client asked for; where it asked for none, or for one that we do
    not know, as it came: Perplexity's own form is base64 of int8 (seen 2026-11)."""
    if "encoding_format" in call.extra or b'"encoding_format"' not in call.raw:
        return vector
    if call.encoding == "base64" and not isinstance(vector, str):
        return to_base64(vector)
    if call.encoding == "float" and isinstance(vector, str):
        floats = to_floats(vector)
        return vector if floats is None else floats
    return vector


def _asked(vector: list[float] | str, call: EmbedCall) -> list[float] | str:
    """Another family's vector: numbers, unless the client asked for base64."""
    if call.encoding == "base64" and not isinstance(vector, str):
        return to_base64(vector)
    if call.encoding == "float" and isinstance(vector, str):
        return to_floats(vector) or vector
    return vector


def _reencoded(body: bytes, call: EmbedCall) -> bytes:
    found = mend.load(body)
    for entry in found["data"]:
        entry["embedding"] = _encoded(entry["embedding"], call)
    return wire.encode(found)


def to_base64(vector: list[float] | tuple[float, ...]) -> str:
    """Little-endian float32, as OpenAI's SDK reads it."""
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (struct.error, OverflowError) as error:
        raise errors.garbled(f"no vector of float32 ({error})", b"") from error


def to_floats(vector: str) -> list[float] | None:
    """The numbers of a base64 vector; `None` when it is none of float32."""
    try:
        data = base64.b64decode(vector, validate=True)
        floats = list(struct.unpack(f"<{len(data) // 4}f", data))
    except (binascii.Error, struct.error, ValueError):
        return None
    return floats if all(map(math.isfinite, floats)) else None


def write(result: EmbedResult, call: EmbedCall) -> bytes:
    """The answer; one that is OpenAI's already goes verbatim."""
    if result.dialect == wire.EMBEDDINGS and result.raw:
        return result.raw
    data = []
    for index, vector in enumerate(result.vectors):
        told: list[float] | str = vector if isinstance(vector, str) else list(vector)
        entry = {"object": "embedding", "index": index}
        data.append({**entry, "embedding": _asked(told, call)})
    counted = result.usage.input if result.usage is not None else 0
    return wire.encode(
        {
            "object": "list",
            "data": data,
            "model": result.model or call.model,
            "usage": {"prompt_tokens": counted, "total_tokens": counted},
        }
    )
