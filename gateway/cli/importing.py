"""`routeiq import`: another gateway's file in our words."""

import argparse
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.cli.commands import OK, PROBLEM
from gateway.cli.opening import complain
from gateway.cli.show import err, out, table, write
from gateway.config.document import decode, parse
from gateway.config.litellm import Imported, import_litellm, is_litellm
from gateway.config.litellm_yaml import native_yaml
from gateway.config.load import loads
from gateway.config.problem import ConfigError, Note, Problem
from gateway.config.secrets import environment

_ORDER: Final = ("unsupported", "warning", "changed", "mapped")
_POSITION: Final = re.compile(r"\[\d+\]")


def import_file(arguments: argparse.Namespace) -> int:
    """Write the native form, and say what became of every key."""
    try:
        imported = _imported(arguments.file)
        text = native_yaml(imported, environment())
        # What is written must be a file that we would start with.
        loads(text, arguments.output or "routeiq.yaml", demand=False)
    except ConfigError as error:
        complain(error)
        return PROBLEM
    wrong = write(text, arguments.output, force=arguments.force)
    if wrong:
        err(f"routeiq: {wrong}")
        return PROBLEM
    say = err if arguments.output is None else out
    say(summary(imported.notes))
    if arguments.output is not None:
        say(f"\n{arguments.output} is written; next: routeiq check {arguments.output}")
    return OK


def _imported(file: str) -> Imported:
    """Raises ConfigError with every mistake of the foreign file."""
    try:
        data = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise ConfigError(
            [Problem(file, 0, 0, "", f"cannot be read: {reason}")]
        ) from None
    document = parse(decode(data, file), file)
    if not is_litellm(document.value):
        hint = "LiteLLM's configuration has a `model_list`"
        raise ConfigError([Problem(file, 1, 1, "", "this is not LiteLLM's file", hint)])
    imported = import_litellm(document, environment())
    # The same reading as `serve`, so that the lines are the foreign file's.
    problems = list(imported.problems)
    try:
        loads(data.decode("utf-8-sig"), file, demand=False)
    except ConfigError as error:
        problems = error.problems
    if problems:
        raise ConfigError(problems)
    return imported


def summary(notes: Sequence[Note]) -> str:
    """What became of each key: one line for keys of the same name and fate."""
    grouped: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for note in notes:
        what = f"{note.message} ({note.hint})" if note.hint else note.message
        grouped[note.kind, _POSITION.sub("[]", note.path), what].append(note.line)
    ordered = sorted(grouped.items(), key=lambda item: _ORDER.index(item[0][0]))
    rows = [(kind, path, _lines(lines), what) for (kind, path, what), lines in ordered]
    counts = ", ".join(
        f"{kind}: {sum(n.kind == kind for n in notes)}" for kind in reversed(_ORDER)
    )
    return f"{table(('fate', 'key', 'line', 'here'), rows)}\n\n{counts}"


def _lines(lines: Sequence[int]) -> str:
    first = ", ".join(map(str, lines[:3]))
    return first if len(lines) <= 3 else f"{first}, ... ({len(lines)})"
