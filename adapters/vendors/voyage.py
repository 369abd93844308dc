"""Voyage AI: vectors of texts and of pictures, and ranks.

Source: docs.voyageai.com (embeddings, multimodal embeddings, reranker), recordings.
Answers are OpenAI's but for their counts; requests are not.
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

_OWN: Final = frozenset({"truncation", "output_dtype"})
_MANY: Final = "multimodal"
"""In the names of models that read pictures, too: they have a path of their own."""


class Voyage(base.Vectors):
    """The half that speaks to providers."""

    title = "Voyage"

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it is neither vectors nor ranks, or of something else.
        """
        if isinstance(call, RerankCall):
            body = ranks.body(call, target.model, objects=False, top="top_k")
            drop = ["max_tokens_per_doc"] if call.max_tokens_per_doc else []
            for name, raw in call.extra.items():
                if name == "truncation":
                    body[name] = raw
                else:
                    drop.append(name)
            path = "/rerank"
        elif isinstance(call, EmbedCall):
            path, body, drop = self._embed(call, target)
        else:
            raise self.unsupported()
        head = signing.head(target, target.base_url.rstrip("/") + path)
        dropped = kin.named(drop, call.dialect, target)
        return WireRequest(head, base.encode(body), (), dropped)

    def _embed(self, call: EmbedCall, target: Target) -> tuple[str, Json, list[str]]:
        drop: list[str] = []
        body: Json = {"model": target.model}
        if _MANY in target.model:
            path = "/multimodalembeddings"
            body["inputs"] = [{"content": _content(entry)} for entry in call.inputs]
            if call.dimensions is not None:
                drop.append("dimensions")
        else:
            path = "/embeddings"
            body["input"] = base.texts(call, self.title)
            if call.dimensions is not None:
                body["output_dimension"] = call.dimensions
            if call.encoding == "base64":
                body["encoding_format"] = "base64"
        if word := base.side(call, "query", "document", drop):
            body["input_type"] = word
        base.extras(call, _OWN, body, drop)
        return path, body, drop

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `Garbled` when it is none."""
        if isinstance(call, RerankCall):
            return ranks.read(response, call)
        assert isinstance(call, EmbedCall)
        return embeddings.parse(response, call)


def _content(entry: Input) -> list[Json]:
    if isinstance(entry, str):
        return [{"type": "text", "text": entry}]
    out: list[Json] = []
    for part in entry:
        match part:
            case Text():
                out.append({"type": "text", "text": part.text})
            case Image() if part.data:
                data = f"data:{part.media_type or 'image/png'};base64,{part.data}"
                out.append({"type": "image_base64", "image_base64": data})
            case Image() if part.url:
                out.append({"type": "image_url", "image_url": part.url})
            case _:
                raise Unsupported("Voyage embeds texts and images only", "input")
    return out


UPSTREAM: Final = Voyage()
