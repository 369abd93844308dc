"""What an answer says, read off any dialect's JSON the plain way.

Written from the APIs' references, apart from the adapters, so that what goes in can be
compared with what comes out on the other side.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

Json = dict[str, Any]

WORDS = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "filter",
    # vendors of OpenAI's API
    "eos": "end",
    "error": "end",
    "filter": "filter",
    "model_length": "length",
    # Messages
    "end_turn": "end",
    "stop_sequence": "end",
    "pause_turn": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool",
    "refusal": "filter",
    # Converse
    "guardrail_intervened": "filter",
    "content_filtered": "filter",
    "malformed_model_output": "end",
    "malformed_tool_use": "end",
    # generateContent
    "STOP": "end",
    "OTHER": "end",
    "MAX_TOKENS": "length",
    "SAFETY": "filter",
    "RECITATION": "filter",
    "LANGUAGE": "filter",
    "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter",
    "SPII": "filter",
    "IMAGE_SAFETY": "filter",
    "MALFORMED_FUNCTION_CALL": "end",
    "UNEXPECTED_TOOL_CALL": "end",
    # Cohere
    "COMPLETE": "end",
    "STOP_SEQUENCE": "end",
    "TOOL_CALL": "tool",
}
"""Why a model stopped, as coarse as the coarsest dialect."""


class Said(NamedTuple):
    """One choice."""

    text: str
    """Refusals included."""
    thoughts: str
    tools: tuple[tuple[str, str], ...]
    """Names and arguments, the latter in one spelling."""
    finish: str


_PICTURE = re.compile(r"!\[image\]\(data:[^)]*\)")
"""A picture that a model drew, in the text of a dialect that has none."""

Meaning = dict[int, Said]
"""By the choice's index."""


class _Choice:
    def __init__(self) -> None:
        self.text = self.thoughts = self.finish = ""
        self.refused = False
        self.tools: dict[Any, list[str]] = {}

    def said(self) -> Said:
        tools = tuple((name, _spelt(text)) for name, text in self.tools.values())
        finish = WORDS.get(self.finish, self.finish and "end")
        if finish == "end" and tools:
            finish = "tool"
        if finish == "end" and self.refused:
            finish = "filter"
        return Said(self.text, self.thoughts, tools, finish)


def _spelt(arguments: str) -> str:
    """Arguments in one spelling; nothing at all is an empty object."""
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except ValueError:
        return arguments


def first(meaning: Meaning) -> Meaning:
    """The only choice that a Messages client is told."""
    return {0: meaning[0]} if 0 in meaning else {}


# --- chat completions --------------------------------------------------------------


def of_chat(bodies: Iterable[Json], key: str = "message") -> Meaning:
    """A whole answer (in a list of one), or with `delta` the chunks of a stream."""
    choices: dict[int, _Choice] = {}
    for body in bodies:
        for at, told in enumerate(body.get("choices") or []):
            choice = choices.setdefault(told.get("index", at), _Choice())
            message = told.get(key) or {}
            if "text" in told:
                choice.text += told["text"]
            _spoken(choice, message)
            _calls(choice, message, key)
            word = told.get("finish_reason")
            if word and not choice.finish:
                choice.finish = word
    return {index: choice.said() for index, choice in choices.items()}


def _spoken(choice: _Choice, message: Json) -> None:
    content = message.get("content")
    for part in content if isinstance(content, list) else []:
        if part["type"] == "thinking":
            choice.thoughts += "".join(p["text"] for p in part["thinking"])
        elif part["type"] == "text":
            choice.text += part["text"]
    if isinstance(content, str):
        choice.text += content
    choice.text += message.get("refusal") or ""
    choice.refused = choice.refused or bool(message.get("refusal"))
    choice.thoughts += (
        message.get("reasoning_content") or message.get("reasoning") or ""
    )
    if isinstance(message.get("audio"), dict):
        choice.text += message["audio"].get("transcript") or ""


def _calls(choice: _Choice, message: Json, key: str) -> None:
    """Free text of a custom tool is, where there are no such tools, its one argument
    `input`."""
    legacy = message.get("function_call")
    if legacy:
        _call(choice, "legacy", legacy)
    for at, call in enumerate(message.get("tool_calls") or []):
        told = call.get("function") or call.get("custom") or {}
        if call.get("type") == "custom" and "index" not in call:
            told = {**told, "arguments": json.dumps({"input": told.get("input", "")})}
        _call(choice, call.get("index", at) if key == "delta" else at, told)


def _call(choice: _Choice, key: Any, told: Json) -> None:
    known = choice.tools.setdefault(key, ["", ""])
    known[0] = known[0] or told.get("name") or ""
    piece = told.get("arguments") or ""
    known[1] += piece if isinstance(piece, str) else json.dumps(piece)


# --- Messages ----------------------------------------------------------------------


def of_message(body: Json) -> Meaning:
    """A whole message."""
    choice = _Choice()
    for at, block in enumerate(body["content"]):
        kind = block["type"]
        if kind == "text":
            choice.text += _PICTURE.sub("", block["text"])
        elif kind == "thinking":
            choice.thoughts += block["thinking"]
        elif kind == "tool_use":
            choice.tools[at] = [block["name"], json.dumps(block["input"])]
    choice.finish = body["stop_reason"] or ""
    return {0: choice.said()}


# --- responses ---------------------------------------------------------------------


def of_response(body: Json) -> Meaning:
    """A whole response."""
    choice = _Choice()
    for at, item in enumerate(body["output"]):
        match item["type"]:
            case "message":
                for part in item["content"]:
                    choice.text += _PICTURE.sub("", part.get("text") or "")
                    choice.text += part.get("refusal") or ""
                    choice.refused = choice.refused or part["type"] == "refusal"
            case "reasoning":
                told = item.get("summary") or item.get("content") or []
                choice.thoughts += "\n\n".join(part["text"] for part in told)
            case "function_call":
                choice.tools[at] = [item["name"], item["arguments"]]
            case "custom_tool_call":
                choice.tools[at] = [item["name"], json.dumps({"input": item["input"]})]
    choice.finish = "end"
    if body["status"] == "incomplete":
        reason = (body.get("incomplete_details") or {}).get("reason")
        choice.finish = "filter" if reason == "content_filter" else "length"
    return {0: choice.said()}


# --- generateContent ---------------------------------------------------------------


def _function(choice: _Choice, call: Json) -> None:
    """A call, or (Vertex) a piece of one: a name begins it, arguments follow."""
    if "name" in call:
        args = json.dumps(call.get("args") or {})
        choice.tools[len(choice.tools)] = [call["name"], args]
    for piece in call.get("partialArgs") or []:
        known = choice.tools[len(choice.tools) - 1]
        args = json.loads(known[1])
        name = piece["jsonPath"].removeprefix("$.")
        args[name] = args.get(name, "") + piece.get("stringValue", "")
        known[1] = json.dumps(args)


def of_generate(bodies: Iterable[Json]) -> Meaning:
    """A whole answer (in a list of one), or the objects of a stream."""
    choices: dict[int, _Choice] = {}
    for body in bodies:
        for at, told in enumerate(body.get("candidates") or []):
            choice = choices.setdefault(told.get("index", at), _Choice())
            for part in (told.get("content") or {}).get("parts") or []:
                if "functionCall" in part:
                    _function(choice, part["functionCall"])
                elif part.get("thought"):
                    choice.thoughts += part.get("text") or ""
                else:
                    choice.text += part.get("text") or ""
            word = told.get("finishReason")
            if word and word != "FINISH_REASON_UNSPECIFIED":
                choice.finish = str(word)
    if not choices and any(
        "blockReason" in b.get("promptFeedback", {}) for b in bodies
    ):
        return {0: Said("", "", (), "filter")}
    return {index: choice.said() for index, choice in choices.items()}


# --- Ollama ------------------------------------------------------------------------


def of_ollama(bodies: Iterable[Json]) -> Meaning:
    """A whole answer (in a list of one), or the lines of a stream."""
    choice = _Choice()
    for body in bodies:
        message = body.get("message") or {"content": body.get("response")}
        choice.text += message.get("content") or ""
        choice.thoughts += message.get("thinking") or body.get("thinking") or ""
        for call in message.get("tool_calls") or []:
            told = call["function"]
            args = json.dumps(told["arguments"])
            choice.tools[len(choice.tools)] = [told["name"], args]
        if body["done"]:
            choice.finish = body.get("done_reason") or "stop"
    return {0: choice.said()}


# --- Cohere ------------------------------------------------------------------------


def of_cohere(body: Json) -> Meaning:
    """A whole answer, of v2 or of v1."""
    choice = _Choice()
    message = body.get("message") or {"content": [{"text": body.get("text", "")}]}
    choice.thoughts += message.get("tool_plan") or ""
    for piece in message.get("content") or []:
        choice.text += piece.get("text") or ""
        choice.thoughts += piece.get("thinking") or ""
    for at, call in enumerate(message.get("tool_calls") or []):
        told = call["function"]
        choice.tools[at] = [told["name"], _no_null(told["arguments"])]
    choice.finish = body["finish_reason"]
    return {0: choice.said()}


def of_cohere_events(bodies: Iterable[Json]) -> Meaning:
    """The events of a stream."""
    choice = _Choice()
    for body in bodies:
        delta = body.get("delta") or {}
        message = delta.get("message") or {}
        choice.thoughts += message.get("tool_plan") or ""
        content = message.get("content")
        if isinstance(content, dict):
            choice.text += content.get("text") or ""
            choice.thoughts += content.get("thinking") or ""
        call = message.get("tool_calls")
        if isinstance(call, dict):
            told = call["function"]
            known = choice.tools.setdefault(body["index"], [told.get("name", ""), ""])
            known[1] += told.get("arguments") or ""
        choice.finish = delta.get("finish_reason") or choice.finish
    return {0: choice.said()}


def _no_null(arguments: str) -> str:
    """A tool without parameters may be called with null."""
    return "{}" if arguments == "null" else arguments
