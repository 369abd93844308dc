"""What a call asks, as routing looks at it."""

from adapters.contract import Call
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import Audio, Document, Image, Message, ToolResult
from adapters.normal.rerank import RerankCall
from routing.types import Prompt


def prompt(call: Call) -> Prompt:
    """The prompt of a call; empty for those that ask nothing in words."""
    if isinstance(call, RerankCall):
        return Prompt(text=call.query, first=call.query, turns=1)
    if not isinstance(call, ChatCall):
        return Prompt()
    try:
        conversation = call.conversation()
    except BadCall:
        # Whoever serves it says what is wrong, or takes it as it is.
        return Prompt()
    return _prompt(conversation)


def _prompt(conversation: Conversation) -> Prompt:
    messages = conversation.messages
    asked = [m.text for m in messages if m.role == "user" and m.text]
    told = [m.text for m in messages if m.role in ("system", "developer")]
    form, reasoning = conversation.response_format, conversation.reasoning
    return Prompt(
        text=asked[-1] if asked else "",
        first=asked[0] if asked else "",
        system="\n".join(told),
        turns=len(messages),
        tool_results=_count(messages, ToolResult),
        tools=len(conversation.tools),
        json=form is not None and form.mode != "text",
        images=_count(messages, Image),
        audio=_count(messages, Audio),
        documents=_count(messages, Document),
        effort=reasoning.effort if reasoning is not None else "",
    )


def _count(messages: tuple[Message, ...], kind: type) -> int:
    return sum(isinstance(part, kind) for m in messages for part in m.parts)
