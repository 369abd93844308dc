"""multipart/form-data, read strictly and written plainly.

Source: RFC 7578 (the form), RFC 2046 section 5.1 (boundaries), and the HTML standard's
escapes (`%22`, `%0D`, `%0A`) beside the older backslash in names. What two readers
could take for two different things is refused: lines that end otherwise than in CRLF,
a part without a name, a transfer encoding that changes the bytes, anything before the
first boundary or after the last.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from adapters.errors import BadCall

MAX_PARTS: Final = 1024
MAX_HEAD: Final = 16 * 1024
"""Bytes of one part's header lines."""
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,\-./:=?]{1,70}").fullmatch
_TYPE: Final = re.compile(rb"multipart/form-data\s*(;.*)?", re.IGNORECASE | re.DOTALL)
_PARAMETER: Final = re.compile(
    rb';[ \t]*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*',
    re.DOTALL,
)
_ESCAPE: Final = re.compile(rb'\\(["\\])')
_PERCENT: Final = {b"%22": b'"', b"%0D": b"\r", b"%0A": b"\n"}
_AS_IS: Final = frozenset({b"", b"7bit", b"8bit", b"binary"})


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One field or file of a form."""

    name: str
    filename: str | None = None
    """`None`: a field."""
    content_type: str = ""
    data: bytes | memoryview = b""
    at: int = 0
    """Where its data begin in the body it was read from."""

    def text(self) -> str:
        """The value of a field.

        Raises:
            BadCall: it is a file, or not UTF-8.
        """
        if self.filename is not None:
            raise BadCall(f"{self.name}: a file where a value should be", self.name)
        try:
            return bytes(self.data).decode()
        except UnicodeDecodeError:
            raise BadCall(f"{self.name}: not UTF-8", self.name) from None


def boundary(content_type: bytes) -> bytes:
    """The boundary that a `content-type` names; empty when it is no form's.

    Raises:
        BadCall: it is a form's, without a good boundary.
    """
    match = _TYPE.fullmatch(content_type.strip())
    if match is None:
        return b""
    given = _parameters(match[1] or b"", "content-type").get(b"boundary", b"")
    if not _BOUNDARY(given):
        raise BadCall("content-type: a form needs a boundary of 1 to 70 characters")
    return given


def read(body: bytes, mark: bytes) -> list[Part]:
    """The parts between the boundaries `mark`, in order.

    Raises:
        BadCall: not a form; says where.
    """
    line, parts, view = b"--" + mark, list[Part](), memoryview(body)
    first = 2 if body.startswith(b"\r\n" + line) else 0
    if not body.startswith(line, first):
        raise BadCall("the form does not begin with its boundary")
    at = _after(body, first + len(line))
    # In one go: a body of near misses would keep a loop of our own busy for seconds.
    follows = re.compile(re.escape(b"\r\n" + line) + rb"(?=\r\n|--|[ \t])")
    while at is not None:
        if len(parts) >= MAX_PARTS:
            raise BadCall(f"the form has more than {MAX_PARTS} parts")
        where = f"part {len(parts) + 1} of the form"
        lines, start = _head(body, at, where)
        found = follows.search(body, start)
        if found is None:
            raise BadCall(f"{where}: no boundary after it; the form is cut off")
        end, at = found.start(), _after(body, found.end())
        parts.append(_part(lines, view[start:end], start, where))
    return parts


def _after(body: bytes, at: int) -> int | None:
    """Where what follows a boundary begins; `None`: it was the last.

    Raises:
        BadCall: something else follows it.
    """
    if body.startswith(b"--", at):
        if body[at + 2 :].strip(b"\r\n"):
            raise BadCall("something follows the end of the form")
        return None
    while body[at : at + 1] in (b" ", b"\t"):  # RFC 2046's padding
        at += 1
    if not body.startswith(b"\r\n", at):
        raise BadCall("the form is cut off")
    return at + 2


def _head(body: bytes, at: int, where: str) -> tuple[dict[bytes, bytes], int]:
    end = body.find(b"\r\n\r\n", at - 2, at + MAX_HEAD)
    if end < 0:
        raise BadCall(f"{where}: its headers do not end")
    lines: dict[bytes, bytes] = {}
    for line in body[at:end].split(b"\r\n") if end > at else ():
        name, colon, value = line.partition(b":")
        key = name.lower()
        if not colon or not name or name != name.strip() or key in lines:
            raise BadCall(f"{where}: a header line that is none, or comes twice")
        if b"\n" in value or b"\r" in value or b"\0" in value:
            raise BadCall(f"{where}: a header that holds a line's end")
        lines[key] = value.strip()
    return lines, end + 4


def _part(lines: Mapping[bytes, bytes], data: memoryview, at: int, where: str) -> Part:
    kind, semicolon, rest = lines.get(b"content-disposition", b"").partition(b";")
    if kind.strip().lower() != b"form-data":
        raise BadCall(f"{where}: no content-disposition: form-data")
    given = _parameters(semicolon + rest, where)
    name = given.get(b"name")
    if not name:
        raise BadCall(f"{where}: it has no name")
    coding = lines.get(b"content-transfer-encoding", b"").lower()
    if coding not in _AS_IS:
        raise BadCall(f"{where}: content-transfer-encoding is not for forms")
    filename = given.get(b"filename")
    try:
        return Part(
            name=name.decode(),
            filename=None if filename is None else filename.decode(),
            content_type=lines.get(b"content-type", b"").decode("latin-1"),
            data=data,
            at=at,
        )
    except UnicodeDecodeError:
        raise BadCall(f"{where}: its name is not UTF-8") from None


def _parameters(text: bytes, where: str) -> dict[bytes, bytes]:
    """`; name=value` pairs, without their quotes and escapes.

    Raises:
        BadCall: they are something else, or one comes twice.
    """
    found: dict[bytes, bytes] = {}
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None or match[1].lower() in found:
            raise BadCall(f"{where}: parameters that cannot be read, or come twice")
        quoted = match[2]
        value = match[3] if quoted is None else _ESCAPE.sub(rb"\1", quoted)
        if quoted is not None and b"%" in value:
            for escape, byte in _PERCENT.items():
                value = value.replace(escape, byte)
        found[match[1].lower()] = value
        at = match.end()
    return found


def replaced(body: bytes, parts: Sequence[Part], changes: Mapping[str, bytes]) -> bytes:
    """The form with other data in the parts named, everything else byte for byte."""
    pieces: list[bytes | memoryview] = []
    view, last = memoryview(body), 0
    for part in parts:
        if part.name in changes:
            pieces += [view[last : part.at], changes[part.name]]
            last = part.at + len(part.data)
    pieces.append(view[last:])
    return b"".join(pieces)


def write(parts: Iterable[Part]) -> tuple[bytes, bytes]:
    """A form, and its boundary: made of what is in the parts, so in none of them."""
    pieces: list[bytes | memoryview] = []
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        head = b'Content-Disposition: form-data; name="%b"' % _escaped(part.name)
        if part.filename is not None:
            head += b'; filename="%b"' % _escaped(part.filename)
        if part.content_type:
            head += b"\r\nContent-Type: " + part.content_type.encode("latin-1")
        pieces += [head + b"\r\n\r\n", part.data]
        digest.update(head)
        digest.update(part.data)
    mark = digest.hexdigest().encode()
    line = b"--%b\r\n" % mark
    framed = (
        x
        for at in range(0, len(pieces), 2)
        for x in (line, *pieces[at : at + 2], b"\r\n")
    )
    return b"".join((*framed, b"--%b--\r\n" % mark)), mark


def content_type(mark: bytes) -> tuple[bytes, bytes]:
    """The header of a form."""
    return b"content-type", b"multipart/form-data; boundary=" + mark


def retyped(
    headers: Sequence[tuple[bytes, bytes]], mark: bytes
) -> tuple[tuple[bytes, bytes], ...]:
    """Headers of a form with another boundary."""
    others = [pair for pair in headers if pair[0] != b"content-type"]
    return (*others, content_type(mark))


def fields(name: str, value: bytes) -> list[Part]:
    """A JSON value as fields: a text bare, of a list each entry under `name[]`."""
    found = msgspec.json.decode(value)
    if isinstance(found, list):
        return [Part(name=name + "[]", data=_plain(entry)) for entry in found]
    return [Part(name=name, data=_plain(found))]


def _plain(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _escaped(name: str) -> bytes:
    text = name.encode().replace(b"\\", rb"\\")
    for escape, byte in _PERCENT.items():
        text = text.replace(byte, escape)
    return text
