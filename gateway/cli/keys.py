"""`routeiq keys`: virtual keys, in the configured store directly.

Works beside a running gateway: it believes a key for `keys.cache_s` seconds, then asks
the store again.
"""

import argparse
import asyncio
from datetime import UTC, datetime

import msgspec

from gateway.cli.commands import CANNOT_START, OK, PROBLEM
from gateway.cli.opening import chosen, opened
from gateway.cli.show import err, out, paint_err, table
from gateway.config.check_models import answers
from gateway.config.load import Loaded
from gateway.config.schema import Config
from gateway.govern.keys import Kept, create, list_keys, revoke
from gateway.store.contract import Store, StoreError
from gateway.store.open import open_store


def keys(arguments: argparse.Namespace) -> int:
    """Make, list or revoke."""
    loaded = opened(chosen(arguments), demand=False)
    if loaded is None:
        return PROBLEM
    url = loaded.config.store.url
    if url.startswith("memory:"):
        err("routeiq: store.url is memory:, whose keys live in the gateway alone")
        return PROBLEM
    try:
        return asyncio.run(_act(arguments, loaded))
    except StoreError as error:
        err(f"routeiq: the store {url}: {error}")
        return CANNOT_START


async def _act(arguments: argparse.Namespace, loaded: Loaded) -> int:
    store = await open_store(loaded.config.store)
    try:
        if arguments.action == "create":
            return await _create(arguments, loaded.config, store)
        if arguments.action == "list":
            return await _list(store, json=arguments.json)
        return await _revoke(arguments.id, store)
    finally:
        await store.close()


async def _create(arguments: argparse.Namespace, config: Config, store: Store) -> int:
    """The secret goes to standard output, alone: `KEY=$(routeiq keys create ...)`."""
    minted = await create(
        store,
        name=arguments.name,
        models=arguments.model or None,
        providers=arguments.only or None,
        expires_s=arguments.expires,
    )
    for alias in arguments.model:
        if config.models and "*" not in alias and not answers(config, alias):
            _warn(f"no alias {alias!r} is configured")
    if not config.keys.master:
        _warn("keys.master is not set: nobody is asked for a key")
    if arguments.json:
        out(_json(_record(minted.kept) | {"key": minted.secret}))
    else:
        err(f"{minted.id} for {arguments.name}; it is shown this once:")
        out(minted.secret)
    return OK


async def _list(store: Store, *, json: bool) -> int:
    kept = await list_keys(store)
    if json:
        out(_json([_record(key) for key in kept]))
        return OK
    heads = ("id", "key", "name", "created", "expires", "models", "sent to")
    rows = [
        (
            key.id,
            key.preview,
            key.name,
            _instant(key.created_unix_s),
            _instant(key.expires_unix_s) or "never",
            "all" if key.models is None else ", ".join(key.models),
            "anyone" if key.providers is None else ", ".join(key.providers),
        )
        for key in kept
    ]
    out(table(heads, rows) or "no keys; `routeiq keys create --name NAME` makes one")
    return OK


async def _revoke(id: str, store: Store) -> int:
    if await revoke(store, id):
        out(f"{id} is revoked")
        return OK
    err(f"routeiq: no key {id!r}; `routeiq keys list` names them")
    return PROBLEM


def _record(key: Kept) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "preview": key.preview,
        "models": key.models,
        "providers": key.providers,
        "created": _instant(key.created_unix_s),
        "expires": _instant(key.expires_unix_s) or None,
        "metadata": key.metadata,
    }


def _instant(unix_s: float | None) -> str:
    """ISO 8601, UTC, whole seconds; empty for none."""
    if unix_s is None:
        return ""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _warn(text: str) -> None:
    err(paint_err()(f"warning: {text}", "yellow"))
