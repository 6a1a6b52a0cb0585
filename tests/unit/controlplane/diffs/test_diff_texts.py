"""A diff tells the truth about any two texts, in bounded work, and reads well for the usual ones."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.diffs import Diff, Fold, InlineRow, Row, RowKind, diff_texts, inline_rows, text_of
from controlplane.diffs.lines import split_lines
from controlplane.diffs.words import tokens_of

LINE = st.text(st.sampled_from("ab \t}é漢\u2028\u0301"), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
TEXT = st.lists(st.tuples(LINE, ENDS), max_size=30).map(lambda lines: "".join(a + b for a, b in lines))
TEXTS = st.one_of(TEXT, st.text(max_size=200), st.builds("{}{}".format, TEXT, LINE))


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and what became of it by a few edits."""
    lines = draw(st.lists(LINE, min_size=1, max_size=60))
    after = list(lines)
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(after)))
        after[place : place + draw(st.integers(0, 3))] = draw(st.lists(LINE, max_size=3))
    return "\n".join(lines), "\n".join(after)


def joined(segments) -> str:
    return "".join(segment.text for segment in segments)


def applied(diff: Diff, left: str) -> list[str]:
    """The right side's lines, from the left side's and the rows alone."""
    before, after = split_lines(left).texts, []
    if not diff.parts:
        return list(before)
    for part in diff.parts:
        if isinstance(part, Fold):
            after += before[part.left - 1 : part.left - 1 + part.count]
        elif part.right is not None:
            after.append(joined(part.after))
    return after


def check(diff: Diff, left: str, right: str) -> None:
    before, after = split_lines(left).texts, split_lines(right).texts
    assert applied(diff, left) == list(after)
    numbers_left, numbers_right = [], []
    for part in diff.parts:
        if isinstance(part, Fold):
            numbers_left += range(part.left, part.left + part.count)
            numbers_right += range(part.right, part.right + part.count)
            continue
        numbers_left += [part.left] if part.left else []
        numbers_right += [part.right] if part.right else []
        if part.left is not None:
            assert joined(part.before) == before[part.left - 1]
        if part.kind is RowKind.EQUAL:
            assert part.before == part.after
    if diff.parts:
        assert numbers_left == list(range(1, len(before) + 1))
        assert numbers_right == list(range(1, len(after) + 1))


@given(TEXTS, TEXTS)
def test_the_rows_applied_to_the_left_give_the_right(left, right):
    check(diff_texts(left, right), left, right)


@given(edited())
def test_the_rows_of_an_edited_text_applied_to_it_give_the_edit(pair):
    left, right = pair
    diff = diff_texts(left, right)
    check(diff, left, right)
    assert diff.removed <= len(split_lines(left).texts)
    assert not diff.is_coarse


@given(TEXTS)
def test_the_same_text_twice_has_no_change(text):
    assert diff_texts(text, text) == Diff((), 0, 0)
    assert diff_texts(text, text).is_same


@given(TEXTS, TEXTS)
def test_different_texts_are_never_called_the_same(left, right):
    assert diff_texts(left, right).is_same is (left == right)


@given(edited())
def test_below_each_other_are_the_same_lines_as_side_by_side(pair):
    left, right = pair
    diff = diff_texts(left, right)
    rows = list(inline_rows(diff.parts))
    assert sorted(row.left for row in rows if isinstance(row, InlineRow) and row.left) == [
        part.left for part in diff.parts if isinstance(part, Row) and part.left
    ]
    assert [row for row in rows if isinstance(row, Fold)] == [part for part in diff.parts if isinstance(part, Fold)]
    came = [joined(row.segments) for row in rows if isinstance(row, InlineRow) and row.kind is RowKind.INSERT]
    assert came == [joined(p.after) for p in diff.parts if isinstance(p, Row) and p.kind in {"insert", "replace"}]


@given(st.text())
def test_lines_joined_again_are_the_text(text):
    lines = split_lines(text)
    assert "".join(line + end for line, end in zip(lines.texts, lines.ends, strict=True)) == text


@given(st.text())
def test_words_joined_again_are_the_line(text):
    assert "".join(tokens_of(text)) == text


def rows_of(diff: Diff) -> list[tuple]:
    """Short, for comparing: changed words in brackets."""

    def shown(segments) -> str:
        return "".join(f"[{text}]" if is_changed else text for text, is_changed in segments)

    return [
        ("fold", part.count) if isinstance(part, Fold) else (part.kind.value, shown(part.before), shown(part.after))
        for part in diff.parts
    ]


def test_a_changed_word_is_marked_within_its_line():
    diff = diff_texts("The cat sat.\n", "The dog sat.\n")
    assert rows_of(diff) == [("replace", "The [cat] sat.", "The [dog] sat.")]
    assert (diff.added, diff.removed) == (1, 1)


def test_a_stretch_that_is_the_same_is_folded_but_for_three_lines_around_a_change():
    left = [f"line {n}" for n in range(100)]
    right = [*left[:50], "new", *left[50:]]
    diff = diff_texts("\n".join(left), "\n".join(right))
    assert [part if isinstance(part, Fold) else part.kind.value for part in diff.parts] == [
        Fold(47, 1, 1),
        *["equal"] * 3,
        "insert",
        *["equal"] * 3,
        Fold(47, 54, 55),
    ]


def test_a_single_line_is_not_folded():
    left = "a\n1\n2\n3\n4\n5\n6\n7\nb"
    diff = diff_texts(left, left.replace("a", "x").replace("b", "y"))
    assert [row[0] for row in rows_of(diff)] == [
        "delete", "insert", *["equal"] * 7, "delete", "insert",
    ]  # fmt: skip


def test_a_line_before_a_changed_one_does_not_hide_what_changed_in_it():
    left = "Agents claim tasks and keep their leases.\n"
    right = "A new first paragraph about something else entirely.\nAgents claim tasks and keep all leases.\n"
    assert rows_of(diff_texts(left, right)) == [
        ("insert", "", "[A new first paragraph about something else entirely.]"),
        ("replace", "Agents claim tasks and keep [their] leases.", "Agents claim tasks and keep [all] leases."),
    ]


def test_a_paragraph_is_not_torn_from_what_became_of_it_by_an_empty_line():
    left = "# Report\n\nCalls are held back while a task is frozen,\nand the caller waits.\n\n- one\n"
    right = left.replace("# Report\n", "# Report\n\nA new paragraph with other words.\n").replace("held back", "parked")
    assert rows_of(diff_texts(left, right)) == [
        ("equal", "# Report", "# Report"),
        ("equal", "", ""),
        ("insert", "", "[A new paragraph with other words.]"),
        ("insert", "", ""),
        ("replace", "Calls are [held back] while a task is frozen,", "Calls are [parked] while a task is frozen,"),
        ("equal", "and the caller waits.", "and the caller waits."),
        ("equal", "", ""),
        ("equal", "- one", "- one"),
    ]


def test_lines_with_little_in_common_are_not_paired():
    assert [row[0] for row in rows_of(diff_texts("alpha beta gamma", "one two three"))] == ["delete", "insert"]


def test_words_of_unspaced_scripts_are_marked_by_the_character():
    assert rows_of(diff_texts("漢字を読む", "漢字を書く")) == [("replace", "漢字を[読む]", "漢字を[書く]")]


def test_an_accent_stays_with_its_letter():
    assert tokens_of("cafe\u0301 👩\u200d🚀!") == ["cafe\u0301", " ", "👩\u200d🚀", "!"]


def test_changed_words_beside_each_other_are_one_mark():
    (row,) = rows_of(diff_texts("we go to the old house now", "we go to the new home now"))
    assert row == ("replace", "we go to the [old house] now", "we go to the [new home] now")


def test_other_line_ends_alone_change_no_line_but_are_told():
    diff = diff_texts("a\nb\n", "a\r\nb\r\n")
    assert (diff.added, diff.removed, diff.is_same) == (0, 0, False)
    assert diff.remarks == ("Line ends changed from LF to CRLF.",)


@pytest.mark.parametrize(
    ("left", "right", "remark"),
    [
        ("a", "a\n", "The last line had no line end; now it has one."),
        ("a\n", "a", "The last line has no line end any more."),
    ],
)
def test_a_missing_end_of_the_last_line_is_told(left, right, remark):
    assert diff_texts(left, right).remarks == (remark,)


@pytest.mark.parametrize(
    ("left", "right", "kind"), [("", "a\n", "insert"), ("a\n", "", "delete"), ("", "\n", "insert")]
)
def test_from_nothing_and_to_nothing(left, right, kind):
    diff = diff_texts(left, right)
    assert [row[0] for row in rows_of(diff)] == [kind]


def test_what_is_no_text_is_not_compared_as_text():
    assert text_of(b"\x89PNG\r\n\x1a\n\x00") is None
    assert text_of(b"\xff\xfe\x41") is None
    assert text_of("é".encode()) == "é"
    assert text_of(b"x" * (5 * 1024 * 1024 + 1)) is None


def large(kind: str) -> tuple[str, str]:
    lines = [f"{n} the quick brown fox {n * 7919 % 1009}" for n in range(50_000)]
    if kind == "every tenth line":
        return "\n".join(lines), "\n".join(f"{line} changed" if n % 10 == 0 else line for n, line in enumerate(lines))
    if kind == "everything":
        return "\n".join(lines), "\n".join(line[::-1] for line in lines)
    if kind == "reversed":
        return "\n".join(lines), "\n".join(reversed(lines))
    if kind == "two lines again and again":
        return "a\nb\n" * 25_000, "b\na\na\n" * 17_000
    if kind == "the same lines shuffled":
        few = [f"{n * 31 % 97}" for n in range(50_000)]
        return "\n".join(few), "\n".join(sorted(few))
    if kind == "one line of five megabytes":
        return "word and " * 550_000, "word or " * 550_000
    if kind == "five long lines":
        return "\n".join("ab c" * 250_000 for _ in range(5)), "\n".join("ab d" * 250_000 for _ in range(5))
    assert kind == "five million line ends"
    return "\n" * 5_000_000, "\r\n" * 2_500_000


KINDS = (
    "every tenth line", "everything", "reversed", "two lines again and again", "the same lines shuffled",
    "one line of five megabytes", "five long lines", "five million line ends",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_large_texts_are_answered_in_bounded_time(kind):
    left, right = large(kind)
    began = time.process_time()
    diff = diff_texts(left, right)
    assert time.process_time() - began < 10  # a few seconds of one core at most; a cubic search would take hours
    assert len(diff.parts) <= 5_000
    if diff.is_coarse:
        assert "too much" in " ".join(diff.remarks)


def test_many_small_changes_in_a_large_text_are_all_found():
    left, right = large("every tenth line")
    diff = diff_texts(left, right, max_parts=10**9)
    assert (diff.added, diff.removed) == (5_000, 5_000)
    check(diff, left, right)


def test_a_long_diff_is_cut_off_and_says_so():
    diff = diff_texts("", "\n".join(map(str, range(100))), max_parts=10)
    assert (len(diff.parts), diff.is_cut, diff.added) == (10, True, 100)
    assert "first part" in diff.remarks[0]


@settings(max_examples=25, deadline=None)
@given(edited(), st.integers(0, 300))
def test_with_any_budget_the_rows_still_tell_the_truth(pair, steps):
    from controlplane.diffs.matching import Budget, find_changes
    from controlplane.diffs.pairing import realign
    from controlplane.diffs.rows import make_parts

    left, right = pair
    before, after, budget = split_lines(left).texts, split_lines(right).texts, Budget(steps)
    changes = realign(before, after, find_changes(before, after, budget), budget)
    check(Diff(tuple(make_parts(before, after, changes, budget)), 0, 0), left, right)
