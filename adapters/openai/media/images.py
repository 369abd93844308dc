"""Pictures: read from clients, asked of providers, answered.

Source: platform.openai.com/docs/api-reference/images; openai-python 3.54.0. Vendors
that copy it leave `created` out (xAI).
"""

from typing import Any, Literal

import msgspec
from msgspec import Raw

from adapters.contract import Hint, Medium, Operation, WireResponse
from adapters.errors import BadCall
from adapters.normal.delta import Begin, Delta, PictureDelta, Used
from adapters.normal.image import ImageCall, ImageResult, Picture
from adapters.normal.media import File
from adapters.normal.usage import Usage
from adapters.openai import errors, mend, wire
from adapters.openai import fields as f
from adapters.openai.calls import forwarded
from adapters.openai.media import asked, used
from adapters.openai.media.events import EventDecoder, EventEncoder, Json, event

_KINDS: dict[Operation, Literal["images_generate", "images_edit", "images_vary"]] = {
    Operation.images_generate: "images_generate",
    Operation.images_edit: "images_edit",
    Operation.images_vary: "images_vary",
}
_FORMS: dict[str, Literal["", "url", "b64_json"]] = {
    "": "",
    "url": "url",
    "b64_json": "b64_json",
}


class _Picture(msgspec.Struct, frozen=True, gc=False):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    mime_type: Raw = wire.ABSENT


class _Answer(msgspec.Struct, frozen=True, gc=False):
    created: int
    data: list[_Picture]
    background: str | None = None
    output_format: str | None = None
    quality: str | None = None
    size: str | None = None
    usage: Raw = wire.ABSENT
    error: Raw = wire.ABSENT


_answer = msgspec.json.Decoder(_Answer)


def read_call(body: bytes, hint: Hint) -> ImageCall:
    """A call of one of the three.

    Raises:
        BadCall: not one; says where.
    """
    operation = _KINDS[hint.operation]
    generates = operation == "images_generate"
    told = asked.read(body, hint, form=not generates, plain=operation != "images_vary")
    pictures = told.files.get("image", ()) + told.files.get("images", ())
    if not told.boundary:
        pictures += _named(told, "images") + _named(told, "image")
    masks = told.files.get("mask", ()) or _named(told, "mask")
    form = told.text("response_format")
    if form not in _FORMS:
        raise BadCall(
            f"response_format: {form[:40]!r} is not url or b64_json", "response_format"
        )
    call = ImageCall(
        operation=operation,
        model=asked.model(told, hint),
        dialect=wire.IMAGES,
        raw=body,
        boundary=told.boundary,
        stream=told.flag("stream"),
        prompt=told.text("prompt"),
        images=pictures,
        mask=masks[0] if masks else None,
        n=told.count("n"),
        size=told.text("size"),
        quality=told.text("quality"),
        style=told.text("style"),
        background=told.text("background"),
        moderation=told.text("moderation"),
        fidelity=told.text("input_fidelity"),
        format=told.text("output_format"),
        compression=told.count("output_compression"),
        form=_FORMS[form],
        partial_images=told.count("partial_images"),
        user=told.text("user"),
        headers=forwarded(hint.headers),
        received=hint.received,
        extra=told.extra(),
    )
    if not call.prompt and operation != "images_vary":
        raise BadCall("prompt: missing", "prompt")
    if not call.images and not generates:
        raise BadCall("image: missing", "image")
    return call


def _named(told: asked.Asked, name: str) -> tuple[File, ...]:
    """Pictures that a JSON body names: an address, a file's id, or a list of such."""
    raw = f.take_raw(told.top, name)
    if not raw:
        return ()
    found = f.decode(f.anything, raw, name)
    entries = found if isinstance(found, list) else [found]
    return tuple(_reference(entry, name) for entry in entries)


def _reference(entry: Any, name: str) -> File:
    """xAI says `url` where OpenAI says `image_url`."""
    if isinstance(entry, dict):
        file = entry.get("file_id")
        if isinstance(file, str):
            return File(file=file)
        entry = entry.get("image_url") or entry.get("url")
        entry = entry.get("url") if isinstance(entry, dict) else entry
    if not isinstance(entry, str):
        raise BadCall(f"{name}: neither an image_url nor a file_id", name)
    return File(url=entry)


def parse(response: WireResponse, call: ImageCall) -> ImageResult:
    """The pictures.

    Raises:
        UpstreamError: an error inside the 200, or no pictures.
    """
    body = response.body
    try:
        told = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        body = _mended(body, call)
        told = _again(body)
    if wire.present(told.error) and (error := errors.inside(wire.value.decode(body))):
        raise error
    if not told.data:
        raise errors.garbled("no pictures", body)
    usage = wire.value.decode(told.usage) if wire.present(told.usage) else None
    return ImageResult(
        pictures=tuple(map(_picture, told.data)),
        created=told.created,
        usage=used.read(usage, images=len(told.data)),
        size=told.size or "",
        quality=told.quality or "",
        background=told.background or "",
        format=told.output_format or "",
        raw=body,
        dialect=wire.IMAGES,
    )


def _again(body: bytes) -> _Answer:
    try:
        return _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise errors.garbled(f"no pictures ({error})", body) from error


def _mended(body: bytes, call: ImageCall) -> bytes:
    found = mend.load(body)
    if error := errors.inside(found, body):
        raise error
    if not isinstance(found, dict):
        raise errors.garbled("no pictures", body)
    if not isinstance(found.get("created"), int):
        found["created"] = call.received
    return wire.encode(found)


def _picture(told: _Picture) -> Picture:
    kind = wire.value.decode(told.mime_type) if wire.present(told.mime_type) else ""
    return Picture(
        data=told.b64_json or "",
        url=told.url or "",
        media_type=kind if isinstance(kind, str) else "",
        revised_prompt=told.revised_prompt or "",
    )


def write(result: ImageResult, call: ImageCall) -> bytes | Medium:
    """The answer; one that is OpenAI's already goes verbatim."""
    if result.raw and result.dialect == wire.IMAGES:
        return result.raw
    body: Json = {
        "created": result.created or call.received,
        "data": [_told(picture, call) for picture in result.pictures],
    }
    for name, value in (
        ("background", result.background),
        ("output_format", result.format),
        ("quality", result.quality),
        ("size", result.size),
    ):
        if value:
            body[name] = value
    if result.usage is not None and result.usage.total:
        body["usage"] = used.tokens(result.usage)
    return wire.encode(body)


def _told(picture: Picture, call: ImageCall) -> Json:
    """Where the client wants an address and there is none, one that holds the data."""
    out: Json = {}
    if picture.url or call.form == "url":
        kind = picture.media_type or "image/png"
        out["url"] = picture.url or f"data:{kind};base64,{picture.data}"
    else:
        out["b64_json"] = picture.data
    if picture.revised_prompt:
        out["revised_prompt"] = picture.revised_prompt
    return out


def decoder() -> EventDecoder:
    """A decoder of one stream."""
    done = 0

    def read(kind: str, body: Json) -> tuple[tuple[Delta, ...], bool]:
        nonlocal done
        picture = Picture(data=body.get("b64_json") or "", url=body.get("url") or "")
        if kind.endswith(".partial_image"):
            index = int(body.get("partial_image_index") or 0)
            return (PictureDelta(picture, index, partial=True),), False
        if not kind.endswith(".completed"):
            return (), False
        usage = used.read(body.get("usage"), images=done + 1)
        deltas: tuple[Delta, ...] = (PictureDelta(picture, done),)
        done += 1
        return ((*deltas, Used(usage)) if usage is not None else deltas), True

    return EventDecoder(read)


class ImageEncoder(EventEncoder):
    """Pictures as events. The last one waits for the usage it tells."""

    def __init__(self, call: ImageCall, *, relay: bool) -> None:
        super().__init__(relay=relay)
        self._call = call
        verb = "image_edit" if call.operation == "images_edit" else "image_generation"
        self._kind = verb
        self._created = call.received
        self._last: Picture | None = None
        self._usage: Usage | None = None

    def write(self, delta: Delta) -> bytes:
        """One delta."""
        out = b""
        match delta:
            case Begin():
                self._created = delta.created or self._created
            case PictureDelta(partial=True):
                out = self._event("partial_image", delta.picture, delta.index)
            case PictureDelta():
                if self._last is not None:
                    out = self._event("completed", self._last)
                self._last = delta.picture
            case Used():
                self._usage = delta.usage
        return out

    def end(self) -> bytes:
        """The last picture."""
        if self._last is None:
            return b""
        return self._event("completed", self._last, usage=self._usage or Usage())

    def _event(
        self,
        kind: str,
        picture: Picture,
        index: int | None = None,
        usage: Usage | None = None,
    ) -> bytes:
        call = self._call
        members: Json = {
            "b64_json": picture.data,
            "background": call.background or "auto",
            "created_at": self._created,
            "output_format": call.format or "png",
            "quality": call.quality or "auto",
            "size": call.size or "auto",
        }
        if picture.url:
            members["url"] = picture.url
        if index is not None:
            members["partial_image_index"] = index
        if usage is not None:
            members["usage"] = used.tokens(usage)
        return event(f"{self._kind}.{kind}", **members)
