"""Models and what is known of them, found by the names in use.

The built-in catalogue is one file a provider in `data/`, each a document of
`adapters.catalog.form` without sources; `data/sources.json` names those, with licences
and dates. A document of the user's own comes before it, model by model.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Raw

from adapters.catalog.form import Row, Source, priced
from adapters.catalog.price import Price

DATA: Final = Path(__file__).with_name("data")
_SOURCES: Final = "sources"


class ModelFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of one model at one provider."""

    mode: str = "chat"
    """`chat`, `complete`, `embed`, `rerank`, `image`, `speech`, `transcribe`,
    `moderate`, `realtime`, or `responses`: only OpenAI's Responses API."""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    abilities: frozenset[str] = frozenset()
    """`vision`, `reasoning`, `function_calling`, `prompt_caching`, ..."""
    dimensions: int | None = None
    """Of an embedding, when not asked otherwise."""
    retires: str = ""
    """ISO date of its announced end."""


class _File(msgspec.Struct, frozen=True):
    """A document whose rows are read when they are asked for."""

    models: dict[str, dict[str, Raw]]
    abilities: dict[str, str] = {}
    as_of: str = ""
    sources: tuple[Source, ...] = ()


_EMPTY: Final = _File({})
_file: Final = msgspec.json.Decoder(_File).decode
_row: Final = msgspec.json.Decoder(Row).decode


class _Table:
    """One provider's models: the user's own rows before the built-in ones."""

    def __init__(self, own: _File, built_in: _File, provider: str) -> None:
        self._words = (own.abilities, built_in.abilities)
        self._own = own.models.get(provider, {})
        self._rows = {**built_in.models.get(provider, {}), **self._own}
        self._latest: dict[str, str] = {}
        """A name without its date -> the latest of that name."""
        for name in sorted(self._rows):
            short = _DATE.sub("", name)
            if short != name:
                self._latest[short] = name

    def facts(self, name: str) -> ModelFacts | None:
        """Of a model, by its exact name or without a date."""
        exact = name if name in self._rows else self._latest.get(name, "")
        raw = self._rows.get(exact)
        if raw is None:
            return None
        row = _row(raw)
        price = row.price
        words = self._words[0 if exact in self._own else 1]
        return ModelFacts(
            mode=row.mode,
            max_input_tokens=row.max_input_tokens,
            max_output_tokens=row.max_output_tokens,
            price=priced(msgspec.to_builtins(price)) if price is not None else None,
            abilities=frozenset(words.get(word, word) for word in row.can.split()),
            dimensions=row.dimensions,
            retires=row.retires or "",
        )


_DATE: Final = re.compile(r"[-@](?:20\d\d-?\d\d-?\d\d|latest|\d{4}|\d{3})$")
_EVERY: Final = "*"
"""The row of a provider whose models are all alike."""
_SAME_PRICE: Final = {
    "azure_anthropic": "anthropic",
    "codestral": "mistral",
    "deepseek_anthropic": "deepseek",
    "minimax_anthropic": "minimax",
    "moonshot_anthropic": "moonshot",
    "vertex_ai": "gemini",
    "vertex_ai_anthropic": "anthropic",
    "zai_anthropic": "zai",
}
"""Other doors to the same models."""
_SAME_MODELS: Final = {"azure": "openai"}
"""The same models, at prices of their own."""
_FOLDERS: Final = {"fireworks_ai": "accounts/fireworks/models/"}
"""Where a provider's short names stand."""


class Catalog:
    """The table. A provider's file is read when it is first asked for: who asks three
    providers pays for three."""

    def __init__(self, own: bytes = b"") -> None:
        """`own`: a document that `adapters.catalog.read` accepts; kept in memory.

        Raises:
            msgspec.MsgspecError: it is none.
        """
        self._own = _file(own) if own else _EMPTY
        self._sources: _File | None = None
        self._there: frozenset[str] | None = None
        self._tables: dict[str, _Table] = {}

    @property
    def as_of(self) -> str:
        """ISO date of the youngest fact."""
        return max(self._own.as_of, self._about().as_of)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Those of the user's own document first."""
        return self._own.sources + self._about().sources

    def find(self, provider: str, model: str) -> ModelFacts | None:
        """What is known of a model, by a provider's id and its own name for the model.

        Understands `models/` and `provider/` prefixes, other cases, releases with a
        date or `latest` and names without one. Of a fine-tune, of a variant behind a
        colon (`:nitro`) and of Azure's deployments named like OpenAI's models the price
        is left out, unless the table has them by their own names.
        """
        base, tuned = _base(model)
        same = _SAME_PRICE.get(provider, provider)
        for where, name in ((provider, model), (same, model), (provider, tuned)):
            if (facts := self._facts(where, name)) is not None:
                return facts
        kin = _SAME_MODELS.get(provider, provider)
        for where, name in ((kin, model), (provider, base)):
            if (facts := self._facts(where, name)) is not None:
                return msgspec.structs.replace(facts, price=None)
        return self._table(provider).facts(_EVERY)

    def _facts(self, provider: str, model: str) -> ModelFacts | None:
        table = self._table(provider)
        for name in _names(provider, model):
            if name != _EVERY and (facts := table.facts(name)) is not None:
                return facts
        return None

    def _table(self, provider: str) -> _Table:
        table = self._tables.get(provider)
        if table is None:
            if self._there is None:
                self._there = frozenset(built_in())
            file = _read(provider) if provider in self._there else _EMPTY
            table = _Table(self._own, file, provider)
            if file is not _EMPTY or provider in self._own.models:
                self._tables[provider] = table
        return table

    def _about(self) -> _File:
        if self._sources is None:
            self._sources = _read(_SOURCES)
        return self._sources


def built_in() -> list[str]:
    """Every provider the built-in catalogue knows models of."""
    return sorted(path.stem for path in DATA.glob("*.json") if path.stem != _SOURCES)


def _read(name: str) -> _File:
    return _file((DATA / f"{name}.json").read_bytes())


def _names(provider: str, model: str) -> Iterator[str]:
    """What a model may be called in the table, best guess first."""
    bare = model.removeprefix("models/").removeprefix(f"{provider}/")
    seen = set()
    for name in (model, bare, _FOLDERS.get(provider, "") + bare, bare.lower()):
        for form in (name, _DATE.sub("", name)):
            if form and form not in seen:
                seen.add(form)
                yield form


def _base(model: str) -> tuple[str, str]:
    """The model that a fine-tune or variant was made of, and the name that fine-tunes
    of it share; empty where there is none."""
    if model.startswith("ft:"):
        base = model.split(":")[1]
        return base, f"ft:{base}"
    return (model.partition(":")[0], "") if ":" in model else ("", "")
