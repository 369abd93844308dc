"""Pictures: Imagen by `:predict`, Gemini's own image models by generateContent.

Source: ai.google.dev/gemini-api/docs/imagen and /image-generation;
cloud.google.com/vertex-ai, imagen API. Both answer whole; a stream is made of it.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters import shapes
from adapters.contract import Target, WireResponse
from adapters.errors import ByAddress, ContentFilter, Garbled, Unsupported
from adapters.gemini import errors
from adapters.gemini.wire import BROKEN, NONE, encode, given
from adapters.normal.chat import ChatResult
from adapters.normal.content import Image, Text
from adapters.normal.image import ImageCall, ImageResult, Picture
from adapters.normal.media import File
from adapters.normal.usage import Usage

IMAGEN: Final = ("1:1", "3:4", "4:3", "9:16", "16:9")
"""Shapes that Imagen makes."""
SHAPES: Final = (*IMAGEN, "2:3", "3:2", "4:5", "5:4", "21:9")
MAX_IMAGEN: Final = 4
"""Pictures of one request."""
_KINDS: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_FILTERED: Final = "the provider's filter left no picture"


class _Prediction(msgspec.Struct, frozen=True, rename="camel"):
    bytes_base64_encoded: str = ""
    gcs_uri: str = ""
    mime_type: str = ""
    prompt: str = ""
    rai_filtered_reason: str = ""


class _Answer(msgspec.Struct, frozen=True):
    predictions: list[_Prediction] = []
    error: Raw = NONE


_answer = msgspec.json.Decoder(_Answer)


def is_imagen(target: Target) -> bool:
    """Whether the model is asked by `:predict`."""
    return "imagen" in target.model.lower()


def write(call: ImageCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body, and what it cannot say.

    Raises:
        Unsupported: what would be another picture without it, or, where the target is
            strict, anything left out.
    """
    dropped = [
        name
        for name, value in (
            ("quality", call.quality),
            ("style", call.style),
            ("background", call.background),
            ("moderation", call.moderation),
            ("input_fidelity", call.fidelity),
            ("user", call.user),
        )
        if value and value != "auto"
    ]
    dropped += call.extra
    imagen = is_imagen(target)
    body = _imagen(call) if imagen else _content(call)
    if dropped and target.strict:
        raise Unsupported(f"gemini has no word for {dropped[0]}", dropped[0])
    return encode(body), tuple(dropped)


def _imagen(call: ImageCall) -> dict[str, object]:
    if call.images:
        raise Unsupported("Imagen makes pictures from words only", "image")
    if (call.n or 1) > MAX_IMAGEN:
        raise Unsupported(f"Imagen makes at most {MAX_IMAGEN} pictures a call", "n")
    parameters: dict[str, object] = {
        "sampleCount": call.n or 1,
        "includeRaiReason": True,
    }
    if shape := shapes.nearest(call.size, IMAGEN):
        parameters["aspectRatio"] = shape
    if output := _output(call):
        parameters["outputOptions"] = output
    return {"instances": [{"prompt": call.prompt}], "parameters": parameters}


def _content(call: ImageCall) -> dict[str, object]:
    if (call.n or 1) > 1:
        raise Unsupported("Gemini makes one picture a call", "n")
    if call.mask is not None:
        raise Unsupported("Gemini takes no mask: say what is to change", "mask")
    image: dict[str, object] = {}
    if shape := shapes.nearest(call.size, SHAPES):
        image["aspectRatio"] = shape
    if output := _output(call):
        image["imageOutputOptions"] = output
    config: dict[str, object] = {"responseModalities": ["TEXT", "IMAGE"]}
    if image:
        config["imageConfig"] = image
    parts = [{"text": call.prompt}, *map(_part, call.images)]
    return {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": config,
    }


def _part(file: File) -> dict[str, object]:
    found = file.inline()
    if found is None:
        refusal = ByAddress if file.url else Unsupported
        raise refusal("Gemini is given pictures by their data", "image")
    kind, data = found
    return {"inlineData": {"mimeType": kind or "image/png", "data": data}}


def _output(call: ImageCall) -> dict[str, object]:
    """How pictures are encoded, where the client says."""
    output: dict[str, object] = {}
    if call.format:
        output["mimeType"] = _KINDS.get(call.format, f"image/{call.format}")
    if call.compression is not None:
        output["compressionQuality"] = call.compression
    return output


def predicted(response: WireResponse) -> ImageResult:
    """What Imagen drew.

    Raises:
        UpstreamError: an error inside the 200, or everything was filtered.
    """
    body = response.body
    try:
        told = _answer.decode(body)
    except BROKEN as error:
        raise Garbled(f"no pictures: {error}", body=body[:2000]) from error
    if given(told.error):
        raise errors.inner(told.error, body)
    pictures = tuple(
        Picture(
            data=found.bytes_base64_encoded,
            url=found.gcs_uri,
            media_type=found.mime_type,
            revised_prompt=found.prompt,
        )
        for found in told.predictions
        if found.bytes_base64_encoded or found.gcs_uri
    )
    if not pictures:
        reasons = (p.rai_filtered_reason for p in told.predictions)
        raise ContentFilter(next(filter(None, reasons), _FILTERED), body=body[:2000])
    return ImageResult(pictures=pictures, usage=Usage(images=len(pictures)))


def drawn(result: ChatResult) -> ImageResult:
    """What a model drew while it answered.

    Raises:
        UpstreamError: it drew nothing.
    """
    choices = result.choices()
    parts = [part for choice in choices for part in choice.parts]
    words = " ".join(part.text for part in parts if isinstance(part, Text))
    pictures = tuple(
        Picture(data=part.data, url=part.url, media_type=part.media_type)
        for part in parts
        if isinstance(part, Image)
    )
    if not pictures:
        stopped = any(choice.stop in ("filtered", "refusal") for choice in choices)
        if stopped or not words:
            raise ContentFilter(words or _FILTERED)
        raise Garbled(f"words where a picture should be: {words[:200]}")
    usage = result.usage or Usage()
    return ImageResult(
        id=result.id,
        model=result.model,
        pictures=pictures,
        usage=msgspec.structs.replace(usage, images=len(pictures)),
    )
