"""Tools and which of them to use: `tools`, `toolConfig` <-> `Tool`, `ToolChoice`.

Functions are declared with JSON Schema (`parametersJsonSchema`), so that a schema keeps
its meaning. Google's own tools (search, code, files) are Gemini's and stay whole.
Source: ai.google.dev/api/caching, Tool, ToolConfig, FunctionCallingConfig.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Raw

from adapters.errors import BadCall, Unsupported
from adapters.gemini.schema import json_schema
from adapters.gemini.wire import FAMILY, encode, items, members, pop
from adapters.normal.content import Tool, ToolChoice

Mode = Literal["auto", "none", "required", "tool"]

MODES: Final[dict[str, Mode]] = {
    "AUTO": "auto",
    "ANY": "required",
    "NONE": "none",
    "VALIDATED": "auto",
}
"""`VALIDATED` is `auto` with schemas enforced; it alone may name some tools freely."""

_WORDS: Final[dict[str, str]] = {"auto": "AUTO", "none": "NONE"}


def read(raw: Raw) -> tuple[Tool, ...]:
    """The tools, functions and others, in order."""
    found: list[Tool] = []
    for at, piece in enumerate(items(raw, "tools")):
        where = f"tools[{at}]"
        for name, inner in members(piece, where).items():
            if name == "functionDeclarations":
                at_here = f"{where}.functionDeclarations"
                for n, declared in enumerate(items(inner, at_here)):
                    found.append(_read_function(declared, f"{at_here}[{n}]"))
            else:
                whole = Raw(encode({name: inner}))
                found.append(Tool(name, kind="opaque", raw=whole, family=FAMILY))
    return tuple(found)


def _read_function(raw: Raw, where: str) -> Tool:
    source = members(raw, where)
    name = pop(source, "name", str, where)
    if not name:
        raise BadCall(f"{where}.name is required", f"{where}.name")
    description = pop(source, "description", str, where) or ""
    schema = Raw(b"")
    if (given := source.pop("parametersJsonSchema", None)) is not None:
        schema = given
        source.pop("parameters", None)
    elif (given := source.pop("parameters", None)) is not None:
        schema = json_schema(given, f"{where}.parameters")
    if not source:
        return Tool(name, description, schema)
    return Tool(name, description, schema, raw=raw, family=FAMILY)


def read_config(raw: Raw) -> tuple[ToolChoice | None, Raw | None]:
    """The choice, and what of `toolConfig` it does not say."""
    left: dict[str, object] = dict(members(raw, "toolConfig"))
    inner = left.pop("functionCallingConfig", None)
    if not isinstance(inner, Raw):
        return None, Raw(encode(left)) if left else None
    where = "toolConfig.functionCallingConfig"
    source = members(inner, where)
    mode = (pop(source, "mode", str, where) or "AUTO").upper()
    names = tuple(pop(source, "allowedFunctionNames", list[str], where) or ())
    kind = MODES.get(mode, "auto")
    if kind == "required" and len(names) == 1:
        kind = "tool"
    rest: dict[str, object] = dict(source)
    if mode == "VALIDATED" and not names:
        rest["mode"] = mode
    if rest:
        left["functionCallingConfig"] = rest
    choice = None if mode == "MODE_UNSPECIFIED" else ToolChoice(kind, names)
    return choice, Raw(encode(left)) if left else None


def write(tools: Sequence[Tool], dropped: set[str]) -> list[object]:
    """`tools`: all functions in one, then Google's own, each in one.

    Raises:
        Unsupported: a tool takes free text instead of arguments.
    """
    functions: list[object] = []
    others: list[object] = []
    for at, tool in enumerate(tools):
        if tool.cache is not None:
            dropped.add("cache_control")
        if tool.kind == "custom":
            raise Unsupported(
                f"gemini has no custom tools: {tool.name} needs a JSON schema",
                f"tools[{at}]",
            )
        if tool.kind == "function":
            functions.append(_function(tool))
            if tool.strict:
                dropped.add("tools.strict")
        elif tool.family == FAMILY:
            others.append(tool.raw)
        else:
            dropped.add(f"tools.{tool.name}")
    return [{"functionDeclarations": functions}, *others] if functions else others


def _function(tool: Tool) -> object:
    if tool.family == FAMILY and tool.raw:
        return tool.raw
    out: dict[str, object] = {"name": tool.name}
    if tool.description:
        out["description"] = tool.description
    if tool.schema:
        out["parametersJsonSchema"] = tool.schema
    return out


def write_config(choice: ToolChoice | None, left: Raw | None) -> dict[str, object]:
    """`toolConfig`; `left` is what another reading left over."""
    config: dict[str, object] = {}
    calling: dict[str, object] = {}
    if choice is not None:
        calling = _calling(choice)
    if left is not None:
        config = dict(members(left, "toolConfig"))
        more = config.pop("functionCallingConfig", None)
        if isinstance(more, Raw):
            calling |= members(more, "toolConfig.functionCallingConfig")
    if calling:
        config["functionCallingConfig"] = calling
    return config


def _calling(choice: ToolChoice) -> dict[str, object]:
    if choice.mode in ("required", "tool"):
        calling: dict[str, object] = {"mode": "ANY"}
    elif choice.mode == "auto" and choice.names:
        calling = {"mode": "VALIDATED"}
    else:
        return {"mode": _WORDS[choice.mode]}
    if choice.names:
        calling["allowedFunctionNames"] = list(choice.names)
    return calling
