"""What clients of the three dialects say and understand, and what providers answer."""

import json
import re
from collections.abc import Iterable
from typing import Any

from tests.harness.upstream import Request, Script, events, tell

# --- clients -----------------------------------------------------------------------


class Client:
    """One dialect, as a client without an SDK would speak it."""

    name = ""

    def call(self, model: str, *, stream: bool = False) -> tuple[str, dict[str, Any]]:
        """Path and body."""
        raise NotImplementedError

    def key(self, key: str) -> dict[str, str]:
        raise NotImplementedError

    def text(self, body: str) -> str:
        """All that a stream has said."""
        return "".join(self._said(event) for event in self.events(body))

    def events(self, body: str) -> list[dict[str, Any]]:
        """The events of a stream; anything that is not one fails."""
        return [json.loads(data) for data in datas(body) if data != "[DONE]"]

    def _said(self, event: dict[str, Any]) -> str:
        raise NotImplementedError

    def error(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """The error that a body or an event is, if it is one of this dialect."""
        raise NotImplementedError

    def finished(self, event: dict[str, Any]) -> bool:
        """Whether an event claims that the model came to its end."""
        raise NotImplementedError

    def broken(self, body: str) -> dict[str, Any]:
        """The error that ended a stream, which must end with it and claim no end."""
        found = self.events(body)
        errors = [error for event in found if (error := self.error(event)) is not None]
        assert len(errors) == 1, body
        assert self.error(found[-1]) is not None, body
        assert not any(self.finished(event) for event in found), body
        return errors[0]

    def whole(self, body: str) -> str:
        """The text of a stream that came to its proper end."""
        found = self.events(body)
        assert not any(self.error(event) for event in found), body
        assert sum(map(self.finished, found)) == 1, body
        return self.text(body)


class OpenAi(Client):
    name = "openai"

    def call(self, model: str, *, stream: bool = False) -> tuple[str, dict[str, Any]]:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        return "/v1/chat/completions", {**body, "stream": True} if stream else body

    def key(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def _said(self, event: dict[str, Any]) -> str:
        return "".join(
            choice["delta"].get("content") or "" for choice in event.get("choices", ())
        )

    def error(self, body: dict[str, Any]) -> dict[str, Any] | None:
        error = body.get("error")
        if error is not None:
            assert isinstance(error["type"], str)
            assert error["message"]
        return error

    def finished(self, event: dict[str, Any]) -> bool:
        return any(choice.get("finish_reason") for choice in event.get("choices", ()))

    def whole(self, body: str) -> str:
        assert datas(body)[-1] == "[DONE]", body
        assert body.count("[DONE]") == 1, body
        return super().whole(body)


class Anthropic(Client):
    name = "anthropic"

    def call(self, model: str, *, stream: bool = False) -> tuple[str, dict[str, Any]]:
        messages = [{"role": "user", "content": "Hello"}]
        body = {"model": model, "max_tokens": 100, "messages": messages}
        return "/v1/messages", {**body, "stream": True} if stream else body

    def key(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def _said(self, event: dict[str, Any]) -> str:
        if event["type"] != "content_block_delta":
            return ""
        text: str = event["delta"].get("text", "")
        return text

    def error(self, body: dict[str, Any]) -> dict[str, Any] | None:
        if body.get("type") != "error":
            return None
        error: dict[str, Any] = body["error"]
        assert error["type"].endswith("_error")
        assert error["message"]
        return error

    def finished(self, event: dict[str, Any]) -> bool:
        return event["type"] == "message_stop" or bool(
            event["type"] == "message_delta" and event["delta"].get("stop_reason")
        )

    def whole(self, body: str) -> str:
        found = [event["type"] for event in self.events(body)]
        assert found.count("message_delta") == found.count("message_stop") == 1, body
        assert "error" not in found, body
        return self.text(body)


class Gemini(Client):
    name = "gemini"

    def call(self, model: str, *, stream: bool = False) -> tuple[str, dict[str, Any]]:
        body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{verb}", body

    def key(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key}

    def _said(self, event: dict[str, Any]) -> str:
        return "".join(
            part.get("text", "")
            for candidate in event.get("candidates", ())
            for part in candidate.get("content", {}).get("parts", ())
        )

    def error(self, body: dict[str, Any]) -> dict[str, Any] | None:
        error = body.get("error")
        if error is not None:
            assert isinstance(error["code"], int)
            assert error["status"].isupper()
            assert error["message"]
        return error

    def finished(self, event: dict[str, Any]) -> bool:
        return any(c.get("finishReason") for c in event.get("candidates", ()))


def datas(body: str) -> list[str]:
    """The data of each event, by the letter of the WHATWG's grammar."""
    found: list[str] = []
    data: list[str] = []
    for line in re.split("\r\n|\n|\r", body.removeprefix("\ufeff")):
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            found.append("\n".join(data))
            data = []
    return found


OPENAI, ANTHROPIC, GEMINI = OpenAi(), Anthropic(), Gemini()
CLIENTS: dict[str, Client] = {c.name: c for c in (OPENAI, ANTHROPIC, GEMINI)}


# --- providers ---------------------------------------------------------------------


def sse(event: Any, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()


class Provider:
    """What a family's providers say. Every piece of text is 40 characters long, ten
    tokens as the gateway guesses them."""

    name = ""
    prompt_tokens = 7

    def answer(self, text: str) -> dict[str, Any]:
        """A whole answer: 7 tokens in, 3 out."""
        raise NotImplementedError

    def opening(self) -> list[bytes]:
        """Events before the first that speaks."""
        raise NotImplementedError

    def piece(self, text: str) -> bytes:
        raise NotImplementedError

    def ending(self) -> list[bytes]:
        """The end of a stream, with its usage: 7 tokens in, 3 out."""
        raise NotImplementedError

    def error(self) -> bytes:
        """An error event: the family's word for being overloaded."""
        raise NotImplementedError

    def begun(self, *texts: str) -> list[bytes]:
        """A stream that has not ended yet."""
        return [*self.opening(), *map(self.piece, texts)]

    def stream(self, *texts: str) -> list[bytes]:
        return [*self.begun(*texts), *self.ending()]


class OpenAiProvider(Provider):
    name = "openai"

    def answer(self, text: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "served",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "served",
                "choices": [choice],
            }
        )

    def opening(self) -> list[bytes]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def piece(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def ending(self) -> list[bytes]:
        usage = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "served",
            "choices": [],
            "usage": self.answer("")["usage"],
        }
        return [self._chunk({}, "stop"), sse(usage), b"data: [DONE]\n\n"]

    def error(self) -> bytes:
        return sse({"error": {"message": "overloaded", "type": "server_error"}})


class AnthropicProvider(Provider):
    name = "anthropic"

    def answer(self, text: str) -> dict[str, Any]:
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "served",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 3},
        }

    def opening(self) -> list[bytes]:
        message = {
            **self.answer(""),
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 7, "output_tokens": 1},
        }
        block = {"type": "text", "text": ""}
        return [
            self._event({"type": "message_start", "message": message}),
            self._event(
                {"type": "content_block_start", "index": 0, "content_block": block}
            ),
        ]

    def _event(self, event: dict[str, Any]) -> bytes:
        return sse(event, event["type"])

    def piece(self, text: str) -> bytes:
        delta = {"type": "text_delta", "text": text}
        return self._event({"type": "content_block_delta", "index": 0, "delta": delta})

    def ending(self) -> list[bytes]:
        return [
            self._event({"type": "content_block_stop", "index": 0}),
            self._event(
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": 3},
                }
            ),
            self._event({"type": "message_stop"}),
        ]

    def error(self) -> bytes:
        error = {"type": "overloaded_error", "message": "Overloaded"}
        return self._event({"type": "error", "error": error})


class GeminiProvider(Provider):
    name = "gemini"

    def _body(self, text: str, **candidate: Any) -> dict[str, Any]:
        content = {"role": "model", "parts": [{"text": text}]}
        return {
            "candidates": [{"content": content, "index": 0, **candidate}],
            "modelVersion": "served",
            "responseId": "r1",
        }

    def answer(self, text: str) -> dict[str, Any]:
        usage = {
            "promptTokenCount": 7,
            "candidatesTokenCount": 3,
            "totalTokenCount": 10,
        }
        return {**self._body(text, finishReason="STOP"), "usageMetadata": usage}

    def opening(self) -> list[bytes]:
        return []

    def piece(self, text: str) -> bytes:
        return sse(self._body(text))

    def ending(self) -> list[bytes]:
        return [sse(self.answer(""))]

    def error(self) -> bytes:
        error = {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}
        return sse({"error": error})


PROVIDERS: dict[str, Provider] = {
    p.name: p for p in (OpenAiProvider(), AnthropicProvider(), GeminiProvider())
}
PROVIDER = PROVIDERS["openai"]
"""For where the family makes no difference."""

PIECE = "forty letters and then not one letter more"[:40]


_streams = re.compile(rb'"stream": *true').search
"""Bodies may be such that Python's own reader does not take them."""


def serves(text: str = "hello", provider: Provider = PROVIDER) -> "Serves":
    return Serves(text, provider)


class Serves:
    """An answer in good order, streamed when asked so."""

    def __init__(self, text: str, provider: Provider) -> None:
        self.text, self.provider = text, provider

    def __call__(self, request: Request) -> Script:
        streams = "stream" in request.target or _streams(request.body)
        if streams:
            return events(self.provider.stream(self.text))
        return tell(200, self.provider.answer(self.text))


def fails(
    status: int, message: str = "no", headers: Iterable[tuple[str, str]] = ()
) -> Script:
    """An error in OpenAI's words."""
    return tell(status, {"error": {"message": message, "type": "x"}}, list(headers))
