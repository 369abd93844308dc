"""Cloudflare Workers AI: OpenAI's API, and ranks by its own, `/ai/run/MODEL`.

Source: developers.cloudflare.com/workers-ai. Its own answers stand in an envelope of
`result`, `success` and `errors`.
"""

from typing import Final

import msgspec

from adapters import kin, ranks, signing
from adapters.contract import Call, Result, Target, WireRequest, WireResponse
from adapters.normal.rerank import Ranked, RerankCall, RerankResult
from adapters.openai import answer, errors
from adapters.vendors import base
from adapters.vendors.base import Json


class _Entry(msgspec.Struct, frozen=True):
    id: int
    score: float


class _Result(msgspec.Struct, frozen=True):
    response: list[_Entry]


class _Answer(msgspec.Struct, frozen=True):
    result: _Result


_answer = msgspec.json.Decoder(_Answer).decode


class Cloudflare(base.Wrapped):
    """The half that speaks to providers."""

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target. Raises `Unsupported` and `BadCall`."""
        if not isinstance(call, RerankCall):
            return super().build_request(call, target)
        asked = ranks.body(call, target.model, objects=False, top="top_k")
        contexts = [{"text": text} for text in asked["documents"]]
        body: Json = {"query": call.query, "contexts": contexts}
        if call.top_n is not None:
            body["top_k"] = call.top_n
        drop = [*call.extra]
        if call.max_tokens_per_doc is not None:
            drop.append("max_tokens_per_doc")
        root = target.base_url.rstrip("/").removesuffix("/v1")
        head = signing.head(target, f"{root}/run/{target.model}")
        dropped = kin.named(drop, call.dialect, target)
        return WireRequest(head, base.encode(body), (), dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if not isinstance(call, RerankCall):
            return super().parse_response(response, call)
        body = response.body
        try:
            answer.raise_inside(msgspec.json.decode(body), body)
            entries = _answer(body).result.response
        except base.BROKEN as error:
            raise errors.garbled(f"no ranks ({error})", body) from error
        if not all(0 <= entry.id < len(call.documents) for entry in entries):
            raise errors.garbled("a rank of no document", body)
        best = sorted(entries, key=lambda entry: -entry.score)[: call.top_n]
        return RerankResult(ranked=tuple(Ranked(e.id, e.score) for e in best))


UPSTREAM: Final = Cloudflare()
