"""Run in the frameworks' own environment: what they hear of one model, as JSON.

The arguments: the gateway's address, a key, the model.
"""

import json
import sys
from typing import Any

import instructor
import openai
from langchain.chat_models import init_chat_model
from langchain.tools import tool
from pydantic import BaseModel

URL, KEY, MODEL = sys.argv[1:]


class Found(BaseModel):
    """A city, and since when it is a capital."""

    city: str
    year: int


@tool
def look_up(what: str) -> str:
    """Looks something up."""
    return f"nothing about {what}"


def chain(**more: Any) -> Any:
    return init_chat_model(
        MODEL,
        model_provider="openai",
        base_url=f"{URL}/v1",
        api_key=KEY,
        max_retries=0,
        **more,
    )


def langchain() -> dict[str, Any]:
    answer = chain().invoke("[[hello]] hi")
    pieces = list(chain(stream_usage=True).stream("[[hello]] hi"))
    called = chain().bind_tools([look_up]).invoke("[[tools]] use the tool")
    structured = chain().with_structured_output(Found).invoke("[[object]] one")
    responses = chain(use_responses_api=True).invoke("[[hello]] hi")
    return {
        "answer": answer.content,
        "input tokens": answer.usage_metadata["input_tokens"],
        "streamed": "".join(str(piece.content) for piece in pieces),
        "output tokens": sum(
            (piece.usage_metadata or {}).get("output_tokens", 0) for piece in pieces
        ),
        "called": [[call["name"], call["args"]] for call in called.tool_calls],
        "structured": structured.model_dump(),
        "responses": responses.text,
    }


def instructed(mode: instructor.Mode, marker: str) -> dict[str, Any]:
    with openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0) as client:
        found = instructor.from_openai(client, mode=mode).create(
            model=MODEL,
            messages=[{"role": "user", "content": f"[[{marker}]] one"}],
            response_model=Found,
            max_retries=0,
        )
    return dict(found.model_dump())


heard = {
    "langchain": langchain(),
    "instructor": {
        "tools": instructed(instructor.Mode.TOOLS, "called"),
        "schema": instructed(instructor.Mode.JSON_SCHEMA, "object"),
    },
}
sys.stdout.write(json.dumps(heard))
