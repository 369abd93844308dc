"""A document -> the Structs of the schema, with every mistake and its line.

msgspec's own conversion stops at the first mistake and leaves map keys out of its
paths; an operator wants all of them at once, each where it stands.
"""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from gateway.config.document import Document, scalar
from gateway.config.hints import section_of, shown, unknown_key, wrong_type
from gateway.config.problem import Path, Problem, did_you_mean, dotted, quoted
from gateway.config.schema import Config
from gateway.config.secrets import (
    SecretError,
    Secrets,
    has_expansion,
    is_reference,
    no_reference,
)
from gateway.config.section import Section

_ABSENT: Final[Any] = object()
"""Read as if the key were not there."""

_NAMES: Final = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping of keys to values",
}


class Reading:
    """One reading of a document. `problems` is complete when `config` returned."""

    def __init__(self, document: Document, secrets: Secrets, *, demand: bool) -> None:
        self.problems: list[Problem] = list(document.problems)
        self.broken: set[Path] = set()
        """Values put in place of mistakes, so that the rest can be looked at."""
        self._document = document
        self._secrets = secrets
        self._demand = demand
        """Whether every variable that is named must be set."""

    def config(self) -> Config:
        """The configuration; with placeholders where `problems` are."""
        value = self._document.value
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if not k.startswith("x-")}
        config = self._section(Config, value, ())
        assert isinstance(config, Config)
        return _inherit(config, value)

    def _complain(
        self, path: Path, message: str, hint: str = "", *, at_key: bool = False
    ) -> None:
        self.broken.add(path)
        self.problems.append(self._document.problem(path, message, hint, at_key=at_key))

    def _section(self, cls: type[Section], value: Any, path: Path) -> Section:
        given: Mapping[str, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            self._wrong(dict, value, path)
        fields = {f.encode_name: f for f in msgspec.structs.fields(cls)}
        read: dict[str, Any] = {}
        for key in given:
            if key not in fields:
                hint = unknown_key(key, cls, fields)
                message = f"unknown key {quoted(key)}"
                self._complain((*path, key), message, hint, at_key=True)
        for name, field in fields.items():
            inner = (*path, name)
            found = _ABSENT
            if name in given:
                found = self._field(field, given[name], inner)
            elif field.required and isinstance(value, dict):
                self._complain(inner, f"`{name}` is missing")
            if found is not _ABSENT:
                read[name] = found
            elif field.required:
                read[name] = _placeholder(field.type)
        return cls(**read)

    def _field(self, field: msgspec.structs.FieldInfo, value: Any, path: Path) -> Any:
        if value is None and _bare(field.type) in (list, dict, "section"):
            # A heading whose lines are all commented out.
            return _ABSENT if not field.required else self._value(field.type, [], path)
        if value is None and not _optional(field.type):
            hint = (
                f"without the line it is {_default(field)}" if _default(field) else ""
            )
            self._complain(path, "no value", hint)
            return _ABSENT
        return self._value(field.type, value, path)

    def _value(self, hint: Any, value: Any, path: Path) -> Any:  # noqa: PLR0911
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._annotated(args[0], args[1], value, path)
        if origin in (Union, UnionType):
            if value is None:
                return None
            inner = next(a for a in args if a is not type(None))
            return self._value(inner, value, path)
        if origin is Literal:
            return self._word(args, value, path)
        if hint is Any:
            return self._anything(value, path)
        if origin is list:
            return self._list(args[0], value, path)
        if origin is dict:
            return self._dict(args[1], value, path)
        if isinstance(hint, type) and issubclass(hint, Section):
            return self._section(hint, value, path)
        return self._plain(hint, value, path)

    def _annotated(self, hint: Any, meta: msgspec.Meta, value: Any, path: Path) -> Any:
        extra = meta.extra or {}
        if extra.get("secret"):
            return self._secret(value, path)
        if extra.get("template"):
            return value if isinstance(value, str) else self._wrong(str, value, path)
        read = self._value(hint, value, path)
        if read is _ABSENT or path in self.broken:
            return read
        wrong = _out_of_range(meta, read)
        if wrong:
            but = "" if isinstance(value, list) else f", not {shown(value)}"
            self._complain(path, f"must be {wrong}{but}")
            return _ABSENT
        return read

    def _secret(self, value: Any, path: Path) -> Any:
        if not isinstance(value, str):
            name = dotted(path[-1:])
            hint = f"write {name}: env:NAME, or leave the line out"
            self._complain(path, "a secret is a reference in the form of a text", hint)
            return _ABSENT
        if value and not is_reference(value) and not self._secrets.holds(value):
            error = no_reference(value)
            self._complain(path, error.message, error.hint)
            return _ABSENT
        return value

    def _word(self, words: tuple[str, ...], value: Any, path: Path) -> Any:
        text = self._expanded(value, path) if isinstance(value, str) else value
        if text is _ABSENT or text in words:
            return text
        hint = ""
        if isinstance(value, str) and text == value:
            hint = did_you_mean(value, words)
        elif not isinstance(value, str) and str(value) in words:
            hint = "put it in quotes"
        listed = ", ".join(words)
        self._complain(path, f"must be one of {listed}, not {shown(value)}", hint)
        return _ABSENT

    def _anything(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            text = self._expanded(value, path)
            return value if text is _ABSENT else text
        if isinstance(value, list):
            return [self._anything(v, (*path, i)) for i, v in enumerate(value)]
        if isinstance(value, dict):
            return {k: self._anything(v, (*path, k)) for k, v in value.items()}
        return value

    def _list(self, hint: Any, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            return self._wrong(list, value, path)
        read = [self._value(hint, v, (*path, i)) for i, v in enumerate(value)]
        return [_placeholder(hint) if r is _ABSENT else r for r in read]

    def _dict(self, hint: Any, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(dict, value, path)
        read: dict[str, Any] = {}
        for key, item in value.items():
            found = self._value(hint, item, (*path, key))
            read[key] = _placeholder(hint) if found is _ABSENT else found
        return read

    def _plain(self, hint: type, value: Any, path: Path) -> Any:
        if isinstance(value, str) and hint is not str and has_expansion(value):
            return self._parsed(hint, value, path)
        if hint is str and isinstance(value, str):
            return self._expanded(value, path)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
            return value
        return self._wrong(hint, value, path)

    def _parsed(self, hint: type, value: str, path: Path) -> Any:
        """A number or boolean out of the environment."""
        text = self._expanded(value, path)
        if text is _ABSENT:
            return text
        found = scalar(text)
        if isinstance(found, str):
            return self._wrong(hint, value, path)
        return self._plain(hint, found, path)

    def _expanded(self, text: str, path: Path) -> Any:
        try:
            return self._secrets.expand(text)
        except SecretError as error:
            if self._demand:
                self._complain(path, error.message, error.hint + " or ${NAME:-default}")
            return _ABSENT

    def _wrong(self, want: type, value: Any, path: Path) -> Any:
        message = f"must be {_NAMES[want]}, not {shown(value)}"
        self._complain(path, message, wrong_type(want, value, path))
        return _ABSENT


def _bare(hint: Any) -> Any:
    """The container a hint asks for: list, dict, `section` or its type."""
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if isinstance(hint, type) and issubclass(hint, Section):
        return "section"
    return get_origin(hint) or hint


def _optional(hint: Any) -> bool:
    return type(None) in get_args(hint) or hint is Any


def _default(field: msgspec.structs.FieldInfo) -> str:
    """The default of a field as the file would say it; empty when it has none."""
    value = field.default
    if value is msgspec.NODEFAULT:
        return ""
    return msgspec.json.encode(value).decode()


def _placeholder(hint: Any) -> Any:
    """Something of the type, where the file has a mistake."""
    bare = _bare(hint)
    if bare == "section":
        section = section_of(hint)
        assert section is not None
        fields = msgspec.structs.fields(section)
        return section(**{f.name: _placeholder(f.type) for f in fields if f.required})
    if bare in (Union, UnionType):
        return None
    return bare() if bare in _NAMES else None


def _out_of_range(meta: msgspec.Meta, value: Any) -> str:
    """What the value must be, when it is not."""
    least, most = meta.ge, meta.le
    if meta.min_length is not None and len(value) < meta.min_length:
        return "a list with at least one entry"
    if not isinstance(value, int | float):
        return ""
    if meta.gt is not None and not value > meta.gt:
        return f"more than {meta.gt}"
    if least is not None and most is not None and not least <= value <= most:
        return f"from {least} to {most}"
    if least is not None and value < least:
        return f"at least {least}"
    return ""


def _inherit(config: Config, value: Any) -> Config:
    """Limits that a model or deployment does not name, taken from what is around it."""
    models = {}
    for name, model in config.models.items():
        raw = _at(value, "models", name)
        timeouts = _filled(config.timeouts, model.timeouts, _at(raw, "timeouts"))
        retries = _filled(config.retries, model.retries, _at(raw, "retries"))
        deployments = [
            msgspec.structs.replace(
                d,
                timeouts=_filled(
                    timeouts or config.timeouts,
                    d.timeouts,
                    _at(raw, "deployments", i, "timeouts"),
                ),
            )
            for i, d in enumerate(model.deployments)
        ]
        models[name] = msgspec.structs.replace(
            model, timeouts=timeouts, retries=retries, deployments=deployments
        )
    return msgspec.structs.replace(config, models=models)


def _filled(outer: Any, inner: Any, given: Any) -> Any:
    if inner is None or not isinstance(given, dict):
        return inner
    names = {f.name for f in msgspec.structs.fields(inner)}
    own = {name: getattr(inner, name) for name in given if name in names}
    return msgspec.structs.replace(outer, **own)


def _at(value: Any, *steps: str | int) -> Any:
    for step in steps:
        if isinstance(step, int):
            value = (
                value[step] if isinstance(value, list) and step < len(value) else None
            )
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
