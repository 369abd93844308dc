"""Frameworks over the official SDKs, by base URL alone: LangChain and Instructor."""

import json
from collections.abc import Iterator
from typing import Any, Final

import instructor
import openai
import pytest
from langchain.chat_models import init_chat_model
from langchain.tools import tool
from pydantic import BaseModel

from tests.flow.sdk.conftest import ENV, KEY, config
from tests.harness.answers import Answer, Called, Said
from tests.harness.gateway import Running, gateway
from tests.harness.providers import Providers

FAMILIES: Final = ("openai", "anthropic", "gemini")
ANSWERS: Final = {
    "hello": Answer((Said("Hello, Grüße! 🙂"),)),
    "tools": Answer((Called("look_up", {"what": "the weather"}),), "tools"),
    "object": Answer((Said(json.dumps({"city": "Paris", "year": 987})),)),
    "called": Answer((Called("Found", {"city": "Paris", "year": 987}),), "tools"),
}


class Found(BaseModel):
    """A city, and since when it is a capital."""

    city: str
    year: int


@tool
def look_up(what: str) -> str:
    """Looks something up."""
    return f"nothing about {what}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with (
        Providers(ANSWERS) as up,
        gateway(config(up), tmp_path_factory.mktemp("chains"), env=ENV) as running,
    ):
        yield running


def _model(running: Running, family: str, **more: Any) -> Any:
    return init_chat_model(
        family,
        model_provider="openai",
        base_url=f"{running.url}/v1",
        api_key=KEY,
        max_retries=0,
        **more,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_langchain_talks_streams_and_calls_tools(running: Running, family: str) -> None:
    model = _model(running, family)
    answer = model.invoke("[[hello]] hi")
    assert answer.content == "Hello, Grüße! 🙂"
    assert answer.usage_metadata["input_tokens"] > 0
    pieces = list(_model(running, family, stream_usage=True).stream("[[hello]] hi"))
    assert "".join(str(piece.content) for piece in pieces) == "Hello, Grüße! 🙂"
    assert sum((p.usage_metadata or {}).get("output_tokens", 0) for p in pieces) > 0
    called = model.bind_tools([look_up]).invoke("[[tools]] use the tool")
    assert [(c["name"], c["args"]) for c in called.tool_calls] == [
        ("look_up", {"what": "the weather"})
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_langchain_reads_structured_output(running: Running, family: str) -> None:
    model = _model(running, family).with_structured_output(Found)
    assert model.invoke("[[object]] one") == Found(city="Paris", year=987)


def test_langchain_goes_by_responses(running: Running) -> None:
    model = _model(running, "openai", use_responses_api=True)
    answer = model.invoke("[[hello]] hi")
    assert answer.text == "Hello, Grüße! 🙂"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("mode", "marker"),
    [(instructor.Mode.TOOLS, "called"), (instructor.Mode.JSON_SCHEMA, "object")],
)
def test_instructor_gets_what_it_asks_for(
    running: Running, family: str, mode: instructor.Mode, marker: str
) -> None:
    with openai.OpenAI(
        base_url=f"{running.url}/v1", api_key=KEY, max_retries=0
    ) as client:
        patched = instructor.from_openai(client, mode=mode)
        found = patched.create(
            model=family,
            messages=[{"role": "user", "content": f"[[{marker}]] one"}],
            response_model=Found,
            max_retries=0,
        )
    assert found.model_dump() == {"city": "Paris", "year": 987}
