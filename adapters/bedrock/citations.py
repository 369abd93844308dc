"""The Converse API's citations <-> `Citation`.

Its positions lie in the cited document, so they stay in `raw`; `start` and `end` are
the stretch of the answer that a citation belongs to.
"""

import msgspec
from msgspec import Raw

from adapters.bedrock.wire import BROKEN, FAMILY, Camel, Chunk
from adapters.errors import BadCall
from adapters.normal.content import Citation


class _Web(Camel, frozen=True):
    url: str = ""


class _Location(Camel, frozen=True):
    web: _Web | None = None


class _Wire(Camel, frozen=True):
    title: str | None = None
    source: str | None = None
    source_content: list[Chunk] | None = None
    location: _Location | None = None


_decode = msgspec.json.Decoder(_Wire).decode


def read(raw: Raw, start: int | None = None, end: int | None = None) -> Citation:
    """One citation.

    Raises:
        BadCall: it is not an object of the API's form.
    """
    try:
        wire = _decode(raw)
    except BROKEN as error:
        raise BadCall(f"a citation cannot be read: {error}") from error
    web = wire.location.web if wire.location is not None else None
    source = wire.source or ""
    url = web.url if web is not None else ""
    if not url and source.startswith(("https://", "http://")):
        url = source
    return Citation(
        url=url,
        title=wire.title or "",
        quote="".join(piece.text for piece in wire.source_content or ()),
        start=start,
        end=end,
        raw=Raw(bytes(raw)),
        family=FAMILY,
    )


def write(citation: Citation) -> Raw | dict[str, object]:
    """The citation for a client: its own bytes, or the nearest form."""
    if citation.family == FAMILY and citation.raw:
        return citation.raw
    told: dict[str, object] = {}
    if citation.title:
        told["title"] = citation.title
    if citation.quote:
        told["sourceContent"] = [{"text": citation.quote}]
    if citation.url:
        host = citation.url.partition("://")[2].partition("/")[0]
        told["location"] = {"web": {"url": citation.url, "domain": host}}
    return told
