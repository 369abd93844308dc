"""Sources of an answer: `citationMetadata` and `groundingMetadata` <-> `Citation`.

Gemini counts bytes of the answer's UTF-8, we count characters.
Source: ai.google.dev/api/generate-content, CitationMetadata, GroundingMetadata.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Raw

from adapters.gemini.wire import BROKEN, FAMILY, given
from adapters.normal.content import Citation


class _Place(msgspec.Struct, frozen=True):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class _Chunk(msgspec.Struct, frozen=True, rename="camel"):
    web: _Place | None = None
    retrieved_context: _Place | None = None
    maps: _Place | None = None


class _Segment(msgspec.Struct, frozen=True, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class _Support(msgspec.Struct, frozen=True, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _Grounding(msgspec.Struct, frozen=True, rename="camel"):
    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None


class _Sources(msgspec.Struct, frozen=True, rename="camel"):
    citation_sources: list[Raw] | None = None
    citations: list[Raw] | None = None
    """Vertex AI's word for them."""


class _Source(msgspec.Struct, frozen=True, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


_grounding = msgspec.json.Decoder(_Grounding)
_sources = msgspec.json.Decoder(_Sources)
_source = msgspec.json.Decoder(_Source)

_NOTHING: Final = _Place()


def read(sources: Raw, grounding: Raw, text: str) -> tuple[Citation, ...]:
    """The citations of the answer's `text`; what cannot be read is left in the raw
    metadata, for it says nothing that an answer would be wrong without."""
    if not given(sources) and not given(grounding):
        return ()
    offsets = Offsets(text)
    try:
        found = list(_cited(sources, offsets)) if given(sources) else []
        if given(grounding):
            found += _grounded(grounding, offsets)
    except BROKEN:
        return ()
    return tuple(found)


class Offsets:
    """Bytes of a text's UTF-8 <-> its characters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._bytes = b"" if text.isascii() else text.encode(errors="replace")

    def characters(self, at: int) -> int:
        """Characters before byte `at`, which may stand within one."""
        at = max(at, 0)
        if not self._bytes:
            return min(at, len(self._text))
        return len(self._bytes[:at].decode(errors="ignore"))

    def octets(self, at: int) -> int:
        """Bytes before character `at`."""
        return len(self._text[: max(at, 0)].encode(errors="replace"))


def _cited(raw: Raw, offsets: Offsets) -> Iterator[Citation]:
    told = _sources.decode(raw)
    for inner in told.citation_sources or told.citations or ():
        source = _source.decode(inner)
        yield Citation(
            url=source.uri or "",
            title=source.title or "",
            start=offsets.characters(source.start_index or 0),
            end=None
            if source.end_index is None
            else offsets.characters(source.end_index),
            raw=inner,
            family=FAMILY,
        )


def _grounded(raw: Raw, offsets: Offsets) -> Iterator[Citation]:
    told = _grounding.decode(raw)
    chunks = told.grounding_chunks or []
    for support in told.grounding_supports or ():
        segment = support.segment or _Segment()
        end = segment.end_index
        for at in support.grounding_chunk_indices or ():
            if not 0 <= at < len(chunks):
                continue
            chunk = chunks[at]
            place = chunk.web or chunk.retrieved_context or chunk.maps or _NOTHING
            yield Citation(
                url=place.uri or "",
                title=place.title or "",
                quote=segment.text or "",
                start=offsets.characters(segment.start_index or 0),
                end=None if end is None else offsets.characters(end),
                family=FAMILY,
            )


def write(cited: Iterable[Citation], text: str) -> dict[str, object]:
    """`citationMetadata` for citations of the answer's `text`; empty without any."""
    offsets = Offsets(text)
    sources: list[object] = []
    for citation in cited:
        if citation.family == FAMILY and citation.raw:
            sources.append(citation.raw)
            continue
        source: dict[str, object] = {}
        if citation.start is not None:
            source["startIndex"] = offsets.octets(citation.start)
        if citation.end is not None:
            source["endIndex"] = offsets.octets(citation.end)
        if citation.url:
            source["uri"] = citation.url
        if citation.title:
            source["title"] = citation.title
        if source:
            sources.append(source)
    return {"citationSources": sources} if sources else {}
