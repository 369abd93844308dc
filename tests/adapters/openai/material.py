"""The recordings of the OpenAI family, as bytes that went and came."""

import base64
import json
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from adapters.contract import Hint, Provider, Target, WireResponse
from adapters.normal.chat import ChatCall
from adapters.openai.family import CHAT
from tests.shared import cassettes

OPERATIONS = frozenset({"chat", "complete", "embed"})


class Recording(NamedTuple):
    name: str
    """The file's last letters: enough to find it, the same on every machine."""
    provider: str
    features: tuple[str, ...]
    request: bytes
    """Empty where the source kept none."""
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    stream: bool
    form: str

    def response(self) -> WireResponse:
        return WireResponse(self.status, self.headers, self.body)

    def hint(self) -> Hint:
        """The model in the path, where the body names none: the path's would count."""
        try:
            named = json.loads(self.request).get("model")
        except ValueError:
            named = None
        return Hint(model="" if named else "model-of-the-path")

    def call(self) -> ChatCall:
        """The recorded call, or a plain one where none was recorded."""
        plain = {"model": "unknown", "messages": [], "stream": self.stream}
        return CHAT.read_call(self.request or json.dumps(plain).encode(), self.hint())

    def asking(self, usage: bool) -> ChatCall:
        """The recorded call, with usage in the stream asked for, or not."""
        body = (
            json.loads(self.request)
            if self.request
            else {"model": "unknown", "messages": []}
        )
        body["stream"] = True
        body["stream_options"] = {"include_usage": usage}
        return CHAT.read_call(json.dumps(body).encode(), self.hint())

    def chunks(self) -> list[dict[str, Any]]:
        """The JSON of every data line, read the slow way."""
        found = []
        for line in (
            self.body.decode(errors="replace").replace("\r\n", "\n").split("\n")
        ):
            if line.startswith("data:") and line[5:].strip() != "[DONE]":
                try:
                    found.append(json.loads(line[5:]))
                except ValueError:
                    continue
        return found


def target(recording: Recording, **more: Any) -> Target:
    provider = Provider(
        id=recording.provider,
        family="openai",
        base_url="https://up.test/v1",
        operations=OPERATIONS,
    )
    settings = {"model": "the-model", "base_url": provider.base_url, "credential": "k"}
    return Target(**{**settings, "provider": provider, **more})


@lru_cache(maxsize=3)
def recordings(family: str) -> tuple[Recording, ...]:
    return tuple(_read(family))


def whole(family: str = "openai_chat") -> list[Recording]:
    return [r for r in recordings(family) if r.status < 400 and not r.stream]


def streams(family: str = "openai_chat") -> list[Recording]:
    return [r for r in recordings(family) if r.status < 400 and r.stream]


def _read(family: str) -> Iterator[Recording]:
    for path in cassettes(family):
        told = json.loads(path.read_bytes())
        asked, answered = told.get("request") or {}, told["response"]
        body = _bytes(answered)
        yield Recording(
            path.stem[-40:],
            told["provider"],
            tuple(told["features"]),
            _bytes(asked),
            answered["status"],
            tuple(
                (k.lower().encode(), str(v).encode())
                for k, v in (answered.get("headers") or {}).items()
            ),
            body,
            body.lstrip()[:5] in (b"data:", b"event", b": OPE")
            or b"\ndata:" in body[:400],
            answered.get("form") or "",
        )


def _bytes(side: dict[str, Any]) -> bytes:
    if side.get("body") is not None:
        return json.dumps(side["body"], ensure_ascii=False).encode()
    if "body_text" in side:
        return side["body_text"].encode()
    if "body_base64" in side:
        data = base64.b64decode(side["body_base64"])
        if data[:2] == b"\x1f\x8b":  # one recording was not content-decoded, and is cut
            return zlib.decompressobj(wbits=31).decompress(data)
        return data
    return b""
