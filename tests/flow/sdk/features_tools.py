"""The features about tools: see `features`."""

from collections.abc import Callable
from typing import Any, Final

from google.genai import types as gt

from tests.flow.sdk.clients import Got
from tests.flow.sdk.features import (
    CITY,
    CLOCK,
    PNG,
    STOPS,
    TOLD,
    UTC,
    WEATHER,
    ZONE,
    ZURICH,
    Cell,
    Feature,
    Json,
    ask,
    b64,
    calling,
    chat,
    everything,
    generate,
    says,
)
from tests.flow.sdk.heard import Heard
from tests.harness.answers import Answer, Called, Said

# --- calls -------------------------------------------------------------------------


def _tools_heard(found: Heard, _: Cell) -> None:
    assert found.tools == {"weather": (TOLD, CITY)}
    assert found.choice in ("", "auto")


def calls(*expected: tuple[str, Json]) -> Callable[[Got, Cell], None]:
    def check(got: Got, cell: Cell) -> None:
        assert [(name, arguments) for _, name, arguments in got.calls] == [*expected]
        ids = [id_ for id_, _, _ in got.calls]
        if (cell.dialect, cell.family) != ("gemini", "gemini"):  # by position there
            assert all(ids)
            assert len({*ids}) == len(ids)
        assert got.stop == STOPS[cell.dialect]["tools"]

    return check


USE: Final = "Please use the tool. [[tools]]"
TOOLS = Feature(
    "tools",
    {
        "openai": chat(USE, tools=[WEATHER["openai"]]),
        "anthropic": ask(USE, tools=[WEATHER["anthropic"]]),
        "gemini": generate(USE, tools=[WEATHER["gemini"]]),
    },
    Answer((Called("weather", ZURICH),), "tools"),
    calls(("weather", ZURICH)),
    _tools_heard,
)

ALL: Final = "Please use all tools. [[parallel]]"


def _both_heard(found: Heard, _: Cell) -> None:
    assert found.tools == {
        "weather": (TOLD, CITY),
        "clock": ("Tells the time.", ZONE),
    }


PARALLEL = Feature(
    "parallel",
    {
        "openai": chat(
            ALL,
            tools=[WEATHER["openai"], CLOCK["openai"]],
            parallel_tool_calls=True,
        ),
        "anthropic": ask(
            ALL,
            tools=[WEATHER["anthropic"], CLOCK["anthropic"]],
            tool_choice={"type": "auto", "disable_parallel_tool_use": False},
        ),
        "gemini": generate(ALL, tools=[WEATHER["gemini"], CLOCK["gemini"]]),
    },
    Answer((Called("weather", ZURICH), Called("clock", UTC)), "tools"),
    calls(("weather", ZURICH), ("clock", UTC)),
    _both_heard,
)

SAME: Final = "Please use all tools. [[same_tool]]"
SAME_TOOL = Feature(
    "same_tool",
    {
        "openai": chat(SAME, tools=[WEATHER["openai"]]),
        "anthropic": ask(SAME, tools=[WEATHER["anthropic"]]),
        "gemini": generate(SAME, tools=[WEATHER["gemini"]]),
    },
    Answer((Called("weather", ZURICH), Called("weather", {"city": "Bern"})), "tools"),
    lambda got, cell: calls(
        ("weather", ZURICH),
        *([] if cell.family == "echo" else [("weather", {"city": "Bern"})]),
    )(got, cell),
)

ONE: Final = "Please use all tools. [[one_at_a_time]]"


def _one_heard(found: Heard, cell: Cell) -> None:
    if cell.family == "openai":
        assert found.body["parallel_tool_calls"] is False
    if cell.family == "anthropic":
        assert found.body["tool_choice"]["disable_parallel_tool_use"] is True


ONE_AT_A_TIME = Feature(
    "one_at_a_time",
    {
        "openai": chat(
            ONE,
            tools=[WEATHER["openai"], CLOCK["openai"]],
            parallel_tool_calls=False,
        ),
        "anthropic": ask(
            ONE,
            tools=[WEATHER["anthropic"], CLOCK["anthropic"]],
            tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        ),
    },
    Answer((Called("weather", ZURICH),), "tools"),
    calls(("weather", ZURICH)),
    _one_heard,
)

TALK: Final = "Let me look. [[text_and_tool]]"


def _talk_shown(got: Got, cell: Cell) -> None:
    if cell.family != "echo":
        assert got.text == "Let me look."
    calls(("weather", ZURICH))(got, cell)


# Chat completions of OpenAI's own say either; only its imitators both.
TEXT_AND_TOOL = Feature(
    "text_and_tool",
    {
        "openai": chat(TALK + " use the tool", tools=[WEATHER["openai"]]),
        "anthropic": ask(TALK + " use the tool", tools=[WEATHER["anthropic"]]),
        "gemini": generate(TALK + " use the tool", tools=[WEATHER["gemini"]]),
    },
    Answer((Said("Let me look."), Called("weather", ZURICH)), "tools"),
    _talk_shown,
)


def _choice(
    name: str,
    openai: Any,
    anthropic: Json,
    gemini: gt.ToolConfig,
    expected: str,
    prompt: str,
    *parts: Any,
) -> Feature:
    """Both tools are there, the choice says which."""
    prompt = f"{prompt} [[{name}]]"

    def heard_(found: Heard, _: Cell) -> None:
        assert found.choice == expected
        assert {*found.tools} == {"weather", "clock"}

    said = parts or (Said(prompt),)
    shown = calls(*((p.name, p.arguments) for p in parts)) if parts else says(prompt)
    both = [[tool[d] for tool in (CLOCK, WEATHER)] for d in STOPS]
    return Feature(
        name,
        {
            "openai": chat(prompt, tools=both[0], tool_choice=openai),
            "anthropic": ask(prompt, tools=both[1], tool_choice=anthropic),
            "gemini": generate(prompt, tools=both[2], tool_config=gemini),
        },
        Answer(said, "tools" if parts else "end"),
        shown,
        heard_,
    )


CHOICE_AUTO = _choice(
    "choice_auto", "auto", {"type": "auto"}, calling("AUTO"), "auto", "Hello."
)
CHOICE_NONE = _choice(
    "choice_none",
    "none",
    {"type": "none"},
    calling("NONE"),
    "none",
    "Please use the tool.",
)
CHOICE_REQUIRED = _choice(
    "choice_required",
    "required",
    {"type": "any"},
    calling("ANY"),
    "required",
    "Hello.",
    Called("clock", UTC),
)
CHOICE_NAMED = _choice(
    "choice_named",
    {"type": "function", "function": {"name": "weather"}},
    {"type": "tool", "name": "weather"},
    calling("ANY", "weather"),
    "tool:weather",
    "Hello.",
    Called("weather", ZURICH),
)

# --- results -----------------------------------------------------------------------


def _after_call(name: str, openai: Any, anthropic: Any, gemini: Any) -> Json:
    """The user asked, the model called, this is the result."""
    prompt = f"And the weather? [[{name}]]"
    tool = {"openai": WEATHER["openai"], "anthropic": WEATHER["anthropic"]}
    asks: Json = {}
    if openai is not None:
        call = {
            "id": "call_abc123",
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Zürich"}'},
        }
        asks["openai"] = {
            "messages": [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_abc123", "content": openai},
            ],
            "tools": [tool["openai"]],
        }
    if anthropic is not None:
        use = {"type": "tool_use", "id": "toolu_01abc", "name": "weather"}
        result = {"type": "tool_result", "tool_use_id": "toolu_01abc", **anthropic}
        asks["anthropic"] = {
            "max_tokens": 500,
            "messages": [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": [{**use, "input": ZURICH}]},
                {"role": "user", "content": [result]},
            ],
            "tools": [tool["anthropic"]],
        }
    if gemini is not None:
        used = gt.Part.from_function_call(name="weather", args=ZURICH)
        asks["gemini"] = {
            "contents": [
                gt.Content(role="user", parts=[gt.Part(text=prompt)]),
                gt.Content(role="model", parts=[used]),
                gt.Content(role="user", parts=[gt.Part(function_response=gemini)]),
            ],
            "config": gt.GenerateContentConfig(tools=[WEATHER["gemini"]]),
        }
    return asks


RAIN: Final = "It rains, 12 °C."


def _result_heard(found: Heard, _: Cell) -> None:
    (who, call), (other, results) = found.turns[1:]
    assert (who, other) == ("model", "user")
    assert [part[:3] for part in call] == [("call", "weather", ZURICH)]
    assert results == [("result", "weather", [("text", RAIN)])]


TOOL_RESULT = Feature(
    "tool_result",
    _after_call(
        "tool_result",
        RAIN,
        {"content": RAIN},
        gt.FunctionResponse(name="weather", response={"output": RAIN}),
    ),
    Answer((Said(RAIN),)),
    says(RAIN),
    _result_heard,
)


def _picture_heard(found: Heard, _: Cell) -> None:
    parts = everything(found)
    assert ("image", "image/png", PNG) in parts
    assert ("text", "The radar:") in parts


TOOL_RESULT_IMAGE = Feature(
    "tool_result_image",
    _after_call(
        "tool_result_image",
        None,
        {
            "content": [
                {"type": "text", "text": "The radar:"},
                {
                    "type": "image",
                    "source": {
                        "type": "base64",
                        "media_type": "image/png",
                        "data": b64(PNG),
                    },
                },
            ]
        },
        gt.FunctionResponse(
            name="weather",
            response={"output": "The radar:"},
            parts=[gt.FunctionResponsePart.from_bytes(data=PNG, mime_type="image/png")],
        ),
    ),
    Answer((Said("The radar:"),)),
    says("The radar:"),
    _picture_heard,
)


def _error_heard(found: Heard, cell: Cell) -> None:
    if cell.family == "anthropic":
        assert found.body["messages"][-1]["content"][0]["is_error"] is True
    if cell.family == "gemini":
        last = found.body["contents"][-1]["parts"][0]["functionResponse"]
        assert last["response"] == {"error": "no radar"}
    if cell.family == "openai":
        assert ("text", "no radar") in everything(found)


TOOL_ERROR = Feature(
    "tool_error",
    _after_call(
        "tool_error",
        None,
        {"content": "no radar", "is_error": True},
        gt.FunctionResponse(name="weather", response={"error": "no radar"}),
    ),
    Answer((Said("no radar"),)),
    says("no radar"),
    _error_heard,
)
