"""`command:` references: a secret that a program writes to its standard output.

    command:vault kv get -field=key secret/openai
    command:ttl=3000 gcloud auth print-access-token

No shell: words are split and quoted as in one, nothing is expanded. `ttl` is how many
seconds the output is good for where the secret may be renewed (the keys and tokens of
providers); every other secret is asked for once, at the start.
"""

import re
import shlex
from typing import Final, NamedTuple

PREFIX: Final = "command:"
TTL_S: Final = 300.0
LIMIT_S: Final = 20.0
"""Longest that a command may take."""
MAX_OUTPUT: Final = 64 * 1024

_OPTION: Final = re.compile(r"ttl=([0-9]{1,7})")


class BadCommand(ValueError):
    """No command, or one that failed; never carries its output."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Command(NamedTuple):
    """What to run, and for how long its output is good."""

    argv: tuple[str, ...]
    ttl_s: float = TTL_S
    limit_s: float = LIMIT_S

    @property
    def program(self) -> str:
        """Its arguments may hold secrets, its name does not."""
        return self.argv[0]

    def read(self, status: int, output: bytes) -> str:
        """The secret in what it wrote.

        Raises:
            BadCommand: it failed, or wrote nothing usable.
        """
        shown = f"the command `{self.program}`"
        if status != 0:
            hint = "run it yourself to see why"
            raise BadCommand(f"{shown} failed with status {status}", hint)
        if len(output) > MAX_OUTPUT:
            raise BadCommand(f"{shown} wrote more than {MAX_OUTPUT} bytes")
        try:
            value = output.decode().strip()
        except UnicodeDecodeError:
            raise BadCommand(f"{shown} wrote no UTF-8") from None
        if not value:
            raise BadCommand(f"{shown} wrote nothing")
        return value


def is_command(reference: str) -> bool:
    """Whether it is meant to be one."""
    return reference.startswith(PREFIX)


def parse(reference: str) -> Command:
    """The command of a reference.

    Raises:
        BadCommand: it names no program.
    """
    try:
        argv = shlex.split(reference[len(PREFIX) :])
    except ValueError as error:
        raise BadCommand(f"no command line: {error}") from None
    ttl = TTL_S
    if argv and (option := _OPTION.fullmatch(argv[0])):
        ttl = float(option[1])
        argv = argv[1:]
        if not ttl:
            raise BadCommand("ttl is in seconds, at least 1")
    if not argv:
        raise BadCommand("it names no program", "command:program arguments")
    return Command(tuple(argv), ttl)
