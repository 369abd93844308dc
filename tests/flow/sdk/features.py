"""What a feature is, and the words that all of them are asked with: how with each SDK, what each provider must hear,
what it answers, and what the user must see.

A feature that a dialect has no words for is not asked in it: see `matrix.UNASKABLE`.
The echo model does on request what the providers are scripted to do, so that what the
user sees is checked alike.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.genai import types as gt

from tests.flow.sdk.clients import Got
from tests.flow.sdk.heard import Heard, Part
from tests.harness.answers import (
    Answer,
    Cited,
)

Json = dict[str, Any]

PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\xff\xfe"
)
WAV: Final = b"RIFF$\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00\xfb\xef\xbe"
PICTURE: Final = "https://example.com/cat.png"

CITY: Final[Json] = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Zürich"]}},
    "required": ["city"],
    "additionalProperties": False,
}
ZONE: Final[Json] = {
    "type": "object",
    "properties": {"zone": {"type": "string", "enum": ["UTC"]}},
    "required": ["zone"],
    "additionalProperties": False,
}
ZURICH: Final = {"city": "Zürich"}
UTC: Final = {"zone": "UTC"}
TOLD: Final = "Tells the weather."
THOUGHT: Final = "The user wants an answer. Repeating what was said is the safest one."
"""What the echo model thinks, too."""
REFUSED: Final = "I will not do that, because you asked me to refuse."
SIGNATURE: Final = "RXFrQkNrZ0lBeEFCR0FJcVFLdnZ6"
SOURCE: Final = Cited("https://example.com/echo", "What you said")

STOPS: Final = {
    "openai": {
        "end": "stop",
        "length": "length",
        "tools": "tool_calls",
        "filtered": "content_filter",
    },
    "anthropic": {
        "end": "end_turn",
        "length": "max_tokens",
        "tools": "tool_use",
        "filtered": "refusal",
    },
    "gemini": {
        "end": "STOP",
        "length": "MAX_TOKENS",
        "tools": "STOP",
        "filtered": "SAFETY",
    },
}


@dataclass(frozen=True)
class Cell:
    """One square of the matrix."""

    dialect: str
    family: str
    stream: bool
    how: str
    """`sync` or `async`."""


def nothing(_: Heard, __: Cell) -> None:
    """Nothing in particular need be heard."""


@dataclass(frozen=True)
class Feature:
    """One line of the matrix."""

    name: str
    asks: Mapping[str, Json]
    """dialect -> arguments for its SDK, without the model."""
    answer: Answer
    shown: Callable[[Got, Cell], None]
    heard: Callable[[Heard, Cell], None] = nothing
    thinks: bool = False
    """Ask a model that reasons."""


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def plain(found: Heard) -> list[tuple[str, list[Part]]]:
    """The turns without the ids and signatures of calls."""
    return [
        (who, [p[:3] if p[0] == "call" else p for p in parts])
        for who, parts in found.turns
    ]


def everything(found: Heard) -> list[Part]:
    """All parts of all turns, those of tool results too."""
    flat = [part for _, parts in found.turns for part in parts]
    inner = [one for part in flat if part[0] == "result" for one in part[2]]
    return flat + inner


def says(text: str, stop: str = "end") -> Callable[[Got, Cell], None]:
    def check(got: Got, cell: Cell) -> None:
        assert got.text == text
        assert got.stop == STOPS[cell.dialect][stop]

    return check


def hears(*parts: Part) -> Callable[[Heard, Cell], None]:
    """One turn of the user's, and nothing else."""

    def check(found: Heard, _: Cell) -> None:
        assert found.turns == [("user", list(parts))]
        assert found.system == []

    return check


def chat(prompt: Any, **more: Any) -> Json:
    """OpenAI's: one user message."""
    return {"messages": [{"role": "user", "content": prompt}], **more}


def ask(prompt: Any, **more: Any) -> Json:
    """Anthropic's: one user message."""
    return {"max_tokens": 4000, **chat(prompt, **more)}


def generate(prompt: Any, **more: Any) -> Json:
    """Google's: one content."""
    config = gt.GenerateContentConfig(**more) if more else None
    return {"contents": prompt, "config": config}


def function(name: str, schema: Json, told: str = TOLD) -> dict[str, Any]:
    """The same tool, as each SDK defines it."""
    declared = gt.FunctionDeclaration(
        name=name, description=told, parameters_json_schema=schema
    )
    return {
        "openai": {
            "type": "function",
            "function": {"name": name, "description": told, "parameters": schema},
        },
        "anthropic": {"name": name, "description": told, "input_schema": schema},
        "gemini": gt.Tool(function_declarations=[declared]),
    }


WEATHER: Final = function("weather", CITY)
CLOCK: Final = function("clock", ZONE, "Tells the time.")


def calling(mode: str, *names: str) -> gt.ToolConfig:
    """Google's tool choice."""
    config = gt.FunctionCallingConfig(
        mode=gt.FunctionCallingConfigMode(mode), allowed_function_names=[*names] or None
    )
    return gt.ToolConfig(function_calling_config=config)


def no_afc() -> gt.AutomaticFunctionCallingConfig:
    return gt.AutomaticFunctionCallingConfig(disable=True)
