"""LiteLLM's table of models (`model_prices_and_context_window.json`) in our own form.

Its prices are US dollars per token, second, character, picture or request; it writes 0
where a price is not known, so a price of nothing but zeros is none here. What is billed
per pixel, page or video is not in our form and left out. Source: LiteLLM 1.109.1 (MIT,
Berri AI).
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from adapters.catalog.form import Row

LITELLM: Final = "LiteLLM, model prices and context windows"

MODES: Final = {
    "chat": "chat",
    "completion": "complete",
    "embedding": "embed",
    "responses": "responses",
    "rerank": "rerank",
    "image_generation": "image",
    "image_edit": "image",
    "audio_transcription": "transcribe",
    "audio_speech": "speech",
    "moderation": "moderate",
    "realtime": "realtime",
}
"""What is not here is nothing that is asked through us: its rows are passed over."""
_PER_TOKEN: Final = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "reasoning": "output_cost_per_reasoning_token",
    "audio_input": "input_cost_per_audio_token",
    "audio_output": "output_cost_per_audio_token",
    "image_input": "input_cost_per_image_token",
    "image_output": "output_cost_per_image_token",
}
_SERVICES: Final = {"flex": "_flex", "priority": "_priority", "batch": "_batches"}
_TIER: Final = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_FAMILY: Final = re.compile(r"[-_](?:[a-z0-9]+[-_])?(?:language[-_])?models$")
"""Google's and Fireworks' models stand under one provider for each maker."""
_SIZED: Final = re.compile(r"(?:^|/)(?:\d+-x-\d+|max-x-max)/")
"""A picture of one size: we know a price for each model, not for each size."""


class _Bad(Exception):
    pass


def models(
    table: Mapping[str, Any], canonical: Callable[[str], str]
) -> tuple[dict[str, dict[str, Row]], list[str]]:
    """Its rows by provider and model, and what is wrong with the others."""
    found: dict[str, dict[str, Row]] = {}
    wrong: list[str] = []
    for key, told in table.items():
        if key == "sample_spec":
            continue
        if not isinstance(told, dict) or "litellm_provider" not in told:
            wrong.append(f"{key}: no row of LiteLLM's table")
            continue
        if told.get("mode") not in MODES or _SIZED.search(key):
            continue
        provider = _provider(str(told["litellm_provider"]), canonical)
        name = _name(key, provider, canonical)
        rows = found.setdefault(provider, {})
        try:
            row = _read(told, free=key.endswith(":free"))
        except (_Bad, msgspec.ValidationError) as error:
            wrong.append(f"{key}: {error}")
            continue
        if name and (name not in rows or rows[name].price is None):
            rows[name] = row
    return {provider: rows for provider, rows in found.items() if rows}, wrong


def _provider(said: str, canonical: Callable[[str], str]) -> str:
    known = canonical(said)
    return known if known != said else canonical(_FAMILY.sub("", said))


def _name(key: str, provider: str, canonical: Callable[[str], str]) -> str:
    """The provider's own name: without the prefix that leads to the provider."""
    prefix, slash, rest = key.partition("/")
    return rest if slash and _provider(prefix, canonical) == provider else key


def _read(told: Mapping[str, Any], *, free: bool) -> Row:
    mode = MODES[told["mode"]]
    row: dict[str, Any] = {"mode": mode}
    for name in ("max_input_tokens", "max_output_tokens"):
        if count := _count(told, name):
            row[name] = count
    if mode == "embed" and (size := _count(told, "output_vector_size")):
        row["dimensions"] = size
    if price := _price(told, free=free):
        row["price"] = price
    abilities = [
        name.removeprefix("supports_")
        for name, value in told.items()
        if name.startswith("supports_") and value is True
    ]
    if abilities:
        row["can"] = " ".join(sorted(abilities))
    if retires := told.get("deprecation_date"):
        row["retires"] = retires
    return msgspec.convert(row, Row)


def _price(told: Mapping[str, Any], *, free: bool) -> dict[str, Any]:
    price: dict[str, Any] = _rates(told, "")
    price |= _told(_pieces(told, tokens="input" in price or "image_output" in price))
    if price and (tiers := _tiers(told, "")):
        price["tiers"] = tiers
    if price and (services := _services(told, price)):
        price["services"] = services
    if not price and free and told.get("input_cost_per_token") == 0:
        price = {"input": 0.0, "output": 0.0}
    return price


def _tiers(told: Mapping[str, Any], service: str) -> list[dict[str, Any]]:
    above = sorted({int(m[1]) for name in told if (m := _TIER.fullmatch(name))})
    return [
        {"above": thousand * 1000, **rates}
        for thousand in above
        if (rates := _rates(told, f"_above_{thousand}k_tokens{service}"))
    ]


def _services(
    told: Mapping[str, Any], price: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Those with rates of their own for whatever the usual one has."""
    needed = {"input", "output"} & price.keys()
    found: dict[str, dict[str, Any]] = {}
    for name, suffix in _SERVICES.items():
        rates: dict[str, Any] = _rates(told, suffix)
        if needed and needed <= rates.keys():
            tiers = _tiers(told, suffix)
            found[name] = {**rates, "tiers": tiers} if tiers else rates
    return found


def _pieces(told: Mapping[str, Any], *, tokens: bool) -> dict[str, float | None]:
    """What is billed beside tokens, or in their place: never both for the same."""
    dollars = partial(_dollars, told)
    asked, query = dollars("input_cost_per_request"), dollars("input_cost_per_query")
    found = {"request": asked or query}
    match MODES[told["mode"]]:
        case "image" if not tokens:
            each = dollars("output_cost_per_image")
            found["image"] = each or dollars("input_cost_per_image")
        case "speech" if not tokens:
            found["character"] = dollars("input_cost_per_character", 1e6)
        case "transcribe" if not tokens:
            each = dollars("input_cost_per_second", 60.0)
            found["audio_minute"] = each or dollars("output_cost_per_second", 60.0)
        case "rerank":
            found = {"request": asked, "search": query}
        case _:
            pass
    return found


def _rates(told: Mapping[str, Any], suffix: str) -> dict[str, float]:
    return _told(
        {
            kind: _dollars(told, f"{name}{suffix}", 1e6)
            for kind, name in _PER_TOKEN.items()
        }
    )


def _told(found: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in found.items() if value}


def _dollars(told: Mapping[str, Any], name: str, times: float = 1.0) -> float | None:
    """A figure, by so much; `None` where it is missing or zero: not known."""
    value = told.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _Bad(f"{name} is no price")
    return round(value * times, 9) or None


def _count(told: Mapping[str, Any], name: str) -> int:
    """A whole number from 1; anything else is not told (LiteLLM writes texts too)."""
    value = told.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and value > 0 else 0
