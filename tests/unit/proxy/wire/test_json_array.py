import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.json_array import ElementCutter, elements, split_elements

VALUES = [{"text": 'a "quoted" \\ word, [not] {a} bracket'}, {"deep": {"list": [{"x": []}, "]"]}}, {"umlaut": "ü 🎉"}]
STREAM = b"[" + b"\n,\r\n".join(orjson.dumps(value, option=orjson.OPT_INDENT_2) for value in VALUES) + b"\n]\n"


def cut(stream: bytes, cuts: list[int]) -> tuple[list[object], bytes, ElementCutter]:
    cutter, found, passed, start = ElementCutter(), [], b"", 0
    for end in [*sorted(cuts), len(stream)]:
        block = cutter.feed(stream[start:end])
        found.extend(orjson.loads(elements(block)))
        passed, start = passed + block, end
    return found, passed + cutter.close(), cutter


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_an_array_cut_anywhere_gives_the_same_elements_and_passes_unchanged(cuts: list[int]) -> None:
    found, passed, cutter = cut(STREAM, cuts)
    assert (found, passed) == (VALUES, STREAM)
    assert cutter.is_complete


def test_byte_by_byte_each_element_comes_as_soon_as_it_is_whole() -> None:
    cutter, seen = ElementCutter(), []
    for index in range(len(STREAM)):
        if block := cutter.feed(STREAM[index : index + 1]):
            seen.extend(orjson.loads(elements(block)))
            assert block.rstrip().endswith((b"}", b"]"))
    assert seen == VALUES


def test_an_array_without_its_end_is_not_complete_and_keeps_its_half() -> None:
    cutter = ElementCutter()
    assert cutter.feed(b'[{"a":1},\r\n{"b":') == b'[{"a":1}'
    assert cutter.close() == b',\r\n{"b":'
    assert not cutter.is_complete


def test_an_object_that_stands_alone_is_an_element() -> None:
    assert cut(b' {"error": {"code": 400}}\n', [3, 9])[:2] == (
        [{"error": {"code": 400}}],
        b' {"error": {"code": 400}}\n',
    )


def test_an_empty_array_is_complete_and_holds_nothing() -> None:
    found, passed, cutter = cut(b"[ ]", [1])
    assert (found, passed, cutter.is_complete) == ([], b"[ ]", True)


def test_a_block_is_split_where_one_of_its_elements_cannot_be_read() -> None:
    assert split_elements(b'[{"a":1},\r\n{"b":tru},{"c":"}"}]') == [b'{"a":1}', b'{"b":tru}', b'{"c":"}"}']
    assert split_elements(b',{"a":1}') == [b'{"a":1}']
