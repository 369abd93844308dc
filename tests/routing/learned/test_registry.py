"""Who serves, who served before, and who said so."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.learned.artifact import MANIFEST
from routing.learned.registry import (
    POINTER,
    Expected,
    Registry,
    RegistryError,
)

NAMES = ["v1", "v2", "v3"]


def _registry(folder: Path) -> Registry:
    for name in NAMES:
        (folder / name).mkdir(exist_ok=True)
        (folder / name / MANIFEST).write_text("{}")
    (folder / "notes").mkdir(exist_ok=True)
    return Registry(folder)


@given(moves=st.lists(st.sampled_from([*NAMES, "back"]), max_size=12))
def test_a_rollback_undoes_the_last_promotion(
    tmp_path_factory: pytest.TempPathFactory, moves: list[str]
) -> None:
    registry = _registry(tmp_path_factory.mktemp("registry"))
    served = [""]
    changes = 0
    for move in moves:
        now = registry.live()
        assert (now.version if now else "") == served[-1]
        if move == "back" and now is not None and now.version:
            back = registry.rollback("test")
            assert back is not None
            assert back.version == now.previous
            served.append(back.version)
            changes += 1
        elif move not in {"back", served[-1]}:
            live = registry.promote(move, Expected(quality=0.5, cost=0.1))
            assert live.previous == served[-1]
            served.append(move)
            changes += 1
    assert len(registry.history()) == changes


def test_rolling_back_leads_to_nobody_in_the_end(tmp_path: Path) -> None:
    registry = _registry(tmp_path)
    assert registry.live() is None
    with pytest.raises(RegistryError, match="no version serves"):
        registry.rollback("test")
    registry.promote("v1", Expected(quality=0.5, cost=0.1), figures={"gap": 0.25})
    registry.promote("v2", None, forced=True, why="in a hurry")
    one = registry.rollback("quality")
    assert one is not None
    assert (one.version, one.expected) == ("v1", Expected(quality=0.5, cost=0.1))
    none = registry.rollback("cost")
    assert none is not None
    assert none.version == ""
    with pytest.raises(RegistryError, match="no version serves"):
        registry.rollback("again")
    told = [(e.what, e.live.version, e.forced, e.why) for e in registry.history()]
    assert told == [
        ("promote", "v1", False, ""),
        ("promote", "v2", True, "in a hurry"),
        ("rollback", "v1", False, "quality"),
        ("rollback", "", False, "cost"),
    ]
    assert registry.history()[0].figures == {"gap": 0.25}


def test_only_who_is_meant_is_taken_out(tmp_path: Path) -> None:
    registry = _registry(tmp_path)
    registry.promote("v1", None)
    registry.promote("v2", None)
    assert registry.rollback("late", only="v1") is None
    live = registry.live()
    assert live is not None
    assert live.version == "v2"


def test_what_is_not_there_or_serves_already_is_refused(tmp_path: Path) -> None:
    registry = _registry(tmp_path)
    with pytest.raises(RegistryError, match="v1, v2, v3"):
        registry.promote("v4", None)
    with pytest.raises(RegistryError, match="no version"):
        registry.promote("../v1", None)
    registry.promote("v1", None)
    with pytest.raises(RegistryError, match="already"):
        registry.promote("v1", None)
    with pytest.raises(RegistryError, match="cannot be written"):
        Registry(tmp_path / "nowhere").rollback("x")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": "../x", "since": ""}', '{"version": 1}']
)
def test_a_damaged_pointer_is_said(tmp_path: Path, text: str) -> None:
    registry = _registry(tmp_path)
    (tmp_path / POINTER).write_text(text)
    with pytest.raises(RegistryError, match=r"live\.json"):
        registry.live()


def test_the_pointer_is_plain_json(tmp_path: Path) -> None:
    registry = _registry(tmp_path)
    registry.promote("v1", None)
    said = msgspec.json.decode((tmp_path / POINTER).read_bytes())
    assert said["version"] == "v1"


def test_what_was_promised_of_a_kind_holds_for_it_alone(tmp_path: Path) -> None:
    registry = _registry(tmp_path)
    one, other = Expected(quality=0.9, cost=0.1), Expected(quality=0.7, cost=0.2)
    # As it was written before kinds were told apart, and as it is now.
    assert registry.promote("v1", one).promised("svm") == one
    registry.promote("v2", one, by={"gbdt": one, "hybrid": other})
    live = registry.live()
    assert live is not None
    assert [live.promised(kind) for kind in ("gbdt", "hybrid", "svm")] == [
        one,
        other,
        None,
    ]
    registry.promote("v3", None)
    back = registry.rollback("test")
    assert back is not None
    assert back.promised("hybrid") == other


def test_who_serves_may_be_promoted_again_for_another_promise(tmp_path: Path) -> None:
    registry = _registry(tmp_path)
    promise = Expected(quality=0.5, cost=0.1)
    registry.promote("v1", promise)
    first = registry.promote("v2", promise, by={"gbdt": promise})
    with pytest.raises(RegistryError, match="v2 serves already"):
        registry.promote("v2", promise, by={"gbdt": promise})
    more = {"gbdt": Expected(quality=0.6, cost=0.1)}
    again = registry.promote("v2", promise, by={"gbdt": promise}, cascades=more)
    assert (again.version, again.previous, again.cascades) == ("v2", "v1", more)
    assert again.since >= first.since
    back = registry.rollback("test")
    assert back is not None
    assert (back.version, back.expected) == ("v1", promise)
