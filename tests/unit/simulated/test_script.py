"""Markers in a prompt."""

from proxy.simulated.conversation import ToolCall
from proxy.simulated.script import Script, parse_script, without_markers


def test_a_prompt_without_markers_has_the_empty_script():
    assert parse_script("Write a short note about [[something else]].") == Script()


def test_every_marker_is_read():
    text = (
        '[[sim:tool search {"query": "a [b]"}]] [[sim:tool stop]] [[sim:repeat]] [[sim:say Done and done.]] '
        "[[sim:tokens 200]] [[sim:slow 2.5]] [[sim:error 529 2]] [[sim:cut 10]] [[sim:stall 5]]"
    )
    assert parse_script(text) == Script(
        tool_calls=(ToolCall("search", {"query": "a [b]"}), ToolCall("stop", {})),
        is_repeating=True,
        say="Done and done.",
        tokens=200,
        slow_seconds=2.5,
        error_status=529,
        error_times=2,
        cut_after_chunks=10,
        stall_after_chunks=5,
    )


def test_a_bare_stall_falls_silent_before_the_first_byte():
    assert parse_script("[[sim:stall]]").stall_after_chunks == 0


def test_markers_that_make_no_sense_are_ignored():
    assert parse_script("[[sim:tool search {oops]] [[sim:error 200]] [[sim:slow soon]] [[sim:tokens many]]") == Script()


def test_the_text_is_written_as_if_the_markers_were_not_there():
    assert without_markers('Compare prices. [[sim:tool search {"query": "x"}]]') == "Compare prices."
