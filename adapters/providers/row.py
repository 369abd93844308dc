"""How a row of the table is written, and the quirks that several rows share."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from adapters.contract import Provider, Quirks


@cache
def words(text: str) -> frozenset[str]:
    """Words with spaces between; many rows share the same."""
    return frozenset(text.split())


MAX_TOKENS: Final = {"max_completion_tokens": "max_tokens"}
CURRENT: Final = Quirks()
"""The family's API as it is today."""
PLAIN: Final = Quirks(rename=MAX_TOKENS, system_role="system")
"""The API as it was before reasoning models: most of the compatible providers."""
GLM: Final = Quirks(
    rename=MAX_TOKENS,
    system_role="system",
    n=False,
)
KIMI: Final = Quirks(
    rename=MAX_TOKENS, system_role="system", tool_choice={"required": "auto"}
)
MISTRAL: Final = Quirks(
    # Unknown fields are answered with 422 (recorded).
    drop=words(
        "audio logit_bias logprobs modalities prompt_cache_key "
        "prompt_cache_retention safety_identifier service_tier store stream_options "
        "top_logprobs user verbosity"
    ),
    rename=MAX_TOKENS | {"seed": "random_seed"},
    system_role="system",
    stream_usage=False,
    tool_ids="alnum9",
    tool_choice={"required": "any"},
    prefill="prefix",
    document_url=True,
)


def row(
    id: str,
    title: str,
    base_url: str,
    env: str = "",
    *,
    can: str = "chat",
    aliases: str = "",
    quirks: Quirks = PLAIN,
    family: str = "openai",
    auth: str = "bearer",
    base_url_env: str = "",
    variables: dict[str, str] | None = None,
    signer: str = "",
) -> Provider:
    """A row; lists are words with spaces between. `responses` in `can` sends Responses
    calls there as they came; else they are translated to chat completions."""
    return Provider(
        id=id,
        title=title,
        family=family,
        base_url=base_url,
        env=tuple(env.split()),
        base_url_env=tuple(base_url_env.split()),
        variables={n: tuple(v.split()) for n, v in (variables or {}).items()},
        auth=auth,
        signer=signer,
        quirks=quirks,
        aliases=tuple(aliases.split()),
        operations=words(can),
    )


def rows(table: str) -> Iterator[Provider]:
    """The lines of `compatible.txt`, whose head says what they are made of."""
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        names, title, base_url, found, can, *rest = map(str.strip, line.split("|"))
        grammar = "".join(rest).split()
        id, *aliases = names.split(",")
        env, base_url_env = "", ""
        variables: dict[str, str] = {}
        for word in found.split():
            name, mark, variable = word.partition("=")
            if mark:
                variables[name] = f"{variables.get(name, '')} {variable}"
            elif word.startswith("@"):
                base_url_env += f" {word[1:]}"
            else:
                env += f" {word}"
        yield row(
            id,
            title,
            base_url,
            env,
            can=can,
            aliases=" ".join(aliases),
            quirks=CURRENT if grammar else PLAIN,
            family="anthropic" if "messages" in grammar else "openai",
            auth="x-api-key" if grammar == ["messages"] else "bearer",
            base_url_env=base_url_env,
            variables=variables,
        )
