"""What we keep for clients of this API whose provider keeps nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.canonical.answer import Answer
from proxy.conversations import ResponseStore, answer_stored, expand, kept
from proxy.dialects.codec import Opening
from proxy.dialects.responses.codec import CODEC
from proxy.errors import CallerFault, InvalidRequest
from proxy.kept_responses import FileResponseStore, MemoryResponseStore

DAY_NS = 86_400 * 10**9


class FakeClock:
    def __init__(self) -> None:
        self.now = 20_000 * DAY_NS

    def now_ns(self) -> int:
        return self.now

    def monotonic_ns(self) -> int:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, clock: FakeClock, tmp_path: Path) -> ResponseStore:
    return MemoryResponseStore(clock) if request.param == "memory" else FileResponseStore(tmp_path / "kept", clock)


def answer(number: int, text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    item = {"id": f"msg_{number}_0", "type": "message", "role": "assistant", "status": "completed", "content": content}
    return {"id": f"resp_{number}", "object": "response", "status": "completed", "output": [item]}


def ask(store: ResponseStore, number: int, text: str, owner: str = "agent-1", /, **members: Any) -> dict[str, Any]:
    expanded = expand({"model": "m", "input": text, **members}, store, owner)
    if expanded.is_kept:
        store.keep(owner, kept(expanded, answer(number, f"answer {number}")))
    return expanded.body


def texts(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message.role, message.parts[0].text) for message in CODEC.parse_request(body).messages]  # type: ignore[union-attr]  # all are texts


def test_a_conversation_is_whole_again(store: ResponseStore) -> None:
    ask(store, 1, "one", instructions="Only now.")
    ask(store, 2, "two", previous_response_id="resp_1")
    body = ask(store, 3, "three", previous_response_id="resp_2")
    assert texts(body) == [
        ("user", "one"), ("assistant", "answer 1"), ("user", "two"), ("assistant", "answer 2"), ("user", "three"),
    ]  # fmt: skip
    assert not body.keys() & {"previous_response_id", "instructions"}


def test_a_history_names_nothing_that_only_its_provider_knows(store: ResponseStore) -> None:
    expanded = expand({"model": "m", "input": "one"}, store, "agent-1")
    call = {"id": "fc_1_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    native = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    output = [{"id": "rs_1_0", "type": "reasoning", "summary": []}, call, native]
    store.keep("agent-1", kept(expanded, {"id": "resp_1", "status": "completed", "output": output}))
    body = expand({"model": "m", "previous_response_id": "resp_1"}, store, "agent-1").body
    assert body["input"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "one"}]},
        {name: value for name, value in call.items() if name != "id"},
        native,
    ]


def test_two_answers_to_one_are_two_conversations(store: ResponseStore) -> None:
    ask(store, 1, "one")
    ask(store, 2, "two", previous_response_id="resp_1")
    assert texts(ask(store, 3, "other", previous_response_id="resp_1"))[-1] == ("user", "other")
    assert len(texts(ask(store, 4, "x", previous_response_id="resp_3"))) == 5


def test_nobody_reads_what_another_keeps(store: ResponseStore) -> None:
    ask(store, 1, "secret")
    with pytest.raises(InvalidRequest) as refused:
        ask(store, 2, "go on", "agent-2", previous_response_id="resp_1")
    assert refused.value.code == "previous_response_not_found"
    for method, path in (("GET", "/v1/responses/resp_1"), ("DELETE", "/v1/responses/resp_1")):
        with pytest.raises(CallerFault) as unknown:
            answer_stored(method, path, {}, store, "agent-2")
        assert unknown.value.status == 404
    assert answer_stored("GET", "/v1/responses/resp_1", {}, store, "agent-1") == answer(1, "answer 1")


def test_what_is_not_to_be_kept_is_not_kept(store: ResponseStore) -> None:
    ask(store, 1, "one", store=False)
    with pytest.raises(InvalidRequest):
        ask(store, 2, "two", previous_response_id="resp_1")


def test_a_deleted_response_is_gone(store: ResponseStore) -> None:
    ask(store, 1, "one")
    gone = answer_stored("DELETE", "/v1/responses/resp_1", {}, store, "agent-1")
    assert gone == {"id": "resp_1", "object": "response", "deleted": True}
    with pytest.raises(CallerFault):
        answer_stored("DELETE", "/v1/responses/resp_1", {}, store, "agent-1")


def test_thirty_days_later_it_is_gone_by_itself(store: ResponseStore, clock: FakeClock) -> None:
    ask(store, 1, "one")
    clock.now += 29 * DAY_NS
    assert store.find("agent-1", "resp_1") is not None
    clock.now += 3 * DAY_NS
    assert store.find("agent-1", "resp_1") is None


def test_an_item_is_found_by_its_reference(store: ResponseStore) -> None:
    ask(store, 1, "one")
    references = [{"type": "item_reference", "id": "msg_1_i0"}, {"type": "item_reference", "id": "msg_1_0"}]
    body = ask(store, 2, "", input=[*references, {"role": "user", "content": "two"}])
    assert texts(body) == [("user", "one"), ("assistant", "answer 1"), ("user", "two")]
    with pytest.raises(InvalidRequest, match="msg_9_0"):
        ask(store, 3, "", input=[{"type": "item_reference", "id": "msg_9_0"}])


def test_the_input_of_a_response_is_listed_page_by_page(store: ResponseStore) -> None:
    ask(store, 1, "one")
    ask(store, 2, "two", previous_response_id="resp_1")
    path = "/v1/responses/resp_2/input_items"
    page = answer_stored("GET", path, {"limit": "2"}, store, "agent-1")
    assert page is not None
    assert [item["id"] for item in page["data"]] == ["msg_2_i0", "msg_1_0"]
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("msg_2_i0", "msg_1_0", True)
    rest = answer_stored("GET", path, {"after": "msg_1_0"}, store, "agent-1")
    assert rest is not None
    assert [item["id"] for item in rest["data"]] == ["msg_1_i0"]
    assert rest["data"][0]["content"] == [{"type": "input_text", "text": "one"}]
    assert not rest["has_more"]


@pytest.mark.parametrize("member", [{"conversation": "conv_1"}, {"prompt": {"id": "pmpt_1"}}, {"background": True}])
def test_what_only_openai_could_know_is_refused(store: ResponseStore, member: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        ask(store, 1, "one", **member)


def test_the_answer_shows_what_was_asked_for(store: ResponseStore) -> None:
    ask(store, 1, "one")
    expanded = expand({"model": "m", "input": "x", "previous_response_id": "resp_1"}, store, "agent-1")
    request = CODEC.parse_request(expanded.body)
    request.hints.update(expanded.echo)
    response = CODEC.render_answer(Answer("anthropic"), Opening("call", "m", request=request))
    assert (response["store"], response["previous_response_id"]) == (True, "resp_1")
    assert request.rest == {}


def test_what_a_provider_keeps_is_nobodys_loss() -> None:
    body = {"model": "m", "input": "x", "store": False, "include": ["reasoning.encrypted_content"]}
    request = CODEC.parse_request(body)
    assert request.rest == {}
    assert {name: CODEC.render_request(request).body[name] for name in ("store", "include")} == {
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }


def test_other_paths_are_somebody_elses(store: ResponseStore) -> None:
    assert answer_stored("POST", "/v1/responses", {}, store, "agent-1") is None
    assert answer_stored("GET", "/v1/models", {}, store, "agent-1") is None


def test_the_memory_is_bounded_and_forgets_the_least_used(clock: FakeClock) -> None:
    store = MemoryResponseStore(clock, most_bytes=1500)
    for number in range(1, 40):
        ask(store, number, f"question {number}")
        store.find("agent-1", "resp_1")
    assert store.find("agent-1", "resp_1") is not None
    assert store.find("agent-1", "resp_2") is None
    assert store.find("agent-1", "resp_39") is not None


def test_the_directory_is_bounded_by_whole_days(clock: FakeClock, tmp_path: Path) -> None:
    store = FileResponseStore(tmp_path, clock, most_bytes=600)
    for number in range(1, 6):
        ask(store, number, f"question {number}")
        clock.now += DAY_NS
    assert store.find("agent-1", "resp_1") is None
    assert store.find("agent-1", "resp_5") is not None
    assert len(list(tmp_path.iterdir())) < 5


def test_a_damaged_file_is_as_good_as_gone(clock: FakeClock, tmp_path: Path) -> None:
    store = FileResponseStore(tmp_path, clock, kept=timedelta(days=2))
    ask(store, 1, "one")
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    path.write_bytes(path.read_bytes()[:-9])
    assert store.find("agent-1", "resp_1") is None
