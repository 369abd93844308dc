"""Probabilities of tokens: `logprobsResult` <-> OpenAI's `logprobs` object.

Source: ai.google.dev/api/generate-content, LogprobsResult; platform.openai.com,
Chat completions, the chat completion object.
"""

import msgspec
from msgspec import Raw

from adapters.gemini.wire import BROKEN, NONE, encode, given


class _Token(msgspec.Struct, frozen=True, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _Top(msgspec.Struct, frozen=True):
    candidates: list[_Token] | None = None


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_Top] | None = None


class _Rival(msgspec.Struct, frozen=True):
    token: str = ""
    logprob: float = 0.0


class _Said(msgspec.Struct, frozen=True):
    token: str = ""
    logprob: float = 0.0
    top_logprobs: list[_Rival] | None = None


class _Logprobs(msgspec.Struct, frozen=True):
    content: list[_Said] | None = None
    refusal: list[_Said] | None = None


_result = msgspec.json.Decoder(_Result)
_logprobs = msgspec.json.Decoder(_Logprobs)


def read(raw: Raw) -> Raw:
    """OpenAI's object; empty when there is none to read."""
    if not given(raw):
        return NONE
    try:
        told = _result.decode(raw)
    except BROKEN:
        return NONE
    tops = told.top_candidates or []
    said = [
        {
            **_openai(token),
            "top_logprobs": [
                _openai(rival)
                for rival in (tops[at].candidates or () if at < len(tops) else ())
            ],
        }
        for at, token in enumerate(told.chosen_candidates or ())
    ]
    return Raw(encode({"content": said, "refusal": None}))


def _openai(token: _Token) -> dict[str, object]:
    octets = list(token.token.encode(errors="replace"))
    return {
        "token": token.token,
        "logprob": token.log_probability,
        "bytes": octets,
    }


def write(raw: Raw) -> dict[str, object]:
    """`logprobsResult`; empty when there is none to read."""
    if not raw:
        return {}
    try:
        told = _logprobs.decode(raw)
    except BROKEN:
        return {}
    said = told.content or told.refusal or []
    return {
        "chosenCandidates": [_gemini(t.token, t.logprob) for t in said],
        "topCandidates": [
            {"candidates": [_gemini(r.token, r.logprob) for r in t.top_logprobs or ()]}
            for t in said
        ],
    }


def _gemini(token: str, logprob: float) -> dict[str, object]:
    return {"token": token, "logProbability": logprob}
