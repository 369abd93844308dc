"""A response that is kept, as the stream it could have been."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import WireResponse
from adapters.framing import sse
from adapters.normal.delta import Begin, Stop, Used
from adapters.normal.fold import unfold
from adapters.openai import wire
from adapters.openai.responses import answer
from adapters.openai.responses.output import Event, Output

_object: Final = msgspec.json.Decoder(dict[str, Any])
_BEFORE: Final[dict[str, Any]] = {
    "status": "in_progress",
    "output": [],
    "usage": None,
    "error": None,
}


def events(response: bytes, after: int = -1) -> bytes:
    """All events of a response that has ended, those behind number `after`.

    Raises:
        UpstreamError: it is no response, or one that failed has no more to tell.
    """
    told = _object.decode(response)
    before = {**told, **_BEFORE, "incomplete_details": None, "completed_at": None}
    found: list[Event] = [
        (f"response.{name}", {"response": before})
        for name in ("created", "in_progress")
    ]
    if told.get("status") in ("completed", "incomplete"):
        found += _items(response, str(told.get("id")))
    found.append((f"response.{told.get('status')}", {"response": Raw(response)}))
    out = [
        _event(number, *event) for number, event in enumerate(found) if number > after
    ]
    return b"".join(out)


def _items(response: bytes, id: str) -> list[Event]:
    """How its items grew. Their ids are made as they were."""
    output = Output(id.removeprefix("resp_"))
    found: list[Event] = []
    result = answer.read(WireResponse(200, (), response))
    for frame in unfold(result):
        for delta in frame.deltas:
            if not isinstance(delta, Begin | Used | Stop):
                found += output.add(delta)
    stop = result.stops()
    ended = "completed" if stop[:1] in (("end",), ("tool_use",)) else "incomplete"
    return found + output.close(ended)


def _event(number: int, name: str, fields: dict[str, Any]) -> bytes:
    told = {"type": name, "sequence_number": number, **fields}
    return sse.write(wire.encode(told), name.encode())
