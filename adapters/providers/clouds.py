"""Rows of platforms that host the models of many makers."""

from typing import Final

from adapters.contract import Quirks
from adapters.providers.row import row

ROWS: Final = (
    row(
        "github_models",
        "GitHub Models",
        "https://models.github.ai/inference",
        "GITHUB_API_KEY GITHUB_TOKEN",
        can="chat embed",
        aliases="github",
        quirks=Quirks(),
    ),
    row(
        "cloudflare",
        "Cloudflare Workers AI",
        "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1",
        "CLOUDFLARE_API_KEY CLOUDFLARE_API_TOKEN",
        can="chat embed responses rerank",
        aliases="cloudflare-workers-ai",
        family="cloudflare",
        variables={"account": "CLOUDFLARE_ACCOUNT_ID"},
    ),
    row(
        "cloudflare_ai_gateway",
        "Cloudflare AI Gateway",
        "https://gateway.ai.cloudflare.com/v1/{account}/{gateway}/compat",
        "CLOUDFLARE_API_TOKEN CLOUDFLARE_API_KEY",
        aliases="cloudflare-ai-gateway clf_ai_gateway",
        auth="cf-aig-authorization: Bearer",
        variables={
            "account": "CLOUDFLARE_ACCOUNT_ID",
            "gateway": "CLOUDFLARE_GATEWAY_ID",
        },
        quirks=Quirks(),
    ),
    row(
        "databricks",
        "Databricks",
        "https://{host}/serving-endpoints",
        "DATABRICKS_API_KEY DATABRICKS_TOKEN",
        can="chat complete embed responses",
        base_url_env="DATABRICKS_API_BASE",
        variables={"host": "DATABRICKS_HOST"},
    ),
    row(
        "snowflake",
        "Snowflake Cortex",
        "https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
        "SNOWFLAKE_PAT SNOWFLAKE_JWT SNOWFLAKE_CORTEX_PAT",
        can="chat embed",
        aliases="snowflake-cortex",
        variables={"account": "SNOWFLAKE_ACCOUNT SNOWFLAKE_ACCOUNT_ID"},
        quirks=Quirks(system_role="system"),
    ),
)
