"""What a tool said: `functionResponse` <-> `ToolResult`.

The response is an object. `output` and `error` are the API's own words for a plain
result and a failure; any other object is the result itself, told as JSON text.
Source: ai.google.dev/api/caching, FunctionResponse.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.errors import BadCall
from adapters.gemini import media
from adapters.gemini.ids import Pairs, is_made
from adapters.gemini.wire import BROKEN, FAMILY, items, members, plain, pop, text_of
from adapters.normal.content import (
    Audio,
    Document,
    Image,
    Opaque,
    Text,
    ToolResult,
)

Inner = Text | Image | Document | Audio | Opaque

_string = msgspec.json.Decoder(str)
_WORDS: Final = ("output", "error")


def read(raw: Raw, pairs: Pairs, where: str) -> ToolResult:
    """The result, under the id of the call it answers."""
    source = members(raw, where)
    name = pop(source, "name", str, where) or ""
    if not name:
        raise BadCall(f"{where}.name is required", f"{where}.name")
    id = pairs.result(pop(source, "id", str, where) or "", name)
    said, failed = _said(source.get("response"), f"{where}.response")
    parts = list(said)
    inner = source.get("parts")
    for at, piece in enumerate(items(inner, where) if inner is not None else ()):
        parts.append(_media(piece, f"{where}.parts[{at}]"))
    return ToolResult(id, tuple(parts), name, failed)


def _said(raw: Raw | None, where: str) -> tuple[tuple[Inner, ...], bool]:
    """The text of a response, and whether it is an error."""
    if raw is None:
        return (), False
    try:
        response = plain(raw)
    except BROKEN as error:
        raise BadCall(f"{where} must be an object", where) from error
    if not response:
        return (), False
    if len(response) == 1:
        word, inner = next(iter(response.items()))
        if word in _WORDS:
            try:
                return (Text(_string.decode(inner)),), word == "error"
            except BROKEN:
                pass
    return (Text(text_of(raw)),), False


def _media(raw: Raw, where: str) -> Inner:
    source = members(raw, where)
    if (blob := source.get("inlineData")) is not None:
        at = f"{where}.inlineData"
        return media.read_inline(members(blob, at), raw, at)
    if (file := source.get("fileData")) is not None:
        at = f"{where}.fileData"
        return media.read_file(members(file, at), raw, at)
    return Opaque(FAMILY, "functionResponse.parts", raw)


class Written(msgspec.Struct, frozen=True):
    """A result as Gemini takes it: the part, and media that stand beside it."""

    part: dict[str, object]
    beside: list[dict[str, object] | Raw]
    dropped: frozenset[str] = frozenset()


def write(result: ToolResult, name: str, where: str, inside: bool) -> Written:
    """`functionResponse` for a result; media go `inside` where the model reads them
    there (Gemini 3), else beside it.

    Raises:
        Unsupported: it holds a file of another provider.
    """
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    response: dict[str, object] = {} if is_made(result.id) else {"id": result.id}
    response["name"] = name
    response["response"] = _response("\n".join(texts), bool(texts), result.is_error)
    pieces: list[dict[str, object] | Raw] = []
    dropped: set[str] = set()
    for part in result.parts:
        if isinstance(part, Text):
            continue
        if not isinstance(part, Opaque):
            pieces.append(media.write(part, where))
        elif part.family != FAMILY:
            dropped.add(part.label)
        else:
            pieces.append(part.raw)
    if inside and pieces:
        response["parts"] = pieces
        pieces = []
    return Written({"functionResponse": response}, pieces, frozenset(dropped))


def _response(text: str, said: bool, failed: bool) -> object:
    if failed:
        return {"error": text}
    if not said:
        return {}
    try:
        source = plain(text.encode())
    except (*BROKEN, UnicodeEncodeError):
        return {"output": text}
    is_plain = len(source) == 1 and next(iter(source)) in _WORDS
    return {"output": text} if is_plain or not source else Raw(text.encode())
