"""One signer a credential, and clients that go where no provider's may."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.errors import Unauthorized
from adapters.providers import PROVIDERS
from gateway.config.schema import Azure, Deployment, Egress, Google, ProviderRow
from gateway.config.secrets import SecretError, Secrets
from gateway.credentials.contract import Wanted
from gateway.credentials.google_files import signed
from gateway.credentials.wallet import Wallet
from gateway.net.address import Origin
from gateway.net.guard import Guard
from gateway.telemetry.redact import Redactor

METADATA = Origin("http", "169.254.169.254", 80)


def wallet(environ: Mapping[str, str] | None = None) -> Wallet:
    found = {"HOME": "/nonexistent", **(environ or {})}
    return Wallet(Egress(), Secrets(found), Redactor())


def wanted(provider: str, entry: Deployment, own: ProviderRow | None = None) -> Wanted:
    return Wanted(PROVIDERS[provider], "https://h", entry, own, lambda r: f"of {r}")


def robot(**more: str) -> str:
    told = {"type": "service_account", "client_email": "r@p", "private_key": "k"}
    return json.dumps({**told, **more})


def test_equal_credentials_share_a_signer() -> None:
    purse = wallet({"A": robot(), "B": robot(private_key="other")})

    def signer(name: str, location: str = "l") -> object:
        google = Google(credentials=f"env:{name}", location=location)
        entry = Deployment(model="m", google=google)
        return purse.signer("google", wanted("vertex_ai", entry))

    assert signer("A") is signer("A", "elsewhere")
    assert signer("A") is not signer("B")
    assert purse.key("command:a", PROVIDERS["openai"]) is purse.key(
        "command:a", PROVIDERS["openai"]
    )
    assert purse.key("command:a", PROVIDERS["openai"]) is not purse.key(
        "command:b", PROVIDERS["openai"]
    )


def test_who_asks_in_another_s_name_is_another() -> None:
    """So that the two share neither tokens nor cooldowns."""
    purse = wallet({"A": robot()})

    def identity(email: str) -> str:
        google = Google(credentials="env:A", impersonate=email)
        signer = purse.signer(
            "google", wanted("vertex_ai", Deployment(model="m", google=google))
        )
        return signer.identity

    assert "as reader@p" in identity("reader@p")
    assert identity("reader@p") != identity("writer@p")
    assert " as " not in identity("")


def test_metadata_is_open_to_who_asks_for_tokens_and_nobody_else() -> None:
    purse = wallet()
    purse.signer("google", wanted("vertex_ai", Deployment(model="m")))
    azure = Azure(managed_identity=True)
    purse.signer("azure", wanted("azure", Deployment(model="m", azure=azure)))
    mine = [client._guard for client in purse._clients.values()]
    assert mine
    assert all(guard.allows(METADATA, METADATA.host) for guard in mine)
    named = Origin("http", "metadata.google.internal", 80)
    assert not any(guard.allows(named, METADATA.host) for guard in mine)
    assert not Guard(Egress()).allows(METADATA, METADATA.host)


def test_a_provider_s_proxy_leads_to_its_issuer_but_not_to_the_machine() -> None:
    purse = wallet({"A": robot()})
    own = ProviderRow(proxy="http://proxy.example.com:3128")
    google = Google(credentials="env:A")
    purse.signer(
        "google", wanted("vertex_ai", Deployment(model="m", google=google), own)
    )
    purse.signer("google", wanted("vertex_ai", Deployment(model="m"), own))
    taken = {
        host: client.detours.takes(
            Origin("https" if port == 443 else "http", host, port)
        )
        for (hosts, _), client in purse._clients.items()
        for host, port in hosts
    }
    assert taken == {"oauth2.googleapis.com": True, "169.254.169.254": False}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON object"),
        ('{"type": "gdch_service_account"}', "is of the type 'gdch_service_account'"),
        ('{"type": "service_account", "client_email": "r@p"}', "has no 'private_key'"),
        (
            json.dumps(
                {
                    "type": "external_account",
                    "audience": "a",
                    "subject_token_type": "t",
                    "token_url": "https://sts.googleapis.com/v1/token",
                    "credential_source": {"environment_id": "aws1"},
                }
            ),
            "from a file or a URL",
        ),
    ],
)
def test_a_file_that_is_no_credential_is_told(text: str, message: str) -> None:
    purse = wallet({"KEY": text})
    entry = Deployment(model="m", google=Google(credentials="env:KEY"))
    with pytest.raises(SecretError, match=message):
        purse.signer("google", wanted("vertex_ai", entry))


def test_a_key_that_is_none_is_told() -> None:
    with pytest.raises(Unauthorized, match="no RSA key"):
        signed({"iss": "me"}, "not a key")


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    azure = Azure(tenant_id="t", client_id="c", certificate="file:/cert.pem")
    entry = Deployment(model="m", azure=azure)
    with pytest.raises(SecretError, match="no certificate in it"):
        wallet().signer("azure", wanted("azure", entry))


def test_closing_a_wallet_is_quiet() -> None:
    purse = wallet()
    purse.signer("google", wanted("vertex_ai", Deployment(model="m")))
    asyncio.run(purse.aclose())
