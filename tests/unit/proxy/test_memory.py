from proxy.canonical.answer import Answer, Choice
from proxy.canonical.folding import fold, unfold
from proxy.canonical.parts import Native, Part, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Message, Request
from proxy.memory import SignatureCollector, SignatureMemory

SECOND = 1_000_000_000
THOUGHT = Thinking("hm", "sig-1", made_by="anthropic")
LATER = Thinking("", "sig-2", made_by="anthropic")


class Time:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> int:
        return int(self.seconds * SECOND)


def call(call_id: str, **more: str) -> ToolCall:
    return ToolCall(call_id, "look", '{"at": 1}', **more)  # type: ignore[arg-type]


def history(*turns: list[Part]) -> Request:
    """What a client sends back: its turns, each followed by a result."""
    messages = [Message("user", [Text("go")])]
    for parts in turns:
        messages.append(Message("assistant", parts))
        results: list[Part] = [ToolResult(part.id, [Text("ok")]) for part in parts if isinstance(part, ToolCall)]
        messages.append(Message("tool", results))
    return Request("openai", "m", messages)


def turn_of(request: Request, number: int = 0) -> list[Part]:
    return [message for message in request.messages if message.role == "assistant"][number].parts


def test_thinking_comes_back_to_the_front_of_its_turn() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [THOUGHT, Text("I look."), call("a")])
    restored = memory.restore("run", history([Text("I look."), call("a")]))
    assert turn_of(restored) == [THOUGHT, Text("I look."), call("a")]


def test_thinking_between_two_calls_comes_back_between_them() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [THOUGHT, call("a"), LATER, call("b")])
    assert turn_of(memory.restore("run", history([call("a"), call("b")]))) == [THOUGHT, call("a"), LATER, call("b")]


def test_a_signature_that_stood_behind_a_text_comes_back_behind_it() -> None:
    signed = Thinking("", "of the text", made_by="gemini")
    memory = SignatureMemory(Time())
    memory.remember("run", [Text("I look."), signed, call("a")])
    assert turn_of(memory.restore("run", history([Text("I look."), call("a")]))) == [Text("I look."), signed, call("a")]


def test_the_signature_of_a_call_comes_back_on_the_same_call_only() -> None:
    memory = SignatureMemory(Time())
    signed = call("a", signature="G", signature_of="gemini")
    memory.remember("run", Answer("gemini", choices=[Choice([signed, call("b")])]))
    assert turn_of(memory.restore("run", history([call("a"), call("b")]))) == [signed, call("b")]


def test_an_items_id_comes_back_with_its_reasoning() -> None:
    memory = SignatureMemory(Time())
    reasoning = Thinking("", "sealed", made_by="responses", item_id="rs_1")
    memory.remember("run", [reasoning, call("a", item_id="fc_1")])
    assert turn_of(memory.restore("run", history([call("a")]))) == [reasoning, call("a", item_id="fc_1")]


def test_a_turn_that_a_client_cut_into_messages_begins_with_its_thinking() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [THOUGHT, Text("I look."), call("a")])
    request = Request("responses", "m", [Message("assistant", [Text("I look.")]), Message("assistant", [call("a")])])
    restored = memory.restore("run", request)
    assert [message.parts for message in restored.messages] == [[THOUGHT, Text("I look.")], [call("a")]]


def test_each_turn_of_a_long_history_gets_its_own() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [THOUGHT, call("a")])
    memory.remember("run", [LATER, call("b")])
    restored = memory.restore("run", history([call("a")], [call("b")]))
    assert (turn_of(restored, 0), turn_of(restored, 1)) == ([THOUGHT, call("a")], [LATER, call("b")])


def test_what_the_client_sent_back_itself_is_not_doubled() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [THOUGHT, call("a", signature="old", signature_of="gemini")])
    own = [THOUGHT, call("a", signature="new", signature_of="gemini")]
    assert turn_of(memory.restore("run", history(list(own)))) == own


def test_a_request_is_never_changed_in_place() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [THOUGHT, call("a")])
    request = history([call("a")])
    restored = memory.restore("run", request)
    assert turn_of(request) == [call("a")]
    assert restored is not request
    unknown = history([call("other")])
    assert memory.restore("run", unknown) is unknown


def test_nobody_gets_what_belongs_to_another_owner() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [THOUGHT, call("a")])
    request = history([call("a")])
    assert memory.restore("other run", request) is request


def test_an_answer_that_holds_nothing_worth_keeping_is_not_kept() -> None:
    memory = SignatureMemory(Time())
    memory.remember("run", [Thinking("anyone's"), Text("hi"), call("a")])
    memory.remember("run", [THOUGHT, Text("no call follows")])
    memory.remember("run", [Native("openai", {})])
    assert len(memory) == 0


def test_what_is_old_is_forgotten() -> None:
    time = Time()
    memory = SignatureMemory(time, seconds=60)
    memory.remember("run", [THOUGHT, call("a")])
    time.seconds = 59.0
    assert memory.restore("run", history([call("a")])) != history([call("a")])
    time.seconds = 60.0
    assert memory.restore("run", history([call("a")])) == history([call("a")])
    assert len(memory) == 0


def test_the_least_recently_used_goes_first_when_there_are_too_many() -> None:
    memory = SignatureMemory(Time(), most_entries=2)
    memory.remember("run", [THOUGHT, call("a")])
    memory.remember("run", [THOUGHT, call("b")])
    memory.restore("run", history([call("a")]))
    memory.remember("run", [THOUGHT, call("c")])
    assert turn_of(memory.restore("run", history([call("a")]))) == [THOUGHT, call("a")]
    assert turn_of(memory.restore("run", history([call("b")]))) == [call("b")]


def test_it_holds_no_more_bytes_than_it_may() -> None:
    memory = SignatureMemory(Time(), most_bytes=100)
    for name in ("a", "b", "c"):
        memory.remember("run", [Thinking("", "s" * 40, made_by="gemini"), call(name)])
    assert len(memory) == 2
    memory.remember("run", [Thinking("", "s" * 101, made_by="gemini"), call("d")])
    assert len(memory) == 2
    memory.remember("run", [Thinking("", "t" * 40, made_by="gemini"), call("c")])  # replaces, and counts once
    assert len(memory) == 2


def test_a_stream_is_remembered_like_a_whole_answer() -> None:
    parts: list[Part] = [THOUGHT, Text("I look."), LATER, call("a", signature="G", signature_of="gemini")]
    answer = Answer("anthropic", choices=[Choice(parts)])
    collector = SignatureCollector("anthropic")
    for event in unfold(answer):
        collector.take(event)
    assert fold(unfold(answer), "anthropic") == answer
    memory = SignatureMemory(Time())
    memory.remember("run", collector.answer)
    restored = turn_of(memory.restore("run", history([Text("I look."), call("a")])))
    assert restored == parts
