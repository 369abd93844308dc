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
    head = request.head(target, operation, stream=call.stream)
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
    head = _untyped(request.head(target, operation, stream=call.stream), target)
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


def _untyped(head: WireHead, target: Target) -> WireHead:
    """The head without a content type: each form has its own."""
    key = f"{head.url} form"
    found = target.heads.get(key)
    if found is None:
        lines = tuple(pair for pair in head.headers if pair[0] != b"content-type")
        found = target.heads[key] = msgspec.structs.replace(head, headers=lines)
    return found
