"""A Converse request, read strictly and apart from the gateway's own reader: what the
service's own model does not know is a mistake."""

import base64
import json
from typing import Any, Final

from tests.adapters.bedrock import shapes
from tests.flow.sdk.heard import Heard, Json, Part
from tests.harness.upstream import Request

_SPEAKERS: Final = {"user": "user", "assistant": "model"}


def heard(request: Request) -> Heard:
    """Raises `AssertionError` for what Bedrock does not know."""
    body = request.json()
    shapes.check_input("Converse", {"modelId": "m", **body})
    out = Heard("bedrock", body, request.target, headers=request.headers)
    out.stream = request.path.endswith("-stream")
    for block in body.get("system", []):
        out.system += [part[1] for part in _parts(block, out)]
    for message in body["messages"]:
        speaker = _SPEAKERS[message["role"]]
        for block in message["content"]:
            out.add(speaker, _parts(block, out))
    _tools(body.get("toolConfig") or {}, out)
    config = body.get("inferenceConfig") or {}
    out.max_tokens, out.stop = config.get("maxTokens"), config.get("stopSequences", [])
    out.temperature, out.top_p = config.get("temperature"), config.get("topP")
    _added(body.get("additionalModelRequestFields") or {}, out)
    form = (body.get("outputConfig") or {}).get("textFormat")
    if form:
        assert form["type"] == "json_schema"
        out.schema = json.loads(form["structure"]["jsonSchema"]["schema"])
    return out


def _tools(config: Json, out: Heard) -> None:
    for tool in config.get("tools", []):
        if "cachePoint" in tool:
            out.marks.append("tool")
            continue
        spec = tool["toolSpec"]
        told = (spec.get("description", ""), spec["inputSchema"]["json"])
        out.tools[spec["name"]] = told
    choice = config.get("toolChoice")
    if choice:
        (word,) = choice
        names = {"auto": "auto", "any": "required"}
        named = word == "tool"
        out.choice = f"tool:{choice['tool']['name']}" if named else names[word]


def _added(fields: Json, out: Heard) -> None:
    for name, value in fields.items():
        match name:
            case "top_k":
                out.top_k = value
            case "inferenceConfig":
                assert [*value] == ["topK"]
                out.top_k = value["topK"]
            case "thinking" | "reasoning_config":
                enabled = value["type"] == "enabled"
                out.thinks = value["budget_tokens"] if enabled else value["type"]
            case "output_config":
                out.thinks = value["effort"]
            case "reasoning_effort":
                out.thinks = value
            case _:
                raise AssertionError(f"no reader for the model's own {name}")


def _parts(block: Json, out: Heard) -> list[Part]:
    ((kind, told),) = block.items()
    match kind:
        case "text":
            return [("text", told)]
        case "cachePoint":
            out.marks.append("point")
            return []
        case "image":
            media = f"image/{told['format']}"
            return [("image", media, _bytes(told["source"]))]
        case "document":
            return [_document(told)]
        case "toolUse":
            return [("call", told["name"], told["input"], told["toolUseId"])]
        case "toolResult":
            return [_result(told, out)]
        case "json":
            return [("text", json.dumps(told))]
        case "reasoningContent":
            text = told.get("reasoningText") or {}
            opaque = text.get("signature") or told.get("redactedContent")
            return [("thought", text.get("text", ""), opaque)]
    raise AssertionError(f"no reader for Converse's {kind}")


def _result(told: Json, out: Heard) -> Part:
    inner = [part for block in told["content"] for part in _parts(block, out)]
    if told.get("status") == "error":
        inner.append(("failed",))
    return ("result", out.calls()[told["toolUseId"]], inner)


def _document(told: Json) -> Part:
    data = _bytes(told["source"])
    if told["format"] == "pdf":
        return ("pdf", data)
    assert told["format"] in ("txt", "md", "csv", "html")
    return ("text", data.decode())


def _bytes(source: Json) -> bytes:
    assert "bytes" in source, f"no reader for {[*source]}"
    data: Any = source["bytes"]
    return base64.b64decode(data, validate=True)
