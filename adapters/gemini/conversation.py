"""A whole request: Gemini's body <-> `Conversation`."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Target
from adapters.errors import BadCall, Unsupported
from adapters.gemini import settings, thinking, tools, turns
from adapters.gemini.parameters import NAMES, PARAMETERS, TIERS
from adapters.gemini.wire import camel, encode, members, pop
from adapters.normal.chat import Conversation

OWN: Final = frozenset({"safetySettings", "cachedContent", "labels"})
"""Top-level fields of Gemini that any client may send, in either spelling."""

FLAT: Final = "flat"
"""Vertex AI's word in the quirk `count_tokens`: its bodies are not nested."""
_SILENT: Final = tuple(name for name, row in PARAMETERS.items() if row[0] == "dropped")


def read(body: bytes) -> Conversation:
    """The meaning of a generateContent or countTokens body.

    Raises:
        BadCall: it does not follow the documentation; says where.
    """
    top = members(body, "")
    if (inner := top.get("generateContentRequest")) is not None:
        top = members(inner, "generateContentRequest")
    top.pop("model", None)
    fields: dict[str, Any] = {}
    messages = []
    if (raw := top.pop("systemInstruction", None)) is not None:
        system = turns.read_system(raw, "systemInstruction")
        messages = [system] if system is not None else []
    if (raw := top.pop("contents", None)) is not None:
        messages += turns.read(raw)
    if (raw := top.pop("tools", None)) is not None:
        fields["tools"] = tools.read(raw)
    extra: dict[str, Raw] = {}
    if (raw := top.pop("toolConfig", None)) is not None:
        fields["tool_choice"], left = tools.read_config(raw)
        if left is not None:
            extra["toolConfig"] = left
    if (raw := top.pop("generationConfig", None)) is not None:
        more, kept = settings.read(raw)
        fields |= more
        extra |= kept
    tier = (pop(top, "serviceTier", str, "") or "").lower()
    fields["service_tier"] = "" if tier == "unspecified" else tier
    fields["store"] = pop(top, "store", bool, "")
    return Conversation(messages=tuple(messages), extra=extra | top, **fields)


class Written(msgspec.Struct, frozen=True):
    """A body, and what it could not say."""

    body: dict[str, object]
    dropped: tuple[str, ...] = ()


def write(talk: Conversation, target: Target, is_ours: bool) -> Written:
    """The conversation for a model; `is_ours`: the client speaks Gemini, so that its
    extra fields are Gemini's.

    Raises:
        BadCall: a tool's result answers no call.
        Unsupported: Gemini cannot say it, or the target is strict and it would have to
            leave something out.
    """
    made = turns.write(talk.messages, thinking.is_new(target.model))
    dropped = made.dropped
    body: dict[str, object] = {"contents": made.contents}
    if made.system:
        body["systemInstruction"] = {"parts": made.system}
    if offered := tools.write(talk.tools, dropped):
        body["tools"] = offered
    left = talk.extra.get("toolConfig") if is_ours else None
    if config := tools.write_config(talk.tool_choice, left):
        body["toolConfig"] = config
    limit = target.limits.get("max_output_tokens")
    talk = talk if is_ours else _showing(talk)
    if config := settings.write(talk, target.model, limit, dropped):
        body[settings.WHERE] = config
    _tier(talk, body, dropped)
    if talk.store is not None and FLAT in target.provider.quirks.extra.values():
        dropped.add("store")
    elif talk.store is not None:
        body["store"] = talk.store
    _extra(talk, body, is_ours, dropped)
    dropped |= _unsaid(talk)
    names = tuple(sorted(dropped))
    if target.strict and names:
        raise Unsupported(f"gemini has no word for {', '.join(names)}", names[0])
    return Written(body, names)


def _showing(talk: Conversation) -> Conversation:
    """Who turns thinking on elsewhere is shown it, unless they say otherwise; Gemini
    wants to be told."""
    ask = talk.reasoning
    if ask is None or not ask.enabled or ask.show is not None:
        return talk
    replace = msgspec.structs.replace
    return replace(talk, reasoning=replace(ask, show=True))


def _tier(talk: Conversation, body: dict[str, object], dropped: set[str]) -> None:
    if talk.service_tier in TIERS:
        body["serviceTier"] = TIERS[talk.service_tier]
    elif talk.service_tier not in ("", "auto"):
        dropped.add("service_tier")


def _extra(
    talk: Conversation, body: dict[str, object], is_ours: bool, dropped: set[str]
) -> None:
    for name, raw in talk.extra.items():
        head, dot, inner = name.partition(".")
        if is_ours and name == "toolConfig":
            continue
        if is_ours and dot and head == settings.WHERE:
            config = body.setdefault(settings.WHERE, {})
            if isinstance(config, dict):
                settings.restore(config, inner, raw)
        elif is_ours or camel(name) in OWN:
            body[camel(name)] = raw
        else:
            dropped.add(name)


def _unsaid(talk: Conversation) -> set[str]:
    """The parameters that Gemini has no word for, and that were given."""
    given = {n for n in _SILENT if n != "extra" and getattr(talk, n) not in (None, "")}
    given = {name for name in given if not _is_empty(getattr(talk, name))}
    if talk.parallel_tools is not False:
        given.discard("parallel_tools")
    return {NAMES.get(name, name) for name in given}


def _is_empty(value: object) -> bool:
    return isinstance(value, Raw) and not value


def flat(written: Written) -> bytes:
    """The body as bytes."""
    return encode(written.body)


def counted(written: Written, model: str, fields: Sequence[str] = ()) -> bytes:
    """A countTokens body: the call as it would be sent, or (`fields`, Vertex) only
    what that service counts.

    Raises:
        BadCall: the body has nothing to count.
    """
    if not written.body.get("contents"):
        raise BadCall("there is nothing to count", "contents")
    if fields:
        return encode({k: v for k, v in written.body.items() if k in fields})
    return encode({"generateContentRequest": {"model": model, **written.body}})
