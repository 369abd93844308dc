"""What is known of a model: windows, prices, abilities; and what an exchange cost.

Money is integer here: prices in pico-dollars (1e-12 US dollars) per token, so that
$0.0375 a million tokens is 37500 and no price in the field needs a fraction; costs in
nano-dollars. A price nobody knows is `None`, never zero.

`catalog.json` beside this file names its sources, licences and date. Any row is
overridden by `price` of a deployment in the configuration.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

from adapters.normal.usage import Usage

PICO_PER_NANO: Final = 1000


class Rates(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Pico-dollars per token, by kind; `None`: no price of its own."""

    input: int
    output: int
    cached: int | None = None
    """Read from the prompt cache; else `input`."""
    cache_write: int | None = None
    """Written to it; else `input`."""
    cache_write_1h: int | None = None
    """Written for an hour; else `cache_write`."""
    reasoning: int | None = None
    """Else `output`."""
    audio_input: int | None = None
    audio_output: int | None = None


class Tier(Rates, frozen=True, omit_defaults=True, kw_only=True):
    """The rates of a prompt longer than `above` tokens: of all its tokens."""

    above: int


class Price(Rates, frozen=True, omit_defaults=True, kw_only=True):
    """What a model costs."""

    request: int = 0
    """Pico-dollars per request, on top."""
    tiers: tuple[Tier, ...] = ()
    """Ascending."""


class ModelFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of one model at one provider."""

    mode: str = "chat"
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    abilities: frozenset[str] = frozenset()
    """`vision`, `reasoning`, `function_calling`, `prompt_caching`, ..."""
    retires: str = ""
    """ISO date of its announced end."""


class _File(msgspec.Struct, frozen=True):
    as_of: str
    sources: list[str]
    models: dict[str, dict[str, ModelFacts]]


_DATE: Final = re.compile(r"[-@](20\d{2}-?\d{2}-?\d{2}|latest|\d{4}|\d{3})$")
_KIN: Final = {
    # Other doors to the same models at the same prices.
    "codestral": "mistral",
    "xiaomi": "xiaomi_mimo",
}


class Catalog:
    """The table, read on first use: a gateway whose prices are all configured never
    pays for it."""

    def __init__(self, data: bytes | None = None) -> None:
        self._data = data
        self._models: Mapping[str, Mapping[str, ModelFacts]] | None = None

    def find(self, provider: str, model: str) -> ModelFacts | None:
        """The row of a model, by a provider's id and its own name for the model.

        Understands `models/` and `provider/` prefixes, fine-tunes (`ft:base:...`) and
        dated releases whose family has a row.
        """
        rows = self._rows().get(provider) or self._rows().get(_KIN.get(provider, ""))
        if rows is None:
            return None
        name = model.removeprefix("models/").removeprefix(f"{provider}/")
        if name.startswith("ft:"):
            name = name.split(":")[1]
        found = rows.get(name)
        if found is None:
            found = rows.get(_DATE.sub("", name))
        return found

    def _rows(self) -> Mapping[str, Mapping[str, ModelFacts]]:
        if self._models is None:
            data = self._data
            if data is None:
                data = files("adapters").joinpath("catalog.json").read_bytes()
            self._models = msgspec.json.decode(data, type=_File).models
        return self._models


def cost_nano(usage: Usage, price: Price) -> int:
    """Nano-dollars of an exchange: summed exactly, rounded half up once at the end."""
    rates: Rates = price
    for tier in price.tiers:
        if usage.input > tier.above:
            rates = tier
    plain_in = usage.input - usage.cached - usage.cache_write - usage.audio_input
    plain_out = usage.output - usage.reasoning - usage.audio_output
    short_write = usage.cache_write - usage.cache_write_1h
    write = _or(rates.cache_write, rates.input)
    pico = (
        price.request
        + max(0, plain_in) * rates.input
        + usage.cached * _or(rates.cached, rates.input)
        + short_write * write
        + usage.cache_write_1h * _or(rates.cache_write_1h, write)
        + usage.audio_input * _or(rates.audio_input, rates.input)
        + max(0, plain_out) * rates.output
        + usage.reasoning * _or(rates.reasoning, rates.output)
        + usage.audio_output * _or(rates.audio_output, rates.output)
    )
    return (pico + PICO_PER_NANO // 2) // PICO_PER_NANO


def _or(price: int | None, other: int) -> int:
    return other if price is None else price
