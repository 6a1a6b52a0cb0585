import pytest

from proxy.wire.trace import kept_traceparent

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("given", [GIVEN, "01" + GIVEN[2:] + "-more", "cc" + GIVEN[2:] + "-"])
def test_a_traceparent_of_this_and_of_later_versions_is_kept_as_it_came(given: str) -> None:
    assert kept_traceparent(given) == given


@pytest.mark.parametrize(
    "given", [None, 7, "", "x", GIVEN.upper(), GIVEN[:-1], GIVEN + "1", GIVEN + "-\n", GIVEN + "-" + "x" * 101]
)
def test_anything_else_is_as_if_it_had_not_been_sent(given: object) -> None:
    assert kept_traceparent(given) == ""
