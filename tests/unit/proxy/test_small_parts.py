import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import orjson
from pointsman.contract import IdPrefix, new_id

from proxy.call import Head
from proxy.endpoints import Endpoint
from proxy.fingerprint import fingerprint, label
from proxy.journal import CallIds
from proxy.ports import Provider
from proxy.records import CallEnded, CallStarted, Record, Usage
from proxy.targets import Targets
from proxy.wire.content import Decoder, plain
from tests.unit.proxy.test_answers import HandClock

CHECKOUT = Path(__file__).parents[3]
CHAT = Endpoint("/v1/chat/completions", "openai")


def head(**members: object) -> Head:
    return msgspec.json.decode(orjson.dumps(members), type=Head)


def test_the_application_loads_nothing_heavy() -> None:
    code = (
        "import sys, proxy.app; "
        "heavy = ('httpx', 'httpx2', 'pydantic', 'sqlalchemy', 'temporalio', 'fastapi', 'genai_prices', 'uvicorn'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT,
        env={"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'sdk'}"},
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_call_ids_sort_by_time_never_repeat_and_look_like_all_others() -> None:
    clock = HandClock()
    ids = CallIds(clock)
    made = []
    for step in range(2000):
        made.append(ids.next())
        clock.ns += 1_000_000 if step % 100 == 0 else 0
    assert made == sorted(set(made))
    assert {len(one) for one in made} == {len(new_id(IdPrefix.CALL))}
    assert made[0][:12] == new_id(IdPrefix.CALL, 1_800_000_000_000)[:12]


def test_a_clock_that_goes_back_does_not_bring_an_id_back() -> None:
    clock = HandClock()
    ids = CallIds(clock)
    first = ids.next()
    clock.ns -= 5_000_000
    assert ids.next() > first


def test_the_same_messages_have_the_same_fingerprint_whatever_else_changes() -> None:
    messages = [{"role": "user", "content": "hi"}]
    first = fingerprint("m", head(messages=messages, temperature=1, stream=True))
    assert first == fingerprint("m", head(messages=messages))
    assert len(first) == 16
    others = [
        fingerprint("n", head(messages=messages)),
        fingerprint("m", head(messages=messages, system="be kind")),
        fingerprint("m", head(messages=[*messages, *messages])),
    ]
    assert len({first, *others}) == 4


def test_a_label_is_the_first_words_of_what_was_said_last() -> None:
    assert (
        label(head(messages=[{"role": "user", "content": "a  b\nc"}, {"role": "assistant", "content": "x"}])) == "a b c"
    )
    assert label(head(messages=[{"role": "tool", "content": "42 rows"}])) == "42 rows"
    parts = [{"type": "image", "source": {}}, {"type": "text", "text": "look"}]
    assert label(head(messages=[{"role": "user", "content": parts}])) == "look"
    result = [{"type": "tool_result", "content": [{"type": "text", "text": "403"}]}]
    assert label(head(messages=[{"role": "user", "content": result}])) == "403"
    assert len(label(head(messages=[{"role": "user", "content": "word " * 100}]))) <= 80
    assert label(head(messages=[])) == label(head(messages=["x"])) == ""


def test_records_are_read_back_as_they_were_written() -> None:
    started = CallStarted("c_1", 1, "model", "w", "k", "openai", "gpt", "openai", "/v1/chat/completions", label="ü")
    ended = CallEnded("c_1", 2, "ok", 200, usage=Usage(input=1, is_estimated=True), response_body="{}")
    for record in (started, ended):
        assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record


def test_a_provider_that_changes_gets_a_new_target() -> None:
    targets = Targets()
    provider = Provider("p", "openai", "http://127.0.0.1:1/v1", "old", headers={"X-Org": "1"})
    first = targets.find(provider, CHAT, "openai")
    assert targets.find(provider, CHAT, "openai") is first
    assert b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:1\r\n" in first.prefix
    assert b"x-org: 1" in first.prefix
    assert b"x-org" in first.dropped
    assert b"Bearer new" in targets.find(replace(provider, api_key="new"), CHAT, "openai").prefix


def test_trace_context_goes_on_only_where_it_is_wanted() -> None:
    provider = Provider("p", "openai", "http://127.0.0.1:1/v1")
    names = {b"traceparent", b"tracestate"}
    assert names <= Targets().find(provider, CHAT, "openai").dropped
    wanted = Targets().find(replace(provider, passes_trace_context=True), CHAT, "openai").dropped
    assert not names & wanted
    assert b"baggage" in wanted


def test_damaged_or_unknown_encodings_read_as_nothing() -> None:
    assert plain(b"x", b"br") == plain(b"not gzip", b"gzip") == b""
    assert plain(b"x", b"identity") == b"x"
    decoder = Decoder(b"gzip")
    assert decoder.feed(b"junk") == decoder.feed(b"more") == b""
