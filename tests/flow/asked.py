"""One call, and whom the gateway asked for it."""

from typing import Any

import httpx

from tests.flow.provider import CHAT
from tests.harness.gateway import Running
from tests.harness.upstream import Upstream


class Asked:
    """A question to a model, its answer, and the calls that were made for it. Ids of
    deployments are told without the name of the model that they are of."""

    def __init__(
        self,
        client: httpx.Client | Running,
        upstream: Upstream,
        model: str,
        text: str,
        **more: Any,
    ) -> None:
        headers = more.pop("headers", {})
        path = more.pop("path", CHAT)
        asked = {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            **more,
        }
        before = len(upstream.requests)
        self.answer = client.post(path, json=asked, headers=headers)
        self.model = model
        self.requests = upstream.requests[before:]
        self.names = [r.path.split("/")[1] for r in self.requests]

    @property
    def text(self) -> str:
        assert self.answer.status_code == 200, self.answer.text
        text: str = self.answer.json()["choices"][0]["message"]["content"]
        return text

    @property
    def by(self) -> str:
        return self._bare(self.answer.headers["x-routeiq-deployment"])

    def row(self, running: Running) -> dict[str, Any]:
        return running.record(self.answer.headers["x-routeiq-id"])

    def plan(self, running: Running) -> dict[str, Any]:
        plan: dict[str, Any] = self.row(running)["plan"]
        return plan

    def note(self, running: Running) -> str:
        return str(self.plan(running).get("note", ""))

    def steps(self, running: Running) -> list[tuple[str, ...]]:
        return [
            (s["part"], self._bare(s["candidate"]), self._bare(s["said"]))
            for s in self.plan(running).get("steps", ())
        ]

    def _bare(self, words: str) -> str:
        return words.replace(f"{self.model}-", "").replace(f"{self.model}/", "")
