"""By which strategies a version of a router is judged: as they will decide by it."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.cli.opening import opened
from gateway.config.check_routing import specs
from routing.book import Spec, converted
from routing.lab.choices import Rule
from routing.lab.table import TableError
from routing.learned.model import GBDT
from routing.strategies.conducted import CascadeOptions
from routing.strategies.explore import ExploreOptions
from routing.strategies.hybrid import HybridOptions
from routing.strategies.learned import PROFILES, Learned, LearnedOptions
from routing.strategies.table import kind

HYBRID: Final = "hybrid"


def rules(arguments: argparse.Namespace) -> list[Rule]:
    """What the command line says, or all of a configuration, each once: as it decides
    for calls of any kind and then, where it may, for those that cascades can answer.

    Raises:
        TableError: the configuration has mistakes, or nobody there would decide by
            what is promoted.
    """
    if not arguments.config:
        return [
            Rule(name, arguments.quality, threshold, cascades)
            for name in dict.fromkeys(arguments.kind or [GBDT])
            for threshold in (arguments.threshold if name == HYBRID else None,)
            for cascades in (False, True)[: 1 + arguments.cascades]
        ]
    found = [
        rule
        for rule in _configured(arguments.config, Path(arguments.registry))
        if arguments.cascades or not rule.cascades
    ]
    if not found:
        raise TableError(
            f"{arguments.config} has no strategy over {arguments.registry}"
        )
    return list(dict.fromkeys(found))


def _configured(file: str, folder: Path) -> list[Rule]:
    loaded = opened(file, demand=False)
    if loaded is None:
        raise TableError(f"{file} cannot be used")
    found = []
    known = specs(loaded.config.routing.strategies)
    gated = _gated(known)
    for name, spec in known.items():
        cls = kind(spec.kind)
        if not (isinstance(cls, type) and issubclass(cls, Learned)):
            continue
        options = converted(name, spec, cls.options)
        assert isinstance(options, LearnedOptions)
        if options.version != "live" or Path(options.artifact).resolve() != (
            folder.resolve()
        ):
            continue
        share = PROFILES["auto"] if options.quality is None else options.quality
        threshold = options.threshold if isinstance(options, HybridOptions) else None
        found.append(Rule(cls.head, share, threshold))
        if name in gated:
            found.append(Rule(cls.head, share, threshold, cascades=True))
    return found


def _gated(known: Mapping[str, Spec]) -> set[str]:
    """Strategies that are asked which cascade to choose."""
    found = set()
    options = {
        name: converted(name, spec, kind(spec.kind).options)
        for name, spec in known.items()
    }
    for own in options.values():
        asked = own.router if isinstance(own, CascadeOptions) else ""
        while asked in known and asked not in found:
            found.add(asked)
            next_ = options[asked]
            asked = next_.of if isinstance(next_, ExploreOptions) else ""
    return found
