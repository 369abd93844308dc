"""Documents from outside: read, and refused with every reason, before they are used.

Two forms are understood: our own (`adapters.catalog.form`) and LiteLLM's
`model_prices_and_context_window.json`.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from adapters.catalog.form import (
    Document,
    PriceForm,
    RatesForm,
    Row,
    Source,
    TierForm,
)
from adapters.catalog.litellm import LITELLM, MODES, models

MOST: Final = 20
"""Reasons that are told; who made that many will find the others."""
_MODES: Final = frozenset(MODES.values())
_document: Final = msgspec.json.Decoder(Document).decode


class BadCatalog(Exception):
    """No catalogue; says every reason."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(["no catalogue of models", *reasons]))
        self.reasons = reasons


def read(
    data: bytes,
    *,
    name: str = "",
    today: str = "",
    canonical: Callable[[str], str] = str,
    ours: bool = False,
) -> Document:
    """A document of either form, or only of `ours`. LiteLLM's says nothing of its
    `name`, its date (`today`, in ISO form) and our ids (`canonical`: a provider's name
    -> its id).

    Raises:
        BadCatalog: it is no catalogue, or holds what cannot be.
    """
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCatalog([f"not JSON: {error}"]) from error
    if not isinstance(found, dict):
        raise BadCatalog(["not a JSON object"])
    if ours or ("models" in found and "as_of" in found):
        document = _own(data)
        reasons = _slips(document)
    else:
        rows, reasons = models(found, canonical)
        source = Source(name=name or LITELLM, as_of=today)
        document = Document(as_of=today, sources=(source,), models=rows)
        reasons += _slips(document)
    if not any(document.models.values()) and not reasons:
        reasons = ["it knows no models"]
    if reasons:
        more = len(reasons) - MOST
        told = [*reasons[:MOST], *([f"and {more} more"] if more > 0 else [])]
        raise BadCatalog(told)
    return document


def write(document: Document) -> bytes:
    """The file: a line for each model, so that two of them can be compared."""
    head = msgspec.structs.replace(document, models={})
    lines = [msgspec.json.encode(head).removesuffix(b"{}}") + b"{"]
    for provider, rows in sorted(document.models.items()):
        lines.append(b"%b: {" % msgspec.json.encode(provider))
        told = [
            b"  %b: %b" % (msgspec.json.encode(name), msgspec.json.encode(row))
            for name, row in sorted(rows.items())
        ]
        lines += [line + b"," for line in told[:-1]] + told[-1:] + [b"},"]
    if document.models:
        lines[-1] = b"}"
    return b"\n".join([*lines, b"}}", b""])


def _own(data: bytes) -> Document:
    try:
        return _document(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCatalog([str(error)]) from error


def _slips(document: Document) -> list[str]:
    """What the types cannot say."""
    return [
        f"{provider}/{model}: {slip}"
        for provider, rows in document.models.items()
        for model, row in rows.items()
        for slip in _of_row(provider, model, row)
    ]


def _of_row(provider: str, model: str, row: Row) -> list[str]:
    slips = []
    if not provider or not model or "/" in provider:
        slips.append("a provider and a model have names, a provider's without a slash")
    if row.mode not in _MODES:
        slips.append(f"mode: must be one of {', '.join(sorted(_MODES))}")
    if row.price is not None:
        slips += _of_price(row.price)
    return slips


def _of_price(price: PriceForm) -> list[str]:
    slips = []
    if not _tells(price):
        slips.append("price: says nothing; leave it out where it is not known")
    slips += _of_tiers(price.tiers, "price.tiers")
    for name, service in price.services.items():
        where = f"price.services.{name}"
        if not _tells(service):
            slips.append(f"{where}: says nothing")
        slips += _of_tiers(service.tiers, f"{where}.tiers")
    return slips


def _of_tiers(tiers: tuple[TierForm, ...], where: str) -> list[str]:
    above = [tier.above for tier in tiers]
    slips = [f"{where}: must ascend"] if above != sorted(set(above)) else []
    return slips + [f"{where}: {slip}" for tier in tiers for slip in _of_tier(tier)]


def _of_tier(tier: TierForm) -> list[str]:
    told = msgspec.to_builtins(tier)
    return [] if len(told) > 1 else [f"above {tier.above}: has no rates"]


def _tells(rates: RatesForm) -> bool:
    return bool(msgspec.to_builtins(rates).keys() - {"tiers", "services"})
