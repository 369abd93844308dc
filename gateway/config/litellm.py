"""LiteLLM's `config.yaml`, read as it is.

Every key is accounted for: taken over (`mapped`), taken over as nearly as possible
(`changed`), or without effect here (`unsupported`, with what to do instead). A key that
LiteLLM does not have either is a mistake.
"""

from collections.abc import Mapping
from pathlib import Path as File
from typing import Any, Final, NamedTuple

from gateway.config.document import Document, decode, parse
from gateway.config.litellm_draft import Draft, Handler
from gateway.config.litellm_keys import (
    GENERAL_UNSUPPORTED,
    ROUTER_UNSUPPORTED,
    SETTINGS_UNSUPPORTED,
    TOP_UNSUPPORTED,
)
from gateway.config.litellm_models import take_models
from gateway.config.litellm_settings import GENERAL, ROUTER, SETTINGS
from gateway.config.problem import ConfigError, Note, Path, Problem, quoted
from gateway.config.secrets import Secrets

MAX_INCLUDES: Final = 100

_SECTIONS: Final[dict[str, tuple[dict[str, Handler], dict[str, str]]]] = {
    # In this order: what comes later wins, as in LiteLLM.
    "general_settings": (GENERAL, GENERAL_UNSUPPORTED),
    "litellm_settings": (SETTINGS, SETTINGS_UNSUPPORTED),
    "router_settings": (ROUTER, ROUTER_UNSUPPORTED),
}
_MARKS: Final = {"model_list", "include", *_SECTIONS}
"""Any of these at the top, and the file is LiteLLM's: none is ours."""
_TOP: Final = ("model_list", "environment_variables", "include", "credential_list")


class Imported(NamedTuple):
    """A foreign file as a native document."""

    document: Document
    """Every place in it is one of the foreign file."""
    notes: list[Note]
    problems: list[Problem]
    secrets: Secrets
    """Has the variables and keys that stand in the file itself."""


def is_litellm(value: Any) -> bool:
    """Whether a document is LiteLLM's."""
    return isinstance(value, dict) and bool(_MARKS & value.keys())


def import_litellm(document: Document, environ: Mapping[str, str]) -> Imported:
    """The native form of a LiteLLM document, and what became of each key.

    Reads the files it includes.
    """
    problems = _include(document)
    secrets = Secrets(environ, _variables(document.value, environ))
    draft = Draft(document, secrets)
    draft.problems += problems
    top = document.value
    variables = top.get("environment_variables") or {}
    if not isinstance(variables, dict):
        draft.problem(
            ("environment_variables",), "must be a mapping of names to values"
        )
        variables = {}
    for name in variables:
        path = ("environment_variables", name)
        draft.mapped(path, "set while this file is read")
    if top.get("include"):
        draft.mapped(("include",), "read in its place")
    take_models(draft, top.get("model_list") or [], ("model_list",))
    for name, (handlers, unsupported) in _SECTIONS.items():
        section = top.get(name)
        if isinstance(section, dict):
            # A section's keys in the handlers' order: some build on others.
            order = {key: i for i, key in enumerate(handlers)}
            keys = sorted(section, key=lambda k: order.get(k, len(order)))
            section = {key: section[key] for key in keys}
        draft.walk(section, (name,), handlers, unsupported)
    known: dict[str, Handler] = dict.fromkeys((*_TOP, *_SECTIONS), _done)
    draft.walk(top, (), known, TOP_UNSUPPORTED)
    _settle_models(draft)
    _settle_attempts(draft)
    notes = sorted(draft.notes, key=lambda n: (n.file, n.line, n.column))
    return Imported(draft.document(), notes, draft.problems, secrets)


def _done(_draft: Draft, _value: Any, _path: Path) -> None:
    """A key that was taken already."""


def _variables(top: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """`environment_variables`: set before anything else is read."""
    given = top.get("environment_variables")
    out: dict[str, str] = {}
    for name, value in (given if isinstance(given, dict) else {}).items():
        if isinstance(value, str) and value.startswith("os.environ/"):
            out[name] = environ.get(value.removeprefix("os.environ/"), "")
        elif value is not None:
            out[name] = value if isinstance(value, str) else str(value).lower()
    return out


def _settle_models(draft: Draft) -> None:
    """Leave out fallbacks to aliases that were left out."""
    models = draft.at("models") or {}
    listed = draft.source.value.get("model_list")
    entries = listed if isinstance(listed, list) else []
    gone = {e.get("model_name") for e in entries if isinstance(e, dict)} - models.keys()
    for alias, model in models.items():
        for kind in [k for k in model if k.endswith("fallbacks")]:
            kept = [name for name in model[kind] if name not in gone]
            if len(kept) < len(model[kind]):
                origin = draft.origin("models", alias, kind)
                message = f"{quoted(alias)}: fallbacks to what is left out are left out"
                draft.note("unsupported", origin, message)
                model[kind] = kept


def _settle_attempts(draft: Draft) -> None:
    """Our attempts count the first try; LiteLLM's retries do not."""
    path = ("retries", "attempts")
    attempts = draft.at(*path)
    if attempts is not None:
        draft.changed(
            draft.origin(*path), f"retries.attempts: {attempts}, the first try counted"
        )


def _include(document: Document) -> list[Problem]:
    """Merge included files into the document: lists are joined, else the file wins."""
    problems: list[Problem] = []
    seen = {File(document.file).absolute()}
    pending = [(document, ("include",))]
    while pending:
        source, path = pending.pop(0)
        listed = source.value.get("include")
        if listed is None:
            continue
        if not isinstance(listed, list):
            problems.append(source.problem(path, "must be a list of file names"))
            continue
        for i, name in enumerate(listed):
            at = (*path, i)
            file = File(source.file).parent / str(name)
            if file.absolute() in seen or len(seen) > MAX_INCLUDES:
                problems.append(source.problem(at, "is included twice"))
                continue
            seen.add(file.absolute())
            try:
                included = parse(decode(file.read_bytes(), str(file)), str(file))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "not a file name"
                message = f"{quoted(file)} cannot be read: {reason}"
                problems.append(source.problem(at, message))
                continue
            except ConfigError as error:
                problems += error.problems
                continue
            problems += included.problems
            if isinstance(included.value, dict):
                _merge(document, included)
                pending.append((included, ("include",)))
            elif included.value is not None:
                problems.append(included.problem((), "must be a mapping"))
    return problems


def _merge(document: Document, included: Document) -> None:
    for key, value in included.value.items():
        if key == "include":
            continue
        old = document.value.get(key)
        offset = 0
        if isinstance(old, list) and isinstance(value, list):
            offset = len(old)
            document.value[key] = [*old, *value]
        else:
            document.value[key] = value
        for table, theirs in (
            (document.spots, included.spots),
            (document.keys, included.keys),
        ):
            for path, spot in theirs.items():
                if path[:1] == (key,) and (len(path) > 1 or not offset):
                    table[_shifted(path, offset)] = spot


def _shifted(path: Path, offset: int) -> Path:
    if offset and len(path) > 1 and isinstance(path[1], int):
        return (path[0], path[1] + offset, *path[2:])
    return path
