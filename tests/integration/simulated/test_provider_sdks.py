"""The vendors' own SDKs, unchanged, against the simulated provider: if they understand it, the wire format is true."""

import anthropic
import httpx2
import openai
import pytest

TOOL = {"query": {"type": "string"}}
BRIEF = [{"role": "user", "content": "Write a note on heat pump prices in Sweden."}]


@pytest.fixture
def openai_client(base_url):
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key="any", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def anthropic_client(base_url):
    with anthropic.Anthropic(base_url=base_url, api_key="any", max_retries=0, timeout=10) as client:
        yield client


def calls(base_url: str) -> list[dict]:
    return httpx2.get(f"{base_url}/sim/calls").json()


def test_openai_streams_the_same_text_that_it_answers_at_once(openai_client):
    whole = openai_client.chat.completions.create(model="gpt-5-mini", messages=BRIEF)
    stream = openai_client.chat.completions.create(
        model="gpt-5-mini", messages=BRIEF, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    assert {chunk.usage for chunk in chunks[:-1]} == {None}


def test_openai_streams_no_usage_to_a_client_that_did_not_ask(openai_client):
    chunks = list(openai_client.chat.completions.create(model="gpt-5", messages=BRIEF, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_openai_calls_a_tool_and_writes_when_it_has_the_result(openai_client):
    tools = [
        {"type": "function", "function": {"name": "search", "parameters": {"properties": TOOL, "required": ["query"]}}}
    ]
    first = openai_client.chat.completions.create(model="gpt-5", messages=BRIEF, tools=tools)
    message = first.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Nothing found."}
    second = openai_client.chat.completions.create(
        model="gpt-5", messages=[*BRIEF, message.model_dump(exclude_none=True), result], tools=tools
    )
    assert message.tool_calls[0].function.name == "search"
    assert (first.choices[0].finish_reason, second.choices[0].finish_reason) == ("tool_calls", "stop")


def test_openai_streams_a_tool_call_that_joins_to_valid_arguments(openai_client):
    messages = [{"role": "user", "content": '[[sim:tool search {"query": "heat pump"}]]'}]
    with openai_client.chat.completions.stream(model="gpt-5", messages=messages) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == '{"query":"heat pump"}'
    assert final.choices[0].finish_reason == "tool_calls"


def test_anthropic_streams_the_same_message_that_it_answers_at_once(anthropic_client):
    whole = anthropic_client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=BRIEF)
    with anthropic_client.messages.stream(model="claude-sonnet-5", max_tokens=900, messages=BRIEF) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == whole.content[0].text
    assert (final.stop_reason, final.usage.output_tokens) == (whole.stop_reason, whole.usage.output_tokens)


def test_anthropic_streams_events_in_the_documented_order(anthropic_client):
    messages = [{"role": "user", "content": '[[sim:tool search {"query": "heat pump"}]]'}]
    events = [
        e.type for e in anthropic_client.messages.create(model="c", max_tokens=90, messages=messages, stream=True)
    ]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert list(dict.fromkeys(events)) == ["message_start", *block, "message_delta", "message_stop"]
    assert [e for e in events if e in {block[0], block[2]}] == [block[0], block[2]] * 2


def test_anthropic_calls_a_tool_and_writes_when_it_has_the_result(anthropic_client):
    tools = [{"name": "search", "input_schema": {"type": "object", "properties": TOOL, "required": ["query"]}}]
    first = anthropic_client.messages.create(model="c", max_tokens=900, messages=BRIEF, tools=tools)
    call = first.content[-1]
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Nothing."}]}
    answered = [*BRIEF, {"role": "assistant", "content": [block.model_dump() for block in first.content]}, result]
    second = anthropic_client.messages.create(model="c", max_tokens=900, messages=answered, tools=tools)
    assert (first.stop_reason, call.type, call.name) == ("tool_use", "tool_use", "search")
    assert (second.stop_reason, [block.type for block in second.content]) == ("end_turn", ["text"])


def test_a_scripted_error_has_the_shape_of_each_vendor(openai_client, anthropic_client):
    messages = [{"role": "user", "content": "[[sim:error 429]]"}]
    with pytest.raises(openai.RateLimitError) as from_openai:
        openai_client.chat.completions.create(model="gpt-5", messages=messages)
    with pytest.raises(anthropic.RateLimitError) as from_anthropic:
        anthropic_client.messages.create(model="c", max_tokens=9, messages=messages)
    assert from_openai.value.code == "rate_limit_exceeded"
    assert from_anthropic.value.body["error"]["type"] == "rate_limit_error"


def test_an_error_with_a_count_gives_way_to_the_answer(openai_client):
    messages = [{"role": "user", "content": "[[sim:error 503 2]] Hello"}]
    answer = openai_client.with_options(max_retries=2).chat.completions.create(model="gpt-5", messages=messages)
    assert answer.choices[0].finish_reason == "stop"


def test_a_request_without_its_required_fields_is_the_clients_fault(base_url):
    sent = {path: httpx2.post(f"{base_url}{path}", content=b"{") for path in ("/v1/chat/completions", "/v1/messages")}
    assert {path: answer.status_code for path, answer in sent.items()} == dict.fromkeys(sent, 400)
    missing = httpx2.post(f"{base_url}/v1/messages", json={"model": "c", "messages": BRIEF})
    assert missing.json()["error"] == {"type": "invalid_request_error", "message": "max_tokens: Field required"}


def test_a_scripted_cut_breaks_the_stream_and_is_counted_as_unfinished(base_url):
    body = {"model": "gpt-5", "stream": True, "messages": [{"role": "user", "content": "[[sim:cut 10]]"}]}
    with httpx2.stream("POST", f"{base_url}/v1/chat/completions", json=body) as answer:
        parts = []
        with pytest.raises(httpx2.RemoteProtocolError):
            parts.extend(answer.iter_raw())
    assert b"".join(parts).count(b"data: ") == 10
    assert [call["finished"] for call in calls(base_url)] == [False]


def test_a_scripted_stall_says_nothing_until_the_client_leaves(base_url):
    body = {"model": "gpt-5", "messages": [{"role": "user", "content": "[[sim:stall]]"}]}
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{base_url}/v1/chat/completions", json=body, timeout=0.3)
    assert [call["finished"] for call in calls(base_url)] == [False]


def test_every_answer_is_marked_simulated_and_every_call_is_counted(base_url):
    body = {"model": "gpt-5", "messages": BRIEF}
    headers = {"idempotency-key": "r_1/1", "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    answer = httpx2.post(f"{base_url}/v1/chat/completions", json=body, headers=headers)
    refused = httpx2.get(f"{base_url}/nowhere")
    assert {a.headers["x-pointsman-simulated"] for a in (answer, refused)} == {"true"}
    (call,) = calls(base_url)
    usage = answer.json()["usage"]
    assert {name: call[name] for name in ("id", "endpoint", "model", "idempotency_key", "traceparent", "finished")} == {
        "id": answer.json()["id"],
        "endpoint": "/v1/chat/completions",
        "model": "gpt-5",
        "idempotency_key": "r_1/1",
        "traceparent": headers["traceparent"],
        "finished": True,
    }
    assert call["usage"] == {"input": usage["prompt_tokens"], "output": usage["completion_tokens"]}


def test_the_count_can_be_cleared(base_url):
    httpx2.post(f"{base_url}/v1/chat/completions", json={"model": "gpt-5", "messages": BRIEF})
    assert httpx2.delete(f"{base_url}/sim/calls").status_code == 204
    assert calls(base_url) == []


def test_models_are_listed_in_the_shape_of_the_sdk(openai_client):
    assert "gpt-5-mini" in {model.id for model in openai_client.models.list()}


def test_anthropic_counts_tokens_as_it_counts_them_in_an_answer(anthropic_client):
    counted = anthropic_client.messages.count_tokens(model="claude-opus-4-5", messages=BRIEF)
    answered = anthropic_client.messages.create(model="claude-opus-4-5", max_tokens=10, messages=BRIEF)
    assert counted.input_tokens == answered.usage.input_tokens
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        anthropic_client.messages.count_tokens(model="claude-opus-4-5", messages=[])
