"""Jina AI: vectors of texts and pictures, and ranks.

Source: api.jina.ai/docs (embeddings v1, rerank v1). Answers are OpenAI's and Cohere's;
requests say `task` and `embedding_type`.
"""

from typing import Final

from adapters import kin, ranks, signing
from adapters.contract import Call, Result, Target, WireRequest, WireResponse
from adapters.errors import Unsupported
from adapters.normal.content import Image, Text
from adapters.normal.embed import EmbedCall, Input
from adapters.normal.rerank import RerankCall
from adapters.openai import embeddings
from adapters.vendors import base
from adapters.vendors.base import Json

_OWN: Final = frozenset(
    {"task", "normalized", "late_chunking", "truncate", "embedding_type"}
)
_RANK: Final = frozenset({"truncate", "return_embeddings", "max_doc_length"})


class Jina(base.Vectors):
    """The half that speaks to providers."""

    title = "Jina"

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it is neither vectors nor ranks, or of something else.
        """
        drop: list[str] = []
        if isinstance(call, RerankCall):
            path = "/rerank"
            body = {
                **ranks.body(call, target.model, objects=True),
                "return_documents": False,  # we have them
            }
            if call.max_tokens_per_doc is not None:
                body["max_doc_length"] = call.max_tokens_per_doc
            for name, raw in call.extra.items():
                if name in _RANK:
                    body[name] = raw
                else:
                    drop.append(name)
        elif isinstance(call, EmbedCall):
            path, body = "/embeddings", self._embed(call, target, drop)
        else:
            raise self.unsupported()
        head = signing.head(target, target.base_url.rstrip("/") + path)
        dropped = kin.named(drop, call.dialect, target)
        return WireRequest(head, base.encode(body), (), dropped)

    def _embed(self, call: EmbedCall, target: Target, drop: list[str]) -> Json:
        body: Json = {
            "model": target.model,
            "input": [_input(entry) for entry in call.inputs],
        }
        if word := base.side(call, "retrieval.query", "retrieval.passage", drop):
            body["task"] = word
        if call.dimensions is not None:
            body["dimensions"] = call.dimensions
        if call.encoding == "base64":
            body["embedding_type"] = "base64"
        base.extras(call, _OWN, body, drop)
        return body

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `Garbled` when it is none."""
        if isinstance(call, RerankCall):
            return ranks.read(response, call)
        assert isinstance(call, EmbedCall)
        return embeddings.parse(response, call)


def _input(entry: Input) -> str | Json:
    if isinstance(entry, str):
        return entry
    part = entry[0] if len(entry) == 1 else None
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Image) and (part.data or part.url):
        return {"image": part.data or part.url}
    raise Unsupported("Jina embeds a text or an image at a time", "input")


UPSTREAM: Final = Jina()
