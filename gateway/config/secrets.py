"""References to secrets, and the only place that reads the environment.

A reference is `env:NAME`, `${NAME}`, `file:/path`, `command:program arguments` or, as
LiteLLM writes it, `os.environ/NAME`. Values never stand in a message or a `repr`.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from gateway.config.command import BadCommand, Command, is_command
from gateway.config.command import parse as parse_command

MAX_FILE: Final = 64 * 1024
"""Bytes of a secret's file."""

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE: Final = re.compile(
    rf"(?:env:|os\.environ/)(?P<plain>{_NAME})|\$\{{(?P<braced>{_NAME})(?P<empty>:-)?\}}"
)
_EXPANSION: Final = re.compile(
    rf"\$(?P<escaped>\$\{{)|\$\{{(?P<name>{_NAME})(?::-(?P<default>[^}}]*))?\}}"
)
_LOOKS_LIKE_A_NAME: Final = re.compile(
    r"\$?[A-Z][A-Z0-9]*(_[A-Z0-9]+)*_(KEY|TOKEN|SECRET|PASSWORD|PASS)[0-9]*"
)


class SecretError(Exception):
    """A reference that leads to nothing, or no reference at all.

    Never carries a value.
    """

    def __init__(
        self, message: str, hint: str = "", *, where: str = "", missing: bool = False
    ) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message, self.hint, self.where = message, hint, where
        self.missing = missing
        """Well written, but the variable or file is not there on this machine."""


class Secrets:
    """Resolves references.

    `extra` are variables that the configuration itself defines: they win, as LiteLLM
    has it. A relative `file:` begins at the working directory.
    """

    __slots__ = ("_environ", "_extra", "_inline")

    def __init__(
        self, environ: Mapping[str, str], extra: Mapping[str, str] | None = None
    ) -> None:
        # A copy: workers get it pickled, which os.environ itself cannot be.
        self._environ = dict(environ)
        self._extra = dict(extra or {})
        self._inline: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Secrets(<{len(self._environ)} variables>)"

    def hold(self, value: str) -> str:
        """A reference to a value that stands in the file itself (LiteLLM allows it)."""
        reference = f"inline:{len(self._inline)}"
        self._inline[reference] = value
        return reference

    def holds(self, reference: str) -> bool:
        """Whether `hold` gave this reference."""
        return reference in self._inline

    def own_variables(self) -> list[str]:
        """Names of the variables that the configuration itself defines."""
        return sorted(self._extra)

    def variable(self, name: str) -> str | None:
        """An environment variable; `None` when unset or empty."""
        return self._extra.get(name) or self._environ.get(name) or None

    def first(self, names: Iterable[str]) -> str:
        """The value of the first of these variables that is set, or empty."""
        return self.variable(self.first_name(names)) or ""

    def first_name(self, names: Iterable[str]) -> str:
        """The name of the first of these variables that is set, or empty."""
        return next((name for name in names if self.variable(name)), "")

    def resolve(self, reference: str, where: str = "") -> str:
        """The secret a reference stands for; empty for an empty reference.

        Raises:
            SecretError: the variable or file is not there, or this is no reference.
        """
        if not reference:
            return ""
        if reference.startswith("file:"):
            return self._file(reference[len("file:") :], where)
        if is_command(reference):
            return self._command(reference, where)
        if reference in self._inline:
            return self._inline[reference]
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise no_reference(reference, where)
        name = match["plain"] or match["braced"]
        value = self.variable(name)
        if value is None and match["empty"] is None:
            raise _unset(name, where)
        return value or ""

    def text(self, template: str, where: str = "") -> str:
        """A text with its references replaced: the whole of it, or `${NAME}` parts.

        Raises:
            SecretError: a variable or file is not there.
        """
        whole = template.startswith(
            ("file:/", "file:./", "env:", "os.environ/", "command:")
        )
        if whole or template in self._inline:
            try:
                return self.resolve(template, where)
            except SecretError as error:
                if error.missing or template.startswith(("file:", "command:")):
                    raise
                # `env:` with no name behind it: a text like any other.
        return self.expand(template, where)

    def expand(self, text: str, where: str = "") -> str:
        """A text with each `${NAME}` and `${NAME:-default}` replaced; `$${` is `${`.

        Raises:
            SecretError: a variable without a default is not set.
        """

        def replaced(match: re.Match[str]) -> str:
            if match["escaped"]:
                return "${"
            value = self.variable(match["name"])
            if value is None:
                value = match["default"]
            if value is None:
                raise _unset(match["name"], where)
            return value

        return _EXPANSION.sub(replaced, text) if "$" in text else text

    def command(self, reference: str, where: str = "") -> Command:
        """What a `command:` reference runs, and for how long its output is good.

        Raises:
            SecretError: it names no program.
        """
        try:
            return parse_command(reference)
        except BadCommand as error:
            raise SecretError(error.message, error.hint, where=where) from None

    def run_environment(self) -> dict[str, str]:
        """The variables that commands are run with."""
        return {**self._environ, **self._extra}

    def _command(self, reference: str, where: str) -> str:
        command = self.command(reference, where)
        shown = f"the command `{command.program}`"
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own, without a shell
                command.argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=command.limit_s,
                env=self.run_environment(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            message = f"{shown} did not end in {command.limit_s:g} s"
            raise SecretError(message, where=where, missing=True) from None
        except OSError as error:
            message = f"cannot run {shown}: {error.strerror}"
            raise SecretError(message, where=where, missing=True) from None
        try:
            return command.read(done.returncode, done.stdout)
        except BadCommand as error:
            raise SecretError(
                error.message, error.hint, where=where, missing=True
            ) from None

    def _file(self, name: str, where: str) -> str:
        path = Path(name)
        shown = f"file `{path}`"
        try:
            with path.open("rb") as source:
                data = source.read(MAX_FILE + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file name"
            message = f"cannot read the secret's {shown}: {reason}"
            raise SecretError(message, where=where, missing=True) from None
        if len(data) > MAX_FILE:
            raise SecretError(f"the secret's {shown} is too large", where=where)
        try:
            value = data.decode().strip("\r\n")
        except UnicodeDecodeError:
            raise SecretError(
                f"the secret's {shown} is no UTF-8", where=where
            ) from None
        if not value:
            raise SecretError(
                f"the secret's {shown} is empty", where=where, missing=True
            )
        return value


def environment() -> Mapping[str, str]:
    """The process's own variables."""
    return os.environ


def is_reference(text: str) -> bool:
    """Whether a text is a well-formed reference to a secret."""
    if is_command(text):
        try:
            parse_command(text)
        except BadCommand:
            return False
        return True
    return _REFERENCE.fullmatch(text) is not None or (
        text.startswith("file:") and len(text) > len("file:")
    )


def variable_in(reference: str) -> str:
    """The variable a reference names; empty when it names none."""
    match = _REFERENCE.fullmatch(reference)
    return (match["plain"] or match["braced"]) if match is not None else ""


def has_expansion(text: str) -> bool:
    """Whether `expand` would change the text."""
    return _EXPANSION.search(text) is not None


def no_reference(text: str, where: str = "") -> SecretError:
    """Why a text is no reference, and how to mend it; says nothing of the text."""
    if _LOOKS_LIKE_A_NAME.fullmatch(text):
        name = text.lstrip("$")
        hint = f"did you mean `env:{name}`?"
    elif text.startswith(("env:", "os.environ/", "${")):
        hint = "write env:NAME or ${NAME}, NAME of letters, digits and _"
    else:
        hint = (
            "put the secret into an environment variable or a file and write env:NAME,"
            " ${NAME}, file:/path or command:program here"
        )
    message = "a secret must not stand in the file, only a reference to it"
    return SecretError(message, hint, where=where)


def _unset(name: str, where: str) -> SecretError:
    message = f"the environment variable {name} is not set"
    return SecretError(message, f"export {name}=...", where=where, missing=True)
