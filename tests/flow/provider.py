"""An OpenAI-shaped provider for the tests of the way, and what it is asked."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.harness.upstream import Script, Upstream, events, tell
from tests.shared import ROOT

SECRET = "sk-canary-0123456789abcdef"
ENV = {"UPSTREAM_KEY": SECRET}
HELLO = [{"role": "user", "content": "hello there"}]
CHAT = "/v1/chat/completions"


def call(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": HELLO, **more}


def deployment(up: Upstream, place: str, **more: Any) -> dict[str, Any]:
    """One of an OpenAI-compatible server; `place` is the first part of its path."""
    return {
        "id": place,
        "model": "openai/m",
        "base_url": f"{up.url}/{place}",
        "api_key": "env:UPSTREAM_KEY",
        **more,
    }


def priced(
    up: Upstream, place: str, dollars: tuple[float, float], **more: Any
) -> dict[str, Any]:
    """The same at a price: dollars per million tokens, in and out."""
    own = {"input": dollars[0], "output": dollars[1]}
    return deployment(up, place, price=own, **more)


def usage(input: int = 10, output: int = 5, **details: Any) -> dict[str, Any]:
    return {
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        **details,
    }


def body(text: str = "fine", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "logprobs": None,
        "message": message,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage(),
        **more,
    }


def whole(text: str = "fine", **more: Any) -> Script:
    return tell(200, body(text, **more))


def refused(status: int, message: str = "no", code: str = "", **headers: str) -> Script:
    error = {"message": message, "type": "some_error", "param": None, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return tell(status, {"error": error}, named)


def event(delta: Any, *, stop: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": stop}]
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": choices,
        **more,
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def pieces(*words: str, counted: bool = True) -> list[bytes]:
    """The events of a stream that says `words`."""
    said = [event({"role": "assistant", "content": ""})]
    said += [event({"content": word}) for word in words]
    said.append(event({}, stop="stop"))
    if counted:
        said.append(event({}, usage=usage(10, len(words))))
        last = json.loads(said[-1][6:])
        last["choices"] = []
        said[-1] = b"data: " + json.dumps(last).encode() + b"\n\n"
    return [*said, b"data: [DONE]\n\n"]


def streamed(*words: str, gap_s: float = 0.0) -> Script:
    return events(pieces(*words), gap_s=gap_s)


def said(text: str) -> str:
    """What a client of a stream heard."""
    heard = ""
    for line in text.splitlines():
        if line.startswith("data: {"):
            chunk = json.loads(line[6:])
            for choice in chunk.get("choices", ()):
                heard += choice["delta"].get("content") or ""
    return heard


def command(
    folder: Path, *words: str, **env: str
) -> "subprocess.CompletedProcess[str]":
    """`routeiq WORDS` in `folder`, to its end."""
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "gateway", *words],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
