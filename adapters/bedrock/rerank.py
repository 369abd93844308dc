"""Reranking through InvokeModel: Cohere's and Amazon's models, in Cohere's words.

A request is billed as one search for every hundred documents; the answer does not say
so. Source: docs.aws.amazon.com/bedrock, "Use a reranker model", and its pricing page.
"""

from typing import Final

import msgspec

from adapters import ranks
from adapters.bedrock.models import Model
from adapters.bedrock.vendors import counted
from adapters.bedrock.wire import encode
from adapters.contract import Target, WireResponse
from adapters.errors import Unsupported
from adapters.normal.rerank import RerankCall, RerankResult
from adapters.normal.usage import Usage

SEARCH: Final = 100
"""Documents of one search."""
_VERSION: Final = 2
"""Of Cohere's API, which its models want named."""


def write(
    call: RerankCall, target: Target, model: Model
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the client's names of what it leaves out.

    Raises:
        Unsupported: a document is no text.
    """
    body = ranks.body(call, model.id, objects=False)
    del body["model"]
    if model.vendor == "cohere":
        body["api_version"] = _VERSION
    dropped = [*call.extra]
    if call.max_tokens_per_doc is not None:
        dropped.append("max_tokens_per_doc")
    if dropped and target.strict:
        raise Unsupported(f"Bedrock cannot say {dropped[0]}", dropped[0])
    return encode(body), tuple(dropped)


def read(response: WireResponse, call: RerankCall) -> RerankResult:
    """The ranks. Raises `Garbled`."""
    told = ranks.read(response, call)
    tokens = counted(response) or Usage()
    searches = max(1, -(-len(call.documents) // SEARCH))
    usage = msgspec.structs.replace(tokens, searches=searches)
    return msgspec.structs.replace(told, usage=usage)
