"""Bedrock's answers: Converse, ConverseStream and InvokeModel of Claude, with the fields
it is known to send, in frames made here."""

import base64
import binascii
import json
import struct
from typing import Any, Final

from tests.harness import spoken_anthropic as anthropic
from tests.harness.answers import Answer, Called, Json, Said, Thought, pieces
from tests.harness.upstream import Request, Script, chunk, end, head, tell

FRAMES: Final = "application/vnd.amazon.eventstream"
COUNTED: Final = 42

_STOP: Final = {
    "end": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "filtered": "guardrail_intervened",
    "refusal": "refusal",
}


def frame(headers: dict[str, str], body: Any) -> bytes:
    """One message of an event stream."""
    payload = json.dumps(body, ensure_ascii=False).encode()
    lines = b"".join(
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + struct.pack(">H", len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    sizes = struct.pack(">II", 16 + len(lines) + len(payload), len(lines))
    start = sizes + struct.pack(">I", binascii.crc32(sizes)) + lines + payload
    return start + struct.pack(">I", binascii.crc32(start))


def event(name: str, body: Any) -> bytes:
    return frame(
        {
            ":event-type": name,
            ":content-type": "application/json",
            ":message-type": "event",
        },
        body,
    )


def exception(name: str, message: str) -> bytes:
    return frame(
        {
            ":exception-type": name,
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        {"message": message},
    )


def streamed(messages: list[bytes], then: Script | None = None) -> Script:
    """An answer of these messages."""
    kind = [("content-type", FRAMES), ("x-amzn-requestid", "req-bedrock")]
    script = head(200, kind)
    for message in messages:
        script += chunk(message)
    return script + (end() if then is None else then)


def refusal(status: int, kind: str, message: str) -> Script:
    headers = [("x-amzn-errortype", f"{kind}:http://internal.amazon.com/coral/")]
    return tell(status, {"message": message}, headers)


def speak(path: str, request: Request, answer: Answer) -> Script:
    """`model/{id}/{verb}` answered."""
    verb = path.rpartition("/")[2]
    match verb:
        case "converse":
            return tell(200, whole(answer), [("x-amzn-requestid", "req-bedrock")])
        case "converse-stream":
            return streamed(stream(answer))
        case "count-tokens" if not path.startswith("model/anthropic."):
            told = "The provided model doesn't support counting tokens."
            return refusal(400, "ValidationException", told)
        case "count-tokens":
            return tell(200, {"inputTokens": COUNTED})
        case "invoke" if "messages" in request.json():
            asked = {**request.json(), "model": "claude-sonnet-4-5"}
            return tell(200, anthropic.whole(asked, answer))
        case "invoke-with-response-stream":
            asked = {**request.json(), "model": "claude-sonnet-4-5"}
            return streamed(_chunks(anthropic.stream(asked, answer)))
        case "invoke":
            return _other(request)
    return refusal(404, "UnknownOperationException", f"no operation {verb}")


def _other(request: Request) -> Script:
    body = request.json()
    if "documents" in body:
        best = [
            {"index": 1, "relevance_score": 0.9},
            {"index": 0, "relevance_score": 0.2},
        ]
        return tell(200, {"results": best[: body.get("top_n", 2)]})
    headers = [("x-amzn-bedrock-input-token-count", "5")]
    if "inputText" in body:
        size, text = body.get("dimensions", 8), body["inputText"]
        if text == "refuse me":
            return refusal(429, "ThrottlingException", "Too many requests")
        vector = [float(text) if text.isdigit() else 0.5] * size
        told: Json = {"embedding": vector, "inputTextTokenCount": 5}
    else:
        told = {"embeddings": [[0.25] * 8 for _ in body["texts"]]}
        told["response_type"] = "embeddings_floats"
    return tell(200, told, headers)


def _usage(answer: Answer) -> Json:
    tokens = answer.tokens
    return {
        "inputTokens": tokens.input - tokens.cached - tokens.written,
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
        "cacheReadInputTokens": tokens.cached,
        "cacheWriteInputTokens": tokens.written,
        "serverToolUsage": {},
    }


def _blocks(answer: Answer) -> list[Json]:
    out: list[Json] = []
    for index, part in enumerate(answer.parts):
        match part:
            case Thought(redacted=True):
                out.append({"reasoningContent": {"redactedContent": part.signature}})
            case Thought():
                text = {"text": part.text, "signature": part.signature}
                out.append({"reasoningContent": {"reasoningText": text}})
            case Said():
                out.append({"text": part.text})
            case Called():
                use = {"toolUseId": f"tooluse_Ab{index}", "name": part.name}
                out.append({"toolUse": {**use, "input": part.arguments}})
    return out


def whole(answer: Answer) -> Json:
    """A Converse answer."""
    return {
        "metrics": {"latencyMs": 321},
        "output": {"message": {"role": "assistant", "content": _blocks(answer)}},
        "stopReason": _STOP.get(answer.stop, "stop_sequence"),
        "usage": _usage(answer),
    }


def stream(answer: Answer) -> list[bytes]:
    """The same as ConverseStream tells it; `p` is Bedrock's padding."""
    out = [event("messageStart", {"p": "abcdef", "role": "assistant"})]
    for index, block in enumerate(_blocks(answer)):
        at = {"contentBlockIndex": index, "p": "abc"}
        start, deltas = _steps(block)
        if start is not None:
            out.append(event("contentBlockStart", {**at, "start": start}))
        out += [event("contentBlockDelta", {**at, "delta": d}) for d in deltas]
        out.append(event("contentBlockStop", at))
    stop = _STOP.get(answer.stop, "stop_sequence")
    out.append(event("messageStop", {"p": "a", "stopReason": stop}))
    told = {"metrics": {"latencyMs": 321}, "usage": _usage(answer)}
    out.append(event("metadata", told))
    return out


def _steps(block: Json) -> tuple[Json | None, list[Json]]:
    if "text" in block:
        return None, [{"text": piece} for piece in pieces(block["text"])]
    if "toolUse" in block:
        use = block["toolUse"]
        start = {"toolUse": {k: use[k] for k in ("toolUseId", "name")}}
        text = json.dumps(use["input"], ensure_ascii=False) if use["input"] else ""
        cut = pieces(text) if text else []
        return start, [{"toolUse": {"input": piece}} for piece in cut]
    told = block["reasoningContent"]
    if "redactedContent" in told:
        return None, [{"reasoningContent": told}]
    text = told["reasoningText"]
    deltas = [{"reasoningContent": {"text": p}} for p in pieces(text["text"])]
    deltas.append({"reasoningContent": {"signature": text["signature"]}})
    return None, deltas


def _chunks(events: list[bytes]) -> list[bytes]:
    """Claude's events, each in a chunk; the last one counts the tokens again."""
    out = []
    for one in events:
        data = json.loads(one.partition(b"data: ")[2])
        if data["type"] == "message_stop":
            data["amazon-bedrock-invocationMetrics"] = {"inputTokenCount": 1}
        inner = base64.b64encode(json.dumps(data).encode()).decode()
        out.append(event("chunk", {"bytes": inner, "p": "abcdefgh"}))
    return out
