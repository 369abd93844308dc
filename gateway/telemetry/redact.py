"""One redactor in front of every sink: no secret in logs, spans, rows or messages.

Two kinds of secrets: those we know (registered literally, in the forms they may take
on a wire) and those that look like one. A text is first asked whether it holds any
of a few telling substrings; only then does the pattern run, once, in linear time.
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from gateway.telemetry.facts import Attempt, Facts

MARK: Final = "[redacted]"
MIN_SECRET: Final = 6
"""Characters; shorter values would blot out ordinary words."""

_SIGNS: Final = (
    *("sk-", "sk_", "AIza", "ya29.", "AKIA", "ASIA", "eyJ", "-----BEGIN", "://"),
    *("hf_", "ghp_", "gho_", "ghs_", "github_pat_", "r8_", "tgp_"),
    *("xai-", "nvapi-", "pplx-", "xox", "earer", "EARER", "asic "),
    *("key", "Key", "KEY", "oken", "ecret", "ECRET", "assw", "ASSW"),
    *("uthorization", "UTHORIZATION", "ignature=", "sig=", "code=", "mz-"),
)
"""Every match of the pattern holds one of these: the test that saves the pattern."""

_NAMES: Final = (
    r"[Xx]-[Aa][Pp][Ii]-[Kk][Ee][Yy]|[Xx]-[Gg][Oo][Oo][Gg]-[Aa][Pp][Ii]-[Kk][Ee][Yy]|"
    r"[Aa][Pp][Ii][_-]?[Kk][Ee][Yy]|[Aa]uthorization|AUTHORIZATION|"
    r"[Ss]ecret[_-]?[Aa]ccess[_-]?[Kk]ey|SECRET_ACCESS_KEY|"
    r"(?:access|refresh|id|auth|session|security)[_-][Tt]oken|"
    r"(?:client|app|shared|signing|webhook)[_-][Ss]ecret|[Ss]ecret[_-][Kk]ey|"
    r"[Pp]rivate[_-][Kk]ey|[Pp]assword|PASSWORD|[Pp]asswd"
)
_RUN: Final = r"[A-Za-z0-9_\-]"
# Runs are taken whole and possessively (`++`), so that no text is scanned twice.
_PATTERN: Final = re.compile(
    r"(?P<block>-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----"
    r"(?:\\[nrt]|[A-Za-z0-9+/=\s])*+(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?)"
    r"|(?P<token>(?<![A-Za-z0-9])(?:"
    rf"sk[-_][A-Za-z0-9_\-*.]{{6,}}+|eyJ{_RUN}{{17,}}+(?:\.{_RUN}*+){{0,4}}"
    rf"|AIza{_RUN}{{30,}}+|ya29\.{_RUN}{{20,}}+|(?:AKIA|ASIA)[A-Z0-9]{{12,}}+"
    rf"|(?:gsk|hf|ghp|gho|ghs|r8|tgp)_{_RUN}{{16,}}+|github_pat_{_RUN}{{20,}}+"
    rf"|(?:xai|nvapi|pplx|xox[abprs])-{_RUN}{{16,}}+))"
    r"|(?P<scheme>(?:[Bb]earer|BEARER|[Bb]asic)[ \t]{1,8})(?P<credential>"
    r"[A-Za-z0-9._~+/=\-]{12,}+)"
    r"|(?P<before>://[^\s/:@?#\"'\\]{0,256}:)(?P<password>[^\s/@?#\"'\\]{1,256})(?=@)"
    r"|(?P<query>[?&;](?:key|api[_-]?key|apikey|(?:access_|id_|auth_)?token|secret|"
    r"password|sig|signature|code|[Xx]-[Aa]mz-[A-Z][A-Za-z-]{1,32})=)"
    r"(?P<value>[^&\s\"'<>#\\;]{1,}+)"
    rf"|(?P<name>(?<![A-Za-z0-9])(?:{_NAMES})(?:\\{{0,3}}[\"'])?[ \t]{{0,4}}[:=]"
    r"[ \t]{0,4}(?:\\{0,3}[\"'])?(?:[Bb]earer |[Bb]asic )?)"
    r"(?P<field>(?![:=])[^\s\"',;&\\{}\[\]<>]{6,}+)"
)


class Redactor:
    """Takes secrets out of text. Safe from any thread; learns in one."""

    __slots__ = ("_literals", "_secrets", "_signs")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = set(secrets)
        self._literals: tuple[str, ...] = ()
        self._signs: tuple[str, ...] = _SIGNS
        self.learn("")

    def learn(self, secret: str, forget: str = "") -> None:
        """Know one more, in place of one that is no longer in use: for credentials
        that are found or renewed while we run."""
        self._secrets.discard(forget)
        self._secrets.add(secret)
        forms = {form for each in self._secrets for form in _forms(each)}
        self._literals = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._signs = (*_SIGNS, *self._literals)

    def clean(self, text: str) -> bool:
        """Whether there is nothing that even resembles a secret: a quick look."""
        return not any(map(text.__contains__, self._signs))

    def text(self, text: str) -> str:
        """The text with every secret replaced by `[redacted]`."""
        if not any(map(text.__contains__, self._signs)):
            return text
        for literal in self._literals:
            if literal in text:
                text = text.replace(literal, MARK)
        return _PATTERN.sub(_replace, text)

    def data(self, data: bytes) -> bytes:
        """The same for bytes; what is not UTF-8 survives."""
        text = data.decode("utf-8", "surrogateescape")
        redacted = self.text(text)
        if redacted is text:
            return data
        return redacted.encode("utf-8", "surrogateescape")

    def value(self, value: object, depth: int = 8) -> object:
        """The same for anything made of strings, mappings and sequences."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if isinstance(value, dict | list | tuple | set | frozenset):
            return self._nested(value, depth)
        return self.text(value if isinstance(value, str) else str(value))

    def _nested(self, value: Collection[object], depth: int) -> object:
        if depth <= 0:
            return MARK
        if isinstance(value, dict):
            return {
                self.text(str(key)): self.value(inner, depth - 1)
                for key, inner in value.items()
            }
        return [self.value(inner, depth - 1) for inner in value]

    def batch(self, batch: Sequence[Facts]) -> Sequence[Facts]:
        """Exchanges whose free text is clean; the same ones when they were.

        All of them are looked at as one text: a look costs the same for one or ten.
        """
        look = "\n".join(map(_free_text, batch))
        if self.clean(look) and not any(f.request or f.response for f in batch):
            return batch
        return [self.facts(facts) for facts in batch]

    def facts(self, facts: Facts) -> Facts:
        """One exchange whose free text is clean; the same object when it was."""
        if self.clean(_free_text(facts)) and not facts.request and not facts.response:
            return facts
        return replace(
            facts,
            alias=self.text(facts.alias),
            user=self.text(facts.user),
            model=self.text(facts.model),
            response_id=self.text(facts.response_id),
            error_message=self.text(facts.error_message),
            attempts=self._attempts(facts.attempts),
            trace=replace(facts.trace, state=self.text(facts.trace.state)),
            request=self.data(facts.request),
            response=self.data(facts.response),
        )

    def _attempts(self, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
        return tuple(
            replace(
                attempt,
                message=self.text(attempt.message),
                model=self.text(attempt.model),
            )
            for attempt in attempts
        )


def _free_text(facts: Facts) -> str:
    """What others than the operator may have put into it."""
    text = (
        f"{facts.alias}\n{facts.user}\n{facts.model}\n{facts.response_id}"
        f"\n{facts.error_message}\n{facts.trace.state}"
    )
    for attempt in facts.attempts:
        if attempt.error:
            text = f"{text}\n{attempt.message}\n{attempt.model}"
    return text


def _forms(secret: str) -> set[str]:
    """The secret as it stands, in a URL, and inside a JSON string."""
    secret = secret.strip()
    if len(secret) < MIN_SECRET:
        return set()
    return {
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }


def _replace(match: re.Match[str]) -> str:
    kept = match["scheme"] or match["before"] or match["query"] or match["name"] or ""
    return kept + MARK
