"""Hugging Face: chat by its router, which speaks OpenAI's API; vectors and ranks by
Text Embeddings Inference, one's own or behind the router.

Source: huggingface.co/docs (inference providers; text-embeddings-inference 1.8), the
OpenAPI document of the latter.
"""

from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

import msgspec

from adapters import kin, ranks, signing
from adapters.contract import Call, Result, Target, WireRequest, WireResponse
from adapters.errors import Overloaded, UpstreamError
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.rerank import RerankCall
from adapters.normal.usage import Usage
from adapters.openai import errors
from adapters.vendors import base
from adapters.vendors.base import Json

_OWN: Final = frozenset(
    {"normalize", "truncate", "truncation_direction", "prompt_name"}
)
_DEDICATED: Final = "endpoints.huggingface.cloud"
_vectors = msgspec.json.Decoder(list[tuple[float, ...]]).decode


class _Loading(msgspec.Struct, frozen=True):
    estimated_time: float | None = None


_loading = msgspec.json.Decoder(_Loading).decode


class HuggingFace(base.Wrapped):
    """The half that speaks to providers."""

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it cannot be said there.
            BadCall: the body does not follow its own dialect.
        """
        if isinstance(call, RerankCall):
            return _rank(call, target)
        if isinstance(call, EmbedCall):
            return _embed(call, target)
        return super().build_request(call, target)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, RerankCall):
            return ranks.read(response, call)
        if isinstance(call, EmbedCall):
            return vectors(response, call)
        return super().parse_response(response, call)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer; a model that is being loaded says how long it takes."""
        error = errors.read(response)
        if isinstance(error, Overloaded) and error.retry_after is None:
            with suppress(*base.BROKEN):
                error.retry_after = _loading(response.body).estimated_time
        return error


def _root(target: Target) -> str:
    """The address without the version of OpenAI's API."""
    return target.base_url.rstrip("/").removesuffix("/v1")


def _embed(call: EmbedCall, target: Target) -> WireRequest:
    url = target.base_url.rstrip("/")
    router = target.provider.id == "huggingface" and url.endswith("/v1")
    if router and _DEDICATED not in url:
        model = quote(target.model, safe="/")
        task = f"/hf-inference/models/{model}/pipeline/feature-extraction"
        url = _root(target) + task
    else:
        url = f"{_root(target)}/embed"
    drop: list[str] = []
    body = embedding(call, drop)
    dropped = kin.named(drop, call.dialect, target)
    return WireRequest(signing.head(target, url), base.encode(body), (), dropped)


def embedding(call: EmbedCall, drop: list[str]) -> Json:
    """The body of `/embed`; what it leaves out is added to `drop`.

    Raises:
        Unsupported: an input is no text.
    """
    body: Json = {"inputs": base.texts(call, "Hugging Face")}
    if call.dimensions is not None:
        body["dimensions"] = call.dimensions
    if word := base.side(call, "query", "document", drop):
        body["prompt_name"] = word
    base.extras(call, _OWN, body, drop)
    return body


def _rank(call: RerankCall, target: Target) -> WireRequest:
    drop: list[str] = []
    body = ranking(call, target, drop)
    head = signing.head(target, f"{_root(target)}/rerank")
    dropped = kin.named(drop, call.dialect, target)
    return WireRequest(head, base.encode(body), (), dropped)


def ranking(call: RerankCall, target: Target, drop: list[str]) -> Json:
    """The body of `/rerank`; what it leaves out is added to `drop`.

    Raises:
        Unsupported: a document is no text.
    """
    asked = ranks.body(call, target.model, objects=False)
    body: Json = {"query": call.query, "texts": asked["documents"]}
    if call.max_tokens_per_doc:
        drop.append("max_tokens_per_doc")
    for name, raw in call.extra.items():
        if name in ("raw_scores", "truncate", "truncation_direction"):
            body[name] = raw
        else:
            drop.append(name)
    return body


def vectors(response: WireResponse, call: EmbedCall) -> EmbedResult:
    """The answer of `/embed`.

    Raises:
        UpstreamError: it holds no vector for each input.
    """
    try:
        found: Any = _vectors(response.body)
    except base.BROKEN as error:
        raise errors.garbled(f"no vectors ({error})", response.body) from error
    if len(found) != len(call.inputs):
        raise errors.garbled("not a vector for each input", response.body)
    said = response.header(b"x-compute-tokens") or b""
    used = Usage(input=int(said)) if said.isdigit() else None
    return EmbedResult(vectors=tuple(found), usage=used)


UPSTREAM: Final = HuggingFace()
