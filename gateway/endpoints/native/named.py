"""What a model call names of what lives at providers: whose is it.

Ids go to the provider as they came, so the gateway looks before: a virtual key may name
what it was given, and nothing else is there for it. Bodies are read once more for that,
by a reader that sees every member also where a name stands twice, since a provider may
take either. Only bodies of virtual keys are, in which a word like `file_id` stands.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

from adapters.errors import BadCall
from gateway.endpoints.native.owned import Objects
from gateway.endpoints.visit import missing
from gateway.govern.principal import Principal

NAMES: Final = {
    **dict.fromkeys(
        ("input_file_id", "file_id", "file_ids", "training_file", "validation_file"),
        "files",
    ),
    **dict.fromkeys(("vector_store_id", "vector_store_ids"), "vector_stores"),
    **dict.fromkeys(("cachedContent", "cached_content"), "cachedContents"),
    **dict.fromkeys(
        ("fileSearchStoreNames", "file_search_store_names"), "fileSearchStores"
    ),
}
"""Members that name objects, however deep -> the kind."""
ADDRESSES: Final = frozenset({"fileUri", "file_uri", "url", "image_url", "file_url"})
"""Members whose address may be that of a file kept at Google."""
LEFT: Final = frozenset(
    {
        *("args", "arguments", "response", "metadata", "annotations", "citations"),
        *("results", "parameters", "input_schema", "inputSchema", "schema"),
        *("parametersJsonSchema", "responseSchema", "responseJsonSchema"),
    }
)
"""Members whose objects are a tool's words or an earlier answer's: providers load
nothing that they name. So is an `input` that is an object."""
_WORDS: Final = {
    b"file": (
        *(b"file_id", b"fileUri", b"file_uri"),
        *(b"fileSearchStoreN", b"file_search_store_n"),
    ),
    b"vector_store_id": (b"",),
    b"ached": (b"cachedContent", b"cached_content"),
}
"""Of a call that may name anything, by a part that most calls do not have."""
_ESCAPED: Final = re.compile(rb"\\u00(?:5[0-9aAfF]|[46][1-9a-fA-F]|7[0-9aA])").search
"""A letter, or `_`, that need not be written so: a name may hide behind it."""
_GOOGLE: Final = re.compile(r"https?://[^/]*googleapis\.com[.:/]", re.IGNORECASE).match
_FILE: Final = re.compile(r"(?:^|/)files/([^/?#:]*)").search


class Object(tuple[tuple[str, Any], ...]):
    """Members of a JSON object, all of them, in order."""

    __slots__ = ()


class Named:
    """See the module."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def check(self, principal: Principal, body: bytes) -> None:
        """Raises `Refused` (404) for a body that names what is not the key's."""
        if not suspect(body):
            return
        seen = set[tuple[str, str]]()
        for kind, id in named(_read(body)):
            if (kind, id) in seen:
                continue
            seen.add((kind, id))
            last = id.rpartition("/")[2]
            if await self._objects.find(principal.id, kind, last) is None:
                raise missing(kind.removesuffix("s").replace("_", " "), id)


def suspect(body: bytes) -> bool:
    """Whether the body may name anything: searched for words, as bytes."""
    for part, words in _WORDS.items():
        if part in body and any(word in body for word in words):
            return True
    if b"oogle" in body and b"googleapis" in body.lower():
        return True
    return b"\\" in body and _ESCAPED(body) is not None


def named(value: object) -> Iterable[tuple[str, str]]:
    """Kind and id of every object that a body names; `value`: as `_read` gives it, or
    of dictionaries."""
    rest = [value]
    while rest:
        found = rest.pop()
        if isinstance(found, list):
            rest += found
            continue
        if isinstance(found, dict):
            found = Object(found.items())
        if not isinstance(found, Object):
            continue
        for name, inner in found:
            if kind := NAMES.get(name):
                yield from ((kind, id) for id in _texts(inner))
            elif name in ADDRESSES and isinstance(inner, str):
                if id := _kept(name, inner):
                    yield "files", id
            elif name not in LEFT and not (name == "input" and _is_object(inner)):
                rest.append(inner)


def _read(body: bytes) -> object:
    try:
        return json.loads(str(body, "utf-8"), object_pairs_hook=Object)
    except (ValueError, RecursionError) as error:
        # Never on as it is: it may name what is another's.
        raise BadCall("the body is no JSON that can be read") from error


def _is_object(value: object) -> bool:
    return isinstance(value, Object | dict)


def _kept(name: str, address: str) -> str:
    """The id in the address of a file kept at Google; empty: it is none."""
    plain = unquote(address)
    bare = name in ("fileUri", "file_uri") and "://" not in plain
    if not bare and not _GOOGLE(plain):
        return ""
    found = _FILE(plain)
    return found[1] if found else ""


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))
