"""The features about thinking and caching: see `features`."""

from typing import Final

from google.genai import types as gt

from tests.flow.sdk.clients import Got
from tests.flow.sdk.features import (
    THOUGHT,
    WEATHER,
    Cell,
    Feature,
    ask,
    chat,
    generate,
)
from tests.flow.sdk.heard import Heard
from tests.harness.answers import Answer, Said, Thought, Tokens

# --- thinking ----------------------------------------------------------------------

THINK: Final = "Think! [[thinking]]"
_EFFORTS: Final = {
    ("openai", "openai"): "low",
    ("openai", "anthropic"): 1024,
    ("openai", "gemini"): 1024,
    ("anthropic", "openai"): "low",
    ("gemini", "openai"): "low",
}
"""How each provider hears OpenAI's `low`, and a budget of 2,048 tokens."""


def _think_heard(found: Heard, cell: Cell) -> None:
    assert found.thinks == _EFFORTS.get((cell.dialect, cell.family), 2048)
    if cell.family == "gemini" and cell.dialect != "openai":
        assert found.body["generationConfig"]["thinkingConfig"]["includeThoughts"]


def _think_shown(got: Got, cell: Cell) -> None:
    assert got.text == THINK
    assert got.thought == ("" if cell.family == "openai" else THOUGHT)
    if cell.dialect != "anthropic" and cell.family in ("openai", "gemini"):
        assert got.reasoning == 12


THINKING = Feature(
    "thinking",
    {
        "openai": chat(THINK, reasoning_effort="low"),
        "anthropic": ask(THINK, thinking={"type": "enabled", "budget_tokens": 2048}),
        "gemini": generate(
            THINK,
            thinking_config=gt.ThinkingConfig(
                include_thoughts=True, thinking_budget=2048
            ),
        ),
    },
    Answer(
        (Thought(THOUGHT, "c2lnbmF0dXJl"), Said(THINK)),
        tokens=Tokens(output=30, reasoning=12),
    ),
    _think_shown,
    _think_heard,
    thinks=True,
)

# --- caching -----------------------------------------------------------------------

KEYED: Final = "Again. [[cache_key]]"
_USED: Final = Tokens(input=1500, cached=1000, written=100, output=9)


def _cache_shown(got: Got, cell: Cell) -> None:
    if cell.family == "echo":
        return
    assert got.cached == 1000
    if cell.dialect == "anthropic" and cell.family == "anthropic":
        assert got.written == 100


def _key_heard(found: Heard, cell: Cell) -> None:
    if cell.family == "openai":
        assert found.body["prompt_cache_key"] == "tenant-7"


CACHE_KEY = Feature(
    "cache_key",
    {"openai": chat(KEYED, prompt_cache_key="tenant-7")},
    Answer((Said(KEYED),), tokens=_USED),
    _cache_shown,
    _key_heard,
)

MARKED: Final = "Again. [[cache_marker]]"
_MARK: Final = {"cache_control": {"type": "ephemeral"}}


def _marks_heard(found: Heard, cell: Cell) -> None:
    expected = ["text", "text", "tool"] if cell.family == "anthropic" else []
    assert found.marks == expected
    assert found.system == ["Long."]


CACHE_MARKER = Feature(
    "cache_marker",
    {
        "anthropic": ask(
            [{"type": "text", "text": MARKED, **_MARK}],
            system=[{"type": "text", "text": "Long.", **_MARK}],
            tools=[{**WEATHER["anthropic"], **_MARK}],
        )
    },
    Answer((Said(MARKED),), tokens=_USED),
    _cache_shown,
    _marks_heard,
)

CACHED: Final = "Again. [[cached_content]]"


def _cached_heard(found: Heard, cell: Cell) -> None:
    if cell.family == "gemini":
        assert found.body["cachedContent"] == "cachedContents/abc"


CACHED_CONTENT = Feature(
    "cached_content",
    {"gemini": generate(CACHED, cached_content="cachedContents/abc")},
    Answer((Said(CACHED),), tokens=_USED),
    _cache_shown,
    _cached_heard,
)
