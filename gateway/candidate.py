"""A configured deployment as routing sees it."""

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from adapters import realtime
from adapters.catalog import ModelFacts, Price
from adapters.contract import Operation, Provider
from adapters.registry import UPSTREAMS
from gateway.config import schema
from gateway.credentials.contract import Signer
from routing.types import Candidate

_REGION: Final = re.compile(
    r"[\w-]+\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com"
    r"|([a-z]+-[a-z]+\d+)-aiplatform\.googleapis\.com"
    r"|(eu|us)\.api\.openai\.com"
)
"""Hosts of AWS, Google and OpenAI that say where they are."""


class Place(msgspec.Struct, frozen=True):
    """A provider as the configuration has it: row, address, key, headers."""

    row: Provider
    base_url: str
    key: str
    headers: Mapping[str, str]
    secrets: Collection[str]
    """Values of headers that were written as references."""
    signer: Signer | None
    mark: str
    """See `Accounts`."""


def candidate(
    id: str,
    name: str,
    entry: schema.Deployment,
    place: Place,
    price: Price | None,
    facts: ModelFacts | None,
) -> Candidate:
    """What is configured before what the catalogue knows."""
    row, upstream = place.row, UPSTREAMS[place.row.family]
    operations = {str(o) for o in upstream.operations}
    if row.base_url == place.base_url and row.family != "echo":
        # Few judge or rank; who is known not to is not asked. Other addresses we do
        # not know.
        operations -= {str(Operation.moderate), str(Operation.rerank)} - row.operations
    if Operation.chat in upstream.operations:
        # Legacy completions are translated, token counts estimated, summaries asked
        # for in words, where a family has none of them.
        made = (Operation.complete, Operation.count_tokens, Operation.compact)
        operations |= {str(operation) for operation in made}
    if row.family in realtime.FAMILIES:
        operations.add("realtime")
    return Candidate(
        id=id,
        weight=entry.weight,
        order=entry.order,
        input_price=price.input if price else None,
        output_price=price.output if price else None,
        max_input_tokens=entry.max_input_tokens
        or (facts.max_input_tokens if facts else None),
        operations=frozenset(operations),
        model=entry.base_model or f"{row.id}/{name}",
        cached_price=price.cached if price else None,
        abilities=_abilities(entry, facts),
        region=entry.region or _region(place.base_url),
        tier=entry.tier,
        rpm=entry.rpm,
        tpm=entry.tpm,
    )


def _abilities(
    entry: schema.Deployment, facts: ModelFacts | None
) -> frozenset[str] | None:
    """What is said of it, or known; `None`: nothing is."""
    if entry.abilities is not None:
        return frozenset(entry.abilities)
    return facts.abilities if facts is not None and facts.abilities else None


def _region(base_url: str) -> str:
    """The region that an address names; empty when it names none."""
    found = _REGION.match(urlsplit(base_url).hostname or "")
    return next((part for part in found.groups() if part), "") if found else ""
