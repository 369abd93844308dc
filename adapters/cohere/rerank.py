"""Reranking, both halves: Cohere's dialect, in which nearly every client asks for it.

Clients of v1, of Jina and of LiteLLM are understood as well: documents as objects,
`return_documents`, `rank_fields`.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters import envelope, kin, ranks
from adapters.cohere.wire import NONE, RERANK, encode
from adapters.contract import Hint, Target, WireResponse
from adapters.errors import BadCall
from adapters.normal.rerank import Passage, RerankCall, RerankResult
from adapters.openai import fields as f

_STRICT: Final = frozenset({"max_tokens_per_doc", "priority", "relevant_spans"})
"""What v2 takes beside the common fields."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    model: str | None = None
    query: Raw = NONE
    documents: list[Raw] | None = None
    top_n: int | None = None
    return_documents: bool | None = None
    max_tokens_per_doc: int | None = None
    rank_fields: list[str] | None = None


_head = msgspec.json.Decoder(_Head)
_object = msgspec.json.Decoder(dict[str, Any])
_KNOWN: Final = frozenset(_Head.__struct_fields__)


def read_call(body: bytes, hint: Hint) -> RerankCall:
    """A rerank call of a client.

    Raises:
        BadCall: not one; says where.
    """
    head = f.decode(_head, body, "body")
    if not head.model:
        raise BadCall("model: missing", "model")
    asked = bytes(head.query).strip() not in (b"", b"null")
    if not asked or not head.documents:
        where = "documents" if asked else "query"
        raise BadCall(f"{where}: missing or empty", where)
    if head.top_n is not None and head.top_n < 1:
        raise BadCall("top_n: must be at least 1", "top_n")
    top = envelope.fields(body)
    fields = head.rank_fields or []
    return RerankCall(
        model=head.model,
        dialect=RERANK,
        raw=body,
        query=_query(head.query),
        documents=tuple(
            _passage(raw, fields, f"documents[{at}]")
            for at, raw in enumerate(head.documents)
        ),
        top_n=head.top_n,
        return_documents=bool(head.return_documents),
        max_tokens_per_doc=head.max_tokens_per_doc,
        extra={
            name: raw.copy()
            for name, raw in top.items()
            if name not in _KNOWN and bytes(raw).strip() != b"null"
        },
    )


def _query(found: Raw) -> str:
    if f.is_text(found):
        return f.decode(f.text, found, "query")
    text = f.decode(_object, found, "query").get("text")
    if not isinstance(text, str):
        raise BadCall("query: must be a text", "query")
    return text


def _passage(raw: Raw, fields: list[str], at: str) -> Passage:
    if f.is_text(raw):
        return Passage(f.decode(f.text, raw, at))
    found = f.decode(_object, raw, at)
    names = fields or (["text"] if "text" in found else [])
    said = [(name, found[name]) for name in names if name in found]
    if fields:
        text = "\n".join(f"{name}: {value}" for name, value in said)
    else:
        text = str(said[0][1]) if said else ""
    return Passage(text, raw.copy())


def write(call: RerankCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body for Cohere, and what had to be left out.

    Raises:
        Unsupported: a document is no text, or the target is strict.
    """
    out = ranks.body(call, target.model, objects=False)
    if call.max_tokens_per_doc is not None:
        out["max_tokens_per_doc"] = call.max_tokens_per_doc
    drop = []
    for name, raw in call.extra.items():
        if name in _STRICT:
            out[name] = raw
        else:
            drop.append(name)
    return encode(out), kin.named(drop, call.dialect, target)


def parse(response: WireResponse, call: RerankCall) -> RerankResult:
    """A 2xx answer. Raises `Garbled` when it is none."""
    return ranks.read(response, call, RERANK)


def reply(result: RerankResult, call: RerankCall) -> bytes:
    """The answer for a client; one of Cohere goes verbatim, unless the client wants its
    documents again, which v2 leaves out."""
    if result.dialect == RERANK and result.raw and not call.return_documents:
        return result.raw
    results = []
    for rank in result.ranked:
        entry: kin.Json = {"index": rank.index, "relevance_score": rank.score}
        if call.return_documents:
            passage = call.documents[rank.index]
            entry["document"] = passage.raw or {"text": passage.text}
        results.append(entry)
    meta: kin.Json = {"api_version": {"version": "2"}}
    out: kin.Json = {
        "id": result.id or kin.made_id(call.raw),
        "model": result.model or call.model,
        "results": results,
        "meta": meta,
    }
    used = result.usage
    if used is not None and used.searches:
        meta["billed_units"] = {"search_units": used.searches}
    if used is not None and used.input:
        meta["tokens"] = {"input_tokens": used.input}
        out["usage"] = {"prompt_tokens": used.input, "total_tokens": used.total}
    return encode(out)
