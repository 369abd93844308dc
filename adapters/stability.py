"""Stability AI: pictures from words, by `/v2beta/stable-image/generate/...`.

A form in, JSON out; one picture a call. Source: platform.stability.ai, API reference
(Stable Image Core and Ultra, Stable Diffusion 3.5), 2026-11.
"""

from typing import Final

import msgspec

from adapters import phrases, shapes, signing
from adapters.contract import (
    Call,
    Decoder,
    Operation,
    Result,
    Target,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.errors import ContentFilter, Garbled, Unsupported, UpstreamError
from adapters.framing import multipart
from adapters.framing.multipart import Part
from adapters.normal.image import ImageCall, ImageResult, Picture
from adapters.normal.usage import Usage
from adapters.retry_after import retry_after

SHAPES: Final = ("1:1", "16:9", "9:16", "21:9", "9:21", "2:3", "3:2", "4:5", "5:4")
_OWN: Final = frozenset({"negative_prompt", "seed", "style_preset", "cfg_scale"})
"""Fields of its own that a client may send."""
_BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


class _Drawn(msgspec.Struct, frozen=True):
    image: str = ""
    finish_reason: str = ""


class _Wrong(msgspec.Struct, frozen=True):
    name: str = ""
    errors: list[str] = []
    message: str = ""


_drawn = msgspec.json.Decoder(_Drawn)
_wrong = msgspec.json.Decoder(_Wrong)


class Stability:
    """The half that speaks to the provider; there is no other."""

    dialect = "stability"
    operations = frozenset({Operation.images_generate})

    def speaks(self, dialect: str) -> bool:
        """No client's dialect."""
        return dialect == self.dialect

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: more than one picture, or, where the target is strict,
                anything it cannot be asked for.
        """
        if not isinstance(call, ImageCall) or call.operation != "images_generate":
            raise Unsupported("Stability makes pictures from words only", "model")
        if (call.n or 1) > 1:
            raise Unsupported("Stability makes one picture a call", "n")
        dropped = [
            name
            for name, value in (
                ("quality", call.quality),
                ("style", call.style),
                ("background", call.background),
                ("moderation", call.moderation),
                ("output_compression", call.compression),
                ("user", call.user),
            )
            if value not in ("", "auto", None)
        ]
        dropped += [name for name in call.extra if name not in _OWN]
        if dropped and target.strict:
            raise Unsupported(f"Stability cannot be asked for {dropped[0]}", dropped[0])
        path, fields = _asked(call, target)
        body, mark = multipart.write(
            Part(name=name, data=value.encode()) for name, value in fields.items()
        )
        lines = (multipart.content_type(mark),)
        return WireRequest(
            _head(target, path), body, lines, tuple(dropped), boundary=mark
        )

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer."""
        try:
            told = _drawn.decode(response.body)
        except _BROKEN as error:
            raise Garbled(f"no picture: {error}", body=response.body[:2000]) from error
        if told.finish_reason == "CONTENT_FILTERED" or not told.image:
            raise ContentFilter(
                "the provider's filter left no picture", body=response.body[:2000]
            )
        form = call.format if isinstance(call, ImageCall) else ""
        picture = Picture(data=told.image, media_type=f"image/{form or 'png'}")
        return ImageResult(pictures=(picture,), usage=Usage(images=1))

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        try:
            told = _wrong.decode(response.body)
        except _BROKEN:
            told = _Wrong(message=response.body[:2000].decode(errors="replace"))
        message = "; ".join(told.errors[:5]) or told.message
        kind = phrases.classify(response.status, message, told.name, "")
        return kind(
            message or f"Stability answered {response.status}",
            status=response.status,
            code=told.name or None,
            retry_after=retry_after(response.headers, response.status, message),
            body=response.body,
        )

    def parse_stream(self, call: Call) -> Decoder:
        """Pictures come whole."""
        raise TypeError("pictures are not streamed")


def _asked(call: ImageCall, target: Target) -> tuple[str, dict[str, str]]:
    """The service for the model, and the fields of the form."""
    fields = {"prompt": call.prompt, "output_format": call.format or "png"}
    if shape := shapes.nearest(call.size, SHAPES):
        fields["aspect_ratio"] = shape
    for name, raw in call.extra.items():
        if name in _OWN:
            fields[name] = bytes(multipart.fields(name, bytes(raw))[0].data).decode()
    model = target.model.removeprefix("stable-image-")
    if model in ("core", "ultra"):
        return model, fields
    fields["model"] = target.model
    return "sd3", fields


def _head(target: Target, path: str) -> WireHead:
    head = target.heads.get(path)
    if head is None:
        lines = signing.headers(
            ((b"accept", b"application/json"),),
            signing.auth_headers(target),
            target.headers,
        )
        url = f"{target.base_url}/v2beta/stable-image/generate/{path}"
        head = target.heads[path] = WireHead("POST", url, lines)
    return head


UPSTREAM: Final = Stability()
