"""The API's citation objects <-> `Citation`.

Its character positions lie in the cited document, so they stay in `raw`; `start` and
`end` are the stretch of the answer that a citation belongs to, which the API tells by
the text block it stands in.
"""

import msgspec
from msgspec import Raw

from adapters.anthropic.wire import FAMILY, NONE
from adapters.normal.content import Citation


class _Wire(msgspec.Struct, frozen=True):
    type: str = ""
    url: str | None = None
    source: str | None = None
    title: str | None = None
    document_title: str | None = None
    cited_text: str | None = None
    encrypted_index: str | None = None


_decode = msgspec.json.Decoder(_Wire).decode


def read(raw: Raw, start: int | None = None, end: int | None = None) -> Citation:
    """One citation.

    Raises:
        msgspec.MsgspecError: it is not an object of the API's form.
    """
    wire = _decode(raw)
    ours = wire.type == "web_search_result_location" and wire.encrypted_index == ""
    return Citation(
        url=wire.url or wire.source or "",
        title=wire.title or wire.document_title or "",
        quote=wire.cited_text or "",
        start=start,
        end=end,
        raw=NONE if ours else Raw(bytes(raw)),
        family="" if ours else FAMILY,
    )


def write(citation: Citation) -> Raw | dict[str, object]:
    """The citation for a client: its own bytes, or the nearest form.

    A translated one has an empty `encrypted_index`, and `read` knows it by that: the
    provider would refuse it on the next turn.
    """
    if citation.family == FAMILY and citation.raw:
        return citation.raw
    if citation.url:
        return {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": citation.quote,
            "encrypted_index": "",
        }
    return {
        "type": "char_location",
        "cited_text": citation.quote,
        "document_index": 0,
        "document_title": citation.title or None,
        "start_char_index": 0,
        "end_char_index": len(citation.quote),
        "file_id": None,
    }
