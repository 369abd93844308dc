"""The recorded exchanges of Bedrock, and what a client of Converse makes of an answer."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from botocore.eventstream import EventStreamBuffer

from adapters.contract import Headers, WireResponse
from adapters.framing import eventstream
from adapters.normal.usage import Usage
from tests.adapters.bedrock import shapes
from tests.replay import meaning
from tests.replay.clients import Counts, Heard
from tests.replay.meaning import Meaning, Said
from tests.shared import cassettes

Json = dict[str, Any]
CONVERSE = "bedrock.converse"
FAMILIES = (
    "bedrock_converse",
    "bedrock_converse_stream",
    "bedrock_invoke",
    "bedrock_count_tokens",
)

NO_ANSWER = {
    "bedrock_converse-36f2db": "a made-up member of a wrong type",
}
"""Recordings that are not what they seem."""


class Exchange(NamedTuple):
    """One recorded exchange."""

    id: str
    family: str
    url: str
    model: str
    verb: str
    request: bytes
    """Empty where the source kept none."""
    status: int
    headers: Headers
    body: bytes
    streams: bool
    framed: bool
    """The frames are Bedrock's own, not made of the events that the source kept."""

    def response(self) -> WireResponse:
        return WireResponse(self.status, self.headers, self.body)


@cache
def every(family: str) -> tuple[Exchange, ...]:
    return tuple(_read(family, path) for path in cassettes(family))


def _read(family: str, path: Path) -> Exchange:
    data = json.loads(path.read_bytes())
    request, response = data["request"] or {}, data["response"]
    parts = urlsplit(request.get("url", "")).path.split("/model/")[-1]
    model, _, verb = parts.rpartition("/")
    streams = "body_base64" in response or "events" in response
    if "body_base64" in response:
        body = base64.b64decode(response["body_base64"])
    elif "events" in response:
        kept = [{"messageStart": {"role": "assistant"}}, *response["events"]]
        body = b"".join(
            eventstream.write(
                {":event-type": name, ":message-type": "event"},
                json.dumps(told).encode(),
            )
            for event in kept
            for name, told in event.items()
        )
    else:
        body = json.dumps(response["body"], ensure_ascii=False).encode()
    asked = request.get("body")
    return Exchange(
        f"{family}-{path.stem.rpartition('_')[2]}",
        family,
        request.get("url", ""),
        unquote(model),
        verb,
        b"" if asked is None else json.dumps(asked, ensure_ascii=False).encode(),
        response["status"],
        tuple(
            (name.lower().encode(), value.encode())
            for name, value in response["headers"].items()
        ),
        body,
        streams,
        "body_base64" in response,
    )


# --- what was said, read the plain way -------------------------------------------------


def events(body: bytes) -> list[Json]:
    """The events of a stream, as botocore cuts it."""
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    out = []
    for message in buffer:
        told = json.loads(message.payload)
        told.pop("p", None)
        out.append({message.headers[":event-type"]: told})
    return out


def whole(exchange: Exchange) -> Json:
    """A Converse answer, put together if it came in pieces."""
    if not exchange.streams:
        found: Json = json.loads(exchange.body)
        return found
    return shapes.accumulate(events(exchange.body), lenient=True)


def of_converse(told: Json) -> Meaning:
    """What an answer says."""
    text = thoughts = ""
    tools: list[tuple[str, str]] = []
    for block in told["output"]["message"]["content"]:
        if "text" in block:
            text += block["text"]
        elif "citationsContent" in block:
            texts = block["citationsContent"]["content"]
            text += "".join(piece["text"] for piece in texts)
        elif "reasoningContent" in block:
            shown = block["reasoningContent"].get("reasoningText", {})
            thoughts += shown.get("text", "")
        elif "toolUse" in block:
            use = block["toolUse"]
            tools.append((use["name"], json.dumps(use["input"], sort_keys=True)))
    finish = meaning.WORDS.get(told.get("stopReason", ""), "end")
    if finish == "end" and tools:
        finish = "tool"
    return {0: Said(text, thoughts, tuple(tools), finish)}


def counts(told: Json) -> Counts | None:
    usage = told.get("usage")
    if usage is None:
        return None
    read = usage.get("cacheReadInputTokens", usage.get("cacheReadInputTokenCount", 0))
    written = usage.get(
        "cacheWriteInputTokens", usage.get("cacheWriteInputTokenCount", 0)
    )
    fresh, output = usage.get("inputTokens", 0), usage.get("outputTokens", 0)
    return Counts(fresh + read + written, output, read, 0)


def usage(told: Json) -> Usage | None:
    """What the provider says was used."""
    found = counts(told)
    if found is None:
        return None
    said = told["usage"]
    hour = [d for d in said.get("cacheDetails", ()) if d["ttl"] == "1h"]
    written = said.get(
        "cacheWriteInputTokens", said.get("cacheWriteInputTokenCount", 0)
    )
    return Usage(
        input=found.input,
        output=found.output,
        cached=found.cached,
        cache_write=written,
        cache_write_1h=sum(d["inputTokens"] for d in hour),
    )


# --- a client --------------------------------------------------------------------------


def hear(body: bytes, *, relayed: bool = False) -> Heard:
    """A whole answer. Raises on the smallest deviation from the service's model;
    `relayed`: Bedrock's own, which may have members that its model does not know."""
    told = json.loads(body)
    if not relayed:
        shapes.check("Converse", told)
    return Heard(of_converse(told), counts(told))


def hear_stream(body: bytes, *, relayed: bool = False) -> Heard:
    """A stream to its proper end."""
    found = events(body)
    for one in found:
        shapes.check("ConverseStream", one, lenient=relayed)
    told = shapes.accumulate(found, lenient=relayed)
    return Heard(of_converse(told), counts(told))
