from proxy.memo import keep


def test_a_memo_forgets_everything_when_it_is_full() -> None:
    memo: dict[str, int] = {}
    assert [keep(memo, "a", 1, 2), keep(memo, "b", 2, 2)] == [1, 2]
    assert memo == {"a": 1, "b": 2}
    assert keep(memo, "c", 3, 2) == 3
    assert memo == {"c": 3}
