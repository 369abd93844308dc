"""Strategies: whether each can be made as it is configured."""

import time
from collections.abc import Mapping
from fnmatch import fnmatchcase

from gateway.config.addresses import bad_url
from gateway.config.findings import Findings
from gateway.config.problem import Path, did_you_mean, quoted
from gateway.config.routed import StrategyConfig
from gateway.config.schema import Config
from routing.book import BadStrategy, Book, Spec, seeded
from routing.contract import Conducting, Remote, Strategy
from routing.strategies.table import STRATEGIES, kind, kinds


def check_routing(config: Config, findings: Findings) -> None:
    """`routing`, and the strategies that models name."""
    routing = config.routing
    names = sorted({*STRATEGIES, *routing.strategies})
    known = [n for n, s in routing.strategies.items() if _is_kind(n, s, findings)]
    book = Book(specs(routing.strategies), seeded(), time.monotonic)
    if findings.sound("routing", "strategy"):
        _check_name(routing.strategy, ("routing", "strategy"), names, findings)
    for name in known:
        made = _made(name, book, findings)
        if isinstance(made, Remote):
            _check_remote(name, made, findings)
        if isinstance(made, Conducting):
            _check_helpers(name, made, config, findings)
    for alias, model in config.models.items():
        if model.strategy:
            path: Path = ("models", alias, "strategy")
            _check_name(model.strategy, path, names, findings)


def specs(strategies: Mapping[str, StrategyConfig]) -> dict[str, Spec]:
    """The section in routing's own words."""
    return {n: Spec(kind=s.kind, options=s.options) for n, s in strategies.items()}


def _is_kind(name: str, own: StrategyConfig, findings: Findings) -> bool:
    """Whether its kind is one, so that it can be made."""
    path: Path = ("routing", "strategies", name)
    if not name or not name.isprintable() or name != name.strip():
        message = "a strategy's name is visible, without spaces around it"
        findings.problem(path, message, at_key=True)
    if name in STRATEGIES and own.kind != name:
        message = f"{quoted(name)} is a kind of its own: call this one otherwise"
        findings.problem(path, message, at_key=True)
    if not findings.sound(*path, "kind"):
        return False
    try:
        kind(own.kind)
    except LookupError as error:
        known = kinds()
        hint = did_you_mean(own.kind, known) or f"kinds: {', '.join(known)}"
        findings.problem((*path, "kind"), str(error.args[0]), hint)
        return False
    return True


def _check_name(name: str, path: Path, names: list[str], findings: Findings) -> None:
    if name in names:
        return
    try:
        kind(name)
    except LookupError:
        hint = did_you_mean(name, names) or f"strategies: {', '.join(names)}"
        findings.problem(path, f"no strategy {quoted(name)}", hint)


def _made(name: str, book: Book, findings: Findings) -> Strategy | None:
    path: Path = ("routing", "strategies", name)
    try:
        return book.get(name)
    except BadStrategy as error:
        if error.name == name:
            at = (*path, "options", error.field) if error.field else path
            findings.problem(at, error.message, at_key=not error.field)
    except LookupError as error:
        findings.problem((*path, "options"), str(error.args[0]))
    return None


def _check_remote(name: str, strategy: Remote, findings: Findings) -> None:
    """Whether its server can be asked."""
    path: Path = ("routing", "strategies", name, "options")
    if wrong := bad_url(strategy.url):
        findings.problem((*path, "url"), wrong)
    for header, value in strategy.headers.items():
        findings.header((*path, "headers", header), header, value)


def _check_helpers(
    name: str, strategy: Conducting, config: Config, findings: Findings
) -> None:
    """Whether the models that it asks are there."""
    known = [*config.models, *(["demo"] if config.demo else [])]
    # Without models there is a wildcard for every provider whose key is found.
    aliases = known if config.models else [*known, "*/*"]
    for option, model in strategy.helpers().items():
        if not any(model == alias or _takes(alias, model) for alias in aliases):
            path: Path = ("routing", "strategies", name, "options", option)
            hint = did_you_mean(model, known) or f"models: {', '.join(known)}"
            findings.problem(path, f"no model {quoted(model)}", hint)


def _takes(alias: str, model: str) -> bool:
    """Whether an alias is a wildcard for this name."""
    return "*" in alias and fnmatchcase(model, alias.replace("[", "[[]"))
