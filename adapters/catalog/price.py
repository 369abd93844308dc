"""What a model costs, and what an exchange did: integers, exact on every machine."""

from typing import Final

import msgspec

from adapters.normal.usage import Usage

PICO_PER_NANO: Final = 1000


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
    """Per picture made. What has no rate of these four is billed by its tokens."""
    sizes: dict[str, int] = {}
    """The same for pictures of a quality and size, as they are asked for (`hd`,
    `1024x1792`, `hd 1024x1792`, or nothing at all); else `image`."""
    audio_ms: int | None = None
    """Per millisecond of sound, in or out."""
    character: int | None = None
    """Per character to be spoken."""
    search: int | None = None
    """Per question that documents were ranked for."""
    tiers: tuple[Tier, ...] = ()
    """Ascending."""
    services: dict[str, "Price"] = {}
    """What is served otherwise than usual (`flex`, `priority`, `batch`), where rates
    for it are known. With none of them all cost the same; of one that is missing
    among others nobody knows the price."""


def drawn(price: Price, quality: str, size: str) -> Price:
    """The price of pictures that were asked for in these words."""
    if not price.sizes:
        return price
    said = " ".join(word for word in (quality, size) if word not in ("", "auto"))
    each = price.sizes.get(said, price.image)
    return msgspec.structs.replace(price, image=each, sizes={})


def cost_nano(usage: Usage, price: Price | None) -> int | None:
    """Nano-dollars of an exchange: summed exactly, rounded half up once at the end.

    `None` when a price that is needed is not known. Parts never count for more than
    their total: what a provider tells twice is billed once.
    """
    if price is None:
        return None
    if usage.service and price.services:
        return _served(usage, price)
    if usage.paid is not None:
        usage = Usage(input=usage.paid[0], output=usage.paid[1])
    pico = _tokens(usage, _rates(usage, price))
    if pico is None:
        return None
    if usage.images or usage.audio_ms or usage.characters or usage.searches:
        units = _units(usage, price)
        if units is None:
            return None
        pico += units
    request = price.request
    if usage.searches > 1 and price.search is None:
        request *= usage.searches  # Cohere: so many documents are one search
    return (pico + request + PICO_PER_NANO // 2) // PICO_PER_NANO


def _served(usage: Usage, price: Price) -> int | None:
    """What another service than the usual one cost."""
    usual = msgspec.structs.replace(usage, service="")
    return cost_nano(usual, price.services.get(usage.service))


def _rates(usage: Usage, price: Price) -> Rates:
    rates: Rates = price
    for tier in price.tiers:
        if usage.input > tier.above:
            rates = tier
    return rates


def _tokens(usage: Usage, rates: Rates) -> int | None:
    pico = _usual(usage, rates)
    if pico is None:
        bill = _Bill()
        bill.input(usage, rates)
        bill.output(usage, rates)
        return None if bill.unknown else bill.pico
    return pico


def _units(usage: Usage, price: Price) -> int | None:
    """What is billed by the piece; `None` where neither pieces nor tokens were."""
    billed = [
        count * rate
        for count, rate in (
            (usage.images, price.image),
            (usage.audio_ms, price.audio_ms),
            (usage.characters, price.character),
            (usage.searches, price.search),
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
