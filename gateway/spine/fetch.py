"""Files that a call names by address, fetched for who takes them only by their data.

A client chooses what is fetched, so nothing of what operators allow the gateway itself
holds here: only public addresses, asked about after DNS for every connection, redirects
among them; few files, of few bytes, of the kinds that models read, told by their first
bytes and not by what a server says. Nothing is kept beyond the exchange.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import msgspec

from adapters.contract import Call, WireHead, WireRequest, WireResponse
from adapters.errors import ByAddress, Garbled, Timeout, Unsupported, UpstreamError
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import Audio, Document, Image, Message, Part, ToolResult
from adapters.normal.image import ImageCall
from adapters.normal.media import File
from gateway.config.fetching import Fetch
from gateway.config.schema import Egress
from gateway.net.client import Client, Limits
from gateway.spine.exchange import Exchange

MAX_REDIRECTS: Final = 3
MAX_URL: Final = 4096
AT_ONCE: Final = 4
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_ACCEPT: Final = ((b"accept", b"image/*, application/pdf, audio/*, text/plain"),)
_WEB: Final = ("https://", "http://")
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
"""How files begin."""
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}

Inline = Callable[[Exchange, Call, ByAddress], Awaitable[Call]]


class Fetcher:
    """Fetches with a client of its own, so that no connection is shared with, and no
    rule taken from, the providers' ones."""

    def __init__(self, settings: Fetch, egress: Egress) -> None:
        self._settings = settings
        self.client = Client(
            Egress(
                allow_private=settings.allow_private,
                max_response_bytes=settings.max_bytes,
                ca_file=egress.ca_file,
            )
        )

    async def inline(self, exchange: Exchange, call: Call, needed: ByAddress) -> Call:
        """The call with data in place of addresses on the web.

        Raises:
            Unsupported: something cannot be fetched, or is no file that models read.
        """
        urls = list(dict.fromkeys(_urls(call)))
        if not self._settings.enabled or not urls:
            raise needed
        if len(urls) > self._settings.max_files:
            told = f"at most {self._settings.max_files} files are fetched for a call"
            raise Unsupported(told, needed.parameter)
        if exchange.fetched is None:
            exchange.fetched = {}
        kept = exchange.fetched
        gate = asyncio.Semaphore(AT_ONCE)
        deadline = min(exchange.deadline, time.monotonic() + self._settings.timeout_s)

        async def one(url: str) -> None:
            async with gate:
                kept[url] = await self._file(url, deadline, needed.parameter)
                if sum(len(file.data) for file in kept.values()) > self._room:
                    told = f"the files of a call are more than {self._room} bytes"
                    raise Unsupported(told, needed.parameter)

        missing = [url for url in urls if url not in kept]
        await _all(one(url) for url in missing)
        return _inlined(call, kept)

    @property
    def _room(self) -> int:
        return self._settings.max_bytes

    async def _file(self, url: str, deadline: float, parameter: str) -> File:
        try:
            response = await self._get(url, deadline)
        except Timeout:
            why = "it took too long"
        except Garbled:
            why = f"it is larger than {self._room} bytes, or cannot be read"
        except UpstreamError as error:
            blocked = error.code == "blocked"
            why = "its address is not one that is fetched from"
            why = why if blocked else "its server cannot be reached"
        else:
            if response.status != 200:
                why = f"its server answered {response.status}"
            elif kind := _kind(response):
                path = unquote(urlsplit(url).path)
                name = path.rpartition("/")[2][:128]
                return File(data=response.body, media_type=kind, name=name)
            else:
                why = "it is no picture, sound, PDF or text"
        raise Unsupported(f"{_shown(url)} cannot be fetched: {why}", parameter)

    async def _get(self, url: str, deadline: float) -> WireResponse:
        """The answer, after redirects.

        Raises:
            UpstreamError: there is none.
        """
        seconds = self._settings.timeout_s
        limits = Limits(seconds, seconds, seconds)
        moves = 0
        while True:
            head = WireHead("GET", urldefrag(url).url, _ACCEPT)
            response = await self.client.ask(WireRequest(head, b""), limits, deadline)
            place = response.header(b"location")
            moves += 1
            if response.status not in _MOVED or not place or moves > MAX_REDIRECTS:
                return response
            url = urljoin(url, place.decode("latin-1"))


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """Everything, or the first thing that goes wrong; the rest is given up."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_web(url: str) -> bool:
    return url[:8].lower().startswith(_WEB) and len(url) <= MAX_URL


def _urls(call: Call) -> Iterator[str]:
    """Addresses on the web that a call names."""
    if isinstance(call, ImageCall):
        masks = (call.mask,) if call.mask is not None else ()
        yield from (f.url for f in (*call.images, *masks) if _is_web(f.url))
    if isinstance(call, ChatCall):
        for message in call.conversation().messages:
            yield from _of_parts(message.parts)


def _of_parts(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, ToolResult):
            yield from _of_parts(part.parts)
        elif isinstance(part, Image | Document | Audio) and _is_web(part.url):
            yield part.url


def _inlined(call: Call, files: dict[str, File]) -> Call:
    replace = msgspec.structs.replace
    if isinstance(call, ImageCall):
        images = tuple(files.get(file.url, file) for file in call.images)
        mask = call.mask and files.get(call.mask.url, call.mask)
        return replace(call, images=images, mask=mask, raw=b"", boundary=b"")
    if not isinstance(call, ChatCall):
        return call
    talk: Conversation = call.conversation()
    messages = [
        replace(m, parts=tuple(_part(part, files) for part in m.parts))
        for m in talk.messages
    ]
    return call.altered(replace(talk, messages=tuple[Message, ...](messages)))


def _part(part: Part, files: dict[str, File]) -> Part:
    replace = msgspec.structs.replace
    if isinstance(part, ToolResult):
        inner = tuple(_part(each, files) for each in part.parts)
        return replace(part, parts=inner)
    if not isinstance(part, Image | Document | Audio) or part.url not in files:
        return part
    file = files[part.url]
    kind, data = file.media_type, base64.b64encode(file.data).decode()
    main = kind.partition("/")[0]
    match part:
        case Image() if main == "image":
            return replace(part, url="", data=data, media_type=kind)
        case Audio() if main == "audio":
            return replace(part, url="", data=data, format=kind.partition("/")[2])
        case Document() if main in ("application", "text"):
            name = part.name or file.name
            return replace(part, url="", data=data, media_type=kind, name=name)
    raise Unsupported(f"{_shown(part.url)} is {kind}, and something else was due", main)


def _kind(response: WireResponse) -> str:
    """The media type of a file that models read; empty for any other."""
    body = response.body
    for start, kind in _MAGIC:
        if body.startswith(start):
            return kind
    if body[:4] == b"RIFF":
        return _RIFF.get(body[8:12], "")
    said = (response.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    if said not in (b"text/plain", b"text/markdown", b"text/csv"):
        return ""
    try:
        body.decode()
    except UnicodeDecodeError:
        return ""
    return said.decode()


def _shown(url: str) -> str:
    """An address as it may be told: what follows the path may be a secret."""
    return url.partition("?")[0].partition("#")[0][:200]
