"""What the echo model says: a pure function of what it is asked.

It repeats the last thing the user said, and does on request what real models do:

    use the tool, use all tools    calls the first tool, or every one
    cite                           gives its words a source
    please refuse                  refuses

Structured output, reasoning, several choices, stop sequences, token limits and log
probabilities are honoured as asked. A token is up to six letters, or a sign.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from adapters import estimate
from adapters.echo.schema import example
from adapters.normal.chat import Choice, Conversation, StopReason
from adapters.normal.content import (
    Citation,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)
from adapters.normal.delta import (
    Begin,
    CitationDelta,
    Delta,
    LogprobDelta,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.usage import Usage

DEMO: Final = "demo"
"""The model that also tells newcomers where they are."""
FAMILY: Final = "echo"
MAX_ECHO: Final = 16_384
"""Characters of the user's that are repeated."""
MAX_CHOICES: Final = 128
MAX_DIMENSIONS: Final = 4096
DIMENSIONS: Final = 256

Input = str | tuple[int | Part, ...]
"""What a vector is made for."""

_TOKEN: Final = re.compile(r"\s?\w{1,6}|\s?[^\w\s]|\s")
_WORD: Final = re.compile(r"\w+")
_HOWTO: Final = (
    "\n\nI am the demo model of RouteIQ Gateway: I repeat what I hear, at no cost. "
    "For a real model set a provider's key, such as OPENAI_API_KEY, and start the "
    "gateway again, or name your models under `models:` in its configuration."
)
_REFUSED: Final = "I will not do that, because you asked me to refuse."
_THOUGHT: Final = "The user wants an answer. Repeating what was said is the safest one."
_SIGNATURE: Final = "ZWNobw=="
_IDLE: Final = frozenset({"", "none"})
_encode: Final = msgspec.json.Encoder().encode


def id_of(body: bytes) -> str:
    """The answer's id: the same for the same request."""
    return "echo-" + hashlib.blake2b(body, digest_size=9).hexdigest()


def tokens(words: str) -> list[str]:
    """The pieces, which joined are the text."""
    return _TOKEN.findall(words)


def chat(asked: Conversation, model: str, id: str) -> tuple[Choice, ...]:
    """The choices of an answer."""
    count = min(max(asked.n or 1, 1), MAX_CHOICES)
    return tuple(_Speaker(asked, model, f"{id}-{i}").choice(i) for i in range(count))


def usage(asked: Conversation, choices: Sequence[Choice]) -> Usage:
    """What the answer cost, by the family's own count."""
    thought = spoken = 0
    for choice in choices:
        for part in choice.parts:
            match part:
                case Thinking():
                    thought += len(tokens(part.text))
                case Text() | Refusal():
                    spoken += len(tokens(part.text))
                case ToolUse():
                    spoken += _call_tokens(part)
                case _:
                    pass
    return Usage(
        input=estimate.conversation(asked), output=thought + spoken, reasoning=thought
    )


def deltas(
    id: str, model: str, choices: Sequence[Choice], used: Usage
) -> Iterator[Delta]:
    """The answer, a token at a time; choices take turns."""
    yield Begin(id=id, model=model)
    speaking = [_deltas(choice) for choice in choices]
    while speaking:
        for one in list(speaking):
            step = next(one, None)
            if step is None:
                speaking.remove(one)
            else:
                yield from step
    yield Used(used)


def vectors(
    inputs: Sequence[Input], dimensions: int | None
) -> tuple[tuple[float, ...], ...]:
    """A unit vector per input: texts that share words are near each other."""
    size = min(max(dimensions or DIMENSIONS, 1), MAX_DIMENSIONS)
    return tuple(_vector(_words(one), size) for one in inputs)


def input_tokens(inputs: Sequence[Input]) -> int:
    """Tokens of what is embedded."""
    return sum(
        estimate.text(one)
        if isinstance(one, str)
        else sum(1 if isinstance(i, int) else estimate.part(i) for i in one)
        for one in inputs
    )


class _Speaker:
    """One choice in the making."""

    def __init__(self, asked: Conversation, model: str, seed: str) -> None:
        self._asked = asked
        self._model = model
        self._seed = seed
        last = asked.messages[-1] if asked.messages else Message("user")
        self._answering = last.role == "tool"
        self._heard = _heard(asked.messages)
        self._wish = "" if self._answering else self._heard.lower()
        limit = asked.max_tokens
        self._room = math.inf if limit is None else max(limit, 0)

    def choice(self, index: int) -> Choice:
        parts: list[Part] = []
        if "please refuse" in self._wish:
            return Choice(index, (Refusal(_REFUSED),), "refusal", "refusal")
        parts += self._thoughts()
        if self._room < 0:
            return Choice(index, tuple(parts), "length", "length")
        if calls := self._calls():
            fit = [call for call in calls if self._takes(_call_tokens(call))]
            cut = len(fit) < len(calls)
            reason: StopReason = "length" if cut else "tool_use"
            return Choice(index, (*parts, *fit), reason, reason)
        said = self._words() + (f" ({index + 1})" if index and not self._form else "")
        said, reason, sequence = self._cut(said)
        if said or not parts:
            parts.append(Text(said, self._citations(said)))
        return Choice(
            index, tuple(parts), reason, reason, sequence, self._logprobs(said)
        )

    @property
    def _form(self) -> bool:
        form = self._asked.response_format
        return form is not None and form.mode != "text"

    def _takes(self, count: int) -> bool:
        """Whether there is room for that many tokens more; takes it."""
        fits = count <= self._room
        self._room -= count if fits else 0
        return fits

    def _thoughts(self) -> list[Part]:
        wish = self._asked.reasoning
        if wish is None or wish.enabled is False:
            return []
        if not wish.enabled and wish.effort in _IDLE and not wish.budget:
            return []
        pieces = tokens(_THOUGHT)
        if wish.budget is not None and wish.budget > 0:
            pieces = pieces[: wish.budget]
        if not self._takes(len(pieces)):
            pieces = pieces[: int(self._room)]
            self._room = -1
        if wish.show is False or not pieces:
            return []
        return [Thinking("".join(pieces), _SIGNATURE, family=FAMILY)]

    def _calls(self) -> list[ToolUse]:
        choice = self._asked.tool_choice
        mode = choice.mode if choice is not None else "auto"
        names = choice.names if choice is not None else ()
        tools = [tool for tool in self._asked.tools if tool.kind != "opaque"]
        if names:
            tools = [tool for tool in tools if tool.name in names]
        everything = "use all tools" in self._wish
        wanted = everything or "use the tool" in self._wish
        if not tools or mode == "none" or (mode == "auto" and not wanted):
            return []
        if not everything or self._asked.parallel_tools is False:
            named = [tool for tool in tools if tool.name.lower() in self._wish]
            tools = [*named, *tools][:1]
        return [self._call(tool, i) for i, tool in enumerate(tools)]

    def _call(self, tool: Tool, position: int) -> ToolUse:
        digest = hashlib.blake2b(f"{self._seed}-{position}".encode(), digest_size=9)
        custom = tool.kind == "custom"
        said = self._heard[:MAX_ECHO]
        arguments = said if custom else _encode(example(tool.schema)).decode()
        return ToolUse(
            f"call_{digest.hexdigest()}", tool.name, arguments, custom=custom
        )

    def _words(self) -> str:
        form = self._asked.response_format
        if form is not None and form.mode == "schema":
            return _encode(example(form.schema)).decode()
        heard = self._heard[:MAX_ECHO]
        if form is not None and form.mode == "json":
            return _encode({"echo": heard}).decode()
        if self._model != DEMO:
            return heard
        speaker = "The tool" if self._answering else "You"
        seen = _attached(self._asked.messages)
        return f"{speaker} said: {heard or 'nothing'}{seen}{_HOWTO}"

    def _cut(self, said: str) -> tuple[str, StopReason, str | None]:
        """As far as stop sequences and the limit let it."""
        found = [(at, s) for s in self._asked.stop if s and (at := said.find(s)) >= 0]
        at, sequence = min(found, default=(len(said), None))
        pieces = tokens(said[:at])
        if not self._takes(len(pieces)):
            return "".join(pieces[: int(self._room)]), "length", None
        return said[:at], "end" if sequence is None else "stop_sequence", sequence

    def _citations(self, said: str) -> tuple[Citation, ...]:
        if "cite" not in _WORD.findall(self._wish) or not said:
            return ()
        source = Citation(
            url="https://example.com/echo",
            title="What you said",
            quote=said[:100],
            start=0,
            end=len(said),
        )
        return (source,)

    def _logprobs(self, said: str) -> Raw:
        asked = self._asked
        if not asked.logprobs and asked.top_logprobs is None:
            return Raw(b"")
        top = min(asked.top_logprobs or 0, 20)
        content = [_logprob(piece, top) for piece in tokens(said)]
        return Raw(_encode({"content": content, "refusal": None}))


def _deltas(choice: Choice) -> Iterator[list[Delta]]:
    """Lists of what belongs in one event."""
    i, calls = choice.index, 0
    for part in choice.parts:
        match part:
            case Thinking():
                for piece in tokens(part.text):
                    yield [ThinkDelta(piece, choice=i, family=FAMILY)]
                yield [ThinkDelta(signature=part.signature, choice=i, family=FAMILY)]
            case Refusal():
                for piece in tokens(part.text):
                    yield [RefusalDelta(piece, i)]
            case ToolUse():
                yield [ToolStart(calls, part.id, part.name, i, custom=part.custom)]
                for piece in tokens(part.arguments):
                    yield [ToolDelta(calls, piece, i)]
                calls += 1
            case Text():
                yield from _text_deltas(part, choice)
            case _:
                pass
    yield [Stop(choice.stop or "end", i, choice.native_stop, choice.stop_sequence)]


def _text_deltas(part: Text, choice: Choice) -> Iterator[list[Delta]]:
    told = msgspec.json.decode(choice.logprobs)["content"] if choice.logprobs else []
    for at, piece in enumerate(tokens(part.text)):
        step: list[Delta] = [TextDelta(piece, choice.index)]
        if at < len(told):
            logprobs = {"content": [told[at]], "refusal": None}
            step.append(LogprobDelta(Raw(_encode(logprobs)), choice.index))
        yield step
    for citation in part.citations:
        yield [CitationDelta(citation, choice.index)]


def _call_tokens(call: ToolUse) -> int:
    return len(tokens(call.name)) + len(tokens(call.arguments))


def _logprob(piece: str, top: int) -> dict[str, object]:
    def one(text: str, value: float) -> dict[str, object]:
        data = list(text.encode("utf-8", "replace"))
        return {"token": text, "logprob": value, "bytes": data}

    others = [one(piece if i == 0 else f"{piece}{i}", -0.01 - i) for i in range(top)]
    return {**one(piece, -0.01), "top_logprobs": others}


def _heard(messages: Sequence[Message]) -> str:
    """The text of the last turn that is not the model's own."""
    for message in reversed(messages):
        if message.role == "tool":
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            said = (p.text for r in results for p in r.parts if isinstance(p, Text))
            return " ".join(said)
        if message.role == "user":
            return message.text
    return ""


def _attached(messages: Sequence[Message]) -> str:
    """What came with the last turn besides text."""
    if not messages or messages[-1].role != "user":
        return ""
    kinds = [type(part).__name__.lower() for part in messages[-1].parts]
    media = [kind for kind in kinds if kind in ("image", "audio", "document")]
    return f" (with {', '.join(media)})" if media else ""


def _words(one: Input) -> list[str]:
    if isinstance(one, str):
        return _WORD.findall(one.lower())
    return [
        word
        for item in one
        for word in (
            [str(item)]
            if isinstance(item, int)
            else _WORD.findall(item.text.lower())
            if isinstance(item, Text)
            else [type(item).__name__]
        )
    ]


def _vector(words: Sequence[str], size: int) -> tuple[float, ...]:
    vector = [0.0] * size
    for word in words or [""]:
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=16)
        number = int.from_bytes(digest.digest(), "big")
        for _ in range(4):
            number, at = divmod(number, size)
            vector[at] += 1.0 if number & 1 else -1.0
            number >>= 1
    length = math.sqrt(sum(x * x for x in vector))
    if length == 0.0:
        return (1.0, *vector[1:])
    return tuple(x / length for x in vector)
