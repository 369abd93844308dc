"""Scenarios that were recorded in several wire formats: what a client of one dialect
asks reaches a provider of another as that provider was asked natively, and is sampled
and limited as the client said.

A scenario is all that is asked of the model: read strictly, and apart from the
gateway's own readers; ids of calls are each format's own.
"""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.flow.scenarios import pairs, provider, recorded, settings
from tests.flow.scenarios.pairs import OTHERWISE, Pair
from tests.flow.scenarios.provider import KEY, READERS, config
from tests.flow.scenarios.unread import REASONS
from tests.harness.clients import PATIENT
from tests.harness.gateway import gateway
from tests.harness.upstream import Request
from tests.shared import needs_shared

DROPPED: Final = "x-routeiq-dropped"
BETWEEN: Final = {
    ("anthropic", "cohere"): 13,
    ("anthropic", "converse"): 27,
    ("anthropic", "gemini"): 74,
    ("anthropic", "openai"): 115,
    ("anthropic", "responses"): 85,
    ("converse", "anthropic"): 28,
    ("converse", "cohere"): 12,
    ("converse", "gemini"): 18,
    ("converse", "openai"): 37,
    ("converse", "responses"): 22,
    ("gemini", "anthropic"): 77,
    ("gemini", "cohere"): 19,
    ("gemini", "converse"): 28,
    ("gemini", "openai"): 88,
    ("gemini", "responses"): 79,
    ("openai", "anthropic"): 190,
    ("openai", "cohere"): 48,
    ("openai", "converse"): 88,
    ("openai", "gemini"): 133,
    ("openai", "ollama"): 1,
    ("openai", "responses"): 188,
    ("responses", "anthropic"): 89,
    ("responses", "cohere"): 16,
    ("responses", "converse"): 26,
    ("responses", "gemini"): 71,
    ("responses", "openai"): 126,
}
"""The client's format and the provider's -> different requests between them. No other
two were asked the same."""
UNREAD: Final = 235


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[provider.Every, httpx.Client]]:
    folder = tmp_path_factory.mktemp("scenarios")
    bearer = {"authorization": f"Bearer {KEY}"}
    with (
        provider.Every() as up,
        gateway(config(up), folder, env=provider.ENV) as server,
        httpx.Client(base_url=server.url, headers=bearer, **PATIENT) as client,
    ):
        yield up, client


@needs_shared
@pytest.mark.parametrize("between", BETWEEN, ids="-to-".join)
def test_translated_requests_mean_what_was_asked_natively(
    running: tuple[provider.Every, httpx.Client], between: tuple[str, str]
) -> None:
    up, client = running
    found = pairs.of(between)
    assert len(found) == BETWEEN[between]
    wrong: dict[str, Any] = {}
    for pair in found:
        before = len(up.requests)
        how = _differ(pair, pair.ask(client), up.requests[before:])
        expected, _ = OTHERWISE.get(pair.id, ("", ""))
        if " ".join(how) != expected:
            wrong[pair.id] = how
    assert wrong == {}


def _differ(
    pair: Pair, answer: httpx.Response, requests: list[Request]
) -> dict[str, Any]:
    """In what the request differs from what was asked; and how."""
    if answer.status_code != 200:
        error = answer.json()["error"]
        return {f"refused: {error.get('param')}": error}
    (sent,) = requests
    told = READERS[pair.format](sent)
    dropped = {*filter(None, answer.headers.get(DROPPED, "").split(", "))}
    wrong = settings.differ(pair.asked, told, pair.format, dropped)
    said, wanted = recorded.means(told), recorded.means(pair.asked.told)
    if said != wanted:
        wrong["said"] = (said, wanted)
    return wrong


@needs_shared
def test_every_pair_of_formats_and_every_exception_is_there() -> None:
    every = pairs.every()
    assert {(one.asked.format, one.format) for one in every} == BETWEEN.keys()
    assert OTHERWISE.keys() <= {one.id for one in every}


@needs_shared
def test_what_a_reader_does_not_know_is_listed_with_its_reason() -> None:
    _, unread = recorded.read()
    listed = [id_ for names in REASONS.values() for id_ in names.split()]
    assert len(unread) == UNREAD, [one.why for one in unread]
    assert sorted(one.id for one in unread) == sorted(listed)
