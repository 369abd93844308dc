"""A provider's deviations, applied to a request body: `contract.Quirks` at work.

Works on the top-level fields of an OpenAI-shaped body, values as written; messages are
opened only where a quirk speaks of them.
"""

import hashlib
import re
from collections.abc import Mapping, MutableMapping
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
    name: Raw = Raw(b"")
    tool_call_id: Raw = Raw(b"")
    tool_calls: Raw = Raw(b"")


_probe = msgspec.json.Decoder(list[_Turn])
_messages = msgspec.json.Decoder(list[dict[str, Raw]])
_objects = msgspec.json.Decoder(list[dict[str, Any]])
_value = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode

STREAM_OPTIONS: Final = "stream_options"
_NULL: Final = Raw(b"null")
_FILES: Final = (b'"file_data"', b'"input_audio"')
_ANY_OBJECT: Final = {
    "type": "json_schema",
    "json_schema": {"name": "object", "schema": {"type": "object"}},
}


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
        top["tool_choice"] = _choice(top["tool_choice"], quirks.tool_choice, dropped)
    if quirks.json and "response_format" in top:
        top["response_format"] = _format(top["response_format"], quirks.json, dropped)
    if "messages" in top and _needs(top["messages"], quirks):
        top["messages"] = _bent(top["messages"], quirks, dropped)
    _rename(top, quirks.rename)
    for name, wanted in quirks.add.items():
        top.setdefault(name, Raw(_encode(wanted)))
    return dropped


def _rename(top: Top, names: dict[str, str]) -> None:
    for old, new in names.items():
        if old in top:
            value = top.pop(old)
            top.setdefault(new, value)


def placed(params: Mapping[str, Any], quirks: Quirks) -> dict[str, Any]:
    """Parameters of a configuration where the provider has them, where that is inside
    another one (`num_ctx` is `options.num_ctx` to Ollama)."""
    out: dict[str, Any] = {}
    inside: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        outer, _, inner = quirks.rename.get(name, "").partition(".")
        if inner:
            inside.setdefault(outer, {})[inner] = value
        else:
            out[name] = value
    for outer, members in inside.items():
        own = out.get(outer)
        out[outer] = {**members, **(own if isinstance(own, dict) else {})}
    return out


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


def _choice(value: Raw, words: dict[str, str], dropped: list[str]) -> Raw:
    choice = _decode(value)
    if not isinstance(choice, str) or choice not in words:
        return value
    if words[choice] == "auto":
        dropped.append("tool_choice")  # the model need not call what it must
    return Raw(_encode(words[choice]))


def _format(value: Raw, known: str, dropped: list[str]) -> Raw:
    form = _decode(value)
    kind = form.get("type") if isinstance(form, dict) else None
    if kind == "json_schema" and known == "object":
        dropped.append("response_format.json_schema")
        return Raw(_encode({"type": "json_object"}))
    if kind == "json_object" and known == "schema":
        return Raw(_encode(_ANY_OBJECT))
    return value


def _bent(messages: Raw, quirks: Quirks, dropped: list[str]) -> Raw:
    try:
        turns = _messages.decode(messages)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"not a list of messages: {error}", "messages") from error
    named = False
    for turn in turns:
        role = _decode(turn.get("role", Raw(b"0")))
        if quirks.system_role and role == "developer":
            turn["role"] = Raw(_encode(quirks.system_role))
        if quirks.tool_ids:
            _shorten(turn)
        if not quirks.names and role != "function":
            named = _asks(turn.pop("name", _NULL)) or named
        if not quirks.text_parts:
            _join(turn)
        if quirks.document_url:
            _address(turn)
    if quirks.prefill and turns and _begins(turns[-1]):
        turns[-1].setdefault(quirks.prefill, Raw(b"true"))
    if named:
        dropped.append("messages.name")
    return Raw(_encode(_taking_turns(turns) if quirks.alternate else turns))


def _needs(messages: Raw, quirks: Quirks) -> bool:
    """A look at the roles alone, several times cheaper than opening all messages."""
    if quirks.alternate or not quirks.text_parts:
        return True
    if quirks.document_url and any(mark in bytes(messages) for mark in _FILES):
        return True
    if not (quirks.system_role or quirks.tool_ids or quirks.prefill) and quirks.names:
        return False
    try:
        turns = _probe.decode(messages)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return True
    if quirks.prefill and turns and turns[-1].role == "assistant":
        return True
    return any(
        (quirks.system_role and turn.role == "developer")
        or (quirks.tool_ids and (turn.tool_calls or turn.tool_call_id))
        or (not quirks.names and turn.name)
        for turn in turns
    )


def _join(turn: dict[str, Raw]) -> None:
    """The texts of a message in one; one that holds more than texts stays."""
    parts = _decode(turn.get("content", Raw(b"null")))
    if not isinstance(parts, list):
        return
    told = [part.get("text") for part in parts if isinstance(part, dict)]
    texts = [text for text in told if isinstance(text, str)]
    if len(texts) == len(parts):
        turn["content"] = Raw(_encode("\n".join(texts)))


def _begins(turn: dict[str, Raw]) -> bool:
    """Whether a last message is the begin of the answer that is asked for."""
    role = _decode(turn.get("role", _NULL))
    return role == "assistant" and not _decode(turn.get("tool_calls", _NULL))


def _address(turn: dict[str, Raw]) -> None:
    """Files and sounds of a message, as Mistral has them."""
    parts = _decode(turn.get("content", _NULL))
    if not isinstance(parts, list):
        return
    changed = False
    for at, part in enumerate(parts):
        file = part.get("file") if isinstance(part, dict) else None
        sound = part.get("input_audio") if isinstance(part, dict) else None
        if isinstance(file, dict) and isinstance(file.get("file_data"), str):
            told = {"type": "document_url", "document_url": file["file_data"]}
            if file.get("filename"):
                told["document_name"] = file["filename"]
            parts[at] = told
            changed = True
        elif isinstance(sound, dict) and isinstance(sound.get("data"), str):
            parts[at] = {"type": "input_audio", "input_audio": sound["data"]}
            changed = True
    if changed:
        turn["content"] = Raw(_encode(parts))


def _taking_turns(turns: list[dict[str, Raw]]) -> list[dict[str, Raw]]:
    """Neighbours of one role, user or assistant, as one turn each."""
    merged: list[dict[str, Raw]] = []
    for turn in turns:
        last = merged[-1] if merged else {}
        role = _decode(turn.get("role", Raw(b"0")))
        same = (
            role in ("user", "assistant") and _decode(last.get("role", _NULL)) == role
        )
        if same and "tool_calls" not in turn and "tool_calls" not in last:
            last["content"] = _together(last.get("content"), turn.get("content"))
        else:
            merged.append(turn)
    return merged


def _together(first: Raw | None, second: Raw | None) -> Raw:
    """Two contents as one: texts under each other, parts behind each other."""
    one, two = _decode(first or _NULL), _decode(second or _NULL)
    if not one or not two:
        return Raw(_encode(one or two))
    if isinstance(one, str) and isinstance(two, str):
        return Raw(_encode(f"{one}\n\n{two}"))
    parts: list[Any] = []
    for content in (one, two):
        text = {"type": "text", "text": content}
        parts += content if isinstance(content, list) else [text]
    return Raw(_encode(parts))


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
