"""The story hangs together: whoever is named exists, and every script is understood."""

from collections import Counter

import pytest

from controlplane.demo.acting import CIRCLE_SCRIPT
from controlplane.demo.story import CAST, CHAPTERS, Chapter
from proxy.simulated.script import parse_script
from proxy.simulated.tools import TOOLS

CHARACTERS = {character.name: character for character in CAST}
SLUG = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.slug)


@SLUG
def test_a_chapters_agent_is_able_to_do_it(chapter: Chapter):
    assert chapter.needs in CHARACTERS[chapter.agent].capabilities


@SLUG
def test_a_chapter_waits_only_for_earlier_ones(chapter: Chapter):
    earlier = {other.slug for other in CHAPTERS[: CHAPTERS.index(chapter)]}
    assert set(chapter.blockers) <= earlier


@SLUG
def test_a_script_uses_tools_that_exist_and_ends_with_a_whole_text(chapter: Chapter):
    script = parse_script(chapter.script)
    assert {call.name for call in script.tool_calls} <= {tool.name for tool in TOOLS}
    assert (script.is_repeating, script.tokens) == (False, None)  # a length would cut it in the middle of a sentence


def test_only_one_gets_stuck_and_it_asks_for_one_tool_each_time():
    assert [chapter.slug for chapter in CHAPTERS if chapter.gets_stuck] == ["section-3"]
    assert [call.name for call in parse_script(CIRCLE_SCRIPT).tool_calls] == ["search"]


def test_the_stuck_task_holds_others_up():
    assert {chapter.slug for chapter in CHAPTERS if "section-3" in chapter.blockers} == {"section-4", "check-3"}


def test_titles_and_call_signs_are_unique():
    counts = Counter([chapter.title for chapter in CHAPTERS] + [character.call_sign for character in CAST])
    assert counts.most_common(1)[0][1] == 1


def test_the_visitor_finds_a_question_a_mention_and_two_reviews():
    assert len([chapter for chapter in CHAPTERS if chapter.ending == "visitor"]) == 2
    assert len([chapter for chapter in CHAPTERS if chapter.question]) == 1
    assert [chapter.slug for chapter in CHAPTERS if "@admin" in chapter.comment] == ["prices"]
