"""Which calls are answered plainly, whatever the strategy: those that ask for more than
one text."""

from adapters.contract import Call, Operation
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import Text, Thinking
from gateway.spine.conduct.complexity import complexity
from gateway.spine.conduct.transcript import question
from gateway.spine.exchange import Exchange
from routing.contract import Method
from routing.strategies.conducted import AgenticOptions, RouterR1Options


def passed(exchange: Exchange, call: Call, method: Method) -> str:
    """Why the call is answered plainly; empty: it need not be."""
    if not isinstance(call, ChatCall) or exchange.operation != Operation.chat:
        return "no chat"
    if exchange.pinned or exchange.wishes.pin:
        return "pinned"
    try:
        conversation = call.conversation()
        return _asks(conversation) or _suits(conversation, method)
    except BadCall:
        return "unreadable"  # whoever serves it says what is wrong


def _suits(conversation: Conversation, method: Method) -> str:
    """Why this method is not for it."""
    match method:
        case RouterR1Options():
            form = conversation.response_format
            if form is not None and form.mode != "text":
                return "an answer of a form"
            return "stop sequences" if conversation.stop else ""
        case AgenticOptions(threshold=least):
            found = complexity(question(conversation.messages))
            return f"complexity {found:.2f}, under {least:g}" if found < least else ""
        case _:
            return ""


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
