"""Realtime sessions: where families have them, and what their messages tell.

Sources: OpenAI's realtime guide (WebSocket) and its copies at Azure and xAI; Google's
Live API (`BidiGenerateContent`), as google-genai 3.4.0 opens it on Vertex AI too.
Messages are handed on as they are.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from adapters.contract import Target
from adapters.errors import BadCall
from adapters.meter import read
from adapters.normal.usage import Usage

FAMILIES: Final = frozenset({"openai", "gemini"})
LIVE: Final = "google.ai.generativelanguage"
VERTEX: Final = "google.cloud.aiplatform"
VERTEX_SERVICE: Final = "LlmBidiService/BidiGenerateContent"
_PROJECT: Final = "/projects/"
_DEPLOYMENT: Final = "/deployments/{model}"
_VERSION: Final = re.compile(r"/(v\d\w*)$")
_DONE: Final = ("response.done", "usageMetadata")
"""Marks of messages that tell usage: OpenAI's and Google's."""

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def address(target: Target, query: str) -> str:
    """The URL of a session with the target's model, `http(s)` for `ws(s)`; `query`:
    what else the client asked for there, encoded."""
    base = target.base_url
    if target.provider.family == "gemini" and _PROJECT in base:
        url = f"{_origin(base)}/ws/{VERTEX}.v1beta1.{VERTEX_SERVICE}"
        return f"{url}?{query}" if query else url
    if target.provider.family == "gemini":
        found = _VERSION.search(base)
        root, version = (base[: found.start()], found[1]) if found else (base, "v1beta")
        url = f"{root}/ws/{LIVE}.{version}.GenerativeService.BidiGenerateContent"
        return f"{url}?{query}" if query else url
    more = f"&{query}" if query else ""
    model = quote(target.model, safe="")
    base, _, version = base.partition("?")
    if _DEPLOYMENT in base:  # Azure's dated API
        base = base.replace(_DEPLOYMENT, "")
        return f"{base}/realtime?{version}&deployment={model}{more}"
    version = f"{version}&" if version else ""
    return f"{base}/realtime?{version}model={model}{more}"


def native(target: Target) -> str:
    """The name by which a Live session's setup must call the target's model."""
    _, found, project = target.base_url.partition(_PROJECT)
    if not found:
        return f"models/{target.model}"
    return f"projects/{project}/publishers/google/models/{target.model}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def setup_model(message: str | bytes) -> str:
    """The model that a Live client's first message asks for.

    Raises:
        BadCall: it is no setup.
    """
    setup = _setup(_object(message))
    model = setup.get("model")
    if not isinstance(model, str) or not model:
        raise BadCall("the first message must be a setup that names a model", "setup")
    return model.rpartition("models/")[2]  # Vertex AI's names say where, too


def with_model(message: str | bytes, name: str) -> str | bytes:
    """The first message for a model of another name; itself where that is the same."""
    said = _object(message)
    setup = _setup(said)
    if setup.get("model") == name:
        return message
    setup["model"] = name
    data = _encode(said)
    return data.decode() if isinstance(message, str) else data


def _object(message: str | bytes) -> dict[str, Any]:
    try:
        said = _decode(message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadCall("the first message must be a JSON object", "setup")
    return said


def _setup(said: Mapping[str, Any]) -> dict[str, Any]:
    setup = said.get("setup")
    if not isinstance(setup, dict):
        raise BadCall("the first message must be a setup", "setup")
    return setup


class Tally:
    """Adds up what a session's answers used."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.answers = 0

    def hear(self, message: str | bytes) -> None:
        """A message of the provider."""
        if isinstance(message, str):
            if not any(mark in message for mark in _DONE):
                return
        elif not any(mark.encode() in message for mark in _DONE):
            return
        try:
            said = _decode(message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return
        used = read(_told(said)) if isinstance(said, dict) else None
        if used is not None:
            self.answers += 1
            self.usage = used if self.usage is None else self.usage.plus(used)


def _told(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The usage of a message, if it is one that tells it."""
    told = said.get("usageMetadata")
    if said.get("type") == "response.done":
        response = said.get("response")
        inner = response.get("usage") if isinstance(response, dict) else None
        told = inner or said.get("usage")  # xAI's stands beside an empty one
    return told if isinstance(told, dict) else {}
