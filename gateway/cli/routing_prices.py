"""What models cost now: what the costs of an outcome table are reckoned in.

A record's cost is at the prices of its day, and two deployments of one model may have
different ones. A table has one price a model, so that learning sees what a prompt
needs, and serving knows what a dollar of the table was.
"""

from fnmatch import fnmatchcase
from typing import Final

import msgspec

from adapters.catalog import Price, cost_nano, priced
from adapters.normal.usage import Usage
from gateway.config.models_file import catalogue
from gateway.config.names import place
from gateway.config.schema import Config, Deployment
from gateway.telemetry.row import Try
from routing.learned.prices import Rates

PER_MILLION: Final = 1_000_000
"""The catalogue's picodollars per token, over this: dollars per million tokens."""


class Prices:
    """Of models by their full names: of the first deployment that has the model."""

    def __init__(self, config: Config) -> None:
        self._catalog = catalogue(config)
        self._said: dict[str, Price | None] = {}
        for model in config.models.values():
            for entry in model.deployments:
                self._said.setdefault(*self._configured(config, entry))
        self._known: dict[str, Price | None] = {}

    def _configured(
        self, config: Config, entry: Deployment
    ) -> tuple[str, Price | None]:
        where = place(config, entry)
        provider = where.known.id if where.known is not None else where.provider
        name = entry.base_model or f"{provider}/{where.model}"
        if entry.price is None:
            return name, self._catalogued(name)
        return name, priced(msgspec.to_builtins(entry.price))

    def of(self, model: str) -> Price | None:
        """`None`: nobody knows."""
        if model not in self._known:
            patterns = [name for name in self._said if fnmatchcase(model, name)]
            exact = model if model in self._said else next(iter(patterns), "")
            price = self._said.get(exact)
            self._known[model] = price or self._catalogued(model)
        return self._known[model]

    def rates(self, models: list[str]) -> dict[str, Rates]:
        """For a table's head; without those that are not known."""
        found = {}
        for model in models:
            price = self.of(model)
            if price is None or price.input is None or price.output is None:
                continue
            found[model] = Rates(price.input / PER_MILLION, price.output / PER_MILLION)
        return found

    def cost(self, model: str, tried: Try) -> int | None:
        """Nano-dollars that a call costs now; as recorded where that is not known."""
        price = self.of(model)
        if price is None or tried.tokens is None or tried.cost_nano is None:
            return tried.cost_nano
        usage = Usage(**msgspec.structs.asdict(tried.tokens))
        cost = cost_nano(usage, price)
        return tried.cost_nano if cost is None else cost

    def _catalogued(self, name: str) -> Price | None:
        facts = self._catalog.find(*name.partition("/")[::2])
        return facts.price if facts is not None else None
