"""Content blocks of the Messages API -> parts.

A block that only the API understands (server tools, search results, compaction) becomes
`Opaque` and keeps its bytes. So does a known one in a form that parts have no room for
(a document of content blocks). A `caller` of a tool use is not read: it names code that
runs at the provider.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic import citations
from adapters.anthropic.wire import (
    FAMILY,
    Block,
    Marker,
    Tagged,
    call_part,
    given,
    unsign,
)
from adapters.errors import BadCall
from adapters.normal.content import (
    Audio,
    Cache,
    Citation,
    Document,
    Image,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)

SIGNATURE: Final = "sign:"
"""Starts the redacted thinking in which a foreign tool call's signature travels."""

_KNOWN: Final = frozenset(
    {
        "text",
        "image",
        "document",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "tool_result",
    }
)
_INNER = Text | Image | Document | Audio | Opaque


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""


class _Citing(msgspec.Struct, frozen=True):
    enabled: bool | None = None


def contents(raw: Raw, where: str) -> tuple[Part, ...]:
    """The parts of a `content`: a string, or a list of blocks.

    Raises:
        BadCall: it is neither, or a block is not what its type says.
    """
    if bytes(raw)[:1] == b'"':
        text = call_part(raw, str, where)
        return (Text(text),) if text else ()
    blocks = call_part(raw, list[Raw], where)
    parts = [part(one, f"{where}[{i}]") for i, one in enumerate(blocks)]
    return signed(parts)


def signed(parts: list[Part]) -> tuple[Part, ...]:
    """The parts, with foreign signatures back on the tool calls they travelled before.

    Wherever none waits, they are as they were.
    """
    out: list[Part] = []
    waiting = ""
    for one in parts:
        if isinstance(one, Thinking) and one.redacted.startswith(SIGNATURE):
            waiting = one.redacted.removeprefix(SIGNATURE)
            continue
        if waiting and isinstance(one, ToolUse):
            out.append(msgspec.structs.replace(one, signature=waiting))
            waiting = ""
            continue
        out.append(one)
    return tuple(out)


def part(raw: Raw, where: str = "") -> Part:
    """One block.

    Raises:
        BadCall: it is not what its type says.
    """
    kind = call_part(raw, Tagged, where).type
    if kind not in _KNOWN:
        return Opaque(FAMILY, kind, raw.copy())
    block = call_part(raw, Block, where)
    match kind:
        case "text":
            told = _citations(block.citations, where)
            return Text(block.text, told, _cache(block.cache_control))
        case "thinking" | "redacted_thinking":
            return _thinking(block)
        case "tool_use":
            return _tool_use(block, where)
        case "tool_result":
            return _tool_result(block, where)
        case _:
            return _medium(raw, block, where)


def _thinking(block: Block) -> Thinking:
    if block.type == "thinking":
        signature, family = unsign(block.signature or "")
        return Thinking(block.thinking, signature, family=family)
    data, family = unsign(block.data)
    return Thinking(redacted=data, family=family)


def _citations(raw: Raw, where: str) -> tuple[Citation, ...]:
    if not given(raw):
        return ()
    try:
        return tuple(citations.read(one) for one in call_part(raw, list[Raw], where))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadCall(f"{where}: {error}", where) from error


def _cache(marker: Marker | None) -> Cache | None:
    return cache(marker) if marker is not None else None


def cache(marker: Marker) -> Cache:
    """A cache marker; a lifetime we do not know counts as the default."""
    if marker.ttl == "5m":
        return Cache("5m")
    return Cache("1h") if marker.ttl == "1h" else Cache()


def _tool_use(block: Block, where: str) -> ToolUse:
    if not block.name:
        raise BadCall(f"{where}: a tool_use needs a name", f"{where}.name")
    arguments = bytes(block.input).decode() if given(block.input) else "{}"
    return ToolUse(block.id, block.name, arguments, cache=_cache(block.cache_control))


def _tool_result(block: Block, where: str) -> ToolResult:
    if not block.tool_use_id:
        told = f"{where}: a tool_result needs a tool_use_id"
        raise BadCall(told, f"{where}.tool_use_id")
    parts: list[_INNER] = []
    if given(block.content):
        for one in contents(block.content, f"{where}.content"):
            if not isinstance(one, _INNER):
                told = f"{where}: a tool_result cannot hold such a block"
                raise BadCall(told, f"{where}.content")
            parts.append(one)
    return ToolResult(
        block.tool_use_id,
        tuple(parts),
        is_error=bool(block.is_error),
        cache=_cache(block.cache_control),
    )


def _medium(raw: Raw, block: Block, where: str) -> Part:
    if block.type == "image":
        return _image(raw, block, where)
    return _document(raw, block, where)


def _image(raw: Raw, block: Block, where: str) -> Part:
    source = call_part(block.source or Raw(b"null"), _Source, f"{where}.source")
    kept = _cache(block.cache_control)
    match source.type:
        case "base64":
            return Image(data=source.data, media_type=source.media_type, cache=kept)
        case "url":
            return Image(url=source.url, cache=kept)
        case "file":
            return Image(file=source.file_id, cache=kept)
        case _:
            return Opaque(FAMILY, "image", raw.copy())


def _document(raw: Raw, block: Block, where: str) -> Part:
    source = call_part(block.source or Raw(b"null"), _Source, f"{where}.source")
    cited = _Citing()
    if given(block.citations):
        cited = call_part(block.citations, _Citing, f"{where}.citations")
    out = Document(
        title=block.title or "",
        context=block.context or "",
        citations=bool(cited.enabled),
        cache=_cache(block.cache_control),
    )
    replace = msgspec.structs.replace
    match source.type:
        case "base64":
            return replace(out, data=source.data, media_type=source.media_type)
        case "text":
            return replace(out, text=source.data, media_type=source.media_type)
        case "url":
            return replace(out, url=source.url)
        case "file":
            return replace(out, file=source.file_id)
        case _:
            return Opaque(FAMILY, "document", raw.copy())
