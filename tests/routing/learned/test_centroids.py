"""What is shipped is whole, and what is not is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.learned import centroids
from routing.strategies.centroid import PROFILES, standing, wanted
from routing.text import Reader


def test_the_shipped_file_says_of_what_it_was_learned() -> None:
    file = json.loads(centroids.SHIPPED.read_bytes())
    assert len(file["sources"]) >= 3
    assert all(s["licence"] and s["rows"] for s in file["sources"])


@given(st.text(max_size=200))
def test_every_prompt_has_a_need(text: str) -> None:
    found = centroids.read()
    need, kind = found.need(Reader().sketch(text))
    assert 0.0 <= need <= 1.0
    assert 0 <= kind < len(found.gains)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_who_needs_more_never_gets_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for band in PROFILES.values():
        assert 0.0 <= wanted(low, band) <= wanted(high, band) <= 1.0
    for need in (low, high):
        ordered = [
            wanted(need, PROFILES[p]) for p in ("free", "eco", "auto", "premium")
        ]
        assert ordered == sorted(ordered)


def test_places_are_those_among_prices() -> None:
    assert standing([3.0, 1.0, None, 2.0, 3.0]) == [1.0, 0.0, 1.0, 0.5, 1.0]
    assert standing([5.0]) == [0.0]


@pytest.mark.parametrize(
    "change",
    [
        {"text": 99},
        {"arrays": {}},
        {"arrays": {"idf": "?"}},
        {"sources": 1},
    ],
)
def test_a_bad_file_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    file = json.loads(centroids.SHIPPED.read_bytes()) | change
    (tmp_path / "c.json").write_text(json.dumps(file))
    with pytest.raises(ValueError, match=r"c\.json"):
        centroids.read(tmp_path / "c.json")
