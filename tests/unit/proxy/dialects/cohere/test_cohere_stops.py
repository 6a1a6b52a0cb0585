"""Why answers end, in Cohere's words."""

import pytest

from proxy.canonical.answer import StopReason
from proxy.dialects.cohere.stops import parse_stop, render_stop

V2 = {"COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TOOL_CALL", "ERROR", "TIMEOUT"}


@pytest.mark.parametrize(
    ("stop", "word"),
    [("stop", "COMPLETE"), ("length", "MAX_TOKENS"), ("context_window", "MAX_TOKENS"), ("tool_calls", "TOOL_CALL")],
)
def test_an_end_of_another_dialect_is_told_in_a_word_of_the_second_version(stop: StopReason, word: str) -> None:
    assert render_stop(stop, "model_context_window_exceeded") == word
    assert word in V2


def test_a_word_of_the_first_version_stays_what_it_was() -> None:
    assert render_stop(parse_stop("ERROR_LIMIT"), "ERROR_LIMIT") == "ERROR_LIMIT"
