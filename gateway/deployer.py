"""The configured models -> live aliases and deployments."""

import re
import time
from functools import partial
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import msgspec

from adapters.bedrock.models import catalogued
from adapters.bedrock.wire import FAMILY as BEDROCK
from adapters.catalog import Catalog, ModelFacts, Price, priced
from adapters.contract import Provider, Target
from adapters.providers import PROVIDERS, find
from adapters.quirks import placed
from adapters.registry import UPSTREAMS
from gateway import spoken
from gateway.accounts import Account, Accounts
from gateway.candidate import Place, candidate
from gateway.config import clouds, schema
from gateway.config.addresses import address, filled
from gateway.config.aws import sited
from gateway.config.check_routing import specs
from gateway.config.command import is_command
from gateway.config.found import found_keys
from gateway.config.secrets import SecretError, Secrets, is_reference
from gateway.credentials.contract import Wanted
from gateway.credentials.signing import Signing
from gateway.credentials.wallet import Wallet
from gateway.deployments import Alias, Deployment, Directory
from gateway.net.loopback import Asker
from gateway.telemetry.redact import Redactor
from routing.book import Book, Spec, seeded
from routing.health import Credential, Health
from routing.types import Candidate
from routing.types import Limits as HealthLimits

EXTERNAL: Final = "external"
"""The kind of strategy that asks another server."""
_SECRET: Final = re.compile("auth|key|token|secret|cookie", re.IGNORECASE)
"""In the names of headers whose values are nobody's business."""
DEMO: Final = "demo"
"""The alias, and the echo family's model, that answers without any provider."""


class Deployer:
    """Configuration of models -> live aliases."""

    def __init__(
        self,
        config: schema.Config,
        secrets: Secrets,
        catalog: Catalog,
        client: Asker,
        loopback: Asker,
        wallet: Wallet,
        redactor: Redactor,
    ) -> None:
        """`redactor` is told of every credential that is found."""
        self._config = config
        self._secrets = secrets
        self._catalog = catalog
        self._client = client
        self._loopback = loopback
        strategies = {
            name: _introduced(spec, secrets, redactor)
            for name, spec in specs(config.routing.strategies).items()
        }
        self.book = Book(strategies, seeded(), time.monotonic)
        self._resolved: dict[str, str] = {}
        self._wallet = wallet
        self._redactor = redactor
        self._credentials: dict[tuple[str, str, str], Credential] = {}
        self._accounts: dict[str, Account] = {}
        self._named: dict[str, str] = {}

    def directory(self) -> Directory:
        """Every alias of the configuration, `demo`, and, where no model is configured,
        a wildcard for every provider whose key is in the environment."""
        models = dict(self._config.models)
        if not models:
            models |= {
                f"{found.provider}/*": schema.Model(
                    deployments=[schema.Deployment(model=f"{found.provider}/*")]
                )
                for found in found_keys(self._secrets)
            }
        if self._config.demo and DEMO not in models:
            models[DEMO] = schema.Model(
                deployments=[schema.Deployment(model=f"echo/{DEMO}")],
                description="answers by itself, without any provider",
            )
        patterns = {name: m for name, m in models.items() if "*" in name}
        exact = {
            name: self.alias(name, model, "")
            for name, model in models.items()
            if name not in patterns
        }
        for model in patterns.values():
            for entry in model.deployments:
                self._place(entry, "")  # what it finds, the redactor must know at once
        return Directory(exact, patterns, self.alias)

    def accounts(self) -> Accounts:
        """Every place that the configuration names; to be asked after `directory`."""
        rows = self._config.providers
        for name in rows:
            entry = schema.Deployment(model="*", provider=name)
            try:
                place, _ = self._place(entry, "")
            except SecretError:
                continue  # only its deployments say where: they have been looked at
            if place.mark in self._accounts:
                self._named[name] = place.mark
        passed = frozenset(name for name, own in rows.items() if own.passthrough)
        return Accounts(self._accounts, self._named, passed, self._catalog)

    def alias(self, name: str, model: schema.Model, stood_for: str) -> Alias:
        """A live alias; `stood_for` is what its wildcard matched."""
        retries = model.retries or self._config.retries
        strategy = model.strategy or self._config.routing.strategy
        deployments = [
            self._deployment(name, model, entry, i, stood_for)
            for i, entry in enumerate(model.deployments)
        ]
        return Alias(name, model, deployments, strategy, self.book, retries)

    def _deployment(
        self,
        alias: str,
        model: schema.Model,
        entry: schema.Deployment,
        position: int,
        stood_for: str,
    ) -> Deployment:
        place, name = self._place(entry, stood_for)
        upstream, name = spoken.upstream(place.row, name)
        facts = self._facts(place, name, entry.base_model)
        price = _price(entry.price, facts)
        id = entry.id or f"{alias}/{position}:{place.row.id}/{name}"
        if stood_for and entry.id:
            id = f"{entry.id}:{stood_for}"
        limits = self._health_limits(entry)
        shared = None
        if len(model.deployments) > 1:
            # What cannot be asked elsewhere is not paused with the others.
            key = place.signer.identity if place.signer else place.key
            address = (place.row.id, place.base_url, key)
            shared = self._credentials.setdefault(address, Credential())
        client, redactor = self._reach(place)
        return Deployment(
            id=id,
            provider=place.row,
            upstream=upstream,
            target=_target(place, name, entry, facts, strict=self._strict(entry)),
            client=client,
            candidate=candidate(id, name, entry, place, price, facts),
            health=Health(limits, shared),
            timeouts=entry.timeouts or model.timeouts or self._config.timeouts,
            price=price,
            params=placed(entry.params, place.row.quirks),
            drop=entry.drop,
            address=_address(place.base_url),
            redactor=redactor,
            signer=place.signer,
            account=place.mark,
        )

    def _facts(self, place: Place, name: str, base: str) -> ModelFacts | None:
        """What the catalogue knows of a model there; `base`: what it really is."""
        if base:
            home, slash, model = base.partition("/")
            return self._catalog.find(
                *((home, model) if slash else (place.row.id, base))
            )
        if place.row.family != BEDROCK:
            return self._catalog.find(place.row.id, name)
        for known, holds in catalogued(name, place.base_url):
            facts = self._catalog.find(BEDROCK, known)
            if facts is not None:
                return facts if holds else msgspec.structs.replace(facts, price=None)
        return None

    def _reach(self, place: Place) -> tuple[Asker, Redactor]:
        """Who is asked, and who takes out what they were sent."""
        client = self._loopback if place.row.family == "echo" else self._client
        if place.signer is not None:
            return Signing(client, place.signer), self._redactor
        return client, Redactor([place.key, *place.secrets])

    def _open(self, place: Place) -> None:
        """Keep the place as an account, unless it is one already."""
        row, mark = place.row, place.mark
        if row.family == "echo" or not place.base_url:
            return
        self._named.setdefault(row.id, mark)
        if mark in self._accounts:
            return
        client, redactor = self._reach(place)
        nothing = schema.Deployment(model="*")
        base_url = clouds.above_models(place.base_url)
        root = msgspec.structs.replace(place, base_url=base_url)
        self._accounts[mark] = Deployment(
            id=row.id,
            provider=row,
            upstream=UPSTREAMS[row.family],
            target=_target(root, "", nothing, None, strict=False),
            client=client,
            candidate=Candidate(id=row.id, operations=frozenset()),
            health=Health(self._health_limits(nothing)),
            timeouts=self._config.timeouts,
            price=None,
            params={},
            drop=(),
            address=_address(place.base_url),
            redactor=redactor,
            signer=place.signer,
            account=mark,
        )

    def _place(self, entry: schema.Deployment, stood_for: str) -> tuple[Place, str]:
        """Where the deployment is, and the provider's own name for its model."""
        prefix, _, name = entry.model.partition("/")
        if entry.provider:
            prefix, name = entry.provider, entry.model
        elif not name or not self._is_provider(prefix):
            prefix, name = "", entry.model
        where = f"the deployment {entry.model!r}"
        own = self._config.providers.get(prefix)
        name = name.replace("*", stood_for) if stood_for else name
        known = spoken.known(prefix, name, own)
        row = spoken.row(prefix, known, own, entry.base_url)
        reference = entry.api_key or (own.api_key if own is not None else "")
        key = "" if reference else self._secrets.first(row.env)
        if reference and not is_command(reference):
            key = self._secret(reference, where)
        there = sited(row, own, entry, name, self._secrets)
        base_url = self._base_url(entry, row, there).rstrip("/")
        if key:
            self._redactor.learn(key)
        headers = {**(own.headers if own is not None else {}), **entry.headers}
        resolved = {n: self._secrets.text(v, where) for n, v in headers.items()}
        secret = {value for n, value in resolved.items() if value != headers[n]}
        for value in secret:
            self._redactor.learn(value)
        site = clouds.site(base_url, known, own, entry, self._secrets, key or reference)
        base_url = site.url
        signer = None
        if is_command(reference):
            signer = self._wallet.key(reference, row)
        elif row.signer and (not key or row.signer in clouds.EXCHANGED):
            learned = partial(self._learned, where)
            wanted = Wanted(row, base_url, entry, own, learned, key)
            signer, key = self._wallet.signer(row.signer, wanted), ""
        mark = _mark(row, base_url, f"{reference}{site.said}")
        place = Place(row, base_url, key, resolved, secret, signer, mark)
        self._open(place)
        return place, name

    def _learned(self, where: str, reference: str) -> str:
        secret = self._secret(reference, where)
        self._redactor.learn(secret)
        return secret

    def _base_url(
        self, entry: schema.Deployment, row: Provider, own: schema.ProviderRow | None
    ) -> str:
        """Empty when it is not known; the configuration was checked for that."""
        if entry.base_url:
            said = own.variables if own is not None else {}
            return filled(entry.base_url, row, said, self._secrets).url
        return address(row, own, self._secrets).url

    def _secret(self, reference: str, where: str) -> str:
        """Resolved once: a wildcard's every new name must not read a file again."""
        if reference not in self._resolved:
            self._resolved[reference] = self._secrets.resolve(reference, where)
        return self._resolved[reference]

    def _is_provider(self, prefix: str) -> bool:
        return prefix in self._config.providers or find(prefix) is not None

    def _strict(self, entry: schema.Deployment) -> bool:
        return (entry.on_unsupported or self._config.on_unsupported) == "error"

    def _health_limits(self, entry: schema.Deployment) -> HealthLimits:
        cooldown = self._config.cooldown
        return HealthLimits(
            failures=cooldown.failures,
            open_s=cooldown.open_s,
            open_max_s=cooldown.open_max_s,
            max_parallel=entry.max_parallel,
            rpm=entry.rpm,
            tpm=entry.tpm,
        )


def _introduced(spec: Spec, secrets: Secrets, redactor: Redactor) -> Spec:
    """A strategy that asks another server, with the headers' secrets in place."""
    headers = spec.options.get("headers")
    if spec.kind != EXTERNAL or not isinstance(headers, dict):
        return spec
    found = {}
    for name, value in headers.items():
        found[name] = secrets.resolve(value) if is_reference(value) else value
        if _SECRET.search(name) or is_reference(value):
            redactor.learn(found[name].rpartition(" ")[2])
    return msgspec.structs.replace(spec, options={**spec.options, "headers": found})


def origins(config: schema.Config, secrets: Secrets) -> set[tuple[str, int]]:
    """Hosts and ports of the table and the configuration: allowed though private."""
    urls = [
        address(row, config.providers.get(row.id), secrets).url
        for row in PROVIDERS.values()
    ]
    urls += [own.base_url for own in config.providers.values()]
    urls += [
        entry.base_url
        for model in config.models.values()
        for entry in model.deployments
    ]
    urls += [
        str(own.options.get("url", ""))
        for own in config.routing.strategies.values()
        if own.kind == EXTERNAL
    ]
    urls += [f"https://{host}" for host in clouds.vertex_hosts(config, secrets)]
    return {_address(url) for url in urls if url}


def proxies(config: schema.Config, secrets: Secrets) -> dict[str, str]:
    """Origin -> the outbound proxy through which it is reached."""
    found = {}
    for name, own in config.providers.items():
        known = find(name)
        urls = {address(known, own, secrets).url if known else own.base_url}
        urls |= {
            entry.base_url
            for model in config.models.values()
            for entry in model.deployments
            if name in {entry.provider, entry.model.partition("/")[0]}
        }
        for url in filter(None, urls if own.proxy else ()):
            parts = urlsplit(url)
            found[f"{parts.scheme}://{parts.netloc}"] = secrets.text(own.proxy)
    return found


def _mark(row: Provider, base_url: str, reference: str) -> str:
    """The account's name for itself; nothing in it is secret."""
    said = "\0".join((row.id, base_url, reference or " ".join(row.env)))
    return sha256(said.encode()).hexdigest()[:12]


def _target(
    place: Place,
    name: str,
    entry: schema.Deployment,
    facts: ModelFacts | None,
    *,
    strict: bool,
) -> Target:
    limits: dict[str, int] = {}
    most_in = entry.max_input_tokens or (facts.max_input_tokens if facts else None)
    most_out = entry.max_output_tokens or (facts.max_output_tokens if facts else None)
    if most_in:
        limits["max_input_tokens"] = most_in
    if most_out:
        limits["max_output_tokens"] = most_out
    return Target(
        model=name,
        base_url=place.base_url,
        provider=place.row,
        credential=place.key,
        headers=tuple(
            (n.lower().encode("latin-1"), v.encode("latin-1"))
            for n, v in place.headers.items()
        ),
        strict=strict,
        limits=limits,
        abilities=facts.abilities if facts else frozenset(),
        heads={},
    )


def _price(said: schema.Price | None, facts: ModelFacts | None) -> Price | None:
    if said is None:
        return facts.price if facts is not None else None
    return priced(msgspec.to_builtins(said))


def _address(url: str) -> tuple[str, int]:
    """Host and port; nothing and 0 for what is asked in this process."""
    if not url:
        return "", 0
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
