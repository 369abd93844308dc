"""What an answer means, whole or streamed, in a form that can be compared."""

import json
from collections.abc import Iterable
from typing import Any

from adapters.normal.chat import Choice
from adapters.normal.content import (
    Audio,
    Citation,
    Image,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolUse,
)
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    CitationDelta,
    Delta,
    Failed,
    Frame,
    LogprobDelta,
    PartDelta,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.usage import Usage


def deltas(frames: Iterable[Frame]) -> list[Delta]:
    return [delta for frame in frames for delta in frame.deltas]


def failure(frames: Iterable[Frame]) -> Exception | None:
    found = [d.error for d in deltas(frames) if isinstance(d, Failed)]
    return found[0] if found else None


def last_usage(frames: Iterable[Frame]) -> Usage | None:
    spent = [d.usage for d in deltas(frames) if isinstance(d, Used)]
    return spent[-1] if spent else None


def folded(frames: Iterable[Frame]) -> dict[int, Choice]:
    """The choices that a stream adds up to; asserts the rules of the deltas."""
    parts: dict[int, list[Part]] = {}
    stops: dict[int, Stop] = {}
    logprobs: dict[int, Any] = {}
    begun = False
    for delta in deltas(frames):
        if isinstance(delta, Begin):
            assert not begun
            begun = True
            continue
        if isinstance(delta, Used | Failed):
            continue
        assert begun
        said = parts.setdefault(delta.choice, [])
        assert delta.choice not in stops, "nothing follows a stop"
        if isinstance(delta, Stop):
            stops[delta.choice] = delta
        elif isinstance(delta, LogprobDelta):
            logprobs[delta.choice] = delta.logprobs
        else:
            _fold(delta, said)
    return {
        index: Choice(
            index,
            tuple(said),
            stops[index].reason if index in stops else None,
            stops[index].native if index in stops else "",
            None,
            logprobs.get(index, Choice().logprobs),
        )
        for index, said in parts.items()
    }


def _fold(delta: Delta, said: list[Part]) -> None:
    match delta:
        case TextDelta():
            said.append(Text(delta.text, signature=delta.signature))
        case RefusalDelta():
            said.append(Text(delta.text))
        case ThinkDelta():
            said.append(
                Thinking(delta.text, delta.signature, delta.redacted, delta.family)
            )
        case ToolStart():
            uses = [p for p in said if isinstance(p, ToolUse)]
            assert delta.tool == len(uses), "calls count from 0, one by one"
            said.append(ToolUse(delta.id, delta.name, "", delta.signature))
        case ToolDelta():
            at = [i for i, p in enumerate(said) if isinstance(p, ToolUse)][delta.tool]
            use = said[at]
            assert isinstance(use, ToolUse)
            arguments = use.arguments + delta.arguments
            said[at] = ToolUse(use.id, use.name, arguments, use.signature)
        case CitationDelta():
            at = max(i for i, p in enumerate(said) if isinstance(p, Text))
            text = said[at]
            assert isinstance(text, Text)
            cited = (*text.citations, delta.citation)
            said[at] = Text(text.text, cited, text.cache, text.signature)
        case AudioDelta():
            said.append(Audio(data=delta.data, transcript=delta.transcript))
        case PartDelta():
            said.append(delta.part)


def meaning(choice: Choice) -> dict[str, Any]:
    """A choice without what differs between forms of the same: how text is cut, how
    JSON is spaced, who made the ids."""
    out: list[tuple[Any, ...]] = []
    cites: list[tuple[Any, ...]] = []
    for part in choice.parts:
        if isinstance(part, Text):
            cites += [_cite(c) for c in part.citations]
        item = _part(part)
        if item is None:
            continue
        if out and item[0] in ("text", "thought") and out[-1][0] == item[0]:
            last = out.pop()
            item = (item[0], last[1] + item[1], last[2] + item[2], *item[3:])
        out.append(item)
    logprobs = json.loads(bytes(choice.logprobs)) if choice.logprobs else None
    return {
        "index": choice.index,
        "parts": out,
        "cites": cites,
        "stop": choice.stop,
        "native": choice.native_stop,
        "logprobs": logprobs,
    }


def _part(part: Part) -> tuple[Any, ...] | None:
    match part:
        case Text():
            signs = (part.signature,) if part.signature else ()
            return ("text", part.text, signs) if part.text or signs else None
        case Thinking():
            signs = (part.signature,) if part.signature else ()
            return ("thought", part.text, signs, part.redacted, part.family)
        case ToolUse():
            arguments = json.loads(part.arguments or "{}")
            return (
                "call",
                part.name,
                json.dumps(arguments, sort_keys=True),
                part.signature,
            )
        case Image():
            return ("image", part.media_type, part.data, part.url, part.signature)
        case Audio():
            return ("audio", part.data)
        case Opaque():
            return ("opaque", part.label, json.dumps(json.loads(bytes(part.raw))))
    return ("other", repr(part))


def _cite(citation: Citation) -> tuple[Any, ...]:
    return (citation.url, citation.title, citation.start, citation.end)


def reference_usage(told: dict[str, Any]) -> Usage:
    """Usage by the documentation, written apart from the adapter."""

    def of(name: str, modality: str) -> int:
        return sum(
            item.get("tokenCount", 0)
            for item in told.get(name, [])
            if item["modality"] == modality
        )

    prompt = told.get("promptTokenCount", 0)
    tools = told.get("toolUsePromptTokenCount", 0)
    thoughts = told.get("thoughtsTokenCount", 0)
    return Usage(
        input=prompt + tools,
        output=told.get("candidatesTokenCount", 0) + thoughts,
        cached=told.get("cachedContentTokenCount", 0),
        reasoning=thoughts,
        tool_input=tools,
        audio_input=of("promptTokensDetails", "AUDIO"),
        image_input=of("promptTokensDetails", "IMAGE"),
        audio_output=of("candidatesTokensDetails", "AUDIO"),
        image_output=of("candidatesTokensDetails", "IMAGE"),
    )
