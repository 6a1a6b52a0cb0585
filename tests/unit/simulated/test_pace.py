"""How fast the simulated answers come."""

from proxy.simulated.pace import pace_of_reply, seconds_of_tool, seconds_of_whole_reply


def test_a_fast_answer_waits_for_nothing():
    assert pace_of_reply("fast", "s", None, 100).whole(100) == 0
    assert seconds_of_tool("fast", "s", None) == 0


def test_a_human_answer_takes_a_breath_and_then_forty_tokens_a_second():
    pace = pace_of_reply("human", "s", None, 100)
    assert 0.4 <= pace.first <= 1.2
    assert pace.between == 1 / 40


def test_the_same_request_takes_the_same_time():
    assert pace_of_reply("human", "s", None, 9) == pace_of_reply("human", "s", None, 9)


def test_a_whole_answer_keeps_nobody_longer_than_four_seconds():
    assert seconds_of_whole_reply("human", "s", None, 5000) == 4.0
    assert seconds_of_whole_reply("human", "s", None, 20) < 2.0


def test_a_scripted_time_is_kept_at_any_speed():
    assert abs(pace_of_reply("fast", "s", 3.0, 50).whole(50) - 3.0) < 0.001
    assert seconds_of_whole_reply("fast", "s", 9.0, 50) == 9.0
    assert seconds_of_tool("fast", "s", 3.0) == 3.0
