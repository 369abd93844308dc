"""How documents are ranked over the wire: one shape, three spellings.

Cohere's (`results` of `index` and `relevance_score`, billed by searches), which Jina,
OpenRouter, Together, vLLM and most others copy with token counts in `usage`; Voyage's
(`top_k`, `data`); and that of Text Embeddings Inference (`texts`, a bare list of
`index` and `score`). Sources: the vendors' API references, 2026-11, and recordings.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import WireResponse
from adapters.errors import Garbled, Unsupported
from adapters.normal.rerank import Ranked, RerankCall, RerankResult
from adapters.normal.usage import Usage

Json = dict[str, Any]

_BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
_LIST: Final = ord("[")


class _Entry(msgspec.Struct, frozen=True):
    index: int
    relevance_score: float | None = None
    score: float | None = None
    camel: float | None = msgspec.field(default=None, name="relevanceScore")


class _Counts(msgspec.Struct, frozen=True):
    """Of `usage`, or of `meta.tokens` and `meta.billed_units`."""

    total_tokens: float | None = None
    prompt_tokens: float | None = None
    input_tokens: float | None = None
    search_units: float | None = None


class _Meta(msgspec.Struct, frozen=True):
    tokens: _Counts | None = None
    billed_units: _Counts | None = None


class _Body(msgspec.Struct, frozen=True):
    id: str | None = None
    model: str | None = None
    results: list[_Entry] | None = None
    data: list[_Entry] | None = None
    usage: _Counts | None = None
    meta: _Meta | None = None
    input_token_count: int | None = None
    """Of watsonx."""


_body = msgspec.json.Decoder(_Body).decode
_entries = msgspec.json.Decoder(list[_Entry]).decode


def body(call: RerankCall, model: str, *, objects: bool, top: str = "top_n") -> Json:
    """The common fields of a request. `objects`: whether documents may be objects.

    Raises:
        Unsupported: a document is no text, and must be.
    """
    documents: list[str | Raw] = []
    for at, passage in enumerate(call.documents):
        if passage.raw and objects:
            documents.append(passage.raw)
        elif passage.raw and not passage.text:
            told = f"documents[{at}]: this provider ranks texts only"
            raise Unsupported(told, "documents")
        else:
            documents.append(passage.text)
    out: Json = {"model": model, "query": call.query, "documents": documents}
    if call.top_n is not None:
        out[top] = call.top_n
    return out


def read(response: WireResponse, call: RerankCall, dialect: str = "") -> RerankResult:
    """A 2xx answer, in any of the spellings; `dialect`: whose `raw` it may be.

    Raises:
        Garbled: it ranks nothing, or what was not asked about.
    """
    data = response.body
    entries: list[_Entry] | None
    try:
        if memoryview(data.lstrip() or b" ")[0] == _LIST:
            told, entries = _Body(), _entries(data)
        else:
            told = _body(data)
            entries = told.data if told.results is None else told.results
    except _BROKEN as error:
        raise Garbled(f"no ranks: {error}", body=data) from error
    if entries is None:
        raise Garbled("the answer has no results", body=data)
    ranked = [_ranked(entry, len(call.documents), data) for entry in entries]
    ranked.sort(key=lambda rank: -rank.score)
    return RerankResult(
        id=told.id or "",
        model=told.model or "",
        ranked=tuple(ranked[: call.top_n]),
        usage=_usage(told, response),
        raw=data if dialect else b"",
        dialect=dialect,
    )


def _ranked(entry: _Entry, count: int, data: bytes) -> Ranked:
    found = (entry.relevance_score, entry.score, entry.camel)
    score = next((number for number in found if number is not None), None)
    if score is None or not 0 <= entry.index < count:
        raise Garbled("a result without a score, or of no document", body=data)
    return Ranked(entry.index, score)


def _usage(told: _Body, response: WireResponse) -> Usage | None:
    meta = told.meta or _Meta()
    counts = [c for c in (told.usage, meta.billed_units, meta.tokens) if c is not None]
    tokens = next((n for c in counts if (n := _tokens(c)) is not None), None)
    searches = next((int(c.search_units) for c in counts if c.search_units), 0)
    if tokens is None:
        tokens = told.input_token_count
    if tokens is None:
        said = response.header(b"x-compute-tokens") or b""  # Text Embeddings Inference
        tokens = int(said) if said.isdigit() else None
    if tokens is None and not searches:
        return None
    return Usage(input=tokens or 0, searches=searches)


def _tokens(counts: _Counts) -> int | None:
    found = (counts.total_tokens, counts.prompt_tokens, counts.input_tokens)
    return next((int(number) for number in found if number is not None), None)
