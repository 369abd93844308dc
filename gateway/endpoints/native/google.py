"""Gemini's files, caches and file search stores, and uploads that go on."""

import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.errors import Garbled
from gateway.accounts import Account
from gateway.endpoints.native.chooser import Chooser
from gateway.endpoints.native.courier import Courier
from gateway.endpoints.native.owned import Place
from gateway.endpoints.native.surface import GEMINI, Native, Surface
from gateway.endpoints.visit import Visit, missing
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal

FAMILY: Final = "gemini"
FILES: Final = Surface("files", "files", FAMILY, GEMINI)
CACHES: Final = Surface(
    "cachedContents", "cachedContents", FAMILY, GEMINI, free=False, alias=True
)
STORES: Final = Surface("fileSearchStores", "fileSearchStores", FAMILY, GEMINI)
UPLOADS: Final = "gemini.uploads"
"""Kind of an upload under way. Google's clients go on with one by its address alone,
so that holds a secret of ours; whose it is stands beside it."""
ANY: Final = "*"
UPLOAD_S: Final = 2 * 86_400.0
URL: Final = b"x-goog-upload-url"


class Uploads:
    """`/upload/...` and `/download/...`: beside the version in Google's paths."""

    def __init__(self, keyring: Keyring, chooser: Chooser, courier: Courier) -> None:
        self._keyring = keyring
        self._chooser = chooser
        self._courier = courier
        self.files = Native(FILES, chooser, courier)
        self._stores = Native(STORES, chooser, courier)

    async def upload(self, visit: Visit) -> None:
        """Begin an upload, or go on with one."""
        id = visit.query.get("upload_id", "")
        place = await self._chooser.objects.find(ANY, UPLOADS, id)
        if place is not None and place.owner != visit.principal.id:
            raise missing("upload", id)
        if id and place is None and not visit.principal.sees_all:
            raise missing("upload", id)
        account = await self._account(visit, place)
        body = await visit.body()
        base, path, query = _root(account), _path(visit, account), b""
        if place is not None and place.url:
            parts = urlsplit(place.url)
            base = f"{parts.scheme}://{parts.netloc}"
            path, query = parts.path.lstrip("/").encode(), parts.query.encode()
        carried = await self._courier.send(
            visit, account, path, body, base=base, more=query
        )
        native = carried.header(URL)
        if native:
            ours = await self._ours(visit, account, native.decode("latin-1"))
            carried.headers = tuple(
                (n, ours.encode() if n == URL else v) for n, v in carried.headers
            )

        async def hear(said: dict[str, Any]) -> Mapping[str, Any] | None:
            await self.files.note(visit, account, said)
            return None

        await self._courier.answer(visit, carried, hear, free=True)

    async def holder(self, visit: Visit) -> Principal | None:
        """Who began the upload that an address without a key goes on with."""
        id = visit.query.get("upload_id", "")
        place = await self._chooser.objects.find(ANY, UPLOADS, id)
        return None if place is None else await self._keyring.by_id(place.owner)

    async def download(self, visit: Visit) -> None:
        """A file's bytes, where a redirect leads to."""
        id = visit.parameters["id"].partition(":")[0]
        account = await self.files.account_of(visit, id)
        if account is None:
            raise missing("file", id)
        await visit.body()
        carried = await self._courier.send(
            visit, account, _path(visit, account), b"", base=_root(account)
        )
        await self._courier.answer(visit, carried, None, free=True)

    async def item(self, visit: Visit) -> None:
        """One file; a redirect to its bytes leads through the gateway again."""
        id = visit.parameters["id"].partition(":")[0]
        account = await self.files.account_of(visit, id)
        if account is None or visit.method != "GET":
            await self.files.item(visit)
            return
        await visit.body()
        path = self.files.path(visit)
        carried = await self._courier.send(visit, account, path, b"")
        root = _root(account).encode() + b"/"
        ours = visit.origin.encode() + b"/"
        carried.headers = tuple(
            (n, ours + v[len(root) :])
            if n == b"location" and v.startswith(root)
            else (n, v)
            for n, v in carried.headers
        )
        await self._courier.answer(visit, carried, None, free=True)

    async def _account(self, visit: Visit, place: Place | None) -> Account:
        if place is not None:
            account = self._chooser.accounts.marked(place.account)
            if account is not None:
                return account
        store = visit.parameters.get("id", "").partition(":")[0]
        if store:
            found = await self._stores.account_of(visit, store)
            if found is None:
                raise missing("file search store", store)
            return found
        hint = self._chooser.hinted(visit, FAMILY)
        return hint.account if hint else self._chooser.usual(visit, FAMILY)

    async def _ours(self, visit: Visit, account: Account, url: str) -> str:
        """Our address of an upload that the provider wants to go on at `url`."""
        parts, home = urlsplit(url), urlsplit(account.target.base_url)
        if (parts.scheme, parts.netloc) != (home.scheme, home.netloc):
            raise Garbled("the provider's upload goes on somewhere else")
        id = secrets.token_urlsafe(32)
        place = Place(account.account, url, visit.principal.id)
        await self._chooser.objects.add(ANY, UPLOADS, id, place, UPLOAD_S)
        path = visit.scope["path"]
        return f"{visit.origin}{path}?upload_id={id}&upload_protocol=resumable"


def _root(account: Account) -> str:
    """The base URL without its version."""
    return account.target.base_url.rpartition("/")[0]


def _path(visit: Visit, account: Account) -> bytes:
    """From `upload` or `download` on, in the version of the account's base URL."""
    raw: bytes = visit.scope["raw_path"].partition(b"?")[0]
    version = account.target.base_url.rpartition("/")[2].encode()
    for mark in (b"/upload/", b"/download/"):
        before, found, after = raw.partition(mark)
        if found and b"/" in after:
            del before
            return mark[1:] + version + b"/" + after.partition(b"/")[2]
    raise missing("path", raw.decode("latin-1"))
