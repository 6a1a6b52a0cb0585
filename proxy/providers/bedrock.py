"""Amazon Bedrock by Converse: a Bedrock API key, or requests that are signed with an access key."""

from proxy.providers.known import Known, Setting, Source

KNOWN = Known(
    name="bedrock",
    title="Amazon Bedrock",
    source=Source("https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html", "2026-11"),
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    variable="AWS_BEARER_TOKEN_BEDROCK",
    dialect="bedrock",
    auth="sigv4",
    settings=(
        Setting("region", "`us-east-1`", "AWS_REGION"),
        Setting("access_key_id", "when there is no API key", "AWS_ACCESS_KEY_ID", ""),
        Setting("secret_access_key", "when there is no API key", "AWS_SECRET_ACCESS_KEY", ""),
        Setting("session_token", "of temporary credentials", "AWS_SESSION_TOKEN", ""),
    ),
    models=("anthropic.*", "amazon.*", "meta.*", "us.*", "eu.*", "apac.*", "global.*", "arn:aws:bedrock:*"),
    price_provider="aws",
)
