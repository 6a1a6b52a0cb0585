"""Amazon Bedrock by Converse: a Bedrock API key, or requests signed with keys that AWS's chain of credentials finds."""

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
        Setting("access_key_id", "when there is no API key; without one AWS's chain is asked", "AWS_ACCESS_KEY_ID", ""),
        Setting("secret_access_key", "beside it", "AWS_SECRET_ACCESS_KEY", ""),
        Setting("session_token", "of temporary credentials", "AWS_SESSION_TOKEN", ""),
        Setting("profile", "of AWS's own files, goes before keys of the environment", "", ""),
        Setting("role_arn", "a role to be taken on with what was found", "", ""),
    ),
    models=("anthropic.*", "amazon.*", "meta.*", "us.*", "eu.*", "apac.*", "global.*", "arn:aws:bedrock:*"),
    price_provider="aws",
    credentials="aws",
    note="Without any key AWS's chain is asked: see [sign in to a cloud](../how-to/sign-in-to-a-cloud.md).",
)
