"""Parameters: tools, schemas, thinking, limits, and the fate of each of them."""

import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from adapters.errors import Unsupported
from adapters.gemini import conversation, thinking
from adapters.gemini.parameters import NAMES, PARAMETERS
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Message,
    Reasoning,
    ResponseFormat,
    Text,
    Tool,
    ToolChoice,
    ToolUse,
)
from tests.adapters.gemini.recordings import target
from tests.adapters.gemini.talk import HI, read, write


def test_a_schema_of_openapi_becomes_json_schema() -> None:
    given = {
        "type": "OBJECT",
        "property_ordering": ["b", "a"],
        "properties": {
            "a": {"type": "STRING", "nullable": True, "enum": ["x"], "max_length": "9"},
            "b": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int64"}},
            "type": {"type": 3, "anyOf": [{"type": "NUMBER"}]},
            "snake_name": {"any_of": [{"type": "BOOLEAN"}], "nullable": True},
        },
        "required": ["b"],
    }
    declared = {"name": "f", "description": "d", "parameters": given}
    (tool,) = read({"tools": [{"functionDeclarations": [declared]}]}).tools
    schema = json.loads(bytes(tool.schema))
    assert schema == {
        "type": "object",
        "properties": {
            "b": {"type": "array", "items": {"type": "integer", "format": "int64"}},
            "a": {"type": ["string", "null"], "enum": ["x", None], "maxLength": 9},
            "type": {"type": "integer", "anyOf": [{"type": "number"}]},
            "snake_name": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["b"],
    }
    assert next(iter(schema["properties"])) == "b"


def test_json_schema_goes_up_byte_for_byte() -> None:
    schema = Raw(
        b'{"type": "object", "$defs": {"T": {"const": 1.0}}, "additionalProperties": false}'
    )
    talk = Conversation(
        messages=(HI,),
        tools=(Tool("f", "d", schema),),
        response_format=ResponseFormat("schema", "n", schema=schema, strict=True),
    )
    written = conversation.flat(conversation.write(talk, target(), is_ours=False))
    assert written.count(bytes(schema)) == 2
    assert b"parametersJsonSchema" in written
    assert b"responseJsonSchema" in written


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("tool", ("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (
            ToolChoice("required", ("f", "g")),
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
        ),
        (
            ToolChoice("auto", ("f",)),
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
    ],
)
def test_a_tool_choice_is_a_mode(choice: ToolChoice, config: dict[str, Any]) -> None:
    body, _ = write(Conversation(messages=(HI,), tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert read(body).tool_choice == choice


def test_geminis_own_fields_come_back_and_are_named_elsewhere() -> None:
    given = {
        "safetySettings": [{"category": "C", "threshold": "BLOCK_NONE"}],
        "cachedContent": "cachedContents/x",
        "toolConfig": {
            "functionCallingConfig": {"mode": "VALIDATED"},
            "retrievalConfig": {"languageCode": "de"},
        },
        "generationConfig": {
            "speechConfig": {"voiceConfig": {}},
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "thinkingConfig": {"thinkingBudget": 5, "novel": 1},
            "responseMimeType": "text/x.enum",
            "responseSchema": {"type": "STRING", "enum": ["A"]},
        },
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}],
        "novel": 1,
    }
    talk = read(given)
    body, dropped = write(talk, ours=True)
    del body["contents"]
    assert body.pop("generationConfig") == {
        "thinkingConfig": {"thinkingBudget": 5, "novel": 1},
        "speechConfig": {"voiceConfig": {}},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["A"]},
    }
    del given["generationConfig"]
    assert body == given
    assert dropped == ()
    foreign, dropped = write(talk, ours=False)
    assert foreign["safetySettings"] == given["safetySettings"]
    assert "novel" in dropped
    assert "toolConfig" in dropped
    assert "generationConfig.speechConfig" in dropped


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("gemini-2.5-flash", (2, 5)),
        ("models/gemini-2.5-pro-preview-05-06", (2, 5)),
        ("gemini-3-pro-preview", (3, 0)),
        ("gemini-3.1-pro-preview", (3, 1)),
        ("gemini-2.0-flash-001", (2, 0)),
        ("gemini-1.5-flash", (1, 5)),
        ("gemini-flash-latest", (3, 1)),
        ("gemma-3-27b-it", (0, 0)),
        ("learnlm-2.0", (0, 0)),
        ("gemini-robotics-er-1.5-preview", (1, 5)),
    ],
)
def test_a_models_name_tells_its_generation(
    model: str, version: tuple[int, int]
) -> None:
    assert thinking.generation(model) == version


EFFORTS: dict[str, dict[str, Any]] = {
    "gemini-3-flash-preview": {
        "none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
    },
    "gemini-3-pro-preview": {
        "none": "LOW", "minimal": "LOW", "low": "LOW", "medium": "HIGH", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
    },
    "gemini-3.1-pro-preview": {
        "none": "LOW", "minimal": "LOW", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
    },
    "gemini-2.5-flash": {
        "none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576,
    },
    "gemini-2.5-pro": {
        "none": 128, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 32768,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "effort"), [(m, e) for m, row in EFFORTS.items() for e in row]
)
def test_an_effort_is_a_level_or_a_budget(model: str, effort: str) -> None:
    talk = Conversation(messages=(HI,), reasoning=Reasoning(effort=effort))
    body, dropped = write(talk, model)
    expected = EFFORTS[model][effort]
    word = "thinkingLevel" if isinstance(expected, str) else "thinkingBudget"
    assert body["generationConfig"]["thinkingConfig"] == {word: expected}
    assert dropped == ()


SHOWN = {"includeThoughts": True}
"""Whoever turns thinking on, and does not say otherwise, is shown it."""


@pytest.mark.parametrize(
    ("ask", "model", "config"),
    [
        (Reasoning(enabled=False), "gemini-2.5-flash", {"thinkingBudget": 0}),
        (Reasoning(enabled=False), "gemini-2.5-pro", {"thinkingBudget": 128}),
        (Reasoning(enabled=False), "gemini-3-flash", {"thinkingLevel": "MINIMAL"}),
        (Reasoning(True), "gemini-2.5-flash", SHOWN | {"thinkingBudget": -1}),
        (
            Reasoning(True, budget=4000),
            "gemini-2.5-flash",
            SHOWN | {"thinkingBudget": 4000},
        ),
        (
            Reasoning(True, budget=99999),
            "gemini-2.5-flash",
            SHOWN | {"thinkingBudget": 24576},
        ),
        (
            Reasoning(True, budget=99999),
            "gemini-2.5-pro",
            SHOWN | {"thinkingBudget": 32768},
        ),
        (
            Reasoning(True, budget=4000),
            "gemini-3-flash",
            SHOWN | {"thinkingBudget": 4000},
        ),
        (Reasoning(True, budget=-1), "gemini-2.5-pro", SHOWN | {"thinkingBudget": -1}),
        (
            Reasoning(True, "high", 4000, True),
            "gemini-3-flash",
            {"includeThoughts": True, "thinkingLevel": "HIGH"},
        ),
        (Reasoning(show=True), "gemini-2.5-flash", {"includeThoughts": True}),
    ],
)
def test_thinking_is_asked_for_as_the_model_takes_it(
    ask: Reasoning, model: str, config: dict[str, Any]
) -> None:
    body, _ = write(Conversation(messages=(HI,), reasoning=ask), model)
    assert body["generationConfig"]["thinkingConfig"] == config


def test_a_model_that_cannot_think_is_not_asked_to() -> None:
    for model in ("gemini-2.0-flash", "gemma-3-27b-it"):
        talk = Conversation(messages=(HI,), reasoning=Reasoning(effort="high"))
        body, dropped = write(talk, model)
        assert "generationConfig" not in body
        assert dropped == ("reasoning",)
        talk = Conversation(messages=(HI,), reasoning=Reasoning(enabled=False))
        assert write(talk, model) == ({"contents": body["contents"]}, ())


def test_limits_of_the_model_and_of_the_api_hold() -> None:
    talk = Conversation(messages=(HI,), max_tokens=100_000)
    body, _ = write(talk, limits={"max_output_tokens": 65_536})
    assert body["generationConfig"]["maxOutputTokens"] == 65_536
    with pytest.raises(Unsupported):
        write(Conversation(messages=(HI,), stop=tuple("abcdef")))


def test_a_custom_tool_is_refused() -> None:
    with pytest.raises(Unsupported):
        write(Conversation(messages=(HI,), tools=(Tool("sh", kind="custom"),)))


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        ("null", {}),
        ('{"a": 1.0}', {"a": 1.0}),
        ("[1]", {"arguments": "[1]"}),
        ("{oops", {"arguments": "{oops"}),
    ],
)
def test_arguments_are_always_an_object(arguments: str, args: dict[str, Any]) -> None:
    use = ToolUse("a", "f", arguments)
    body, _ = write(Conversation(messages=(HI, Message("assistant", (use,)))))
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == args


SAMPLES: dict[str, Any] = {
    "messages": (HI, Message("assistant", (Text("yo"),))),
    "tools": (Tool("f"),),
    "tool_choice": ToolChoice("required"),
    "parallel_tools": False,
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 5,
    "stop": ("x",),
    "seed": 5,
    "n": 2,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "logit_bias": Raw(b'{"5":1}'),
    "logprobs": True,
    "top_logprobs": 2,
    "response_format": ResponseFormat("json"),
    "reasoning": Reasoning(effort="high"),
    "user": "u",
    "metadata": Raw(b'{"a":"b"}'),
    "service_tier": "flex",
    "verbosity": "low",
    "modalities": ("text", "image"),
    "audio": Raw(b"{}"),
    "prediction": Raw(b"{}"),
    "cache_key": "k",
    "cache_retention": "24h",
    "safety_identifier": "s",
    "store": True,
    "extra": {"novel": Raw(b"1")},
}


def test_the_table_names_every_parameter() -> None:
    assert set(PARAMETERS) == set(Conversation.__struct_fields__) == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_table_of_parameters_is_true(name: str) -> None:
    plain, nothing = write(Conversation(messages=(HI,)))
    body, dropped = write(Conversation(**{"messages": (HI,), name: SAMPLES[name]}))
    assert nothing == ()
    fate = PARAMETERS[name][0]
    if fate == "mapped":
        assert body != plain
        assert dropped == ()
    else:
        assert body == plain
        assert dropped == (("novel",) if name == "extra" else (NAMES.get(name, name),))
        with pytest.raises(Unsupported):
            write(Conversation(**{"messages": (HI,), name: SAMPLES[name]}), strict=True)


def test_a_tier_that_gemini_lacks_is_named() -> None:
    talk = Conversation(messages=(HI,), service_tier="scale")
    assert write(talk)[1] == ("service_tier",)
    assert write(replace(talk, service_tier="auto"))[1] == ()
    assert write(replace(talk, service_tier="default"))[0]["serviceTier"] == "standard"
