import pytest

from proxy.begin import take_key
from proxy.endpoints import Endpoint, find_endpoint
from proxy.errors import Dialect
from proxy.fingerprint import fingerprint
from proxy.heads import read_head
from proxy.wire.multipart import find_field


@pytest.mark.parametrize(
    ("path", "canonical", "dialect", "operation"),
    [
        ("/v1/chat/completions", "/v1/chat/completions", "openai", "generate"),
        ("/openai/v1/chat/completions", "/v1/chat/completions", "openai", "generate"),
        ("/anthropic/v1/messages", "/v1/messages", "anthropic", "generate"),
        ("/v1/messages/count_tokens", "/v1/messages/count_tokens", "anthropic", "count_tokens"),
        ("/v1/responses", "/v1/responses", "responses", "generate"),
        ("/v1/embeddings", "/v1/embeddings", "openai", "embed"),
        ("/v1/audio/transcriptions", "/v1/audio/transcriptions", "openai", "other"),
        ("/v1/files/file-1/content", "/v1/files/file-1/content", "openai", "other"),
        ("/openai/deployments/gpt/chat/completions", "/v1/chat/completions", "openai", "generate"),
        ("/gemini/v1beta/models/g:countTokens", "/v1beta/models/g:countTokens", "gemini", "count_tokens"),
        ("/v1/models/g:embedContent", "/v1beta/models/g:embedContent", "gemini", "embed"),
        ("/v2/chat", "/v2/chat", "cohere", "generate"),
        ("/cohere/v2/embed", "/v2/embed", "cohere", "embed"),
        ("/v2/rerank", "/v2/rerank", "cohere", "other"),
        ("/bedrock/model/m/converse", "/model/m/converse", "bedrock", "generate"),
        (
            "/v1beta1/projects/p/locations/l/publishers/google/models/g:generateContent",
            "/v1beta/models/g:generateContent", "gemini", "generate",
        ),
    ],
)  # fmt: skip
def test_a_path_of_any_library_leads_to_one_endpoint(path: str, canonical: str, dialect: str, operation: str) -> None:
    found = find_endpoint(path)
    assert found is not None
    assert (found.path, found.dialect, found.operation) == (canonical, dialect, operation)


@pytest.mark.parametrize("path", ["/v1", "/v1/files/../x", "/v1beta/models/g:tuneModel", "/openai/v2/chat/completions"])
def test_nothing_is_at_other_paths(path: str) -> None:
    assert find_endpoint(path) is None


def test_google_says_model_and_stream_in_the_path() -> None:
    found = find_endpoint("/v1beta/models/anthropic/claude-x:streamGenerateContent")
    assert found is not None
    assert (found.model, found.is_stream, found.tail) == ("anthropic/claude-x", True, "streamGenerateContent")


def test_amazon_says_them_there_too_and_an_arn_has_slashes() -> None:
    name = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-x"
    found = find_endpoint(f"/model/{name}/converse-stream")
    assert found is not None
    assert (found.model, found.is_stream) == (name, True)


def test_a_key_in_the_query_moves_to_where_keys_are() -> None:
    headers: dict[bytes, bytes] = {}
    assert take_key(b"alt=sse&key=a%2Fb&x=1", headers) == b"alt=sse&x=1"
    assert headers == {b"x-goog-api-key": b"a/b"}


def head_of(body: bytes, path: str, content_type: bytes = b"application/json") -> tuple[object, object, object]:
    where = find_endpoint(path)
    assert where is not None
    head = read_head(body, where, {b"content-type": content_type})
    return head.model, head.stream, head.max_tokens


def test_the_head_is_found_wherever_a_dialect_puts_it() -> None:
    chat = b'{"model":"m","stream":true,"max_tokens":5}'
    assert head_of(chat, "/v1/chat/completions") == head_of(chat, "/v1/messages") == ("m", True, 5)
    assert head_of(b'{"model":"m","max_output_tokens":5,"input":"hi"}', "/v1/responses") == ("m", None, 5)
    gemini = b'{"contents":[],"generationConfig":{"maxOutputTokens":5}}'
    assert head_of(gemini, "/v1beta/models/m:streamGenerateContent") == ("m", True, 5)
    assert head_of(b'{"messages":[]}', "/openai/deployments/m/chat/completions") == ("m", None, None)
    assert head_of(b"", "/v1/files") == (None, None, None)


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("/v1/responses", b'{"model":"m","input":"a"}', b'{"model":"m","input":"b"}'),
        ("/v1/embeddings", b'{"model":"m","input":["a"]}', b'{"model":"m","input":["b"]}'),
        ("/v1/audio/speech", b'{"model":"m","input":"a"}', b'{"model":"m","input":"b"}'),
        ("/v1beta/models/m:generateContent", b'{"contents":[{"parts":[]}]}', b'{"contents":[{"parts":[{}]}]}'),
    ],
)
def test_what_differs_in_what_is_said_has_another_fingerprint(path: str, first: bytes, second: bytes) -> None:
    where = find_endpoint(path)
    assert where is not None
    prints = {
        fingerprint("m", read_head(body, where, {b"content-type": b"application/json"})) for body in (first, second)
    }
    assert len(prints) == 2


FORM = (
    b'--xYz\r\nContent-Disposition: form-data; name="file"; filename="model"\r\n\r\n\x00\x01name="model"\r\n'
    b'--xYz\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--xYz--\r\n'
)


def test_a_field_of_a_form_is_found_behind_a_file() -> None:
    span = find_field(FORM, b"multipart/form-data; boundary=xYz", b"model")
    assert span is not None
    assert FORM[slice(*span)] == b"whisper-1"
    assert find_field(FORM, b'multipart/form-data; boundary="xYz"', b"language") is None
    assert find_field(FORM, b"multipart/form-data", b"model") is None
    assert find_field(FORM[:120], b"multipart/form-data; boundary=xYz", b"model") is None
    assert head_of(FORM, "/v1/audio/transcriptions", b"multipart/form-data; boundary=xYz")[0] == "whisper-1"


def test_the_tail_is_what_a_provider_is_asked_for() -> None:
    dialect: Dialect = "openai"
    assert Endpoint("/v1/images/edits", dialect, "other").tail == "/images/edits"
