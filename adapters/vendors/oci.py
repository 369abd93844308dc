"""Oracle Cloud's Generative AI: chat in its generic form, and vectors.

Source: docs.oracle.com/iaas/api, Generative AI Inference 20231130 (GenericChatRequest,
EmbedTextDetails); not recorded. The compartment stands in the address, behind the
version: `.../20231130/compartments/OCID`. A model that is named by the OCID of an
endpoint is one of one's own (a dedicated cluster). Cohere's models there have a form of
their own for chats, which is not spoken.
"""

import re
from typing import Final

from msgspec import Raw

from adapters import kin, signing
from adapters.contract import (
    Call,
    Operation,
    Result,
    Target,
    WireRequest,
    WireResponse,
)
from adapters.errors import Unsupported
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from adapters.normal.embed import EmbedCall
from adapters.vendors import base, oci_answers
from adapters.vendors.base import Json

TITLE: Final = "OCI Generative AI"
_PLACE: Final = re.compile(r"/compartments/([^/?]+)$")
_SAID: Final = kin.words(
    "tools tool_choice parallel_tools max_tokens temperature top_p top_k stop seed n "
    "presence_penalty frequency_penalty logit_bias response_format reasoning verbosity"
)
_NUMBERS: Final = {
    "max_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "n": "numGenerations",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "parallel_tools": "isParallelToolCalls",
}
_CHOICES: Final = {"auto": "AUTO", "none": "NONE", "required": "REQUIRED"}
_EFFORTS: Final = {"none": "MINIMAL", "xhigh": "HIGH", "max": "HIGH"}


class Oci(base.Vectors):
    """The half that speaks to providers."""

    operations = frozenset({Operation.chat, Operation.embed})

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it cannot be said there.
            BadCall: the body does not follow its own dialect.
        """
        drop: list[str] = []
        if isinstance(call, EmbedCall):
            body: Json = {"inputs": base.texts(call, TITLE)}
            word = base.side(call, "SEARCH_QUERY", "SEARCH_DOCUMENT", drop)
            body["inputType"] = word or "SEARCH_DOCUMENT"
            if call.dimensions is not None:
                body["outputDimensions"] = call.dimensions
            base.extras(call, frozenset({"truncate"}), body, drop)
            return _request(call, target, "embedText", body, drop)
        if not isinstance(call, ChatCall) or call.operation == "count_tokens":
            raise Unsupported(f"{TITLE} is asked for chats and vectors only", "model")
        asked = call.conversation()
        drop += kin.unsaid(asked, _SAID)
        said = _chat(asked, drop)
        if call.stream:
            said |= {"isStream": True, "streamOptions": {"isIncludeUsage": True}}
        return _request(call, target, "chat", {"chatRequest": said}, drop)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `Garbled` when it is none."""
        if isinstance(call, EmbedCall):
            return oci_answers.vectors(response)
        return oci_answers.chat(response)

    def parse_stream(self, call: Call) -> oci_answers.Events:
        """A decoder for one streamed answer."""
        return oci_answers.Events()


def _request(
    call: Call, target: Target, action: str, body: Json, drop: list[str]
) -> WireRequest:
    root = target.base_url.rstrip("/")
    if place := _PLACE.search(root):
        root = root[: place.start()]
        body = {"compartmentId": place[1], **body}
    name = target.model
    mode: Json = {"servingType": "ON_DEMAND", "modelId": name}
    if name.startswith("ocid1.generativeaiendpoint."):
        mode = {"servingType": "DEDICATED", "endpointId": name}
    body["servingMode"] = mode
    head = signing.head(target, f"{root}/actions/{action}")
    dropped = kin.named(drop, call.dialect, target)
    return WireRequest(head, base.encode(body), (), dropped)


def _chat(asked: Conversation, drop: list[str]) -> Json:
    out: Json = {"apiFormat": "GENERIC", "messages": _messages(asked, drop)}
    written = kin.tools(asked, drop, TITLE)
    if written:
        out["tools"] = [{"type": "FUNCTION", **tool["function"]} for tool in written]
        choice = asked.tool_choice
        if choice is not None and choice.mode == "tool" and choice.names:
            out["toolChoice"] = {"type": "FUNCTION", "name": choice.names[0]}
        elif choice is not None:
            out["toolChoice"] = {"type": _CHOICES.get(choice.mode, "REQUIRED")}
    for field, name in _NUMBERS.items():
        value = getattr(asked, field)
        if value is not None and (field != "parallel_tools" or written):
            out[name] = value
    if asked.stop:
        out["stop"] = list(asked.stop)
    if asked.logit_bias:
        out["logitBias"] = asked.logit_bias
    if asked.verbosity:
        out["verbosity"] = asked.verbosity.upper()
    _form(asked, out, drop)
    drop += asked.extra
    return out


def _form(asked: Conversation, out: Json, drop: list[str]) -> None:
    form = asked.response_format
    if form is not None and form.mode == "json":
        out["responseFormat"] = {"type": "JSON_OBJECT"}
    elif form is not None and form.mode == "schema":
        schema: Json = {"name": form.name or "response", "schema": form.schema}
        if form.strict is not None:
            schema["isStrict"] = form.strict
        out["responseFormat"] = {"type": "JSON_SCHEMA", "jsonSchema": schema}
    if asked.reasoning is not None and asked.reasoning.effort:
        effort = asked.reasoning.effort
        out["reasoningEffort"] = _EFFORTS.get(effort, effort.upper())
    elif asked.reasoning is not None:
        drop.append("reasoning")


def _messages(asked: Conversation, drop: list[str]) -> list[Json]:
    out: list[Json] = []
    for message in asked.messages:
        if message.role == "tool":
            for result in kin.results(message):
                content = _content(result.parts, drop)
                told = {"role": "TOOL", "toolCallId": result.id, "content": content}
                out.append(told)
                if result.is_error:
                    drop.append("is_error")
        else:
            out.append(_turn(message, drop))
    return out


def _turn(message: Message, drop: list[str]) -> Json:
    apart = (Thinking, ToolUse)
    said = tuple(p for p in message.parts if not isinstance(p, apart))
    role = "SYSTEM" if message.role == "developer" else message.role.upper()
    out: Json = {"role": role, "content": _content(said, drop)}
    if message.name:
        out["name"] = message.name
    if any(isinstance(part, Thinking) for part in message.parts):
        drop.append("messages.thinking")
    calls = [_call(part) for part in message.parts if isinstance(part, ToolUse)]
    if calls:
        out["toolCalls"] = calls
    return out


def _call(part: ToolUse) -> Json:
    given = kin.arguments(part)
    text = bytes(given) if isinstance(given, Raw) else base.encode(given)
    said = {"name": part.name, "arguments": text.decode(errors="replace")}
    return {"id": part.id, "type": "FUNCTION", **said}


def _content(parts: tuple[Part, ...], drop: list[str]) -> list[Json]:
    out: list[Json] = []
    for part in parts:
        if getattr(part, "cache", None) is not None:
            drop.append("cache")
        match part:
            case Text() | Refusal():
                out.append({"type": "TEXT", "text": part.text})
            case Image() if part.data or part.url:
                kind = part.media_type or "image/png"
                url = part.url or f"data:{kind};base64,{part.data}"
                place = {"url": url, "detail": (part.detail or "auto").upper()}
                out.append({"type": "IMAGE", "imageUrl": place})
            case Document() if text := kin.within(part):
                out.append({"type": "TEXT", "text": text})
            case Audio() if part.transcript and not part.data:
                out.append({"type": "TEXT", "text": part.transcript})
            case _:
                kin.refuse(part, TITLE, drop)
    return out


UPSTREAM: Final = Oci()
