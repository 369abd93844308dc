"""The table of providers keeps its own rules."""

import json
import re
from collections import Counter
from urllib.parse import urlsplit

import pytest

from adapters.contract import Operation, Provider
from adapters.providers import PROVIDERS, find
from adapters.registry import UPSTREAMS
from tests.shared import SHARED, needs_shared

COMING = "responses files batches"
OPERATIONS = {*map(str, Operation), *COMING.split()}
FAMILIES = {*UPSTREAMS}
ROWS = list(PROVIDERS.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_can_be_spoken_to(row: Provider) -> None:
    assert row.family in FAMILIES
    assert row.title
    assert not row.base_url.endswith("/")
    if row.base_url and row.family != "echo":
        url = urlsplit(row.base_url)
        assert url.scheme == "https" or (url.scheme, url.hostname) == (
            "http",
            "localhost",
        )
        assert url.hostname
        assert not url.query
        assert not url.fragment
    words = set(re.findall(r"{(.*?)}", row.base_url)) - {"model"}
    assert words == row.variables.keys()
    assert all(row.variables.values())
    assert row.operations
    assert row.operations <= OPERATIONS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_carries_its_key_in_a_real_header(row: Provider) -> None:
    name, _, word = row.auth.partition(": ")
    assert name == name.lower()
    assert name.replace("-", "").isalpha()
    assert not word or word.isalpha()
    assert row.env or row.signer or not row.base_url.startswith("https:")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_found_by_its_id_and_every_alias(row: Provider) -> None:
    for name in (row.id, *row.aliases):
        assert find(name) is row


def test_no_two_rows_share_a_name() -> None:
    names = Counter(name for row in ROWS for name in (row.id, *row.aliases))
    assert not [name for name, count in names.items() if count > 1]
    assert all("/" not in name for name in names)


def test_what_holds_a_key_holds_no_address() -> None:
    keys = {name for row in ROWS for name in row.env}
    parts = {n for row in ROWS for names in row.variables.values() for n in names}
    addresses = {name for row in ROWS for name in row.base_url_env}
    assert not keys & addresses
    assert not keys & parts
    assert not addresses & parts


def test_a_quirk_never_renames_what_it_drops() -> None:
    for row in ROWS:
        gone = row.quirks.drop & (
            row.quirks.rename.keys() | set(row.quirks.rename.values())
        )
        assert not gone, (row.id, gone)


EXTRAS = {
    "path",
    "path.chat",
    "path.chat.stream",
    "path.complete",
    "path.embed",
    "task",
    "limit",
    "thoughts",
    "effort",
    "cache",
    "top_k",
    "google",
    "root",
    "count_tokens",
    "embed",
}
"""What the families look up in `Quirks.extra`."""


def test_every_extra_is_one_that_somebody_reads() -> None:
    for row in ROWS:
        assert row.quirks.extra.keys() <= EXTRAS, row.id


def test_every_family_has_the_row_of_its_own_name() -> None:
    for family in FAMILIES:
        row = find(family)
        assert row is not None
        assert row.family == family


def test_an_unknown_name_is_nobody() -> None:
    for name in ("", "nobody", "OpenAI", "openai/", "meta-llama"):
        assert find(name) is None
    assert len(ROWS) >= 190


@pytest.mark.parametrize(
    ("name", "base_url", "variable", "auth"),
    [
        line.split()
        for line in """
openai https://api.openai.com/v1 OPENAI_API_KEY bearer
anthropic https://api.anthropic.com/v1 ANTHROPIC_API_KEY x-api-key
groq https://api.groq.com/openai/v1 GROQ_API_KEY bearer
mistral https://api.mistral.ai/v1 MISTRAL_API_KEY bearer
deepseek https://api.deepseek.com DEEPSEEK_API_KEY bearer
xai https://api.x.ai/v1 XAI_API_KEY bearer
together https://api.together.xyz/v1 TOGETHERAI_API_KEY bearer
fireworks https://api.fireworks.ai/inference/v1 FIREWORKS_API_KEY bearer
perplexity https://api.perplexity.ai PERPLEXITYAI_API_KEY bearer
openrouter https://openrouter.ai/api/v1 OPENROUTER_API_KEY bearer
moonshot https://api.moonshot.ai/v1 MOONSHOT_API_KEY bearer
zai https://api.z.ai/api/paas/v4 ZAI_API_KEY bearer
deepinfra https://api.deepinfra.com/v1/openai DEEPINFRA_API_KEY bearer
novita https://api.novita.ai/v3/openai NOVITA_API_KEY bearer
nebius https://api.studio.nebius.ai/v1 NEBIUS_API_KEY bearer
portkey https://api.portkey.ai/v1 PORTKEY_API_KEY x-portkey-api-key
sarvam https://api.sarvam.ai/v1 SARVAM_API_KEY api-subscription-key
kimi_coding https://api.kimi.com/coding/v1 KIMI_API_KEY x-api-key
minimax_cn https://api.minimaxi.com/anthropic/v1 MINIMAX_API_KEY x-api-key
digitalocean https://inference.do-ai.run/v1 DIGITALOCEAN_ACCESS_TOKEN bearer
302ai https://api.302.ai/v1 302AI_API_KEY bearer
poe https://api.poe.com/v1 POE_API_KEY bearer
v0 https://api.v0.dev/v1 V0_API_KEY bearer
zenmux https://zenmux.ai/api/v1 ZENMUX_API_KEY bearer
""".splitlines()
        if line
    ],
)
def test_a_known_provider_is_where_its_reference_says(
    name: str, base_url: str, variable: str, auth: str
) -> None:
    row = find(name)
    assert row is not None
    assert (row.base_url, row.env[0], row.auth) == (base_url, variable, auth)


ELSEWHERE = {
    "bailing": "the fact names the path of chat too",
    "datarobot": "the fact names the path of chat too",
    "gradient_ai": "the version is part of the base",
    "lingyi": "the version is part of the base",
    "docker_model_runner": "the version is part of the base",
    "predibase": "the tenant and the model are part of the base",
    "neon": "the fact's variable is ours",
    "gpustack": "the user's own",
    "litellm_proxy": "its port is this gateway's",
    "openai_compatible": "the user's own",
}
"""Rows whose base URL is not written as the collected facts have it, and why."""
NOT_SPOKEN = {"triton"}
"""Called compatible, and speaks a grammar of its own."""


@needs_shared
def test_the_table_holds_every_compatible_provider_that_was_collected() -> None:
    file = SHARED / "reference" / "providers.json"
    facts = json.loads(file.read_bytes())["providers"]
    seen = 0
    for fact in facts:
        kind, name = fact["family"], fact["id"]
        if kind not in ("openai_compatible", "anthropic_compatible"):
            continue
        row = find(name)
        if name in NOT_SPOKEN:
            assert row is None
            continue
        assert row is not None, name
        seen += 1
        if name not in ELSEWHERE:
            # What is the user's own is called in many ways.
            plain = re.sub(r"{.*?}", "{}", row.base_url)
            told = re.sub(r"{.*?}", "{}", fact["base_url"].split(" (")[0])
            assert plain == told.replace("127.0.0.1", "localhost"), name
        known = {*row.env, *row.base_url_env}
        known |= {n for names in row.variables.values() for n in names}
        oauth = {"DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"}
        assert set(fact["env"]) - {"None"} - oauth <= known, name
    assert seen >= 190
