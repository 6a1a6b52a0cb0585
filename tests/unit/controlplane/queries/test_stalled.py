"""What waits behind a task."""

from controlplane.queries.stalled import behind


def test_what_waits_behind_a_task_is_told_once_and_nearest_first() -> None:
    followers = {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": {"e"}}

    assert behind(followers, "a") == ["b", "c", "d", "e"]


def test_a_deep_net_of_tasks_is_walked_once_and_not_once_for_each_way_through_it() -> None:
    depth = 60  # 2**60 ways lead to its end
    followers = {f"{side}{level}": {f"l{level + 1}", f"r{level + 1}"} for level in range(depth) for side in "lr"}

    assert len(behind(followers, "l0")) == 2 * depth
