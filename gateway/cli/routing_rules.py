"""By which strategies a version of a router is judged: as they will decide by it."""

import argparse
from pathlib import Path
from typing import Final

from gateway.cli.opening import opened
from gateway.config.check_routing import specs
from routing.book import converted
from routing.lab.choices import Rule
from routing.lab.table import TableError
from routing.learned.model import GBDT
from routing.strategies.hybrid import HybridOptions
from routing.strategies.learned import PROFILES, Learned, LearnedOptions
from routing.strategies.table import kind

HYBRID: Final = "hybrid"


def rules(arguments: argparse.Namespace) -> list[Rule]:
    """What the command line says, or all of a configuration, each once.

    Raises:
        TableError: the configuration has mistakes, or nobody there would decide by
            what is promoted.
    """
    if not arguments.config:
        return [
            Rule(name, arguments.quality, arguments.threshold)
            if name == HYBRID
            else Rule(name, arguments.quality)
            for name in dict.fromkeys(arguments.kind or [GBDT])
        ]
    found = _configured(arguments.config, Path(arguments.registry))
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
    for name, spec in specs(loaded.config.routing.strategies).items():
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
    return found
