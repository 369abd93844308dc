"""The form in which the catalogue is written: for people, so in dollars.

    {"as_of": "2026-11-23",
     "sources": [{"name": "...", "licence": "...", "as_of": "2026-11-23"}],
     "models": {"openai": {"gpt-4o": {
       "max_input_tokens": 128000, "max_output_tokens": 16384,
       "price": {"input": 2.5, "output": 10, "cached": 1.25},
       "can": "function_calling vision"}}}}

Prices are US dollars per million tokens (or characters), per request, per picture, per
minute of sound, per search: the words and units of `price` in the configuration. What
is not there is not known; it is never zero.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from adapters.catalog.price import Price, Rates, Tier

Dollars = Annotated[float, Meta(ge=0, le=10_000)]
"""Ten times the dearest there is; more is a slip of the unit."""
Tokens = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Service = Literal["flex", "priority", "batch"]
ISO_DATE: Final = r"^\d{4}-\d\d-\d\d$"
Date = Annotated[str, Meta(pattern=ISO_DATE)]


class _Form(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    pass


class RatesForm(_Form, frozen=True, kw_only=True, omit_defaults=True):
    """Dollars per million tokens, by kind."""

    input: Dollars | None = None
    output: Dollars | None = None
    cached: Dollars | None = None
    cache_write: Dollars | None = None
    cache_write_1h: Dollars | None = None
    reasoning: Dollars | None = None
    audio_input: Dollars | None = None
    audio_output: Dollars | None = None
    image_input: Dollars | None = None
    image_output: Dollars | None = None


class TierForm(RatesForm, frozen=True, kw_only=True, omit_defaults=True):
    """The rates of prompts longer than `above` tokens."""

    above: Tokens


class ServiceForm(RatesForm, frozen=True, kw_only=True, omit_defaults=True):
    """The rates of another service than the usual one."""

    tiers: tuple[TierForm, ...] = ()


class PriceForm(RatesForm, frozen=True, kw_only=True, omit_defaults=True):
    """What a model costs."""

    character: Dollars | None = None
    request: Dollars | None = None
    image: Dollars | None = None
    sizes: dict[str, Dollars] = {}
    audio_minute: Dollars | None = None
    search: Dollars | None = None
    tiers: tuple[TierForm, ...] = ()
    services: dict[Service, ServiceForm] = {}


class Row(_Form, frozen=True, kw_only=True, omit_defaults=True):
    """One model."""

    mode: str = "chat"
    max_input_tokens: Tokens | None = None
    max_output_tokens: Tokens | None = None
    price: PriceForm | None = None
    can: str = ""
    """Abilities, with spaces between; or their short words of the document."""
    dimensions: Tokens | None = None
    retires: Date | None = None


class Source(_Form, frozen=True, kw_only=True, omit_defaults=True):
    """Where facts are from."""

    name: str
    licence: str = ""
    as_of: Date
    use: str = ""


class Document(_Form, frozen=True, kw_only=True, omit_defaults=True):
    """A whole file."""

    as_of: Date
    """Of its youngest fact."""
    sources: tuple[Source, ...] = ()
    abilities: dict[str, str] = {}
    """A short word -> the ability it stands for."""
    models: dict[str, dict[str, Row]]
    """By provider, by the provider's own name for the model."""


def priced(said: Mapping[str, Any]) -> Price:
    """Dollars, by the words of `PriceForm` -> a price."""
    whole = {name: _pico(said.get(name)) for name in ("image", "request")}
    minute = said.get("audio_minute")
    return Price(
        **_rates(said),
        image=whole["image"],
        sizes={name: round(each * 1e12) for name, each in _sizes(said).items()},
        request=whole["request"] or 0,
        character=_per_million(said.get("character")),
        search=_pico(said.get("search")),
        audio_ms=None if minute is None else _pico(minute / 60_000),
        tiers=_tiers(said),
        services={
            name: Price(**_rates(rates), tiers=_tiers(rates))
            for name, rates in (said.get("services") or {}).items()
        },
    )


def _sizes(said: Mapping[str, Any]) -> Mapping[str, float]:
    return said.get("sizes") or {}


def _tiers(said: Mapping[str, Any]) -> tuple[Tier, ...]:
    tiers = sorted(said.get("tiers") or (), key=lambda tier: int(tier["above"]))
    return tuple(Tier(above=tier["above"], **_rates(tier)) for tier in tiers)


def _rates(said: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _per_million(said.get(name)) for name in Rates.__struct_fields__}
    return {name: value for name, value in found.items() if value is not None}


def _per_million(dollars: float | None) -> int | None:
    """Pico-dollars for each of a million."""
    return None if dollars is None else round(dollars * 1e6)


def _pico(dollars: float | None) -> int | None:
    return None if dollars is None else round(dollars * 1e12)
