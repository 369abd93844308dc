"""Moderation: read from clients, asked of providers, answered.

Source: platform.openai.com/docs/api-reference/moderations; openai-python 3.54.0.
Mistral's copy leaves `flagged` out.
"""

from typing import Any, Final

import msgspec

from adapters.contract import Hint, WireResponse
from adapters.errors import BadCall
from adapters.normal.content import Image, Text
from adapters.normal.moderate import Judgement, ModerateCall, ModerateResult
from adapters.openai import errors, mend, wire
from adapters.openai import fields as f
from adapters.openai.calls import forwarded
from adapters.openai.media import asked, used
from adapters.openai.media.events import Json

DEFAULT: Final = "omni-moderation-latest"
"""The model that OpenAI takes when none is named."""


class _Result(msgspec.Struct, frozen=True, gc=False):
    flagged: bool
    categories: dict[str, bool | None]
    category_scores: dict[str, float | None]
    category_applied_input_types: dict[str, list[str]] | None = None


class _Answer(msgspec.Struct, frozen=True, gc=False):
    id: str
    model: str
    results: list[_Result]
    usage: msgspec.Raw = wire.ABSENT
    error: msgspec.Raw = wire.ABSENT


_answer = msgspec.json.Decoder(_Answer)


def read_call(body: bytes, hint: Hint) -> ModerateCall:
    """A call.

    Raises:
        BadCall: not one; says where.
    """
    told = asked.read(body, hint, form=False)
    raw = f.take_raw(told.top, "input")
    if not raw:
        raise BadCall("input: missing", "input")
    found = f.decode(f.anything, raw, "input")
    entries = found if isinstance(found, list) else [found]
    inputs = tuple(_input(entry, at) for at, entry in enumerate(entries))
    return ModerateCall(
        model=asked.model(told, hint, DEFAULT),
        dialect=wire.MODERATIONS,
        raw=body,
        inputs=inputs,
        together=any(isinstance(entry, dict) for entry in entries),
        user=told.text("user"),
        headers=forwarded(hint.headers),
        extra=told.extra(),
    )


def _input(entry: Any, at: int) -> Text | Image:
    if isinstance(entry, str):
        return Text(entry)
    if isinstance(entry, dict):
        if isinstance(entry.get("text"), str):
            return Text(entry["text"])
        address = entry.get("image_url")
        url = address.get("url") if isinstance(address, dict) else None
        if isinstance(url, str):
            return Image(url=url)
    where = f"input[{at}]"
    raise BadCall(f"{where}: neither a text nor an image_url", where)


def parse(response: WireResponse, call: ModerateCall) -> ModerateResult:
    """The judgements.

    Raises:
        UpstreamError: an error inside the 200, or no judgements.
    """
    body = response.body
    try:
        told = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        body = _mended(body, call)
        try:
            told = _answer.decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise errors.garbled(f"no judgements ({error})", body) from error
    if wire.present(told.error) and (wrong := errors.inside(wire.value.decode(body))):
        raise wrong
    usage = wire.value.decode(told.usage) if wire.present(told.usage) else None
    return ModerateResult(
        id=told.id,
        model=told.model,
        judgements=tuple(map(_judgement, told.results)),
        usage=used.read(usage) or call.least(),
        raw=body,
        dialect=wire.MODERATIONS,
    )


def _mended(body: bytes, call: ModerateCall) -> bytes:
    found = mend.load(body)
    if error := errors.inside(found, body):
        raise error
    results = found.get("results") if isinstance(found, dict) else None
    if not isinstance(results, list):
        raise errors.garbled("no judgements", body)
    for name, default in (("id", "modr"), ("model", call.model)):
        if not isinstance(found.get(name), str):
            found[name] = default
    for entry in results:
        if isinstance(entry, dict) and not isinstance(entry.get("flagged"), bool):
            categories = entry.get("categories")
            held = categories.values() if isinstance(categories, dict) else ()
            entry["flagged"] = any(value is True for value in held)
    return wire.encode(found)


def _judgement(told: _Result) -> Judgement:
    seen = told.category_applied_input_types or {}
    return Judgement(
        told.flagged,
        {name: bool(value) for name, value in told.categories.items()},
        {name: value or 0.0 for name, value in told.category_scores.items()},
        {name: tuple(kinds) for name, kinds in seen.items()},
    )


def write(result: ModerateResult) -> bytes:
    """The answer; one that is OpenAI's already goes verbatim."""
    if result.raw and result.dialect == wire.MODERATIONS:
        return result.raw
    results: list[Json] = [
        {
            "flagged": found.flagged,
            "categories": found.categories,
            "category_scores": found.scores,
            "category_applied_input_types": {k: list(v) for k, v in found.seen.items()},
        }
        for found in result.judgements
    ]
    return wire.encode({"id": result.id, "model": result.model, "results": results})
