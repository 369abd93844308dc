"""Reranking: which of some documents answer a question best?"""

from typing import ClassVar, Literal

import msgspec
from msgspec import Raw

from adapters.normal.plain import PlainCall, PlainResult
from adapters.normal.usage import Usage


class Passage(msgspec.Struct, frozen=True):
    """One document."""

    text: str
    """Empty for one that is no text."""
    raw: Raw = Raw(b"")
    """The object that the client wrote; empty when it wrote a text."""


class RerankCall(PlainCall, frozen=True, kw_only=True):
    """A question, and documents to be ordered by how well they answer it."""

    operation: ClassVar[Literal["rerank"]] = "rerank"
    query: str
    documents: tuple[Passage, ...]
    top_n: int | None = None
    """So many of the best are wanted; all of them when `None`."""
    return_documents: bool = False
    """The answer should repeat them, too."""
    max_tokens_per_doc: int | None = None
    """Longer ones are cut."""

    @property
    def prompt_bytes(self) -> int:
        said = sum(len(passage.text) for passage in self.documents)
        return said + len(self.query) * len(self.documents)

    def least(self) -> Usage | None:
        return Usage(input=(self.prompt_bytes + 3) // 4, estimated=True)


class Ranked(msgspec.Struct, frozen=True):
    """One document's place."""

    index: int
    """In the call's documents."""
    score: float
    """Higher is better; its range is the model's."""


class RerankResult(PlainResult, frozen=True, kw_only=True):
    """The best documents, best first."""

    ranked: tuple[Ranked, ...] = ()
