"""The routes of what lives at providers."""

from typing import Final

from adapters.registry import DIALECTS
from gateway.accounts import Accounts
from gateway.batch.engine import Engine
from gateway.endpoints.batches import OwnBatches
from gateway.endpoints.files import OwnFiles
from gateway.endpoints.gemini import PREFIXES, VERSIONS
from gateway.endpoints.message_batches import OwnMessageBatches
from gateway.endpoints.native.both import Batches, Files, MessageBatches
from gateway.endpoints.native.chooser import Chooser
from gateway.endpoints.native.courier import Courier
from gateway.endpoints.native.google import CACHES, STORES, Uploads
from gateway.endpoints.native.google import FILES as GEMINI_FILES
from gateway.endpoints.native.owned import Objects
from gateway.endpoints.native.surface import OPENAI, Native, Surface
from gateway.endpoints.table import Row
from gateway.endpoints.visit import Handler, Holder, VisitDoor
from gateway.spine.dispatch import Dispatch
from gateway.store.contract import Store
from gateway.telemetry.context import Propagation

SURFACES: Final = (
    (
        Surface("uploads", "uploads", "openai", OPENAI),
        ("POST ", "POST /{id}/{rest:path}"),
    ),
    (
        Surface(
            "videos",
            "videos",
            "openai",
            OPENAI,
            makers=frozenset({"generations", "edits", "extensions"}),
            free=False,
        ),
        (
            *("POST ", "GET ", "GET /{id}", "DELETE /{id}", "POST /{id}"),
            *("GET /{id}/{rest:path}", "POST /{id}/{rest:path}"),
        ),
    ),
    (
        Surface("fine_tuning", "fine_tuning/jobs", "openai", OPENAI, free=False),
        (
            *("POST ", "GET ", "GET /{id}"),
            *("GET /{id}/{rest:path}", "POST /{id}/{rest:path}"),
        ),
    ),
    (
        Surface("vector_stores", "vector_stores", "openai", OPENAI, free=False),
        (
            *("POST ", "GET ", "GET /{id}", "POST /{id}", "DELETE /{id}"),
            *("GET /{id}/{rest:path}", "POST /{id}/{rest:path}"),
            "DELETE /{id}/{rest:path}",
        ),
    ),
)
"""OpenAI's, and what may be asked of each."""


def _versions(path: str) -> tuple[str, ...]:
    """The other paths of Google's, by version and base. Bare `/v1/files` is OpenAI's,
    too: its door tells them apart."""
    found = [
        prefix + path.replace("v1beta", version)
        for prefix in PREFIXES
        for version in VERSIONS
    ]
    return tuple(p for p in found if p != path and not p.startswith("/v1/files"))


class Natives:
    """Rows of every surface."""

    def __init__(
        self,
        dispatch: Dispatch,
        propagation: Propagation,
        accounts: Accounts,
        store: Store,
        engine: Engine,
    ) -> None:
        self._dispatch = dispatch
        self._propagation = propagation
        self._engine = engine
        objects = Objects(store)
        self._chooser = Chooser(accounts, dispatch.directory, objects)
        self._courier = Courier(propagation, accounts)

    def rows(self) -> list[Row]:
        return [*self._kept(), *self._openai(), *self._google()]

    def _kept(self) -> list[Row]:
        """Files and batches, here or at a provider."""
        chooser, courier = self._chooser, self._courier
        own = OwnFiles(self._engine.files)
        files = Files(
            own, Uploads(self._dispatch.keyring, chooser, courier), chooser, courier
        )
        batches = Batches(OwnBatches(self._engine), own, chooser, courier)
        messages = MessageBatches(OwnMessageBatches(self._engine), chooser, courier)
        at, many = "/v1/messages/batches", "Anthropic message batches"
        return [
            self._row("POST", "/v1/files", files.upload, "Upload a file", forms=True),
            self._row("GET", "/v1/files", files.listed, "The key's files"),
            self._row("GET", "/v1/files/{id}", files.shown, "One file"),
            self._row("DELETE", "/v1/files/{id}", files.deleted, "Delete a file"),
            self._row("GET", "/v1/files/{id}/content", files.content, "Its bytes"),
            self._row("POST", "/v1/batches", batches.create, "Run many requests"),
            self._row("GET", "/v1/batches", batches.listed, "The key's batches"),
            self._row("GET", "/v1/batches/{id}", batches.shown, "One batch"),
            self._row("POST", "/v1/batches/{id}/cancel", batches.cancel, "End one"),
            self._row("POST", at, messages.create, many),
            self._row("GET", at, messages.listed, many),
            self._row("GET", f"{at}/{{id}}", messages.item, many),
            self._row("DELETE", f"{at}/{{id}}", messages.item, many),
            self._row("POST", f"{at}/{{id}}/cancel", messages.item, many),
            self._row("GET", f"{at}/{{id}}/results", messages.item, many),
        ]

    def _openai(self) -> list[Row]:
        rows = []
        for surface, routes in SURFACES:
            native = Native(surface, self._chooser, self._courier)
            for route in routes:
                method, _, tail = route.partition(" ")
                handlers: dict[str, Handler] = {
                    "POST ": native.create,
                    "GET ": native.listed,
                }
                rows.append(
                    self._row(
                        method,
                        f"/v1/{surface.root}{tail}",
                        handlers.get(route, native.item),
                        f"OpenAI {surface.root.replace('/', ' ').replace('_', ' ')}",
                    )
                )
        return rows

    def _google(self) -> list[Row]:
        uploads = Uploads(self._dispatch.keyring, self._chooser, self._courier)
        files = Native(GEMINI_FILES, self._chooser, self._courier)
        rows = [
            self._row("GET", "/v1beta/files", files.listed, "Gemini files"),
            self._row("GET", "/v1beta/files/{id}", uploads.item, "Gemini file"),
            self._row("DELETE", "/v1beta/files/{id}", uploads.item, "Gemini file"),
            self._row(
                "GET", "/download/v1beta/files/{id}", uploads.download, "Its bytes"
            ),
        ]
        for path in ("files", "fileSearchStores/{id}"):
            rows += [
                self._row(
                    method,
                    f"/upload/v1beta/{path}",
                    uploads.upload,
                    "Upload to Gemini, in one go or in pieces",
                    holder=uploads.holder,
                )
                for method in ("POST", "PUT")
            ]
        for surface, tails in (
            (CACHES, ("GET /{id}", "PATCH /{id}", "DELETE /{id}")),
            (
                STORES,
                (
                    *("GET /{id}", "DELETE /{id}", "POST /{id}"),
                    *("GET /{id}/{rest:path}", "DELETE /{id}/{rest:path}"),
                ),
            ),
        ):
            native = Native(surface, self._chooser, self._courier)
            path, words = f"/v1beta/{surface.root}", f"Gemini {surface.root}"
            rows.append(self._row("POST", path, native.create, words))
            rows.append(self._row("GET", path, native.listed, words))
            for route in tails:
                method, _, tail = route.partition(" ")
                rows.append(self._row(method, path + tail, native.item, words))
        return rows

    def _row(
        self,
        method: str,
        path: str,
        handle: Handler,
        summary: str,
        *,
        forms: bool = False,
        holder: Holder | None = None,
    ) -> Row:
        if "/v1beta/" in path:
            dialect = "gemini.generate"
            aliases = _versions(path)
        elif path.startswith("/v1/messages"):
            dialect, aliases = "anthropic.messages", (f"/anthropic{path}",)
        else:
            dialect, bare = "openai.chat", path.removeprefix("/v1")
            aliases = (bare, f"/openai{bare}", f"/openai{path}")
            if bare.startswith("/files"):
                aliases += (f"/anthropic{path}",)
        words = [word for word in ("batches", "files") if word in path]
        return Row(
            method=method,
            path=path,
            aliases=aliases,
            endpoint=VisitDoor(
                self._dispatch,
                self._propagation,
                DIALECTS[dialect],
                (*words, path.split("/")[2])[0],
                path,
                handle,
                holder,
            ),
            auth="key",
            recorded=True,
            summary=summary,
            tag="objects",
            forms=forms,
        )
