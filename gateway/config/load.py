"""A file -> the configuration, or every reason why not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gateway.config.check import check
from gateway.config.document import Document, decode, parse
from gateway.config.findings import Findings
from gateway.config.litellm import import_litellm, is_litellm
from gateway.config.problem import ConfigError, Note, Problem
from gateway.config.read import Reading
from gateway.config.schema import Config
from gateway.config.secrets import Secrets, environment

Source = Literal["native", "litellm"]

BUILT_IN: Final = "(built in)"
"""`Loaded.path` when no file was read."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that can be used."""

    config: Config
    notes: list[Note]
    source: Source
    path: str
    secrets: Secrets
    """Resolves the references in `config`: build with these."""


def load(
    path: str | Path,
    environ: Mapping[str, str] | None = None,
    *,
    demand: bool = True,
) -> Loaded:
    """Read, convert and check a file, ours or LiteLLM's.

    `demand`: the variables, secret files and certificates that it names must be there.

    Raises:
        ConfigError: with every mistake.
    """
    name = str(path)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        problem = Problem(name, 0, 0, "", f"cannot be read: {reason}")
        raise ConfigError([problem]) from None
    return loads(decode(data, name), name, environ, demand=demand)


def loads(
    text: str,
    file: str,
    environ: Mapping[str, str] | None = None,
    *,
    demand: bool = True,
) -> Loaded:
    """`load` for a text that is already here; `file` is what messages call it.

    Raises:
        ConfigError: with every mistake.
    """
    document = parse(text, file)
    environ = environment() if environ is None else environ
    if document.value is None and not document.problems:
        hint = "write {} to have every default; configs/reference.yaml names them"
        raise ConfigError([Problem(file, 1, 1, "", "the file is empty", hint)])
    if not is_litellm(document.value):
        return _settle(document, Secrets(environ), [], [], "native", demand=demand)
    imported = import_litellm(document, environ)
    return _settle(
        imported.document,
        imported.secrets,
        imported.problems,
        imported.notes,
        "litellm",
        demand=demand,
    )


def built_in(environ: Mapping[str, str] | None = None) -> Loaded:
    """Every default: what is served when there is no file."""
    secrets = Secrets(environment() if environ is None else environ)
    return Loaded(
        config=Config(), notes=[], source="native", path=BUILT_IN, secrets=secrets
    )


def override(loaded: Loaded, given: Mapping[str, Any]) -> Loaded:
    """The configuration with settings of the command line: `host`, `port`, `workers`
    and `http` of `server`, `log_level`."""
    server = {k: v for k, v in given.items() if k != "log_level"}
    config = msgspec.structs.replace(
        loaded.config, server=msgspec.structs.replace(loaded.config.server, **server)
    )
    if "log_level" in given:
        logs = msgspec.structs.replace(config.logs, level=given["log_level"])
        config = msgspec.structs.replace(config, logs=logs)
    return msgspec.structs.replace(loaded, config=config)


def _settle(
    document: Document,
    secrets: Secrets,
    problems: list[Problem],
    notes: list[Note],
    source: Source,
    *,
    demand: bool,
) -> Loaded:
    reading = Reading(document, secrets, demand=demand)
    config = reading.config()
    broken = frozenset(reading.broken)
    findings = Findings(document, secrets, demand=demand, broken=broken)
    check(config, findings)
    problems = [*problems, *reading.problems, *findings.problems]
    if problems:
        raise ConfigError(problems)
    return Loaded(
        config=config,
        notes=[*notes, *findings.notes],
        source=source,
        path=document.file,
        secrets=secrets,
    )
