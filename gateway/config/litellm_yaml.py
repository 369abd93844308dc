"""An imported configuration as a file of ours."""

import io
import re
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from adapters.providers import find
from gateway.config.litellm import Imported
from gateway.config.problem import Path, dotted

_MASTER: Final = "ROUTEIQ_MASTER_KEY"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_/.]([A-Za-z0-9_/.:@+*-]*[A-Za-z0-9_/.*-])?")
_REFERENCE: Final = re.compile(r"^env:(\w+)$|\$\{(\w+)")


def native_yaml(imported: Imported, environ: Mapping[str, str]) -> str:
    """The file, with what was changed told beside it and the rest above it.

    Keys that stood in the foreign file are not written: variables take their place.
    """
    names = _Names(imported, environ)
    value = _Writing(imported, names).commented(imported.document.value)
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(value, out)
    return "\n".join(_head(imported, names)) + "\n\n" + out.getvalue()


class _Names:
    """Variables for the secrets that stood in the foreign file."""

    def __init__(self, imported: Imported, environ: Mapping[str, str]) -> None:
        self._secrets = imported.secrets
        self._document = imported.document
        self.chosen: dict[str, str] = {}
        """Variable -> the place where its value stood."""
        self._values: dict[str, str | None] = {
            name: environ.get(name) for name in referenced(imported.document.value)
        }

    def changed(self, text: str, model: object, path: Path) -> str:
        """A text as the native file has it: `env:NAME` for a held secret."""
        if not self._secrets.holds(text):
            return text
        wanted = _MASTER if path[:1] == ("keys",) else _variable(str(model))
        value = self._secrets.resolve(text)
        count, name = 1, wanted
        # The same value has the same name; no name has two values.
        while self._values.get(name, value) != value:
            count += 1
            name = f"{wanted}_{count}"
        if name not in self._values:
            self._values[name] = value
            self.chosen[name] = str(self._document.spot(path))
        return f"env:{name}"


class _Writing:
    """The document as ruamel writes it, with comments."""

    def __init__(self, imported: Imported, names: _Names) -> None:
        self._names = names
        self._sources = imported.document.sources
        self._said = {n.path: n.message for n in imported.notes if n.kind == "changed"}

    def commented(self, value: Any, path: Path = (), model: object = "") -> Any:
        if isinstance(value, dict):
            return self._mapping(value, path, value.get("model", model))
        if isinstance(value, list):
            return CommentedSeq(
                [self.commented(v, (*path, i), model) for i, v in enumerate(value)]
            )
        if isinstance(value, str):
            return _quoted(self._names.changed(value, model, path))
        return value

    def _mapping(self, value: dict[str, Any], path: Path, model: object) -> Any:
        out = CommentedMap()
        for key, item in value.items():
            inner = (*path, key)
            name = _quoted(key)
            out[name] = self.commented(item, inner, model)
            source = self._sources.get(inner)
            if source and not isinstance(item, dict | list):
                message = self._said.pop(dotted(source), "")
                if message:
                    out.yaml_add_eol_comment(message, name)
        return out


def _quoted(text: str) -> str:
    """A text that may need quotes, in quotes: ruamel leaves some out that its own
    reader wants (`{a: :1}`)."""
    plain = _PLAIN.fullmatch(text) is not None
    return text if plain else DoubleQuotedScalarString(text)


def referenced(value: Any) -> set[str]:
    """Names of the variables that the texts of a document refer to."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return set().union(*(referenced(v) for v in items))
    if not isinstance(value, str):
        return set()
    return {name for pair in _REFERENCE.findall(value) for name in pair if name}


def _variable(model: str) -> str:
    """The variable that commonly holds the key of a model's provider."""
    provider = model.partition("/")[0]
    known = find(provider)
    if known is not None and known.env:
        return known.env[0]
    plain = "".join(c if c.isalnum() and c.isascii() else "_" for c in provider)
    return f"{plain.upper()}_API_KEY" if plain[:1].isalpha() else "PROVIDER_API_KEY"


def _head(imported: Imported, names: _Names) -> list[str]:
    file = File(imported.document.file).name
    lines = [f"# Made from {file} by `routeiq import litellm`."]
    variables = imported.secrets.own_variables()
    if names.chosen or variables:
        lines += ["#", "# Set these variables before the start:"]
        lines += [f"#   {n}  (stood in {place})" for n, place in names.chosen.items()]
        lines += [f"#   {n}  (stood in environment_variables)" for n in variables]
    lost = [n for n in imported.notes if n.kind == "unsupported"]
    if lost:
        lines += ["#", "# Not taken over:"]
        for note in lost:
            hint = f" ({note.hint})" if note.hint else ""
            lines.append(f"#   line {note.line}: {note.path}: {note.message}{hint}")
    return lines
