"""The envelope of a modern MCP request, judged beside the official SDK."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mcp.shared.inbound import (
    InboundLadderRejection,
    classify_inbound_request,
    decode_header_value,
    encode_header_value,
)

from proxy.mcp.envelope import (
    CAPABILITIES_META,
    PROTOCOL_VERSION,
    VERSION_META,
    EnvelopeError,
    McpRequest,
    decode_header,
    parse_request,
    render_error,
)

META = {VERSION_META: PROTOCOL_VERSION, CAPABILITIES_META: {}}
HEADERS = {"mcp-protocol-version": PROTOCOL_VERSION, "mcp-method": "tools/call", "mcp-name": "search"}


def call(**changes) -> dict:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "_meta": META}, **changes}


def refused(body: object, headers: list[tuple[str, str]] | None = None) -> EnvelopeError:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    with pytest.raises(EnvelopeError) as refusal:
        parse_request(raw, list(HEADERS.items()) if headers is None else headers)
    return refusal.value


def test_a_sound_request_is_read_with_its_unknown_fields():
    params = {"name": "search", "arguments": {"query": "x"}, "later": [1], "_meta": META}
    assert parse_request(orjson.dumps(call(params=params)), HEADERS.items()) == McpRequest(1, "tools/call", params)


def test_a_body_that_is_no_single_message_is_refused():
    codes = {body: refused(body).code for body in (b"{", b"\xff")}
    shapes = [[], [call()], "x", call(method=5), call(id=None), call(id=1.5), call(id=True), call(params=[]), {"id": 1}]
    assert set(codes.values()) == {-32700}
    assert {refused(shape).code for shape in shapes} == {-32600}


def test_a_legacy_handshake_is_told_what_is_spoken():
    refusal = refused(call(method="initialize", params={"protocolVersion": "2025-11-25"}), [])
    assert (refusal.code, refusal.status, refusal.request_id) == (-32022, 400, 1)
    assert refusal.data == {"supported": ["2026-07-28"], "requested": "2025-11-25"}


def test_a_routing_header_given_twice_is_refused():
    assert refused(call(), [*HEADERS.items(), ("mcp-name", "search")]).code == -32020


def test_a_notification_needs_only_a_spoken_version():
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    assert parse_request(orjson.dumps(body), [("mcp-protocol-version", PROTOCOL_VERSION)]).is_notification
    assert refused(body, [("mcp-protocol-version", "2025-11-25")]).code == -32022
    assert refused(body, []).code == -32022


def test_an_error_is_rendered_with_the_id_it_answers_and_null_where_there_is_none():
    assert orjson.loads(render_error("a", -32603, "no")) == {
        "jsonrpc": "2.0",
        "id": "a",
        "error": {"code": -32603, "message": "no"},
    }
    assert orjson.loads(render_error(None, -32700, "no", {"k": 1}))["id"] is None


NAMES = ["", "tools/call", "tools/list", "search", "=?base64?c2VhcmNo?=", PROTOCOL_VERSION]
values = st.sampled_from([None, 1, *NAMES])
metas = st.one_of(st.just(META), st.dictionaries(st.sampled_from([VERSION_META, CAPABILITIES_META]), values), values)
bodies = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0"),
        "id": st.just(1),
        "method": st.sampled_from(["tools/call", "tools/list", "resources/read", "prompts/get", "custom/thing"]),
        "params": st.fixed_dictionaries({"_meta": metas}, optional={"name": values, "uri": values}),
    }
)
headers = st.fixed_dictionaries({}, optional={name: st.sampled_from(NAMES) for name in HEADERS})


@given(bodies, headers)
@example(call(), HEADERS)
@example(call(params={"name": "größe", "_meta": META}), {**HEADERS, "mcp-name": encode_header_value("größe")})
@example(
    call(params={"name": "search", "_meta": {**META, VERSION_META: "2099-01-01"}}),
    {**HEADERS, "mcp-protocol-version": "2099-01-01"},
)
def test_every_envelope_is_judged_as_the_official_sdk_judges_it(body, headers):
    theirs = classify_inbound_request(body, headers=headers)
    try:
        parse_request(orjson.dumps(body), headers.items())
        ours = None
    except EnvelopeError as refusal:
        ours = refusal.code
    assert ours == (theirs.code if isinstance(theirs, InboundLadderRejection) else None)


def sentinel(payload: str) -> str:
    return f"=?base64?{payload}?="


# ASCII payloads only: on others the SDK (2.3.0) raises, and the test after this one says what we do.
ascii_text = st.text(st.characters(max_codepoint=127))


@given(st.one_of(st.text().map(encode_header_value), ascii_text, ascii_text.map(sentinel)))
def test_header_values_are_decoded_as_the_official_sdk_decodes_them(value):
    assert decode_header(value) == decode_header_value(value)


def test_a_header_value_in_broken_base64_equals_nothing():
    assert [decode_header(sentinel(payload)) for payload in ("\x80", "a", "/w==", "YR==")] == [None] * 4
