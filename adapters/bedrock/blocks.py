"""Content blocks of the Converse API -> parts.

A block that only the API understands becomes `Opaque` and keeps its bytes. A signature
or encrypted thought is Claude's, and thus `anthropic`'s: they are the same on every
platform. `guardContent` is read as the text or image it is; that it should be guarded
is Bedrock's affair.
"""

from typing import Final
from urllib.parse import parse_qs, urlencode

import msgspec
from msgspec import Raw

from adapters.anthropic import blocks as messages
from adapters.anthropic.wire import FAMILY as CLAUDE
from adapters.anthropic.wire import unsign
from adapters.bedrock import citations
from adapters.bedrock.wire import (
    FAMILY,
    Block,
    Cited,
    Found,
    Medium,
    Point,
    Reasoned,
    Result,
    Source,
    Use,
    call_part,
    given,
    unwrapped,
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

DOCUMENTS: Final = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
"""The API's words for formats -> media types."""
_INNER = Text | Image | Document | Audio | Opaque


def contents(blocks: list[Raw], where: str) -> tuple[Part, ...]:
    """The parts of a `content`; a cache point marks what stands before it.

    Raises:
        BadCall: a block is not what its member says.
    """
    parts: list[Part] = []
    for place, raw in enumerate(blocks):
        at = f"{where}[{place}]"
        block = call_part(raw, Block, at)
        if block.cache_point is None:
            parts.append(part(raw, block, at))
        else:
            mark(parts, block.cache_point)
    return messages.signed(parts)


def mark(parts: list[Part], point: Point) -> bool:
    """Note the cache point on the last part that can bear one."""
    for place in reversed(range(len(parts))):
        one = parts[place]
        if isinstance(one, Text | Image | Audio | Document | ToolUse | ToolResult):
            parts[place] = msgspec.structs.replace(one, cache=cache(point))
            return True
    return False


def cache(point: Point) -> Cache:
    """A cache marker; a lifetime we do not know counts as the default."""
    if point.ttl == "5m":
        return Cache("5m")
    return Cache("1h") if point.ttl == "1h" else Cache()


def part(raw: Raw, block: Block, where: str = "") -> Part:
    """The part that one block is."""
    guarded = block.guard_content
    if block.text is not None:
        found: Part = Text(block.text)
    elif block.tool_use is not None:
        found = _tool_use(raw, block.tool_use, where)
    elif block.tool_result is not None:
        found = _tool_result(block.tool_result, where)
    elif block.reasoning_content is not None:
        found = thinking(block.reasoning_content)
    elif block.citations_content is not None:
        found = _cited(block.citations_content)
    elif guarded is not None and guarded.text is not None:
        found = Text(guarded.text.text)
    elif guarded is not None and guarded.image is not None:
        found = _image(guarded.image, raw)
    else:
        found = _medium(raw, block)
    return found


def _cited(block: Cited) -> Text:
    """Text with its sources."""
    told: tuple[Citation, ...] = tuple(
        citations.read(one) for one in block.citations or ()
    )
    return Text("".join(piece.text for piece in block.content or ()), told)


def _medium(raw: Raw, block: Block) -> Part:
    if block.image is not None:
        return _image(block.image, raw)
    if block.document is not None:
        return _document(block.document, raw)
    if block.audio is not None:
        source = block.audio.source
        url = _address(source)
        return Audio(source.bytes or "", block.audio.format, url=url)
    if block.search_result is not None:
        return _found(block.search_result)
    if given(block.json):
        return Text(bytes(block.json).decode())
    return Opaque(FAMILY, "video" if block.video else _label(raw), Raw(bytes(raw)))


def _label(raw: Raw) -> str:
    return next(iter(call_part(raw, dict[str, Raw])), "content")


def thinking(block: Reasoned) -> Thinking:
    """A thought, shown or encrypted."""
    if block.redacted_content is not None:
        tagged = unwrapped(block.redacted_content)
        if tagged:
            value, family = unsign(tagged)
            return Thinking(redacted=value, family=family)
        return Thinking(redacted=block.redacted_content, family=CLAUDE)
    told = block.reasoning_text
    if told is None:
        return Thinking(family=FAMILY)
    signature, family = unsign(told.signature or "")
    return Thinking(told.text, signature, family=family or FAMILY)


def _tool_use(raw: Raw, use: Use, where: str) -> Part:
    if use.type == "server_tool_use":
        return Opaque(FAMILY, use.type, Raw(bytes(raw)))
    if not use.name:
        told = f"{where}.toolUse: a tool use needs a name"
        raise BadCall(told, f"{where}.toolUse.name")
    arguments = bytes(use.input).decode() if given(use.input) else "{}"
    return ToolUse(use.tool_use_id, use.name, arguments)


def _tool_result(result: Result, where: str) -> ToolResult:
    if not result.tool_use_id:
        told = f"{where}.toolResult: a tool result needs a toolUseId"
        raise BadCall(told, f"{where}.toolResult.toolUseId")
    inner: list[_INNER] = []
    for place, raw in enumerate(result.content):
        at = f"{where}.toolResult.content[{place}]"
        one = part(raw, call_part(raw, Block, at), at)
        if not isinstance(one, _INNER):
            raise BadCall(f"{at}: a tool result cannot hold such a block", at)
        inner.append(one)
    failed = result.status == "error"
    return ToolResult(result.tool_use_id, tuple(inner), is_error=failed)


def _image(image: Medium, raw: Raw) -> Part:
    media = f"image/{image.format}" if image.format else ""
    if image.source.bytes is not None:
        return Image(image.source.bytes, media)
    url = _address(image.source)
    return Image(media_type=media, url=url) if url else Opaque(FAMILY, "image", raw)


def _document(document: Medium, raw: Raw) -> Part:
    source = document.source
    out = Document(
        media_type=DOCUMENTS.get(document.format, ""),
        name=document.name,
        context=document.context or "",
        citations=document.citations is not None and document.citations.enabled,
    )
    replace = msgspec.structs.replace
    if source.bytes is not None:
        return replace(out, data=source.bytes)
    if source.text is not None:
        return replace(out, text=source.text)
    if source.content is not None:
        return replace(out, text="\n\n".join(piece.text for piece in source.content))
    url = _address(source)
    return replace(out, url=url) if url else Opaque(FAMILY, "document", raw)


def _found(found: Found) -> Document:
    """A search result, as the document it is to a model."""
    return Document(
        text="\n\n".join(piece.text for piece in found.content),
        media_type="text/plain",
        title=found.title,
        context=found.source,
        citations=found.citations is not None and found.citations.enabled,
    )


def _address(source: Source) -> str:
    """An object of S3 as one address, its owner (an account) in the query."""
    place = source.s3_location
    if place is None:
        return ""
    if not place.bucket_owner:
        return place.uri
    return f"{place.uri}?{urlencode({'bucketOwner': place.bucket_owner})}"


def s3(url: str) -> dict[str, object]:
    """The address as `s3Location`."""
    uri, _, query = url.partition("?")
    owner = parse_qs(query).get("bucketOwner", [""])[0]
    return {"uri": uri, "bucketOwner": owner} if owner else {"uri": uri}
