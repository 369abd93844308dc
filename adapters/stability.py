"""Stability AI: pictures from words, by `/v2beta/stable-image/generate/...`.

A form in, JSON out; one picture a call. Source: platform.stability.ai, API reference
(Stable Image Core and Ultra, Stable Diffusion 3.5), 2026-11.
"""

from typing import Final

import msgspec

from adapters import kin, shapes, signing
from adapters.contract import (
    Call,
    Operation,
    Result,
    Target,
    WireRequest,
    WireResponse,
)
from adapters.errors import ContentFilter, Garbled, Unsupported
from adapters.framing import multipart
from adapters.framing.multipart import Part
from adapters.normal.image import ImageCall, ImageResult, Picture
from adapters.normal.usage import Usage
from adapters.studio import BROKEN, Studio, text

SHAPES: Final = ("1:1", "16:9", "9:16", "21:9", "9:21", "2:3", "3:2", "4:5", "5:4")
_OWN: Final = frozenset({"negative_prompt", "seed", "style_preset", "cfg_scale"})
"""Fields of its own that a client may send."""


class _Drawn(msgspec.Struct, frozen=True):
    image: str = ""
    finish_reason: str = ""


class _Wrong(msgspec.Struct, frozen=True):
    name: str = ""
    errors: list[str] = []
    message: str = ""


_drawn = msgspec.json.Decoder(_Drawn)
_wrong = msgspec.json.Decoder(_Wrong)


class Stability(Studio):
    """The half that speaks to the provider; there is no other."""

    dialect = "stability"
    title = "Stability"
    operations = frozenset({Operation.images_generate})

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
        dropped = shapes.unsaid(call)
        dropped += [name for name in call.extra if name not in _OWN]
        named = kin.named(dropped, call.dialect, target)
        path, fields = _asked(call, target)
        body, mark = multipart.write(
            Part(name=name, data=value.encode()) for name, value in fields.items()
        )
        lines = (multipart.content_type(mark),)
        url = f"{target.base_url}/v2beta/stable-image/generate/{path}"
        head = signing.head(target, url, ((b"accept", b"application/json"),))
        return WireRequest(head, body, lines, named, boundary=mark)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer."""
        try:
            told = _drawn.decode(response.body)
        except BROKEN as error:
            raise Garbled(f"no picture: {error}", body=response.body[:2000]) from error
        if told.finish_reason == "CONTENT_FILTERED" or not told.image:
            raise ContentFilter(
                "the provider's filter left no picture", body=response.body[:2000]
            )
        form = call.format if isinstance(call, ImageCall) else ""
        picture = Picture(data=told.image, media_type=f"image/{form or 'png'}")
        return ImageResult(pictures=(picture,), usage=Usage(images=1))

    def _said(self, body: bytes) -> tuple[str, str]:
        try:
            told = _wrong.decode(body)
        except BROKEN:
            return text(body), ""
        return "; ".join(told.errors[:5]) or told.message, told.name


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


UPSTREAM: Final = Stability()
