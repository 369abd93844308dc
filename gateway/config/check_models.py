"""Aliases, deployments and providers: whether every name leads somewhere."""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from adapters.contract import Provider
from adapters.providers import PROVIDERS, find
from gateway.config.addresses import (
    address,
    bad_url,
    filled,
    is_loopback,
    words,
)
from gateway.config.aws import sited
from gateway.config.check_clouds import check_sections, check_site, known_as
from gateway.config.clouds import EXCHANGED
from gateway.config.findings import Findings
from gateway.config.names import Place, guess, matches, place
from gateway.config.problem import Path, did_you_mean, quoted
from gateway.config.schema import Config, Deployment, Model, Price, ProviderRow, Tier
from gateway.config.secrets import SecretError, Secrets

MAX_NAME: Final = 256
"""Characters of an alias or deployment id."""

SERVICES: Final = ("flex", "priority", "batch")
"""Ways to be served that may cost otherwise."""

RESERVED: Final = frozenset({"model", "messages", "input", "prompt", "stream"})
"""Request fields that are the client's or the gateway's, never a default."""

_ID: Final = re.compile(r"[!-~]{1,256}")


def check_providers(config: Config, findings: Findings) -> None:
    """The `providers` section."""
    families = {p.family for p in PROVIDERS.values()}
    clouds = {p.id for p in PROVIDERS.values() if p.signer}
    for name, row in config.providers.items():
        path: Path = ("providers", name)
        if not findings.sound(*path):
            continue
        if "/" in name or not name.strip():
            findings.problem(path, "a provider's name has no slash", at_key=True)
        if row.family and row.family not in families | clouds:
            listed = ", ".join(sorted(families))
            message = f"must be one of {listed}, not {quoted(row.family)}"
            hint = did_you_mean(row.family, families | clouds)
            findings.problem((*path, "family"), message, hint)
        like = known_as(name, row)
        sited = find(name) is not None or (like is not None and like.signer)
        if not sited and not row.base_url:
            hint = did_you_mean(name, _provider_names())
            message = "an own provider needs a `base_url`"
            findings.problem(path, message, hint, at_key=True)
        for key, url in (("base_url", row.base_url), ("proxy", row.proxy)):
            wrong = url and bad_url(url)
            if wrong:
                findings.problem((*path, key), wrong)
        _check_words(name, row, path, findings)
        findings.secret((*path, "api_key"), row.api_key)
        check_sections(row, path, findings)
        for header, value in row.headers.items():
            findings.header((*path, "headers", header), header, value)
        if row.auth not in ("", "bearer", "none"):
            findings.header((*path, "auth"), *row.auth.partition(":")[::2])


def _check_words(name: str, row: ProviderRow, path: Path, findings: Findings) -> None:
    """Whether what stands in braces in an address is known, and nothing else said."""
    known = find(name) or PROVIDERS["openai"]
    there = words(row.base_url or known.base_url)
    for word, value in row.variables.items():
        inner = (*path, "variables", word)
        findings.text(inner, value)
        if word not in there:
            hint = did_you_mean(word, there)
            message = f"the address has no {{{word}}}"
            findings.problem(inner, message, hint, at_key=True)
    try:
        missing = filled(row.base_url, known, row.variables, findings.secrets).missing
    except SecretError:
        return  # reported where it stands
    if missing and findings.demand:
        findings.problem((*path, "base_url"), "a part of it is not known", missing)


def check_models(config: Config, findings: Findings) -> None:
    """The `models` section."""
    ids: dict[str, Path] = {}
    for alias, model in config.models.items():
        path: Path = ("models", alias)
        _check_alias(alias, path, findings)
        for i, deployment in enumerate(model.deployments):
            inner = (*path, "deployments", i)
            if findings.sound(*inner):
                _check_deployment(config, alias, deployment, inner, findings)
                _check_id(deployment.id, (*inner, "id"), ids, findings)
        _check_choice(config, model, path, findings)
        _check_fallbacks(config, alias, model, findings)


def _check_alias(alias: str, path: Path, findings: Findings) -> None:
    if not alias or alias != alias.strip() or not alias.isprintable():
        message = "an alias is a visible name without spaces around it"
        findings.problem(path, message, at_key=True)
    elif len(alias) > MAX_NAME:
        message = f"an alias has at most {MAX_NAME} characters"
        findings.problem(path, message, at_key=True)
    elif alias.count("*") > 1:
        message = "an alias has at most one *"
        findings.problem(path, message, "`openai/*`", at_key=True)


def _check_id(id: str, path: Path, ids: dict[str, Path], findings: Findings) -> None:
    if not id or not findings.sound(*path):
        return
    if _ID.fullmatch(id) is None:
        findings.problem(path, "an id has letters, digits and signs, no spaces")
    elif id in ids:
        other = findings.spot(ids[id])
        findings.problem(path, f"the id {quoted(id)} is there twice", f"also {other}")
    else:
        ids[id] = path


def _check_deployment(
    config: Config, alias: str, deployment: Deployment, path: Path, findings: Findings
) -> None:
    if findings.sound(*path, "model"):
        _check_place(config, alias, deployment, path, findings)
    wrong = deployment.base_url and bad_url(deployment.base_url)
    if wrong:
        findings.problem((*path, "base_url"), wrong)
    findings.secret((*path, "api_key"), deployment.api_key)
    check_sections(deployment, path, findings)
    for name, value in deployment.headers.items():
        findings.header((*path, "headers", name), name, value)
    if deployment.price is not None:
        _check_price(deployment.price, (*path, "price"), findings)
    for name in RESERVED & deployment.params.keys():
        message = f"{quoted(name)} comes from the request"
        findings.problem((*path, "params", name), message, at_key=True)


def _check_price(price: Price, path: Path, findings: Findings) -> None:
    if all(value in (None, [], {}) for value in msgspec.structs.astuple(price)):
        hint = "leave it out for the catalogue's; `{input: 0, output: 0}` is free"
        findings.problem(path, "a price says what something costs", hint)
    _check_tiers(price.tiers, (*path, "tiers"), findings)
    for name, service in price.services.items():
        inner = (*path, "services", name)
        if name not in SERVICES:
            message = f"must be one of {', '.join(SERVICES)}"
            hint = did_you_mean(name, SERVICES)
            findings.problem(inner, message, hint, at_key=True)
        _check_tiers(service.tiers, (*inner, "tiers"), findings)


def _check_tiers(tiers: list[Tier], path: Path, findings: Findings) -> None:
    above = [tier.above for tier in tiers]
    if above != sorted(set(above)):
        findings.problem(path, "must ascend by `above`")


def _check_place(
    config: Config, alias: str, deployment: Deployment, path: Path, findings: Findings
) -> None:
    where = place(config, deployment)
    at = (*path, "provider" if deployment.provider else "model")
    base_url = deployment.base_url or (where.row.base_url if where.row else "")
    if not where.model:
        findings.problem(at, "must be provider/model-id", "the model id is missing")
    elif where.model.count("*") > ("*" in alias):
        named = f"call the alias {quoted(f'{where.provider}/*')}"
        hint = named if "*" not in alias else ""
        findings.problem(at, "a * in a model wants one in its alias", hint)
    elif not base_url and where.known is None and where.row is None:
        _check_unknown(config, deployment, at, findings)
    elif where.known is not None:
        _check_known(where, deployment, base_url, path, findings)
    elif deployment.base_url and findings.demand:
        plain = PROVIDERS["openai"]
        missing = _missing(where, plain, deployment, findings.secrets)
        if missing:
            message = "a part of it is not known"
            findings.problem((*path, "base_url"), message, missing)


def _check_unknown(
    config: Config, deployment: Deployment, at: Path, findings: Findings
) -> None:
    """Neither a provider's name nor an address: what may have been meant."""
    prefix, slash, _ = deployment.model.partition("/")
    provider = deployment.provider or (prefix if slash else "")
    if not provider:
        home = guess(deployment.model)
        hint = f"did you mean {quoted(f'{home}/{deployment.model}')}?" if home else ""
        findings.problem(at, "must be provider/model-id", hint)
        return
    hint = did_you_mean(provider, _provider_names(config.providers))
    hint = hint or "name its OpenAI-compatible address: `base_url: https://...`"
    findings.problem(at, f"unknown provider {quoted(provider)}", hint)


def _check_known(
    where: Place, deployment: Deployment, base_url: str, path: Path, findings: Findings
) -> None:
    known = where.known
    if known is None or not findings.demand:
        return
    secrets = findings.secrets
    check_site(known, where.row, deployment, path, findings)
    missing = _missing(where, known, deployment, secrets)
    if missing:
        message = f"{known.title or known.id} has no common address: it needs yours"
        findings.problem(path, message, missing)
    own_key = deployment.api_key or (where.row is not None and where.row.api_key)
    auth = (where.row.auth if where.row else "") or known.auth
    # A server of one's own may well ask for none.
    elsewhere = base_url or is_loopback(urlsplit(known.base_url).hostname or "")
    if own_key or auth == "none" or not known.env:
        return
    if (elsewhere or known.signer) and known.signer not in EXCHANGED:
        return
    if not secrets.first(known.env):
        name = known.env[0]
        message = f"no key for {known.title or known.id}: {name} is not set"
        findings.problem((*path, "model"), message, f"export {name}=... or set api_key")


def _missing(
    where: Place, known: Provider, deployment: Deployment, secrets: Secrets
) -> str:
    """What would have to be set for the address to be known; empty when it is."""
    if known.signer == "google":
        return ""  # see `check_site`
    try:
        if deployment.base_url:
            said = where.row.variables if where.row is not None else {}
            return filled(deployment.base_url, known, said, secrets).missing
        own = sited(known, where.row, deployment, where.model, secrets)
        return address(known, own, secrets).missing
    except SecretError:
        return ""  # reported where it stands


def _check_choice(config: Config, model: Model, path: Path, findings: Findings) -> None:
    """What holds for the deployments of an alias together."""
    if model.hedge is not None and len(model.deployments) < 2:
        message = "a second try needs a second deployment"
        findings.problem((*path, "hedge"), message, at_key=True)
    if (model.strategy or config.routing.strategy) == "weighted":
        for order in {d.order for d in model.deployments}:
            tier = [d.weight for d in model.deployments if d.order == order]
            if not any(tier) and findings.sound(*path, "deployments"):
                message = f"every deployment with order {order} has weight 0"
                hint = "they share the traffic equally"
                findings.warn((*path, "deployments"), message, hint)


def _check_fallbacks(
    config: Config, alias: str, model: Model, findings: Findings
) -> None:
    lists: Mapping[str, list[str]] = {
        "fallbacks": model.fallbacks,
        "context_window_fallbacks": model.context_window_fallbacks,
        "content_policy_fallbacks": model.content_policy_fallbacks,
    }
    for key, names in lists.items():
        for i, name in enumerate(names):
            path: Path = ("models", alias, key, i)
            if name == alias:
                findings.problem(path, "an alias cannot fall back to itself")
            elif name in names[:i]:
                findings.problem(path, f"{quoted(name)} is there twice")
            elif not answers(config, name):
                known = [*config.models, *(["demo"] if config.demo else [])]
                hint = did_you_mean(name, known) or f"aliases: {', '.join(known[:8])}"
                findings.problem(path, f"no alias {quoted(name)}", hint)


def answers(config: Config, name: str) -> bool:
    """Whether a request for this name would find an alias."""
    if name in config.models or (config.demo and name == "demo"):
        return True
    return any(matches(pattern, name) for pattern in config.models if "*" in pattern)


def _provider_names(own: Iterable[str] = ()) -> list[str]:
    known = (name for p in PROVIDERS.values() for name in (p.id, *p.aliases))
    return sorted({*known, *own})
