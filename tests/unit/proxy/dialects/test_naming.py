import pytest

from proxy.canonical.events import TextDelta, ToolCallStarted
from proxy.canonical.request import NativeTool, Request, Tool
from proxy.dialects.anthropic.names import fit as fit_for_anthropic
from proxy.dialects.bedrock.names import fit_name as fit_for_bedrock
from proxy.dialects.gemini.names import fit as fit_for_gemini
from proxy.dialects.naming import as_written, unusual_names
from proxy.dialects.openai.names import fit_name as fit_for_openai

FITS = [fit_for_anthropic, fit_for_bedrock, fit_for_gemini, fit_for_openai]
STRANGE = ["files/read", "wetter.für", "a" * 65, "9lives", "a" * 64 + "b"]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("name", STRANGE)
def test_a_name_that_was_fitted_comes_back_as_it_was_written(fit: object, name: str) -> None:
    assert callable(fit)
    request = Request("openai", "m", tools=[Tool("plain"), Tool(name), NativeTool("openai", {})])
    events = [TextDelta(0, "x"), ToolCallStarted(1, "c", fit(name)), ToolCallStarted(2, "d", "plain")]
    names = [event.name for event in as_written(events, unusual_names(request)) if isinstance(event, ToolCallStarted)]
    assert names == [name, "plain"]


def test_usual_names_cost_nothing_on_the_way_back() -> None:
    request = Request("openai", "m", tools=[Tool("get_weather"), Tool("mcp__server__do-it")])
    events = [ToolCallStarted(0, "c", "get_weather")]
    assert unusual_names(request) == {}
    assert as_written(events, {}) is events
