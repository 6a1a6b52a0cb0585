from typing import Any

import pytest

from proxy.canonical.request import Loss
from proxy.providers.capabilities import unsupported_by, without_unsupported
from proxy.providers.mistral import seed_is_random_seed
from proxy.providers.quirks import developer_is_system, max_tokens_by_its_old_name
from proxy.providers.registry import all_known
from proxy.providers.vertex import model_stands_in_the_path

TURNS = [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (max_tokens_by_its_old_name, {"model": "m", "max_completion_tokens": 9}, {"model": "m", "max_tokens": 9}),
        (max_tokens_by_its_old_name, {"max_completion_tokens": 9, "max_tokens": 5}, {"max_tokens": 5}),
        (max_tokens_by_its_old_name, {"max_completion_tokens": None}, {}),
        (seed_is_random_seed, {"seed": 7}, {"random_seed": 7}),
        (seed_is_random_seed, {"seed": None}, {}),
        (developer_is_system, {"messages": TURNS}, {"messages": [{"role": "system", "content": "be brief"}, TURNS[1]]}),
        (developer_is_system, {"messages": 7}, {"messages": 7}),
        (model_stands_in_the_path, {"model": "m", "a": 1}, {"anthropic_version": "vertex-2023-10-16", "a": 1}),
    ],
)
def test_a_quirk_changes_what_its_name_says(change: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = dict(before)
    assert change(before) == after
    assert before == kept


@pytest.mark.parametrize("known", all_known(), ids=lambda known: known.name)
def test_a_quirk_leaves_a_request_that_is_none_of_its_business(known: Any) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "x": [1]}
    for quirk in known.quirks:
        if quirk.dialect == "openai":
            assert quirk.change(dict(body)) == body


def test_what_a_provider_cannot_do_is_taken_out_and_named() -> None:
    rows = unsupported_by("groq", "openai", "llama")
    body, losses = without_unsupported(rows, {"n": 2, "logit_bias": {"1": 2}, "logprobs": False, "top_p": 1})
    assert body == {"logprobs": False, "top_p": 1}
    assert [loss.name for loss in losses] == ["logit_bias", "n"]
    assert isinstance(losses[0], Loss)


def test_a_value_that_does_no_harm_stays() -> None:
    body = {"n": 1, "logprobs": False}
    assert without_unsupported(unsupported_by("groq", "openai", "llama"), body) == (body, [])


def test_a_row_concerns_its_models_and_its_dialect_only() -> None:
    assert unsupported_by("deepseek", "openai", "deepseek-chat") == ()
    assert unsupported_by("deepseek", "anthropic", "deepseek-reasoner") == ()
    assert "logprobs" in {row.parameter for row in unsupported_by("deepseek", "openai", "deepseek-reasoner")}
    assert unsupported_by("somebody", "openai", "m") == ()
