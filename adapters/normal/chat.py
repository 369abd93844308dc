"""A chat call and its answer, in no one's dialect.

`ChatCall` is what a door reads: a cheap head, and the conversation only when somebody
asks. `Conversation` is the whole meaning; `ChatResult` the whole answer.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

import msgspec
from msgspec import Raw

from adapters.errors import Garbled
from adapters.normal.content import (
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from adapters.normal.usage import Usage

StopReason = Literal[
    "end",
    "stop_sequence",
    "length",
    "context_window",
    "tool_use",
    "filtered",
    "refusal",
    "pause",
    "error",
]
"""Why the model stopped. `pause`: it wants the turn handed back to go on."""

Asked = Literal["chat", "complete", "count_tokens", "compact"]
"""What is wanted of a conversation."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a chat call means. Absent is `None` or empty, never a guess."""

    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Raw = Raw(b"")
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    user: str = ""
    metadata: Raw = Raw(b"")
    """A JSON object of strings."""
    service_tier: str = ""
    verbosity: str = ""
    modalities: tuple[str, ...] = ()
    audio: Raw = Raw(b"")
    """OpenAI's audio output settings, as written."""
    prediction: Raw = Raw(b"")
    cache_key: str = ""
    cache_retention: str = ""
    safety_identifier: str = ""
    store: bool | None = None
    extra: dict[str, Raw] = {}
    """Top-level fields the door does not know, by name: a writer of the same family
    puts them back, another names them among what it dropped."""


class ChatCall:
    """One chat (or legacy completion, or token count) request, as its door read it.

    The head is decoded at once; `conversation()` decodes the rest on first use and
    remembers. `raw` is the client's body: an upstream that speaks `dialect` splices
    the model into it; whoever alters the meaning makes a new call without it.
    """

    __slots__ = (
        "_conversation",
        "_read",
        "dialect",
        "headers",
        "include_usage",
        "max_tokens",
        "metadata",
        "model",
        "operation",
        "query",
        "raw",
        "received",
        "stream",
        "user",
    )

    def __init__(
        self,
        *,
        model: str,
        dialect: str,
        raw: bytes = b"",
        operation: Asked = "chat",
        stream: bool = False,
        include_usage: bool = False,
        max_tokens: int | None = None,
        user: str = "",
        metadata: bytes = b"",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        query: str = "",
        read: Callable[[bytes], Conversation] | None = None,
        conversation: Conversation | None = None,
    ) -> None:
        self.model = model
        """As the client named it: an alias until routing resolves it."""
        self.dialect = dialect
        self.raw = raw
        self.operation = operation
        self.stream = stream
        self.include_usage = include_usage
        """The client asked for usage in the stream (always so but for OpenAI's)."""
        self.max_tokens = max_tokens
        self.user = user
        self.metadata = metadata
        """The client's own notes as JSON, in the dialects that have such an object of
        strings; empty without."""
        self.headers = headers
        """Client headers that an upstream of the same dialect is given
        (`anthropic-beta`, `openai-beta`, ...); lower-case names."""
        self.query = query
        """The door's query string where it changes the answer's form (`alt=sse`)."""
        self.received = 0
        """Unix seconds at which it came, set by whoever has a clock: when the answer
        was made, for families that do not tell."""
        self._read = read
        self._conversation = conversation

    events = True
    boundary = b""

    @property
    def prompt_bytes(self) -> int:
        """Bytes of the body, of which media are told apart by their marks; of a call
        without one, those of its words."""
        if self.raw or self._conversation is None:
            return len(self.raw)
        return sum(len(message.text) for message in self._conversation.messages)

    def altered(self, conversation: Conversation) -> "ChatCall":
        """The same call with another meaning, and so without its bytes."""
        call = ChatCall(
            model=self.model,
            dialect=self.dialect,
            operation=self.operation,
            stream=self.stream,
            include_usage=self.include_usage,
            max_tokens=self.max_tokens,
            user=self.user,
            metadata=self.metadata,
            headers=self.headers,
            query=self.query,
            conversation=conversation,
        )
        call.received = self.received
        return call

    def whole(self, raw: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> "ChatCall":
        """The same call, to be answered whole; `raw` says so in its dialect."""
        call = ChatCall(
            model=self.model,
            dialect=self.dialect,
            raw=raw,
            operation=self.operation,
            max_tokens=self.max_tokens,
            user=self.user,
            metadata=self.metadata,
            headers=headers,
            query=self.query,
            read=self._read,
            conversation=self._conversation,
        )
        call.received = self.received
        return call

    def conversation(self) -> Conversation:
        """The whole meaning.

        Raises:
            BadCall: the body does not follow the dialect.
        """
        if self._conversation is None:
            if self._read is None:
                raise LookupError("a call needs a body to read or a conversation")
            self._conversation = self._read(self.raw)
        return self._conversation


class Choice(msgspec.Struct, frozen=True):
    """One answer of the model (`n` asks for several)."""

    index: int = 0
    parts: tuple[Part, ...] = ()
    stop: StopReason | None = None
    native_stop: str = ""
    """The family's own word."""
    stop_sequence: str | None = None
    logprobs: Raw = Raw(b"")
    """OpenAI's `logprobs` object; other families translate to it."""
    extra: dict[str, Raw] = {}
    """The family's own fields of this choice (safety ratings, grounding)."""


class ChatResult:
    """A whole answer. `choices` is decoded on first use: a same-dialect door needs
    only `raw`, `usage` and the stop reasons."""

    __slots__ = (
        "_choices",
        "_read",
        "_stops",
        "created",
        "dialect",
        "extra",
        "id",
        "model",
        "raw",
        "usage",
    )

    def __init__(
        self,
        *,
        id: str = "",
        model: str = "",
        created: int = 0,
        usage: Usage | None = None,
        raw: bytes = b"",
        dialect: str = "",
        extra: dict[str, Raw] | None = None,
        choices: tuple[Choice, ...] | None = None,
        read: Callable[[bytes], tuple[Choice, ...]] | None = None,
        stops: tuple[StopReason, ...] = (),
    ) -> None:
        self.id = id
        self.model = model
        self.created = created
        """Unix seconds; 0 when the family does not tell."""
        self.usage = usage
        self.raw = raw
        """The body to hand to a client of `dialect`."""
        self.dialect = dialect
        self.extra: dict[str, Raw] = extra or {}
        self._choices = choices
        self._read = read
        self._stops = stops

    billed = True

    def choices(self) -> tuple[Choice, ...]:
        """The answers.

        Raises:
            Garbled: the provider's body cannot be read after all.
        """
        if self._choices is None:
            self._choices = self._read(self.raw) if self._read is not None else ()
        return self._choices

    def stops(self) -> tuple[StopReason, ...]:
        """Why each answer ended. Families that know without reading `choices` say so;
        of a body that cannot be read, nothing is known."""
        if self._stops:
            return self._stops
        try:
            found = self.choices()
        except Garbled:
            return ()
        return tuple(choice.stop for choice in found if choice.stop is not None)


class TokenCount(msgspec.Struct, frozen=True):
    """How many tokens a call would be."""

    input: int
    cached: int = 0
    estimated: bool = False
    """Counted by us: the backend cannot."""
    raw: bytes = b""
    dialect: str = ""
    id: ClassVar[str] = ""
    model: ClassVar[str] = ""
    usage: ClassVar[None] = None
    billed: ClassVar[bool] = False

    def stops(self) -> tuple[StopReason, ...]:
        """Nothing was begun."""
        return ()
