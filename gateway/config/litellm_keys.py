"""Every key of LiteLLM's file that is not taken over, and what to do instead.

Facts of LiteLLM 1.109: `Router.__init__`, `ConfigGeneralSettings`, the module's own
settings, `LiteLLMParamsTypedDict`, `LlmProviders`. A name that ends in `*` stands for
all that begin so.
"""

from typing import Final

_BUDGET: Final = "budgets are not enforced here yet: limit the account at the provider"
_CACHE: Final = "answers are not cached here"
_CLOUD: Final = "this cloud's own credentials are not taken yet"
_CLIENT: Final = "choose per request in the client"
_DATABASE: Final = "keys and records are kept in `store.url`; mint keys anew"
_GUARD: Final = "guardrails are not run here: nothing is checked for it"
_HEALTH: Final = "health is measured on live traffic"
_KMS: Final = "mount the secret as a file, or export it: file:/path, env:NAME"
_LOGIN: Final = "keys are the only way to log in here: NOT ENFORCED"
_LOGS: Final = "see `logs` and `records`"
_MCP: Final = "tools are not served here yet"
_METRICS: Final = "/metrics has its own names and bounded labels"
_MODE: Final = "not served here yet"
_OTLP: Final = "send traces by OTLP: `telemetry.otlp_endpoint`"
_PRICE: Final = "only prices per token are kept: see `price`"
_REDIS: Final = "state is kept in `store.url`"
_ROUTE: Final = "NOT ENFORCED: put it in front of the gateway"
_ROUTING: Final = "see `routing.strategy` and a model's `strategy`"
_TAGS: Final = "make an alias for each tag"
_TUNING: Final = "nothing of this kind to tune here"
_UI: Final = "there is no user interface here yet"

REQUEST_FIELDS: Final = frozenset(
    """audio dimensions encoding_format frequency_penalty function_call functions
    logit_bias logprobs max_completion_tokens max_tokens modalities n
    parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort
    response_format safety_identifier safety_settings seed service_tier stop store
    stream_options temperature thinking tool_choice tools top_k top_logprobs top_p user
    verbosity web_search_options min_p repetition_penalty""".split()  # noqa: SIM905
)
"""Parameters of a deployment that are request fields."""

PARAMS_UNSUPPORTED: Final = {
    "api_version": "the providers' newest interface is spoken",
    "allow_client_keepalive_override": _TUNING,
    "allowed_openai_params": "every parameter is passed on",
    "adaptive_router_*": _ROUTING,
    "anthropic_*": _CLOUD,
    "auto_router_*": _ROUTING,
    "aws_*": _CLOUD,
    "azure_*": _CLOUD,
    "bedrock_*": _CLOUD,
    "budget_duration": _BUDGET,
    "bucket_name": _CLOUD,
    "cache_control_injection_points": "mark the messages in the client",
    "cache_creation_*": _PRICE,
    "cache_read_*": _PRICE,
    "client_id": _CLOUD,
    "client_secret": _CLOUD,
    "complexity_router_*": _ROUTING,
    "configurable_clientside_auth_params": "a client's own keys are not passed on",
    "cooldown_time": "see `cooldown`, the same for all",
    "cost_per_second": _PRICE,
    "default_api_key_*": "rates of keys are not limited here yet: NOT ENFORCED",
    "embedding_model": _MODE,
    "fireworks_forward_user_id": _TUNING,
    "gcs_*": _CLOUD,
    "index_name": _MODE,
    "input_cost_*": _PRICE,
    "itpm": "see `tpm`",
    "keepalive_seconds": _TUNING,
    "litellm_trace_id": "trace context comes with the request",
    "max_budget": _BUDGET,
    "max_file_size_mb": _MODE,
    "merge_reasoning_content_in_choices": "reasoning stays apart",
    "milvus_*": _MODE,
    "mock_response": "the built-in model `demo` answers without a provider",
    "model_info": "write it beside litellm_params",
    "openai_*": _CLOUD,
    "otpm": "see `tpm`",
    "output_cost_*": _PRICE,
    "output_vector_size": _TUNING,
    "provider_affinity_header": _ROUTING,
    "quality_router_*": _ROUTING,
    "region_name": _CLOUD,
    "rpm_limit_type": _TUNING,
    "s3_*": _CLOUD,
    "search_context_cost_per_query": _PRICE,
    "stream_timeout_by_service_tier": "one limit for every tier: `timeouts`",
    "supports_system_message": "known of the provider",
    "tag_regex": _TAGS,
    "tags": _TAGS,
    "tenant_id": _CLOUD,
    "timeout_by_service_tier": "one limit for every tier: `timeouts`",
    "use_chat_completions_api": _TUNING,
    "use_in_pass_through": _MODE,
    "use_litellm_proxy": "name its address in api_base",
    "use_xai_oauth": _CLOUD,
    "valkey_*": _MODE,
    "vector_*": _MODE,
    "vertex_*": _CLOUD,
    "watsonx_*": _CLOUD,
    "ssl_verify": "certificates are always verified; see `egress.ca_file`",
    "metadata": _CLIENT,
    "user_continue_message": _CLIENT,
    "assistant_continue_message": _CLIENT,
    "initial_prompt_value": _CLIENT,
    "roles": _CLIENT,
    "final_prompt_value": _CLIENT,
    "hf_model_name": _TUNING,
    "caching_groups": _CACHE,
    "cache": _CACHE,
    "guardrails": _GUARD,
    "prompt_id": _CLIENT,
    "provider": "it is the prefix of `model`",
    "merge_*": _TUNING,
}

INFO_UNSUPPORTED: Final = {
    "base_model": "name the prices: `price`",
    "access_groups": "name the models of a key when it is made: `routeiq keys create`",
    "team_*": "name the models of a key when it is made: `routeiq keys create`",
    "blocked": "leave the entry out",
    "supports_*": "abilities come from the catalogue",
    # Beyond these LiteLLM lets everyone write what they like here.
    "*": "kept nowhere",
}

ENTRY_UNSUPPORTED: Final = {
    "tpm": "write it inside litellm_params",
    "rpm": "write it inside litellm_params",
    "model_group": "the alias is model_name",
    "guardrails": _GUARD,
}

ROUTER_UNSUPPORTED: Final = {
    "alerting_config": "alert on /metrics",
    "allowed_fails_policy": "see `cooldown`: every class of error has its own pause",
    "assistants_config": _MODE,
    "auto_router_capability_limit": _ROUTING,
    "background_health_check_model_groups": _HEALTH,
    "cache_kwargs": _CACHE,
    "cache_responses": _CACHE,
    "caching_groups": _CACHE,
    "client_ttl": _TUNING,
    "default_litellm_params": "write them with each model",
    "default_priority": "requests are served as they come",
    "deployment_affinity_ttl_seconds": _ROUTING,
    "enable_health_check_routing": _HEALTH,
    "enable_tag_filtering": _TAGS,
    "enable_weighted_failover": "the next deployment is tried anyway",
    "fallback_access_check": "a key may use its models only, fallbacks included",
    "fallback_budget_check": _BUDGET,
    "guardrail_list": _GUARD,
    "health_check_*": _HEALTH,
    "ignore_invalid_deployments": "a mistake is told at the start",
    "max_fallbacks": "`retries.attempts` counts fallbacks too",
    "max_retries": "see `num_retries`",
    "model_group_affinity_config": _ROUTING,
    "model_group_retry_policy": "see `retries` of a model",
    "optional_pre_call_checks": _ROUTING,
    "plugins": "there are none of LiteLLM's",
    "polling_interval": "requests are served as they come",
    "provider_budget_config": _BUDGET,
    "redis_*": _REDIS,
    "retry_policy": "errors that a retry cannot mend are not retried",
    "router_general_settings": _TUNING,
    "routing_groups": _ROUTING,
    "routing_strategy_args": "the strategies have nothing to set",
    "search_tools": _MCP,
    "tag_*": _TAGS,
    "weights": "write `weight` inside litellm_params",
}

SETTINGS_UNSUPPORTED: Final = {
    **dict.fromkeys(("cache", "cache_params", "caching*"), _CACHE),
    **dict.fromkeys(("default_in_memory_ttl", "default_redis_*"), _CACHE),
    "add_*": _CLIENT,
    "aiohttp_*": _TUNING,
    "allow_dynamic_callback_disabling": _OTLP,
    "anthropic_*": _TUNING,
    "api_base": "write it with each model",
    "api_key": "write it with each model",
    "api_version": "write it with each model",
    "argilla_*": _OTLP,
    "audit_log_callbacks": _LOGS,
    "aws_sqs_callback_params": _OTLP,
    "banned_keywords_list": _GUARD,
    "bedrock_*": _CLOUD,
    "block_requests_for_models_without_pricing": "unknown prices are recorded so",
    "blocked_user_list": _GUARD,
    "budget_*": _BUDGET,
    "callback_settings": _OTLP,
    "check_provider_endpoint": "GET /v1/models lists what is configured",
    "cold_storage_custom_logger": _LOGS,
    "cost_*": "see `price`",
    "credential_list": "write it at the top of the file",
    "custom_prometheus_*": _METRICS,
    "custom_prompt_dict": _CLIENT,
    "custom_provider_map": "an own provider is a row of `providers`",
    "datadog_*": _OTLP,
    "default_internal_user_params": _UI,
    "default_key_*": "see `routeiq keys create`",
    "default_max_*": _BUDGET,
    "default_soft_budget": _BUDGET,
    "default_team_*": _UI,
    "default_user_*": _UI,
    "disable_*": _TUNING,
    "dynamodb_table_name": _OTLP,
    "email": _TUNING,
    "enable_*": _TUNING,
    "end_user_*": _BUDGET,
    "expose_router_debug_in_errors": "errors name the attempts anyway",
    "extra_spend_tag_headers": _LOGS,
    "filter_invalid_headers": _TUNING,
    "force_*": _TUNING,
    "forward_*": "trace context is always passed on",
    "gcs_pub_sub_use_v1": _OTLP,
    "gemini_*": _TUNING,
    "generic_*": _OTLP,
    "global_*": _TUNING,
    "google_moderation_confidence_threshold": _GUARD,
    "guardrail_name_config_map": _GUARD,
    "guardrails": _GUARD,
    "headers": "write extra_headers with each model",
    "http2": "see `egress.http2`",
    "image_*": _MODE,
    "include_cost_in_streaming_usage": "cost is in the response headers",
    "internal_user_budget_duration": _BUDGET,
    "key_*": _TUNING,
    "langfuse_*": _OTLP,
    "langsmith_*": _OTLP,
    "llamaguard_*": _GUARD,
    "llm_guard_mode": _GUARD,
    "log_*": _LOGS,
    "logging": _LOGS,
    "max_budget": _BUDGET,
    "max_end_user_*": _BUDGET,
    "max_fallbacks": "`retries.attempts` counts fallbacks too",
    "max_internal_user_budget": _BUDGET,
    "max_tokens": "write max_tokens with each model",
    "max_ui_session_budget": _BUDGET,
    "max_user_budget": _BUDGET,
    "mcp_*": _MCP,
    "model_alias_map": "name it in router_settings.model_group_alias",
    "model_cost_map_url": "prices come with the release; `price` overrides them",
    "model_fallbacks": "see `fallbacks`",
    "model_group_settings": _TUNING,
    "modify_params": "what a provider cannot express is told in a header",
    "network_mock": _TUNING,
    "newrelic_params": _OTLP,
    "num_retries_per_request": "see `num_retries`",
    "openai_*": _TUNING,
    "organization": "write it with each model",
    "otel_*": _OTLP,
    "output_parse_pii": _GUARD,
    "overwrite_user_with_key_hash": _TUNING,
    "post_call_rules": _GUARD,
    "pre_call_rules": _GUARD,
    "presidio_*": _GUARD,
    "priority_reservation*": "requests are served as they come",
    "project": "write it with each model",
    "prometheus_*": _METRICS,
    "prompt_name_config_map": _CLIENT,
    "public_*": _UI,
    "reasoning_auto_summary": _CLIENT,
    "redact_*": "records and logs are redacted anyway",
    "request_correlation_in_logs": "every log line has the request id",
    "require_*": _METRICS,
    "responses": _MODE,
    "retry": "see `num_retries`",
    "return_response_headers": "the providers' rate headers are passed on",
    "route_all_chat_openai_to_responses": _MODE,
    "s3_*": _OTLP,
    "safe_memory_mode": _TUNING,
    "scim_*": _UI,
    "secret_manager_client": _KMS,
    "skip_*": _GUARD,
    "sse_keepalive_ping_interval_seconds": _TUNING,
    "ssl_*": "see `egress.ca_file`",
    "standard_logging_payload_excluded_fields": _LOGS,
    "store_audit_logs": _LOGS,
    "strip_*": _TUNING,
    "suppress_debug_info": _LOGS,
    "tag_*": _TAGS,
    "token": _TUNING,
    "tokenizer*": _TUNING,
    "upperbound_key_generate_params": "see `routeiq keys create`",
    "use_*": _TUNING,
    "user_url_*": "see `egress`",
    "provider_url_destination_allowed_hosts": "see `egress.allow_private`",
    "validate_end_user_id_in_db": _LOGIN,
    "vector_*": _MODE,
    "vertex_*": _CLOUD,
    "websearch_interception_params": _MCP,
}

GENERAL_UNSUPPORTED: Final = {
    **dict.fromkeys(("database_url", "database_*"), _DATABASE),
    "admission_queue_timeout_seconds": _TUNING,
    "alert*": "alert on /metrics",
    "allow_*": _TUNING,
    "allowed_file_extensions": _MODE,
    "allowed_ips": _ROUTE,
    "allowed_routes": _ROUTE,
    "always_include_stream_usage": "usage comes exactly when it is asked for",
    "apply_user_budget_to_team_keys": _BUDGET,
    "auto_redirect_ui_login_to_sso": _UI,
    "background_health_checks": _HEALTH,
    "blocked_file_extensions": _MODE,
    "cancel_on_disconnect": "a client that hangs up always cancels",
    "claude_code_gateway_managed_settings": _UI,
    "completion_model": "write an alias `*` for whatever is not known",
    "control_plane_url": _UI,
    "coordination_redis": _REDIS,
    "custom_*": _LOGIN,
    "dangerously_permit_weak_or_unset_master_key": "no key means no key is asked for",
    "default_team_disabled": _UI,
    "disable_*": _TUNING,
    "drain_endpoint_token": "a stop drains by itself: `server.drain_s`",
    "enable_jwt_auth": _LOGIN,
    "enable_oauth2_*": _LOGIN,
    "enable_*": _TUNING,
    "enforce*": _LOGIN,
    "expose_fallback_errors_to_caller": _LOGS,
    "fail_closed_*": _BUDGET,
    "failed_login_*": _UI,
    "forward_*": "the headers of the dialect are passed on, credentials never",
    "global_max_parallel_requests": "see `server.max_connections`",
    "health_check_*": _HEALTH,
    "hide_default_credentials_hint": _UI,
    "include_call_id_in_error_body": "errors have the request id",
    "infer_model_from_keys": "`provider/*` is made for every key that is found",
    "key_management_*": _KMS,
    "litellm_jwtauth": _LOGIN,
    "litellm_key_header_name": "each dialect's own header carries the key",
    "max_batch_*": _MODE,
    "max_failed_login_*": _UI,
    "max_file_*": _MODE,
    "max_in_flight_requests_per_worker": "see `server.max_connections`",
    "max_parallel_requests": "see `max_parallel` of a deployment",
    "max_queued_requests_per_worker": "see `server.backlog`",
    "maximum_*": "see `records.keep_days`",
    "mcp_*": _MCP,
    "missing_session_id": _TUNING,
    "model_list_healthy_only": _HEALTH,
    "oauth2_config_mappings": _LOGIN,
    "otel": _OTLP,
    "pass_through_*": _MODE,
    "passthrough_managed_object_ids": _MODE,
    "password_policy_*": _UI,
    "plugins": "there are none of LiteLLM's",
    "proxy_*": _TUNING,
    "public_routes": _ROUTE,
    "reject_clientside_metadata_tags": _TAGS,
    "require_*": _MCP,
    "responses_websocket_session_limit_seconds": _MODE,
    "role_permissions": _LOGIN,
    "scheduled_job_stagger": _TUNING,
    "search_tool*": _MCP,
    "skip_batch_*": _MODE,
    "spend_*": _LOGS,
    "store_model_in_db": "the file is the configuration",
    "supported_db_objects": _DATABASE,
    "team_*": _UI,
    "token_rate_limit_type": "see `tpm` of a deployment",
    "track_unmanaged_batch_cost": _MODE,
    "tracing": _OTLP,
    "transcribe_media_buckets": _MODE,
    "trusted_proxy_ranges": _ROUTE,
    "ui_*": _UI,
    "use_azure_key_vault": _KMS,
    "use_google_kms": _KMS,
    "use_redis_transaction_buffer": _REDIS,
    "use_shared_health_check": _HEALTH,
    "use_spend_logs_partitioning": _LOGS,
    "use_team_public_model_name": _UI,
    "use_x_forwarded_for": _ROUTE,
    "user_api_key_cache_max_size": _TUNING,
    "user_header_*": "the request's own `user` is recorded",
    "user_mcp_management_mode": _MCP,
    "user_url_*": "see `egress`",
    "provider_url_destination_allowed_hosts": "see `egress.allow_private`",
    "vector_store_*": _MODE,
}

TOP_UNSUPPORTED: Final = {
    "agent_list": _MCP,
    "agents": _MCP,
    "assistant_settings": _MODE,
    "callback_settings": _OTLP,
    "classifier_plugin": _GUARD,
    "default_vertex_config": _CLOUD,
    "files_settings": _MODE,
    "finetune_settings": _MODE,
    "guardrails": _GUARD,
    "mcp_*": _MCP,
    "pass_through_endpoints": _MODE,
    "plugins": "there are none of LiteLLM's",
    "policies": _GUARD,
    "policy_attachments": _GUARD,
    "prompts": _CLIENT,
    "sandbox_tools": _MCP,
    "search_tools": _MCP,
    "vector_store_registry": _MODE,
    "worker_registry": _UI,
}

PROVIDERS: Final = frozenset(
    """a2a a2a_agent ai21 ai21_chat aiml aiohttp_openai amazon_nova anthropic
    anthropic_text anyscale apertis assemblyai auto_router aws_polly aws_textract azure
    azure_ai azure_speech azure_text baseten bedrock black_forest_labs bytez cerebras
    charity_engine chatgpt chutes clarifai cloudflare codestral cohere cohere_chat
    cometapi compactifai custom custom_openai dashscope databricks datarobot deepgram
    deepinfra deepseek docker_model_runner dotprompt edenai elevenlabs empower fal_ai
    featherless_ai fireworks_ai friendliai galadriel gemini gigachat github
    github_copilot gradient_ai groq helicone heroku hosted_vllm huggingface humanloop
    hyperbolic inception infinity jina_ai lambda_ai langflow langfuse langgraph lemonade
    litellm_proxy llamafile lm_studio manus maritalk meta_llama minimax mistral
    modelscope moonshot morph nadir nano-gpt nebius neosantara nlp_cloud novita nscale
    nvidia_nim nvidia_riva oci ollama ollama_chat oobabooga openai openai_like
    openrouter ovhcloud parasail perplexity petals poe predibase publicai
    qwen_ai_platform qwencloud ragflow recraft reducto replicate runwayml sagemaker
    sagemaker_chat sagemaker_nova
    sambanova sap scaleway snowflake soniox stability synthetic tencent
    text-completion-codestral text-completion-inception text-completion-openai
    together_ai topaz transcribe triton v0 vercel_ai_gateway vertex_ai vertex_ai_beta
    vllm volcengine voyage wandb watsonx watsonx_text xai xinference zai""".split()  # noqa: SIM905
)
"""Prefixes LiteLLM knows."""
