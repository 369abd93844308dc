"""`routeiq models`."""

import argparse
from typing import Final, NamedTuple

import msgspec

from adapters.catalog import Catalog, Price
from gateway.cli.commands import OK, PROBLEM, USAGE
from gateway.cli.opening import chosen, conflict, opened
from gateway.cli.refresh import REFRESH, refresh
from gateway.cli.show import err, out, table
from gateway.config.found import found_keys
from gateway.config.load import Loaded
from gateway.config.models_file import catalogue
from gateway.config.names import place
from gateway.config.schema import Deployment, Model

_FREE: Final = Price(input=0, output=0)
"""Of the built-in model: it asks nobody."""
PER_MILLION: Final = 1_000_000
"""The catalogue's picodollars per token, over this: dollars per million tokens."""


class Line(NamedTuple):
    """One deployment, as the list shows it. Prices: dollars per million tokens."""

    alias: str
    strategy: str
    deployment: str
    provider: str
    order: int
    weight: float
    input: float | None
    output: float | None
    price_from: str
    """`file`, `catalogue`, or empty: unknown."""
    retires: str
    """ISO date of the model's announced end; empty: none is known."""


def models(arguments: argparse.Namespace) -> int:
    """Aliases, their deployments, and whether prices are known; or `refresh`."""
    if arguments.source is not None:
        if arguments.file != REFRESH:
            err(f"routeiq: did you mean `routeiq models {REFRESH} SOURCE`?")
            return USAGE
        return refresh(arguments.source, arguments.config)
    if conflict(arguments):
        return USAGE
    loaded = opened(chosen(arguments), demand=False)
    if loaded is None:
        return PROBLEM
    found = lines(loaded)
    if arguments.json:
        records = [line._asdict() for line in found]
        out(msgspec.json.format(msgspec.json.encode(records), indent=2).decode())
        return OK
    heads = (
        *("alias", "strategy", "deployment", "order", "weight"),
        *("$/M in", "$/M out", "retires"),
    )
    rows = [
        (
            line.alias,
            line.strategy,
            line.deployment,
            str(line.order),
            f"{line.weight:g}",
            _dollars(line.input),
            _dollars(line.output),
            line.retires,
        )
        for line in found
    ]
    out(table(heads, rows) or "no models; export a provider's key or configure one")
    unknown = sum(not line.price_from and "*" not in line.deployment for line in found)
    if unknown:
        out(f"\n{unknown} without a known price: set `price` of the deployment")
    return OK


def lines(loaded: Loaded) -> list[Line]:
    """Every deployment there will be, those that are made by themselves too."""
    config, catalog = loaded.config, catalogue(loaded.config)
    served = dict(config.models)
    if not served:
        names = [f"{found.provider}/*" for found in found_keys(loaded.secrets)]
        served = {n: Model(deployments=[Deployment(model=n)]) for n in names}
    if config.demo:
        demo = Model(deployments=[Deployment(model="echo/demo")])
        served.setdefault("demo", demo)
    return [
        _line(loaded, catalog, alias, model, deployment)
        for alias, model in served.items()
        for deployment in model.deployments
    ]


def _line(
    loaded: Loaded, catalog: Catalog, alias: str, model: Model, deployment: Deployment
) -> Line:
    where = place(loaded.config, deployment)
    known = where.known.id if where.known is not None else where.provider
    facts = catalog.find(known, where.model)
    price = facts.price if facts is not None else None
    if where.known is not None and where.known.family == "echo":
        price = _FREE
    said = deployment.price
    return Line(
        alias=alias,
        strategy=model.strategy or loaded.config.routing.strategy,
        deployment=deployment.model,
        provider=known,
        order=deployment.order,
        weight=deployment.weight,
        input=said.input if said is not None else _per_million(price, "input"),
        output=said.output if said is not None else _per_million(price, "output"),
        price_from="file" if said is not None else "catalogue" if price else "",
        retires=facts.retires if facts is not None else "",
    )


def _per_million(price: Price | None, kind: str) -> float | None:
    value = getattr(price, kind, None)
    return None if value is None else round(value / PER_MILLION, 6)


def _dollars(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"
