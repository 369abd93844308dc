"""What the types cannot say: names that must resolve, files that must be there."""

import ipaddress
import os
import re
import ssl
from pathlib import Path as File
from typing import Final

from gateway.config.addresses import bad_url, is_loopback
from gateway.config.check_models import check_models, check_providers
from gateway.config.check_routing import check_routing
from gateway.config.findings import Findings
from gateway.config.models_file import slips
from gateway.config.problem import Path, did_you_mean, quoted
from gateway.config.schema import Config, Server

SHORT_KEY: Final = 16
"""A master key with fewer characters is guessed."""

_STORES: Final = ("memory:", "sqlite:///")
_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?")


def check(config: Config, findings: Findings) -> None:
    """Look at everything; what is wrong is in `findings` afterwards."""
    _check_server(config.server, findings)
    _check_keys(config, findings)
    check_providers(config, findings)
    check_models(config, findings)
    check_routing(config, findings)
    _check_pauses(config, findings)
    _check_store(config, findings)
    _check_catalog(config, findings)
    _check_egress(config, findings)
    _check_telemetry(config, findings)


def _check_server(server: Server, findings: Findings) -> None:
    if findings.sound("server", "host") and (not server.host or " " in server.host):
        findings.problem(
            ("server", "host"),
            "must be an address or a host name",
            "127.0.0.1 for this machine only, 0.0.0.0 for all",
        )
    tls, path = server.tls, ("server", "tls")
    if tls is None or not findings.demand or not findings.sound(*path):
        return
    password = findings.secret((*path, "key_password"), tls.key_password)
    there = [
        _readable(findings, (*path, "cert"), tls.cert),
        _readable(findings, (*path, "key"), tls.key),
    ]
    if all(there):
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.cert, tls.key, lambda: password)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or "wrong password or no PEM"
            findings.problem(path, f"certificate and key do not load: {reason}")


def _readable(findings: Findings, path: Path, name: str) -> bool:
    file = File(name)
    if file.is_file() and os.access(file, os.R_OK):
        return True
    what = "cannot be read" if file.exists() else "is not there"
    findings.problem(path, f"the file {quoted(file.absolute())} {what}")
    return False


def _check_keys(config: Config, findings: Findings) -> None:
    path = ("keys", "master")
    master = findings.secret(path, config.keys.master)
    if not config.keys.master and not is_loopback(config.server.host):
        message = "everyone who reaches this address may spend your providers' keys"
        where: Path = ("server", "host")
        if config.keys.open:
            findings.warn(where, message)
        elif findings.sound(*path) and findings.sound("keys", "open"):
            hint = "set `keys: {master: env:ROUTEIQ_MASTER_KEY}`, or `open: true`"
            findings.problem(where, message, hint)
    if master and len(master) < SHORT_KEY:
        findings.warn(
            path,
            f"the master key has fewer than {SHORT_KEY} characters",
            "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one",
        )


def _check_pauses(config: Config, findings: Findings) -> None:
    retries, cooldown = config.retries, config.cooldown
    if retries.backoff_s > retries.backoff_max_s:
        message = f"must not be more than backoff_max_s, {retries.backoff_max_s}"
        findings.problem(("retries", "backoff_s"), message)
    if cooldown.open_s > cooldown.open_max_s:
        message = f"must not be more than open_max_s, {cooldown.open_max_s}"
        findings.problem(("cooldown", "open_s"), message)


def _check_store(config: Config, findings: Findings) -> None:
    url, path = config.store.url, ("store", "url")
    if not findings.sound(*path):
        return
    if not url.startswith(_STORES):
        known = "memory: or sqlite:///path"
        scheme = did_you_mean(url.split(":")[0] + ":", ("memory:", "sqlite:"))
        findings.problem(path, f"must be {known}", scheme)
        return
    if url.startswith("memory:") and config.server.workers > 1:
        findings.warn(
            path,
            "each worker has a memory of its own: keys and records are not shared",
            "use sqlite:///routeiq.db",
        )
    name = url.removeprefix("sqlite:///")
    if url.startswith("sqlite:") and not name:
        findings.problem(path, "the file's name is missing", "sqlite:///routeiq.db")
    elif url.startswith("sqlite:") and findings.demand:
        folder = File(name).absolute().parent
        if not folder.is_dir():
            findings.problem(path, f"the folder {quoted(folder)} is not there")
        elif not os.access(folder, os.W_OK):
            findings.problem(path, f"the folder {quoted(folder)} cannot be written")


def _check_catalog(config: Config, findings: Findings) -> None:
    path = ("catalog", "file")
    if not findings.demand or not findings.sound(*path):
        return
    for slip in slips(config):
        message = f"{quoted(config.catalog.file)}: {slip}"
        hint = "`routeiq models refresh FILE|URL` makes it anew"
        findings.problem(path, message, hint)


def _check_egress(config: Config, findings: Findings) -> None:
    for i, entry in enumerate(config.egress.allow_private):
        if not _is_network(entry) and _HOST.fullmatch(entry) is None:
            findings.problem(
                ("egress", "allow_private", i),
                f"{quoted(entry)} is neither a network nor a host name",
                "10.0.0.0/8, ::1, vllm.internal",
            )
    if config.egress.ca_file and findings.demand:
        _readable(findings, ("egress", "ca_file"), config.egress.ca_file)


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return True


def _check_telemetry(config: Config, findings: Findings) -> None:
    telemetry = config.telemetry
    wrong = telemetry.otlp_endpoint and bad_url(telemetry.otlp_endpoint)
    if wrong:
        findings.problem(("telemetry", "otlp_endpoint"), wrong)
    findings.secret(("telemetry", "metrics_key"), telemetry.metrics_key)
    for name, value in telemetry.otlp_headers.items():
        findings.header(("telemetry", "otlp_headers", name), name, value)
