"""A conversation as one text, for a model that looks at it from outside."""

from collections.abc import Sequence

from adapters.normal.content import Message


def transcript(messages: Sequence[Message]) -> str:
    """Who said what; one question alone stands for itself."""
    spoken = [m for m in messages if m.text]
    if len(spoken) == 1:
        return spoken[0].text
    return "\n\n".join(f"{m.role}: {m.text}" for m in spoken)


def question(messages: Sequence[Message]) -> str:
    """What the user said last."""
    return next((m.text for m in reversed(messages) if m.role == "user"), "")
