"""`routeiq route explain`: who would be asked for a prompt, and why.

Of a configuration file alone (nothing is running, everybody is well), or of a running
gateway, with what it knows of its deployments at the moment.
"""

import argparse
import sys
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from adapters.contract import Hint, Operation
from adapters.errors import BadCall
from adapters.registry import DIALECTS
from gateway.cli.commands import CANNOT_START, OK, PROBLEM
from gateway.cli.opening import chosen, opened
from gateway.cli.show import err, out, table
from gateway.config.load import Loaded
from gateway.config.models_file import catalogue
from gateway.config.secrets import SecretError
from gateway.credentials.wallet import Wallet
from gateway.deployer import Deployer
from gateway.errors import Refused
from gateway.govern.principal import ANYONE
from gateway.net.loopback import Loopback
from gateway.spine.exchange import Exchange
from gateway.spine.explain import explain
from gateway.telemetry.facts import Trace
from gateway.telemetry.redact import Redactor

WISHES: Final = (
    *("strategy", "profile", "quality", "max-cost", "pin", "region", "min-tier"),
    *("tags", "conversation"),
)
"""Options that are headers of the same name after `x-routeiq-`."""
PATIENCE_S: Final = 30.0
_CHAT: Final = DIALECTS["openai.chat"]


def route(arguments: argparse.Namespace) -> int:
    """Tell the decision; nothing is sent to any provider."""
    text = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    asked = {
        "model": arguments.model,
        "messages": [{"role": "user", "content": text}],
    }
    said = {
        f"x-routeiq-{name}": str(value)
        for name in WISHES
        if (value := getattr(arguments, name.replace("-", "_"))) is not None
    }
    loaded = opened(chosen(arguments), demand=False)
    if loaded is None:
        return PROBLEM
    try:
        if arguments.url:
            found = _live(arguments.url, arguments.key, loaded, asked, said)
        else:
            found = msgspec.json.decode(_offline(loaded, asked, said))
    except (BadCall, Refused, SecretError) as error:
        err(f"routeiq: {error}")
        return PROBLEM
    except httpx.HTTPError as error:
        err(f"routeiq: {arguments.url}: {error}")
        return CANNOT_START
    if arguments.json:
        out(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _show(found)
    return OK


def _offline(
    loaded: Loaded, asked: Mapping[str, Any], said: Mapping[str, str]
) -> bytes:
    redactor = Redactor([])
    wallet = Wallet(loaded.config.egress, loaded.secrets, redactor)
    nobody = Loopback()  # nothing is ever asked
    directory = Deployer(
        loaded.config,
        loaded.secrets,
        catalogue(loaded.config),
        nobody,
        nobody,
        wallet,
        redactor,
    ).directory()
    exchange = Exchange(
        id="req_explain",
        request_id="req_explain",
        route="",
        dialect=_CHAT,
        operation=Operation.chat,
        headers={n.encode(): v.encode("utf-8", "replace") for n, v in said.items()},
        trace=Trace(0, 0, 0, sampled=False),
        began=0.0,
        began_unix_ns=0,
    )
    exchange.principal = ANYONE
    hint = Hint(operation=Operation.chat)
    call = _CHAT.read_call(msgspec.json.encode(asked), hint)
    return explain(directory, exchange, call)


def _live(
    url: str,
    key: str,
    loaded: Loaded,
    asked: Mapping[str, Any],
    said: Mapping[str, str],
) -> dict[str, Any]:
    headers = dict(said)
    if key:
        headers["authorization"] = f"Bearer {loaded.secrets.resolve(key, '--key')}"
    place = f"{url.rstrip('/')}/v1/routing/explain"
    answer = httpx.post(place, json=asked, headers=headers, timeout=PATIENCE_S)
    if answer.status_code != httpx.codes.OK:
        raise BadCall(f"{url} answered {answer.status_code}: {answer.text[:500]}")
    found: dict[str, Any] = answer.json()
    return found


def _show(found: Mapping[str, Any]) -> None:
    arm = f", arm {found['arm']}" if found["arm"] else ""
    note = f": {found['note']}" if found["note"] else ""
    out(f"{found['model']} by {found['strategy']}{arm}{note}\n")
    heads = ("deployment", "model", "odds", "quality", "$ expected", "why")
    rows = [
        (
            step["deployment"],
            step["model"],
            f"{step['propensity']:.2f}",
            _number(step["expected_quality"], ".3f"),
            _number(step["expected_cost_usd"], ".6f"),
            step["reason"],
        )
        for step in found["order"]
    ]
    rows += [
        (gone["deployment"], gone["model"], "", "", "", f"out: {gone['by']}")
        for gone in found["removed"]
    ]
    out(table(heads, rows))
    for shadow in found["shadows"]:
        out(f"\n{shadow['strategy']} would have asked {shadow['candidate']}")


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
