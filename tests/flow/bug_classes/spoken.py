"""What the providers of these tests say, with the mistakes of the issues."""

import json
from typing import Any, Final

from tests.flow.sdk.features import SOURCE, ZURICH
from tests.harness.answers import Answer, Called, Said, Thought, Tokens
from tests.harness.upstream import Script, events

WEATHER: Final = Called("weather", {"city": "Kraków", "days": [1, 2]})
CLOCK: Final = Called("clock", {"zone": "CET"})
CALLS: Final = [(one.name, one.arguments) for one in (WEATHER, CLOCK)]
USED: Final = Tokens(input=1321, cached=1000, output=50)
SIGNED: Final = "EqQBCkgIARABGAIiQL8="
ANSWERS: Final = {
    "calls": Answer((Said("Let me see."), WEATHER, CLOCK), "tools", USED),
    "thinks": Answer((Thought("Hm…", SIGNED), Said("Ja."), CLOCK), "tools", USED),
    "signed": Answer((Called("clock", {}, SIGNED),), "tools", USED),
    "weather": Answer(
        (Thought("Hm…", SIGNED), Called("weather", ZURICH, SIGNED)), "tools", USED
    ),
    "hidden": Answer(
        (Thought("", SIGNED, redacted=True), Called("weather", ZURICH)), "tools", USED
    ),
    "cited": Answer((Said("As I read.", SOURCE),), tokens=USED),
    "cut": Answer((Said("and so on"),), "length", USED),
}

Json = dict[str, Any]


def sse(*told: Json, done: bool = True, named: bool = False) -> list[bytes]:
    """One event each; `named` by their type."""
    out = []
    for one in told:
        head = f"event: {one['type']}\n" if named else ""
        out.append(f"{head}data: {json.dumps(one, ensure_ascii=False)}\n\n".encode())
    return [*out, b"data: [DONE]\n\n"] if done else out


def chunk(delta: Json | None, stop: str | None = None, **more: Json) -> Json:
    """Of OpenAI's grammar; without a delta, one without choices."""
    choice = {"index": 0, "delta": delta, "finish_reason": stop}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [] if delta is None else [choice],
        **more,
    }


def completion(message: Json, stop: str = "stop", **more: Any) -> Json:
    message = {"role": "assistant", "content": None, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": stop}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        **more,
    }


def _function(one: Called) -> Json:
    return {"name": one.name, "arguments": json.dumps(one.arguments)}


def mistral_calls() -> Script:
    """No index at all, no type."""
    calls = [
        {"id": f"aaaaaaaa{at}", "function": _function(one)}
        for at, one in enumerate((WEATHER, CLOCK))
    ]
    return events(
        sse(
            chunk({"role": "assistant", "content": ""}),
            *(chunk({"tool_calls": [call]}) for call in calls),
            chunk({}, "tool_calls"),
        )
    )


def from_one_calls() -> Script:
    """Counted from 1, and the arguments in pieces."""
    told = []
    for at, one in enumerate((WEATHER, CLOCK), 1):
        whole = _function(one)
        text = whole["arguments"]
        begun = {"name": one.name, "arguments": text[:5]}
        told.append({"index": at, "id": f"c{at}", "type": "function"})
        told[-1]["function"] = begun
        told.append({"index": at, "function": {"arguments": text[5:]}})
    pieces = [chunk({"tool_calls": [one]}) for one in told]
    return events(sse(*pieces, chunk({}, "tool_calls")))


def cohere_calls() -> Script:
    told: list[Json] = [
        {
            "type": "message-start",
            "id": "c1",
            "delta": {"message": {"role": "assistant"}},
        }
    ]
    for at, one in enumerate((WEATHER, CLOCK)):
        whole = _function(one)
        begun = {"name": one.name, "arguments": ""}
        call = {"id": f"call_{at}", "type": "function", "function": begun}
        rest = {"function": {"arguments": whole["arguments"]}}
        for kind, piece in (("start", call), ("delta", rest)):
            delta = {"message": {"tool_calls": piece}}
            told.append({"type": f"tool-call-{kind}", "index": at, "delta": delta})
        told.append({"type": "tool-call-end", "index": at})
    usage = {"tokens": {"input_tokens": 11, "output_tokens": 7}}
    end = {"finish_reason": "TOOL_CALL", "usage": usage}
    told.append({"type": "message-end", "delta": end})
    return events(sse(*told, named=True))


def ollama_line(done: bool = False, **message: Any) -> Json:
    return {
        "model": "m",
        "created_at": "2026-01-02T03:04:05.678901234Z",
        "message": {"role": "assistant", "content": "", **message},
        "done": done,
    }


def ollama_calls() -> Script:
    """Neither ids nor indexes; and the end says `stop`."""
    counts = {"prompt_eval_count": 11, "eval_count": 7, "done_reason": "stop"}
    told = [
        ollama_line(tool_calls=[{"function": {"name": c.name, "arguments": a}}])
        for c in (WEATHER, CLOCK)
        for a in (c.arguments,)
    ]
    told.append({**ollama_line(done=True), **counts})
    lines = [json.dumps(one).encode() + b"\n" for one in told]
    return events(lines, headers={"content-type": "application/x-ndjson"})


STREAMS: Final = {
    "mistral": mistral_calls(),
    "azure-like": from_one_calls(),
    "cohere": cohere_calls(),
    "ollama": ollama_calls(),
}
"""Two calls at once, by those who say only what is scripted."""
