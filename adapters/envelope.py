"""Replace top-level fields of a JSON object, everything else byte for byte.

`dict[str, msgspec.Raw]` keeps the inner bytes exactly (`1.0`, `1e3`, `\\u00e9`); a
plain splice of one string field is cheaper still on long prompts.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from adapters.errors import BadCall

_top = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.Encoder().encode


def fields(body: bytes) -> dict[str, Raw]:
    """The top-level fields, values as written.

    Raises:
        BadCall: the body is not a JSON object.
    """
    try:
        return _top.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"the body is not a JSON object: {error}") from error


def replace(
    body: bytes, changes: Mapping[str, bytes], drop: frozenset[str] = frozenset()
) -> bytes:
    """The object with `changes` (name -> JSON) set and `drop` left out."""
    top = fields(body)
    for name in drop:
        top.pop(name, None)
    for name, value in changes.items():
        top[name] = Raw(value)
    return _encode(top)


def hides_letters(body: bytes) -> bool:
    """Whether some plain small letter is written as an escape: nobody does, but to
    keep a field's name from being found."""
    return b"\\u006" in body or b"\\u007" in body


def splice(body: bytes, name: bytes, old: str, new: str, add: bytes = b"") -> bytes:
    """The object with the string field `name` changed from `old` to `new`.

    `add` (JSON members without braces, such as `"a":1`) is inserted before the field.
    Costs one scan and one copy; falls back to `replace` when the field cannot be found
    without doubt (the same key deeper inside, or keys with escaped letters: a
    `"mod\\u0065l"` beside the plain one would reach the provider unchanged).

    Raises:
        BadCall: the body is not a JSON object.
    """
    quoted = b'"%b"' % name
    at = body.find(quoted)
    if at >= 0 and body.find(quoted, at + 1) < 0 and not hides_letters(body):
        value = at + len(quoted)
        tail = body[value : value + len(old) * 6 + 64].lstrip(b" \t\r\n")
        was = _encode(old)
        if tail.startswith(b":"):
            rest = tail[1:].lstrip(b" \t\r\n")
            if rest.startswith(was):
                end = body.index(was, value) + len(was)
                head = body[:at] + (add + b"," if add else b"")
                return b"%b%b:%b%b" % (head, quoted, _encode(new), body[end:])
    top = fields(body)
    top[name.decode()] = Raw(_encode(new))
    out = _encode(top)
    return b"{" + add + b"," + out[1:] if add else out
