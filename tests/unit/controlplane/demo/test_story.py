"""The story hangs together: whoever is named exists, and every script is understood."""

from collections import Counter
from itertools import pairwise

import pytest
from croniter import croniter

from controlplane.demo.acting import CIRCLE_SCRIPT
from controlplane.demo.drafts import next_draft
from controlplane.demo.story import CAST, CHAPTERS, RECURRING, Chapter
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


def test_the_visitor_finds_a_question_a_mention_and_three_reviews():
    assert len([chapter for chapter in CHAPTERS if chapter.ending == "visitor"]) == 3
    assert len([chapter for chapter in CHAPTERS if chapter.question]) == 1
    assert [chapter.slug for chapter in CHAPTERS if "@admin" in chapter.comment] == ["prices"]


def test_one_task_needs_the_verdict_of_an_agent_and_of_a_person():
    (chapter,) = [chapter for chapter in CHAPTERS if chapter.reviewers]
    assert (chapter.slug, chapter.reviewers) == ("introduction", ("qa", "@admin"))
    assert chapter.agent not in chapter.reviewers


def test_parts_follow_their_whole_which_waits_for_nobody():
    parts = [chapter for chapter in CHAPTERS if chapter.parent]
    slugs = [chapter.slug for chapter in CHAPTERS]
    assert [chapter.parent for chapter in parts] == ["template", "template"]
    assert all(slugs.index(chapter.parent) < slugs.index(chapter.slug) for chapter in parts)


def test_one_deliverable_comes_in_three_versions_that_are_near_to_each_other():
    (chapter,) = [chapter for chapter in CHAPTERS if chapter.drafts]
    assert len(chapter.drafts) == len(chapter.changes) + 1 == 3
    versions = [None]
    for _ in chapter.drafts:
        versions.append(next_draft(chapter.drafts, versions[-1]))
    assert tuple(versions[1:]) == chapter.drafts
    assert next_draft(chapter.drafts, chapter.drafts[-1]) == chapter.drafts[-1]
    for before, after in pairwise(chapter.drafts):
        shared = set(before.splitlines()) & set(after.splitlines())
        assert 2 < len(shared) < len(after.splitlines())
        assert parse_script(f"[[sim:say {after}]]").say == after


def test_one_task_asks_for_an_approval_and_one_is_held():
    assert [chapter.slug for chapter in CHAPTERS if chapter.approval] == ["price-list"]
    (held,) = [chapter for chapter in CHAPTERS if chapter.hold]
    assert not any(held.slug in chapter.blockers for chapter in CHAPTERS)


def test_the_recurring_tasks_times_are_understood():
    assert croniter.is_valid(RECURRING["cron"])
    assert set(RECURRING["template"]["needs"]) <= set(CHARACTERS["research"].capabilities)
