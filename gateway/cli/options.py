"""The words of the command line."""

import argparse
import functools
from typing import Any, Final

from gateway.cli.routing_options import routing_options
from gateway.cli.words import as_json

EXIT_CODES: Final = """\
exit codes:
  0  all is well
  1  a problem was found (in the file, or what was asked for is not there)
  2  the command line is wrong
  3  the gateway cannot start (port in use, no such address, store cannot be opened)
"""

_FILE: Final = "configuration, ours or LiteLLM's"


_formatter: Final = functools.partial(
    argparse.RawDescriptionHelpFormatter, max_help_position=26
)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="routeiq",
        description="An AI gateway: every provider behind the SDK you already have.",
        epilog="example:\n  routeiq serve\n\n" + EXIT_CODES,
        formatter_class=_formatter,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _serve(commands)
    _check(commands)
    _schema(commands)
    _import(commands)
    _keys(commands)
    _models(commands)
    _providers(commands)
    _route(commands)
    routing_options(commands, _add)
    _add(commands, "version", "print the version", "routeiq version")
    return top


def _add(commands: Any, name: str, what: str, *examples: str) -> Any:
    lines = "".join(f"  {e}\n" for e in examples)
    return commands.add_parser(
        name,
        help=what,
        description=what[:1].upper() + what[1:] + ".",
        epilog=f"example:\n{lines}\n{EXIT_CODES}",
        formatter_class=_formatter,
    )


def _config(command: Any) -> None:
    """FILE, or --config FILE."""
    where = f"{_FILE}; default: routeiq.yaml here, else the built-in minimal one"
    command.add_argument("file", nargs="?", metavar="FILE", help=where)
    command.add_argument("--config", metavar="FILE", help="the same as FILE")


def _serve(commands: Any) -> None:
    command = _add(
        commands,
        "serve",
        "start the gateway",
        "routeiq serve",
        "OPENAI_API_KEY=... routeiq serve --port 8080",
        "routeiq serve litellm_config.yaml",
    )
    _config(command)
    command.add_argument("--host", metavar="ADDRESS", help="overrides server.host")
    command.add_argument("--port", type=port, metavar="N", help="overrides server.port")
    command.add_argument(
        "--workers", type=count, metavar="N", help="overrides server.workers"
    )
    command.add_argument(
        "--http", choices=("fast", "hypercorn"), help="overrides server.http"
    )
    command.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="overrides logs.level",
    )


def _check(commands: Any) -> None:
    command = _add(
        commands,
        "check",
        "say every mistake of a configuration at once",
        "routeiq check routeiq.yaml",
        "routeiq check --offline --json routeiq.yaml",
    )
    command.add_argument("files", nargs="+", metavar="FILE", help=_FILE)
    command.add_argument(
        "--offline",
        action="store_true",
        help="variables, secret files and certificates need not be on this machine",
    )
    as_json(command)


def _schema(commands: Any) -> None:
    command = _add(
        commands,
        "schema",
        "write the JSON Schema of the configuration, for editors",
        "routeiq schema > schema.json",
    )
    _output(command)


def _import(commands: Any) -> None:
    command = _add(
        commands,
        "import",
        "turn another gateway's configuration into ours",
        "routeiq import litellm config.yaml -o routeiq.yaml",
    )
    command.add_argument("format", choices=("litellm",), help="whose it is")
    command.add_argument("file", metavar="FILE", help="the other gateway's file")
    _output(command)


def _route(commands: Any) -> None:
    route = _add(
        commands,
        "route",
        "tell who would be asked, and why",
        "routeiq route explain --model fast 'Prove that there are endless primes'",
    )
    actions = route.add_subparsers(dest="action", metavar="ACTION", required=True)
    explain = _add(
        actions,
        "explain",
        "the decision for a prompt, without sending it",
        "routeiq route explain --model fast --quality 0.95 'Who was Ada Lovelace?'",
        "routeiq route explain --url http://localhost:4000 --key env:KEY -m fast -",
    )
    explain.add_argument("prompt", metavar="PROMPT", help="the text; -: standard input")
    explain.add_argument("-m", "--model", required=True, help="the alias that is asked")
    explain.add_argument("--config", metavar="FILE", help=f"{_FILE}; as for serve")
    explain.add_argument("--url", help="ask the gateway that runs there")
    explain.add_argument(
        "--key", default="", metavar="REF", help="for --url: env:NAME, file:PATH"
    )
    explain.add_argument("--strategy", metavar="NAME", help="instead of the alias's")
    explain.add_argument("--profile", metavar="NAME", help="auto, eco, premium, ...")
    explain.add_argument("--quality", metavar="SHARE", help="of the best, 0 to 1")
    explain.add_argument("--max-cost", metavar="USD", help="per call")
    explain.add_argument("--pin", metavar="ID", help="this deployment only")
    explain.add_argument("--region", metavar="AREA", help="eu, us, or a region; commas")
    explain.add_argument("--min-tier", metavar="TIER", help="fast, advanced, expert")
    explain.add_argument("--tags", metavar="TAGS", help="for rules; commas")
    explain.add_argument("--conversation", metavar="NAME", help="which one it is of")
    as_json(explain)


def _output(command: Any) -> None:
    command.add_argument(
        "-o", "--output", metavar="OUT", help="default: standard output"
    )
    command.add_argument(
        "--force", action="store_true", help="overwrite OUT if it is there"
    )


def _keys(commands: Any) -> None:
    keys = _add(
        commands,
        "keys",
        "make, list and revoke virtual keys",
        "routeiq keys create --name search-team --model fast --model 'openai/*'",
        "routeiq keys list",
        "routeiq keys revoke KEY_ID",
    )
    actions = keys.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = _add(
        actions,
        "create",
        "make a key; it is shown once",
        "routeiq keys create --name search-team --model fast --expires 90d",
    )
    create.add_argument("--name", required=True, help="whose it is, for people")
    create.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="ALIAS",
        help="an alias it may ask, `*` allowed; repeat; default: every one",
    )
    create.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PROVIDER/MODEL",
        help="where its calls may be sent, `*` allowed; repeat; default: everywhere",
    )
    create.add_argument(
        "--expires", type=duration, metavar="TIME", help="30m, 12h, 90d; default: never"
    )
    as_json(create)
    listing = _add(actions, "list", "list the keys", "routeiq keys list --json")
    as_json(listing)
    revoke = _add(actions, "revoke", "end a key", "routeiq keys revoke KEY_ID")
    revoke.add_argument("id", metavar="KEY_ID", help="as `keys list` shows it")
    for action in (create, listing, revoke):
        action.add_argument("--config", metavar="FILE", help=f"{_FILE}; as for serve")


def _models(commands: Any) -> None:
    command = _add(
        commands,
        "models",
        "list aliases, their deployments, and whether prices are known",
        "routeiq models routeiq.yaml",
        "routeiq models refresh model_prices_and_context_window.json",
    )
    _config(command)
    command.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="with FILE `refresh`: the file or URL of a catalogue, ours or LiteLLM's,"
        " that replaces `catalog.file`",
    )
    as_json(command)


def _providers(commands: Any) -> None:
    command = _add(
        commands,
        "providers",
        "list the known providers and whose key is set",
        "routeiq providers --set",
    )
    command.add_argument("--count", action="store_true", help="and how many they are")
    command.add_argument(
        "--set", action="store_true", dest="only_set", help="only those with a key"
    )
    as_json(command)


def port(text: str) -> int:
    """A TCP port; 0: whichever is free."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return int(text)


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError("must be from 1 to 1024")
    return int(text)


def duration(text: str) -> float:
    """Seconds of `90s`, `30m`, `12h`, `90d`."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError("must be a time such as 30m, 12h or 90d")
    return float(int(number) * units[unit])
