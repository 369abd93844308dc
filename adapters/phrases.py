"""What vendors say when they refuse, and which error it is: one table for all.

Vendors reuse each other's codes and sentences behind different statuses, so every
family asks here first. Sources: recorded errors, the vendors' error references, and
reports of wrongly mapped errors (2026-11).
"""

import re
from typing import Final

from adapters.errors import (
    BadRequest,
    ContentFilter,
    ContextWindow,
    Forbidden,
    Garbled,
    NotFound,
    OutOfCredit,
    Overloaded,
    RateLimited,
    ServerError,
    Timeout,
    TooLarge,
    ToolFailed,
    Unauthorized,
    UpstreamError,
)

Kind = type[UpstreamError]

LOOKED_AT: Final = 4096
"""Characters of a message that are searched: any sentence, not a whole page."""


def _words(kind: Kind, words: str) -> dict[str, Kind]:
    return dict.fromkeys(words.split(), kind)


CODES: Final[dict[str, Kind]] = {
    **_words(
        ContextWindow,
        "contextlengthexceeded contextwindowexceeded modelcontextwindowexceeded"
        " toomanyprompttokens toomanytokens exceedcontextsizeerror"
        " modelmaxprompttokensexceeded contextoverflow",
    ),
    **_words(
        ContentFilter,
        "contentfilter contentfiltererror contentpolicyviolation moderationblocked"
        " responsibleaipolicyviolation datainspectionfailed promptblocked"
        " contentfiltered sensitive guardrailintervened",
    ),
    **_words(
        ToolFailed,
        "toolusefailed malformedfunctioncall malformedtooluse invalidtoolcall",
    ),
    **_words(
        OutOfCredit,
        "insufficientquota billingerror billinghardlimitreached billingnotactive"
        " insufficientbalance insufficientcredits insufficientfunds arrearage"
        " exceededcurrentquotaerror paymentrequired insufficientuserquota"
        " accountoverdueerror",
    ),
    **_words(
        RateLimited,
        "ratelimiterror ratelimitexceeded ratelimitreached ratelimitreachederror"
        " ratelimited resourceexhausted throttlingexception throttling"
        " toomanyrequests toomanyrequestsexception modelnotreadyexception",
    ),
    **_words(
        Overloaded,
        "overloadederror overloaded engineoverloaded engineoverloadederror"
        " serviceunavailable serviceunavailableerror serviceunavailableexception"
        " unavailable serveroverloaded slowdown capacityexceeded nocapacity"
        " modeloverloaded",
    ),
    **_words(
        Unauthorized,
        "invalidapikey apikeyinvalid authenticationerror unauthenticated"
        " unauthorized invalidauthenticationerror incorrectapikeyerror"
        " unrecognizedclientexception expiredtokenexception expiredtoken"
        " invalidsignatureexception incompletesignatureexception"
        " missingauthenticationtokenexception invalidclienttokenid",
    ),
    **_words(
        Forbidden,
        "permissionerror permissiondenied accessdenied accessdeniedexception"
        " unsupportedcountryregionterritory forbidden",
    ),
    **_words(
        NotFound,
        "modelnotfound deploymentnotfound notfounderror notfound modelnotexist"
        " invalidmodel modeldecommissioned unknownmodel resourcenotfoundexception"
        " modelnotavailable modelnotallowed",
    ),
    **_words(
        TooLarge,
        "requesttoolarge payloadtoolarge requestentitytoolarge contenttoolarge",
    ),
    **_words(
        Timeout,
        "timeouterror timeout deadlineexceeded modeltimeoutexception requesttimeout"
        " gatewaytimeout upstreamtimeout",
    ),
    **_words(
        ServerError,
        "apierror servererror internalerror internalservererror internal"
        " modelerrorexception internalserverexception networkerror"
        " insufficientsystemresource modelstreamerrorexception"
        " internalfailure upstreamerror",
    ),
    **_words(
        BadRequest,
        "invalidrequesterror invalidargument validationexception invalidparameter"
        " invalidrequest badrequest unsupportedparameter unsupportedvalue"
        " badrequesterror validationerror",
    ),
}
"""Codes and types, lower case, letters and digits only."""

STATUSES: Final[dict[int, Kind]] = {
    401: Unauthorized,
    402: OutOfCredit,
    403: Forbidden,
    404: NotFound,
    405: NotFound,
    407: Forbidden,
    408: Timeout,
    409: ServerError,
    410: NotFound,
    413: TooLarge,
    424: ServerError,
    425: ServerError,
    429: RateLimited,
    451: Forbidden,
    498: Overloaded,
    499: ServerError,
    503: Overloaded,
    529: Overloaded,
    530: Overloaded,
    **dict.fromkeys(range(520, 528), Overloaded),
}
"""What a status means by itself; other 4xx are `BadRequest`, 5xx `ServerError`."""

_DECISIVE: Final = frozenset(
    {ContextWindow, ContentFilter, ToolFailed, OutOfCredit, RateLimited, Overloaded}
)
"""A code of these says more than any status."""

_SOFT: Final = frozenset({Unauthorized, Forbidden, NotFound, TooLarge, Timeout})
"""A code of these says more than a vague status."""

_VAGUE: Final = frozenset({400, 403, 422, 500, 502, 504})


def _search(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


CONTEXT: Final = _search(
    r"maximum context length",
    r"context[_ ]length[_ ]exceeded",
    r"exceed(s|ed)? (the |this |its )?(model'?s? )?context (window|limit|length|size)",
    r"context window (of|exceeds|exceeded|is full)",
    r"prompt is too long",
    r"prompt too long",
    r"exceeds the maximum number of tokens allowed",
    r"input is too long",
    r"input tokens? exceed",
    r"too many input tokens",
    r"too many tokens: ",
    r"prompt has too many tokens",
    r"prompt tokens \(\d+\) exceed",
    r"prompt token count of \d+ exceeds",
    r"is longer than the model's context length",
    r"exceeds the available context size",
    r"inputs`? tokens \+ `?max_new_tokens`? must be",
    r"current length is \d+ while limit is",
    r"exceeded max context length",
    r"maximum prompt length is",
    r"range of input length should be",
    r"exceeded model token limit",
    r"prompt exceeds max length",
    r"reduce the length of (the|your) (messages|prompt|input)",
    r"context (the )?overflow",
)
FILTERED: Final = _search(
    r"content filtering policy",
    r"content management policy",
    r"content policy",
    r"rejected as a result of (the|our) safety system",
    r"(rejected|blocked) by (the|our) safety system",
    r"flagged as potentially violating",
    r"(input|prompt|content) (was|were|has been) flagged",
    r"violat\w+ (our |the |openai's )?usage (polic|guideline)",
    r"unsafe or sensitive content",
    r"sensitive words that violate",
    r"inappropriate content",
    r"content exists risk",
    r"considered high risk",
)
TOOL: Final = _search(
    r"failed to call a function",
    r"tool choice is required, but model did not call a tool",
    r"failed to parse tool call",
)
CREDIT: Final = _search(
    r"credit balance is too low",
    r"insufficient[_ ](account )?(balance|credits?|funds|quota)",
    r"not enough credits?",
    r"out of credits",
    r"requires more credits",
    r"used all available credits",
    r"spend(ing)? limit",
    r"billing hard limit",
    r"free-models-per-day",
    r"account is in arrears|overdue[- ]payment",
    r"\u4f59\u989d\u4e0d\u8db3",
)
CREDENTIAL: Final = _search(
    r"api[_ ]key not valid",
    r"(incorrect|invalid|missing|expired|wrong) api[-_ ]?key",
    r"api[_ ]?key[_ ](is )?(invalid|expired|missing)",
    r"security token included in the request is (invalid|expired)",
    r"signature we calculated does not match",
    r"signature expired",
    r"invalid x-api-key",
    r"invalid (access|bearer|authentication) token",
    r"no auth credentials",
)
PLACE: Final = _search(
    r"user location is not supported",
    r"not (supported|available) in your (country|region|location)",
    r"country, region, or territory not supported",
    r"don't have access to the model",
)
MODEL: Final = _search(
    r"model identifier is invalid",
    r"(invalid|unknown|unsupported|no such) model\b",
    r"model not exist",
    r"model_not_found",
    r"\bmodel\b[^.\n]{0,120}? (does not exist|not found|has been (deprecated"
    r"|decommissioned|removed|retired))",
)
RATE: Final = _search(
    r"rate[- _]?limit\w*[^.\n]{0,40}(reach|exceed|hit)",
    r"(reach|exceed|hit)\w*[^.\n]{0,40}rate[- _]?limit",
    r"rate-limited",
    r"too many requests",
    r"throttl",
    r"too many tokens, please wait",
)
BUSY: Final = _search(
    r"overloaded",
    r"over capacity|at capacity|no capacity",
    r"currently loading|model is loading|still loading",
    r"service (is )?(temporarily )?unavailable",
    r"no healthy upstream",
)
LATE: Final = _search(r"deadline exceeded", r"timed[- ]?out", r"time-?out")

_CALL: Final = frozenset({400, 413, 422})
PHRASES: Final[tuple[tuple[re.Pattern[str], Kind, frozenset[int]], ...]] = (
    (CONTEXT, ContextWindow, _CALL | {0, 500, 502, 503}),
    (FILTERED, ContentFilter, _CALL | {0, 403, 451, 500}),
    (TOOL, ToolFailed, _CALL | {0, 500}),
    (CREDIT, OutOfCredit, frozenset({0, 400, 402, 403, 422, 429, 500, 503})),
    (CREDENTIAL, Unauthorized, frozenset({0, 400, 403, 422, 500})),
    (PLACE, Forbidden, frozenset({0, 400, 403, 404})),
    (MODEL, NotFound, frozenset({0, 400, 422})),
    (RATE, RateLimited, frozenset({0, 400, 403, 500, 502, 503})),
    (BUSY, Overloaded, frozenset({0, 500, 502, 504})),
    (LATE, Timeout, frozenset({0, 500, 502, 504})),
)
"""Sentence, what it means, and the statuses under which it is believed (0: none)."""

_NOISE: Final = re.compile(r"[^a-z0-9]+")


def classify(
    status: int | None, text: str, code: str | None = "", type_: str | None = ""
) -> Kind:
    """Which error it is. `status` is `None` for one inside a 200 or a stream."""
    known = status if status is not None and status >= 300 else 0
    known = known or _status_in(code) or _status_in(type_)
    if 300 <= known < 400:
        return Garbled
    kinds = [kind for word in (code, type_) if (kind := _code(word)) is not None]
    return (
        next((kind for kind in kinds if kind in _DECISIVE), None)
        or _said(known, text[:LOOKED_AT])
        or next((kind for kind in kinds if _counts(kind, known)), None)
        or _status(known)
    )


def _said(status: int, text: str) -> Kind | None:
    """What the words of the message mean, where they are believed."""
    if status >= 500 and text.lstrip().startswith("<"):
        return Overloaded  # the page of a proxy in between
    text = text.lower().replace("\u2019", "'")
    for pattern, kind, statuses in PHRASES:
        if status in statuses and pattern.search(text):
            return kind
    return None


def _counts(kind: Kind, status: int) -> bool:
    """Whether a code that is not decisive says more than the status."""
    if not status:
        return True
    if status == 403 and kind is NotFound:
        return False
    return kind in _SOFT and status in _VAGUE


def _code(word: str | None) -> Kind | None:
    if not word:
        return None
    folded = _NOISE.sub("", word.lower())
    if folded.startswith("throttling"):  # DashScope: Throttling.RateQuota, ...
        return RateLimited
    return CODES.get(folded)


def _status_in(word: str | None) -> int:
    """A code that is an HTTP status in disguise; 0 when it is not."""
    if word and len(word) == 3 and word.isascii() and word.isdigit():
        return int(word) if 400 <= int(word) < 600 else 0
    return 0


def _status(status: int) -> Kind:
    if status in STATUSES:
        return STATUSES[status]
    return BadRequest if 400 <= status < 500 else ServerError
