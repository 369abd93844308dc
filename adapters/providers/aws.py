"""Rows of Amazon's clouds."""

from typing import Final

from adapters.contract import Quirks
from adapters.providers.row import row

REGIONS: Final = "AWS_REGION AWS_DEFAULT_REGION AWS_REGION_NAME"

ROWS: Final = (
    row(
        "bedrock",
        "Amazon Bedrock",
        "https://bedrock-runtime.{region}.amazonaws.com",
        "AWS_BEARER_TOKEN_BEDROCK",
        can="chat complete embed rerank count_tokens",
        aliases="amazon_bedrock amazon-bedrock bedrock_converse bedrock_invoke",
        family="bedrock",
        base_url_env="AWS_ENDPOINT_URL_BEDROCK_RUNTIME AWS_BEDROCK_RUNTIME_ENDPOINT",
        variables={"region": REGIONS},
        signer="aws",
        quirks=Quirks(),
    ),
    row(
        "sagemaker",
        "Amazon SageMaker",
        "https://runtime.sagemaker.{region}.amazonaws.com",
        can="chat embed rerank",
        aliases="sagemaker_chat",
        family="sagemaker",
        auth="none",
        base_url_env="AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
        variables={"region": REGIONS},
        signer="aws",
    ),
)
