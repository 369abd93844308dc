"""One gateway in front of Bedrock and others, and boto3 in front of the gateway.

With TLS: boto3 sends no bearer token without.
"""

import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import httpx
import pytest
import trustme
from botocore.config import Config

from tests.harness.answers import Answer, Called, Said, Thought, Tokens
from tests.harness.gateway import Running, gateway
from tests.harness.providers import KEYS, KEYS_IN_ENV, Providers

KEY: Final = "sk-master-for-boto3"
CLAUDE: Final = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA: Final = "us.amazon.nova-lite-v1:0"
SIGNED: Final = "EqQBCkgIARABGAIiQL8"
WEATHER: Final = Called("weather", {"city": "Kraków", "days": [1, 2]})
CLOCK: Final = Called("clock", {})
USED: Final = Tokens(input=1321, cached=1000, written=300, output=50, reasoning=0)
ANSWERS: Final = {
    "tools": Answer((Said("Let me see."), WEATHER, CLOCK), "tools", USED),
    "thought": Answer((Thought("Hm…", SIGNED), Said("Ja.")), "end", USED),
    "signed": Answer((Called("weather", {"city": "x"}, "c2lnbmVk"),), "tools"),
    "blocked": Answer((Said("No."),), "filtered"),
    "cut": Answer((Said("and so on"),), "length"),
}
MODELS: Final = {
    "claude": f"bedrock/{CLAUDE}",
    "claude-converse": f"bedrock/converse/{CLAUDE}",
    "claude-invoke": f"bedrock/invoke/{CLAUDE}",
    "nova": f"bedrock/{NOVA}",
    "titan-embed": "bedrock/amazon.titan-embed-text-v2:0",
    "cohere-embed": "bedrock/cohere.embed-english-v3",
    "ranks": "bedrock/cohere.rerank-v3-5:0",
    "ranks-amazon": "bedrock/amazon.rerank-v1:0",
    "profile": (
        "bedrock/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab"
    ),
    "openai": "openai/gpt-4.1",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "echo": "echo/echo",
}


@dataclass
class Scene:
    up: Providers
    gateway: Running
    bedrock: Any
    """boto3's client of bedrock-runtime, `/bedrock` its endpoint."""
    http: httpx.Client
    """Bears the key."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Providers(ANSWERS) as up, pytest.MonkeyPatch.context() as patch:
        config = {
            "server": {"tls": {"cert": "cert.pem", "key": "key.pem"}},
            "keys": {"master": "env:MASTER_KEY"},
            "models": {
                alias: {"deployments": [{"model": model}], "retries": {"attempts": 1}}
                for alias, model in MODELS.items()
            },
            "cooldown": {"failures": 1_000_000},
            "providers": {family: up.place(family) for family in KEYS},
        }
        env = {"MASTER_KEY": KEY, **KEYS_IN_ENV}
        patch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
        folder = tmp_path_factory.mktemp("bedrock")
        ca = _certified(folder)
        patch.setenv("AWS_CA_BUNDLE", ca)
        tls = ssl.create_default_context(cafile=ca)
        headers = {"authorization": f"Bearer {KEY}"}
        with gateway(config, folder, env=env) as running:
            http = httpx.Client(
                base_url=running.url, verify=tls, headers=headers, timeout=60
            )
            with http, closing(client(running.url + "/bedrock")) as bedrock:
                yield Scene(up, running, bedrock, http)


def _certified(folder: Path) -> str:
    """A certificate for the gateway; the file of the authority to trust."""
    authority = trustme.CA()
    own = authority.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(str(folder / "key.pem"))
    own.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return str(folder / "ca.pem")


def client(url: str, **more: Any) -> Any:
    """boto3, told nothing but the address."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        config=config,
        **more,
    )
