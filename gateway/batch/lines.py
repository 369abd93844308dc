"""The lines of a batch's input: read, and checked before any is run."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Raw

from gateway.batch.ledger import Fault

MAX_FAULTS: Final = 50
"""Mistakes that are told; there may be more."""
MAX_ID: Final = 512
_END: Final = re.compile(rb"\r?\n")


class Line(msgspec.Struct, frozen=True):
    """One request, as OpenAI's batch files have it."""

    custom_id: str
    method: str
    url: str
    body: Raw


_decode: Final = msgspec.json.Decoder(Line).decode


def split(data: bytes) -> Iterator[bytes]:
    """The lines that hold something."""
    start = 0
    for end in _END.finditer(data):
        if data[start : end.start()].strip():
            yield data[start : end.start()]
        start = end.end()
    if data[start:].strip():
        yield data[start:]


def read(raw: bytes) -> Line:
    """A line that was checked. Raises `msgspec.MsgspecError`, `UnicodeError`."""
    return _decode(raw)


def check(data: bytes, endpoint: str, most: int) -> tuple[int, list[Fault]]:
    """How many lines there are, and what is wrong with them."""
    faults: list[Fault] = []
    seen: set[str] = set()
    count = 0
    for number, raw in enumerate(split(data), 1):
        count = number
        if number > most or len(faults) >= MAX_FAULTS:
            continue
        faults.extend(_faults(raw, number, endpoint, seen))
    if not count:
        faults.append(Fault("empty_file", "the input file has no lines"))
    if count > most:
        message = f"the input file has {count} lines; {most} are allowed"
        faults.append(Fault("too_many_lines", message))
    return count, faults


def _faults(raw: bytes, number: int, endpoint: str, seen: set[str]) -> Iterable[Fault]:
    try:
        line = _decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        yield Fault("invalid_json_line", f"not a request: {error}", number)
        return
    if not line.custom_id or len(line.custom_id) > MAX_ID:
        message = f"custom_id must have 1 to {MAX_ID} characters"
        yield Fault("invalid_custom_id", message, number, "custom_id")
    elif line.custom_id in seen:
        message = f"custom_id {line.custom_id[:64]!r} is there twice"
        yield Fault("duplicate_custom_id", message, number, "custom_id")
    seen.add(line.custom_id)
    if line.method != "POST":
        yield Fault("invalid_method", "method must be POST", number, "method")
    if line.url != endpoint:
        message = f"url must be the batch's endpoint, {endpoint}"
        yield Fault("invalid_url", message, number, "url")
    if not bytes(line.body).lstrip().startswith(b"{"):
        yield Fault("invalid_body", "body must be an object", number, "body")
