"""Models that complete a text, through InvokeModel: each vendor's body and answer.

Asked only of deployments that name the API (`invoke/amazon.titan-text-express-v1`):
Converse speaks with the same models in words they all know. A legacy completion's
prompt goes out as it is; a conversation in the vendor's template.
Source: docs.aws.amazon.com/bedrock, "Inference request parameters and response fields
for foundation models"; recorded traffic.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from adapters.bedrock.models import Model
from adapters.bedrock.wire import BROKEN, FAMILY, encode
from adapters.contract import WireResponse
from adapters.errors import Garbled, Unsupported
from adapters.normal.chat import (
    ChatCall,
    ChatResult,
    Choice,
    Conversation,
    StopReason,
)
from adapters.normal.content import Refusal, Text
from adapters.normal.delta import Begin, Delta, Frame, Stop, TextDelta, Used
from adapters.normal.usage import Usage

Turns = Sequence[tuple[str, str]]
"""Roles (`system`, `user`, `assistant`) and what they said."""


class Form(NamedTuple):
    """A vendor's request."""

    prompt: str
    max_tokens: str
    temperature: str
    top_p: str
    stop: str
    """Empty: no word for it."""
    template: Callable[[Turns], str]
    inside: str = ""
    """The member that all but the prompt stand in."""
    default: int = 0
    """`max_tokens` where it must be said."""


def _llama(turns: Turns) -> str:
    said = "".join(
        f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>"
        for role, text in turns
    )
    end = "<|start_header_id|>assistant<|end_header_id|>\n\n"
    return f"<|begin_of_text|>{said}{end}"


def _mistral(turns: Turns) -> str:
    out, lead = "<s>", ""
    for role, text in turns:
        if role == "system":
            lead += f"{text}\n\n"
        elif role == "user":
            out, lead = f"{out}[INST] {lead}{text} [/INST]", ""
        else:
            out = f"{out} {text}</s>"
    return out


def _claude(turns: Turns) -> str:
    names = {"user": "\n\nHuman: ", "assistant": "\n\nAssistant: ", "system": ""}
    return "".join(names[role] + text for role, text in turns) + "\n\nAssistant:"


def _plain(turns: Turns) -> str:
    """The text alone, or lines with the speakers' names."""
    if len(turns) == 1:
        return turns[0][1]
    names = {"user": "User: ", "assistant": "Bot: ", "system": ""}
    return "\n".join([*(names[role] + text for role, text in turns), "Bot:"])


_LLAMA: Final = Form("prompt", "max_gen_len", "temperature", "top_p", "", _llama)
FORMS: Final[dict[str, Form]] = {
    "amazon.titan": Form(
        *("inputText", "maxTokenCount", "temperature", "topP", "stopSequences"),
        _plain,
        inside="textGenerationConfig",
    ),
    "meta.": _LLAMA,
    "mistral.": Form("prompt", "max_tokens", "temperature", "top_p", "stop", _mistral),
    "cohere.command": Form(
        "prompt", "max_tokens", "temperature", "p", "stop_sequences", _plain
    ),
    "ai21.j2": Form(
        "prompt", "maxTokens", "temperature", "topP", "stopSequences", _plain
    ),
    "anthropic.": Form(
        *("prompt", "max_tokens_to_sample", "temperature", "top_p", "stop_sequences"),
        _claude,
        default=4096,
    ),
}
"""By the beginning of the model's bare id."""
_CHATS: Final = (
    *("mistral.pixtral", "mistral.mistral-large-3", "mistral.ministral"),
    *("mistral.magistral", "mistral.voxtral", "cohere.command-r"),
)
"""Models of these vendors that take a conversation, as OpenAI writes it."""


def form(model: Model) -> Form | None:
    """How a text is asked for; `None` for models that take OpenAI's chat body."""
    if model.bare.startswith(_CHATS):
        return None
    return next((f for start, f in FORMS.items() if model.bare.startswith(start)), None)


def write(
    call: ChatCall, form: Form, *, strict: bool = False
) -> tuple[bytes, tuple[str, ...]]:
    """The vendor's body, and the client's names of what it leaves out.

    Raises:
        Unsupported: the model takes text only.
    """
    asked = call.conversation()
    turns = _turns(asked)
    verbatim = call.operation == "complete"
    prompt = "".join(t for _, t in turns) if verbatim else form.template(turns)
    wanted: dict[str, object] = {
        form.max_tokens: asked.max_tokens or form.default or None,
        form.temperature: asked.temperature,
        form.top_p: asked.top_p,
        form.stop: list(asked.stop) or None,
    }
    config = {name: v for name, v in wanted.items() if name and v is not None}
    dropped = _dropped(asked, form)
    if dropped and strict:
        raise Unsupported(f"the model cannot be told {dropped[0]}", dropped[0])
    inner = {form.inside: config} if form.inside else config
    return encode({form.prompt: prompt, **inner}), dropped


def _turns(asked: Conversation) -> list[tuple[str, str]]:
    if asked.tools:
        raise Unsupported("the model knows no tools through InvokeModel", "tools")
    out: list[tuple[str, str]] = []
    for message in asked.messages:
        for part in message.parts:
            if not isinstance(part, Text | Refusal):
                told = "the model takes text only through InvokeModel"
                raise Unsupported(told, "messages")
        role = "system" if message.role == "developer" else str(message.role)
        out.append((role, message.text))
    return out


_SAID: Final = frozenset({"messages", "max_tokens", "temperature", "top_p", "stop"})


def _dropped(asked: Conversation, form: Form) -> tuple[str, ...]:
    """Everything else that was asked for."""
    plain = Conversation()
    gone = [
        name
        for name in Conversation.__struct_fields__
        if name not in _SAID
        and name not in {"extra", "n"}
        and bytes_or(getattr(asked, name)) != bytes_or(getattr(plain, name))
    ]
    if asked.stop and not form.stop:
        gone.append("stop")
    if (asked.n or 1) > 1:
        raise Unsupported("the model gives one answer per request", "n")
    return (*gone, *asked.extra)


def bytes_or(value: object) -> object:
    """Raw JSON as bytes, so that it can be compared."""
    return bytes(value) if isinstance(value, msgspec.Raw) else value


# --- answers ------------------------------------------------------------------------

STOPS: Final[dict[str, StopReason]] = {
    "finish": "end",
    "complete": "end",
    "stop": "end",
    "endoftext": "end",
    "stop_criteria_met": "stop_sequence",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "content_filtered": "filtered",
    "error_toxic": "filtered",
    "error": "error",
}


class _Reason(msgspec.Struct, frozen=True):
    reason: str = ""


class _Data(msgspec.Struct, frozen=True):
    text: str = ""


class _One(msgspec.Struct, frozen=True):
    """An entry of `results`, `outputs`, `generations` or `completions`."""

    output_text: str = msgspec.field(default="", name="outputText")
    completion_reason: str | None = msgspec.field(default=None, name="completionReason")
    token_count: float | None = msgspec.field(default=None, name="tokenCount")
    text: str = ""
    stop_reason: str | None = None
    finish_reason: str | None = None
    data: _Data | None = None
    finish: _Reason | None = msgspec.field(default=None, name="finishReason")


class _Metrics(msgspec.Struct, frozen=True, rename="camel"):
    input_token_count: int = 0
    output_token_count: int = 0


class _Any(msgspec.Struct, frozen=True):
    """An answer, or a piece of one, of any vendor."""

    results: list[_One] | None = None
    outputs: list[_One] | None = None
    generations: list[_One] | None = None
    completions: list[_One] | None = None
    output_text: str | None = msgspec.field(default=None, name="outputText")
    completion_reason: str | None = msgspec.field(default=None, name="completionReason")
    generation: str | None = None
    completion: str | None = None
    text: str | None = None
    stop_reason: str | None = None
    finish_reason: str | None = None
    input_tokens: float | None = msgspec.field(default=None, name="inputTextTokenCount")
    output_tokens: float | None = msgspec.field(
        default=None, name="totalOutputTextTokenCount"
    )
    prompt_token_count: int | None = None
    generation_token_count: int | None = None
    metrics: _Metrics | None = msgspec.field(
        default=None, name="amazon-bedrock-invocationMetrics"
    )

    def entry(self) -> _One | None:
        found = self.results or self.outputs or self.generations or self.completions
        return found[0] if found else None

    def said(self) -> str | None:
        """The text; `None` when there is no place for any."""
        one = self.entry()
        if one is not None:
            return one.output_text or one.text or (one.data.text if one.data else "")
        for text in (self.output_text, self.generation, self.completion, self.text):
            if text is not None:
                return text
        return None

    def stop(self) -> str:
        """The vendor's word; empty when it has not ended."""
        one = self.entry()
        word = self.completion_reason or self.stop_reason or self.finish_reason
        if one is not None:
            word = word or one.completion_reason or one.stop_reason or one.finish_reason
            word = word or (one.finish.reason if one.finish is not None else None)
        return word or ""

    def used(self) -> Usage | None:
        """The counts, as far as they are told."""
        if self.metrics is not None:
            told = self.metrics
            return Usage(told.input_token_count, told.output_token_count)
        one = self.entry()
        spoken = self.output_tokens or self.generation_token_count
        spoken = spoken or (one.token_count if one is not None else None)
        asked = self.input_tokens or self.prompt_token_count
        if asked is None and spoken is None:
            return None
        return Usage(int(asked or 0), int(spoken or 0))


def read(response: WireResponse) -> ChatResult:
    """A whole answer.

    Raises:
        Garbled: it is none of the forms we know.
    """
    told = _decode(response.body)
    text = told.said()
    if text is None:
        raise Garbled("the answer holds no text", body=response.body[:2000])
    native = told.stop()
    stop = STOPS.get(native.lower(), "end")
    choice = Choice(parts=(Text(text),), stop=stop, native_stop=native)
    return ChatResult(
        id=(response.header(b"x-amzn-requestid") or b"").decode("latin-1"),
        usage=counted(response) or told.used(),
        raw=response.body,
        dialect=f"{FAMILY}.text",
        choices=(choice,),
    )


def counted(response: WireResponse) -> Usage | None:
    """The counts that stand in headers, for every vendor."""
    asked = response.header(b"x-amzn-bedrock-input-token-count")
    if asked is None or not asked.isdigit():
        return None
    spoken = response.header(b"x-amzn-bedrock-output-token-count") or b"0"
    return Usage(int(asked), int(spoken) if spoken.isdigit() else 0)


class Pieces:
    """The chunks of a model that completes a text."""

    dialect = ""

    def __init__(self) -> None:
        self._begun = False
        self._stop = ""
        self._usage: Usage | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """The frames of one chunk."""
        told = _decode(data)
        deltas: list[Delta] = []
        if not self._begun:
            self._begun = True
            deltas.append(Begin())
        text = told.said()
        if text:
            deltas.append(TextDelta(text))
        if word := told.stop():
            self._stop = word
        if (used := told.used()) is not None:
            before = self._usage or Usage()
            self._usage = Usage(used.input or before.input, used.output)
        return [Frame(b"", tuple(deltas))]

    def close(self) -> list[Frame]:
        """The end, which the last chunk told."""
        if not self._stop:
            raise Garbled("the stream ended without a stop reason")
        deltas: list[Delta] = []
        if self._usage is not None:
            deltas.append(Used(self._usage))
        reason = STOPS.get(self._stop.lower(), "end")
        deltas.append(Stop(reason, native=self._stop))
        return [Frame(b"", tuple(deltas))]


def _decode(body: bytes) -> _Any:
    try:
        return msgspec.json.decode(body, type=_Any)
    except BROKEN as error:
        told = f"not an answer of Bedrock: {error}"
        raise Garbled(told, body=body[:2000]) from error
