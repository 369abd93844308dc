"""Embeddings: texts (or token ids, or media) in, vectors out."""

from typing import Literal

import msgspec
from msgspec import Raw

from adapters.normal.content import Part
from adapters.normal.usage import Usage

Input = str | tuple[int, ...] | tuple[Part, ...]
"""A text, token ids, or the parts of one multimodal content."""


class EmbedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request for vectors, one per input, in order."""

    model: str
    dialect: str
    raw: bytes = b""
    inputs: tuple[Input, ...] = ()
    single: bool = False
    """The client sent one input, not a list of one."""
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    """base64 is little-endian float32, as OpenAI's SDK asks by default."""
    task: str = ""
    """Gemini's taskType, Cohere's and NVIDIA's input_type."""
    title: str = ""
    user: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    extra: dict[str, Raw] = {}


class EmbedResult(msgspec.Struct, frozen=True, kw_only=True):
    """Vectors, as floats or base64 little-endian float32: as the provider sent them."""

    vectors: tuple[tuple[float, ...] | str, ...] = ()
    usage: Usage | None = None
    model: str = ""
    raw: bytes = b""
    """The body to hand to a client of `dialect` that asked for the same encoding."""
    dialect: str = ""
