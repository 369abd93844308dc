"""What is known of a model: windows, prices, abilities; and what an exchange cost.

Money is integer here: prices in pico-dollars (1e-12 US dollars) per token, so that
$0.0375 a million tokens is 37500 and no price in the field needs a fraction; costs in
nano-dollars. A price nobody knows is `None`, never zero.

`catalog.json` beside this file names its sources, their licences and dates. Any price
is overridden by `price` of a deployment in the configuration.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Raw

from adapters.normal.usage import Usage

PICO_PER_NANO: Final = 1000
FILE: Final = Path(__file__).with_name("catalog.json")


class Rates(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Pico-dollars per token, by kind; `None`: no price of its own."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    """Read from the prompt cache; else `input`."""
    cache_write: int | None = None
    """Written to it; else `input`."""
    cache_write_1h: int | None = None
    """Written for an hour; else `cache_write`."""
    reasoning: int | None = None
    """Else `output`."""
    audio_input: int | None = None
    """Else `input`, as for images."""
    audio_output: int | None = None
    """Else `output`, as for images."""
    image_input: int | None = None
    image_output: int | None = None


class Tier(Rates, frozen=True, omit_defaults=True, kw_only=True):
    """The rates of a prompt longer than `above` tokens, in place of the price's own and
    for all tokens of the exchange."""

    above: int


class Price(Rates, frozen=True, omit_defaults=True, kw_only=True):
    """What a model costs."""

    request: int = 0
    """Pico-dollars per request, on top."""
    image: int | None = None
    """Per picture made. What has no rate of these three is billed by its tokens."""
    audio_ms: int | None = None
    """Per millisecond of sound, in or out."""
    character: int | None = None
    """Per character to be spoken."""
    tiers: tuple[Tier, ...] = ()
    """Ascending."""


class ModelFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of one model at one provider."""

    mode: str = "chat"
    """`chat`, `complete`, `embed`, or `responses`: only OpenAI's Responses API."""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    abilities: frozenset[str] = frozenset()
    """`vision`, `reasoning`, `function_calling`, `prompt_caching`, ..."""
    dimensions: int | None = None
    """Of an embedding, when not asked otherwise."""
    retires: str = ""
    """ISO date of its announced end."""


class Source(msgspec.Struct, frozen=True):
    """Where the file's facts are from."""

    name: str
    licence: str
    as_of: str
    """ISO date."""


class _Row(msgspec.Struct, frozen=True):
    """A model in the file."""

    mode: str = "chat"
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    can: str = ""
    """A letter for each ability."""
    dimensions: int | None = None
    retires: str = ""


class _File(msgspec.Struct, frozen=True):
    as_of: str
    sources: tuple[Source, ...]
    abilities: dict[str, str]
    models: dict[str, Raw]
    """By provider; its rows are read when it is first asked for."""


class _Table:
    """One provider's models."""

    def __init__(self, rows: dict[str, _Row]) -> None:
        self.rows = rows
        self.latest: dict[str, str] = {}
        """A name without its date -> the latest of that name."""
        for name in sorted(rows):
            short = _DATE.sub("", name)
            if short != name:
                self.latest[short] = name


_DATE: Final = re.compile(r"[-@](?:20\d\d-?\d\d-?\d\d|latest|\d{4}|\d{3})$")
_EVERY: Final = "*"
"""The row of a provider whose models are all alike."""
_SAME_PRICE: Final = {
    "codestral": "mistral",
    "vertex_ai": "gemini",
    "vertex_ai_anthropic": "anthropic",
    "azure_anthropic": "anthropic",
}
"""Other doors to the same models."""
_SAME_MODELS: Final = {"azure": "openai"}
"""The same models, at prices of their own."""
_FOLDERS: Final = {"fireworks_ai": "accounts/fireworks/models/"}
"""Where a provider's short names stand."""

_rows = msgspec.json.Decoder(dict[str, _Row]).decode


class Catalog:
    """The table. The file is read on first use, a provider's rows when it is first
    asked for: a gateway whose prices are all configured never pays for it."""

    def __init__(self, data: bytes | None = None) -> None:
        self._data = data
        self._file: _File | None = None
        self._tables: dict[str, _Table | None] = {}

    @property
    def as_of(self) -> str:
        """ISO date of the youngest fact."""
        return self._opened().as_of

    @property
    def sources(self) -> tuple[Source, ...]:
        return self._opened().sources

    def find(self, provider: str, model: str) -> ModelFacts | None:
        """What is known of a model, by a provider's id and its own name for the model.

        Understands `models/` and `provider/` prefixes, other cases, releases with a
        date or `latest` and names without one. Of a fine-tune, of a variant behind a
        colon (`:nitro`) and of Azure's deployments named like OpenAI's models the price
        is left out, unless the table has them by their own names.
        """
        base, tuned = _base(model)
        same = _SAME_PRICE.get(provider, provider)
        for where, name in ((provider, model), (same, model), (provider, tuned)):
            if (row := self._row(where, name)) is not None:
                return self._facts(row)
        kin = _SAME_MODELS.get(provider, provider)
        for where, name in ((kin, model), (provider, base)):
            if (row := self._row(where, name)) is not None:
                return msgspec.structs.replace(self._facts(row), price=None)
        table = self._table(provider)
        every = table.rows.get(_EVERY) if table is not None else None
        return self._facts(every) if every is not None else None

    def _row(self, provider: str, model: str) -> _Row | None:
        table = self._table(provider)
        if table is None:
            return None
        for name in _names(provider, model):
            exact = name if name in table.rows else table.latest.get(name)
            if exact is not None and exact != _EVERY:
                return table.rows[exact]
        return None

    def _table(self, provider: str) -> _Table | None:
        try:
            return self._tables[provider]
        except KeyError:
            raw = self._opened().models.get(provider)
            if raw is None:
                return None
            table = self._tables[provider] = _Table(_rows(raw))
            return table

    def _opened(self) -> _File:
        if self._file is None:
            data = FILE.read_bytes() if self._data is None else self._data
            self._file = msgspec.json.decode(data, type=_File)
        return self._file

    def _facts(self, row: _Row) -> ModelFacts:
        words = self._opened().abilities
        return ModelFacts(
            mode=row.mode,
            max_input_tokens=row.max_input_tokens,
            max_output_tokens=row.max_output_tokens,
            price=row.price,
            abilities=frozenset(words[letter] for letter in row.can),
            dimensions=row.dimensions,
            retires=row.retires,
        )


def _names(provider: str, model: str) -> Iterator[str]:
    """What a model may be called in the table, best guess first."""
    bare = model.removeprefix("models/").removeprefix(f"{provider}/")
    seen = set()
    for name in (model, bare, _FOLDERS.get(provider, "") + bare, bare.lower()):
        for form in (name, _DATE.sub("", name)):
            if form and form not in seen:
                seen.add(form)
                yield form


def _base(model: str) -> tuple[str, str]:
    """The model that a fine-tune or variant was made of, and the name that fine-tunes
    of it share; empty where there is none."""
    if model.startswith("ft:"):
        base = model.split(":")[1]
        return base, f"ft:{base}"
    return (model.partition(":")[0], "") if ":" in model else ("", "")


def cost_nano(usage: Usage, price: Price | None) -> int | None:
    """Nano-dollars of an exchange: summed exactly, rounded half up once at the end.

    `None` when a price that is needed is not known. Parts never count for more than
    their total: what a provider tells twice is billed once.
    """
    if price is None:
        return None
    if usage.paid is not None:
        usage = Usage(input=usage.paid[0], output=usage.paid[1])
    rates: Rates = price
    for tier in price.tiers:
        if usage.input > tier.above:
            rates = tier
    pico = _usual(usage, rates)
    if pico is None:
        bill = _Bill()
        bill.input(usage, rates)
        bill.output(usage, rates)
        if bill.unknown:
            return None
        pico = bill.pico
    if usage.images or usage.audio_ms or usage.characters:
        units = _units(usage, price)
        if units is None:
            return None
        pico += units
    return (pico + price.request + PICO_PER_NANO // 2) // PICO_PER_NANO


def _units(usage: Usage, price: Price) -> int | None:
    """What is billed by the piece; `None` where neither pieces nor tokens were."""
    billed = [
        count * rate
        for count, rate in (
            (usage.images, price.image),
            (usage.audio_ms, price.audio_ms),
            (usage.characters, price.character),
        )
        if count and rate is not None
    ]
    if billed or usage.total or price.request:
        return sum(billed)
    return None


def _usual(usage: Usage, rates: Rates) -> int | None:
    """The sum of the most frequent kinds, in a tenth of the time; else `None`."""
    cached, thought = usage.cached, usage.reasoning
    each, said = rates.input, rates.output
    if (
        usage.cache_write
        or usage.audio_input
        or usage.image_input
        or usage.audio_output
        or usage.image_output
        or each is None
        or said is None
        or not 0 <= cached <= usage.input
        or not 0 <= thought <= usage.output
    ):
        return None
    pico = usage.input * each + usage.output * said
    if cached and rates.cached is not None:
        pico += cached * (rates.cached - each)
    if thought and rates.reasoning is not None:
        pico += thought * (rates.reasoning - said)
    return pico


class _Bill:
    """Adds up; knows when it cannot."""

    __slots__ = ("pico", "unknown")

    def __init__(self) -> None:
        self.pico = 0
        self.unknown = False

    def input(self, usage: Usage, rates: Rates) -> None:
        left = self._take(usage.input, usage.cached, rates.cached, rates.input)
        long = min(usage.cache_write_1h, usage.cache_write)
        write = rates.input if rates.cache_write is None else rates.cache_write
        left = self._take(left, long, rates.cache_write_1h, write)
        left = self._take(left, usage.cache_write - long, write, None)
        left = self._take(left, usage.audio_input, rates.audio_input, rates.input)
        left = self._take(left, usage.image_input, rates.image_input, rates.input)
        self._take(left, left, rates.input, None)

    def output(self, usage: Usage, rates: Rates) -> None:
        left = self._take(usage.output, usage.reasoning, rates.reasoning, rates.output)
        left = self._take(left, usage.audio_output, rates.audio_output, rates.output)
        left = self._take(left, usage.image_output, rates.image_output, rates.output)
        self._take(left, left, rates.output, None)

    def _take(self, left: int, tokens: int, rate: int | None, other: int | None) -> int:
        """Bill so many tokens out of those left; how many are left then."""
        count = max(min(tokens, left), 0)
        if count:
            rate = other if rate is None else rate
            if rate is None:
                self.unknown = True
            else:
                self.pico += count * rate
        return left - count
