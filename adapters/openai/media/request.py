"""Calls of pictures, sound and moderation -> requests, the client's bytes kept.

Of JSON and of forms alike only the model is replaced; what a provider is known to
reject is bent as for chat, in a form field by field.
"""

import msgspec

from adapters import envelope, quirks
from adapters.contract import (
    Headers,
    Operation,
    Target,
    WireHead,
    WireRequest,
)
from adapters.framing import multipart
from adapters.framing.multipart import Part
from adapters.normal.plain import PlainCall
from adapters.openai import fields as f
from adapters.openai import request


def build(
    call: PlainCall, operation: Operation, target: Target, headers: Headers
) -> WireRequest:
    """The client's body for the target.

    Raises:
        Unsupported: something must be left out, and the target is strict.
    """
    if call.boundary:
        return _form(call, operation, target, headers)
    head = _head(call, operation, target, b"application/json")
    if not quirks.any_of(target.provider.quirks):
        body = envelope.splice(call.raw, b"model", call.model, target.model)
        return WireRequest(head, body, headers)
    top = envelope.fields(call.raw)
    top["model"] = f.plain(target.model)
    body, dropped = request.finished(top, target)
    return WireRequest(head, body, headers, dropped)


def _form(
    call: PlainCall, operation: Operation, target: Target, headers: Headers
) -> WireRequest:
    parts = multipart.read(call.raw, call.boundary)
    named = any(part.name == "model" for part in parts)
    bent = target.provider.quirks
    names = {part.name.removesuffix("[]") for part in parts}
    gone = sorted(names & bent.drop)
    request.refuse(gone, target)
    mark = call.boundary
    if named and not gone and not names & bent.rename.keys():
        body = multipart.replaced(call.raw, parts, {"model": target.model.encode()})
    else:
        kept = [
            _renamed(part, bent.rename)
            for part in parts
            if part.name.removesuffix("[]") not in bent.drop and part.name != "model"
        ]
        model = Part(name="model", data=target.model.encode())
        body, mark = multipart.write([model, *kept])
    head = _head(call, operation, target, b"")
    return WireRequest(
        head,
        body,
        (*headers, multipart.content_type(mark)),
        tuple(gone),
        boundary=mark,
    )


def _renamed(part: Part, names: dict[str, str]) -> Part:
    """A part under the provider's name for it."""
    base = part.name.removesuffix("[]")
    if base not in names:
        return part
    name = names[base] + part.name[len(base) :]
    return msgspec.structs.replace(part, name=name)


def _head(
    call: PlainCall, operation: Operation, target: Target, kind: bytes
) -> WireHead:
    """Address and headers, built once. A form has a content type of its own; answers
    are sound and plain text as often as JSON."""
    events = call.stream and call.events
    key = f"{operation} {events:d} {kind.decode()}"
    found = target.heads.get(key)
    if found is None:
        head = request.head(target, operation, stream=call.stream)
        accept = b"text/event-stream" if events else b"*/*"
        ours = {b"content-type": kind, b"accept": accept}
        said = {name: value for name, value in target.headers if name in ours}
        lines = {**dict(head.headers), **ours, **said}
        kept = tuple((name, value) for name, value in lines.items() if value)
        found = target.heads[key] = msgspec.structs.replace(head, headers=kept)
    return found
