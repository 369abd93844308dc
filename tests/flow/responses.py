"""A provider with OpenAI's Responses API, one with chat completions, and a gateway."""

import json
import threading
from typing import Any

from tests.harness.upstream import Request, Script, Upstream, events, tell, wait_for

Json = dict[str, Any]

SECRET = "sk-canary-of-the-provider"
MASTER = "sk-master-of-the-responses"
ENV = {"PROVIDER_KEY": SECRET, "MASTER": MASTER}
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 18,
}


class Provider(Upstream):
    """Under `/keeps` it has the Responses API and a memory, under `/chat` neither."""

    def __init__(self) -> None:
        super().__init__()
        self.held = threading.Event()
        """Answers to prompts that say `hold` wait for it."""
        self.stored: dict[str, Json] = {}
        self.on(None, self._any)

    def asked(self, path: str) -> list[Request]:
        """Requests to a path, in order."""
        return [r for r in self.requests if r.path.endswith(path)]

    def _any(self, request: Request) -> Script:
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return tell(401, {"error": {"message": "wrong key"}})
        if request.path.startswith("/chat/"):
            return self._chat(request)
        path = request.path.removeprefix("/keeps/v1/responses")
        if path == "":
            return self._create(request)
        if path == "/input_tokens":
            return tell(200, {"object": "response.input_tokens", "input_tokens": 99})
        return self._stored(request, path.strip("/").split("/"))

    def _create(self, request: Request) -> Script:
        body = request.json()
        if "overloaded" in str(body["input"]):
            return tell(503, _error("Overloaded.", "model"))
        previous = body.get("previous_response_id")
        if previous is not None and previous not in self.stored:
            return tell(400, _error("Previous response not found.", previous))
        number = len(self.stored)
        said = f"native answer {number}"
        response = {
            "id": f"resp_native{number:04}",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": "queued" if body.get("background") else "completed",
            "model": body["model"],
            "output": [_message(f"msg_native{number:04}", said)],
            "previous_response_id": previous,
            "store": body.get("store", True),
            "usage": USAGE,
            "vendor_field": 1.50,
        }
        if response["store"]:
            self.stored[response["id"]] = response
        if body.get("stream"):
            told = _stream(response)
            broken = "break" in str(body["input"])
            return events([told[: len(told) // 2] if broken else told])
        return tell(200, response)

    def _stored(self, request: Request, path: list[str]) -> Script:
        id, *more = path
        if id not in self.stored:
            return tell(404, _error("Response not found.", "id"))
        if more == ["input_items"]:
            listed = {"object": "list", "data": [{"id": "native"}], "has_more": False}
            return tell(200, {**listed, "first_id": "native", "last_id": "native"})
        if more == ["cancel"]:
            self.stored[id]["status"] = "cancelled"
        if request.method == "DELETE":
            del self.stored[id]
            return tell(200, {"id": id, "object": "response", "deleted": True})
        if "stream=true" in request.target:
            return events([_stream(self.stored[id])])
        return tell(200, self.stored[id])

    def _chat(self, request: Request) -> Script:
        body = request.json()
        text = json.dumps(body["messages"][-1]["content"])
        answer = tell(200, _completion(f"heard {len(body['messages'])} turns"))
        if "fail" in text:
            answer = tell(400, _error("I will not.", "messages"))
        return wait_for(self.held) + answer if "hold" in text else answer


def _message(id: str, text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def _error(message: str, param: str) -> Json:
    kind = "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}


def _completion(text: str) -> Json:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "small",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9},
    }


def _stream(response: Json) -> bytes:
    """As OpenAI tells it."""
    item = response["output"][0]
    text = item["content"][0]["text"]
    at = {"output_index": 0, "item_id": item["id"], "content_index": 0}
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    told: list[tuple[str, Json]] = [
        ("created", {"response": begun}),
        ("in_progress", {"response": begun}),
        ("output_item.added", {"output_index": 0, "item": {**item, "content": []}}),
        (
            "content_part.added",
            {**at, "part": {**item["content"][0], "text": ""}},
        ),
        (
            "output_text.delta",
            {**at, "delta": text, "logprobs": [], "obfuscation": "x"},
        ),
        ("output_text.done", {**at, "text": text, "logprobs": []}),
        ("content_part.done", {**at, "part": item["content"][0]}),
        ("output_item.done", {"output_index": 0, "item": item}),
        ("completed", {"response": response}),
    ]
    out = b""
    for number, (name, fields) in enumerate(told):
        data = {"type": f"response.{name}", "sequence_number": number, **fields}
        out += f"event: response.{name}\ndata: {json.dumps(data)}\n\n".encode()
    return out


def config(provider: Provider, **more: Any) -> Json:
    """`keeps` and `plain`, each alone behind an alias of its own; `plain/*` too."""
    return {
        "keys": {"master": "env:MASTER", "cache_s": 0},
        "providers": {
            "openai": {
                "base_url": f"{provider.url}/keeps/v1",
                "api_key": "env:PROVIDER_KEY",
            },
            "vendor": {
                "base_url": f"{provider.url}/chat/v1",
                "api_key": "env:PROVIDER_KEY",
            },
            "other": {
                "base_url": f"{provider.url}/keeps/v1",
                "api_key": "env:PROVIDER_KEY",
            },
        },
        "models": {
            "keeps": {"deployments": [{"model": "openai/gpt-5-mini"}]},
            "keeps-too": {"deployments": [{"model": "openai/gpt-4.1"}]},
            "plain": {"deployments": [{"model": "vendor/small"}]},
            "bridged": {"deployments": [{"model": "other/responses/big"}]},
            "safe": {
                "deployments": [{"model": "openai/gpt-5-mini"}],
                "fallbacks": ["plain"],
            },
            "exact": {
                "deployments": [{"model": "vendor/small", "on_unsupported": "error"}]
            },
        },
        **more,
    }
