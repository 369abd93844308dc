"""Legacy completion requests, read as conversations: for a chat model behind them."""

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.errors import BadCall
from adapters.normal.chat import Conversation
from adapters.normal.content import Message, Text
from adapters.openai import conversation
from adapters.openai import fields as f
from adapters.openai.wire import ABSENT, present

_prompts = msgspec.json.Decoder(list[str])


def read(body: bytes) -> Conversation:
    """One prompt as one user message.

    Raises:
        BadCall: it does not follow the dialect, or holds what a chat model cannot be
            given: token ids, or several prompts.
    """
    top = envelope.fields(body)
    for name in ("model", "stream", "stream_options"):
        top.pop(name, None)
    prompt = _prompt(top.pop("prompt", ABSENT))
    return conversation.sampling(
        top,
        messages=(Message("user", (Text(prompt),)),),
        max_tokens=f.take(top, "max_tokens", f.count),
    )


def _prompt(raw: Raw) -> str:
    if not present(raw):
        raise BadCall("prompt: missing", "prompt")
    if f.is_text(raw):
        return f.decode(f.text, raw, "prompt")
    try:
        prompts = _prompts.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall("prompt: a chat model reads one text, no tokens", "prompt") from (
            error
        )
    if len(prompts) != 1:
        raise BadCall("prompt: a chat model reads one text at a time", "prompt")
    return prompts[0]
