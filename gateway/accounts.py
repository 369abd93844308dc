"""Accounts: an address and a credential at a provider, for all that is not a model
call. Made of the same configuration as the deployments, one for each place they name.
"""

from collections.abc import Mapping

from adapters.catalog import Catalog, Price
from gateway.deployments import Deployment

Account = Deployment
"""A deployment of no model."""


class Accounts:
    """Every account, by its mark, its provider and its family.

    A mark names the same account after a restart and after its key was exchanged: it
    is made of address and reference, never of the credential.
    """

    def __init__(
        self,
        by_mark: Mapping[str, Account],
        named: Mapping[str, str],
        passthrough: frozenset[str],
        catalog: Catalog,
    ) -> None:
        """`named`: provider -> the mark of the account that stands for it."""
        self._by_mark = dict(by_mark)
        self._named = dict(named)
        self._passthrough = passthrough
        self._catalog = catalog

    def marked(self, mark: str) -> Account | None:
        return self._by_mark.get(mark)

    def named(self, provider: str) -> Account | None:
        """The account of a provider; the one of its own row, where it has several."""
        return self._by_mark.get(self._named.get(provider, ""))

    def passes(self, provider: str) -> Account | None:
        """The account whose API is open as it is, if the configuration says so."""
        return self.named(provider) if provider in self._passthrough else None

    def of_family(self, family: str) -> list[Account]:
        """One for each provider of a family, in the configuration's order."""
        marks = dict.fromkeys(self._named.values())
        found = [self._by_mark[mark] for mark in marks]
        return [each for each in found if each.provider.family == family]

    def price(self, account: Account, model: str) -> Price | None:
        """What a model costs there, as the catalogue has it."""
        facts = self._catalog.find(account.provider.id, model) if model else None
        return facts.price if facts is not None else None
