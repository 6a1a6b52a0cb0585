"""What the simulated model says to a conversation."""

from dataclasses import replace

from proxy.simulated.conversation import Conversation, Tool, ToolCall
from proxy.simulated.model import Reply, reply_to
from proxy.simulated.prose import pieces_of
from proxy.simulated.script import parse_script

BRIEF = "Write a note on what an installed heat pump costs in Finland."
SEARCH = Tool("search", {"query": {"type": "string"}}, ("query",))
FETCH = Tool("fetch_page", {"url": {"type": "string"}}, ("url",))


def ask(conversation: Conversation) -> Reply:
    return reply_to(conversation, parse_script(conversation.prompt))


def told(prompt: str, **more) -> Conversation:
    return Conversation(model="any", prompt=prompt, brief=prompt, seed="5eed", **more)


def test_the_same_conversation_gets_the_same_reply_and_another_one_another():
    conversation = told(BRIEF)
    assert ask(conversation) == ask(conversation)
    assert ask(conversation).text != ask(replace(conversation, seed="other")).text


def test_a_draft_is_markdown_about_the_brief():
    text = ask(told(BRIEF)).text
    assert text.startswith("# Note on what an installed heat pump costs in Finland\n\n")
    assert "- **Finland**: 9,800 to 14,200 euros installed" in text


def test_pieces_join_to_the_text_whatever_it_holds():
    text = "  Größe: 12,5 %\n\n- **ok** 🙂\tend "
    assert "".join(pieces_of(text)) == text


def test_a_scripted_length_is_met_exactly_in_pieces():
    assert len(ask(told(BRIEF + "[[sim:tokens 700]]")).pieces) == 700


def test_a_scripted_text_is_said_word_for_word():
    assert ask(told("[[sim:say Exactly this.]]")).text == "Exactly this."


def test_max_tokens_cuts_the_reply_and_says_so():
    reply = ask(told(BRIEF, max_tokens=7))
    assert (len(reply.pieces), reply.stop, reply.output_tokens) == (7, "length", 7)


def test_an_unscripted_model_searches_reads_what_it_found_and_then_writes():
    first = told(BRIEF, tools=(SEARCH, FETCH))
    second = replace(first, rounds=1, tool_results=("Prices\n  https://market.example/prices/finland",))
    third = replace(second, rounds=2, tool_results=(*second.tool_results, "Prices in Finland"))
    assert ask(first).tool_call == ToolCall("search", {"query": "Write a note on what an installed heat"})
    assert ask(second).tool_call == ToolCall("fetch_page", {"url": "https://market.example/prices/finland"})
    assert (ask(third).tool_call, ask(third).stop) == (None, "end")
    assert "Source read: Prices in Finland" in ask(third).text


def test_a_forced_tool_is_called_each_time():
    conversation = told(BRIEF, tools=(SEARCH, FETCH), forced_tool="fetch_page", rounds=9)
    assert ask(conversation).tool_call is not None
    assert ask(conversation).tool_call.name == "fetch_page"


def test_scripted_tools_come_one_after_the_other_and_then_text():
    conversation = told('[[sim:tool a {"n": 1}]][[sim:tool b]] Go.')
    calls = [ask(replace(conversation, rounds=rounds)).tool_call for rounds in range(3)]
    assert calls == [ToolCall("a", {"n": 1}), ToolCall("b", {}), None]


def test_a_repeating_script_starts_again_for_ever():
    conversation = told("[[sim:tool a]][[sim:tool b]][[sim:repeat]]")
    names = [ask(replace(conversation, rounds=rounds)).tool_call.name for rounds in (0, 1, 2, 101)]
    assert names == ["a", "b", "a", "b"]
