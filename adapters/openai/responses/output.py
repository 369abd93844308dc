"""Deltas -> output items, and the events that tell how they grow.

One message or reasoning item is open at a time; calls stay open to the end, for a
family may tell their arguments in turns. Whole answers are written by the same code,
so that both forms mean the same.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.normal import delta as normal
from adapters.normal.content import Document, Image, Opaque
from adapters.normal.delta import Delta
from adapters.openai.responses import seal
from adapters.openai.wire import RESPONSES

Json = dict[str, Any]
Event = tuple[str, Json]
"""Type, and the fields besides type and sequence number."""

_logprobs = msgspec.json.Decoder(dict[str, Any])


class Output:
    """The output of one answer; of several choices, the first."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        """Makes the ids of items unlike those of other responses."""
        self.items: list[Json] = []
        self._indexes: dict[int, int] = {}
        """`id()` of an item -> its output index."""
        self._message: Json | None = None
        self._words: list[str] = []
        """Of the open part of the open message."""
        self._chars = 0
        """So many."""
        self._likelihoods: list[Json] = []
        """Of the words that come next."""
        self._signature = ""
        """Of the text of the open message."""
        self._reasoning: Json | None = None
        self._summary: list[str] = []
        self._of = ("", "")
        """Family and id of the thought that is going on."""
        self._calls: dict[int, Json] = {}
        self._arguments: dict[int, list[str]] = {}
        self._adds: dict[type, Callable[[Any, list[Event]], None]] = {
            normal.TextDelta: self._text,
            normal.RefusalDelta: self._refusal,
            normal.ThinkDelta: self._thought,
            normal.ToolStart: self._call,
            normal.ToolDelta: self._more,
            normal.CitationDelta: self._cited,
            normal.LogprobDelta: self._likely,
            normal.AudioDelta: self._sound,
            normal.PartDelta: self._whole,
        }

    def add(self, delta: Delta) -> list[Event]:
        """What a delta adds."""
        out: list[Event] = []
        adds = self._adds.get(type(delta))
        if adds is not None and getattr(delta, "choice", 0) == 0:
            adds(delta, out)
        return out

    def close(self, status: str) -> list[Event]:
        """Ends every item that is open; `status` of the last of them."""
        out: list[Event] = []
        if not self.items and status == "completed":
            self._part("output_text", out)
        self._close_message(out, status)
        self._close_reasoning(out, status)
        for number, item in self._calls.items():
            self._close_call(number, item, out, status)
        return out

    def settle(self) -> None:
        """Make the items hold what was said so far, though they have not ended."""
        if self._message is not None and self._message["content"]:
            part = self._message["content"][-1]
            part[_member(part)] = "".join(self._words)
        if self._reasoning is not None and self._reasoning["summary"]:
            self._reasoning["summary"][0]["text"] = "".join(self._summary)
        for number, item in self._calls.items():
            item[_field(item)] = "".join(self._arguments[number])

    # --- items ----------------------------------------------------------------------

    def _open(self, prefix: str, item: Json, out: list[Event]) -> Json:
        index = len(self.items)
        item = {"id": f"{prefix}_{self._salt}{index:02x}", **item}
        self._indexes[id(item)] = index
        self.items.append(item)
        shown = _copy(item)
        out.append(
            ("response.output_item.added", {"output_index": index, "item": shown})
        )
        return item

    def _at(self, item: Json) -> Json:
        return {"item_id": item["id"], "output_index": self._indexes[id(item)]}

    def _done(self, item: Json, out: list[Event]) -> None:
        index = self._at(item)["output_index"]
        told = {"output_index": index, "item": _copy(item)}
        out.append(("response.output_item.done", told))

    # --- messages -------------------------------------------------------------------

    def _text(self, delta: normal.TextDelta, out: list[Event]) -> None:
        if delta.text:
            self._said("output_text", delta.text, out)
        if delta.signature:
            if self._message is None:
                self._part("output_text", out)
            self._signature = delta.signature

    def _refusal(self, delta: normal.RefusalDelta, out: list[Event]) -> None:
        self._said("refusal", delta.text, out)

    def _sound(self, delta: normal.AudioDelta, out: list[Event]) -> None:
        """Only its words: the API plays none."""
        self._said("output_text", delta.transcript, out)

    def _said(self, kind: str, text: str, out: list[Event]) -> None:
        if not text:
            return
        part = self._part(kind, out)
        self._words.append(text)
        self._chars += len(text)
        told = {**self._place(), "delta": text}
        if kind == "output_text":
            told["logprobs"] = _without_bytes(self._likelihoods)
            part["logprobs"] += self._likelihoods
            self._likelihoods = []
        out.append((f"response.{kind}.delta", told))

    def _part(self, kind: str, out: list[Event]) -> Json:
        """The open part of that kind."""
        self._close_reasoning(out)
        if self._message is None:
            item: Json = {
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            }
            self._message = self._open("msg", item, out)
        content = self._message["content"]
        if content and content[-1]["type"] == kind:
            part: Json = content[-1]
            return part
        if content:
            self._close_part(out)
        part = {"type": kind, "refusal": ""}
        if kind == "output_text":
            part = {"type": kind, "annotations": [], "logprobs": [], "text": ""}
        content.append(part)
        told = {**self._place(), "part": _copy(part)}
        out.append(("response.content_part.added", told))
        return part

    def _place(self) -> Json:
        message = self._message or {}
        return {**self._at(message), "content_index": len(message["content"]) - 1}

    def _close_part(self, out: list[Event]) -> None:
        place, part = self._place(), (self._message or {})["content"][-1]
        part[_member(part)] = "".join(self._words)
        self._words, self._chars = [], 0
        if part["type"] == "output_text":
            part["logprobs"] += self._likelihoods
            self._likelihoods = []
            told = {"text": part["text"], "logprobs": _without_bytes(part["logprobs"])}
            out.append(("response.output_text.done", {**place, **told}))
        else:
            told = {"refusal": part["refusal"]}
            out.append(("response.refusal.done", {**place, **told}))
        out.append(("response.content_part.done", {**place, "part": _copy(part)}))

    def _close_message(self, out: list[Event], status: str = "completed") -> None:
        message = self._message
        if message is None:
            return
        self._close_part(out)
        message["status"] = status
        self._message = None
        self._done(message, out)
        if self._signature:
            sealed = seal.Seal("gemini", "text", self._signature)
            self._sealed(sealed, out)
            self._signature = ""

    def _cited(self, delta: normal.CitationDelta, out: list[Event]) -> None:
        part = self._part("output_text", out)
        cited, end = delta.citation, self._chars
        note = {
            "type": "url_citation",
            "url": cited.url,
            "title": cited.title or cited.url,
            "start_index": end if cited.start is None else cited.start,
            "end_index": end if cited.end is None else cited.end,
        }
        index = len(part["annotations"])
        part["annotations"].append(note)
        told = {**self._place(), "annotation_index": index, "annotation": note}
        out.append(("response.output_text.annotation.added", told))

    def _likely(self, delta: normal.LogprobDelta, _: list[Event]) -> None:
        """Chat's log probabilities, of words that come with them."""
        told = _logprobs.decode(delta.logprobs).get("content") or []
        self._likelihoods += [_likelihood(entry) for entry in told]

    # --- reasoning ------------------------------------------------------------------

    def _thought(self, delta: normal.ThinkDelta, out: list[Event]) -> None:
        of = (delta.family, delta.id)
        other = self._reasoning is not None and delta.id and of != self._of
        alone = bool(delta.redacted) and not (delta.family == RESPONSES and delta.id)
        if other or alone:
            self._close_reasoning(out)
        if self._reasoning is None and not (
            delta.text or delta.signature or delta.redacted
        ):
            return
        item = self._open_reasoning(of, out)
        if delta.text:
            self._summarised(item, delta.text, out)
        if delta.redacted and delta.family == RESPONSES:
            item["encrypted_content"] = delta.redacted
            self._close_reasoning(out)
        elif delta.redacted or delta.signature:
            kind = "redacted" if delta.redacted else "signature"
            opaque = delta.redacted or delta.signature
            sealed = seal.Seal(delta.family, kind, opaque)  # type: ignore[arg-type]
            item["encrypted_content"] = seal.write(sealed)
            self._close_reasoning(out)

    def _open_reasoning(self, of: tuple[str, str], out: list[Event]) -> Json:
        if self._reasoning is None:
            self._close_message(out)
            self._of = of
            item: Json = {"type": "reasoning", "summary": []}
            self._reasoning = self._open("rs", item, out)
        return self._reasoning

    def _summarised(self, item: Json, text: str, out: list[Event]) -> None:
        place = {**self._at(item), "summary_index": 0}
        if not item["summary"]:
            item["summary"].append({"type": "summary_text", "text": ""})
            told = {**place, "part": _copy(item["summary"][0])}
            out.append(("response.reasoning_summary_part.added", told))
        self._summary.append(text)
        out.append(("response.reasoning_summary_text.delta", {**place, "delta": text}))

    def _close_reasoning(self, out: list[Event], status: str = "completed") -> None:
        item = self._reasoning
        if item is None:
            return
        self._reasoning = None
        for part in item["summary"]:
            part["text"], self._summary = "".join(self._summary), []
            place = {**self._at(item), "summary_index": 0}
            told = {**place, "text": part["text"]}
            out.append(("response.reasoning_summary_text.done", told))
            told = {**place, "part": _copy(part)}
            out.append(("response.reasoning_summary_part.done", told))
        if status != "completed":
            item["status"] = status
        self._done(item, out)

    def _sealed(self, sealed: seal.Seal, out: list[Event]) -> None:
        """A reasoning item that says nothing and carries a signature."""
        item = self._open_reasoning((sealed.family, ""), out)
        item["encrypted_content"] = seal.write(sealed)
        self._close_reasoning(out)

    # --- calls ----------------------------------------------------------------------

    def _call(self, delta: normal.ToolStart, out: list[Event]) -> None:
        if delta.tool in self._calls:
            return
        if delta.signature:
            self._sealed(seal.Seal("gemini", "call", delta.signature), out)
        self._close_message(out)
        self._close_reasoning(out)
        kind, field = "function_call", "arguments"
        if delta.custom:
            kind, field = "custom_tool_call", "input"
        item: Json = {
            "type": kind,
            "status": "in_progress",
            field: "",
            "call_id": delta.id,
            "name": delta.name,
        }
        if delta.custom:
            del item["status"]
        self._calls[delta.tool] = self._open("ctc" if delta.custom else "fc", item, out)
        self._arguments[delta.tool] = []

    def _more(self, delta: normal.ToolDelta, out: list[Event]) -> None:
        item = self._calls.get(delta.tool)
        if item is None or not delta.arguments:
            return
        self._arguments[delta.tool].append(delta.arguments)
        told = {**self._at(item), "delta": delta.arguments}
        out.append((f"response.{_grown(item)}.delta", told))

    def _close_call(
        self, number: int, item: Json, out: list[Event], status: str
    ) -> None:
        field = _field(item)
        item[field] = "".join(self._arguments[number])
        told = {**self._at(item), field: item[field]}
        if field == "arguments":
            told["name"] = item["name"]
            item["status"] = status
        out.append((f"response.{_grown(item)}.done", told))
        self._done(item, out)

    # --- parts that come whole ------------------------------------------------------

    def _whole(self, delta: normal.PartDelta, out: list[Event]) -> None:
        match delta.part:
            case Image(data=data) if data:
                self._close_message(out)
                self._close_reasoning(out)
                item = {"type": "image_generation_call", "status": "in_progress"}
                drawn = self._open("ig", {**item, "result": None}, out)
                drawn |= {"status": "completed", "result": data}
                self._done(drawn, out)
            case Image(url=url) if url:
                self._said("output_text", f"![image]({url})", out)
            case Document(text=text) if text:
                self._said("output_text", text, out)
            case Opaque(family="openai.responses"):
                self._close_message(out)
                self._close_reasoning(out)
                own = msgspec.json.decode(delta.part.raw)
                self.items.append(own)
                told = {"output_index": len(self.items) - 1, "item": own}
                out.append(("response.output_item.added", told))
                out.append(("response.output_item.done", told))


def _member(part: Json) -> str:
    return "text" if part["type"] == "output_text" else "refusal"


def _field(item: Json) -> str:
    return "arguments" if item["type"] == "function_call" else "input"


def _grown(item: Json) -> str:
    """The event of a call's growth."""
    if item["type"] == "function_call":
        return "function_call_arguments"
    return "custom_tool_call_input"


def _copy(item: Json) -> Json:
    """As it is now: it goes on growing."""
    return {k: [*v] if isinstance(v, list) else v for k, v in item.items()}


def _likelihood(entry: Json) -> Json:
    top = [_token(one) for one in entry.get("top_logprobs") or []]
    return {**_token(entry), "top_logprobs": top}


def _token(entry: Json) -> Json:
    token = entry.get("token") or ""
    told = entry.get("bytes")
    return {
        "token": token,
        "bytes": [*token.encode()] if told is None else told,
        "logprob": entry.get("logprob") or 0.0,
    }


def _without_bytes(entries: list[Json]) -> list[Json]:
    """As events tell them."""

    def plain(entry: Json) -> Json:
        return {name: entry[name] for name in ("token", "logprob")}

    return [
        {**plain(one), "top_logprobs": [plain(top) for top in one["top_logprobs"]]}
        for one in entries
    ]
