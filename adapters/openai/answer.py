"""Whole answers of OpenAI-shaped providers, read: strict as they are, or mended."""

from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import WireResponse
from adapters.normal.chat import ChatResult, Choice, StopReason
from adapters.normal.content import Audio, Citation, Image, Part, Refusal, Text, ToolUse
from adapters.normal.usage import Usage
from adapters.openai import errors, finish, mend, reasoning, usage, wire
from adapters.openai.wire import ABSENT, present

LEGACY_ID = "call_0"
"""The id of a legacy `function_call`, which has none of its own."""

_REAL: Final = {"image/jpg": "image/jpeg"}
"""What clients call media types -> their names."""


def read(response: WireResponse, model: str, operation: str) -> ChatResult:
    """A 2xx answer.

    Raises:
        UpstreamError: an error inside the 200, or something that is no answer.
    """
    body = response.body
    if operation == "complete" and not _is_chat(body):
        return _text_result(body, model)
    try:
        told = wire.completion.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        body = mended(body, model)[0]
        told = _again(body)
    return _result(told, body)


def _is_chat(body: bytes) -> bool:
    """A chat model may have served a legacy call."""
    if b'"chat.completion' in body:
        return True
    return b'"text_completion' not in body and b'"message"' in body


def _again(body: bytes) -> wire.Completion:
    try:
        return wire.completion.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise errors.garbled(f"no chat completion ({error})", body) from error


def mended(body: bytes, model: str) -> tuple[bytes, list[str]]:
    """The body with OpenAI's types, and what had to be mended.

    Raises:
        UpstreamError: an error inside the 200, or something that is no answer.
    """
    found = mend.load(body)
    raise_inside(found, body)
    if not isinstance(found, dict):
        raise errors.garbled("no chat completion", body)
    mender = mend.Mender(model)
    return wire.encode(mender.completion(found)), mender.reasons


def raise_inside(found: Any, body: bytes) -> None:
    """Raises the error that a body holds, if it holds one."""
    error = errors.inside(found, body)
    if error is not None:
        raise error


def _result(told: wire.Completion, body: bytes) -> ChatResult:
    failed = told.error is not ABSENT and present(told.error)
    counted = None if told.usage is None else usage.read(told.usage)
    for choice in told.choices:
        if choice.error is not ABSENT:
            failed = failed or present(choice.error)
    if failed:
        raise_inside(wire.value.decode(body), body)
    if counted is None:
        counted = usage.elsewhere(told.x_groq, [c.usage for c in told.choices])
    if counted is not None and told.service_tier is not None:
        counted = usage.served(counted, told.service_tier)
    return ChatResult(
        id=told.id,
        model=told.model,
        created=told.created,
        usage=counted,
        raw=body,
        dialect=wire.CHAT,
        extra=_extra(told),
        read=partial(_choices, told),
        stops=tuple([_stop(choice) for choice in told.choices]),
    )


def _extra(told: wire.Completion) -> dict[str, Raw] | None:
    if told.service_tier is None and told.system_fingerprint is None:
        return None
    extra: dict[str, Raw] = {}
    if told.service_tier is not None:
        extra["service_tier"] = Raw(wire.encode(told.service_tier))
    if told.system_fingerprint is not None:
        extra["system_fingerprint"] = Raw(wire.encode(told.system_fingerprint))
    return extra


def _choices(told: wire.Completion, _: bytes) -> tuple[Choice, ...]:
    return tuple(_choice(choice, told.citations) for choice in told.choices)


def _stop(choice: wire.Choice) -> StopReason:
    called = choice.message.function_call
    calls = bool(choice.message.tool_calls or (called is not None and called.name))
    told = choice.native_finish_reason
    native = "" if told is ABSENT else _native(told)
    return finish.stop(choice.finish_reason, native, calls=calls)


def _choice(choice: wire.Choice, sources: Raw) -> Choice:
    message = choice.message
    logprobs = choice.logprobs
    return Choice(
        index=choice.index,
        parts=tuple(_parts(message, sources)),
        stop=_stop(choice),
        native_stop=_native(choice.native_finish_reason) or choice.finish_reason,
        logprobs=Raw(wire.encode(logprobs)) if logprobs is not None else Raw(b""),
    )


def _native(raw: Raw) -> str:
    found = wire.value.decode(raw) if present(raw) else None
    return found if isinstance(found, str) else ""


def _parts(message: wire.Message, sources: Raw) -> list[Part]:
    parts: list[Part] = [*reasoning.read(message)]
    signature = reasoning.signature(message.extra_content)
    if message.content or signature:
        cited = citations(message.annotations or (), sources)
        parts.append(Text(message.content or "", cited, signature=signature))
    if message.refusal:
        parts.append(Refusal(message.refusal))
    if message.audio is not None and message.audio.data:
        audio = message.audio
        parts.append(
            Audio(
                audio.data,
                id=audio.id,
                transcript=audio.transcript,
                expires_at=audio.expires_at,
            )
        )
    parts += images(message.images)
    if message.function_call is not None and message.function_call.name:
        called = message.function_call
        parts.append(ToolUse(LEGACY_ID, called.name, called.arguments or "{}"))
    for at, call in enumerate(message.tool_calls or ()):
        parts.append(_tool(call, at))
    return parts


def _tool(call: wire.FunctionCall | wire.CustomCall, at: int) -> ToolUse:
    id_ = call.id or f"call_{at}"
    if isinstance(call, wire.CustomCall):
        return ToolUse(id_, call.custom.name, call.custom.input, custom=True)
    signature = reasoning.signature(call.extra_content)
    return ToolUse(id_, call.function.name, call.function.arguments or "{}", signature)


def citations(
    annotations: list[wire.Annotation] | tuple[wire.Annotation, ...], sources: Raw
) -> tuple[Citation, ...]:
    """Sources of a text: annotations, or else Perplexity's list of addresses."""
    if annotations:
        return tuple(citation(note.url_citation) for note in annotations)
    if not present(sources):
        return ()
    found = wire.value.decode(sources)
    if not isinstance(found, list):
        return ()
    return tuple(Citation(url=url) for url in found if isinstance(url, str))


def citation(found: wire.UrlCitation) -> Citation:
    """One source."""
    quote = wire.value.decode(found.content) if present(found.content) else ""
    return Citation(
        found.url,
        found.title,
        quote if isinstance(quote, str) else "",
        found.start_index,
        found.end_index,
    )


def images(raw: Raw) -> list[Image]:
    """Pictures that the model drew (OpenRouter's `images`)."""
    if not present(raw):
        return []
    found = wire.value.decode(raw)
    drawn: list[Image] = []
    for entry in found if isinstance(found, list) else ():
        place = entry.get("image_url") if isinstance(entry, dict) else None
        url = place.get("url") if isinstance(place, dict) else None
        if isinstance(url, str) and url:
            drawn.append(image(url))
    return drawn


def image(url: str, detail: str = "") -> Image:
    """A picture at an address, or in a data URL."""
    media_type, data = data_url(url)
    if data:
        return Image(data, _REAL.get(media_type, media_type), detail=detail)
    return Image(url=url, detail=detail)


def data_url(url: str) -> tuple[str, str]:
    """Media type and base64 text of a data URL; empty for anything else."""
    if not url.startswith("data:"):
        return "", ""
    head, _, data = url[5:].partition(",")
    media_type, _, form = head.partition(";")
    if not form.endswith("base64"):
        return "", ""
    return media_type, data


def _text_result(body: bytes, model: str) -> ChatResult:
    told = _strict_text(body)
    if told is None:
        body = _mended_text(body, model)
        told = _text_again(body)
    if present(told.error):
        raise_inside(wire.value.decode(body), body)
    counted: Usage | None = None if told.usage is None else usage.read(told.usage)
    return ChatResult(
        id=told.id,
        model=told.model,
        created=told.created,
        usage=counted,
        raw=body,
        dialect=wire.COMPLETIONS,
        read=partial(_text_choices, told),
    )


def _strict_text(body: bytes) -> wire.TextCompletion | None:
    """As it is, where it follows the types; a whole answer says why it ended."""
    try:
        told = wire.text_completion.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if any(choice.finish_reason is None for choice in told.choices):
        return None
    return told


def _mended_text(body: bytes, model: str) -> bytes:
    found = mend.load(body)
    raise_inside(found, body)
    if not isinstance(found, dict) or not isinstance(found.get("choices"), list):
        raise errors.garbled("no completion", body)
    return wire.encode(mend.Mender(model).text(found, whole=True))


def _text_again(body: bytes) -> wire.TextCompletion:
    try:
        return wire.text_completion.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise errors.garbled(f"no completion ({error})", body) from error


def _text_choices(told: wire.TextCompletion, _: bytes) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            index=choice.index,
            parts=(Text(choice.text),) if choice.text else (),
            stop=finish.stop(choice.finish_reason or "stop"),
            native_stop=choice.finish_reason or "",
        )
        for choice in told.choices
    )
