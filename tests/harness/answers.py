"""What a scripted provider says, in no one's words: see `tests.harness.providers`."""

import json
import math
import struct
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]


@dataclass(frozen=True)
class Thought:
    """Reasoning; OpenAI's chat completions count it and do not show it."""

    text: str
    signature: str = ""
    redacted: bool = False
    """Anthropic's encrypted kind: `signature` is the data."""


@dataclass(frozen=True)
class Cited:
    """A web page, as the source of the text it stands beside."""

    url: str
    title: str


@dataclass(frozen=True)
class Said:
    text: str
    cited: Cited | None = None


@dataclass(frozen=True)
class Called:
    name: str
    arguments: Json
    signature: str = ""
    """Gemini's, on the call."""


@dataclass(frozen=True)
class Declined:
    """A refusal. OpenAI words it, Anthropic and Google only stop."""

    text: str


@dataclass(frozen=True)
class Tokens:
    """Totals include their parts."""

    input: int = 21
    cached: int = 0
    written: int = 0
    """To the prompt cache; Anthropic tells."""
    output: int = 9
    reasoning: int = 0


Part = Thought | Said | Called | Declined


@dataclass(frozen=True)
class Answer:
    """What the model says. `stop`: `end`, `length`, `tools`, `filtered`, `refusal`, or
    the sequence that stopped it."""

    parts: tuple[Part, ...] = ()
    stop: str = "end"
    tokens: Tokens = Tokens()


GREETING: Final = Answer((Said("Grüße! 🙂"),))


def vector(text: str, size: int) -> list[float]:
    """A unit vector that float32 holds exactly enough to be compared."""
    raw = [float((ord(text[i % len(text)]) * (i + 3)) % 17 + 1) for i in range(size)]
    length = math.sqrt(sum(x * x for x in raw))
    packed = struct.pack(f"<{size}f", *(x / length for x in raw))
    return list(struct.unpack(f"<{size}f", packed))


def pieces(text: str, size: int = 7) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)] or [""]


def event(value: Json, end: str = "\n\n") -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}{end}".encode()
