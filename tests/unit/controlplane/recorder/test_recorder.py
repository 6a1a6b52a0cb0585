import pytest

from controlplane.recorder.recorder import Recorder
from controlplane.settings import Settings
from proxy.records import CallParked, CallProgress, Usage
from proxy.spool import SpoolWriter
from tests.fakes.databases import opened
from tests.fakes.recording import SECOND_NS, START_NS, Bench, HandClock, ended, started, write


def test_a_started_call_is_on_the_board_before_it_ends(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, started("c_1"))

    assert bench.recorder().turn() == 1

    assert bench.call("c_1")["outcome"] == ""
    usage = bench.usage()
    assert (usage["live_calls"], usage["substate"], usage["cost_nano_usd"]) == (1, "thinking", 0)
    writer.close()


def test_progress_ticks_the_cost_and_says_that_the_agent_writes(bench: Bench) -> None:
    writer, recorder = bench.writer(), bench.recorder()
    write(writer, started("c_1", is_stream=True), CallProgress("c_1", START_NS + 2 * SECOND_NS, 40, 80))
    recorder.turn()

    usage = bench.usage()
    assert (usage["live_cost_nano_usd"], usage["substate"], usage["cost_nano_usd"]) == (80, "writing", 0)
    seen = bench.control.execute("SELECT r.seen_at_ms, a.seen_at_ms FROM runs r, agents a").fetchone()
    assert seen == ((START_NS + 2 * SECOND_NS) // 1_000_000,) * 2
    writer.close()


def test_a_tool_in_use_is_named(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, started("c_1", kind="tool", model="simulated/fetch_page", dialect="mcp"))
    bench.recorder().turn()
    assert bench.usage()["substate"] == "tool: fetch_page"
    writer.close()


def test_an_ended_call_has_its_final_figures_and_its_body(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, started("c_1"), CallProgress("c_1", START_NS, 40, 80), ended("c_1", body_policy="full"))
    bench.recorder().turn()

    call = bench.call("c_1")
    assert (call["outcome"], call["input_tokens"], call["output_tokens"], call["cost_nano_usd"]) == (
        "ok",
        1000,
        100,
        450,
    )
    assert (call["live_cost_nano_usd"], call["writer"]) == (0, "1-1")
    body = bench.calls.execute("SELECT request, response, policy, kept_until_ns FROM call_bodies").fetchone()
    assert body == ("question", "answer", "full", START_NS + SECOND_NS + 7 * 86_400 * SECOND_NS)
    writer.close()


def test_the_roll_up_is_the_sum_of_the_calls(bench: Bench) -> None:
    writer = bench.writer()
    for number in range(1200):  # more than two batches
        write(writer, started(f"c_{number}"), ended(f"c_{number}", cost_nano_usd=10**12 + number))
    write(writer, started("c_bad"), ended("c_bad", outcome="error", cost_nano_usd=0, status=502))
    write(writer, started("c_tool", kind="tool"), ended("c_tool", cost_nano_usd=0))
    recorder = bench.recorder()
    while recorder.turn(at_once=True):
        pass

    usage = bench.usage()
    assert usage["cost_nano_usd"] == 1200 * 10**12 + sum(range(1200))
    assert (usage["calls"], usage["tool_calls"], usage["errors"], usage["live_calls"]) == (1202, 1, 1, 0)
    writer.close()


def test_a_task_is_told_of_at_most_once_a_second_but_of_the_last_change_always(bench: Bench) -> None:
    writer, recorder = bench.writer(), bench.recorder()
    for number in range(5):
        write(writer, started(f"c_{number}"), ended(f"c_{number}"))
        recorder.turn()
    assert bench.told() == ["t_1"]
    assert bench.usage()["calls"] == 1

    bench.clock.pass_seconds(1)
    recorder.turn()
    recorder.turn()

    assert bench.told() == ["t_1", "t_1"]
    assert bench.usage()["calls"] == 5
    writer.close()


def test_a_run_that_changes_while_another_is_told_stays_due(bench: Bench) -> None:
    writer, recorder = bench.writer(), bench.recorder()
    write(writer, started("c_1"))
    recorder.turn()
    bench.clock.pass_seconds(0.5)
    write(writer, ended("c_1"), started("c_2", run_id="r_2", task_id="t_2"))
    recorder.turn()  # r_2 is told at once, r_1 was told half a second ago

    bench.clock.pass_seconds(0.6)
    recorder.turn()

    assert (bench.usage()["live_calls"], bench.usage()["cost_nano_usd"]) == (0, 450)
    writer.close()


def test_a_call_without_a_run_is_kept_unattributed(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, started("c_1", run_id=None, task_id=None), ended("c_1"))
    bench.recorder().turn()
    assert bench.call("c_1")["task_id"] is None
    assert bench.control.execute("SELECT COUNT(*) FROM run_usage").fetchone() == (0,)
    assert bench.control.execute("SELECT seen_at_ms FROM agents").fetchone() == ((START_NS + SECOND_NS) // 1_000_000,)
    writer.close()


def test_calls_of_a_dead_writer_are_unknown_with_their_bound(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, started("c_1"), ended("c_1"), started("c_2"))
    recorder = bench.recorder()
    recorder.turn()
    assert bench.call("c_2")["outcome"] == ""

    writer.close()  # as the kernel does for a killed process
    recorder.turn()
    recorder.turn(at_once=True)

    assert bench.call("c_1")["outcome"] == "ok"
    assert bench.call("c_2")["outcome"] == "unknown"
    usage = bench.usage()
    assert (usage["unknown_calls"], usage["bound_nano_usd"], usage["cost_nano_usd"], usage["live_calls"]) == (
        1,
        9_000,
        450,
        0,
    )
    assert list(bench.home.spool.iterdir()) == []
    assert bench.calls.execute("SELECT COUNT(*) FROM spool_positions").fetchone() == (0,)


def test_a_living_writer_keeps_its_calls_in_flight_when_its_segment_rolls(bench: Bench) -> None:
    writer = bench.writer(segment_bytes=1000)
    for number in range(20):
        write(writer, started(f"c_{number}"))
        bench.clock.pass_seconds(1)
    recorder = bench.recorder()
    recorder.turn()
    recorder.turn()
    assert {bench.call(f"c_{number}")["outcome"] for number in range(20)} == {""}
    assert len(list((bench.home.spool / "1-1").iterdir())) == 1  # the one that is written

    for number in range(20):
        write(writer, ended(f"c_{number}"))
        bench.clock.pass_seconds(1)
    recorder.turn()
    recorder.turn()
    assert {bench.call(f"c_{number}")["outcome"] for number in range(20)} == {"ok"}
    writer.close()


def test_an_end_in_the_next_segment_waits_for_its_start(bench: Bench) -> None:
    writer = bench.writer(segment_bytes=150_000)
    for number in range(1100):
        write(writer, started(f"c_{number}"))
    bench.clock.pass_seconds(1)
    for number in range(1100):
        write(writer, ended(f"c_{number}"))
    assert len(list((bench.home.spool / "1-1").iterdir())) > 1
    recorder = bench.recorder()
    while recorder.turn():
        pass
    assert bench.calls.execute("SELECT DISTINCT outcome FROM calls").fetchall() == [("ok",)]
    writer.close()


def test_reading_everything_again_changes_nothing(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, started("c_1"), CallProgress("c_1", START_NS, 40, 80), ended("c_1"), started("c_2"))
    write(writer, started("c_3", run_id=None, task_id=None))
    bench.recorder().turn(at_once=True)
    before = bench.calls.execute("SELECT * FROM calls ORDER BY call_id").fetchall(), bench.usage()

    bench.calls.execute("DELETE FROM spool_positions")
    bench.recorder().turn(at_once=True)

    assert (bench.calls.execute("SELECT * FROM calls ORDER BY call_id").fetchall(), bench.usage()) == before
    writer.close()


def test_a_recorder_killed_between_the_two_databases_rolls_up_at_its_next_start(bench: Bench) -> None:
    writer, dying = bench.writer(), bench.recorder()
    write(writer, started("c_1"), ended("c_1"))
    dying.turn()
    write(writer, started("c_2"), ended("c_2"))
    dying.turn()  # calls are written, the roll-up is not due yet: here it dies
    assert bench.usage()["calls"] == 1

    bench.recorder().turn()

    assert bench.usage()["cost_nano_usd"] == 900
    assert bench.calls.execute("SELECT COUNT(*) FROM stale_rollups").fetchone() == (0,)
    writer.close()


def test_a_busy_database_delays_calls_and_loses_none(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    writer, recorder = bench.writer(), bench.recorder()
    write(writer, started("c_1"), ended("c_1"))
    bench.calls.execute("PRAGMA query_only=ON")
    assert recorder.turn() == 0
    assert recorder.turn() == 0
    assert [record.message for record in caplog.records] == ["calls cannot be written; they wait in the spool"]

    bench.calls.execute("PRAGMA query_only=OFF")
    assert recorder.turn() == 2
    assert bench.call("c_1")["outcome"] == "ok"
    writer.close()


def test_a_damaged_record_costs_only_itself(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    writer = bench.writer()
    writer.write(b'{"type":"of_tomorrow"}')
    write(writer, started("c_1"))
    bench.recorder().turn()
    assert bench.call("c_1")["outcome"] == ""
    assert "a record of another version is left out" in caplog.text
    writer.close()


def test_bodies_are_removed_when_their_time_is_over_and_calls_stay(bench: Bench) -> None:
    writer, recorder = bench.writer(), bench.recorder()
    write(writer, started("c_1"), ended("c_1"))
    recorder.turn()
    bench.clock.pass_seconds(8 * 86_400)
    recorder.turn()
    assert bench.calls.execute("SELECT COUNT(*) FROM call_bodies").fetchone() == (0,)
    assert bench.call("c_1")["outcome"] == "ok"
    writer.close()


def test_rows_of_ended_calls_are_handed_on_for_their_spans_after_the_commit(bench: Bench) -> None:
    writer, sent = bench.writer(), []
    write(writer, started("c_1"), ended("c_1"), started("c_2"))
    bench.recorder(send_spans=sent.extend).turn()
    assert sent == [bench.call("c_1")]
    writer.close()


def test_it_writes_into_databases_as_they_are_migrated(settings: Settings) -> None:
    home, clock = settings.home, HandClock()
    writer = SpoolWriter(home.spool / "1-1", clock)
    write(writer, started("c_1"), CallProgress("c_1", START_NS, 40, 80), ended("c_1"))
    with opened(home.calls_database) as calls, opened(home.control_database) as control:
        assert Recorder(home.spool, calls, control, clock, 7).turn() == 3
        assert calls.execute("SELECT outcome FROM calls").fetchall() == [("ok",)]
        assert control.execute("SELECT cost_nano_usd FROM run_usage").fetchall() == [(450,)]
    writer.close()


def test_a_parked_call_is_seen_as_held_and_taken_over_by_its_start(bench: Bench) -> None:
    writer, recorder = bench.writer(), bench.recorder()
    waiting = started("c_1", provider="", cost_bound_nano_usd=0)
    write(writer, CallParked(waiting, "its run is paused"))
    recorder.turn(at_once=True)
    assert (bench.usage()["substate"], bench.usage()["live_calls"]) == ("held", 1)
    assert (bench.call("c_1")["outcome"], bench.call("c_1")["error_code"]) == ("", "run_paused")

    write(writer, started("c_1", at_ns=START_NS + 9 * SECOND_NS))
    recorder.turn(at_once=True)
    call = bench.call("c_1")
    assert (call["error_code"], call["provider"], call["cost_bound_nano_usd"]) == ("", "openai", 9_000)
    assert call["started_at_ns"] == START_NS  # it lasts since it began to wait
    assert bench.usage()["substate"] == "thinking"

    write(writer, ended("c_1"), CallParked(waiting, "read twice"), started("c_1"))
    recorder.turn(at_once=True)
    assert (bench.call("c_1")["outcome"], bench.usage()["calls"]) == ("ok", 1)
    writer.close()


def test_a_call_parked_and_let_go_in_one_batch_has_one_row(bench: Bench) -> None:
    writer = bench.writer()
    waiting = started("c_1", provider="", cost_bound_nano_usd=0)
    write(writer, CallParked(waiting, "its run is paused"), waiting, ended("c_1", outcome="client_left", status=499))
    bench.recorder().turn(at_once=True)
    assert bench.call("c_1")["outcome"] == "client_left"
    assert bench.usage()["calls"] == 1
    writer.close()


def test_a_call_parked_in_a_dead_writer_was_never_asked_and_is_not_unknown(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, CallParked(started("c_1", provider="", cost_bound_nano_usd=0), "frozen"), started("c_2"))
    writer.close()
    bench.recorder().turn(at_once=True)

    parked, asked = bench.call("c_1"), bench.call("c_2")
    assert (parked["outcome"], parked["error_code"], parked["cost_bound_nano_usd"]) == ("refused", "interrupted", 0)
    assert asked["outcome"] == "unknown"
    usage = bench.usage()
    assert (usage["unknown_calls"], usage["bound_nano_usd"], usage["live_calls"]) == (1, 9_000, 0)


def test_what_was_spent_while_waiting_is_summed_apart(bench: Bench) -> None:
    writer, recorder = bench.writer(), bench.recorder()
    write(writer, started("c_1", while_waiting=True), started("c_2"), ended("c_1"), ended("c_2", cost_nano_usd=1000))
    recorder.turn(at_once=True)
    assert bench.call("c_1")["while_waiting"] == 1
    assert (bench.usage()["cost_nano_usd"], bench.usage()["wait_cost_nano_usd"]) == (1450, 450)

    write(writer, started("c_3", while_waiting=True), ended("c_3"))
    recorder.turn(at_once=True)
    assert (bench.usage()["cost_nano_usd"], bench.usage()["wait_cost_nano_usd"]) == (1900, 900)
    writer.close()


def test_a_call_of_a_helper_keeps_whose_it_is(bench: Bench) -> None:
    writer = bench.writer()
    write(writer, started("c_1"), started("c_2", subagent="reader"))
    bench.recorder().turn(at_once=True)
    assert (bench.call("c_1")["subagent"], bench.call("c_2")["subagent"]) == ("", "reader")
    writer.close()


def test_all_that_has_a_price_is_kept_with_the_call(bench: Bench) -> None:
    usage = Usage(
        *range(1, 14),
        billed_nano_usd=77,  # as many counts as there are, each another number
    )
    writer = bench.writer()
    write(
        writer,
        started("c_1"),
        ended("c_1", usage=usage, computed_nano_usd=70, service_tier="flex", cost_parts={"input": 70}),
    )
    bench.recorder().turn(at_once=True)
    call = bench.call("c_1")
    kept = [
        "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "audio_input",
        "audio_output", "image_input", "image_output", "audio_cache_read", "citation",
    ]  # fmt: skip
    assert [call[f"{name}_tokens"] for name in kept] + [call["searches"]] == list(range(1, 14))
    assert (call["billed_nano_usd"], call["computed_nano_usd"], call["service_tier"]) == (77, 70, "flex")
    assert call["cost_parts"] == '{"input":70}'
    writer.close()
