from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.secrets import SecretError, Secrets, is_reference

CANARY = "sk-canary-0123456789"
ENV = {"KEY": CANARY, "EMPTY": "", "HOST": "h"}


def test_every_form_of_reference_is_resolved(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(CANARY + "\n")
    secrets = Secrets(ENV)
    for reference in ("env:KEY", "${KEY}", "os.environ/KEY", f"file:{file}"):
        assert is_reference(reference)
        assert secrets.resolve(reference) == CANARY
    assert secrets.resolve("") == ""
    assert secrets.resolve("${NOPE:-}") == ""


@pytest.mark.parametrize(
    "reference", ["env:NOPE", "${NOPE}", "os.environ/NOPE", "env:EMPTY"]
)
def test_a_missing_variable_is_named_with_its_place(reference: str) -> None:
    with pytest.raises(SecretError) as caught:
        Secrets(ENV).resolve(reference, "models.fast")
    assert reference.rpartition(":")[2].strip("${}").rpartition("/")[2] in str(
        caught.value
    )
    assert "models.fast" in str(caught.value)
    assert caught.value.missing


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        "KEY",
        "$KEY",
        "env:",
        "env:1A",
        "${KEY",
        "${KEY:-" + CANARY + "}",
        "env:A B",
        " env:KEY",
    ],
)
def test_what_is_no_reference_is_refused_without_being_shown(text: str) -> None:
    assert not is_reference(text)
    with pytest.raises(SecretError) as caught:
        Secrets(ENV).resolve(text, "here")
    assert CANARY not in str(caught.value) + caught.value.hint
    assert caught.value.hint


def test_a_bare_variable_name_is_understood() -> None:
    with pytest.raises(SecretError) as caught:
        Secrets(ENV).resolve("OPENAI_API_KEY")
    assert "env:OPENAI_API_KEY" in caught.value.hint


def test_files_that_hold_no_secret_are_told(tmp_path: Path) -> None:
    empty, huge, binary = tmp_path / "empty", tmp_path / "huge", tmp_path / "binary"
    empty.write_text("\n")
    huge.write_text("x" * 100_000)
    binary.write_bytes(b"\xff\xfe")
    secrets = Secrets(ENV)
    for path in (empty, huge, binary, tmp_path / "nope", tmp_path):
        with pytest.raises(SecretError, match=path.name):
            secrets.resolve(f"file:{path}")
    with pytest.raises(SecretError):
        secrets.resolve("file:a\0b")


def test_texts_are_expanded() -> None:
    secrets = Secrets(ENV)
    assert secrets.expand("http://${HOST}:${PORT:-80}/${EMPTY:-}x") == "http://h:80/x"
    assert secrets.expand("$${HOST} $HOST $ ${") == "${HOST} $HOST $ ${"
    assert secrets.text("Bearer ${KEY}") == f"Bearer {CANARY}"
    assert secrets.text("env:KEY") == CANARY
    assert secrets.text("env: not a reference") == "env: not a reference"
    with pytest.raises(SecretError, match="NOPE"):
        secrets.expand("${NOPE}")


def test_what_is_expanded_is_not_expanded_again() -> None:
    assert Secrets({"A": "${B}", "B": "b"}).expand("${A}") == "${B}"


def test_held_values_are_only_known_by_their_reference() -> None:
    secrets = Secrets(ENV)
    reference = secrets.hold(CANARY)
    assert CANARY not in reference
    assert secrets.holds(reference)
    assert secrets.resolve(reference) == CANARY
    assert not is_reference(reference)
    with pytest.raises(SecretError):
        Secrets(ENV).resolve(reference)


def test_values_never_show() -> None:
    secrets = Secrets(ENV, {"X": CANARY})
    secrets.hold(CANARY)
    assert CANARY not in repr(secrets) + str(secrets)


def test_the_first_variable_that_is_set_wins() -> None:
    secrets = Secrets(ENV)
    assert secrets.first(("NOPE", "EMPTY", "KEY", "HOST")) == CANARY
    assert secrets.first_name(("NOPE", "EMPTY", "KEY", "HOST")) == "KEY"
    assert secrets.first(()) == secrets.first_name(()) == ""


@given(st.text(max_size=40))
def test_any_text_resolves_or_is_refused(text: str) -> None:
    for use in (Secrets(ENV).resolve, Secrets(ENV).text, Secrets(ENV).expand):
        try:
            use(text)
        except SecretError as error:
            assert error.message
