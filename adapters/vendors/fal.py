"""fal: pictures of the many models it runs, each at an address of its own.

Asked at `fal.run`, which answers when the work is done. A model's further inputs go as
the client wrote them. Source: docs.fal.ai (synchronous inference, errors, models'
schemas), 2026-11.
"""

from typing import Final
from urllib.parse import quote

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
from adapters.errors import ContentFilter, Unsupported, UpstreamError
from adapters.normal.image import ImageCall, ImageResult, Picture
from adapters.normal.media import File
from adapters.normal.usage import Usage
from adapters.openai import errors
from adapters.vendors import base
from adapters.vendors.base import BROKEN, Json

TITLE: Final = "fal"
_MANY: Final = frozenset({"edit", "edit-image", "multi"})
"""Ends of names of models that are given a list of pictures."""
_REFUSED: Final = b'"content_policy_violation"'


class _Image(msgspec.Struct, frozen=True):
    url: str = ""
    content_type: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    images: list[_Image] | None = None
    image: _Image | None = None
    has_nsfw_concepts: list[bool] | None = None


_answer = msgspec.json.Decoder(_Answer).decode


class Fal(base.Vectors):
    """The half that speaks to the provider."""

    operations = frozenset({Operation.images_generate, Operation.images_edit})

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it asks for something else than pictures.
        """
        if not isinstance(call, ImageCall) or call.operation == "images_vary":
            raise Unsupported(f"{TITLE} is asked for pictures only", "model")
        body: Json = {"prompt": call.prompt}
        if call.n is not None:
            body["num_images"] = call.n
        if found := shapes.pixels(call.size):
            body["image_size"] = {"width": found[0], "height": found[1]}
        elif call.size not in ("", "auto"):
            body["aspect_ratio"] = call.size
        if call.format:
            body["output_format"] = call.format
        if call.form == "b64_json":
            body["sync_mode"] = True  # its word for data in the answer
        if call.operation == "images_edit":
            body |= _pictures(call, target.model)
        for name, raw in call.extra.items():
            body.setdefault(name, raw)
        dropped = kin.named(shapes.unsaid(call), call.dialect, target)
        url = f"{target.base_url.rstrip('/')}/{quote(target.model, safe='/')}"
        return WireRequest(signing.head(target, url), base.encode(body), (), dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer.

        Raises:
            UpstreamError: it holds no picture.
        """
        body = response.body
        try:
            told = _answer(body)
        except BROKEN as error:
            raise errors.garbled(f"no pictures ({error})", body) from error
        found = told.images or ([told.image] if told.image else [])
        flags = [*(told.has_nsfw_concepts or ()), *[False] * len(found)]
        if _unchecked(call):
            flags = [False] * len(found)
        # What was flagged is a black picture.
        kept = [one for one, bad in zip(found, flags, strict=False) if not bad]
        if found and not kept:
            raise ContentFilter("the provider's filter left no picture", body=body)
        if not kept or not all(one.url for one in kept):
            raise errors.garbled("no pictures", body)
        pictures = tuple(_picture(one) for one in kept)
        return ImageResult(pictures=pictures, usage=Usage(images=len(found)))

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer."""
        error = errors.read(response)
        if _REFUSED not in response.body or isinstance(error, ContentFilter):
            return error
        return ContentFilter(error.message, status=response.status, body=response.body)


def _pictures(call: ImageCall, model: str) -> Json:
    found = [_address(file, "image") for file in call.images]
    mask = {"mask_url": _address(call.mask, "mask")} if call.mask else {}
    if len(found) > 1 or model.rpartition("/")[2] in _MANY:
        return {"image_urls": found, **mask}
    return {"image_url": found[0], **mask} if found else mask


def _address(file: File, parameter: str) -> str:
    """As an address: its own, or one that holds the data."""
    found = file.inline()
    if found is not None:
        return f"data:{found[0] or 'image/png'};base64,{found[1]}"
    if file.url:
        return file.url
    raise Unsupported(f"{TITLE} knows no file ids", parameter)


def _picture(one: _Image) -> Picture:
    inline = File(url=one.url).inline()
    if inline is not None:
        return Picture(data=inline[1], media_type=inline[0])
    return Picture(url=one.url, media_type=one.content_type or "")


def _unchecked(call: Call) -> bool:
    """Whether the client turned the filter off, and is shown what it flags."""
    if not isinstance(call, ImageCall):
        return False
    return bytes(call.extra.get("enable_safety_checker", b"")) == b"false"


UPSTREAM: Final = Fal()
