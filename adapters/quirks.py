"""A provider's deviations, applied to a request body: `contract.Quirks` at work.

Works on the top-level fields of an OpenAI-shaped body, values as written; messages are
opened only where a quirk speaks of them.
"""

import hashlib
import re
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Quirks
from adapters.errors import BadCall

Top = MutableMapping[str, Raw]

_NONE: Final = Quirks()
_ALNUM9: Final = re.compile(r"[a-zA-Z0-9]{9}")
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class _Turn(msgspec.Struct, frozen=True, gc=False):
    role: str | None = None
    tool_call_id: Raw = Raw(b"")
    tool_calls: Raw = Raw(b"")


_probe = msgspec.json.Decoder(list[_Turn])
_messages = msgspec.json.Decoder(list[dict[str, Raw]])
_objects = msgspec.json.Decoder(list[dict[str, Any]])
_value = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode

STREAM_OPTIONS: Final = "stream_options"


def any_of(quirks: Quirks) -> bool:
    """Whether a body could need changes."""
    return quirks is not _NONE and quirks != _NONE


def apply(top: Top, quirks: Quirks) -> list[str]:
    """Bend the fields in place; the names of those that had to go, in their order.

    Raises:
        BadCall: messages that a quirk speaks of are not a list of objects.
    """
    dropped = [name for name in top if name in quirks.drop and _asks(top[name])]
    for name in quirks.drop:
        top.pop(name, None)
    if not quirks.n and bytes(top.pop("n", Raw(b"1"))).strip() not in (b"1", b"null"):
        dropped.append("n")
    if not quirks.stream_usage:
        _without_usage(top)
    if quirks.tool_choice and "tool_choice" in top:
        top["tool_choice"] = _choice(top["tool_choice"], quirks.tool_choice)
    if "messages" in top and (quirks.system_role or quirks.tool_ids):
        top["messages"] = _bent(top["messages"], quirks)
    for old, new in quirks.rename.items():
        if old in top:
            value = top.pop(old)
            if new not in top:
                top[new] = value
    return dropped


def short_id(id_: str) -> str:
    """Nine letters and digits for any id, always the same ones; itself if it fits."""
    if _ALNUM9.fullmatch(id_):
        return id_
    number = int.from_bytes(hashlib.blake2b(id_.encode(), digest_size=8).digest())
    out = ""
    for _ in range(9):
        number, digit = divmod(number, 62)
        out += _DIGITS[digit]
    return out


def _asks(value: Raw) -> bool:
    """A null, like an absent field, asks for nothing: nothing is lost with it."""
    return bytes(value).strip() != b"null"


def _without_usage(top: Top) -> None:
    if STREAM_OPTIONS not in top:
        return
    options = _decode(top[STREAM_OPTIONS])
    if isinstance(options, dict):
        options.pop("include_usage", None)
    if options:
        top[STREAM_OPTIONS] = Raw(_encode(options))
    else:
        del top[STREAM_OPTIONS]


def _choice(value: Raw, words: dict[str, str]) -> Raw:
    choice = _decode(value)
    if isinstance(choice, str) and choice in words:
        return Raw(_encode(words[choice]))
    return value


def _bent(messages: Raw, quirks: Quirks) -> Raw:
    if not _needs(messages, quirks):
        return messages
    try:
        turns = _messages.decode(messages)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"not a list of messages: {error}", "messages") from error
    for turn in turns:
        if quirks.system_role and _decode(turn.get("role", Raw(b"0"))) == "developer":
            turn["role"] = Raw(_encode(quirks.system_role))
        if quirks.tool_ids:
            _shorten(turn)
    return Raw(_encode(turns))


def _needs(messages: Raw, quirks: Quirks) -> bool:
    """A look at the roles alone, several times cheaper than opening all messages."""
    try:
        turns = _probe.decode(messages)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return True
    for turn in turns:
        if quirks.system_role and turn.role == "developer":
            return True
        if quirks.tool_ids and (turn.tool_calls or turn.tool_call_id):
            return True
    return False


def _shorten(turn: dict[str, Raw]) -> None:
    if "tool_call_id" in turn:
        id_ = _decode(turn["tool_call_id"])
        if isinstance(id_, str):
            turn["tool_call_id"] = Raw(_encode(short_id(id_)))
    calls = turn.get("tool_calls", Raw(b"null"))
    if bytes(calls).strip() == b"null":
        return
    try:
        entries = _objects.decode(calls)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"not a list of tool calls: {error}", "tool_calls") from error
    for call in entries:
        if isinstance(call.get("id"), str):
            call["id"] = short_id(call["id"])
    turn["tool_calls"] = Raw(_encode(entries))


def _decode(raw: Raw) -> Any:
    try:
        return _value.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"not JSON: {error}") from error
