"""What an exchange used and what it cost, against a reference of its own."""

import json

from adapters.catalog import Catalog, Price, cost_nano
from adapters.normal.chat import ChatResult
from adapters.normal.delta import Used
from adapters.normal.embed import EmbedResult
from adapters.normal.fold import unfold
from adapters.normal.usage import Usage
from tests.replay import exceptions, material, own, reference
from tests.replay.material import CHAT, Recording
from tests.replay.test_cross import GOOD, STREAMS, WHOLES, of_each
from tests.shared import needs_shared

CATALOG = Catalog()
PROVIDERS = {"azure_openai": "azure"}
"""Providers under another name in the catalogue."""

ODD_TOTALS = {
    "gemini-144cab": "hand-made: smaller than its parts",
    "gemini-00364a": "hand-made: smaller than its parts",
    "gemini-ffe864": "hand-made: no count of the prompt",
}
"""Recordings whose total is not the sum."""


def price_of(recording: Recording) -> Price | None:
    """The price of the model that answered, as the deployment would have it."""
    provider = PROVIDERS.get(recording.provider, recording.provider)
    facts = CATALOG.find(provider, recording.model)
    return facts.price if facts is not None else None


def used(recording: Recording) -> Usage | None:
    """As the gateway would count it."""
    call = material.asking(recording, CHAT, stream=recording.streams)
    if recording.streams:
        frames = recording.frames(call)
        told = [d.usage for f in frames for d in f.deltas if isinstance(d, Used)]
        return told[-1] if told else None
    result = recording.result(call)
    assert isinstance(result, ChatResult)
    return result.usage


@of_each([r for r in GOOD if r.id not in exceptions.TWO_IN_ONE])
def test_usage_and_cost_are_those_of_the_reference(recording: Recording) -> None:
    found = used(recording)
    assert found == reference.usage(recording)
    price = price_of(recording)
    if found is not None and price is not None:
        assert cost_nano(found, price) == reference.cost(found, price)
        assert cost_nano(found, price) is not None


@of_each(WHOLES)
def test_a_whole_answer_costs_the_same_when_it_is_streamed(
    recording: Recording,
) -> None:
    call = material.asking(recording, CHAT)
    result = recording.result(call)
    assert isinstance(result, ChatResult)
    told = [d.usage for f in unfold(result) for d in f.deltas if isinstance(d, Used)]
    assert told == ([result.usage] if result.usage is not None else [])


def told_total(recording: Recording) -> int | None:
    """The provider's own total, last of a stream."""
    total = None
    for body in reference.objects(recording):
        inside = [c.get("usage") or {} for c in body.get("choices") or []]
        for told in (body.get("usage") or {}, *inside, body.get("usageMetadata") or {}):
            total = told.get("total_tokens", told.get("totalTokenCount", total))
    return total


@of_each([r for r in GOOD if r.family != "anthropic"])
def test_nothing_that_the_provider_totals_is_left_out(recording: Recording) -> None:
    total, found = told_total(recording), used(recording)
    if total is None or recording.id in exceptions.TWO_IN_ONE:
        return
    assert found is not None
    if recording.id in ODD_TOTALS:
        assert found.total != total
    else:
        assert found.total == total


EMBEDDINGS = [
    r
    for family in ("openai_embeddings", "gemini_embeddings")
    for r in material.every(family)
    if r.form == "whole" and r.request
]


@of_each(EMBEDDINGS)
def test_vectors_cost_what_the_reference_says(recording: Recording) -> None:
    hint = material.hint(recording)
    result = recording.result(recording.dialect.read_call(recording.request, hint))
    assert isinstance(result, EmbedResult)
    told = json.loads(recording.body)
    counted = told.get("usage") or told.get("usageMetadata")
    if counted is None:
        assert result.usage is None
        return
    tokens = counted.get("prompt_tokens", counted.get("promptTokenCount", 0))
    assert result.usage is not None
    assert (result.usage.input, result.usage.output) == (tokens, 0)
    price = price_of(recording)
    if price is not None:
        assert cost_nano(result.usage, price) == reference.cost(result.usage, price)


@needs_shared
def test_the_reference_is_not_vacuous() -> None:
    priced = [r for r in GOOD if price_of(r) is not None]
    counted = [(r, u) for r in GOOD if (u := reference.usage(r)) is not None]
    assert len(counted) > 1900
    assert len(priced) > 1300
    assert sum(u.cached > 0 for _, u in counted) > 100
    assert sum(u.cache_write > 0 for _, u in counted) > 20
    assert sum(u.reasoning > 0 for _, u in counted) > 150
    assert sum(bool(r.streams) for r, _ in counted) > 300
    assert len(STREAMS) > 450


def test_own_exchanges_cost_what_the_reference_says() -> None:
    assert all(price_of(r) is not None and reference.usage(r) for r in own.EVERY)
    used = Usage(input=10, output=3, cached=4, reasoning=1)
    price = Price(input=1500, output=2000, cached=500, reasoning=7000)
    assert reference.cost(used, price) == 22  # 9 + 2 + 4 + 7 nano-dollars
    assert reference.cost(used, Price(input=1)) is None
