import base64
import json
import struct
from typing import Any

import pytest

from proxy.canonical.request import Loss
from proxy.dialects.embeddings.codecs import EMBEDDING_DIALECTS, embed_codec
from proxy.dialects.embeddings.hub import Embeddings, EmbedRequest
from proxy.errors import Dialect, InvalidRequest
from proxy.records import Usage

OPENAI, GEMINI, COHERE, BEDROCK = (embed_codec(name) for name in ("openai", "gemini", "cohere", "bedrock"))
GEMINI_BODY = {
    "requests": [
        {
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": "a"}]},
            "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": 8,
        },
        {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "b"}]}},
    ]
}


def test_openais_request_is_asked_for_at_google_and_cohere() -> None:
    body = {"model": "m", "input": ["a", "b"], "dimensions": 8, "encoding_format": "base64", "user": "u"}
    request = OPENAI.parse_request(body, "gemini-embedding-001")
    google, cohere = GEMINI.render_request(request), COHERE.render_request(request)
    shared = {"model": "models/gemini-embedding-001", "outputDimensionality": 8}
    assert google.body == {"requests": [{**shared, "content": {"parts": [{"text": text}]}} for text in "ab"]}
    assert google.losses == [Loss("user", "Gemini's embeddings have no such parameter")]
    assert cohere.body == {
        "model": "gemini-embedding-001",
        "texts": ["a", "b"],
        "input_type": "search_document",
        "output_dimension": 8,
        "embedding_types": ["float"],
    }


def test_googles_request_is_asked_for_at_openai_and_its_purpose_is_a_loss() -> None:
    rendered = OPENAI.render_request(GEMINI.parse_request(GEMINI_BODY))
    assert rendered.body == {
        "model": "gemini-embedding-001", "input": ["a", "b"], "encoding_format": "float", "dimensions": 8,
    }  # fmt: skip
    assert [loss.name for loss in rendered.losses] == ["purpose"]


def test_a_purpose_is_kept_where_there_is_a_word_for_it() -> None:
    request = GEMINI.parse_request(GEMINI_BODY)
    assert COHERE.render_request(request).body["input_type"] == "search_query"
    assert GEMINI.render_request(request).body["requests"][1]["taskType"] == "RETRIEVAL_QUERY"


def test_titan_takes_one_text_and_coheres_models_on_bedrock_a_list() -> None:
    one = EmbedRequest("openai", "amazon.titan-embed-text-v2:0", ["a"], dimensions=256)
    assert BEDROCK.render_request(one).body == {"inputText": "a", "dimensions": 256}
    several = EmbedRequest("openai", "cohere.embed-v4:0", ["a", "b"])
    assert BEDROCK.render_request(several).body == {
        "texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"],
    }  # fmt: skip
    with pytest.raises(InvalidRequest, match="one text a call"):
        BEDROCK.render_request(EmbedRequest("openai", "amazon.titan-embed-text-v2:0", ["a", "b"]))


def test_vectors_are_packed_for_who_asked_for_it() -> None:
    request = OPENAI.parse_request({"model": "m", "input": "a", "encoding_format": "base64"})
    answer = GEMINI.parse_answer(
        {"embeddings": [{"values": [0.5, -1.0]}], "usageMetadata": {"promptTokenCount": 3}}, {}
    )
    body = OPENAI.render_answer(answer, request)
    packed = body["data"][0]["embedding"]
    assert struct.unpack("<2f", base64.b64decode(packed)) == (0.5, -1.0)
    assert body["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert OPENAI.parse_answer(body, {}).vectors == [[0.5, -1.0]]


@pytest.mark.parametrize("sender", sorted(EMBEDDING_DIALECTS))
@pytest.mark.parametrize("reader", sorted(EMBEDDING_DIALECTS))
def test_vectors_and_tokens_survive_every_way(sender: Dialect, reader: Dialect) -> None:
    request = EmbedRequest(sender, "m", ["a", "b"])
    answer = Embeddings(reader, [[0.5, 0.25], [1.0, -1.0]], "m", "id_1", Usage(input=4))
    body = json.loads(json.dumps(embed_codec(sender).render_answer(answer, request)))
    again = embed_codec(sender).parse_answer(body, {"x-amzn-bedrock-input-token-count": "4"})
    assert (again.vectors, again.usage) == (answer.vectors, answer.usage)


@pytest.mark.parametrize(
    ("dialect", "body", "headers", "vectors", "tokens"),
    [
        (
            "openai",
            {"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]},
            {},
            [[1.0], [2.0]],
            None,
        ),
        ("openai", {"data": [{"embedding": [1]}], "usage": {"total_tokens": 3}}, {}, [[1.0]], 3),
        ("gemini", {"embedding": {"values": [1]}}, {}, [[1.0]], None),
        ("cohere", {"embeddings": [[1]], "meta": {"billed_units": {"input_tokens": 2}}}, {}, [[1.0]], 2),
        ("bedrock", {"embedding": [1], "inputTextTokenCount": 3}, {}, [[1.0]], 3),
        ("bedrock", {"embeddings": {"float": [[1]]}}, {"x-amzn-bedrock-input-token-count": "7"}, [[1.0]], 7),
    ],
)
def test_each_form_of_an_answer_is_read(
    dialect: Dialect, body: Any, headers: dict[str, str], vectors: Any, tokens: int | None
) -> None:
    answer = embed_codec(dialect).parse_answer(body, headers)
    assert answer.vectors == vectors
    assert answer.usage == (None if tokens is None else Usage(input=tokens))


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai", {"model": "m"}),
        ("openai", {"model": "m", "input": []}),
        ("openai", {"model": "m", "input": [{"text": "a"}]}),
        ("gemini", {"requests": [{}]}),
        ("gemini", {"content": {"parts": [{"inlineData": {}}]}}),
        ("cohere", {"model": "m", "images": ["x"]}),
        ("bedrock", {"inputImage": "x"}),
    ],
)
def test_what_cannot_be_embedded_is_refused(dialect: Dialect, body: Any) -> None:
    with pytest.raises(InvalidRequest):
        embed_codec(dialect).parse_request(body, "m")


def test_tokens_are_for_openai_only() -> None:
    request = OPENAI.parse_request({"model": "m", "input": [[1, 2], [3]]})
    assert OPENAI.render_request(request).body["input"] == [[1, 2], [3]]
    for codec in (GEMINI, COHERE, BEDROCK):
        with pytest.raises(InvalidRequest, match="send the texts"):
            codec.render_request(request)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai", {"model": "m", "input": "a", "encoding_format": "float", "dimensions": 8, "user": "u", "x": 1}),
        ("openai", {"model": "m", "input": ["a"], "encoding_format": "base64"}),
        (
            "cohere",
            {
                "model": "m",
                "texts": ["a"],
                "input_type": "search_query",
                "embedding_types": ["float"],
                "truncate": "END",
            },
        ),
        ("bedrock", {"inputText": "a", "dimensions": 256, "normalize": True}),
    ],
)
def test_a_request_to_its_own_format_says_the_same(dialect: Dialect, body: dict[str, Any]) -> None:
    rendered = embed_codec(dialect).render_request(embed_codec(dialect).parse_request(body, "m"))
    assert rendered.body == body
    assert rendered.losses == []
