"""Where a provider is: parts of its address that are the user's own."""

import pytest

from adapters.contract import Provider
from adapters.providers import PROVIDERS
from gateway.config.addresses import Address, address, filled
from gateway.config.found import Found, found_keys
from gateway.config.load import loads
from gateway.config.problem import ConfigError
from gateway.config.schema import ProviderRow
from gateway.config.secrets import Secrets

CLOUDFLARE = PROVIDERS["cloudflare"]
FILE = """
providers:
  cloudflare: {{{0}}}
models:
  m:
    deployments: [{{model: cloudflare/llama, api_key: env:KEY}}]
"""


def test_the_environment_fills_what_is_in_braces() -> None:
    found = address(CLOUDFLARE, None, Secrets({"CLOUDFLARE_ACCOUNT_ID": "acme"}))
    assert found == Address(
        "https://api.cloudflare.com/client/v4/accounts/acme/ai/v1", ""
    )


def test_the_configuration_comes_before_the_environment() -> None:
    secrets = Secrets({"CLOUDFLARE_ACCOUNT_ID": "acme", "MINE": "other"})
    own = ProviderRow(variables={"account": "${MINE}"})
    assert "/accounts/other/" in address(CLOUDFLARE, own, secrets).url


def test_what_is_missing_is_told_with_its_variable() -> None:
    url, missing = address(CLOUDFLARE, None, Secrets({}))
    assert url == ""
    assert missing == "set CLOUDFLARE_ACCOUNT_ID or variables: {account: ...}"


@pytest.mark.parametrize(
    "told", ["w.example.com", "https://w.example.com/", "http://w.example.com"]
)
def test_a_host_may_be_told_as_an_address(told: str) -> None:
    found = address(PROVIDERS["databricks"], None, Secrets({"DATABRICKS_HOST": told}))
    assert found.url == "https://w.example.com/serving-endpoints"


def test_a_whole_address_in_the_environment_comes_first() -> None:
    secrets = Secrets(
        {"DATABRICKS_API_BASE": "https://whole/x", "DATABRICKS_HOST": "part"}
    )
    assert address(PROVIDERS["databricks"], None, secrets).url == "https://whole/x"


def test_the_model_in_an_address_is_left_to_the_request() -> None:
    secrets = Secrets({"PREDIBASE_TENANT_ID": "t/../x?"})
    url = address(PROVIDERS["predibase"], None, secrets).url
    assert url.endswith("/t/../x%3F/deployments/v2/llms/{model}/v1")
    row = Provider(id="x", family="openai", base_url="")
    assert filled("http://h/{model}/v1", row, {}, secrets).missing == ""


def test_a_key_that_several_look_for_means_the_first_of_them() -> None:
    secrets = Secrets({"MOONSHOT_API_KEY": "k", "XIAOMI_API_KEY": "x"})
    assert found_keys(secrets) == [
        Found("moonshot", "MOONSHOT_API_KEY"),
        Found("xiaomi_mimo", "XIAOMI_API_KEY"),
    ]


def test_a_key_without_an_address_finds_nobody() -> None:
    key = {"CLOUDFLARE_API_KEY": "k"}
    assert found_keys(Secrets(key)) == []
    found = found_keys(Secrets({**key, "CLOUDFLARE_ACCOUNT_ID": "a"}))
    assert found == [Found("cloudflare", "CLOUDFLARE_API_KEY")]


def test_a_deployment_whose_address_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(FILE.format(""), "f", {"KEY": "k"})
    (problem,) = caught.value.problems
    assert "Cloudflare Workers AI has no common address" in problem.message
    assert "CLOUDFLARE_ACCOUNT_ID" in problem.hint
    assert loads(FILE.format("variables: {account: a}"), "f", {"KEY": "k"})
    assert loads(FILE.format(""), "f", {"KEY": "k", "CLOUDFLARE_ACCOUNT_ID": "a"})
    assert loads(FILE.format(""), "f", {}, demand=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("variables: {acount: a}", "no {acount}"),
        ("variables: {account: '${NOT_SET}'}", "NOT_SET is not set"),
        ("base_url: 'https://{other}/v1'", "a part of it is not known"),
        ("auth: 'authorization token'", "is no header's name"),
    ],
)
def test_a_slip_is_told(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(FILE.format(text), "f", {"KEY": "k", "CLOUDFLARE_ACCOUNT_ID": "a"})
    assert any(words in problem.message for problem in caught.value.problems)


def test_an_unknown_word_in_a_deployment_s_own_address_is_told() -> None:
    text = """
models:
  m:
    deployments: [{model: any, base_url: "http://h/{team}/{model}/v1", api_key: env:K}]
"""
    with pytest.raises(ConfigError) as caught:
        loads(text, "f", {"K": "k"})
    (problem,) = caught.value.problems
    assert "variables: {team: ...}" in problem.hint
    assert loads(text.replace("{team}/", ""), "f", {"K": "k"})
