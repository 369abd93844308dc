"""Pictures: made from words, edited, varied."""

from typing import Literal

import msgspec

from adapters.normal.media import File
from adapters.normal.plain import PlainCall, PlainResult


class ImageCall(PlainCall, frozen=True, kw_only=True):
    """A request for pictures. Settings are OpenAI's words; absent is empty."""

    operation: Literal["images_generate", "images_edit", "images_vary"]
    prompt: str = ""
    images: tuple[File, ...] = ()
    """What is edited or varied."""
    mask: File | None = None
    """Transparent where the picture is to be edited."""
    n: int | None = None
    size: str = ""
    """`1024x1024`, `16:9`, `auto`, ..."""
    quality: str = ""
    style: str = ""
    background: str = ""
    moderation: str = ""
    fidelity: str = ""
    """OpenAI's `input_fidelity`."""
    format: str = ""
    """`png`, `jpeg`, `webp`: of the pictures."""
    compression: int | None = None
    """Percent."""
    form: Literal["", "url", "b64_json"] = ""
    """How pictures are told; empty: as the model does by itself."""
    partial_images: int | None = None
    """Unfinished pictures that a streamed answer shows."""

    @property
    def prompt_bytes(self) -> int:
        return len(self.prompt)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: `data` (base64) or `url`."""

    data: str = ""
    url: str = ""
    media_type: str = ""
    revised_prompt: str = ""


class ImageResult(PlainResult, frozen=True, kw_only=True):
    """Pictures."""

    pictures: tuple[Picture, ...] = ()
    created: int = 0
    """Unix seconds; 0 when the family does not tell."""
    size: str = ""
    quality: str = ""
    background: str = ""
    format: str = ""
