"""Who asks."""

from fnmatch import fnmatchcase

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

    def may_use(self, alias: str) -> bool:
        """Whether the key opens this alias."""
        if self.models is None or alias in self.models:
            return True
        return any(fnmatchcase(alias, pattern) for pattern in self.patterns)


ANYONE = Principal("anyone")
"""Who asks a gateway that has no master key."""
