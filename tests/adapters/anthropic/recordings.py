"""The recorded exchanges of the family, read once."""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from adapters.anthropic.family import MESSAGES, UPSTREAM
from adapters.contract import Hint, Operation, Provider, Quirks, Target, WireResponse
from adapters.normal.chat import ChatCall
from adapters.normal.delta import Delta, Frame
from tests.shared import cassettes

PROVIDER = Provider(
    id="anthropic",
    family="anthropic",
    base_url="https://api.anthropic.com/v1",
    auth="x-api-key",
)
DIALECT = "anthropic.messages"


class Recording(NamedTuple):
    """One exchange; `request` is `None` where only the answer was kept."""

    name: str
    path: str
    request: dict[str, Any] | None
    status: int
    body: bytes
    stream: bool

    @property
    def count(self) -> bool:
        return "count_tokens" in self.path


@cache
def every() -> tuple[Recording, ...]:
    paths = cassettes("anthropic") + cassettes("anthropic_count_tokens")
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> Recording:
    data = json.loads(path.read_bytes())
    request, response = data["request"] or {}, data["response"]
    text = response.get("body_text")
    body = (
        text if text is not None else json.dumps(response["body"], ensure_ascii=False)
    )
    stream = text is not None and text.lstrip().startswith("event:")
    url = request.get("url", "https://api.anthropic.com/v1/messages")
    return Recording(
        path.name, url, request.get("body"), response["status"], body.encode(), stream
    )


def requests() -> list[Recording]:
    return [r for r in every() if r.request is not None]


def answers() -> list[Recording]:
    """Whole messages that were a success."""
    whole = [r for r in every() if r.status == 200 and not r.stream and not r.count]
    return [r for r in whole if json.loads(r.body).get("type") == "message"]


def streams() -> list[Recording]:
    return [r for r in every() if r.status == 200 and r.stream]


def names(recordings: list[Recording]) -> list[str]:
    return [r.name[-60:] for r in recordings]


def target(model: str = "claude-x", **more: Any) -> Target:
    more.setdefault("provider", PROVIDER)
    return Target(model=model, base_url=PROVIDER.base_url, credential="key", **more)


def quirky(**quirks: Any) -> Provider:
    return msgspec.structs.replace(PROVIDER, quirks=Quirks(**quirks))


def call(body: dict[str, Any] | bytes | None = None, count: bool = False) -> ChatCall:
    """A client's call, read from its body."""
    if body is None:
        body = {"model": "m", "max_tokens": 1, "messages": []}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    operation = Operation.count_tokens if count else Operation.chat
    return MESSAGES.read_call(raw, Hint(operation=operation))


def decode(body: bytes, size: int | None = None) -> list[Frame]:
    """The frames of a stream that came in pieces of `size`."""
    decoder = UPSTREAM.parse_stream(call())
    size = size or max(len(body), 1)
    frames: list[Frame] = []
    for at in range(0, len(body), size):
        frames += decoder.feed(body[at : at + size])
    return frames + decoder.close()


def deltas(frames: list[Frame]) -> list[Delta]:
    return [delta for frame in frames for delta in frame.deltas]


def response(body: bytes, status: int = 200) -> WireResponse:
    return WireResponse(status, (), body)
