"""What can be seen of an answer without asking a model."""

import re
from typing import Any, Final

import msgspec

from adapters.normal.chat import ChatResult, Conversation
from adapters.normal.content import Refusal, ResponseFormat, Text
from gateway.spine.conduct.shape import misfit

_REFUSES: Final = re.compile(
    r"\W*(i'?m (very )?sorry|i am sorry|sorry,|as an ai\b|unfortunately, i (can|am)"
    r"|i(( can'?t| cannot| can not| won'?t)|( am|'?m) (unable|not able) to)"
    r" (help|assist|answer|provide|do|comply|fulfil))",
    re.IGNORECASE,
)
"""How answers begin that are none."""
_ENDS: Final = {
    "length": "cut off",
    "context_window": "cut off",
    "filtered": "filtered",
    "refusal": "refused",
    "error": "broken",
}
"""Why an answer stopped -> what that makes of it."""


def words(result: ChatResult) -> str:
    """The text of the first answer."""
    choices = result.choices()
    parts = choices[0].parts if choices else ()
    return "".join(part.text for part in parts if isinstance(part, Text))


def flaw(result: ChatResult, asked: Conversation) -> str:
    """What is wrong with an answer at first sight; empty: nothing."""
    choices = result.choices()
    if not choices:
        return "empty"
    first = choices[0]
    if first.stop in _ENDS:
        return _ENDS[first.stop]
    if any(isinstance(part, Refusal) for part in first.parts):
        return "refused"
    text = words(result)
    if not text.strip():
        return "empty"
    form = asked.response_format
    if form is not None and form.mode != "text":
        return _form(text, form)
    return "refused" if _REFUSES.match(text.replace("\u2019", "'")) else ""


def _form(text: str, form: ResponseFormat) -> str:
    try:
        value = msgspec.json.decode(text)
        schema: Any = msgspec.json.decode(form.schema) if form.schema else True
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "no JSON"
    return "not of the schema" if misfit(value, schema) else ""
