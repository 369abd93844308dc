"""Objects that live at providers, through a running gateway: recorded traffic comes
through as it was, official SDKs work by base URL, and each key has its own."""

import base64
import http.client
import io
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from anthropic import Anthropic
from anthropic import NotFoundError as NoSuchMessage
from google import genai
from google.genai import types
from openai import BadRequestError, NotFoundError, OpenAI

from tests.flow.provider import ENV, SECRET
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.upstream import Request, Script, Upstream, tell
from tests.shared import cassettes, needs_shared

MASTER = "sk-master-canary-0123456789"
BEARER = {"authorization": f"Bearer {MASTER}"}
FAMILIES = {
    "openai_files": 27,
    "openai_batches": 8,
    "openai_videos": 4,
    "openai_models": 2,
    "anthropic_files": 4,
    "anthropic_batches": 4,
    "gemini_files": 9,
    "gemini_cached_contents": 6,
    "gemini_models": 1,
}
ROOTS = {
    "https://api.openai.com/v1/": ("openai", "/v1/"),
    "https://api.mistral.ai/v1/": ("mistral", "/v1/"),
    "https://api.x.ai/v1/": ("xai", "/v1/"),
    "https://openrouter.ai/api/v1/": ("openrouter", "/v1/"),
    "https://api.anthropic.com/v1/": ("anthropic", "/v1/"),
    "https://generativelanguage.googleapis.com/": ("gemini", "/"),
    "https://aiplatform.googleapis.com/v1beta1/": ("vertex", "/v1beta1/"),
    "http://localhost:3000/crewai_plus/api/v1/": ("local", "/v1/"),
}
"""Recorded addresses -> the provider's name here, and the version in its paths."""
SURFACED = re.compile(
    r"/v1/(files|batches|videos|vector_stores|messages/batches)|/(upload/|download/)?"
    r"v1beta/(files|cachedContents|fileSearchStores)"
)

Json = dict[str, Any]


class Case(NamedTuple):
    """One recording, as it is asked here."""

    number: int
    name: str
    provider: str
    method: str
    path: str
    """With its version and query."""
    body: bytes
    headers: dict[str, str]
    status: int
    answer: bytes
    kind: str


def _cases() -> list[Case]:
    found = []
    for family in FAMILIES:
        for path in cassettes(family):
            recording = json.loads(path.read_text())
            asked, answered = recording["request"], recording["response"]
            url = asked["url"]
            root = next(root for root in ROOTS if url.startswith(root))
            provider, version = ROOTS[root]
            kind = {
                n.lower(): v for n, v in asked["headers"].items() if v != "REDACTED"
            }
            body = _bytes(asked)
            headers = {}
            if body.lstrip().startswith(b"--"):
                mark = body.lstrip().split(b"\r\n")[0].split(b"\n")[0][2:].strip()
                if b"\r\n" not in body:  # kept as text with other line ends
                    body = body.replace(b"\n", b"\r\n")
                body = _finished(body, mark)
                given = f"multipart/form-data; boundary={mark.decode()}"
                headers["content-type"] = given
            elif body:
                headers["content-type"] = kind.get("content-type", "application/json")
            if provider == "anthropic":
                headers["anthropic-version"] = "2023-06-01"
            told = {n.lower(): v for n, v in answered["headers"].items()}
            found.append(
                Case(
                    len(found),
                    path.name,
                    provider,
                    asked["method"],
                    version + url.removeprefix(root),
                    body,
                    headers,
                    answered["status"],
                    _bytes(answered),
                    _one(told.get("content-type", "application/json")),
                )
            )
    return found


def _one(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _bytes(said: Json) -> bytes:
    if said.get("body_base64"):
        return base64.b64decode(said["body_base64"])
    if text := said.get("body_text"):
        # Some were kept as base64 without saying so.
        return base64.b64decode(text) if text.startswith("LS") else text.encode()
    body = said.get("body")
    if body in (None, ""):
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _finished(body: bytes, mark: bytes) -> bytes:
    """Two forms were kept without their end (a defect of the recordings)."""
    if body.rstrip().endswith(b"--" + mark + b"--"):
        return body
    purpose = b'Content-Disposition: form-data; name="purpose"\r\n\r\nuser_data'
    more = b"" if b'name="purpose"' in body else b"\r\n--%b\r\n%b" % (mark, purpose)
    return body + more + b"\r\n--%b--\r\n" % mark


CASES = _cases()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    def own(name: str, version: str = "v1", **more: Any) -> Json:
        place = {"base_url": f"{upstream.url}/{name}/{version}"}
        return {**place, "api_key": "env:UPSTREAM_KEY", **more}

    config = {
        "keys": {"master": "env:MASTER"},
        "providers": {
            "openai": own("openai", passthrough=True),
            "mistral": own("mistral"),
            "xai": own("xai"),
            "openrouter": own("openrouter", passthrough=True),
            "anthropic": own("anthropic"),
            "gemini": own("gemini", "v1beta", passthrough=True),
            "vertex": own("vertex", "v1beta1", family="gemini", passthrough=True),
            "local": own("local", family="openai", passthrough=True),
        },
        "models": {
            "gpt": {"deployments": [{"model": "openai/gpt-4o-mini"}]},
            "film": {"deployments": [{"model": "xai/grok-imagine-video"}]},
            "claude": {"deployments": [{"model": "anthropic/claude-haiku-4-5"}]},
            "groq/*": {"deployments": [{"model": "mistral/*"}]},
            "flash": {"deployments": [{"model": "gemini/gemini-2.5-flash"}]},
        },
    }
    env = {**ENV, "MASTER": MASTER}
    folder = tmp_path_factory.mktemp("natives")
    with gateway(config, folder, env=env) as running:
        yield running


def _without_key(query: str) -> str:
    return "&".join(p for p in query.split("&") if p and not p.startswith("key="))


@needs_shared
def test_recorded_traffic_comes_through_as_it_was(
    running: Running, upstream: Upstream
) -> None:
    assert len(CASES) == sum(FAMILIES.values())
    got: dict[int, Request] = {}

    def answer(request: Request) -> Script:
        case = CASES[int(request.headers["x-case"])]
        got[case.number] = request
        return tell(case.status, case.answer, {"content-type": case.kind})

    upstream.on(None, answer)
    surfaced = 0
    with httpx.Client(**PATIENT) as client:
        for case in CASES:
            path = case.path
            headers = {**BEARER, **case.headers, "x-case": str(case.number)}
            if SURFACED.match(path) and case.provider not in {"vertex", "local"}:
                headers["x-routeiq-provider"] = case.provider
                surfaced += 1
            else:  # what is not translated: the same, through the provider's own door
                tail = path.split("/", 2)[2]
                path = f"/passthrough/{case.provider}/{tail}"
            heard = client.request(
                case.method, running.url + path, headers=headers, content=case.body
            )
            assert case.number in got, (case, heard.text)
            sent = got[case.number]
            native = urlsplit(case.path)
            assert sent.method == case.method
            assert sent.path == f"/{case.provider}{native.path}", case
            assert _without_key(sent.query) == _without_key(native.query), case
            assert sent.body == case.body, case
            secret = sent.headers.get("authorization", "") + str(sent.headers)
            assert SECRET in secret
            assert MASTER not in str(sent.fields)
            assert heard.status_code == case.status, case
            if (
                case.kind.startswith("application/json")
                and b"results_url" in case.answer
            ):
                ours, theirs = heard.json(), json.loads(case.answer)
                link = ours.pop("results_url"), theirs.pop("results_url")
                assert (link[0] is None) == (link[1] is None)
                assert ours == theirs
            else:
                assert heard.content == case.answer, case
    assert surfaced == 56
    last = running.record(heard.headers["x-routeiq-id"])
    assert last["status"] == CASES[-1].status


class Vendor:
    """A provider with objects of every kind; ids count up."""

    def __init__(self) -> None:
        self.count = 0
        self.there: dict[str, Json] = {}
        self.seen: list[Request] = []

    def __call__(self, request: Request) -> Script:
        self.seen.append(request)
        _, provider, _, *rest = request.path.split("/")
        anthropic = provider == "anthropic"
        kind = "/".join(rest[:2]) if rest[0] in {"fine_tuning", "messages"} else rest[0]
        tail = rest[kind.count("/") + 1 :]
        if not tail and request.method == "POST":
            return tell(200, self._make(kind, anthropic))
        if not tail:
            found = [v for v in self.there.values() if v["kind"] == kind]
            shown = found[::-1]
            after = re.search(r"after(?:_id)?=([\w-]+)", request.query)
            if after:
                ids = [each["id"] for each in shown]
                shown = shown[ids.index(after[1]) + 1 :]
            page = shown[:3]
            return tell(
                200,
                {"object": "list", "data": page, "has_more": len(shown) > 3}
                | {"first_id": None, "last_id": page[-1]["id"] if page else None},
            )
        if tail[0] not in self.there:
            return tell(404, {"error": {"message": "no such", "code": "gone"}})
        if request.method == "DELETE" and len(tail) == 1:
            del self.there[tail[0]]
            kind_ = {"type": "file_deleted"} if anthropic else {"object": "deleted"}
            return tell(200, {"id": tail[0], "deleted": True, **kind_})
        if tail[1:] == ["content"]:
            return tell(200, b"\x00bytes", {"content-type": "application/octet-stream"})
        if tail[1:] == ["search"]:
            return tell(200, {"object": "page", "data": [], "has_more": False})
        if tail[1:] == ["complete"]:
            return tell(
                200, {**self.there[tail[0]], "file": self._make("files", False)}
            )
        if tail[1:] == ["parts"]:
            return tell(200, {"id": "part_1", "object": "upload.part"})
        return tell(200, self.there[tail[0]])

    def _make(self, kind: str, anthropic: bool) -> Json:
        self.count += 1
        id = f"{kind.rsplit('/', maxsplit=1)[-1]}-{self.count}"
        made: Json = {"id": id, "object": kind, "kind": kind, "created_at": 1}
        if anthropic:
            made |= {"type": "file", "filename": "f", "mime_type": "text/plain"}
            made |= {"size_bytes": 1, "created_at": "2026-01-01T00:00:00Z"}
        if kind == "messages/batches":
            made["type"] = "message_batch"
        self.there[id] = made
        return made


@pytest.fixture
def vendor(upstream: Upstream) -> Vendor:
    vendor = Vendor()
    upstream.on(None, vendor)
    return vendor


def _openai(running: Running, key: str, **headers: str) -> OpenAI:
    base = f"{running.url}/v1"
    named = {n.replace("_", "-"): v for n, v in headers.items()}
    return OpenAI(base_url=base, api_key=key, max_retries=0, default_headers=named)


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
def test_openais_sdk_works_and_each_key_has_its_own(
    running: Running, vendor: Vendor
) -> None:
    alice = _openai(running, mint(running, "alice"))
    bob = _openai(running, mint(running, "bob"))
    file = alice.files.create(file=("a.txt", b"hello"), purpose="user_data")
    assert vendor.seen[-1].path == "/openai/v1/files"
    assert b"hello" in vendor.seen[-1].body
    store = alice.vector_stores.create(file_ids=[file.id])
    assert alice.vector_stores.retrieve(store.id).id == store.id
    assert alice.vector_stores.search(store.id, query="x").data == []
    alice.vector_stores.files.create(store.id, file_id=file.id)
    job = alice.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
    assert alice.fine_tuning.jobs.cancel(job.id).id == job.id
    upload = alice.uploads.create(
        bytes=1, filename="b", mime_type="text/plain", purpose="user_data"
    )
    alice.uploads.parts.create(upload.id, data=b"x")
    done = alice.uploads.complete(upload.id, part_ids=["part_1"])
    assert done.file is not None
    assert alice.files.content(done.file.id).content == b"\x00bytes"
    video = alice.videos.create(model="sora-2", prompt="waves")
    assert alice.videos.retrieve(video.id).id == video.id
    assert alice.videos.download_content(video.id).content == b"\x00bytes"
    own = bob.files.create(file=b"x", purpose="user_data")
    mine = bob.vector_stores.create(file_ids=[own.id])
    seen = len(vendor.seen)
    for call in (
        lambda: bob.vector_stores.create(file_ids=[own.id, file.id]),
        lambda: bob.vector_stores.file_batches.create(
            mine.id, files=[{"file_id": own.id}, {"file_id": file.id}]
        ),
        lambda: bob.files.retrieve(file.id),
        lambda: bob.files.content(file.id),
        lambda: bob.files.delete(file.id),
        lambda: bob.files.retrieve(done.file.id if done.file else ""),
        lambda: bob.vector_stores.retrieve(store.id),
        lambda: bob.vector_stores.search(store.id, query="x"),
        lambda: bob.vector_stores.create(file_ids=[file.id]),
        lambda: bob.vector_stores.files.create(store.id, file_id=file.id),
        lambda: bob.fine_tuning.jobs.create(model="m", training_file=file.id),
        lambda: bob.fine_tuning.jobs.retrieve(job.id),
        lambda: bob.uploads.complete(upload.id, part_ids=[]),
        lambda: bob.videos.retrieve(video.id),
        lambda: bob.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
        ),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert len(vendor.seen) == seen  # nothing of it reached the provider
    assert alice.files.delete(file.id).deleted
    with pytest.raises(NotFoundError):
        alice.files.retrieve(file.id)


def test_a_list_shows_the_keys_own_across_pages(
    running: Running, vendor: Vendor
) -> None:
    alice = _openai(running, mint(running, "alice"))
    bob = _openai(running, mint(running, "bob"))
    mine = []
    for n in range(12):
        client = alice if n % 4 == 0 else bob
        made = client.vector_stores.create(name=str(n))
        if client is alice:
            mine.append(made.id)
    assert [s.id for s in alice.vector_stores.list()] == mine[::-1]
    first = alice.vector_stores.list(limit=2)
    assert [s.id for s in first.data] == mine[:0:-1]
    assert [s.id for s in first] == mine[::-1]
    everyone = _openai(running, MASTER).vector_stores.list(limit=100)
    assert len(list(everyone)) == 12
    # Files of batches are here, others there: one list.
    here = alice.files.create(file=b"{}", purpose="batch")
    there = alice.files.create(file=b"x", purpose="user_data")
    assert [f.id for f in alice.files.list()] == [here.id, there.id]
    assert [f.id for f in alice.files.list(limit=1)] == [here.id, there.id]


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
def test_who_is_asked_is_said_by_header_model_or_object(
    running: Running, vendor: Vendor
) -> None:
    key = mint(running, "k")
    by_name = _openai(running, key, x_routeiq_provider="mistral")
    file = by_name.files.create(file=b"x", purpose="fine-tune")
    assert vendor.seen[-1].path == "/mistral/v1/files"
    plain = _openai(running, key)
    # What names an object goes where it is.
    plain.fine_tuning.jobs.create(model="open-mistral-7b", training_file=file.id)
    assert vendor.seen[-1].path == "/mistral/v1/fine_tuning/jobs"
    plain.files.retrieve(file.id)
    assert vendor.seen[-1].path == f"/mistral/v1/files/{file.id}"
    plain.videos.create(model="film", prompt="waves")
    assert vendor.seen[-1].path == "/xai/v1/videos"
    assert b"grok-imagine-video" in vendor.seen[-1].body
    by_model = _openai(running, key, x_routeiq_model="gpt")
    by_model.files.create(file=b"x", purpose="user_data")
    assert vendor.seen[-1].path == "/openai/v1/files"
    for headers, status in (
        ({"x_routeiq_provider": "nobody"}, 400),
        ({"x_routeiq_provider": "anthropic"}, 400),
        ({"x_routeiq_model": "claude"}, 400),
        ({"x_routeiq_model": "unknown"}, 404),
    ):
        client = _openai(running, mint(running, "l", ["claude", "gpt"]), **headers)
        with pytest.raises((BadRequestError, NotFoundError)) as refused:
            client.files.create(file=b"x", purpose="user_data")
        assert refused.value.status_code == status
    # A name that a wildcard would make opens its account, too.
    wild = _openai(running, mint(running, "w", ["groq/small"]))
    wild.files.create(file=b"x", purpose="fine-tune")
    assert vendor.seen[-1].path == "/mistral/v1/files"
    only = _openai(running, mint(running, "m", ["claude"]))
    with pytest.raises(NotFoundError):
        only.files.create(file=b"x", purpose="user_data")
    with pytest.raises(NotFoundError):
        only.videos.create(model="film", prompt="waves")


def test_a_batch_at_the_provider_speaks_its_models(
    running: Running, vendor: Vendor
) -> None:
    key = mint(running, "n", ["gpt"])
    client = _openai(running, key, x_routeiq_provider="openai")

    def line(model: str) -> bytes:
        asked = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions"}
        return json.dumps({**asked, "body": {"model": model, "n": 1}}).encode()

    file = client.files.create(file=line("gpt"), purpose="batch")
    assert b'"model":"gpt-4o-mini"' in vendor.seen[-1].body
    with pytest.raises(NotFoundError):
        client.files.create(file=line("gpt-5-pro"), purpose="batch")
    plain = _openai(running, key)
    batch = plain.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert vendor.seen[-1].path == "/openai/v1/batches"
    assert plain.batches.retrieve(batch.id).id == batch.id
    assert [b.id for b in plain.batches.list()] == [batch.id]


def test_anthropics_sdk_has_files_batches_and_models(
    running: Running, vendor: Vendor
) -> None:
    key = mint(running, "o", ["claude"])
    client = Anthropic(base_url=running.url, api_key=key, max_retries=0)
    file = client.beta.files.upload(file=("f.txt", b"hello", "text/plain"))
    assert vendor.seen[-1].path == "/anthropic/v1/files"
    assert vendor.seen[-1].headers["x-api-key"] == SECRET
    assert client.beta.files.retrieve_metadata(file.id).id == file.id
    assert [f.id for f in client.beta.files.list()] == [file.id]
    other = Anthropic(base_url=running.url, api_key=mint(running, "p"), max_retries=0)
    with pytest.raises(NoSuchMessage):
        other.beta.files.retrieve_metadata(file.id)
    assert client.beta.files.delete(file.id).id == file.id
    native = client.with_options(default_headers={"x-routeiq-provider": "anthropic"})
    made = native.messages.batches.create(
        requests=[
            {
                "custom_id": "1",
                "params": {
                    "model": "claude",
                    "max_tokens": 9,
                    "messages": [{"role": "user", "content": "hi"}],
                },
            }
        ]
    )
    sent = vendor.seen[-1].json()["requests"][0]["params"]
    assert sent["model"] == "claude-haiku-4-5"
    assert client.messages.batches.retrieve(made.id).id == made.id
    assert [m.id for m in client.models.list()] == ["claude"]
    assert client.models.retrieve("claude").display_name == "claude"


def test_googles_sdk_has_files_caches_and_models(
    running: Running, upstream: Upstream
) -> None:
    seen: list[Request] = []
    native = {
        "name": "files/abc",
        "uri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
        "mimeType": "text/plain",
        "state": "ACTIVE",
    }

    def answer(request: Request) -> Script:
        seen.append(request)
        path = request.path.removeprefix("/gemini")
        if path == "/upload/v1beta/files":
            if request.headers.get("x-goog-upload-command") == "start":
                url = f"{upstream.url}/gemini/upload/v1beta/files?upload_id=u1&x=2"
                told = {"x-goog-upload-url": url, "x-goog-upload-status": "active"}
                return tell(200, b"", told)
            return tell(200, {"file": native}, {"x-goog-upload-status": "final"})
        if path == "/v1beta/cachedContents":
            cache = {"name": "cachedContents/c1", "model": request.json()["model"]}
            return tell(200, cache)
        if request.method == "DELETE":
            return tell(200, {})
        if path == "/v1beta/files":
            return tell(200, {"files": [native, {**native, "name": "files/other"}]})
        return tell(200, native if "files" in path else {"name": path[8:]})

    upstream.on(None, answer)

    def sdk(key: str) -> genai.Client:
        return genai.Client(api_key=key, http_options={"base_url": running.url})

    alice, bob = (sdk(mint(running, n, ["flash"])) for n in ("alice", "bob"))
    file = alice.files.upload(
        file=io.BytesIO(b"hello"), config={"mime_type": "text/plain"}
    )
    assert file.name == "files/abc"
    assert seen[-1].body == b"hello"
    assert seen[-1].query == "upload_id=u1&x=2"
    assert seen[-1].headers["x-goog-api-key"] == SECRET
    assert alice.files.get(name="files/abc").uri == native["uri"]
    assert [f.name for f in alice.files.list()] == ["files/abc"]
    cache = alice.caches.create(
        model="flash", config=types.CreateCachedContentConfig(ttl="60s")
    )
    assert seen[-1].json()["model"] == "models/gemini-2.5-flash"
    assert cache.name == "cachedContents/c1"
    assert alice.caches.get(name="cachedContents/c1").name == "cachedContents/c1"
    count = len(seen)
    for call in (
        lambda: bob.files.get(name="files/abc"),
        lambda: bob.files.delete(name="files/abc"),
        lambda: bob.caches.get(name="cachedContents/c1"),
    ):
        with pytest.raises(genai.errors.ClientError) as missing:
            call()
        assert missing.value.code == 404
    stolen = httpx.post(
        f"{running.url}/upload/v1beta/files?upload_id=u1",
        headers={"x-goog-api-key": mint(running, "eve")},
        content=b"x",
        **PATIENT,
    )
    assert stolen.status_code == 404
    assert len(seen) == count
    alice.files.delete(name="files/abc")
    assert [m.name for m in alice.models.list()] == ["models/flash"]
    assert alice.models.get(model="flash").name == "models/flash"


def test_a_redirect_to_a_files_bytes_leads_through_the_gateway(
    running: Running, upstream: Upstream
) -> None:
    upstream.on(
        "/gemini/v1beta/files/v:download",
        tell(
            302,
            {},
            {
                "location": f"{upstream.url}/gemini/download/v1beta/files/v:download?alt=media"
            },
        ),
    )
    upstream.on(
        "/gemini/download/v1beta/files/v:download",
        tell(200, b"film", {"content-type": "video/mp4"}),
    )
    answer = httpx.get(
        f"{running.url}/v1beta/files/v:download?alt=media",
        headers={"x-goog-api-key": MASTER},
        follow_redirects=True,
        **PATIENT,
    )
    assert answer.content == b"film"
    assert answer.url.host == "127.0.0.1"
    assert answer.url.port == running.port


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/..%2f..%2fadmin",
        "/v1/vector_stores/x/..%2f..%2fadmin",
        "/v1/vector_stores/x/../../admin",
        "/v1/videos/%2e%2e/admin",
        "/v1beta/files/..%2fx",
        "/upload/v1beta/fileSearchStores/..%2f..%2fx",
    ],
)
def test_no_path_leads_out_of_a_surface(
    running: Running, upstream: Upstream, path: str
) -> None:
    upstream.on(None, tell(200, {}))
    before = len(upstream.requests)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    method = "POST" if path.startswith("/upload") else "GET"
    connection.putrequest(method, path, skip_accept_encoding=True)
    connection.putheader("authorization", BEARER["authorization"])
    connection.putheader("content-length", "0")
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    assert status in {400, 404}
    assert len(upstream.requests) == before
