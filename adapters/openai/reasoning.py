"""Where thoughts stand in OpenAI-shaped messages, which has no official place.

Three conventions, all read, the richest one wins:

* `thinking_blocks` (LiteLLM): Anthropic's blocks, with their signatures;
* `reasoning_details` (OpenRouter, Vercel): typed pieces with signatures or encrypted
  data, and a `format` that says whose they are;
* `reasoning_content` (DeepSeek, xAI, Z.AI, Qwen, Moonshot) or `reasoning` (Groq,
  Cerebras, Ollama, vLLM): text alone.

Written are `reasoning_content`, and whichever of the others keeps a signature: a client
that echoes the message gives the next turn everything the provider wants back. List
entries carry `index`, without which the official SDK cannot accumulate a stream.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.normal.content import Thinking
from adapters.normal.delta import ThinkDelta
from adapters.openai.wire import ABSENT, Reasons, present, value

ANTHROPIC: Final = "anthropic"
FORMATS: Final = {
    "anthropic-claude-v1": ANTHROPIC,
    "google-gemini-v1": "gemini",
    "openai-responses-v1": "openai.responses",
    "azure-openai-responses-v1": "openai.responses",
    "xai-responses-v1": "xai",
}
"""OpenRouter's `format` -> whose signature it is."""
_FORMAT_OF: Final = {
    ANTHROPIC: "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "openai.responses": "openai-responses-v1",
    "xai": "xai-responses-v1",
}
UNKNOWN: Final = "unknown"
FIELDS: Final = frozenset(
    {"reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"}
)


_TRAVELLERS: Final = tuple(
    f'"{name}"'.encode()
    for name in (
        "reasoning_content",
        "thinking_blocks",
        "reasoning_details",
        "extra_content",
    )
)


def travels(body: bytes) -> bool:
    """Whether a client may be sending thoughts back: OpenAI itself has no place for
    them and refuses the call."""
    return b'"assistant"' in body and any(name in body for name in _TRAVELLERS)


def take(message: dict[str, Raw]) -> Reasons:
    """The fields of reasoning, out of a message of a request."""
    return Reasons(**{name: message.pop(name, ABSENT) for name in FIELDS})


def read(found: Reasons) -> list[Thinking]:
    """What was thought."""
    if present(found.thinking_blocks):
        thoughts = [t for e in _entries(found.thinking_blocks) if (t := _block(e))]
        if thoughts:
            return thoughts
    if present(found.reasoning_details):
        thoughts = [t for e in _entries(found.reasoning_details) if (t := _detail(e))]
        if thoughts:
            return thoughts
    for raw in (found.reasoning_content, found.reasoning):
        if present(raw):
            text = value.decode(raw)
            if isinstance(text, str) and text:
                return [Thinking(text)]
    return []


def deltas(found: Reasons, choice: int) -> list[ThinkDelta]:
    """The same, as pieces of a stream."""
    return [
        ThinkDelta(t.text, t.signature, t.redacted, choice, t.family, t.id)
        for t in read(found)
    ]


def write(thoughts: Iterable[Thinking]) -> dict[str, Any]:
    """Fields of a whole message."""
    told = list(thoughts)
    out: dict[str, Any] = {}
    if text := "".join(t.text for t in told):
        out["reasoning_content"] = text
    if not any(t.signature or t.redacted for t in told):
        return out
    if all(t.family == ANTHROPIC for t in told):
        out["thinking_blocks"] = [_as_block(t) for t in told]
    else:
        out["reasoning_details"] = details(told)
    return out


def details(thoughts: Iterable[Thinking]) -> list[dict[str, Any]]:
    """`reasoning_details`, the whole of it."""
    return [{**_as_detail(t), "index": i} for i, t in enumerate(thoughts)]


class Pieces:
    """`ThinkDelta`s of one choice -> fields of its `delta`s."""

    __slots__ = ("_at", "_open", "_plain")

    def __init__(self) -> None:
        self._at = 0
        self._open = False
        self._plain: list[str] = []
        """Text so far of a thought that is nobody's yet: whose, its signature tells."""

    def write(self, delta: ThinkDelta) -> dict[str, Any]:
        """The fields for one more piece."""
        out: dict[str, Any] = {}
        if delta.text:
            out["reasoning_content"] = delta.text
        if not delta.family and not delta.signature and not delta.redacted:
            self._plain.append(delta.text)
            return out
        if delta.redacted and self._open:
            self._next()
        text = "" if delta.redacted else "".join([*self._plain, delta.text])
        self._plain.clear()
        thought = Thinking(
            text, delta.signature, delta.redacted, delta.family, delta.id
        )
        if delta.family == ANTHROPIC:
            entry = {"index": self._at, **_as_block(thought, whole=False)}
            out["thinking_blocks"] = [entry]
        else:
            entry = {"index": self._at, **_as_detail(thought, whole=False)}
            if self._open:  # an accumulator would write it twice
                entry.pop("format", None)
                entry.pop("id", None)
            out["reasoning_details"] = [entry]
        self._open = True
        if delta.signature or delta.redacted:
            self._next()
        return out

    def close(self) -> None:
        """Something else was said: the next thought is another one."""
        self._plain.clear()
        if self._open:
            self._next()

    def _next(self) -> None:
        self._at += 1
        self._open = False


def _entries(raw: Raw) -> list[Mapping[str, Any]]:
    found = value.decode(raw)
    if not isinstance(found, list):
        return []
    return [entry for entry in found if isinstance(entry, dict)]


def _str(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""


def _block(entry: Mapping[str, Any]) -> Thinking | None:
    if redacted := _str(entry, "data"):
        return Thinking(redacted=redacted, family=ANTHROPIC)
    text, signature = _str(entry, "thinking"), _str(entry, "signature")
    if not text and not signature:
        return None
    return Thinking(text, signature, family=ANTHROPIC)


def _detail(entry: Mapping[str, Any]) -> Thinking | None:
    family = _family(_str(entry, "format"))
    id_ = _str(entry, "id")
    if data := _str(entry, "data"):
        return Thinking(redacted=data, family=family, id=id_)
    text = _str(entry, "text") or _str(entry, "summary")
    signature = _str(entry, "signature")
    if not text and not signature:
        return None
    return Thinking(text, signature, family=family, id=id_)


def _family(form: str) -> str:
    """Whose it is. OpenRouter tells the format with every piece of a stream, and an
    accumulator makes one word of them all."""
    if form in FORMATS:
        return FORMATS[form]
    known = (family for name, family in FORMATS.items() if form.startswith(name))
    return next(known, UNKNOWN)


def _as_block(thought: Thinking, *, whole: bool = True) -> dict[str, Any]:
    if thought.redacted:
        return {"type": "redacted_thinking", "data": thought.redacted}
    block: dict[str, Any] = {"type": "thinking"}
    if thought.text or whole:
        block["thinking"] = thought.text
    if thought.signature or whole:
        block["signature"] = thought.signature
    return block


def _as_detail(thought: Thinking, *, whole: bool = True) -> dict[str, Any]:
    entry: dict[str, Any]
    if thought.redacted:
        entry = {"type": "reasoning.encrypted", "data": thought.redacted}
    elif thought.family == "openai.responses":
        entry = {"type": "reasoning.summary", "summary": thought.text}
    else:
        entry = {"type": "reasoning.text"}
        if thought.text or whole:
            entry["text"] = thought.text
        if thought.signature:
            entry["signature"] = thought.signature
    if thought.id:
        entry["id"] = thought.id
    if thought.family:
        entry["format"] = _FORMAT_OF.get(thought.family, UNKNOWN)
    return entry


def signature(extra_content: Raw) -> str:
    """Google's signature of a thought: `extra_content.google.thought_signature`."""
    if not present(extra_content):
        return ""
    try:
        google = value.decode(extra_content).get("google")
        found = google.get("thought_signature")
    except (AttributeError, msgspec.MsgspecError):
        return ""
    return found if isinstance(found, str) else ""


def signed(found: str) -> dict[str, Any]:
    """`extra_content` that carries Google's signature."""
    return {"extra_content": {"google": {"thought_signature": found}}}
