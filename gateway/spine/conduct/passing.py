"""Which calls are answered plainly, whatever the strategy: those that ask for more than
one text."""

from adapters.contract import Call, Operation
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import Text, Thinking
from gateway.spine.exchange import Exchange


def passed(exchange: Exchange, call: Call) -> str:
    """Why the call is answered plainly; empty: it need not be."""
    if not isinstance(call, ChatCall) or exchange.operation != Operation.chat:
        return "no chat"
    if exchange.pinned or exchange.wishes.pin:
        return "pinned"
    try:
        return _asks(call.conversation())
    except BadCall:
        return "unreadable"  # whoever serves it says what is wrong


def _asks(conversation: Conversation) -> str:
    """What it asks for that one text cannot be."""
    found = {
        "tools": conversation.tools,
        "several answers": (conversation.n or 1) > 1,
        "logprobs": conversation.logprobs or conversation.top_logprobs,
        "audio": conversation.audio or "audio" in conversation.modalities,
        "no question": all(m.role != "user" for m in conversation.messages),
    }
    if why := next((why for why, is_so in found.items() if is_so), ""):
        return why
    parts = (part for message in conversation.messages for part in message.parts)
    other = next((p for p in parts if not isinstance(p, Text | Thinking)), None)
    return "" if other is None else f"parts of kind {other.__struct_config__.tag}"
