"""Recorded exchanges of OpenAI's media, with what a defect of a recording needs."""

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.framing import multipart
from adapters.framing.multipart import Part
from tests.shared import cassettes

FAMILIES: Final = ("openai_images", "openai_audio", "openai_moderations")
OTHERS: Final = {
    "google-live": "a WebSocket session of Gemini, of no HTTP endpoint",
    "groq-text-to-speech": "placeholder text where sound was",
}
"""Recordings of something else, by a part of their name, and why they are left out."""
UNNAMED: Final = "dall-e-2"
"""OpenAI's model where a request names none; we ask clients to."""
_SPEECH: Final = {"model": "tts-1", "voice": "alloy", "input": "hello"}


@dataclass(frozen=True)
class Recorded:
    """One exchange. `body` and `content_type` are the request's."""

    name: str
    path: str
    body: bytes
    content_type: str
    model: str
    status: int
    kind: str
    answer: bytes


@cache
def recordings() -> tuple[Recorded, ...]:
    """Every recording of the three families that is one of theirs."""
    paths = [path for family in FAMILIES for path in cassettes(family)]
    return tuple(_read(path) for path in paths if _why_not(path) is None)


def _why_not(path: Path) -> str | None:
    return next((why for word, why in OTHERS.items() if word in path.name), None)


def recorded_models() -> list[str]:
    return sorted({found.model for found in recordings()})


def compact(value: Any) -> bytes:
    """JSON without spaces: the one that is left when the model is replaced."""
    return json.dumps(value, separators=(",", ":")).encode()


def _read(path: Path) -> Recorded:
    told = json.loads(path.read_text())
    answer = told["response"]
    kind = _header(answer, "content-type") or "application/json"
    data = _bytes(answer)
    if told["request"] is None:
        where, body, content_type = _made_up(path.name, data)
        if kind.startswith("text/event-stream"):  # as the collector labelled them
            kind = "text/plain" if path.name.find("tts") < 0 else "audio/mpeg"
    else:
        request = told["request"]
        where = urlsplit(request["url"]).path
        where = where[where.index("/v1/") :]
        body, content_type = _bytes(request), _header(request, "content-type")
        if body == b"[multipart form data omitted]":
            body, content_type = _form("whisper-1")
        if mark := multipart.boundary(content_type.encode()):
            end = b"--" + mark + b"--"
            if end not in body:  # large files were cut off
                body += b"\r\n" + end + b"\r\n"
    if b"multipart" not in content_type.encode() and b'"model"' not in body:
        body = compact({**json.loads(body), "model": UNNAMED})
    status = answer.get("status") or 200
    model = _model(body, content_type)
    return Recorded(path.name, where, body, content_type, model, status, kind, data)


def _made_up(name: str, answer: bytes) -> tuple[str, bytes, str]:
    """A request for an answer that was recorded alone."""
    if "moderation" in name:
        body: dict[str, Any] = {"model": "omni-moderation-latest", "input": "hello"}
        return "/v1/moderations", compact(body), "application/json"
    if "image" in name:
        body = {"model": "gpt-image-1", "prompt": "hello"}
        return "/v1/images/generations", compact(body), "application/json"
    if "tts" in name:
        return "/v1/audio/speech", compact(_SPEECH), "application/json"
    format = "vtt" if "vtt" in name else "json"
    form, content_type = _form("whisper-1", format)
    return "/v1/audio/transcriptions", form, content_type


def _form(model: str, format: str = "json") -> tuple[bytes, str]:
    parts = [
        Part(name="model", data=model.encode()),
        Part(name="response_format", data=format.encode()),
        Part(name="file", filename="a.mp3", content_type="audio/mpeg", data=b"ID3"),
    ]
    body, mark = multipart.write(parts)
    return body, multipart.content_type(mark)[1].decode()


def _model(body: bytes, content_type: str) -> str:
    if not content_type.startswith("multipart/"):
        return str(json.loads(body)["model"])
    mark = multipart.boundary(content_type.encode())
    return next(p.text() for p in multipart.read(body, mark) if p.name == "model")


def _header(message: Any, name: str) -> str:
    headers = message.get("headers") or {}
    return next((v for k, v in headers.items() if k.lower() == name), "")


def _bytes(message: Any) -> bytes:
    if "body_base64" in message:
        return base64.b64decode(message["body_base64"])
    if "body_text" in message:
        return str(message["body_text"]).encode()
    return compact(message["body"])
