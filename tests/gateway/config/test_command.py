"""Secrets that a program tells."""

import sys

import pytest

from gateway.config import command
from gateway.config.secrets import SecretError, Secrets, is_reference

PYTHON = f"command:{sys.executable} -c"


def test_a_line_is_split_as_in_a_shell_and_nothing_is_expanded() -> None:
    found = command.parse("command:ttl=60 vault read -field='a key' $HOME ~ `id`")
    assert found.argv == ("vault", "read", "-field=a key", "$HOME", "~", "`id`")
    assert found.ttl_s == 60
    assert command.parse("command:x").ttl_s == command.TTL_S


@pytest.mark.parametrize(
    "text", ["command:", "command:ttl=5", "command:'a", "command:ttl=0 x"]
)
def test_what_names_no_program_is_no_reference(text: str) -> None:
    assert not is_reference(text)
    with pytest.raises(command.BadCommand):
        command.parse(text)


def test_its_output_is_the_secret() -> None:
    assert Secrets({}).resolve(f"{PYTHON} \"print('s3cret')\"") == "s3cret"


def test_it_runs_with_our_variables() -> None:
    told = f"{PYTHON} \"import os; print(os.environ['OURS'])\""
    assert Secrets({"OURS": "there"}).resolve(told) == "there"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('s3cret')", "failed with status 1"),
        ("pass", "wrote nothing"),
        ("print('x' * 70000)", "wrote more than"),
        ("import sys; sys.stdout.buffer.write(bytes([255]))", "wrote no UTF-8"),
    ],
)
def test_what_it_does_wrong_is_told_without_its_words(code: str, message: str) -> None:
    with pytest.raises(SecretError, match=message) as caught:
        Secrets({}).resolve(f'{PYTHON} "{code}"')
    assert "s3cret" not in str(caught.value)
    assert " -c" not in str(caught.value)


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(SecretError, match="cannot run the command `/nowhere/x`"):
        Secrets({}).resolve("command:/nowhere/x --password s3cret")


def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    argv = (sys.executable, "-c", "import time; time.sleep(600)")
    quick = command.Command(argv, limit_s=0.3)
    monkeypatch.setattr(Secrets, "command", lambda *_: quick)
    with pytest.raises(SecretError, match=r"did not end in 0\.3 s"):
        Secrets({}).resolve("command:it")
