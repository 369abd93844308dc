"""The table of providers keeps its own rules."""

from collections import Counter
from urllib.parse import urlsplit

import pytest

from adapters.contract import Operation, Provider
from adapters.providers import PROVIDERS, find

FAMILIES = {"openai", "anthropic", "gemini", "echo"}
ROWS = list(PROVIDERS.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_can_be_spoken_to(row: Provider) -> None:
    assert row.family in FAMILIES
    assert row.title
    assert not row.base_url.endswith("/")
    if row.base_url and row.family != "echo":
        url = urlsplit(row.base_url)
        assert url.scheme == "https" or (url.scheme, url.hostname) == (
            "http",
            "localhost",
        )
        assert url.hostname
        assert not url.query
        assert not url.fragment
        assert "{" not in row.base_url
    assert row.operations
    assert row.operations <= {str(operation) for operation in Operation}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_carries_its_key_in_a_real_header(row: Provider) -> None:
    assert row.auth == row.auth.lower()
    assert row.auth.replace("-", "").isalpha()
    assert row.env or not row.base_url.startswith("https:")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_found_by_its_id_and_every_alias(row: Provider) -> None:
    for name in (row.id, *row.aliases):
        assert find(name) is row


def test_no_two_rows_share_a_name_or_a_variable() -> None:
    names = Counter(name for row in ROWS for name in (row.id, *row.aliases))
    variables = Counter(name for row in ROWS for name in (*row.env, *row.base_url_env))
    assert not [name for name, count in names.items() if count > 1]
    assert not [name for name, count in variables.items() if count > 1]
    assert all("/" not in name for name in names)


def test_a_quirk_never_renames_what_it_drops() -> None:
    for row in ROWS:
        gone = row.quirks.drop & (
            row.quirks.rename.keys() | set(row.quirks.rename.values())
        )
        assert not gone, (row.id, gone)


EXTRAS = {
    "path.chat",
    "path.complete",
    "path.embed",
    "task",
    "limit",
    "thoughts",
    "effort",
    "cache",
    "top_k",
    "json_schema",
    "google",
}
"""What the families look up in `Quirks.extra`."""


def test_every_extra_is_one_that_somebody_reads() -> None:
    for row in ROWS:
        assert row.quirks.extra.keys() <= EXTRAS, row.id


def test_every_family_has_the_row_of_its_own_name() -> None:
    for family in FAMILIES:
        row = find(family)
        assert row is not None
        assert row.family == family


def test_an_unknown_name_is_nobody() -> None:
    for name in ("", "nobody", "OpenAI", "openai/", "meta-llama"):
        assert find(name) is None
    assert len(ROWS) >= 45
