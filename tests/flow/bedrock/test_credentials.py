"""Every source of AWS credentials, through a running gateway, against servers that give
keys and a Bedrock that checks signatures."""

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.flow.bedrock.issuers import Aws, printed
from tests.harness import spoken_bedrock as bedrock
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import tell
from tests.replay import converse
from tests.shared import needs_shared

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ROLE = "arn:aws:iam::123456789012:role/models"
FIXED = {
    "AWS_ACCESS_KEY_ID": "AKIAFIXED",
    "AWS_SECRET_ACCESS_KEY": "fixed-secret-0123456789",
}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as up:
        yield up


def ask(running: Running, model: str, **more: Any) -> httpx.Response:
    turns = [{"role": "user", "content": "hi"}]
    return running.post(
        "/v1/chat/completions", {"model": model, "messages": turns, **more}
    )


def works(aws: Aws, running: Running, model: str) -> tuple[str, str, str]:
    """Asks, whole and streamed; who signed."""
    told = ask(running, model)
    assert told.status_code == 200, told.text
    assert told.json()["choices"][0]["message"]["content"] == "Grüße! 🙂"
    who = aws.signed[-1]
    assert ask(running, model, stream=True).text.endswith("data: [DONE]\n\n")
    assert aws.signed[-1] == who
    return who


# --- what the configuration says ----------------------------------------------------------


@pytest.fixture(scope="module")
def running(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One gateway with a deployment for every source that the configuration names."""
    folder = tmp_path_factory.mktemp("aws")
    keys: Json = {"access_key_id": "env:MY_ID", "secret_access_key": "env:MY_SECRET"}
    sts = {"sts_endpoint": aws.url + "/sts"}
    id, secret, token = aws.mint("lent")
    lent = {
        "access_key_id": "env:LENT_ID",
        "secret_access_key": "env:LENT_SECRET",
        "session_token": "env:LENT_TOKEN",
    }
    sources: dict[str, Json] = {
        "keys": keys,
        "lent": lent,
        "role": {**keys, **sts, "role_arn": ROLE, "external_id": "ext", "role_session_name": "me"},
        "forbidden": {**keys, **sts, "role_arn": ROLE + "/forbidden"},
        "web": {**sts, "role_arn": ROLE, "web_identity_token": str(folder / "jwt")},
        "profile": {"profile": "plain"},
        "chain": {**sts, "profile": "chain"},
        "program": {"profile": "program"},
        "elsewhere": {**keys, "region": "ap-southeast-2"},
    }  # fmt: skip
    (folder / "jwt").write_text("token-of-the-issuer\n")
    program = folder / "print.py"
    program.write_text(f"print({printed(aws.document('program', session=True))!r})")
    (folder / "config").write_text(
        "[default]\nregion = eu-north-1\n"
        "[profile plain]\nregion = eu-west-3\n"
        f"[profile chain]\nrole_arn = {ROLE}\nsource_profile = plain\n"
        f"[profile program]\ncredential_process = {sys.executable} {program}\n"
    )
    (folder / "credentials").write_text(
        "[plain]\naws_access_key_id = AKIAFIXED\n"
        "aws_secret_access_key = fixed-secret-0123456789\n"
    )
    config = {
        "models": {
            name: {
                "deployments": [
                    {"model": f"bedrock/{MODEL}", "base_url": aws.url, "aws": said}
                ],
                "retries": {"attempts": 1},
            }
            for name, said in sources.items()
        },
        "providers": {
            "raw": {
                "family": "bedrock",
                "base_url": aws.url,
                "aws": keys,
                "passthrough": True,
            }
        },
        "cooldown": {"failures": 1_000_000, "credential_s": 0},
    }
    env = {
        "MY_ID": "AKIAFIXED",
        "MY_SECRET": "fixed-secret-0123456789",
        "LENT_ID": id,
        "LENT_SECRET": secret,
        "LENT_TOKEN": token,
        "AWS_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
    }
    with gateway(config, folder, env=env) as running:
        yield running


def test_keys_sign_for_the_region(aws: Aws, running: Running) -> None:
    assert works(aws, running, "keys") == ("AKIAFIXED", "eu-central-1", "bedrock")
    assert works(aws, running, "elsewhere")[1] == "ap-southeast-2"


def test_keys_that_are_lent_are_shown_with_their_token(
    aws: Aws, running: Running
) -> None:
    assert works(aws, running, "lent")[0].startswith("ASIALENT")


def test_a_role_is_assumed_with_keys(aws: Aws, running: Running) -> None:
    before = len(aws.forms)
    id, *_ = works(aws, running, "role")
    assert id.startswith("ASIASTS")
    (form,) = aws.forms[before:]
    assert form == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "me",
        "ExternalId": "ext",
    }


def test_a_role_is_assumed_with_an_identity_token(aws: Aws, running: Running) -> None:
    before = len(aws.forms)
    assert works(aws, running, "web")[0].startswith("ASIASTS")
    (form,) = aws.forms[before:]
    assert form["Action"] == "AssumeRoleWithWebIdentity"
    assert form["WebIdentityToken"] == "token-of-the-issuer"
    assert form["RoleSessionName"] == "routeiq"


def test_profiles_of_the_shared_files(aws: Aws, running: Running) -> None:
    assert works(aws, running, "profile")[0] == "AKIAFIXED"
    assert works(aws, running, "chain")[0].startswith("ASIASTS")
    assert works(aws, running, "program")[0].startswith("ASIAPROGRAM")


def test_a_refusal_is_told_clearly_and_no_secret_with_it(
    aws: Aws, running: Running
) -> None:
    told = ask(running, "forbidden")
    assert told.status_code == 502
    assert told.json()["error"]["type"] == "authentication_error"
    row = running.record(told.headers["x-routeiq-id"])
    (attempt,) = row["attempts"]
    assert "AccessDenied: you may not assume this role" in attempt["message"]
    works(aws, running, "role")
    said = running.logged(row["id"]) + str(running.records(3))
    assert "fixed-secret" not in said
    assert "secret-of-" not in said
    assert "token-of-" not in said


@needs_shared
def test_what_is_not_translated_goes_through_signed(aws: Aws, running: Running) -> None:
    """Guardrails and every recorded vendor's body, byte for byte."""
    played = 0
    for family in ("bedrock_guardrail", "bedrock_invoke"):
        for exchange in converse.every(family):
            kind = bedrock.FRAMES if exchange.streams else "application/json"
            told = [("content-type", kind), ("x-amzn-requestid", "r")]
            rule = aws.on(None, tell(exchange.status, exchange.body, told))
            path = urlsplit(exchange.url).path
            answer = httpx.post(
                f"{running.url}/passthrough/raw{path}",
                content=exchange.request,
                headers={"content-type": "application/json"},
                **PATIENT,
            )
            aws.rules.remove(rule)
            if "%2F" in path:  # it could lead elsewhere, and is never passed through
                assert answer.status_code == 400
                continue
            sent = aws.requests[-1]
            assert answer.status_code == exchange.status
            assert answer.content == exchange.body
            assert sent.body == exchange.request
            assert sent.target == path
            assert aws.right(sent) == ("AKIAFIXED", "eu-central-1", "bedrock")
            played += 1
    assert played > 60


def test_many_who_wait_cause_one_request(aws: Aws, tmp_path: Path) -> None:
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/v2/credentials", **POD}
    with surrounded(aws, tmp_path, env) as running:
        before = len(aws.given)
        with ThreadPoolExecutor(8) as pool:
            answers = [*pool.map(lambda _: ask(running, "m"), range(8))]
        assert {a.status_code for a in answers} == {200}
        assert len(aws.given) == before + 1


# --- what surrounds us ------------------------------------------------------------------


POD = {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "token-of-the-pod"}
NOWHERE = {
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_REGION": "us-west-2",
}


@contextmanager
def surrounded(aws: Aws, folder: Path, env: Mapping[str, str]) -> Iterator[Running]:
    """A gateway that is told nothing of credentials."""
    config = {
        "models": {
            "m": {
                "deployments": [{"model": f"bedrock/{MODEL}", "base_url": aws.url}],
                "retries": {"attempts": 1},
            }
        },
        "cooldown": {"failures": 1_000_000, "credential_s": 0},
    }
    with gateway(config, folder, env={**NOWHERE, **env}) as running:
        yield running


def test_the_role_of_the_machine_is_renewed_without_a_pause(
    aws: Aws, tmp_path: Path
) -> None:
    env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url}
    with surrounded(aws, tmp_path, env) as running:
        first = works(aws, running, "m")[0]
        assert first.startswith("ASIAIMDS")
        given = len(aws.given)
        assert works(aws, running, "m")[0] == first
        assert len(aws.given) == given, "they are kept"
        aws.stale.add(first)
        second = works(aws, running, "m")[0]
        assert second != first, "refused once, fetched anew, asked again"


def test_keys_that_live_shortly_are_renewed_before_their_end(
    aws: Aws, tmp_path: Path
) -> None:
    env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url}
    with surrounded(aws, tmp_path, env) as running:
        aws.lives = timedelta(seconds=4)
        aws.refused.clear()
        try:
            first = works(aws, running, "m")[0]
            limit = time.monotonic() + 60
            while ask(running, "m").status_code == 200 and aws.signed[-1][0] == first:
                assert time.monotonic() < limit
                time.sleep(0.1)
        finally:
            aws.lives = timedelta(hours=1)
        assert aws.signed[-1][0] != first
        assert not aws.refused, "nothing was signed with keys that had ended"


def test_the_environment_s_keys_come_first(aws: Aws, tmp_path: Path) -> None:
    env = {**FIXED, "AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url}
    with surrounded(aws, tmp_path, env) as running:
        assert works(aws, running, "m") == ("AKIAFIXED", "us-west-2", "bedrock")


def test_a_pod_s_identity_token(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text("token-of-the-cluster")
    env = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "jwt"),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL_STS": aws.url + "/sts",
    }
    with surrounded(aws, tmp_path, env) as running:
        assert works(aws, running, "m")[0].startswith("ASIASTS")
        assert aws.forms[-1]["WebIdentityToken"] == "token-of-the-cluster"


def test_nobody_is_told_with_what_to_do(aws: Aws, tmp_path: Path) -> None:
    with surrounded(aws, tmp_path, {"AWS_EC2_METADATA_DISABLED": "true"}) as running:
        told = ask(running, "m")
        assert told.status_code == 502
        row = running.record(told.headers["x-routeiq-id"])
        assert "AWS_BEARER_TOKEN_BEDROCK" in row["attempts"][0]["message"]
