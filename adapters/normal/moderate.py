"""Moderation: is something said that should not be?"""

from typing import ClassVar, Literal

import msgspec

from adapters.normal.content import Image, Text
from adapters.normal.plain import PlainCall, PlainResult
from adapters.normal.usage import Usage


class ModerateCall(PlainCall, frozen=True, kw_only=True):
    """Texts and pictures to be judged."""

    operation: ClassVar[Literal["moderate"]] = "moderate"
    inputs: tuple[Text | Image, ...] = ()
    together: bool = False
    """The inputs are parts of one content, with one judgement."""

    @property
    def prompt_bytes(self) -> int:
        return sum(len(part.text) for part in self.inputs if isinstance(part, Text))

    def least(self) -> Usage | None:
        return Usage(input=(self.prompt_bytes + 3) // 4, estimated=True)


class Judgement(msgspec.Struct, frozen=True):
    """Of one input."""

    flagged: bool
    categories: dict[str, bool] = {}
    scores: dict[str, float] = {}
    """From 0 to 1."""
    seen: dict[str, tuple[str, ...]] = {}
    """Category -> `text`, `image`: what was looked at."""


class ModerateResult(PlainResult, frozen=True, kw_only=True):
    """Judgements, one per content."""

    judgements: tuple[Judgement, ...] = ()
