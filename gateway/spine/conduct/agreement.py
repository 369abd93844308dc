"""Whether two answers say the same, as far as that can be seen without a model.

Choices, numbers, JSON and short texts can be compared; of anything longer nothing is
claimed. What is marked as the answer ("The answer is (C)", `\\boxed{42}`, `#### 42`)
counts, the last mark first.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import msgspec

SHORT: Final = 80
"""Characters of a text that is compared word for word."""

# Spaces are given back by none (`*+`, `(?>`): a model can be made to write thousands.
_FENCED: Final = re.compile(r"```[a-z]*(?>\s*\n)(.*?)\n?```", re.DOTALL)
_BOXED: Final = re.compile(r"\\boxed\{([^{}]{1,80})\}")
_HASHED: Final = re.compile(r"####[ \t]*([^\n]{1,80})")
_MARKED: Final = re.compile(
    r"\b(?i:answer|choice|option)\b(?:[ \t]++(?i:is))?[ \t]*+:?[ \t]*+"
    r"(\([A-J]\)|[A-J](?=[.,;:!)\s]*(?:\n|$))|-?[\d.,]*\d(?=[^\n\d]*(?:\n|$)))"
)
_CHOICE: Final = re.compile(r"\(?([A-J])\)(?:[ \t]+\S.*)?|([A-J])\.?")
_ARTICLES: Final = frozenset({"a", "an", "the"})
_SIGNS: Final = str.maketrans("", "", "*_$`")


class Meaning(NamedTuple):
    """What an answer says, in one spelling."""

    kind: str
    """`json`, `choice`, `number` or `text`."""
    value: str


def meaning(text: str) -> Meaning | None:
    """What an answer says; `None` where it cannot be compared."""
    said = text.strip()
    fenced = _FENCED.search(said)
    found = _json(fenced[1] if fenced else said)
    if found is not None:
        return found
    if fenced:
        return None
    for pattern in (_BOXED, _HASHED):
        if marks := pattern.findall(said):
            return _short(marks[-1])
    plain = said.translate(_SIGNS)
    if marks := _MARKED.findall(plain):
        return _short(marks[-1])
    return _short(plain)


def _json(text: str) -> Meaning | None:
    if text[:1] not in ("{", "["):
        return None
    try:
        value = _one_spelling(msgspec.json.decode(text))
        return Meaning("json", msgspec.json.encode(value, order="sorted").decode())
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _one_spelling(value: Any) -> Any:
    """With `1.0` as `1`, which JSON means alike."""
    if isinstance(value, dict):
        return {name: _one_spelling(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_one_spelling(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _short(text: str) -> Meaning | None:
    said = text.strip()
    if len(said) > SHORT or "\n" in said:
        return None
    if match := _CHOICE.fullmatch(said):
        return Meaning("choice", match[1] or match[2])
    if (number := _number(said)) is not None:
        return Meaning("number", number)
    letters = "".join(c if c.isalnum() else " " for c in said.casefold())
    words = [word for word in letters.split() if word not in _ARTICLES]
    return Meaning("text", " ".join(words)) if words else None


def _number(text: str) -> str | None:
    said = text.replace(",", "").replace("$", "").rstrip("%.").strip()
    try:
        value = Decimal(said)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > SHORT:
        return None
    return format(value.normalize() + 0, "f")
