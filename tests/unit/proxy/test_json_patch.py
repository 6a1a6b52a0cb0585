import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.stages.render import ask_for_usage
from proxy.wire.json_patch import find_member, replace_member

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text() | st.just("key"), VALUES), VALUES, st.sampled_from([0, orjson.OPT_INDENT_2]))
def test_only_the_one_member_changes(document: dict[str, object], value: object, option: int) -> None:
    body = orjson.dumps(document, option=option)
    patched = replace_member(body, "key", orjson.dumps(value))
    assert list(orjson.loads(patched).items()) == list({**document, "key": value}.items())


@pytest.mark.parametrize(
    ("body", "patched"),
    [
        (b'{"a":1.50,"key" : {"x":[1,"}"]} ,"b":2}', b'{"a":1.50,"key" : 7 ,"b":2}'),
        (b'{"a": {"key": 1}}', b'{"a": {"key": 1},"key":7}'),
        (b'{"a": "\\"key\\":1"}\n', b'{"a": "\\"key\\":1","key":7}\n'),
        (b"{ }", b'{ "key":7}'),
        (b'{"k\\u0065y":1}', b'{"k\\u0065y":7}'),
        (b'{"key":1,"key":2}', b'{"key":1,"key":7}'),
    ],
)
def test_all_other_bytes_stay_as_they_are(body: bytes, patched: bytes) -> None:
    assert replace_member(body, "key", b"7") == patched


def test_a_member_of_an_inner_object_is_not_found() -> None:
    assert find_member(b'{"a":{"key":1},"b":["key"]}', "key") is None


@pytest.mark.parametrize(
    ("options", "sent", "is_stripped"),
    [
        ("", ',"stream_options":{"include_usage":true}', True),
        (',"stream_options":null', ',"stream_options":{"include_usage":true}', True),
        (',"stream_options":{"x":1}', ',"stream_options":{"x":1,"include_usage":true}', True),
        (',"stream_options":{"include_usage":false}', ',"stream_options":{"include_usage":true}', True),
        (',"stream_options":{"include_usage": true}', ',"stream_options":{"include_usage": true}', False),
        (',"stream_options":7', ',"stream_options":7', False),
    ],
)
def test_usage_is_asked_for_and_nothing_else_is_changed(options: str, sent: str, is_stripped: bool) -> None:
    body = f'{{"model":"m", "n":1.0{options}}}'.encode()
    found = orjson.loads(body).get("stream_options")
    assert ask_for_usage(body, found) == (f'{{"model":"m", "n":1.0{sent}}}'.encode(), is_stripped)
