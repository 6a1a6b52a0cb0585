"""Whatever JSON a client sends, the simulated provider reads it or says that it is the client's fault."""

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.simulated.anthropic_wire import AnthropicWire
from proxy.simulated.conversation import InvalidRequestError
from proxy.simulated.model import reply_to
from proxy.simulated.openai_wire import OpenAIWire
from proxy.simulated.script import Script
from proxy.simulated.wire import Envelope

leaves = st.sampled_from([None, True, 0, 5, -1, 1.5, "", "user", "tool", "text", "tool_use", "function", "none", "any"])
KEYS = (
    "role content text type name function parameters input_schema properties required enum tool_calls include_usage url"
)
keys = st.sampled_from(KEYS.split(" "))
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))
names = ["model", "messages", "max_tokens", "tools", "tool_choice", "stream_options", "system", "stream"]
bodies = st.fixed_dictionaries({}, optional=dict.fromkeys(names, anything))
sound = st.just({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]})


@pytest.mark.parametrize("wire", [OpenAIWire(), AnthropicWire()], ids=["openai", "anthropic"])
@given(parts=st.tuples(sound, bodies).map(lambda pair: {**pair[0], **pair[1]}) | bodies)
@example({"model": "m", "max_tokens": 9, "messages": [{"role": []}]})
@settings(max_examples=400)
def test_any_json_is_answered_or_refused(wire, parts):
    try:
        conversation = wire.parse(parts)
    except InvalidRequestError:
        return
    envelope = Envelope("id", "req", 0, conversation, reply_to(conversation, Script()))
    assert orjson.dumps(wire.body(envelope))
    assert b"".join(wire.frames(envelope))
