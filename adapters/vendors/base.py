"""What families of one vendor share: heads of requests, texts, the wrapping of OpenAI's
grammar by those who speak it with something of their own beside it."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import (
    Call,
    Decoder,
    Operation,
    Result,
    Target,
    WireRequest,
    WireResponse,
)
from adapters.errors import Unsupported, UpstreamError
from adapters.normal.embed import EmbedCall
from adapters.openai import errors
from adapters.openai import family as openai
from adapters.openai import fields as f

Json = dict[str, Any]

BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
encode: Final = msgspec.json.Encoder().encode

QUERIES: Final = frozenset(
    {
        "query",
        "search_query",
        "RETRIEVAL_QUERY",
        "CODE_RETRIEVAL_QUERY",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
    }
)
DOCUMENTS: Final = frozenset(
    {"document", "passage", "search_document", "RETRIEVAL_DOCUMENT"}
)
"""Words for the two sides of a search, of all who have such."""


class Vectors:
    """A family without conversations. Subclasses build and parse."""

    dialect = ""
    operations = frozenset({Operation.embed, Operation.rerank})
    title = ""

    def speaks(self, dialect: str) -> bool:
        """No client's dialect."""
        return False

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any answer that is not 2xx."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> Decoder:
        """Vectors and ranks are not streamed."""
        raise TypeError("vectors and ranks are not streamed")

    def unsupported(self) -> Unsupported:
        """What is asked is neither vectors nor ranks."""
        return Unsupported(f"{self.title} makes vectors and ranks only", "model")


class Wrapped:
    """OpenAI's grammar, with something of one's own beside it."""

    dialect = openai.UPSTREAM.dialect
    operations = openai.UPSTREAM.operations

    def speaks(self, dialect: str) -> bool:
        """OpenAI's dialects."""
        return openai.UPSTREAM.speaks(dialect)

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target. Raises `Unsupported` and `BadCall`."""
        return openai.UPSTREAM.build_request(call, target)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        return openai.UPSTREAM.parse_response(response, call)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        return errors.read(response)

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for one streamed answer."""
        return openai.UPSTREAM.parse_stream(call)


def texts(call: EmbedCall, title: str) -> list[str]:
    """The inputs, all of them texts.

    Raises:
        Unsupported: one is none.
    """
    found = [entry for entry in call.inputs if isinstance(entry, str)]
    if len(found) != len(call.inputs):
        raise Unsupported(f"{title} embeds texts only", "input")
    return found


def side(call: EmbedCall, query: str, document: str, drop: list[str]) -> str:
    """The vendor's word for the side of a search that the inputs are on; empty where
    the client did not say."""
    raw = call.extra.get("input_type", Raw(b""))
    said = f.decode(f.text, raw, "input_type") if raw else call.task
    if said in QUERIES:
        return query
    if said in DOCUMENTS:
        return document
    if said:
        drop.append("input_type" if raw or "cohere" in call.dialect else "taskType")
    return ""


def extras(call: EmbedCall, own: frozenset[str], body: Json, drop: list[str]) -> None:
    """The vendor's own fields, and those that it does not know."""
    drop += [name for name in ("user", "title") if getattr(call, name)]
    for name, raw in call.extra.items():
        if name in own:
            body[name] = raw
        elif name != "input_type":
            drop.append(name)
