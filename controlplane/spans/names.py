"""Every name our spans use, in one place, because none of the GenAI ones is stable yet.

Source: OpenTelemetry GenAI semantic conventions, docs/gen-ai/{client-inference,gen-ai-spans,mcp}.md of the
semantic-conventions-genai repository, schema 1.42.0, read 2026-11-20. A rename there is a change of this file alone.
"""

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai/1.42.0"
SCOPE: Final = "pointsman.proxy"
SERVICE: Final = "pointsman-proxy"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"  # seconds
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"  # with cached ones, unlike our own column
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
# The older spelling: Langfuse knows only this one, and would count cached tokens twice without it.
CACHE_CREATION_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TOOL_NAME: Final = "gen_ai.tool.name"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
MCP_METHOD: Final = "mcp.method.name"
NETWORK_TRANSPORT: Final = "network.transport"

# Aliases that back ends read: the session groups a task's runs, the cost is in dollars for display only.
SESSION_ID: Final = "session.id"
USAGE_COST: Final = "gen_ai.usage.cost"

WORKSPACE_ID: Final = "pointsman.workspace.id"
AGENT_ID: Final = "pointsman.agent.id"
TASK_ID: Final = "pointsman.task.id"
RUN_ID: Final = "pointsman.run.id"
RUN_EPOCH: Final = "pointsman.run.epoch"
KEY_ID: Final = "pointsman.key.id"
CALL_ID: Final = "pointsman.call.id"
CALL_OUTCOME: Final = "pointsman.call.outcome"
CALL_STATUS: Final = "pointsman.call.status"
REPLAY_OF: Final = "pointsman.call.replay_of"
COST_NANO_USD: Final = "pointsman.cost.nano_usd"
COST_BOUND_NANO_USD: Final = "pointsman.cost.bound_nano_usd"
IS_PRICED: Final = "pointsman.cost.is_priced"
IS_ESTIMATED: Final = "pointsman.usage.is_estimated"
IS_SIMULATED: Final = "pointsman.simulated"
TOOL_SERVER: Final = "pointsman.tool_server.name"

# Our providers' names that the convention spells otherwise; any other name is sent as it is.
PROVIDER_NAMES: Final = {
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
}
