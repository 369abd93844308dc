"""Each recorded request with the formats in which the same was recorded, too."""

import json
from functools import cache
from typing import Final, NamedTuple

import httpx

from tests.flow.scenarios import recorded
from tests.flow.scenarios.provider import DOORS
from tests.flow.scenarios.recorded import Asked

PATHS: Final = {
    "openai": "/v1/chat/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
}


class Pair(NamedTuple):
    asked: Asked
    format: str
    """Whose provider it is sent to, and who was asked the same natively."""

    @property
    def id(self) -> str:
        return f"{self.asked.id}-to-{self.format}"

    @property
    def alias(self) -> str:
        """A model that does what is asked."""
        own = self.asked.format == "responses" and self.format == "openai"
        thinks = self.asked.told.thinks not in (None, "none", 0, "disabled")
        if own:  # who has both APIs is asked by the client's own
            return "plain"
        return self.format + "-thinks" * (
            thinks and self.format in ("openai", "responses")
        )

    def ask(self, client: httpx.Client) -> httpx.Response:
        asked = self.asked
        if asked.format in PATHS:
            body = {**json.loads(asked.body), "model": self.alias}
            body.pop("anthropic_version", None)
            return client.post(PATHS[asked.format], json=body)
        verb = asked.path.rpartition(":" if asked.format == "gemini" else "/")[2]
        if asked.format == "converse":
            path = f"/bedrock/model/{self.alias}/{verb}"
            return client.post(path, content=asked.body)
        query = f"?{asked.query}" if asked.query else ""
        path = f"/v1beta/models/{self.alias}:{verb}{query}"
        return client.post(path, content=asked.body)


@cache
def every() -> list[Pair]:
    """One for each request, however often it was recorded, and each other format in
    which the same was asked."""
    asked, _ = recorded.read()
    found = []
    for group in recorded.groups(asked):
        formats = {one.format for one in group}
        for one in group:
            if one.format in DOORS:
                found += [Pair(one, f) for f in sorted(formats - {one.format})]
    return found


def of(between: tuple[str, str]) -> list[Pair]:
    """Those of a client's format and a provider's."""
    return [one for one in every() if (one.asked.format, one.format) == between]


_PER_REQUEST: Final = "it gives one answer per request"
_DESCRIBED: Final = "the form's description stands in the schema, where Google has one"
OTHERWISE: Final = {
    "openai_chat-9d9bcc-to-anthropic": ("refused: n", _PER_REQUEST),
    "openai_chat-054aad-to-anthropic": ("refused: n", _PER_REQUEST),
    "openai_chat-780d75-to-anthropic": ("refused: n", _PER_REQUEST),
    "openai_chat-85e685-to-gemini": ("schema", _DESCRIBED),
    "openai_chat-ea6b31-to-gemini": ("schema", _DESCRIBED),
    "gemini-3b02c4-to-anthropic": (
        "schema",
        "a pattern, which it takes in no schema, is told in words",
    ),
}
"""Pairs that differ: in what, and why."""
