"""The two halves of a family: `Upstream` speaks to providers, `Dialect` to clients.

Both are sans-IO: bytes in, values out; no socket, no loop, no clock. An `Upstream`
raises `adapters.errors` only; any other exception out of it is a bug, please report.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

from adapters.errors import UpstreamError
from adapters.normal.audio import (
    SpeechCall,
    SpeechResult,
    TranscribeCall,
    TranscribeResult,
)
from adapters.normal.chat import ChatCall, ChatResult, TokenCount
from adapters.normal.delta import Frame
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.image import ImageCall, ImageResult
from adapters.normal.moderate import ModerateCall, ModerateResult
from adapters.normal.rerank import RerankCall, RerankResult

Call = (
    ChatCall
    | EmbedCall
    | RerankCall
    | ImageCall
    | SpeechCall
    | TranscribeCall
    | ModerateCall
)
"""Whatever is asked: `PlainCall` says what they share."""
Result = (
    ChatResult
    | EmbedResult
    | TokenCount
    | ImageResult
    | SpeechResult
    | TranscribeResult
    | ModerateResult
    | RerankResult
)
"""Whatever is answered: `PlainResult` says what they share."""
Headers = tuple[tuple[bytes, bytes], ...]
"""Lower-case names, in order."""


class Operation(StrEnum):
    """What is asked of a model."""

    chat = "chat"
    complete = "complete"
    embed = "embed"
    count_tokens = "count_tokens"
    compact = "compact"
    """A long conversation made short (Responses)."""
    images_generate = "images_generate"
    images_edit = "images_edit"
    images_vary = "images_vary"
    speech = "speech"
    transcribe = "transcribe"
    translate_audio = "translate_audio"
    moderate = "moderate"
    rerank = "rerank"


class Quirks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a provider wants to be asked, where it deviates from its family: data, read
    by `adapters.quirks`. Of its answers only `think` stands here: families read
    whatever words and ends their providers use."""

    drop: frozenset[str] = frozenset()
    """Top-level request fields the provider rejects."""
    rename: dict[str, str] = {}
    """Top-level request fields under another name."""
    add: dict[str, Any] = {}
    """Top-level request fields that are asked for where the client said nothing."""
    stream_usage: bool = True
    """Whether `stream_options.include_usage` may be sent (usage comes either way)."""
    tool_ids: Literal["", "alnum9"] = ""
    """A constraint on tool call ids in requests."""
    tool_choice: dict[str, str] = {}
    """The provider's words for tool choices (`required` -> `any`)."""
    system_role: str = ""
    """Role that replaces `developer`, where the provider knows only one."""
    n: bool = True
    """Whether several choices may be asked for."""
    names: bool = True
    """Whether messages may say their speaker's `name`."""
    prefill: str = ""
    """Field that marks a last message of the assistant as the begin of the answer."""
    document_url: bool = False
    """Files stand in messages as `document_url`, sounds as plain base64."""
    text_parts: bool = True
    """Whether a text may be told in parts; else they are joined."""
    alternate: bool = False
    """Whether user and assistant must take turns; else neighbours are one turn."""
    think: bool = False
    """Whether thoughts stand in the text, between `<think>` and `</think>`."""
    json: Literal["", "schema", "object"] = ""
    """The only way to ask for JSON: by a schema, or as any object; empty: both."""
    extra: dict[str, str] = {}
    """Anything a family's code looks up by name."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Where a family is spoken: one row of `adapters.providers`."""

    id: str
    family: str
    base_url: str
    """No trailing slash; empty when the user must supply it. A word in braces is the
    user's own (an account, a region), found in `variables`; `{model}` is the model."""
    env: tuple[str, ...] = ()
    """Environment variables that may hold the key, first that is set wins."""
    base_url_env: tuple[str, ...] = ()
    variables: dict[str, tuple[str, ...]] = {}
    """A word in braces in `base_url` -> environment variables that may hold it."""
    auth: str = "bearer"
    """`bearer`, `none`, the name of the header that carries the key, or such a name
    and the word before the key (`authorization: Token`)."""
    signer: str = ""
    """Who signs requests where there is no key: `google`, `azure`, `aws`, or nobody."""
    hosts: dict[str, str] = {}
    """Patterns of models of another grammar at the same place -> the row for them; the
    first that fits."""
    title: str = ""
    quirks: Quirks = Quirks()
    aliases: tuple[str, ...] = ()
    """Other prefixes that mean it (LiteLLM's, Vercel's)."""
    operations: frozenset[str] = frozenset({"chat"})


class WireHead(msgspec.Struct, frozen=True, weakref=True):
    """Method, address and constant headers of a kind of request.

    Built once per (target, operation, stream) and reused, so that whoever sends it may
    keep its serialized form. `content-length` and `host` are the sender's business.
    """

    method: str
    url: str
    headers: Headers


class WireRequest(msgspec.Struct, frozen=True):
    """One request to a provider."""

    head: WireHead
    body: bytes
    headers: Headers = ()
    """Those of this request alone (forwarded client headers), after the head's."""
    dropped: tuple[str, ...] = ()
    """What the call asked that the family could not say: client's names."""
    boundary: bytes = b""
    """Of a body that is multipart/form-data."""


class Medium(NamedTuple):
    """A whole answer that is no JSON."""

    body: bytes
    content_type: bytes


class WireResponse(msgspec.Struct, frozen=True):
    """One whole answer of a provider, content-decoded."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The first value under a lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment as its family sees it."""

    model: str
    """The provider's own model id."""
    base_url: str
    provider: Provider
    credential: str = ""
    headers: Headers = ()
    """Extra headers from the configuration."""
    strict: bool = False
    """Refuse what cannot be said, instead of dropping and naming it."""
    limits: dict[str, int] = {}
    """What the catalogue knows: `max_output_tokens`, `max_input_tokens`."""
    abilities: frozenset[str] = frozenset()
    """What the catalogue knows the model can do (`reasoning`, `vision`, ...)."""
    heads: dict[str, WireHead] = {}
    """The family's cache of request heads, by a key of its own."""


class Decoder(Protocol):
    """A stream off the wire -> frames. One per stream. Never raises: whatever is
    wrong comes as a last frame with a `Failed` delta, after which nothing follows.

    Where an upstream's streams are of several dialects, its decoder has a `dialect`:
    that of the frames' `raw`, known once there is a frame."""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`, cut anywhere."""
        ...

    def close(self) -> list[Frame]:
        """The last frames, at end of file; `Failed(Garbled)` when the terminator of
        the family never came."""
        ...


class Upstream(Protocol):
    """The half of a family that speaks to providers."""

    dialect: str
    """The dialect in which `build_request` can hand a call's `raw` on; and of `raw` in
    results and frames. An upstream may speak several: see `speaks`."""
    operations: frozenset[Operation]

    def speaks(self, dialect: str) -> bool:
        """Whether calls and answers of this client dialect pass through verbatim."""
        ...

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: the family cannot say it (or, with `target.strict`, would have
            to drop something).
            BadCall: the body does not follow its own dialect.
        """
        ...

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        ...

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer, whatever its body; never raises."""
        ...

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for one streamed answer."""
        ...


@runtime_checkable
class Portions(Protocol):
    """An upstream whose models take only so many inputs per request, where clients
    send as many as they like: the call is asked in portions."""

    def portion(self, call: EmbedCall, target: Target) -> int:
        """How many inputs fit; 0: all of them."""
        ...


class Step(msgspec.Struct, frozen=True):
    """What is asked next, of the same provider."""

    wire: WireRequest
    after_s: float
    """Seconds to wait before."""


@runtime_checkable
class Stepwise(Protocol):
    """An upstream that answers by naming an address, where the answer will be."""

    def following(
        self, asked: WireRequest, response: WireResponse, target: Target
    ) -> Step | None:
        """What to ask after this 2xx answer to `asked`; `None`: it is the answer.

        Raises:
            UpstreamError: it names a place that our key must not be shown to.
        """
        ...


class Told(msgspec.Struct, frozen=True):
    """What a client is told of an error, before its dialect words it."""

    status: int
    type: str
    """OpenAI's error type: `invalid_request_error`, `rate_limit_error`, ..."""
    message: str
    code: str | None = None
    param: str | None = None
    request_id: str = ""
    retry_after: float | None = None


class Hint(msgspec.Struct, frozen=True):
    """What the door knows of a call besides its body."""

    model: str = ""
    """From the path (Gemini, Vertex AI, Azure): it stands, whatever the body says."""
    operation: Operation = Operation.chat
    stream: bool | None = None
    """From the path (Gemini); `None`: the body tells."""
    headers: Headers = ()
    query: str = ""
    content_type: bytes = b""
    """Of the body, as the client said; only doors that take forms tell it."""
    received: int = 0
    """Unix seconds at which the call came; only the same doors tell it."""


class Encoder(Protocol):
    """Frames -> a stream in the client's dialect. One per stream."""

    content_type: str
    """Empty: as the provider has it, whose bytes go on."""

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The bytes for these frames; may be empty."""
        ...

    def close(self) -> bytes:
        """The dialect's proper end (`[DONE]`, `message_stop`)."""
        ...

    def error(self, told: Told) -> bytes:
        """The dialect's error event and its end; nothing follows. Never a made-up
        finish reason."""
        ...


@runtime_checkable
class HeadsErrors(Protocol):
    """A dialect whose clients read headers of an error, not only its body."""

    def error_headers(self, told: Told) -> Headers:
        """Those that tell what it is."""
        ...


class Dialect(Protocol):
    """The half of a family that speaks to clients."""

    name: str
    """`openai.chat`, `openai.completions`, `openai.embeddings`,
    `openai.responses`, `openai.images`, `openai.speech`, `openai.transcriptions`,
    `openai.moderations`, `anthropic.messages`, `gemini.generate`, `gemini.embed`,
    `bedrock.converse`, `bedrock.invoke`, `vertex.predict`,
    `cohere.embed`, `cohere.rerank`."""

    def read_call(self, body: bytes, hint: Hint) -> Call:
        """The head of the call; the rest stays in `raw` until asked for.

        Raises:
            BadCall: not a call of this dialect; says where.
        """
        ...

    def write_result(self, result: Result, call: Call) -> bytes | Medium:
        """The whole answer: JSON, or what says its type. A result whose `raw` is of
        this dialect goes verbatim."""
        ...

    def write_stream(self, call: Call, source: str) -> Encoder:
        """An encoder for a stream whose frames' `raw` is of dialect `source`."""
        ...

    def write_error(self, told: Told) -> bytes:
        """The dialect's error body."""
        ...
