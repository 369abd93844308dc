"""The words of a conversation: roles, message parts, tools.

Parts are a tagged union (`kind`), frozen, comparable. `data` is always base64 text
without a `data:` prefix. `Raw` fields keep the JSON bytes of their source.
"""

from typing import Literal

import msgspec
from msgspec import Raw

Role = Literal["system", "developer", "user", "assistant", "tool"]
"""`tool` carries `ToolResult` parts only: one message for all results of a turn."""


class Cache(msgspec.Struct, frozen=True):
    """A prompt-cache marker: everything up to and including this part."""

    ttl: Literal["", "5m", "1h"] = ""
    """Empty: the provider's default."""


class Citation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A source for a stretch of text. What a family has no word for stays in `raw`."""

    url: str = ""
    title: str = ""
    quote: str = ""
    start: int | None = None
    """First character in the answer's text, where the family tells."""
    end: int | None = None
    """One past the last character."""
    raw: Raw = Raw(b"")
    """The family's own citation object; empty when translated."""
    family: str = ""
    """Who wrote `raw`."""


class Text(msgspec.Struct, frozen=True, tag_field="kind", tag="text"):
    """Plain text."""

    text: str
    citations: tuple[Citation, ...] = ()
    cache: Cache | None = None
    signature: str = ""
    """Gemini may sign a text part (`thoughtSignature`); echoed on the next turn."""


class Refusal(msgspec.Struct, frozen=True, tag_field="kind", tag="refusal"):
    """The model's own refusal text."""

    text: str


class Image(msgspec.Struct, frozen=True, tag_field="kind", tag="image"):
    """An image: exactly one of `data`, `url`, `file`."""

    data: str = ""
    media_type: str = ""
    url: str = ""
    file: str = ""
    """A file id of the provider."""
    detail: str = ""
    cache: Cache | None = None
    signature: str = ""


class Audio(msgspec.Struct, frozen=True, tag_field="kind", tag="audio"):
    """Audio, in or out; `id` refers to audio the model made earlier."""

    data: str = ""
    format: str = ""
    """`wav`, `mp3`, ...: the subtype, without `audio/`."""
    id: str = ""
    transcript: str = ""
    expires_at: int = 0
    """Unix seconds; 0 when not told."""
    url: str = ""
    cache: Cache | None = None


class Document(msgspec.Struct, frozen=True, tag_field="kind", tag="document"):
    """A file the model should read: one of `data`, `url`, `text`, `file`."""

    data: str = ""
    media_type: str = ""
    url: str = ""
    text: str = ""
    file: str = ""
    name: str = ""
    title: str = ""
    context: str = ""
    citations: bool = False
    """Whether the model is asked to cite it."""
    cache: Cache | None = None


class Thinking(msgspec.Struct, frozen=True, tag_field="kind", tag="thinking"):
    """Reasoning that was shown, or hidden behind `redacted`."""

    text: str = ""
    signature: str = ""
    """Opaque proof that the provider wants back on the next turn."""
    redacted: str = ""
    """Opaque encrypted reasoning; `text` is empty then."""
    family: str = ""
    """Whose signature it is: only that family is given it back."""
    id: str = ""
    """The provider's own name for this piece of reasoning, where it has one."""


class ToolUse(msgspec.Struct, frozen=True, tag_field="kind", tag="tool_use"):
    """The model asks for a tool. `arguments` is JSON text, exactly as generated."""

    id: str
    name: str
    arguments: str = "{}"
    signature: str = ""
    custom: bool = False
    """An OpenAI custom tool: `arguments` is free text, not JSON."""
    cache: Cache | None = None


class ToolResult(msgspec.Struct, frozen=True, tag_field="kind", tag="tool_result"):
    """What a tool said."""

    id: str
    """The `ToolUse.id` it answers."""
    parts: tuple["Text | Image | Document | Audio | Opaque", ...] = ()
    name: str = ""
    """The tool's name, where known (Gemini wants it)."""
    is_error: bool = False
    cache: Cache | None = None


class Opaque(msgspec.Struct, frozen=True, tag_field="kind", tag="opaque"):
    """A part only `family` understands (server tools, executable code): carried whole.

    A writer of the same family puts `raw` back byte for byte; any other leaves it out
    and names `label` among what it dropped.
    """

    family: str
    label: str
    raw: Raw


Part = (
    Text | Refusal | Image | Audio | Document | Thinking | ToolUse | ToolResult | Opaque
)


class Message(msgspec.Struct, frozen=True):
    """One turn of one speaker."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str = ""

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(p.text for p in self.parts if isinstance(p, Text))


class Tool(msgspec.Struct, frozen=True):
    """A tool the model may use. `kind`: `function`, `custom`, or a family's own.

    Family-owned tools (web search, code execution) have `kind` `"opaque"`, the family
    in `family` and their JSON in `raw`.
    """

    name: str
    description: str = ""
    schema: Raw = Raw(b"")
    """JSON Schema of the arguments, as the client wrote it; empty when absent."""
    strict: bool | None = None
    kind: Literal["function", "custom", "opaque"] = "function"
    raw: Raw = Raw(b"")
    family: str = ""
    cache: Cache | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    """Which tools the model must, may or must not use."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    names: tuple[str, ...] = ()
    """`tool`: the one to use; `auto` and `required`: those allowed, all if empty."""


class ResponseFormat(msgspec.Struct, frozen=True):
    """The form of the answer: `json` is any JSON, `schema` one that fits `schema`."""

    mode: Literal["text", "json", "schema"] = "text"
    name: str = ""
    description: str = ""
    schema: Raw = Raw(b"")
    strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True):
    """How much the model should think, and whether it should show it."""

    enabled: bool | None = None
    """`None`: the model's default; `False`: asked not to."""
    effort: str = ""
    """`none minimal low medium high xhigh max`; empty when not said."""
    budget: int | None = None
    """Thinking tokens; -1 lets the provider choose."""
    show: bool | None = None
    """Whether thoughts, or summaries of them, should be in the answer."""
