"""/v1/responses, what belongs to it, and /v1/conversations."""

from adapters.contract import Operation
from adapters.openai.wire import RESPONSES
from adapters.registry import DIALECTS
from gateway.endpoints.access import with_key
from gateway.endpoints.responses import conversations
from gateway.endpoints.responses.doors import Memory, ResponsesDoor
from gateway.endpoints.responses.socket import ResponsesSocket
from gateway.endpoints.responses.stored import Desk
from gateway.endpoints.table import Row
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation

FORWARDED = frozenset({b"openai-beta", b"idempotency-key"})


def rows(dispatch: Dispatch, propagation: Propagation, memory: Memory) -> list[Row]:
    """OpenAI's SDKs take `/v1`, `/openai/v1`, `/openai` or the bare origin as base."""
    keyring, dialect = dispatch.keyring, DIALECTS[RESPONSES]
    asked = [
        ("", Operation.chat, "OpenAI responses"),
        ("/input_tokens", Operation.count_tokens, "Count a response's input tokens"),
        ("/compact", Operation.compact, "Make a long conversation short"),
    ]
    doors = {
        more: ResponsesDoor(
            memory,
            dispatch,
            propagation,
            dialect,
            operation,
            f"/v1/responses{more}",
            FORWARDED,
        )
        for more, operation, _ in asked
    }
    memory.jobs.resumed_by(doors[""].again)
    desk = Desk(memory)
    one = "/v1/responses/{response}"
    kept = [
        ("GET", one, desk.retrieve, "One response"),
        ("DELETE", one, desk.delete, "Delete a response"),
        ("POST", one + "/cancel", desk.cancel, "Cancel a response in the background"),
        ("GET", one + "/input_items", desk.input_items, "The input of a response"),
    ]
    return [
        *(
            Row(
                method="POST",
                path=f"/v1/responses{more}",
                aliases=_aliases(f"/v1/responses{more}"),
                endpoint=doors[more],
                auth="key",
                recorded=True,
                hot=True,
                summary=summary,
                tag="responses",
            )
            for more, _, summary in asked
        ),
        _socket(dispatch, propagation, memory),
        *(
            Row(
                method=method,
                path=path,
                aliases=_aliases(path),
                endpoint=with_key(keyring, dialect, handler),
                auth="key",
                recorded=False,
                summary=summary,
                tag="responses",
            )
            for method, path, handler, summary in kept
        ),
        *conversations.rows(memory.conversations, keyring, dialect),
    ]


def _socket(dispatch: Dispatch, propagation: Propagation, memory: Memory) -> Row:
    path, dialect = "/v1/responses", DIALECTS[RESPONSES]
    door = ResponsesDoor(
        memory, dispatch, propagation, dialect, Operation.chat, path, FORWARDED
    )
    return Row(
        method="GET",
        path=path,
        aliases=_aliases(path),
        endpoint=ResponsesSocket(door, dispatch),
        auth="key",
        recorded=True,
        summary="OpenAI responses (WebSocket)",
        socket=True,
        tag="responses",
    )


def _aliases(path: str) -> tuple[str, ...]:
    bare = path.removeprefix("/v1")
    return (bare, f"/openai{bare}", f"/openai{path}")
