"""The recorded exchanges of the family, read once."""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from adapters.contract import Hint, Operation, Provider, Quirks, Target, WireResponse
from adapters.gemini.family import GENERATE
from adapters.normal.chat import ChatCall
from tests.shared import cassettes

BASE = "https://generativelanguage.googleapis.com/v1beta"
PROVIDER = Provider(id="gemini", family="gemini", base_url=BASE, auth="x-goog-api-key")
DIALECT = "gemini.generate"

NO_ANSWER = {
    "FirebaseExtended_vertexai-sdk-test-data__mock-responses-schema-open-api-schema.json_a98de4.json": "a schema, not an answer",
    "prism-php_prism__tests-Fixtures-gemini-use-cache-with-structured-1.json_01f584.json": "a cached content, not an answer",
}
"""Recordings of 200 that are not of generateContent."""

NO_STREAM = {
    "prism-php_prism__tests-Fixtures-gemini-stream-basic-text-1.sse_3bf991.json": "the blank lines between the events were lost",
}
"""Streams that the recording damaged."""


class Recording(NamedTuple):
    """One exchange; `request` is `None` where only the answer was kept."""

    name: str
    url: str
    request: dict[str, Any] | None
    status: int
    body: bytes
    kind: str
    """`whole`, `events`, `array` or `error`."""

    @property
    def model(self) -> str:
        return self.url.partition("/models/")[2].partition(":")[0] or "gemini-2.5-flash"


def _read(path: Path) -> Recording:
    data = json.loads(path.read_bytes())
    request, response = data["request"] or {}, data["response"]
    text = response.get("body_text")
    if text is None:
        text = json.dumps(response["body"], ensure_ascii=False)
    kind = "whole"
    if response["status"] != 200:
        kind = "error"
    elif response.get("body_text") is not None:
        kind = "events"
    elif isinstance(response["body"], list):
        kind = "array"
    url = request.get("url", "")
    asked = request.get("body")
    return Recording(path.name, url, asked, response["status"], text.encode(), kind)


@cache
def every(family: str = "gemini") -> tuple[Recording, ...]:
    return tuple(_read(path) for path in cassettes(family))


def requests() -> list[Recording]:
    return [r for r in every() if r.request and "contents" in r.request]


def wholes() -> list[Recording]:
    return [r for r in every() if r.kind == "whole" and r.name not in NO_ANSWER]


def streams() -> list[Recording]:
    return [r for r in every() if r.kind == "events" and r.name not in NO_STREAM]


def arrays() -> list[Recording]:
    return [r for r in every() if r.kind == "array"]


def names(recordings: list[Recording]) -> list[str]:
    return [r.name.rpartition("_")[2].removesuffix(".json") for r in recordings]


def target(model: str = "gemini-2.5-flash", **more: Any) -> Target:
    settings = {"base_url": BASE, "provider": PROVIDER, "credential": "secret"} | more
    return Target(model=model, **settings)


def vertex(model: str = "gemini-2.5-flash") -> Target:
    provider = Provider(
        id="vertex_ai",
        family="gemini",
        base_url="",
        quirks=Quirks(extra={"count_tokens": "flat"}),
    )
    base = (
        "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google"
    )
    return Target(model=model, base_url=base, provider=provider, credential="token")


def call(
    body: bytes | dict[str, Any] | None = None,
    *,
    stream: bool = False,
    query: str = "",
    count: bool = False,
    model: str = "alias",
) -> ChatCall:
    if body is None:
        body = {"contents": [{"parts": [{"text": "hi"}]}]}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    operation = Operation.count_tokens if count else Operation.chat
    hint = Hint(model=model, operation=operation, stream=stream, query=query)
    return GENERATE.read_call(raw, hint)


def response(body: bytes | dict[str, Any], status: int = 200) -> WireResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WireResponse(status, ((b"content-type", b"application/json"),), raw)
