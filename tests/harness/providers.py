"""OpenAI, Anthropic, Google and Bedrock as they answer, on one socket, as the test scripts it.

    with Providers({"hello": Answer((Said("Hello!"),))}) as up:
        ... ask a model behind up.base("anthropic"), "[[hello]]" in the prompt ...
        assert up.requests[-1].json() == ...

A request names its answer by a marker, `[[name]]`, in the text of its last turn; one
without gets a greeting. Each provider says it in its own words, whole or streamed, with
the fields it is known to send (as in recordings of 2025 and 2026). Nothing here knows
the gateway's own code.
"""

import re
from collections.abc import Mapping
from typing import Final

from tests.harness import spoken_anthropic as anthropic
from tests.harness import spoken_bedrock as bedrock
from tests.harness import spoken_gemini as gemini
from tests.harness import spoken_openai as openai
from tests.harness import spoken_responses as responses
from tests.harness.answers import GREETING, Answer, Json, vector
from tests.harness.upstream import Request, Script, Upstream, events, tell

FAMILIES: Final = ("openai", "anthropic", "gemini")
KEYS: Final = {name: f"sk-{name}-upstream-secret" for name in (*FAMILIES, "bedrock")}
"""The credential each provider wants."""
KEYS_IN_ENV: Final = {f"KEY_OF_{name.upper()}": key for name, key in KEYS.items()}
"""The same, for a gateway that is configured with `Providers.place`."""
COUNTED: Final = 42
"""What Anthropic and Google count for any prompt."""

_MARKER: Final = re.compile(rb"\[\[([a-z0-9_]+)\]\]")


class Providers(Upstream):
    """All of them, under `/openai`, `/anthropic`, `/gemini` and `/bedrock`."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__()
        self.answers = answers
        self.on(None, self._any)

    def base(self, family: str) -> str:
        """What to configure as the provider's `base_url`."""
        version = "v1beta" if family == "gemini" else "v1"
        return f"{self.url}/{family}/{version}"

    def place(self, family: str) -> dict[str, str]:
        """What to configure as a provider of that family."""
        key = f"env:KEY_OF_{family.upper()}"
        return {"family": family, "base_url": self.base(family), "api_key": key}

    def _any(self, request: Request) -> Script:
        _, family, _version, *rest = request.path.split("/")
        speak = _SPEAK.get(family)
        if speak is None or request.method != "POST":
            return tell(404, {"error": {"message": f"no such place: {request.target}"}})
        if _credential(family, request) != KEYS[family]:
            return tell(401, _wrong(family, 401, "the key is invalid"))
        answer = GREETING
        if names := _MARKER.findall(request.body):
            answer = self.answers.get(names[-1].decode(), GREETING)
        return speak("/".join(rest), request, answer)


def _credential(family: str, request: Request) -> str:
    if family in ("openai", "bedrock"):
        return request.headers.get("authorization", "").removeprefix("Bearer ")
    name = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}[family]
    return request.headers.get(name, "")


def _wrong(family: str, status: int, message: str) -> Json:
    if family == "bedrock":
        return {"message": message, "__type": "UnrecognizedClientException"}
    if family == "openai":
        kind = "invalid_request_error"
        return {
            "error": {"message": message, "type": kind, "param": None, "code": None}
        }
    if family == "anthropic":
        kind = "authentication_error" if status == 401 else "not_found_error"
        return {"type": "error", "error": {"type": kind, "message": message}}
    word = "UNAUTHENTICATED" if status == 401 else "NOT_FOUND"
    return {"error": {"code": status, "message": message, "status": word}}


def _openai(path: str, request: Request, answer: Answer) -> Script:
    body = request.json()
    match path:
        case "chat/completions" if body.get("stream"):
            return events(openai.stream(body, answer))
        case "chat/completions":
            return tell(200, openai.whole(body, answer))
        case "responses" if body.get("stream"):
            return events(responses.stream(body, answer))
        case "responses":
            return tell(200, responses.whole(body, answer))
        case "completions" if body.get("stream"):
            return events(openai.completion_stream(body, answer))
        case "completions":
            return tell(200, openai.completion(body, answer))
        case "embeddings":
            return tell(200, openai.embeddings(body))
    return tell(404, _wrong("openai", 404, f"unknown URL {path}"))


def _anthropic(path: str, request: Request, answer: Answer) -> Script:
    body = request.json()
    if path == "messages/count_tokens":
        return tell(200, {"input_tokens": COUNTED})
    if path != "messages":
        return tell(404, _wrong("anthropic", 404, "Not Found"))
    if body.get("stream"):
        kind = {"content-type": "text/event-stream; charset=utf-8"}
        return events(anthropic.stream(body, answer), headers=kind)
    return tell(200, anthropic.whole(body, answer))


def _gemini(path: str, request: Request, answer: Answer) -> Script:
    body = request.json()
    model, _, verb = path.removeprefix("models/").partition(":")
    match verb:
        case "generateContent":
            return tell(200, gemini.whole(body, model, answer))
        case "streamGenerateContent" if "alt=sse" in request.query:
            return events(gemini.stream(body, model, answer))
        case "countTokens":
            told = {
                "totalTokens": COUNTED,
                "promptTokensDetails": gemini.text_only(COUNTED),
            }
            return tell(200, told)
        case "embedContent":
            size = body.get("outputDimensionality") or 8
            text = body["content"]["parts"][0]["text"]
            return tell(200, {"embedding": {"values": vector(text, size)}})
        case "batchEmbedContents":
            found = [
                {
                    "values": vector(
                        one["content"]["parts"][0]["text"],
                        one.get("outputDimensionality") or 8,
                    )
                }
                for one in body["requests"]
            ]
            return tell(200, {"embeddings": found})
    return tell(404, _wrong("gemini", 404, f"no method {verb}"))


_SPEAK: Final = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock": bedrock.speak,
}
