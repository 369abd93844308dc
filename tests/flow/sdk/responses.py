"""OpenAI's SDK as a Responses client: how it is asked what chat is asked, what its user
gets to see, and what a provider of this API hears."""

import json
from typing import Any, Final

import openai
from openai.types.responses import Response

from tests.flow.sdk import shapes
from tests.flow.sdk.clients import DROPPED, Got
from tests.flow.sdk.heard import Heard, Part, _bytes
from tests.harness.upstream import Request

Json = dict[str, Any]

_SAME: Final = ("temperature", "prompt_cache_key", "parallel_tool_calls")
_NAMES: Final = {"max_completion_tokens": "max_output_tokens"}
NO_WORD: Final = ("stop", "n", "seed")
"""What chat is asked, and this API cannot be."""


# --- asked ------------------------------------------------------------------------


def of_chat(asked: Json) -> Json:
    """Arguments for `responses.create` that mean the same as those for chat."""
    out: Json = {"input": [i for m in asked["messages"] for i in _items(m)]}
    for name, value in asked.items():
        match name:
            case "messages":
                pass
            case "tools":
                out["tools"] = [{"type": "function", **t["function"]} for t in value]
            case "tool_choice":
                named = isinstance(value, dict)
                out[name] = (
                    {"type": "function", **value["function"]} if named else value
                )
            case "reasoning_effort":
                out["reasoning"] = {"effort": value}
            case "response_format":
                form = dict(value)
                out["text"] = {"format": {**form, **form.pop("json_schema", {})}}
                out["text"]["format"].pop("json_schema", None)
            case "logprobs":
                out["include"] = ["message.output_text.logprobs"]
            case "top_logprobs":
                out["top_logprobs"] = value
            case _:
                assert name in (*_SAME, *_NAMES), name
                out[_NAMES.get(name, name)] = value
    return out


def _items(message: Json) -> list[Json]:
    if message["role"] == "tool":
        output = {"call_id": message["tool_call_id"], "output": message["content"]}
        return [{"type": "function_call_output", **output}]
    content = message["content"]
    if isinstance(content, list):
        content = [_part(part) for part in content]
    out = [] if content is None else [{"role": message["role"], "content": content}]
    for call in message.get("tool_calls", []):
        told = {"call_id": call["id"], **call["function"]}
        out.append({"type": "function_call", **told})
    return out


def _part(part: Json) -> Json:
    match part["type"]:
        case "text":
            return {"type": "input_text", "text": part["text"]}
        case "image_url":
            return {
                "type": "input_image",
                "image_url": part["image_url"]["url"],
                "detail": "auto",
            }
        case "file":
            return {"type": "input_file", **part["file"]}
    return part


STATE: Final = {"previous_response_id", "conversation", "prompt"}
"""By what a request names what its provider keeps."""

# --- seen -------------------------------------------------------------------------


def read(found: Response) -> Got:
    """What the user sees, its end in chat's words."""
    got = Got(found, model=found.model)
    for item in found.output:
        match item.type:
            case "message":
                for part in item.content:
                    if part.type == "refusal":
                        got.refusal += part.refusal
                        continue
                    got.text += part.text
                    for note in part.annotations:
                        assert note.type == "url_citation"
                        got.cited.append((note.url, note.title))
                    got.logprobs += [
                        (one.token, one.logprob, len(one.top_logprobs))
                        for one in part.logprobs or []
                    ]
            case "reasoning":
                got.thought += "".join(part.text for part in item.summary)
            case "function_call":
                arguments = json.loads(item.arguments)
                got.calls.append((item.call_id, item.name, arguments))
    assert got.text == found.output_text
    got.choices = [got.text]
    got.stop = "tool_calls" if got.calls else "stop"
    if found.status == "incomplete":
        assert found.incomplete_details is not None
        reason = found.incomplete_details.reason
        got.stop = "length" if reason == "max_output_tokens" else "content_filter"
    usage = found.usage
    assert usage is not None
    got.input, got.output = usage.input_tokens, usage.output_tokens
    assert usage.total_tokens == got.input + got.output
    got.cached = usage.input_tokens_details.cached_tokens
    got.written = usage.input_tokens_details.cache_write_tokens
    got.reasoning = usage.output_tokens_details.reasoning_tokens
    return got


def ask(client: openai.OpenAI, stream: bool, asked: Json) -> Got:
    """One call."""
    create = client.responses.with_raw_response.create
    if stream:
        response = create(**asked, stream=True)
        with response.parse() as events:
            *_, last = events
    else:
        response = create(**asked)
        last = None
    return _headed(read(last.response if last else response.parse()), response.headers)


async def ask_async(client: openai.AsyncOpenAI, stream: bool, asked: Json) -> Got:
    """The same, asynchronously, by the helper that accumulates."""
    if stream:
        async with client.responses.stream(**asked) as events:
            *_, last = [event async for event in events]
            headers = events._response.headers
        return _headed(read(last.response), headers)
    response = await client.responses.with_raw_response.create(**asked)
    return _headed(read(response.parse()), response.headers)


def _headed(got: Got, headers: Any) -> Got:
    got.headers = dict(headers)
    named = got.headers.get(DROPPED, "")
    got.dropped = frozenset(named.split(", ")) if named else frozenset()
    return got


# --- heard ------------------------------------------------------------------------


def heard(request: Request) -> Heard:
    """A request of this API, strictly: raises for what OpenAI does not know."""
    body = request.json()
    said = body["input"]
    if isinstance(said, str):
        said = [{"role": "user", "content": said}]
    with_ids = [
        # The type wants an id, the API does not (Codex sends none).
        {"id": "rs", **item} if item.get("type") == "reasoning" else item
        for item in said
    ]
    shapes.check("responses", {**body, "input": with_ids})
    assert not body.keys() & STATE, "what the provider keeps is not told"
    out = Heard("openai", body, request.target, headers=request.headers)
    out.stream = bool(body.get("stream"))
    if body.get("instructions"):
        out.system = [body["instructions"]]
    for item in said:
        _hear(item, out)
    for tool in body.get("tools", []):
        assert tool["type"] == "function", f"the provider's own tool: {tool['type']}"
        described = tool.get("description", "")
        out.tools[tool["name"]] = (described, tool.get("parameters") or {})
    _settings(body, out)
    return out


def _settings(body: Json, out: Heard) -> None:
    choice = body.get("tool_choice", "")
    out.choice = f"tool:{choice['name']}" if isinstance(choice, dict) else choice
    out.max_tokens = body.get("max_output_tokens")
    out.temperature, out.top_p = body.get("temperature"), body.get("top_p")
    if "message.output_text.logprobs" in (body.get("include") or []):
        out.logprobs = body.get("top_logprobs", 0)
    form = (body.get("text") or {}).get("format") or {}
    out.json_mode = form.get("type") == "json_object"
    if form.get("type") == "json_schema":
        out.schema = form["schema"]
    out.thinks = (body.get("reasoning") or {}).get("effort")


def _hear(item: Json, out: Heard) -> None:
    match item.get("type", "message"):
        case "message":
            content = item["content"]
            if isinstance(content, str):
                content = [{"type": "input_text", "text": content}]
            parts = [_hear_part(part) for part in content]
            if item["role"] in ("system", "developer"):
                out.system += [part[1] for part in parts]
            else:
                speaker = {"user": "user", "assistant": "model"}[item["role"]]
                out.add(speaker, parts)
        case "reasoning":
            text = "".join(part["text"] for part in item["summary"])
            out.add("model", [("thought", text, item.get("encrypted_content"))])
        case "function_call":
            arguments = json.loads(item["arguments"])
            out.add("model", [("call", item["name"], arguments, item["call_id"])])
        case "function_call_output":
            output = item["output"]
            if isinstance(output, str):
                output = [{"type": "input_text", "text": output}]
            name = out.calls()[item["call_id"]]
            out.add("user", [("result", name, [_hear_part(p) for p in output])])
        case kind:
            raise AssertionError(f"the Responses API knows no {kind}")


def _hear_part(part: Json) -> Part:
    match part["type"]:
        case "input_text" | "output_text":
            return ("text", part["text"])
        case "input_image":
            url = part["image_url"]
            if not url.startswith("data:"):
                return ("image_url", url)
            media, _, data = url.removeprefix("data:").partition(";base64,")
            return ("image", media, _bytes(data))
        case "input_file":
            if "file_url" in part:
                return ("pdf_url", part["file_url"])
            assert part["filename"]
            return ("pdf", _bytes(part["file_data"].partition(";base64,")[2]))
        case "input_audio":
            sound = part["input_audio"]
            return ("audio", sound["format"], _bytes(sound["data"]))
    raise AssertionError(f"the Responses API knows no such part: {part}")
