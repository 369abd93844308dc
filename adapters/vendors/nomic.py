"""Nomic Atlas: vectors of texts.

Source: docs.nomic.ai (embedding/text).
"""

from typing import Final

import msgspec

from adapters import kin, signing
from adapters.contract import (
    Call,
    Operation,
    Result,
    Target,
    WireRequest,
    WireResponse,
)
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.usage import Usage
from adapters.openai import errors
from adapters.vendors import base
from adapters.vendors.base import Json

_OWN: Final = frozenset({"long_text_mode", "max_tokens_per_text"})
_TASKS: Final = {"CLASSIFICATION": "classification", "CLUSTERING": "clustering"}


class _Counts(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0


class _Answer(msgspec.Struct, frozen=True):
    embeddings: list[tuple[float, ...]]
    model: str = ""
    usage: _Counts | None = None


_answer = msgspec.json.Decoder(_Answer).decode


class Nomic(base.Vectors):
    """The half that speaks to providers."""

    title = "Nomic"
    operations = frozenset({Operation.embed})

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it is no call for vectors, or of something else than texts.
        """
        if not isinstance(call, EmbedCall):
            raise self.unsupported()
        drop: list[str] = []
        task = _TASKS.get(call.task, call.task)
        if task not in _TASKS.values():
            task = base.side(call, "search_query", "search_document", drop)
        body: Json = {"model": target.model, "texts": base.texts(call, self.title)}
        if task:
            body["task_type"] = task
        if call.dimensions is not None:
            body["dimensionality"] = call.dimensions
        base.extras(call, _OWN, body, drop)
        head = signing.head(target, target.base_url.rstrip("/") + "/embedding/text")
        dropped = kin.named(drop, call.dialect, target)
        return WireRequest(head, base.encode(body), (), dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `Garbled` when it is none."""
        try:
            told = _answer(response.body)
        except base.BROKEN as error:
            raise errors.garbled(f"no vectors ({error})", response.body) from error
        used = None if told.usage is None else Usage(input=told.usage.prompt_tokens)
        return EmbedResult(vectors=tuple(told.embeddings), usage=used, model=told.model)


UPSTREAM: Final = Nomic()
