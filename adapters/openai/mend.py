"""Bodies that deviate from OpenAI's types, made to follow them.

Only what deviates is touched, everything else is carried. Each kind of mend has a name
in `Mender.reasons`; a recording that needs one is listed by it in the tests. Seen in
recordings (2026): Groq's service tier, Mistral's lists as content and tool calls
without type or index, Azure's empty object, Perplexity's object of whole answers in
streams, Snowflake's empty finish reason, Together's `eos`, xAI without object.
"""

import hashlib
import json
from typing import Any, Final

import msgspec

from adapters.errors import Garbled
from adapters.openai import finish, wire

Json = dict[str, Any]

_TIERS: Final = {"on_demand": "default", "standard": "default", "": None}
_ROLES: Final = frozenset({"developer", "system", "user", "assistant", "tool"})
_LOWEST: Final = -9999.0
"""OpenAI's log probability for `very unlikely`."""


def load(body: bytes) -> Any:
    """JSON, however sloppy: lone surrogates, NaN, raw control characters.

    Raises:
        Garbled: it is not even that.
    """
    try:
        return wire.value.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    try:
        text = body.decode("utf-8", "replace")
        found = json.loads(text, strict=False, parse_constant=lambda _: None)
        text = json.dumps(found, ensure_ascii=False)
        clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return json.loads(clean)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"not JSON: {body[:200]!r}", body=body) from error


class Mender:
    """Mends one body, or the chunks of one stream."""

    __slots__ = ("created", "id", "model", "reasons")

    def __init__(self, model: str, id_: str = "", created: int = 0) -> None:
        self.model = model
        """Told where the vendor tells none."""
        self.id = id_
        self.created = created
        self.reasons: list[str] = []

    def completion(self, body: Json) -> Json:
        """A whole chat completion, in place."""
        self._envelope(body, "chat.completion")
        body["choices"] = [
            self._choice(choice, at) for at, choice in enumerate(self._choices(body))
        ]
        return body

    def chunk(self, body: Json) -> Json:
        """A chunk of a chat completion, in place."""
        self._envelope(body, "chat.completion.chunk")
        body["choices"] = [
            self._chunk_choice(choice, at)
            for at, choice in enumerate(self._choices(body, whole=False))
        ]
        if not _is(body.get("obfuscation"), str):
            body.pop("obfuscation")
        return body

    def text(self, body: Json, *, whole: bool = False) -> Json:
        """A legacy completion, or a chunk of one, in place."""
        self._envelope(body, "text_completion")
        body.pop("service_tier", None)
        choices = self._choices(body, whole=False)
        for at, choice in enumerate(choices):
            self._index(choice, at)
            choice["text"] = _text(choice.get("text"))
            word = choice.get("finish_reason")
            if word is not None:
                choice["finish_reason"] = finish.canonical(_text(word))
                if choice["finish_reason"] in ("tool_calls", "function_call", "error"):
                    choice["finish_reason"] = "stop"
            else:
                if whole:
                    self._mended("finish_reason empty")
                choice["finish_reason"] = "stop" if whole else None
            if not _fits(choice.get("logprobs"), wire.TextLogprobs | None):
                choice["logprobs"] = None
        body["choices"] = choices
        return body

    def _mended(self, reason: str) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)

    def _envelope(self, body: Json, kind: str) -> None:
        if not isinstance(body.get("id"), str):
            self._mended("id missing")
            if not self.id:
                digest = hashlib.blake2b(wire.encode(body), digest_size=12).hexdigest()
                self.id = f"chatcmpl-{digest}"
            body["id"] = self.id
        if body.get("object") != kind:
            self._mended("object missing" if "object" not in body else "object")
            body["object"] = kind
        if not isinstance(body.get("created"), int) or body["created"] is True:
            self._mended("created")
            body["created"] = _int(body.get("created")) or self.created
        if not isinstance(body.get("model"), str):
            self._mended("model missing")
            body["model"] = self.model
        self._optional(body)
        if body.get("usage") is not None:
            self._usage(body)

    def _optional(self, body: Json) -> None:
        tier = body.get("service_tier")
        if not _fits(tier, wire.Tier | None):
            self._mended("service_tier")
            mapped = _TIERS.get(tier) if isinstance(tier, str) else None
            body["service_tier"] = mapped
        if not _is(body.get("system_fingerprint"), str):
            self._mended("system_fingerprint")
            body["system_fingerprint"] = _text(body["system_fingerprint"])
        for name, kind in (
            ("metadata", dict[str, str] | None),
            ("moderation", wire.Moderation | None),
        ):
            if not _fits(body.get(name), kind):
                self._mended(name)
                body[f"native_{name}"] = body.pop(name)

    def _usage(self, body: Json) -> None:
        if _fits(body["usage"], wire.Tokens):
            return
        self._mended("usage")
        usage = body["usage"]
        if not isinstance(usage, dict):
            del body["usage"]
            return
        prompt = _int(usage.get("prompt_tokens"))
        output = _int(usage.get("completion_tokens"))
        usage["prompt_tokens"], usage["completion_tokens"] = prompt, output
        total = _int(usage.get("total_tokens"))
        usage["total_tokens"] = total or prompt + output
        for name, kind in (
            ("prompt_tokens_details", wire.PromptDetails),
            ("completion_tokens_details", wire.CompletionDetails),
        ):
            found = usage.get(name)
            if isinstance(found, dict):
                for key in kind.__struct_fields__:
                    if found.get(key) is not None:
                        found[key] = _int(found[key])
            elif found is not None:
                del usage[name]

    def _choices(self, body: Json, *, whole: bool = True) -> list[Json]:
        choices = body.get("choices")
        if choices is None and not whole:
            choices = []
        if not isinstance(choices, list):
            raise Garbled("the answer has no choices", body=wire.encode(body))
        return [choice for choice in choices if isinstance(choice, dict)]

    def _index(self, choice: Json, at: int) -> None:
        if not isinstance(choice.get("index"), int) or choice["index"] is True:
            self._mended("choice index")
            choice["index"] = at

    def _choice(self, choice: Json, at: int) -> Json:
        self._index(choice, at)
        message = choice.get("message")
        if not isinstance(message, dict):
            self._mended("message")
            delta = choice.get("delta")
            message = delta if isinstance(delta, dict) else {}
            if not message and "text" in choice:
                message = {"content": _text(choice["text"])}
            choice["message"] = message
        if message.get("role") != "assistant":
            self._mended("role")
            message["role"] = "assistant"
        self._spoken(message)
        if message.get("annotations") is not None:
            self._annotations(message)
        if not _fits(message.get("audio"), wire.Audio | None):
            self._mended("audio")
            message["audio"] = None
        if not _fits(message.get("function_call"), wire.Function | None):
            self._function(message, "function_call")
        if message.get("tool_calls") is not None:
            calls = _dicts(message["tool_calls"])
            message["tool_calls"] = [self._call(c, i) for i, c in enumerate(calls)]
        self._logprobs(choice)
        self._finish(choice, calls=bool(message.get("tool_calls")), whole=True)
        return choice

    def _spoken(self, message: Json) -> None:
        content = message.get("content")
        if isinstance(content, list):
            self._mended("content list")
            text, thought = flatten(content)
            message["content"] = text
            if thought:
                message["reasoning_content"] = thought
        elif not _is(content, str):
            self._mended("content")
            message["content"] = _text(content)
        if not _is(message.get("refusal"), str):
            self._mended("refusal")
            message["refusal"] = _text(message["refusal"])

    def _annotations(self, message: Json) -> None:
        found = _dicts(message["annotations"])
        kept = [entry for entry in found if _fits(entry, wire.Annotation)]
        if kept != message["annotations"]:
            self._mended("annotations")
            message["native_annotations"] = message["annotations"]
            message["annotations"] = kept

    def _function(self, holder: Json, name: str) -> None:
        self._mended("function")
        found = holder.get(name)
        if not isinstance(found, dict):
            holder[name] = None
            return
        found["name"] = _text(found.get("name"))
        found["arguments"] = _arguments(found.get("arguments"))

    def _call(self, call: Json, at: int) -> Json:
        if call.get("type") not in ("function", "custom"):
            self._mended("tool call type")
            call["type"] = "custom" if "custom" in call else "function"
        if not isinstance(call.get("id"), str) or not call["id"]:
            self._mended("tool call id")
            digest = hashlib.blake2b(wire.encode(call), digest_size=12, salt=b"%d" % at)
            call["id"] = f"call_{digest.hexdigest()}"
        if call["type"] == "custom" and not _fits(call.get("custom"), wire.Custom):
            found = call.get("custom")
            custom = found if isinstance(found, dict) else {}
            call["custom"] = {
                **custom,
                "name": _text(custom.get("name")),
                "input": _text(custom.get("input")),
            }
        elif call["type"] == "function" and not _fits(
            call.get("function"), wire.Function
        ):
            if not isinstance(call.get("function"), dict):
                call["function"] = {}
            self._function(call, "function")
        return call

    def _logprobs(self, choice: Json) -> None:
        found = choice.get("logprobs")
        if _fits(found, wire.Logprobs | None):
            return
        self._mended("logprobs")
        if isinstance(found, dict):
            for name in ("content", "refusal"):
                for entry in _dicts(found.get(name)):
                    entry.setdefault("top_logprobs", [])
                    for token in (entry, *_dicts(entry["top_logprobs"])):
                        token.setdefault("logprob", _LOWEST)
                        if token["logprob"] is None:
                            token["logprob"] = _LOWEST
        if not _fits(found, wire.Logprobs):
            choice["native_logprobs"] = found
            choice["logprobs"] = None

    def _finish(self, choice: Json, *, calls: bool, whole: bool) -> None:
        word = choice.get("finish_reason")
        native = _text(word)
        if native in finish.STOPS or (word is None and not whole):
            return
        if not whole and not native:
            self._mended("finish_reason empty")
            choice["finish_reason"] = None
            return
        self._mended(f"finish_reason {native or 'empty'}")
        choice.setdefault("native_finish_reason", word)
        choice["finish_reason"] = finish.canonical(native, calls=calls)

    def _chunk_choice(self, choice: Json, at: int) -> Json:
        self._index(choice, at)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            self._mended("delta missing")
            delta = choice["delta"] = {}
        role = delta.get("role")
        if role is not None and _text(role) not in _ROLES:
            self._mended("role")
            delta["role"] = "assistant" if role else None
        self._spoken(delta)
        for name, kind in (
            ("audio", wire.AudioDelta | None),
            ("function_call", wire.FunctionDelta | None),
        ):
            if not _fits(delta.get(name), kind):
                self._mended(name)
                delta[name] = None
        if delta.get("tool_calls") is not None:
            calls = _dicts(delta["tool_calls"])
            delta["tool_calls"] = [self._piece(call) for call in calls]
        self._logprobs(choice)
        self._finish(choice, calls=False, whole=False)
        return choice

    def _piece(self, call: Json) -> Json:
        if not isinstance(call.get("index"), int) or call["index"] is True:
            self._mended("tool index missing")
            call["index"] = -1  # which one it is only the decoder knows
            if call.get("id") and call.get("type") is None:  # Mistral's, as it begins
                call["type"] = "custom" if "custom" in call else "function"
        if call.get("id") is not None and not isinstance(call["id"], str):
            self._mended("tool call id")
            call["id"] = _text(call["id"])
        if call.get("type") not in ("function", "custom", None):
            self._mended("tool call type")
            call["type"] = "custom" if "custom" in call else "function"
        found = call.get("function")
        if found is not None and not _fits(found, wire.FunctionDelta):
            self._mended("function")
            if isinstance(found, dict):
                if found.get("arguments") is not None:
                    found["arguments"] = _arguments(found["arguments"])
                if found.get("name") is not None:
                    found["name"] = _text(found["name"])
            else:
                call["function"] = None
        if not _fits(call.get("custom"), wire.CustomDelta | None):
            call["custom"] = None
        return call


def flatten(content: list[Any]) -> tuple[str, str]:
    """Text and thoughts of a list of parts (Mistral, Databricks)."""
    text, thought = "", ""
    for part in content:
        if isinstance(part, str):
            text += part
        if not isinstance(part, dict):
            continue
        kind = part.get("type")
        inner = part.get("thinking") or part.get("summary")
        if kind in ("thinking", "reasoning") and isinstance(inner, list):
            pieces = [piece.get("text") for piece in _dicts(inner)]
            thought += "".join(p for p in pieces if isinstance(p, str))
        elif kind in ("thinking", "reasoning"):
            thought += inner if isinstance(inner, str) else _text(part.get("text"))
        elif isinstance(part.get("text"), str):
            text += part["text"]
    return text, thought


def _fits(found: Any, kind: Any) -> bool:
    try:
        msgspec.json.decode(wire.encode(found), type=kind)
    except msgspec.ValidationError:
        return False
    return True


def _is(found: Any, kind: type) -> bool:
    """Null, absent, or of the kind."""
    return found is None or isinstance(found, kind)


def _dicts(found: Any) -> list[Json]:
    if not isinstance(found, list):
        return []
    return [entry for entry in found if isinstance(entry, dict)]


def _int(found: Any) -> int:
    if isinstance(found, bool) or found is None:
        return 0
    try:
        return int(found)
    except (TypeError, ValueError, OverflowError):
        return 0


def _text(found: Any) -> str:
    if found is None:
        return ""
    return found if isinstance(found, str) else wire.encode(found).decode()


def _arguments(found: Any) -> str:
    """JSON text of a tool call's arguments, however they came."""
    if isinstance(found, str):
        return found
    return "{}" if found is None else wire.encode(found).decode()
