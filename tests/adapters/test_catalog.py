"""Costs equal an independent sum, and models are found by the names in use."""

import json
import time
import tracemalloc
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.catalog import (
    BadCatalog,
    Catalog,
    Document,
    ModelFacts,
    Price,
    Rates,
    Source,
    Tier,
    cost_nano,
    priced,
    read,
    write,
)
from adapters.catalog.form import PriceForm, Row
from adapters.catalog.litellm import MODES as LITELLM_MODES
from adapters.catalog.lookup import DATA, built_in
from adapters.normal.usage import Usage
from adapters.providers import PROVIDERS

CATALOG = Catalog()
MODES = frozenset(LITELLM_MODES.values())
COMING = {
    "assemblyai",
    "aws_polly",
    "bedrock",
    "black_forest_labs",
    "deepgram",
    "elevenlabs",
    "fal_ai",
    "gigachat",
    "jina_ai",
    "nlp_cloud",
    "oci",
    "replicate",
    "sagemaker",
    "sap",
    "soniox",
    "stability",
    "vertex_ai",
    "voyage",
    "watsonx",
}
"""Providers whose models are known before they can be spoken to."""
ROWS: dict[str, dict[str, Any]] = {
    provider: msgspec.json.decode((DATA / f"{provider}.json").read_bytes())["models"][
        provider
    ]
    for provider in built_in()
}

KINDS = [name for name in Rates.__struct_fields__ if name not in ("input", "output")]
prices = st.none() | st.integers(0, 10**9)


def reference_pieces(usage: Usage, price: Price) -> Fraction | None:
    """Dollars for what is billed by the piece; `None` where neither pieces nor tokens
    have a price."""
    pieces = [
        (usage.images, price.image),
        (usage.audio_ms, price.audio_ms),
        (usage.characters, price.character),
        (usage.searches, price.search),
    ]
    known = [count * each for count, each in pieces if count and each is not None]
    asked = any(count for count, _ in pieces)
    if asked and not known and not usage.total and not price.request:
        return None
    return Fraction(sum(known), 10**12)


def _requests(usage: Usage, price: Price) -> int:
    """A request of several searches is so many, unless searches have a price."""
    return max(usage.searches, 1) if price.search is None else 1


def reference(usage: Usage, price: Price) -> int | None:
    """The cost in whole nano-dollars, worked out token kind by token kind in exact
    dollars: written from the meaning of the fields, not from the code."""
    if usage.service and price.services:
        usual = msgspec.structs.replace(usage, service="")
        other = price.services.get(usage.service)
        return None if other is None else reference(usual, other)
    rates = {name: getattr(price, name) for name in Rates.__struct_fields__}
    for tier in price.tiers:
        if usage.input > tier.above:
            rates = {name: getattr(tier, name) for name in Rates.__struct_fields__}

    def dollars(kind: str, *others: str) -> Fraction | None:
        for name in (kind, *others):
            if rates[name] is not None:
                return Fraction(rates[name], 10**12)
        return None

    tokens: list[tuple[int, Fraction | None]] = []
    rest = usage.input
    long = min(usage.cache_write_1h, usage.cache_write)
    for count, each in (
        (usage.cached, dollars("cached", "input")),
        (long, dollars("cache_write_1h", "cache_write", "input")),
        (usage.cache_write - long, dollars("cache_write", "input")),
        (usage.audio_input, dollars("audio_input", "input")),
        (usage.image_input, dollars("image_input", "input")),
        (usage.input, dollars("input")),
    ):
        billed = min(count, rest)
        rest -= billed
        tokens.append((billed, each))
    rest = usage.output
    for count, each in (
        (usage.reasoning, dollars("reasoning", "output")),
        (usage.audio_output, dollars("audio_output", "output")),
        (usage.image_output, dollars("image_output", "output")),
        (usage.output, dollars("output")),
    ):
        billed = min(count, rest)
        rest -= billed
        tokens.append((billed, each))
    pieces = reference_pieces(usage, price)
    if pieces is None or any(billed and each is None for billed, each in tokens):
        return None
    total = Fraction(price.request * _requests(usage, price), 10**12) + pieces
    total += sum(billed * (each or 0) for billed, each in tokens)
    nano = Decimal((total * 10**9).numerator) / Decimal((total * 10**9).denominator)
    return int(nano.to_integral_value(ROUND_HALF_UP))


services = st.sampled_from(["", "flex", "priority", "batch"])


@st.composite
def usages(draw: st.DrawFn, sane: bool = False) -> Usage:
    most = st.integers(0, 300_000)
    if not sane:
        other = ("estimated", "paid", "service")
        names = (n for n in Usage.__struct_fields__ if n not in other)
        return Usage(service=draw(services), **{n: draw(most) for n in names})
    parts = {n: draw(st.integers(0, 100_000)) for n in ("cached", "cache_write")}
    parts["cache_write_1h"] = draw(st.integers(0, parts["cache_write"]))
    parts |= {n: draw(st.integers(0, 1000)) for n in ("audio_input", "image_input")}
    spoken = {n: draw(st.integers(0, 1000)) for n in ("reasoning", "audio_output")}
    return Usage(
        input=sum(parts.values()) - parts["cache_write_1h"] + draw(most),
        output=sum(spoken.values()) + draw(most),
        service=draw(services),
        **parts,
        **spoken,
    )


plain = st.builds(
    Usage,
    input=st.integers(0, 300_000),
    output=st.integers(0, 300_000),
    cached=st.integers(0, 400_000),
    reasoning=st.integers(0, 400_000),
)


@st.composite
def rates(draw: st.DrawFn) -> dict[str, int | None]:
    return {name: draw(prices) for name in Rates.__struct_fields__}


@st.composite
def priced_tiers(draw: st.DrawFn) -> Price:
    bounds = sorted(draw(st.sets(st.sampled_from([1000, 128_000, 200_000]))))
    tiers = tuple(Tier(above=above, **draw(rates())) for above in bounds)
    return Price(tiers=tiers, **draw(rates()))


@st.composite
def price_lists(draw: st.DrawFn) -> Price:
    pieces = ("image", "audio_ms", "character", "search")
    others = st.dictionaries(services.filter(bool), priced_tiers(), max_size=2)
    return msgspec.structs.replace(
        draw(priced_tiers()),
        request=draw(st.just(0) | st.integers(0, 10**10)),
        services=draw(st.just({}) | others),
        **{name: draw(prices) for name in pieces},
    )


@given(usages() | usages(sane=True) | plain, price_lists())
def test_a_cost_equals_the_reference(usage: Usage, price: Price) -> None:
    assert cost_nano(usage, price) == reference(usage, price)


@given(
    usages() | plain,
    price_lists().map(
        lambda price: msgspec.structs.replace(price, tiers=(), services={})
    ),
    st.sampled_from(["input", "output"]),
    st.integers(1, 100_000),
)
def test_more_tokens_never_cost_less(
    usage: Usage, price: Price, kind: str, more: int
) -> None:
    before = cost_nano(usage, price)
    assume(before is not None)
    grown = msgspec.structs.replace(usage, **{kind: getattr(usage, kind) + more})
    after = cost_nano(grown, price)
    assert after is None or before is None or after >= before


@given(usages(), rates(), st.sampled_from(["input", "output"]))
def test_a_price_that_is_needed_and_unknown_is_never_zero(
    usage: Usage, known: dict[str, int | None], kind: str
) -> None:
    price = Price(**{**dict.fromkeys(known), "request": 7, kind: 5})
    other = usage.output if kind == "input" else usage.input
    assert (cost_nano(usage, price) is None) == (other > 0)
    assert cost_nano(usage, None) is None


@given(usages(sane=True), rates())
def test_parts_without_a_price_of_their_own_cost_what_the_whole_does(
    usage: Usage, some: dict[str, int | None]
) -> None:
    price = Price(input=some["input"] or 3, output=some["output"] or 5)
    pico = usage.input * (price.input or 0) + usage.output * (price.output or 0)
    assert cost_nano(usage, price) == (pico + 500) // 1000


def test_a_cost_is_rounded_once_half_up() -> None:
    price = Price(input=500, output=499)
    assert cost_nano(Usage(input=1), price) == 1
    assert cost_nano(Usage(output=1), price) == 0
    assert cost_nano(Usage(input=1, output=1), price) == 1
    assert cost_nano(Usage(), price) == 0


def test_a_printed_bill_comes_out_to_the_nano_dollar() -> None:
    facts = CATALOG.find("anthropic", "claude-sonnet-4-5")
    assert facts is not None
    usage = Usage(
        input=1000, output=200, cached=500, cache_write=300, cache_write_1h=100
    )
    # 200 at $3, 500 at $0.30, 200 at $3.75, 100 at $6, 200 at $15, a million each.
    assert cost_nano(usage, facts.price) == 600_000 + 150_000 + 750_000 + 600_000 + (
        3_000_000
    )


def test_a_long_prompt_pays_the_higher_rates_for_all_of_it() -> None:
    facts = CATALOG.find("gemini", "gemini-2.5-pro")
    assert facts is not None
    assert cost_nano(Usage(input=200_000), facts.price) == 250_000_000
    assert cost_nano(Usage(input=200_001), facts.price) == 500_002_500


def test_a_cost_is_worked_out_fast_enough_for_every_request() -> None:
    facts = CATALOG.find("openai", "gpt-4o")
    assert facts is not None
    usage = Usage(input=1000, output=100, cached=500, reasoning=10)
    began = time.perf_counter()
    for _ in range(2000):
        cost_nano(usage, facts.price)
    assert (time.perf_counter() - began) / 2000 < 50e-6


@pytest.mark.parametrize(
    ("provider", "asked", "meant"),
    [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-4o-2030-01-01", "gpt-4o"),
        ("openai", "gpt-4o-latest", "gpt-4o"),
        ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "gemini-2.5-pro-001", "gemini-2.5-pro"),
        ("anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929"),
        ("anthropic", "claude-3-haiku", "claude-3-haiku-20240307"),
        ("anthropic", "claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        ("mistral", "mistral-large-2411", "mistral-large-2411"),
    ],
)
def test_a_model_is_found_by_the_names_in_use(
    provider: str, asked: str, meant: str
) -> None:
    row = ROWS[provider][meant]
    facts = CATALOG.find(provider, asked)
    assert facts is not None
    assert facts.price is not None
    assert facts.max_input_tokens == row["max_input_tokens"]
    assert facts.price.input == round(row["price"]["input"] * 1e6)


def test_a_fine_tune_has_its_base_s_limits_and_only_its_own_price() -> None:
    base = CATALOG.find("openai", "gpt-4o-2024-08-06")
    tuned = CATALOG.find("openai", "ft:gpt-4o-2024-08-06:acme::abc123")
    assert base is not None
    assert tuned is not None
    assert tuned.max_input_tokens == base.max_input_tokens
    assert tuned.price != base.price
    assert tuned.price is not None
    own = CATALOG.find("openai", "ft:gpt-4-turbo:acme::abc123")
    assert own is not None
    assert own.price is None
    assert CATALOG.find("openai", "ft:") is None


def test_a_variant_and_a_namesake_lend_limits_but_no_price() -> None:
    plain = CATALOG.find("openrouter", "openai/gpt-4o")
    nitro = CATALOG.find("openrouter", "openai/gpt-4o:nitro")
    assert plain is not None
    assert nitro is not None
    assert plain.price is not None
    assert nitro.price is None
    assert nitro.abilities == plain.abilities
    lent = [name for name in ROWS["openai"] if name not in ROWS["azure"]]
    facts = [CATALOG.find("azure", name) for name in lent]
    assert any(f is not None and f.price is None for f in facts)


def test_the_demo_costs_nothing_and_strangers_are_unknown() -> None:
    demo = CATALOG.find("echo", "whatever")
    assert demo is not None
    assert cost_nano(Usage(input=10, output=10), demo.price) == 0
    for provider, model in (
        ("nobody", "gpt-4o"),
        ("openai", "no-such-model"),
        ("openai", ""),
        ("echo ", "demo"),
        ("openai", "*"),
        ("openai", "\x00" * 1000),
    ):
        assert CATALOG.find(provider, model) is None


@given(st.sampled_from(sorted(ROWS)), st.text(max_size=30))
def test_any_name_at_all_may_be_asked_for(provider: str, model: str) -> None:
    facts = CATALOG.find(provider, model)
    assert facts is None or isinstance(facts, ModelFacts)


@pytest.mark.parametrize("provider", sorted(ROWS))
def test_every_row_of_the_file_is_sound(provider: str) -> None:
    assert provider in PROVIDERS or provider in COMING
    for name in ROWS[provider]:
        facts = CATALOG.find(provider, name)
        assert facts is not None, name
        assert facts.mode in MODES
        if facts.retires:
            date.fromisoformat(facts.retires)
        for limit in (facts.max_input_tokens, facts.max_output_tokens):
            assert limit is None or 0 < limit <= 100_000_000
        if facts.price is not None and not name.endswith((":free", "*")):
            _is_sound(provider, name, facts.price)


def _is_sound(provider: str, name: str, price: Price) -> None:
    for rates in (price, *price.tiers):
        for kind in Rates.__struct_fields__:
            value = getattr(rates, kind)
            # From a tenth of a cent to a thousand dollars a million tokens.
            assert value is None or 100 <= value <= 10**9, (provider, name, kind)
        assert rates.cached is None or rates.input is None or rates.cached < 10**9
    told = msgspec.structs.astuple(msgspec.structs.replace(price, tiers=()))
    assert any(told), (provider, name)
    assert list(price.tiers) == sorted(price.tiers, key=lambda tier: tier.above)


def test_the_file_names_its_sources() -> None:
    assert date.fromisoformat(CATALOG.as_of)
    assert len(CATALOG.sources) >= 2
    for source in CATALOG.sources:
        assert "MIT" in source.licence or "price list" in source.name
        assert date.fromisoformat(source.as_of)
    assert sum(map(len, ROWS.values())) > 8000
    sizes = [path.stat().st_size for path in DATA.iterdir()]
    assert max(sizes) < 500_000
    assert sum(sizes) < 1_500_000


def test_only_what_is_asked_for_is_read() -> None:
    tracemalloc.start()
    catalog = Catalog()
    for provider in ("openai", "anthropic", "openrouter"):
        catalog.find(provider, "gpt-4o")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000


def test_the_table_costs_little_to_open() -> None:
    best = 1.0
    for _ in range(20):  # this machine may be busy
        began = time.perf_counter()
        assert Catalog().find("openai", "gpt-4o") is not None
        best = min(best, time.perf_counter() - began)
    assert best < 0.03


def test_what_is_paid_for_counts_where_it_is_not_what_was_used() -> None:
    price = Price(input=2_500_000, output=10_000_000, cached=1)
    used = Usage(input=502, output=26, cached=464, paid=(7, 22))
    assert cost_nano(used, price) == 7 * 2500 + 22 * 10_000
    assert cost_nano(msgspec.structs.replace(used, paid=(0, 0)), price) == 0


def _own_with(row: dict[str, Any]) -> bytes:
    document = {"as_of": "2026-01-01", "models": {"acme": {"m": row}}}
    return json.dumps(document).encode()


OWN = Document(
    as_of="2099-01-01",
    sources=(Source(name="ours", as_of="2099-01-01"),),
    models={
        "openai": {"gpt-4o": Row(price=PriceForm(input=1.5), can="vision psychic")},
        "acme": {"m-2024-01-01": Row(max_input_tokens=7)},
    },
)


def test_a_document_of_ones_own_comes_before_model_by_model() -> None:
    catalog = Catalog(write(OWN))
    assert catalog.as_of == "2099-01-01"
    assert catalog.sources[0].name == "ours"
    mine, theirs = catalog.find("openai", "gpt-4o"), CATALOG.find("openai", "gpt-4o")
    assert mine is not None
    assert theirs is not None
    assert mine.price == Price(input=1_500_000)
    assert mine.max_input_tokens is None
    assert mine.abilities == {"vision", "psychic"}
    assert catalog.find("openai", "gpt-4o-mini") == CATALOG.find(
        "openai", "gpt-4o-mini"
    )
    found = catalog.find("acme", "m")
    assert found is not None
    assert (found.max_input_tokens, found.price) == (7, None)


@given(st.sampled_from(sorted(ROWS)))
def test_what_is_written_reads_the_same(provider: str) -> None:
    data = (DATA / f"{provider}.json").read_bytes()
    document = read(data, ours=True)
    assert write(document) == data
    assert read(write(document)) == document


def test_dollars_become_whole_pico_dollars() -> None:
    price = priced(
        {
            "input": 0.0375,
            "output": 15,
            "request": 0.005,
            "image": 0.04,
            "audio_minute": 0.006,
            "character": 15,
            "tiers": [{"above": 2, "input": 6}, {"above": 1, "input": 5}],
        }
    )
    assert price == Price(
        input=37_500,
        output=15_000_000,
        request=5_000_000_000,
        image=40_000_000_000,
        audio_ms=100_000,
        character=15_000_000,
        tiers=(Tier(above=1, input=5_000_000), Tier(above=2, input=6_000_000)),
    )


LITELLM = {
    "sample_spec": {"litellm_provider": "one of", "mode": "chat"},
    "gpt-x": {
        "litellm_provider": "openai",
        "mode": "chat",
        "max_input_tokens": 1000,
        "max_output_tokens": 100.0,
        "max_tokens": "100",
        "input_cost_per_token": 1.25e-06,
        "output_cost_per_token": 1e-05,
        "cache_read_input_token_cost": 1.25e-07,
        "cache_creation_input_token_cost": 1.5e-06,
        "cache_creation_input_token_cost_above_1hr": 2e-06,
        "output_cost_per_reasoning_token": 1.1e-05,
        "input_cost_per_audio_token": 4e-05,
        "input_cost_per_token_above_200k_tokens": 2.5e-06,
        "output_cost_per_token_above_200k_tokens": 1.5e-05,
        "input_cost_per_token_batches": 6e-07,
        "output_cost_per_token_batches": 5e-06,
        "input_cost_per_token_above_200k_tokens_batches": 1e-06,
        "input_cost_per_token_flex": 6e-07,
        "supports_vision": True,
        "supports_reasoning": False,
        "deprecation_date": "2027-01-31",
    },
    "openai/gpt-x": {"litellm_provider": "openai", "mode": "chat"},
    "vertex_ai/made/m": {
        "litellm_provider": "vertex_ai-made_models",
        "mode": "chat",
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
    },
    "groq/whisper": {
        "litellm_provider": "groq",
        "mode": "audio_transcription",
        "input_cost_per_second": 1e-04,
    },
    "dall-e": {
        "litellm_provider": "openai",
        "mode": "image_generation",
        "output_cost_per_image": 0.04,
    },
    "hd/1024-x-1024/dall-e": {"litellm_provider": "openai", "mode": "image_generation"},
    "rank": {
        "litellm_provider": "cohere",
        "mode": "rerank",
        "input_cost_per_query": 0.002,
        "output_cost_per_token": 0.0,
    },
    "sora": {"litellm_provider": "openai", "mode": "video_generation"},
}


def test_litellm_s_table_is_read_in_our_words() -> None:
    document = read(
        json.dumps(LITELLM).encode(),
        name="theirs",
        today="2026-11-29",
        canonical=lambda said: {"vertex_ai-made_models": "vertex_ai"}.get(said, said),
    )
    assert document.as_of == "2026-11-29"
    assert document.sources == (Source(name="theirs", as_of="2026-11-29"),)
    assert {p: sorted(rows) for p, rows in document.models.items()} == {
        "openai": ["dall-e", "gpt-x"],
        "vertex_ai": ["made/m"],
        "groq": ["whisper"],
        "cohere": ["rank"],
    }
    row = document.models["openai"]["gpt-x"]
    assert msgspec.to_builtins(row) == {
        "max_input_tokens": 1000,
        "max_output_tokens": 100,
        "price": {
            "input": 1.25,
            "output": 10.0,
            "cached": 0.125,
            "cache_write": 1.5,
            "cache_write_1h": 2.0,
            "reasoning": 11.0,
            "audio_input": 40.0,
            "tiers": ({"above": 200_000, "input": 2.5, "output": 15.0},),
            "services": {
                "batch": {
                    "input": 0.6,
                    "output": 5.0,
                    "tiers": ({"above": 200_000, "input": 1.0},),
                }
            },
        },
        "can": "vision",
        "retires": "2027-01-31",
    }
    assert document.models["vertex_ai"]["made/m"].price is None  # a zero is no price
    assert document.models["groq"]["whisper"].price == PriceForm(audio_minute=0.006)
    assert document.models["openai"]["dall-e"].price == PriceForm(image=0.04)
    assert document.models["cohere"]["rank"].price == PriceForm(search=0.002)
    assert Catalog(write(document)).find("groq", "whisper") is not None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "it knows no models"),
        (b'{"gpt": 1}', "gpt: no row"),
        (b'{"as_of": "today", "models": {}}', "as_of"),
        (b'{"as_of": "2026-01-01", "models": {}}', "it knows no models"),
        (b'{"as_of": "2026-01-01", "models": {"a": {"b": {"prise": {}}}}}', "prise"),
        (_own_with({"price": {"input": -1}}), "price.input"),
        (_own_with({"price": {"input": 20_000}}), "price.input"),
        (_own_with({"price": {}}), "says nothing"),
        (_own_with({"price": {"input": 1, "tiers": [{"above": 5}]}}), "has no rates"),
        (
            _own_with(
                {
                    "price": {
                        "input": 1,
                        "tiers": [{"above": 5, "input": 1}, {"above": 4, "input": 2}],
                    }
                }
            ),
            "must ascend",
        ),
        (_own_with({"mode": "vibes"}), "mode: must be one of"),
        (_own_with({"price": {"input": 1, "services": {"slow": {}}}}), "slow"),
        (
            _own_with({"price": {"input": 1, "services": {"flex": {}}}}),
            "price.services.flex: says nothing",
        ),
        (_own_with({"retires": "soon"}), "retires"),
        (_own_with({"max_input_tokens": 0}), "max_input_tokens"),
        (
            b'{"m": {"litellm_provider": "p", "mode": "chat",'
            b' "input_cost_per_token": "1"}}',
            "m: input_cost_per_token is no price",
        ),
        (
            b'{"m": {"litellm_provider": "p", "mode": "chat",'
            b' "input_cost_per_token": 3}}',
            "m: Expected",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(BadCatalog) as caught:
        read(data, today="2026-11-29")
    assert words in " ".join(caught.value.reasons)


def test_only_the_first_reasons_are_told() -> None:
    many = {f"m{i}": 1 for i in range(100)}
    with pytest.raises(BadCatalog) as caught:
        read(json.dumps(many).encode())
    assert caught.value.reasons[-1] == "and 80 more"


def test_searches_are_billed_by_their_own_price_or_as_so_many_requests() -> None:
    searched = Usage(searches=3)
    assert cost_nano(searched, Price(search=2_000_000_000)) == 6_000_000
    assert cost_nano(searched, Price(request=2_000_000_000)) == 6_000_000
    assert cost_nano(Usage(searches=1), Price(request=2_000_000_000)) == 2_000_000
    both = Price(search=1_000_000_000, request=1_000_000)
    assert cost_nano(searched, both) == 3_001_000
    assert cost_nano(searched, Price(input=1)) is None
