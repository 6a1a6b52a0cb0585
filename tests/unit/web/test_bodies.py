"""Bodies of calls as people read them."""

import base64
import json

import pytest

from web.bodies import MESSAGES_SHOWN, read_body, read_image
from web.curl import curl_of

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def chat(*messages: object) -> str:
    return json.dumps({"model": "m", "messages": messages})


def test_tools_are_folded_to_a_line_that_says_what_was_asked() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"words": "heat pump"}'}}
    body = read_body(
        chat({"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": "Nothing"}),
        "openai",
        "request",
    )

    assert body is not None
    asked, answered = (piece for turn in body.turns for piece in turn.pieces)
    assert (asked.kind, asked.summary) == ("call", 'search {"words": "heat pump"}')
    assert asked.code == '{\n  "words": "heat pump"\n}'
    assert (answered.kind, answered.summary) == ("result", "Nothing")


def test_thoughts_are_folded_and_those_that_are_sealed_say_so() -> None:
    said = {"type": "message", "role": "assistant", "content": [
        {"type": "thinking", "thinking": "First\nthis", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "Then that"},
    ], "stop_reason": "end_turn"}  # fmt: skip
    body = read_body(json.dumps(said), "anthropic", "response")

    assert body is not None
    (turn,) = body.turns
    assert [piece.kind for piece in turn.pieces] == ["thinking", "thinking", "text"]
    assert turn.pieces[0].summary == "First this"
    assert "only for its own model" in turn.pieces[1].summary


def test_an_image_is_served_by_its_number_and_nothing_else_is() -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DOT}"}}
    drawing = {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zz4="}}
    text = chat({"role": "user", "content": [{"type": "text", "text": "See"}, drawing, image]})
    body = read_body(text, "openai", "request")

    assert body is not None
    assert [(piece.kind, piece.image) for piece in body.turns[0].pieces] == [("text", 0), ("media", 0), ("image", 1)]
    found = read_image(text, "openai", "request", 1)
    assert found is not None
    assert (found[0], found[1][:4]) == ("image/png", b"\x89PNG")
    assert read_image(text, "openai", "request", 2) is None
    assert read_image(text, "mcp", "request", 1) is None


def test_images_have_one_count_through_results_and_turns() -> None:
    dots = [DOT, DOT.replace("2mNk", "2mNl"), DOT.replace("2mNk", "2mNm")]
    images = [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": dot}} for dot in dots]
    result = {"type": "tool_result", "tool_use_id": "t", "content": images[:2]}
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": [result, images[2]]}]})
    read = read_body(body, "anthropic", "request")

    assert read is not None
    numbers = [piece.image for turn in read.turns for piece in turn.pieces]
    assert numbers == [1, 3]
    served = [read_image(body, "anthropic", "request", number) for number in numbers]
    assert served == [("image/png", base64.b64decode(dots[0])), ("image/png", base64.b64decode(dots[2]))]


def test_of_a_long_conversation_the_last_turns_are_shown() -> None:
    turns = [{"role": "user", "content": f"Turn {number}"} for number in range(MESSAGES_SHOWN + 5)]
    body = read_body(chat(*turns), "openai", "request")

    assert body is not None
    assert body.left_out == 5
    assert "Turn 5" in str(body.turns[0].pieces[0].text)


@pytest.mark.parametrize("dialect", ["openai", "responses", "anthropic", "gemini"])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"error": {"message": "no"}}', "data: {", "\x00"])
def test_what_cannot_be_read_is_left_as_it_was_sent(dialect: str, text: str) -> None:
    for side in ("request", "response"):
        body = read_body(text, dialect, side)
        assert body is not None
        assert body.turns == ()


def test_a_call_can_be_asked_again_from_a_shell_whatever_stands_in_it() -> None:
    command = curl_of("http://127.0.0.1:8787", "/v1/messages", "anthropic", '{"a": "$HOME `id`"}\nBODY\nBODY_')

    assert "-H \"x-api-key: $POINTSMAN_KEY\" -H 'content-type: application/json'" in command
    assert command.endswith("\nBODY__")
    assert "<<'BODY__'" in command
