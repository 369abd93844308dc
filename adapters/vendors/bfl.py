"""Black Forest Labs: FLUX's pictures, asked for until they are ready.

A request is answered with the address where its picture will be told of, which belongs
to the cluster that works on it. The picture itself stays at an address of its own, for
ten minutes. Source: docs.bfl.ai, 2026-11.
"""

from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from adapters import kin, shapes, signing
from adapters.contract import (
    Call,
    Operation,
    Result,
    Step,
    Target,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.errors import ContentFilter, Garbled, ServerError, Unsupported
from adapters.normal.image import ImageCall, ImageResult, Picture
from adapters.normal.media import File
from adapters.normal.usage import Usage
from adapters.openai import errors
from adapters.vendors import base
from adapters.vendors.base import BROKEN, Json

TITLE: Final = "Black Forest Labs"
AGAIN_S: Final = 0.5
SHAPES: Final = ("1:1", "16:9", "9:16", "21:9", "9:21", "3:2", "2:3", "4:3", "3:4")
_SHAPED: Final = ("kontext", "ultra")
"""Models that know shapes, no pixels."""
_HOME: Final = ".bfl.ai"
_MODERATED: Final = frozenset({"Request Moderated", "Content Moderated"})
_OVER: Final = frozenset({"Ready", "Error", "Failed", "Task not found"}) | _MODERATED


class _Made(msgspec.Struct, frozen=True):
    sample: str = ""


class _Task(msgspec.Struct, frozen=True):
    id: str = ""
    status: str = ""
    polling_url: str = ""
    result: _Made | None = None
    details: Any = None


_task = msgspec.json.Decoder(_Task).decode


class BlackForestLabs(base.Vectors):
    """The half that speaks to the provider."""

    operations = frozenset({Operation.images_generate, Operation.images_edit})

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it asks for what the model does not make.
        """
        if not isinstance(call, ImageCall) or call.operation == "images_vary":
            raise Unsupported(f"{TITLE} makes and edits pictures only", "model")
        if (call.n or 1) > 1:
            raise Unsupported(f"{TITLE} makes one picture a call", "n")
        body: Json = {"prompt": call.prompt, **_size(call, target.model)}
        drop = shapes.unsaid(call)
        if call.format in ("jpeg", "png"):
            body["output_format"] = call.format
        elif call.format:
            drop.append("output_format")
        if call.form == "b64_json":
            drop.append("response_format")
        if call.operation == "images_edit":
            body |= _pictures(call, target.model)
        for name, raw in call.extra.items():
            body.setdefault(name, raw)  # every model has inputs of its own
        dropped = kin.named(drop, call.dialect, target)
        url = f"{target.base_url.rstrip('/')}/{quote(target.model, safe='')}"
        return WireRequest(signing.head(target, url), base.encode(body), (), dropped)

    def following(
        self, asked: WireRequest, response: WireResponse, target: Target
    ) -> Step | None:
        """The question whether the picture is ready.

        Raises:
            Garbled: it is to be asked where our key is nobody's business.
        """
        try:
            told = _task(response.body)
        except BROKEN:
            return None  # whoever reads it will say what is wrong
        if told.status in _OVER or not (told.status or told.id):
            return None
        if asked.head.method == "GET":
            return Step(asked, AGAIN_S)
        root = target.base_url.rstrip("/")
        url = told.polling_url or f"{root}/get_result?id={quote(told.id, safe='')}"
        if not _ours(url, root):
            raise Garbled("the picture is said to be at a stranger's address")
        lines = signing.headers(signing.auth_headers(target), target.headers)
        return Step(WireRequest(WireHead("GET", url, lines), b""), AGAIN_S)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """What the picture became.

        Raises:
            UpstreamError: there is none.
        """
        body = response.body
        try:
            told = _task(body)
        except BROKEN as error:
            raise errors.garbled(f"no picture ({error})", body) from error
        if told.status in _MODERATED:
            raise ContentFilter(
                f"{TITLE} made no picture: {told.status}",
                code=told.status,
                body=body[:2000],
            )
        if told.status == "Ready" and told.result and told.result.sample:
            picture = Picture(url=told.result.sample)
            return ImageResult(id=told.id, pictures=(picture,), usage=Usage(images=1))
        if told.status in _OVER:
            raise ServerError(f"{TITLE} made no picture: {told.status}", body=body)
        raise errors.garbled("no picture", body)


def _size(call: ImageCall, model: str) -> Json:
    if any(word in model for word in _SHAPED):
        shape = shapes.nearest(call.size, SHAPES)
        return {"aspect_ratio": shape} if shape else {}
    found = shapes.pixels(call.size)
    if found is None and call.size not in ("", "auto"):
        raise Unsupported(f"{model} is told width and height, in pixels", "size")
    return {"width": found[0], "height": found[1]} if found else {}


def _pictures(call: ImageCall, model: str) -> Json:
    """Those that are edited, and the mask where the model takes one."""
    if "fill" in model and len(call.images) == 1:
        mask = {"mask": _data(call.mask, "mask")} if call.mask else {}
        return {"image": _data(call.images[0], "image"), **mask}
    if call.mask is not None:
        raise Unsupported(f"{model} takes no mask", "mask")
    return {
        f"input_image_{at}" if at > 1 else "input_image": _data(file, "image")
        for at, file in enumerate(call.images, 1)
    }


def _data(file: File, parameter: str) -> str:
    found = file.inline()
    if found is not None:
        return found[1]
    if file.url:
        return file.url
    raise Unsupported(f"{TITLE} knows no file ids", parameter)


def _ours(url: str, root: str) -> bool:
    """Whether an address is the API's own: of its origin, or of another cluster."""
    there, here = urlsplit(url), urlsplit(root)
    if (there.scheme, there.netloc) == (here.scheme, here.netloc):
        return True
    at_home = f".{here.hostname}".endswith(_HOME)
    cluster = f".{there.hostname}".endswith(_HOME) and "@" not in there.netloc
    return at_home and cluster and there.scheme == "https"


UPSTREAM: Final = BlackForestLabs()
