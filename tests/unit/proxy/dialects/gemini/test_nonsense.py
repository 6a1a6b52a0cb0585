"""Whatever comes from outside is answered with words, never with a crash.

Each value of a rich body in turn becomes each kind of nonsense.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from proxy.canonical.folding import fold
from proxy.dialects.codec import Opening
from proxy.dialects.gemini.codec import CODEC
from proxy.dialects.gemini.encoder import GeminiEncoder
from proxy.dialects.gemini.schemas import from_openapi, to_json_schema, to_openapi
from proxy.dialects.gemini.tap import GeminiStreamReader, read_gemini_body
from proxy.errors import InvalidRequest
from tests.unit.proxy.dialects.gemini.playbook import sse

NONSENSE: list[Any] = [
    None,
    True,
    -1,
    2.5,
    "",
    "words",
    [],
    [None],
    ["words"],
    [[]],
    {},
    {"a": 1},
    {"a": [{}]},
    [{"a": {}}],
]
SCHEMA = {
    "type": ["object", "null"],
    "properties": {
        "a": {"$ref": "#/$defs/A", "description": "d"},
        "b": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    },
    "required": ["a"],
    "propertyOrdering": ["b", "a"],
    "nullable": True,
    "allOf": [{"properties": {"c": {"const": 1}}, "required": ["c"]}],
    "oneOf": [{"type": "integer", "exclusiveMinimum": 1, "minItems": "2"}],
    "$defs": {"A": {"type": "array", "items": {"enum": ["x", None], "format": "uri"}}},
}
REQUEST = {
    "systemInstruction": {"parts": [{"text": "be brief"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True, "thoughtSignature": "s"},
                {"functionCall": {"id": "c", "name": "f", "args": {"x": 1}}, "thoughtSignature": "s"},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
                {"codeExecutionResult": {"output": "1"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "id": "c",
                        "name": "f",
                        "response": {"output": "x"},
                        "parts": [{"fileData": {"fileUri": "gs://b/x", "mimeType": "image/png"}}],
                    }
                }
            ],
        },
    ],
    "tools": [
        {"functionDeclarations": [{"name": "f", "description": "d", "parameters": {"type": "OBJECT"}}]},
        {"functionDeclarations": [{"name": "g", "parametersJsonSchema": {"type": "object"}}]},
        {"googleSearch": {"timeRangeFilter": {}}},
    ],
    "toolConfig": {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]},
        "retrievalConfig": {"a": 1},
    },
    "generationConfig": {
        "maxOutputTokens": 5,
        "temperature": 0.5,
        "stopSequences": ["x"],
        "responseModalities": ["TEXT"],
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT"},
        "thinkingConfig": {"thinkingBudget": 5, "thinkingLevel": "LOW", "includeThoughts": True},
        "responseLogprobs": True,
        "logprobs": 2,
    },
    "serviceTier": "flex",
    "model": "models/m",
}
ANSWER = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {"text": "hm", "thought": True, "thoughtSignature": "s"},
                    {"text": "hello", "thoughtSignature": "s"},
                    {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
                    {"functionCall": {"id": "c", "name": "f", "args": {"x": 1}}, "thoughtSignature": "s"},
                    {"functionCall": {"name": "g", "willContinue": True}},
                    {
                        "functionCall": {
                            "partialArgs": [{"jsonPath": "$.a[0]", "stringValue": "x"}],
                            "willContinue": True,
                        }
                    },
                    {"functionCall": {}},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                ],
                "role": "model",
            },
            "finishReason": "STOP",
            "finishMessage": "done",
            "index": 0,
            "groundingMetadata": {
                "webSearchQueries": ["q"],
                "groundingChunks": [{"web": {"uri": "u", "title": "t"}}],
                "groundingSupports": [{"segment": {"text": "x"}, "groundingChunkIndices": [0]}],
            },
            "citationMetadata": {"citationSources": [{"uri": "u"}]},
            "logprobsResult": {
                "chosenCandidates": [{"token": "x", "logProbability": -1}],
                "topCandidates": [{"candidates": [{"token": "x", "logProbability": -1}]}],
            },
        }
    ],
    "promptFeedback": {"blockReason": "SAFETY"},
    "usageMetadata": {
        "promptTokenCount": 5,
        "cachedContentTokenCount": 1,
        "candidatesTokenCount": 5,
        "totalTokenCount": 10,
        "serviceTier": "standard",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 1}],
    },
    "modelVersion": "m",
    "responseId": "r",
    "createTime": "2026-02-17T11:12:40.135001Z",
}
ERROR = {
    "error": {
        "code": 429,
        "message": "slow",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"reason": "R", "violations": [{"quotaId": "q"}]}, {"retryDelay": "3s"}],
    }
}


def spoilt(value: Any) -> Iterator[Any]:
    """The value with one of its parts replaced, for each part and each nonsense."""
    yield from NONSENSE
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        for inner in spoilt(value[key]):
            copied = value.copy()
            copied[key] = inner
            yield copied


def test_any_request_is_parsed_or_refused() -> None:
    refused = count = 0
    for body in spoilt(REQUEST):
        if not isinstance(body, dict):
            continue
        count += 1
        try:
            request = CODEC.parse_request(body, "gemini-3-pro-preview")
        except InvalidRequest:
            refused += 1
            continue
        orjson.dumps(CODEC.render_request(request).body)
        request.dialect, request.model = "openai", "gemini-1.5-pro"
        orjson.dumps(CODEC.render_request(request).body)
    assert 0 < refused < count // 2


def test_any_answer_is_read_and_written() -> None:
    for chunk in [*spoilt(ANSWER), *spoilt(ERROR)]:
        decoder, encoder = CODEC.decoder(), GeminiEncoder(Opening("c", "m"), is_array=True)
        events = [*decoder.feed(sse(chunk)), *decoder.close()]
        orjson.loads(b"".join(map(encoder.encode, events)) + encoder.close())
        fold(events, "gemini")
        orjson.dumps(CODEC.render_answer(CODEC.parse_answer(chunk), Opening("c", "m")))
        GeminiStreamReader().read(sse(chunk))
        read_gemini_body(orjson.dumps(chunk)).digest()


def test_any_error_is_a_failure_with_words() -> None:
    for body in spoilt(ERROR):
        assert CODEC.parse_failure(500, {}, orjson.dumps(body)).message is not None


def test_any_schema_is_changed_into_one() -> None:
    for schema in spoilt(SCHEMA):
        if isinstance(schema, dict):
            for changed in (to_json_schema(schema)[0], to_openapi(schema)[0], from_openapi(schema)):
                orjson.dumps(changed)
