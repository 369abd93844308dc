"""3 client dialects x 4 families x every feature, whole and streamed, sync and async."""

from collections.abc import Iterator

import anthropic
import openai
import pytest
from google.genai import errors as gemini_errors

from tests.flow.sdk.clients import DIALECTS, Got, refused
from tests.flow.sdk.conftest import Scene
from tests.flow.sdk.features import Cell, Feature
from tests.flow.sdk.heard import heard
from tests.flow.sdk.matrix import CANNOT, FEATURES, UNASKABLE

ALL_FAMILIES = ("openai", "anthropic", "gemini", "echo")


def cells() -> Iterator[object]:
    """Whole and streamed take turns at being sync and async, so that each dialect and
    family has all four."""
    for number, feature in enumerate(FEATURES.values()):
        for dialect in DIALECTS:
            if (dialect, feature.name) in UNASKABLE:
                continue
            for family in ALL_FAMILIES:
                for stream in (False, True):
                    how = "sync" if (number + stream) % 2 else "async"
                    form = "stream" if stream else "whole"
                    yield pytest.param(
                        feature,
                        Cell(dialect, family, stream, how),
                        id=f"{dialect}-{family}-{feature.name}-{form}-{how}",
                    )


@pytest.mark.parametrize(("feature", "cell"), [*cells()])
def test_the_feature_survives_or_the_table_says_what_happens(
    scene: Scene, feature: Feature, cell: Cell
) -> None:
    fate = CANNOT.get((cell.dialect, cell.family, feature.name), "")
    alias = cell.family + ("-thinks" if feature.thinks else "")
    asked = {**feature.asks[cell.dialect], "model": alias}
    before = len(scene.up.requests)
    try:
        got = scene.clients.ask(cell.dialect, cell.how, cell.stream, asked)
    except (
        openai.APIError,
        anthropic.APIError,
        gemini_errors.APIError,
    ) as error:
        status, body = refused(error)
        assert status == 400, body
        assert fate.startswith("400: "), body
        assert _parameter(cell.dialect, body) == fate.removeprefix("400: ")
        assert len(scene.up.requests) == before
        return
    dropped = fate.removeprefix("dropped: ").split(", ") if fate else []
    assert sorted(got.dropped) == sorted(dropped)
    _check_usage(got, feature, cell)
    feature.shown(got, cell)
    if cell.family != "echo":
        (request,) = scene.up.requests[before:]
        asked_for = heard(cell.family, request, verbatim=cell.dialect == "gemini")
        assert asked_for.stream == cell.stream
        feature.heard(asked_for, cell)


def _parameter(dialect: str, body: object) -> str:
    """Whose fault it is, as far as the dialect has a place to say."""
    assert isinstance(body, dict)
    if dialect == "openai":
        assert body["type"] == "invalid_request_error"
        return str(body["param"])
    error = body["error"]
    if dialect == "anthropic":
        assert body["type"] == "error"
        assert error["type"] == "invalid_request_error"
        return str(error["message"])
    assert error["status"] == "INVALID_ARGUMENT"
    (violations,) = (
        detail["fieldViolations"]
        for detail in error["details"]
        if detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    )
    assert violations[0]["description"] == error["message"]
    return str(violations[0]["field"])


def _check_usage(got: Got, feature: Feature, cell: Cell) -> None:
    """Each dialect adds up to the same totals, streamed or not."""
    if cell.family == "echo":
        assert got.input > 0
        return
    tokens = feature.answer.tokens
    written = 0 if cell.family == "anthropic" else tokens.written
    del written
    assert got.input == tokens.input
    if feature.name != "several":
        assert got.output == tokens.output


def test_the_tables_name_nothing_that_is_not_there() -> None:
    for dialect, name in UNASKABLE:
        assert dialect not in FEATURES[name].asks
    for dialect, family, name in CANNOT:
        assert dialect in FEATURES[name].asks
        assert family in ALL_FAMILIES
    for feature in FEATURES.values():
        for dialect in DIALECTS:
            assert (dialect in feature.asks) != ((dialect, feature.name) in UNASKABLE)


def test_every_dialect_and_family_is_asked_in_all_four_ways() -> None:
    seen = {
        (cell.dialect, cell.family, cell.stream, cell.how)
        for param in cells()
        for cell in param.values[1:]  # type: ignore[attr-defined]
    }
    assert len(seen) == 3 * 4 * 2 * 2
