"""Which error an answer of the server means."""

import httpx2
import pytest
from pointsman import InvalidKey, LeaseLost, PointsmanError, RequestRefused, ServerUnreachable
from pointsman.api import parse_problem


def problem(status: int, code: str = "x", **members: object) -> PointsmanError:
    body = {"status": status, "code": code, "detail": "Because.", **members}
    return parse_problem(httpx2.Response(status, json=body, headers={"retry-after": "4"}), "http://here")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "invalid_key", InvalidKey),
        (409, "lease_lost", LeaseLost),
        (403, "run_revoked", LeaseLost),
        (409, "illegal_transition", RequestRefused),
        (404, "not_found", RequestRefused),
        (429, "x", ServerUnreachable),
        (500, "internal", ServerUnreachable),
        (503, "engine_unavailable", ServerUnreachable),
    ],
)
def test_each_answer_has_its_error(status: int, code: str, kind: type[PointsmanError]):
    error = problem(status, code)
    assert type(error) is kind
    assert str(error) == "Because."


def test_a_refusal_keeps_what_the_server_said():
    refusal = problem(409, "dependency_cycle", path=["T-1", "T-2", "T-1"])
    assert isinstance(refusal, RequestRefused)
    assert (refusal.code, refusal.status, refusal.detail["path"]) == ("dependency_cycle", 409, ["T-1", "T-2", "T-1"])


def test_an_unready_server_says_when_to_come_back():
    error = problem(503)
    assert isinstance(error, ServerUnreachable)
    assert error.retry_after_seconds == 4


def test_a_page_of_somebody_else_is_still_one_sentence():
    error = parse_problem(httpx2.Response(404, html="<h1>nginx</h1>"), "http://here")
    assert str(error) == "http://here answered with status 404."


@pytest.mark.parametrize(("code", "is_pointsman"), [("engine_unavailable", True), ("", False)])
def test_a_server_that_asks_for_patience_itself_is_told_from_one_that_is_not_there(code: str, is_pointsman: bool):
    response = httpx2.Response(503, json={"detail": "later", "code": code} if code else {"oops": 1})
    error = parse_problem(response, "http://pointsman.test")
    assert isinstance(error, ServerUnreachable)
    assert error.is_pointsman is is_pointsman
