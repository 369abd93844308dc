"""What a recorded exchange asked and answered, in words: read as the family of its
dialect reads its own provider's answers."""

from collections.abc import Iterator
from typing import Final

import msgspec

from adapters.contract import Call, Decoder, Hint, Operation, Upstream, WireResponse
from adapters.errors import BadCall, UpstreamError
from adapters.framing import eventstream
from adapters.normal.chat import Asked, ChatCall, ChatResult, Conversation
from adapters.normal.content import Text
from adapters.normal.delta import Failed, TextDelta
from adapters.registry import DIALECTS, RESPONSES, UPSTREAMS
from gateway.spine.asked import prompt
from gateway.telemetry.row import Row

ASKED: Final = {str(o): o for o in (Operation.chat, Operation.complete)}
"""Operations whose answers are texts."""
READERS: Final[dict[str, Upstream]] = {
    **{one.dialect: one for one in [*UPSTREAMS.values()][::-1]},
    "openai.completions": UPSTREAMS["openai"],
    "openai.responses": RESPONSES,
    "bedrock.invoke": UPSTREAMS["anthropic"],
}
"""Dialect of a record -> who reads its answers."""
JSON: Final = ((b"content-type", b"application/json"),)
_BROKEN: Final = (BadCall, UpstreamError, msgspec.MsgspecError, ValueError, LookupError)


def question(row: Row) -> str:
    """What the user said last; empty: it cannot be told."""
    if row.prompt:
        return row.prompt
    dialect, operation = DIALECTS.get(row.dialect), ASKED.get(row.operation)
    if dialect is None or operation is None or not row.request:
        return ""
    hint = Hint(model=row.alias, operation=operation, stream=row.stream)
    try:
        return prompt(dialect.read_call(row.request.encode(), hint)).text
    except _BROKEN:
        return ""


def answer(row: Row) -> str:
    """The text of the first answer; empty: none was kept whole."""
    reader, operation = READERS.get(row.dialect), ASKED.get(row.operation)
    if reader is None or operation is None or not row.response:
        return ""
    call, body = _call(row.dialect, operation), row.response.encode()
    try:
        if not row.stream:
            return _whole(reader, call, body)
        if row.dialect.startswith("bedrock."):
            body = b"".join(_events(body, wrapped=row.dialect == "bedrock.converse"))
        return _streamed(reader.parse_stream(call), body)
    except _BROKEN:
        return ""


def words(body: bytes) -> str:
    """Of a whole answer in the chat dialect; empty: there are none."""
    try:
        call = _call("openai.chat", Operation.chat)
        return _whole(UPSTREAMS["openai"], call, body)
    except _BROKEN:
        return ""


def _call(dialect: str, operation: Operation) -> ChatCall:
    """What such an answer is read as the answer to."""
    asked: Asked = "complete" if operation is Operation.complete else "chat"
    return ChatCall(
        model="", dialect=dialect, operation=asked, conversation=Conversation()
    )


def _whole(reader: Upstream, call: Call, body: bytes) -> str:
    result = reader.parse_response(WireResponse(200, JSON, body), call)
    if not isinstance(result, ChatResult):
        return ""
    choices = result.choices()
    parts = choices[0].parts if choices else ()
    return "".join(part.text for part in parts if isinstance(part, Text))


def _streamed(decoder: Decoder, body: bytes) -> str:
    said = ""
    for frame in [*decoder.feed(body), *decoder.close()]:
        for delta in frame.deltas:
            if isinstance(delta, Failed):
                return ""
            if isinstance(delta, TextDelta) and not delta.choice:
                said += delta.text
    return said


def _events(lines: bytes, *, wrapped: bool) -> Iterator[bytes]:
    """An event stream out of the lines that are kept of it; not `wrapped`: as the
    events of Messages."""
    for line in lines.splitlines():
        (item,) = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).items()
        kind, payload = item[0], bytes(item[1])
        if wrapped:
            headers = {":event-type": kind, ":message-type": "event"}
            yield eventstream.write(headers, payload)
        else:
            yield b"data: " + payload + b"\n\n"
