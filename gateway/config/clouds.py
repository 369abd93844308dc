"""What a provider and a deployment say of a cloud, put together."""

from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from adapters.contract import Provider
from gateway.config.schema import Azure, Config, Deployment, Google, ProviderRow
from gateway.config.secrets import SecretError, Secrets

EXCHANGED: Final = frozenset({"ibm", "gigachat"})
"""Signers that a provider's key is exchanged for a token by; the others need none."""

PROJECT: Final = (
    "GOOGLE_CLOUD_PROJECT",
    "VERTEXAI_PROJECT",
    "VERTEX_PROJECT",
    "GOOGLE_VERTEX_PROJECT",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "GCLOUD_PROJECT",
)
LOCATION: Final = (
    "GOOGLE_CLOUD_LOCATION",
    "VERTEXAI_LOCATION",
    "VERTEX_LOCATION",
    "GOOGLE_VERTEX_LOCATION",
    "CLOUD_ML_REGION",
)
VERSION: Final = ("AZURE_API_VERSION", "AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")
PLACEHOLDER: Final = "{project}"
"""Stands for a project that only the machine we run on can tell."""
_JOINT: Final = frozenset({"us", "eu"})
"""Locations of several regions, which have hosts of another form."""
_HALVES: Final = ("/openai", "/anthropic", "/models")
"""Ends of addresses as people copy them: half of a path."""
_VERSIONLESS: Final = frozenset({"", "v1", "latest"})

S = TypeVar("S", Google, Azure)


class Credential(NamedTuple):
    """A credential file of Google's."""

    text: str
    where: str
    """How to call it in a message."""


class Site(NamedTuple):
    """Where a deployment in a cloud is."""

    url: str
    said: str
    """What the configuration says of it, in one text without secrets."""


def site(
    url: str,
    known: Provider,
    own: ProviderRow | None,
    entry: Deployment,
    secrets: Secrets,
    key: str,
) -> Site:
    """An address, made whole where a cloud's is made of parts. `key`: the API key or a
    reference to it, if there is one.

    Raises:
        SecretError: it cannot be made, or a named credential file cannot be read.
    """
    if known.signer == "google":
        google_ = google(own, entry)
        return Site(vertex(url, known, google_, secrets, key), _told(google_))
    if known.signer == "azure":
        azure_ = azure(own, entry)
        return Site(azure_address(url, known, azure_, secrets), _told(azure_))
    return Site(url, "")


def _told(said: Google | Azure) -> str:
    given = msgspec.structs.asdict(said).items()
    return " ".join(f"{name}={value}" for name, value in given if value)


def google(own: ProviderRow | None, entry: Deployment) -> Google:
    """A deployment's words on Google Cloud, the provider's where it has none."""
    return _joined(Google(), own.google if own else None, entry.google)


def azure(own: ProviderRow | None, entry: Deployment) -> Azure:
    """A deployment's words on Azure, the provider's where it has none."""
    return _joined(Azure(), own.azure if own else None, entry.azure)


def _joined(plain: S, outer: S | None, inner: S | None) -> S:
    said: dict[str, Any] = {}
    for each in (outer, inner):
        if each is not None:
            given = msgspec.structs.asdict(each)
            said |= {k: v for k, v in given.items() if v != getattr(plain, k)}
    return msgspec.structs.replace(plain, **said)


def credential_file(said: Google, secrets: Secrets, where: str = "") -> Credential:
    """The credential file that is meant; empty when there is none. A reference may
    lead to what is in the file, or to the file's name.

    Raises:
        SecretError: it is named, and cannot be read.
    """
    if said.credentials:
        text = secrets.resolve(said.credentials, where)
        if not text.lstrip().startswith("{") and "\n" not in text:
            text = secrets.resolve(f"file:{text}", where)
        return Credential(text, "`credentials`")
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    if named := secrets.variable(variable):
        text = secrets.resolve(f"file:{named}", where or variable)
        return Credential(text, f"the file in {variable}")
    folder = secrets.variable("CLOUDSDK_CONFIG")
    home = secrets.variable("HOME") or "/nonexistent"
    root = Path(folder) if folder else Path(home, ".config", "gcloud")
    file = root / "application_default_credentials.json"
    if file.is_file():
        return Credential(secrets.resolve(f"file:{file}", where), f"`{file}`")
    return Credential("", "")


def project(said: Google, secrets: Secrets) -> str:
    """The project, as far as it is known before anybody is asked.

    Raises:
        SecretError: a named credential file cannot be read.
    """
    found = said.project or secrets.first(PROJECT)
    if found:
        return found
    text = credential_file(said, secrets).text
    try:
        told = msgspec.json.decode(text) if text else {}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    if not isinstance(told, dict):
        return ""
    return str(told.get("project_id") or told.get("quota_project_id") or "")


def vertex(url: str, row: Provider, said: Google, secrets: Secrets, key: str) -> str:
    """The address under which a Vertex AI provider's models stand.

    `url` may be empty, a host or all of it; `key`: express mode needs no project.

    Raises:
        SecretError: a named credential file cannot be read, or there is no project
            where one is needed.
    """
    location = said.location or secrets.first(LOCATION) or "global"
    end = row.quirks.extra.get("path", "")
    if not url:
        url = f"https://{vertex_host(location)}"
    if "/projects/" in url:
        return url + ("" if url.endswith(end) else end)
    if not urlsplit(url).path:
        url = f"{url}/v1"
    found = said.project or secrets.first(PROJECT)
    if key and not found:
        return url + end
    found = found or project(said, secrets)
    if not found:
        if said.token or credential_file(said, secrets).text:
            raise SecretError(
                "the Google Cloud project is not known",
                "set `google: {project: ...}` or GOOGLE_CLOUD_PROJECT",
                missing=True,
            )
        found = PLACEHOLDER
    else:
        found = quote(found, safe=":")
    return f"{url}/projects/{found}/locations/{quote(location, safe='')}{end}"


def above_models(url: str) -> str:
    """The address for what is asked of no model, where others are made for one."""
    above, found, _ = url.partition("/deployments/{model}")
    return f"{above}/v1" if found else url


def vertex_hosts(config: Config, secrets: Secrets) -> list[str]:
    """Every host of Vertex AI that the configuration leads to. In a network of one's
    own they may have private addresses."""
    said = [own.google for own in config.providers.values()]
    said += [d.google for m in config.models.values() for d in m.deployments]
    locations = {each.location for each in said if each is not None}
    locations |= {secrets.first(LOCATION), "global"}
    return [vertex_host(location) for location in sorted(filter(None, locations))]


def vertex_host(location: str) -> str:
    """The host of a location."""
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in _JOINT:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{quote(location, safe='')}-aiplatform.googleapis.com"


def azure_address(url: str, row: Provider, said: Azure, secrets: Secrets) -> str:
    """The address of an Azure resource's API, made of the resource's own where no path
    is given.

    The versioned paths of Azure OpenAI hold the deployment (`{model}`); those of v1,
    and of the model inference API, do not.
    """
    for half in _HALVES:
        url = url.removesuffix(half)
    parts = urlsplit(url)
    if not url or parts.path.strip("/") or parts.query:
        return url
    end = row.quirks.extra.get("path", "")
    if end == "/anthropic/v1":
        return url + end
    if (parts.hostname or "").endswith(".models.ai.azure.com"):
        return f"{url}/v1"
    version = said.api_version or secrets.first(VERSION)
    if version in _VERSIONLESS:
        return f"{url}/openai/v1"
    path = end or "/openai/deployments/{model}"
    if version == "preview":
        path = "/openai/v1"
    return f"{url}{path}?api-version={quote(version, safe='')}"
