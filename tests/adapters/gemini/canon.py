"""A request body in one spelling, so that two can be compared by what they mean.

The equivalences are those the API documents or shows: snake_case, one part instead of a
list, adjacent turns of one speaker, schemas in OpenAPI or JSON Schema form, enums in any
case, base64 in either alphabet, several names of one audio type, defaults said aloud.
"""

import json
from typing import Any

_NUMBERED = {
    1: "string",
    2: "number",
    3: "integer",
    4: "boolean",
    5: "array",
    6: "object",
}
_AUDIO = {"audio/x-wav": "audio/wav", "audio/mpeg": "audio/mp3"}
_VERBATIM = {
    "args",
    "response",
    "parameters",
    "responseSchema",
    "responseJsonSchema",
    "parametersJsonSchema",
}
_DUMMY = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _fold(node: Any) -> Any:
    if isinstance(node, list):
        return [_fold(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        name = _camel(key)
        if value is not None:
            out[name] = value if name in _VERBATIM else _fold(value)
    return out


def schema(node: Any) -> Any:
    """An OpenAPI schema as JSON Schema, or one of those as it is."""
    if isinstance(node, list):
        return [schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: schema(inner) for name, inner in value.items()}
        elif key == "type" and isinstance(value, str | int):
            out[key] = _NUMBERED.get(value, str(value).lower())
        elif key not in ("propertyOrdering", "property_ordering", "nullable"):
            out[_camel(key) if key.islower() else key] = schema(value)
    if node.get("nullable"):
        if isinstance(out.get("type"), str):
            out["type"] = [out["type"], "null"]
        elif "anyOf" in out:
            out["anyOf"] = [*out["anyOf"], {"type": "null"}]
    return out


def _part(part: dict[str, Any]) -> dict[str, Any]:
    for kind in ("inlineData", "fileData"):
        if kind in part:
            mime = part[kind].get("mimeType")
            part[kind]["mimeType"] = _AUDIO.get(mime, mime)
            if "data" in part[kind]:
                data = part[kind]["data"].replace("-", "+").replace("_", "/")
                part[kind]["data"] = data
    if "functionCall" in part:
        part["functionCall"].setdefault("args", {})
    if "thoughtSignature" in part and "functionCall" not in part:
        part.setdefault("text", "")
    if part.get("thoughtSignature") == _DUMMY:
        del part["thoughtSignature"]
    if part.get("thought") is False:
        del part["thought"]
    return part


def _parts(content: dict[str, Any]) -> list[Any]:
    parts = content.get("parts", [])
    return [_part(part) for part in (parts if isinstance(parts, list) else [parts])]


def _contents(contents: Any) -> list[Any]:
    out: list[Any] = []
    for content in contents if isinstance(contents, list) else [contents]:
        role = "model" if content.get("role") == "model" else "user"
        parts = _parts(content)
        if out and out[-1]["role"] == role:
            out[-1]["parts"] += parts
        elif parts:
            out.append({"role": role, "parts": parts})
    return out


def _tools(tools: list[Any]) -> list[Any]:
    functions, others = [], []
    for tool in tools:
        for key, value in tool.items():
            if key != "functionDeclarations":
                others.append({key: value})
                continue
            for declared in map(dict, value):
                if "parameters" in declared:
                    given = declared.pop("parameters")
                    declared.setdefault("parametersJsonSchema", schema(given))
                if not declared.get("description"):
                    declared.pop("description", None)
                functions.append(declared)
    return [*functions, *others]


def _config(config: dict[str, Any]) -> dict[str, Any]:
    if "responseSchema" in config:
        config["responseJsonSchema"] = schema(config.pop("responseSchema"))
        config.setdefault("responseMimeType", "application/json")
    if config.get("responseMimeType") == "text/plain":
        del config["responseMimeType"]
    thinking = config.get("thinkingConfig", {})
    if "thinkingLevel" in thinking:
        thinking["thinkingLevel"] = thinking["thinkingLevel"].upper()
    return {key: value for key, value in config.items() if value not in ([], {})}


def canon(body: dict[str, Any]) -> dict[str, Any]:
    """The body in one spelling."""
    out = _fold(json.loads(json.dumps(body)))
    out.pop("model", None)
    out["contents"] = _contents(out.get("contents", []))
    if "systemInstruction" in out:
        out["systemInstruction"] = _parts(out["systemInstruction"])
    if "tools" in out:
        out["tools"] = _tools(out["tools"])
    calling = out.get("toolConfig", {}).get("functionCallingConfig", {})
    if "mode" in calling:
        calling["mode"] = calling["mode"].upper()
    if not calling.get("allowedFunctionNames"):
        calling.pop("allowedFunctionNames", None)
    if "generationConfig" in out:
        out["generationConfig"] = _config(out["generationConfig"])
    return {key: value for key, value in out.items() if value not in ([], {}, "")}
