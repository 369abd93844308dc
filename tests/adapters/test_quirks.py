"""What providers want otherwise, done to the fields of a body and named where lost."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from adapters import quirks
from adapters.contract import Quirks
from adapters.errors import BadCall

USER = {"role": "user", "content": "hi"}


def bend(body: dict[str, Any], **bent: Any) -> tuple[dict[str, Any], list[str]]:
    top = msgspec.json.decode(json.dumps(body), type=dict[str, Raw])
    dropped = quirks.apply(top, Quirks(**bent))
    return json.loads(msgspec.json.encode(top)), dropped


def test_a_field_is_added_where_the_client_said_nothing() -> None:
    assert bend({}, add={"store": False, "a": {"b": 1}}) == (
        {"store": False, "a": {"b": 1}},
        [],
    )
    assert bend({"store": True}, add={"store": False}) == ({"store": True}, [])
    assert bend({"store": None}, add={"store": False}) == ({"store": None}, [])


@pytest.mark.parametrize(
    ("choice", "sent", "dropped"),
    [
        ("required", "auto", ["tool_choice"]),
        ("none", "none", []),
        ({"type": "function"}, {"type": "function"}, []),
    ],
)
def test_a_tool_that_need_not_be_called_any_more_is_named(
    choice: Any, sent: Any, dropped: list[str]
) -> None:
    words = {"required": "auto"}
    assert bend({"tool_choice": choice}, tool_choice=words) == (
        {"tool_choice": sent},
        dropped,
    )
    lossless = bend({"tool_choice": "required"}, tool_choice={"required": "any"})
    assert lossless == ({"tool_choice": "any"}, [])


def test_json_is_asked_for_in_the_way_the_provider_knows() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
    free = {"type": "json_object"}
    assert bend({"response_format": schema}, json="object") == (
        {"response_format": free},
        ["response_format.json_schema"],
    )
    assert bend({"response_format": free}, json="object")[1] == []
    (body, dropped) = bend({"response_format": free}, json="schema")
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert dropped == []
    for form in (schema, {"type": "text"}, None, "odd"):
        assert bend({"response_format": form}, json="schema") == (
            {"response_format": form},
            [],
        )


def test_names_of_speakers_go_but_not_that_of_a_function() -> None:
    turns = [
        USER | {"name": "ann"},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": "x"},
    ]
    body, dropped = bend({"messages": turns}, names=False)
    assert body["messages"] == [USER, *turns[1:]]
    assert dropped == ["messages.name"]
    assert bend({"messages": turns[1:]}, names=False) == ({"messages": turns[1:]}, [])
    assert bend({"messages": [USER | {"name": None}]}, names=False)[1] == []


def test_texts_in_parts_are_joined_unless_there_is_more_than_text() -> None:
    two = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    picture = [*two, {"type": "image_url", "image_url": {"url": "https://x/y"}}]
    turns = [USER | {"content": content} for content in (two, picture, "c", None, [])]
    body, dropped = bend({"messages": turns}, text_parts=False)
    assert [turn["content"] for turn in body["messages"]] == [
        "a\nb",
        picture,
        "c",
        None,
        "",
    ]
    assert dropped == []


def test_neighbours_of_one_role_become_one_turn() -> None:
    def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
        return {"role": role, "content": content, **more}

    part = {"type": "text", "text": "p"}
    calls = {"tool_calls": [{"id": "1"}]}
    turns = [
        said("system", "s"),
        said("system", "t"),
        said("user", "a"),
        said("user", "b"),
        said("user", [part]),
        said("assistant", None),
        said("assistant", "c"),
        said("assistant", "d", **calls),
        said("tool", "1"),
        said("tool", "2"),
    ]
    body, dropped = bend({"messages": turns}, alternate=True)
    together = [{"type": "text", "text": "a\n\nb"}, part]
    assert body["messages"] == [
        *turns[:2],
        said("user", together),
        said("assistant", "c"),
        *turns[7:],
    ]
    assert dropped == []


@pytest.mark.parametrize("bent", [{"alternate": True}, {"text_parts": False}])
def test_messages_that_are_none_are_refused(bent: dict[str, Any]) -> None:
    with pytest.raises(BadCall):
        bend({"messages": "odd"}, **bent)


def test_a_body_nobody_speaks_of_keeps_its_bytes() -> None:
    raw = b'[ {"role":"user","content":[{"type":"text","text":"x"}],"name":"n"} ]'
    top = {"messages": Raw(raw)}
    quirks.apply(top, Quirks(system_role="system", tool_ids="alnum9"))
    assert bytes(top["messages"]) == raw


def test_files_and_sounds_stand_as_mistral_has_them() -> None:
    content = [
        {"type": "text", "text": "Read."},
        {"type": "file", "file": {"file_data": "data:,a", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f1"}},
    ]
    top = {"messages": Raw(msgspec.json.encode([{"role": "user", "content": content}]))}
    quirks.apply(top, Quirks(document_url=True))
    (turn,) = msgspec.json.decode(top["messages"])
    assert turn["content"] == [
        content[0],
        {"type": "document_url", "document_url": "data:,a", "document_name": "a.pdf"},
        {"type": "input_audio", "input_audio": "AAAA"},
        content[3],
    ]


def test_a_begun_answer_is_marked_and_a_call_of_tools_is_not() -> None:
    said = {"role": "user", "content": "a"}
    begun = {"role": "assistant", "content": "b"}
    called = {**begun, "tool_calls": [{"id": "1"}]}
    for last, marked in ((begun, True), (called, False), (said, False)):
        turns = [said, last]
        top = {"messages": Raw(msgspec.json.encode(turns))}
        quirks.apply(top, Quirks(prefill="prefix"))
        found = msgspec.json.decode(top["messages"])
        assert found == [said, {**last, **({"prefix": True} if marked else {})}]
    own = [said, {**begun, "prefix": False}]
    top = {"messages": Raw(msgspec.json.encode(own))}
    quirks.apply(top, Quirks(prefill="prefix"))
    assert msgspec.json.decode(top["messages"]) == own
