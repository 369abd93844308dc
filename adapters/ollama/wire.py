"""What is read of Ollama's API: its structs and words.

Source: github.com/ollama/ollama, docs/api.md (0.12 to 0.14), and recordings of
2025 and 2026.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.normal.chat import StopReason
from adapters.normal.usage import Usage

TITLE: Final = "Ollama"
CHAT: Final = "ollama.chat"
NONE: Final = Raw(b"")
BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)

STOPS: Final[dict[str, StopReason]] = {
    "stop": "end",
    "length": "length",
    "load": "end",
    "unload": "end",
}
"""A word that is not here counts as `end`, and is kept as the native one."""

encode: Final = msgspec.json.Encoder().encode


class Function(msgspec.Struct, frozen=True):
    """What is called. `arguments` is an object; very old models wrote its text."""

    name: str = ""
    arguments: Raw = NONE


class Call(msgspec.Struct, frozen=True):
    """A tool call; before 0.13 it had no id."""

    id: str | None = None
    function: Function = Function()


class Message(msgspec.Struct, frozen=True):
    """What the model says, or a piece of it."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None


class Answer(msgspec.Struct, frozen=True):
    """A whole answer, or a line of a streamed one; the counts come with `done`."""

    model: str = ""
    created_at: str = ""
    message: Message | None = None
    response: str | None = None
    """Of /api/generate, in place of a message."""
    thinking: str | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: list[Raw] | None = None
    error: Raw = NONE


class Vectors(msgspec.Struct, frozen=True):
    """The answer of /api/embed."""

    embeddings: list[tuple[float, ...]]
    model: str = ""
    prompt_eval_count: int | None = None


answer = msgspec.json.Decoder(Answer).decode
vectors = msgspec.json.Decoder(Vectors).decode


def usage(told: Answer) -> Usage | None:
    """The counts. A prompt that was kept from the last turn is not always counted."""
    if told.prompt_eval_count is None and told.eval_count is None:
        return None
    return Usage(input=told.prompt_eval_count or 0, output=told.eval_count or 0)
