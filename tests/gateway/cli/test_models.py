import json
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.models import lines
from gateway.config.load import built_in, loads

TEXT = """
models:
  fast:
    strategy: cheapest
    deployments:
      - {model: openai/gpt-4o, weight: 2, order: 3}
      - {model: openai/gpt-4o, price: {input: 1.5, output: 2}}
      - {model: openai/no-such-model-at-all}
  "anthropic/*":
    deployments: [{model: anthropic/*}]
"""


def test_prices_come_from_the_file_or_the_catalogue_or_are_unknown() -> None:
    found = lines(loads(TEXT, "f", {}, demand=False))
    catalogue, file, unknown, wild, demo = found
    assert (catalogue.price_from, catalogue.input) == ("catalogue", 2.5)
    assert (catalogue.strategy, catalogue.weight, catalogue.order) == ("cheapest", 2, 3)
    assert (file.price_from, file.input, file.output) == ("file", 1.5, 2)
    assert (unknown.price_from, unknown.input) == ("", None)
    assert (wild.alias, wild.strategy) == ("anthropic/*", "weighted")
    assert demo.alias == "demo"


def test_what_is_made_by_itself_is_listed_too() -> None:
    found = lines(built_in({"GROQ_API_KEY": "x"}))
    assert [line.alias for line in found] == ["groq/*", "demo"]
    assert lines(loads("demo: false", "f", {})) == []


def test_the_list_is_for_people_and_for_scripts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(TEXT)
    assert main(["models", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "openai/gpt-4o" in shown
    assert "1 without a known price" in shown
    assert main(["models", "--json", str(file)]) == 0
    records = json.loads(capsys.readouterr().out)
    assert records[1]["price_from"] == "file"


def test_a_file_with_mistakes_is_1(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("a: 1")
    assert main(["models", str(tmp_path / "f.yaml")]) == 1
    assert main(["models", "a", "--config", "b"]) == 2
