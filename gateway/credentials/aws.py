"""Who we are to AWS: whoever is found first signs.

1. what the configuration says (`aws:` of a provider or deployment): keys, a profile, an
   identity token; a `role_arn` beside them is assumed with what they give;
2. `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in the environment;
3. `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`;
4. the profile (`AWS_PROFILE`, else `default`) in the shared files;
5. the role of the container or pod, then that of the machine.

As the AWS SDKs do it, but that sign-on by a browser (IAM Identity Center) is left to
`credential_process`.
"""

import asyncio
import re
import shlex
import subprocess
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from adapters import sigv4
from adapters.contract import Headers, WireRequest
from adapters.errors import Unauthorized
from adapters.sigv4 import Keys, Scope
from gateway.config.aws import (
    REGION,
    Profile,
    Profiles,
    settings,
)
from gateway.config.schema import Aws
from gateway.config.secrets import SecretError, Secrets
from gateway.credentials.aws_keys import (
    CONTAINER,
    INSTANCE,
    Container,
    Fixed,
    Given,
    Instance,
    Pool,
    Role,
    Source,
    Sts,
    WebIdentity,
    document,
)
from gateway.credentials.contract import Means, Signer, Wanted
from gateway.credentials.tokens import FETCH_S

SERVICES: Final = {"sagemaker": "sagemaker"}
"""Family -> the name that its service signs under; the others are Bedrock's."""
FILE_S: Final = 60.0
"""How long keys of a shared file are believed: programs write new ones there."""
NOBODY: Final = (
    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a "
    "profile, or run with a role; Bedrock also takes a key in AWS_BEARER_TOKEN_BEDROCK"
)
_HOST: Final = re.compile(r"(?:^|\.)([a-z]{2}(?:-[a-z]+)+-\d)\.")
"""The region in a host of AWS."""
_STALE: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    }
)
"""What AWS says of keys that are no longer good."""
_CREDENTIAL: Final = re.compile(rb"Credential=([^/,\s]+)/")
_MAX_DEPTH: Final = 5
"""Profiles that may refer to one another."""


def make(wanted: Wanted, means: Means) -> Signer:
    """The signer of a deployment on AWS."""
    said = settings(wanted.own, wanted.entry)
    region = _region(wanted, said, means.secrets)
    finder = _Finder(said, region, means)
    source = finder.configured(wanted) or finder.surrounding()
    pool = Pool(source, means)
    if said.role_arn and not said.web_identity_token:
        form = finder.form(said.role_arn, said.role_session_name, said.external_id)
        pool = Pool(Role(pool, finder.sts(), form), means)
    service = SERVICES.get(wanted.provider.family, "bedrock")
    return AwsSigner(pool, Scope(region, service))


class AwsSigner:
    """Signs for one service in one region."""

    def __init__(self, pool: Pool, scope: Scope) -> None:
        self.identity = f"{pool.identity} for {scope.service} in {scope.region}"
        self._pool = pool
        self._scope = scope

    async def sign(self, wire: WireRequest) -> WireRequest:
        keys = await self._pool.get()
        return sigv4.sign(wire, keys, self._scope, datetime.now(UTC))

    def refused(self, wire: WireRequest, status: int, headers: Headers) -> bool:
        told = dict(headers).get(b"x-amzn-errortype", b"").decode("latin-1")
        if told.partition(":")[0].rpartition("#")[2] not in _STALE:
            return False
        signed = dict(wire.headers).get(b"authorization", b"")
        found = _CREDENTIAL.search(signed)
        return found is not None and self._pool.refused(found[1].decode())

    async def aclose(self) -> None:
        await self._pool.aclose()


def _region(wanted: Wanted, said: Aws, secrets: Secrets) -> str:
    """The one that the address names, else the one that was said."""
    host = urlsplit(wanted.base_url).hostname or ""
    found = _HOST.search(host) if "amazonaws" in host or "api.aws" in host else None
    if found is not None:
        return found[1]
    profile = Profiles(secrets).find(said.profile)
    region = said.region or secrets.first(REGION) or profile.get("region", "")
    if not region:
        message = "the region to sign for is not known"
        hint = "set aws.region, or AWS_REGION"
        raise SecretError(message, hint, where=f"the deployment {wanted.entry.model!r}")
    return region


class _Finder:
    """Finds the source of keys."""

    def __init__(self, said: Aws, region: str, means: Means) -> None:
        self._said = said
        self._region = region
        self._means = means
        self._secrets = means.secrets
        self._profiles = Profiles(means.secrets)

    def configured(self, wanted: Wanted) -> Source | None:
        """What the configuration names.

        Raises:
            SecretError: a reference does not resolve, or half of a pair is missing.
        """
        said = self._said
        if said.access_key_id or said.secret_access_key:
            id = wanted.secret(said.access_key_id)
            secret = wanted.secret(said.secret_access_key)
            token = wanted.secret(said.session_token) if said.session_token else ""
            if not id or not secret:
                told = "aws: access_key_id and secret_access_key belong together"
                raise SecretError(told, where=f"the deployment {wanted.entry.model!r}")
            return Fixed(f"aws key {id[-4:]}", Keys(id, secret, token))
        if said.web_identity_token:
            file = said.web_identity_token.removeprefix("file:")
            form = self.form(said.role_arn, said.role_session_name)
            return WebIdentity(file, self.sts(), form)
        if said.profile:
            return self._profile(said.profile, 0)
        return None

    def surrounding(self) -> Source:
        """What the environment, the shared files and the machine have."""
        found = self._environment()
        if found is not None:
            return found
        file = self._secrets.variable("AWS_WEB_IDENTITY_TOKEN_FILE")
        arn = self._secrets.variable("AWS_ROLE_ARN")
        if file and arn:
            name = self._secrets.variable("AWS_ROLE_SESSION_NAME") or ""
            return WebIdentity(file, self.sts(), self.form(arn, name))
        name = self._secrets.first(("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))
        if name or self._profiles.gives("default"):
            return self._profile(name or "default", 0)
        return self._container() or self._instance()

    def form(self, arn: str, session: str = "", external: str = "") -> dict[str, str]:
        """What STS is asked for a role."""
        form = {"RoleArn": arn, "RoleSessionName": session or "routeiq"}
        return {**form, "ExternalId": external} if external else form

    def sts(self) -> Sts:
        endpoint = self._said.sts_endpoint
        endpoint = endpoint or self._secrets.variable("AWS_ENDPOINT_URL_STS") or ""
        return Sts(self._region, endpoint, self._means)

    def _environment(self) -> Source | None:
        id = self._secrets.variable("AWS_ACCESS_KEY_ID")
        secret = self._secrets.variable("AWS_SECRET_ACCESS_KEY")
        if not id or not secret:
            return None
        token = self._secrets.variable("AWS_SESSION_TOKEN") or ""
        return Fixed(f"aws key {id[-4:]} of the environment", Keys(id, secret, token))

    def _container(self) -> Source | None:
        variable = self._secrets.variable
        relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if relative:
            url = CONTAINER + relative
        if not url:
            return None
        authorization = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") or ""
        file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") or ""
        return Container(url, authorization, file, self._means)

    def _instance(self) -> Source:
        disabled = self._secrets.variable("AWS_EC2_METADATA_DISABLED") or ""
        if disabled.lower() == "true":
            return Nobody()
        endpoint = self._secrets.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        return Instance(endpoint or INSTANCE, NOBODY, self._means)

    def _profile(self, name: str, depth: int) -> Source:
        """The source that a profile names.

        Raises:
            SecretError: it is not there, or says nothing we understand.
        """
        profile = self._profiles.find(name)
        if not profile or depth > _MAX_DEPTH:
            told = f"the AWS profile {name!r} is not in the shared files"
            raise SecretError(told, f"looked in {self._profiles.places}", missing=True)
        if arn := profile.get("role_arn"):
            session = profile.get("role_session_name", "")
            form = self.form(arn, session, profile.get("external_id", ""))
            if file := profile.get("web_identity_token_file"):
                return WebIdentity(file, self.sts(), form)
            base = self._base(name, profile, depth)
            return Role(Pool(base, self._means), self.sts(), form)
        return self._plain(name, profile)

    def _plain(self, name: str, profile: Profile) -> Source:
        if profile.get("aws_access_key_id") and profile.get("aws_secret_access_key"):
            return InFile(name, self._profiles)
        if command := profile.get("credential_process"):
            return Program(_argv(name, command), self._secrets)
        hint = ""
        if any(key.startswith("sso_") for key in profile):
            hint = (
                "for IAM Identity Center set credential_process = aws configure "
                "export-credentials --profile ..."
            )
        told = f"the AWS profile {name!r} holds no credentials"
        raise SecretError(told, hint)

    def _base(self, name: str, profile: Profile, depth: int) -> Source:
        """Whose keys assume the profile's role."""
        source = profile.get("source_profile")
        if source == name:
            return self._plain(name, profile)
        if source:
            return self._profile(source, depth + 1)
        match profile.get("credential_source", ""):
            case "Environment":
                found = self._environment()
            case "EcsContainer":
                found = self._container()
            case "Ec2InstanceMetadata":
                found = self._instance()
            case _:
                found = None
        if found is None:
            told = f"the AWS profile {name!r} names a role, but nobody to assume it"
            raise SecretError(told, "source_profile or credential_source")
        return found


class InFile:
    """Keys in the shared files, which programs may replace."""

    renews = True

    def __init__(self, name: str, profiles: Profiles) -> None:
        self.identity = f"aws profile {name}"
        self._name = name
        self._profiles = profiles

    async def give(self) -> Given:
        profile = await asyncio.to_thread(self._profiles.find, self._name)
        id, secret = (
            profile.get("aws_access_key_id"),
            profile.get("aws_secret_access_key"),
        )
        if not id or not secret:
            raise Unauthorized(f"the AWS profile {self._name!r} holds no keys any more")
        keys = Keys(id, secret, profile.get("aws_session_token", ""))
        return Given(keys, FILE_S)


def _argv(name: str, command: str) -> list[str]:
    """A `credential_process` in words.

    Raises:
        SecretError: it is none.
    """
    try:
        argv = shlex.split(command)
    except ValueError:
        argv = []
    if not argv:
        raise SecretError(f"credential_process of AWS profile {name!r} is no command")
    return argv


class Program:
    """Keys that a program prints (`credential_process`)."""

    renews = True

    def __init__(self, argv: list[str], secrets: Secrets) -> None:
        self.identity = f"aws credential_process {argv[0]}"
        self._argv = argv
        self._secrets = secrets

    async def give(self) -> Given:
        try:
            done = await asyncio.to_thread(
                subprocess.run,
                self._argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=FETCH_S - 1,
                env=self._secrets.run_environment(),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = getattr(error, "strerror", None) or "it did not end in time"
            told = f"cannot run credential_process `{self._argv[0]}`: {reason}"
            raise Unauthorized(told) from None
        if done.returncode:
            told = f"credential_process `{self._argv[0]}` ended with {done.returncode}"
            raise Unauthorized(told)
        return document(done.stdout, f"what `{self._argv[0]}` printed")


class Nobody:
    """There is no one to ask."""

    identity = "aws nobody"
    renews = True

    async def give(self) -> Given:
        raise Unauthorized(NOBODY)
