"""Embeddings: texts (or token ids, or media) in, vectors out."""

from typing import ClassVar, Literal

from adapters.normal.content import Part
from adapters.normal.plain import PlainCall, PlainResult

Input = str | tuple[int, ...] | tuple[Part, ...]
"""A text, token ids, or the parts of one multimodal content."""


class EmbedCall(PlainCall, frozen=True, kw_only=True):
    """A request for vectors, one per input, in order."""

    operation: ClassVar[Literal["embed"]] = "embed"
    inputs: tuple[Input, ...] = ()
    single: bool = False
    """The client sent one input, not a list of one."""
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    """base64 is little-endian float32, as OpenAI's SDK asks by default."""
    task: str = ""
    """Gemini's taskType, Cohere's and NVIDIA's input_type."""
    title: str = ""

    @property
    def prompt_bytes(self) -> int:
        return len(self.raw)


class EmbedResult(PlainResult, frozen=True, kw_only=True):
    """Vectors, as floats or base64 little-endian float32: as the provider sent them.
    `raw` is for a client that asked for the same encoding."""

    vectors: tuple[tuple[float, ...] | str, ...] = ()
