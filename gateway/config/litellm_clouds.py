"""LiteLLM's parameters of clouds -> the sections `google`, `azure` and `aws`."""

from typing import Any, Final

import msgspec

from gateway.config.clouds import LOCATION
from gateway.config.litellm_draft import Draft, Handler
from gateway.config.problem import Path

AWS: Final = {
    "aws_region_name": "region",
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "aws_profile_name": "profile",
    "aws_role_name": "role_arn",
    "aws_session_name": "role_session_name",
    "aws_external_id": "external_id",
    "aws_sts_endpoint": "sts_endpoint",
}
_GOOGLE: Final = {
    "vertex_project": "project",
    "vertex_ai_project": "project",
    "vertex_location": "location",
    "vertex_ai_location": "location",
    "vertex_credentials": "credentials",
    "vertex_ai_credentials": "credentials",
}
_AZURE: Final = {
    "api_version": "api_version",
    "tenant_id": "tenant_id",
    "client_id": "client_id",
    "client_secret": "client_secret",
    "azure_ad_token": "token",
    "azure_scope": "scope",
}
_SECRETS: Final = {
    "access_key_id": "AWS's key",
    "secret_access_key": "AWS's key",
    "session_token": "AWS's key",
    "client_secret": "the application's secret",
    "token": "the token",
}
DEFAULT_LOCATION: Final = "us-central1"
"""LiteLLM's, of Vertex AI."""


def handlers(at: Path, provider: str) -> dict[str, Handler]:
    """Those of the clouds, for the deployment at `at`; of Azure and Google only where
    they are the provider."""
    found = {key: _take(at, "aws", ours) for key, ours in AWS.items()}
    if is_google(provider):
        found |= {key: _take(at, "google", ours) for key, ours in _GOOGLE.items()}
    if is_azure(provider):
        found |= {key: _take(at, "azure", ours) for key, ours in _AZURE.items()}
    return found


def setting(ours: str) -> Handler:
    """A word of `litellm_settings` that holds for all of Vertex AI."""
    return _take(("providers", "vertex_ai"), "google", ours)


def is_google(provider: str) -> bool:
    """Whether it is Vertex AI."""
    return provider.startswith("vertex_ai")


def is_azure(provider: str) -> bool:
    """Whether it is on Azure."""
    return provider.startswith("azure")


def place(draft: Draft, at: Path, params: dict[str, Any], path: Path) -> None:
    """The location that LiteLLM takes where none is said."""
    settings = (draft.source.value or {}).get("litellm_settings") or {}
    names = ("vertex_location", "vertex_ai_location")
    told = any(each.get(name) for each in (params, settings) for name in names)
    if not told and not draft.secrets.first(LOCATION):
        draft.put((*at, "google", "location"), DEFAULT_LOCATION, path)
        draft.changed(path, f"google.location: {DEFAULT_LOCATION}, LiteLLM's default")


def _take(at: Path, section: str, ours: str) -> Handler:
    def take(draft: Draft, value: Any, path: Path) -> None:
        if not value:
            return
        if ours == "credentials":
            found = _credentials(draft, value, path)
        elif ours == "token" and str(value).startswith("oidc/"):
            draft.unsupported(path, "name the token's file: `azure: {token_file: ...}`")
            return
        elif ours in _SECRETS:
            found = draft.secret(value, path, _SECRETS[ours])
        else:
            found = draft.text(value)
        if found:
            draft.put((*at, section, ours), found, path)
            draft.mapped(path, f"{section}.{ours}")

    return take


def _credentials(draft: Draft, value: Any, path: Path) -> str:
    """A file's name, its content, or a variable with either."""
    if isinstance(value, dict):
        value = msgspec.json.encode(value).decode()
    plain = isinstance(value, str) and not value.startswith("os.environ/")
    if plain and not value.lstrip().startswith("{"):
        return f"file:{value}"
    return draft.secret(value, path, "the credential file")


def azure_address(url: str, params: dict[str, Any]) -> str:
    """Azure's addresses as ours: the resource alone, where nothing else is before its
    API, else the whole of what LiteLLM makes of it."""
    root = (
        url.partition("/openai")[0].removesuffix("/models").removesuffix("/anthropic")
    )
    if root.count("/") <= 2:  # no path: the rest is made of `azure.api_version`
        return root
    version = params.get("api_version")
    if not isinstance(version, str) or not version:
        return f"{root}/openai/v1"
    return f"{root}/openai/deployments/{{model}}?api-version={version}"
