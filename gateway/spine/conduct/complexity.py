"""How much a prompt asks at once, as far as its words show."""

import re
from typing import Final

_QUESTIONS: Final = re.compile(r"\?(?=\s|$)")
_ITEMS: Final = re.compile(r"(?m)^[ \t]*(?:[-*\u2022]|\d{1,2}[.)])[ \t]+\S")
_JOINED: Final = re.compile(
    r"\b(?:then|also|additionally|finally|afterwards|compare|contrast|versus|both|each"
    r"|respectively|as well as|step by step|first|second|third|furthermore)\b",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"\w+")
MAX_TEXT: Final = 20_000
"""Characters that are looked at."""


def complexity(text: str) -> float:
    """From 0, one plain thing, to 1. More text never makes it less."""
    said = text[:MAX_TEXT]
    counts = (
        (0.25, (len(_QUESTIONS.findall(said)) - 1) / 2),
        (0.30, len(_ITEMS.findall(said)) / 3),
        (0.30, len(_JOINED.findall(said)) / 3),
        (0.15, len(_WORDS.findall(said)) / 300),
    )
    return sum(share * min(1.0, max(0.0, part)) for share, part in counts)
