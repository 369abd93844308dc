"""Who asks."""

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """The holder of a key, as the way of a request needs it."""

    id: str
    """Public id of the virtual key; `master` for the master key, `anyone` without."""
    name: str = ""
    models: frozenset[str] | None = None
    """Aliases it may use by exact name; `None`: all."""
    patterns: tuple[str, ...] = ()
    """Aliases it may use by wildcard (`openai/*`)."""
    is_master: bool = False
    providers: tuple[str, ...] | None = None
    """Patterns of `provider/model-id` that its calls may be sent to; `None`: all."""

    @property
    def sees_all(self) -> bool:
        """Whether it may name what was made past the gateway, too: the master key, and
        everyone where there is none. Virtual keys know what they were given."""
        return self.is_master or self.id == ANYONE.id

    def may_use(self, alias: str) -> bool:
        """Whether the key opens this alias."""
        if self.models is None or alias in self.models:
            return True
        return any(_fits(alias, pattern) for pattern in self.patterns)

    def may_reach(self, provider: str) -> bool:
        """Whether its calls may go to every model of a provider: what lies at an
        account is not told apart by models."""
        if self.providers is None:
            return True
        return any(_fits(f"{provider}/*", pattern) for pattern in self.providers)


def _fits(alias: str, pattern: str) -> bool:
    """Whether the pattern stands for the alias; `*` is its only special character."""
    first, *rest = pattern.split("*")
    if not rest:
        return alias == pattern
    *inner, last = rest
    if not alias.startswith(first) or not alias.endswith(last):
        return False
    at, end = len(first), len(alias) - len(last)
    for piece in inner:
        found = alias.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= end


ANYONE = Principal("anyone")
"""Who asks a gateway that has no master key."""
