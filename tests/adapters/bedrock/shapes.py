"""What botocore's own model of the service says of an answer, strictly: every member is
known and of its type, what is required is there, words are of their list."""

import json
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

Json = dict[str, Any]
BEYOND = {"stopReason": {"refusal"}}
"""Words that Bedrock says beside those of its model."""
_NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}


@cache
def _service() -> ServiceModel:
    return botocore.session.get_session().get_service_model("bedrock-runtime")


@cache
def _output(operation: str) -> Shape:
    shape: Shape = _service().operation_model(operation).output_shape
    if operation == "ConverseStream":
        shape = shape.members["stream"]
    return shape


def check_input(operation: str, asked: Any) -> None:
    """The same of a request."""
    _check(_service().operation_model(operation).input_shape, asked, operation, False)


def check(operation: str, told: Any, *, lenient: bool = False) -> None:
    """Raises `AssertionError`; `lenient`: members and words that the model does not
    know may be there, and others not (so Bedrock's own answers are)."""
    _check(_output(operation), told, operation, lenient)


def _structure(shape: Any, told: Any, path: str, lenient: bool) -> None:
    assert isinstance(told, dict), path
    missing = {*shape.required_members} - {*told}
    assert lenient or not missing, f"{path} lacks {missing}"
    if getattr(shape, "is_tagged_union", False) and not lenient:
        assert len(told) == 1, path
    for name, value in told.items():
        if name not in shape.members:
            assert lenient, f"{path}.{name} is not known"
        else:
            _check(shape.members[name], value, f"{path}.{name}", lenient)


def _check(shape: Any, told: Any, path: str, lenient: bool) -> None:
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        _structure(shape, told, path, lenient)
    elif kind == "list":
        assert isinstance(told, list), path
        for at, value in enumerate(told):
            _check(shape.member, value, f"{path}[{at}]", lenient)
    elif kind == "map":
        for name, value in told.items():
            _check(shape.value, value, f"{path}.{name}", lenient)
    elif kind == "string":
        assert isinstance(told, str), path
        name = path.rpartition(".")[2]
        known = not shape.enum or told in shape.enum or told in BEYOND.get(name, ())
        assert lenient or known, f"{path}: {told}"
    elif kind == "boolean":
        assert isinstance(told, bool), path
    elif kind == "blob":
        assert isinstance(told, bytes | str), path
    else:
        assert isinstance(told, _NUMBERS[kind]), path
        assert not isinstance(told, bool), path


class Grammar:
    """Checks the order of events; `lenient`: as Bedrock's own and hand-made ones are,
    with gaps between blocks, or usage before the end."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self.open: int | None = None
        self.next = 0
        self.begun = self.stopped = self.counted = False

    def take(self, name: str, told: Json) -> None:
        index = told.get("contentBlockIndex")
        assert self.lenient or not self.counted, "nothing follows the metadata"
        if name == "messageStart":
            assert not self.begun
            self.begun = True
            return
        assert self.begun, "an answer begins with messageStart"
        if name == "messageStop":
            assert self.open is None, "a block is open at the end"
            assert not self.stopped
            self.stopped = True
        elif name == "metadata":
            assert self.lenient or self.stopped
            self.counted = True
        elif name == "contentBlockStop":
            assert self.open == index, "what stops was open"
            self.open = None
        else:
            assert not self.stopped, "words after the end"
            if self.open is None:
                rises = self.lenient and index is not None and index >= self.next
                assert rises or index == self.next, "blocks count from 0, one by one"
                assert index is not None
                self.open, self.next = index, index + 1
            else:
                assert name == "contentBlockDelta"
                assert index == self.open, "blocks do not overlap"


def accumulate(events: list[Json], *, lenient: bool = False) -> Json:
    """The whole answer that a stream was."""
    grammar = Grammar(lenient=lenient)
    blocks: dict[int, Json] = {}
    out: Json = {"output": {"message": {"role": "assistant", "content": []}}}
    for event in events:
        ((name, told),) = event.items()
        grammar.take(name, told)
        index = told.get("contentBlockIndex", -1)
        if name == "contentBlockStart":
            blocks[index] = _started(told["start"])
        elif name == "contentBlockDelta":
            _add(blocks.setdefault(index, {}), told["delta"])
        elif name == "messageStop":
            out["stopReason"] = told["stopReason"]
            if "additionalModelResponseFields" in told:
                fields = told["additionalModelResponseFields"]
                out["additionalModelResponseFields"] = fields
        elif name == "metadata":
            out |= {k: v for k, v in told.items() if k in ("usage", "metrics", "trace")}
    assert grammar.stopped, "the stream came to its end"
    content = [_ended(block) for _, block in sorted(blocks.items())]
    out["output"]["message"]["content"] = content
    return out


def _started(start: Json) -> Json:
    if "toolUse" in start:
        return {"toolUse": {**start["toolUse"], "input": ""}}
    return {"image": dict(start["image"])} if "image" in start else {}


def _add(block: Json, change: Json) -> None:
    if "text" in change:
        block["text"] = block.get("text", "") + change["text"]
    elif "toolUse" in change:
        block["toolUse"]["input"] += change["toolUse"]["input"]
    elif "citation" in change:
        block.setdefault("citations", []).append(change["citation"])
    elif "image" in change:
        block["image"] |= change["image"]
    elif "reasoningContent" in change:
        told = change["reasoningContent"]
        if "redactedContent" in told:
            block["reasoningContent"] = {"redactedContent": told["redactedContent"]}
            return
        text = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {})
        for key, value in told.items():
            if key in ("text", "signature"):
                text[key] = text.get(key, "") + value


def _ended(block: Json) -> Json:
    if "toolUse" in block:
        use = block["toolUse"]
        return {"toolUse": {**use, "input": json.loads(use["input"] or "{}")}}
    if "citations" in block:
        texts = [{"text": block.get("text", "")}]
        return {"citationsContent": {"content": texts, "citations": block["citations"]}}
    return block
