"""Vectors of /api/embed."""

from msgspec import Raw

from adapters import kin
from adapters.contract import Target, WireResponse
from adapters.errors import Unsupported
from adapters.kin import Json
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.usage import Usage
from adapters.ollama import wire
from adapters.ollama.wire import TITLE, encode
from adapters.openai import errors

_TOP = frozenset({"truncate", "keep_alive", "options"})


def write(call: EmbedCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body, and what had to be left out in the client's names.

    Raises:
        Unsupported: an input that is no text, or the target is strict.
    """
    texts = [text for text in call.inputs if isinstance(text, str)]
    if len(texts) != len(call.inputs):
        raise Unsupported(f"{TITLE} embeds texts only", "input")
    body: Json = {"model": target.model, "input": texts}
    options: dict[str, Raw] = {}
    drop = [name for name in ("user", "task", "title") if getattr(call, name)]
    if call.dimensions is not None:
        body["dimensions"] = call.dimensions
    for name, raw in call.extra.items():
        place = target.provider.quirks.rename.get(name, "")
        if name in _TOP:
            body[name] = raw
        elif place.startswith("options."):
            options[place.removeprefix("options.")] = raw
        else:
            drop.append(name)
    if options:
        body.setdefault("options", options)
    return encode(body), kin.named(drop, call.dialect, target)


def read(response: WireResponse, call: EmbedCall) -> EmbedResult:
    """The vectors.

    Raises:
        Garbled: it holds none.
    """
    try:
        told = wire.vectors(response.body)
    except wire.BROKEN as error:
        raise errors.garbled(f"no vectors ({error})", response.body) from error
    if len(told.embeddings) != len(call.inputs):
        raise errors.garbled("not a vector for each input", response.body)
    return EmbedResult(
        vectors=tuple(told.embeddings),
        usage=Usage(input=told.prompt_eval_count or 0),
        model=told.model,
    )
