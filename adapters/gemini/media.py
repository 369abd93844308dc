"""Images, sounds and files: `inlineData` and `fileData` <-> parts.

The media type decides what a thing is. Video has no word of its own among the parts
and stays Gemini's. Source: ai.google.dev/gemini-api/docs/image-understanding, audio,
document-processing, file-input-methods.
"""

import base64
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec import Raw

from adapters.errors import BadCall, Unsupported
from adapters.gemini.wire import FAMILY, pop, value
from adapters.normal.content import Audio, Document, Image, Opaque

Media = Image | Audio | Document

FORMATS: Final = {
    "x-wav": "wav",
    "wave": "wav",
    "vnd.wave": "wav",
    "mpeg": "mp3",
    "mpeg3": "mp3",
    "x-mpeg": "mp3",
    "x-aac": "aac",
    "x-flac": "flac",
    "x-m4a": "m4a",
    "l16": "pcm16",
    "pcm": "pcm16",
}
"""A subtype of `audio/` -> the usual short word."""

SUBTYPES: Final = {"pcm16": "L16;codec=pcm;rate=24000"}
"""The short word -> Gemini's subtype, where it is not the word itself."""

SUFFIXES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "bmp": "image/bmp",
    "avif": "image/avif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "xml": "text/xml",
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "m4a": "audio/m4a",
}
"""The end of a path -> the media type that `fileData` wants named."""

_DETAILS: Final = {
    "MEDIA_RESOLUTION_LOW": "low",
    "MEDIA_RESOLUTION_MEDIUM": "auto",
    "MEDIA_RESOLUTION_HIGH": "high",
    "MEDIA_RESOLUTION_ULTRA_HIGH": "high",
}
"""Read only: v1beta refuses a part's resolution (2025-11), v1alpha takes it."""

_OWN: Final = "https://generativelanguage.googleapis.com/"
"""Where files of the Files API live: nobody else can fetch them."""


def detail(source: dict[str, Raw], where: str) -> str:
    """`mediaResolution` of a part, in the words of `Image.detail`."""
    raw = source.get("mediaResolution")
    if raw is None:
        return ""
    level = value(raw, dict[str, object], f"{where}.mediaResolution").get("level")
    return _DETAILS.get(level, "") if isinstance(level, str) else ""


def read_inline(source: dict[str, Raw], raw: Raw, where: str) -> Media | Opaque:
    """`inlineData`, by its media type; `raw` is the part around it."""
    kind = pop(source, "mimeType", str, where) or ""
    data = pop(source, "data", str, where)
    if data is None:
        raise BadCall(f"{where}.data is required", f"{where}.data")
    name = pop(source, "displayName", str, where) or ""
    return inline(kind, standard(data), name, raw)


def inline(
    kind: str, data: str, name: str, raw: Raw, signed: str = ""
) -> Media | Opaque:
    """What base64 `data` of a media type is."""
    main, _, sub = kind.lower().partition("/")
    if main == "image":
        return Image(data=data, media_type=kind, signature=signed)
    if main == "audio":
        return Audio(data=data, format=short(sub))
    if main == "video":
        return Opaque(FAMILY, "video", raw)
    return Document(data=data, media_type=kind, name=name)


def read_file(source: dict[str, Raw], raw: Raw, where: str) -> Media | Opaque:
    """`fileData`: a file of the Files API, in Cloud Storage, or on the web."""
    kind = pop(source, "mimeType", str, where) or ""
    uri = pop(source, "fileUri", str, where)
    if uri is None:
        raise BadCall(f"{where}.fileUri is required", f"{where}.fileUri")
    main, _, sub = kind.lower().partition("/")
    is_own = uri.startswith((_OWN, "files/"))
    url, file = ("", uri) if is_own else (uri, "")
    if main == "image":
        return Image(media_type=kind, url=url, file=file)
    if main == "video" or "youtube.com/" in uri or "youtu.be/" in uri:
        return Opaque(FAMILY, "video", raw)
    if main == "audio":
        known = Audio(format=short(sub), url=uri)
        return Opaque(FAMILY, "audio", raw) if is_own else known
    name = pop(source, "displayName", str, where) or ""
    return Document(media_type=kind, name=name, url=url, file=file)


def write(part: Media, where: str) -> dict[str, object]:
    """The part as `inlineData` or `fileData`.

    Raises:
        Unsupported: it refers to something only another provider holds.
    """
    match part:
        case Image():
            fallback = "image/jpeg"
            kind = part.media_type
        case Audio():
            fallback = "audio/wav"
            kind = f"audio/{SUBTYPES.get(part.format, part.format)}"
            kind = kind if part.format else ""
        case _:
            fallback = "application/pdf"
            kind = part.media_type
    if part.data:
        return {"inlineData": {"mimeType": kind or fallback, "data": part.data}}
    if part.url:
        return _address(part.url, kind, where)
    if isinstance(part, Document) and part.text:
        data = base64.b64encode(part.text.encode(errors="replace")).decode()
        return {"inlineData": {"mimeType": kind or "text/plain", "data": data}}
    if not isinstance(part, Audio) and part.file.startswith((_OWN, "files/", "gs://")):
        return _uri(part.file, kind)
    raise Unsupported(
        "gemini cannot see a file that another provider holds; send its data or a URL",
        where,
    )


def _address(url: str, kind: str, where: str) -> dict[str, object]:
    if not url.startswith("data:"):
        if not url.startswith(("https://", "http://", "gs://", "files/")):
            raise Unsupported("gemini takes data:, http(s): and gs: URLs", where)
        return _uri(url, kind or guess(url))
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise BadCall("the data: URL has no data", where)
    named, *flags = head.split(";")
    if "base64" in (flag.strip().lower() for flag in flags):
        data = standard(data)
    else:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    kind = named or kind or "text/plain"
    return {"inlineData": {"mimeType": kind, "data": data}}


def _uri(uri: str, kind: str) -> dict[str, object]:
    file: dict[str, object] = {"mimeType": kind} if kind else {}
    return {"fileData": {**file, "fileUri": uri}}


def guess(url: str) -> str:
    """The media type that the end of a URL's path suggests; empty when none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return SUFFIXES.get(path.rpartition(".")[2].lower(), "")


def short(subtype: str) -> str:
    """The usual word for a subtype of `audio/`."""
    word = subtype.partition(";")[0].strip()
    return FORMATS.get(word, word)


def standard(data: str) -> str:
    """Base64 in the standard alphabet; Google's clients send the URL-safe one."""
    return data.translate({45: "+", 95: "/"}) if "-" in data or "_" in data else data
