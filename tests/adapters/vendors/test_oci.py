"""Oracle's Generative AI: what it is asked, in its generic form."""

import pytest

from adapters.errors import Unsupported
from tests.adapters.vendor import Json, ask
from tests.adapters.vendors.test_vectors import embed, sent

PLACE = "https://h/20231130/compartments/ocid1.c"
SCHEMA = {"type": "object", "properties": {}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def test_a_chat_in_its_words() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    asked: Json = {
        "stream": True,
        "max_tokens": 9,
        "stop": "x",
        "reasoning_effort": "low",
        "tools": [TOOL],
        "tool_choice": "required",
        "response_format": form,
        "user": "u",
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "See"}, image]},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        ],
    }
    body, wire = ask("oci", asked, "meta.llama-4", base_url=PLACE)
    assert wire.head.url == "https://h/20231130/actions/chat"
    assert body["compartmentId"] == "ocid1.c"
    assert body["servingMode"] == {
        "servingType": "ON_DEMAND",
        "modelId": "meta.llama-4",
    }
    see = {"url": PIXEL, "detail": "AUTO"}
    call = {"id": "c1", "type": "FUNCTION", "name": "f", "arguments": "{}"}
    assert body["chatRequest"] == {
        "apiFormat": "GENERIC",
        "messages": [
            {"role": "SYSTEM", "content": [{"type": "TEXT", "text": "Be kind."}]},
            {
                "role": "USER",
                "content": [
                    {"type": "TEXT", "text": "See"},
                    {"type": "IMAGE", "imageUrl": see},
                ],
            },
            {"role": "ASSISTANT", "content": [], "toolCalls": [call]},
            {
                "role": "TOOL",
                "toolCallId": "c1",
                "content": [{"type": "TEXT", "text": "42"}],
            },
        ],
        "tools": [{"type": "FUNCTION", "name": "f", "parameters": SCHEMA}],
        "toolChoice": {"type": "REQUIRED"},
        "maxTokens": 9,
        "stop": ["x"],
        "responseFormat": {
            "type": "JSON_SCHEMA",
            "jsonSchema": {"name": "n", "schema": SCHEMA},
        },
        "reasoningEffort": "LOW",
        "isStream": True,
        "streamOptions": {"isIncludeUsage": True},
    }
    assert wire.dropped == ("user",)


def test_one_s_own_cluster_is_named_by_its_endpoint() -> None:
    own = "ocid1.generativeaiendpoint.oc1..x"
    body, _ = ask("oci", {}, own, base_url=PLACE)
    assert body["servingMode"] == {"servingType": "DEDICATED", "endpointId": own}


def test_vectors_and_nothing_else() -> None:
    wire, body = sent("oci", embed(input_type="search_query"), base_url=PLACE)
    assert wire.head.url.endswith("/actions/embedText")
    assert (body["inputs"], body["inputType"]) == (["hi"], "SEARCH_QUERY")
    with pytest.raises(Unsupported):
        sent("oci", embed(input=[1, 2]), base_url=PLACE)
