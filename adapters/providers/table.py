"""The table of providers: where each family is spoken, and how they deviate from it.

One row each; an OpenAI-compatible provider needs no code. Ids are the prefixes of
LiteLLM's model names, aliases the other prefixes in use. Sources: the vendors' API
references, LiteLLM 1.109 and models.dev as of 2026-11, and recorded traffic.

Rules of the table:

* `base_url` is what the family's paths are appended to. What is the user's own in it
  (an account, a region) stands in braces and has its variables; it is empty where all
  of it is the user's own.
* Several rows may look for the same variable (a vendor's plans and regions): a key
  found in the environment means the first of them.
* Address variables of the vendors' SDKs (`OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL`) are
  not read: whoever sets them usually means this gateway.
* `drop` names only what a provider is known to refuse; what it ignores may go.
"""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from adapters.contract import Provider
from adapters.providers.aws import ROWS as AWS
from adapters.providers.clouds import ROWS as CLOUDS
from adapters.providers.hosted import ROWS as HOSTED
from adapters.providers.major import ROWS as MAJOR
from adapters.providers.own import ROWS as OWN
from adapters.providers.row import rows
from adapters.providers.vendors import ROWS as VENDORS

_COMPATIBLE: Final = Path(__file__).with_name("compatible.txt")
_ROWS: Final = (
    *MAJOR,
    *VENDORS,
    *HOSTED,
    *CLOUDS,
    *AWS,
    *OWN,
    *rows(_COMPATIBLE.read_text("utf-8")),
)

PROVIDERS: Final[dict[str, Provider]] = {row.id: row for row in _ROWS}
"""By id; of a key that several look for, first whom it means."""

_BY_NAME: Final = {name: row for row in _ROWS for name in (row.id, *row.aliases)}


def find(name: str) -> Provider | None:
    """The provider of that id or alias."""
    return _BY_NAME.get(name)


def serving(row: Provider, model: str) -> Provider:
    """The row for a model at a provider that hosts several grammars; `row` itself
    elsewhere. Keys and addresses are looked for under the names of both."""
    for pattern, id in row.hosts.items():
        if fnmatchcase(model.lower(), pattern):
            found = PROVIDERS[id]
            return replace(
                found,
                env=(*found.env, *row.env),
                base_url_env=(*found.base_url_env, *row.base_url_env),
            )
    return row
