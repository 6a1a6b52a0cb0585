"""One example of each answer, made of the same classes: what OpenAPI and the reference page show."""

from collections.abc import Mapping
from typing import Any

from controlplane.api.views import agents, deliverables, insight, recurring, runs, tasks, workspace
from controlplane.api.views.answers import View
from controlplane.api.views.example_task import (
    AGENT_ID,
    ANNA,
    AT,
    CRITIC,
    LATER,
    NEXT,
    OTHER,
    OTHER_ID,
    RUN_ID,
    SHA256,
    TASK,
    TASK_ID,
    TEXT,
)
from controlplane.diffs import RowKind
from controlplane.domain.state import TaskStatus

AGENT = agents.AgentView(
    agent_id=AGENT_ID,
    name="drafty",
    call_sign="DRF",
    kind="external",
    template="writer",
    capabilities=["writing"],
    max_concurrency=2,
    is_paused=False,
    pause_reason="",
    is_frozen=False,
    is_simulated=False,
    created_at=AT,
    seen_at=LATER,
    retired_at=None,
)
TEMPLATE = agents.TemplateView(
    name="writer",
    description="Writes texts for people.",
    capabilities=["writing"],
    max_concurrency=1,
    is_built_in=True,
)
NOTE = agents.NoteView(
    note_id="n_01JD3Z6Y7Q",
    kind="review",
    task_id=TASK_ID,
    ref="T-12",
    version=1,
    text="Review version 1.",
    created_at=LATER,
)
KEY = agents.KeyView(
    key_id="k_01JD3Z6Y7Q",
    kind="agent",
    agent="drafty",
    name="laptop",
    tail="x7Qd",
    created_at=AT,
    revoked_at=None,
)
TEAM = workspace.TeamView(handle="qa", name="Quality", members=[ANNA, CRITIC])
FREEZE = workspace.FreezeView(
    scope="task", subject="T-12", subject_id=TASK_ID, reason="It deletes things.", by="Anna", at=LATER, tasks=3
)
INCIDENT = workspace.IncidentView(
    incident_id="i_01JD3Z6Y7Q",
    kind="agents_lost",
    text="4 agents fell silent within two minutes.",
    run_ids=[RUN_ID],
    started_at=AT,
    updated_at=LATER,
    ended_at=None,
)
NOTICE = workspace.NoticeView(
    notice_id="n_01JD3Z6Y7Q",
    kind="review",
    text="Version 1 waits for your review.",
    task_id=TASK_ID,
    ref="T-12",
    title="Write the release notes",
    created_at=LATER,
    seen_at=None,
)
STALLED = workspace.StalledView(
    task_id=OTHER_ID,
    ref="T-11",
    title="Collect the figures",
    status="in_review",
    signal="human",
    tasks_behind=["T-12", "T-14"],
    agents_behind=["drafty"],
    spent_behind_nano_usd=41_300_000,
    waiting_nano_usd=0,
)
ACTIVITY = insight.ActivityView(at=AT, kind="task_created", actor=ANNA)
COMMENT = insight.CommentView(comment_id="cm_01JD3Z6Y7Q", author=ANNA, text="Is this what you meant?", created_at=LATER)
CALL = insight.CallView(
    call_id="c_01JD3Z6Y7Q",
    kind="model",
    run_id=RUN_ID,
    provider="openai",
    model="gpt-5-mini",
    endpoint="/v1/chat/completions",
    outcome="ok",
    status=200,
    error_code="",
    is_stream=True,
    is_simulated=False,
    while_waiting=False,
    after_revocation=False,
    subagent="",
    input_tokens=3400,
    cache_read_tokens=1200,
    output_tokens=420,
    reasoning_tokens=0,
    cost_nano_usd=2_950_000,
    cost_bound_nano_usd=0,
    total_us=2_140_000,
    started_at=AT,
    ended_at="2026-11-21T09:00:02.140Z",
)
REASON = insight.ReasonView(code="blocked", sentence="It waits for T-11, which is in review.", refs=["T-11"])
COSTS = insight.TaskCostsView(
    total_nano_usd=41_300_000,
    failed_nano_usd=9_100_000,
    waiting_nano_usd=0,
    bound_nano_usd=0,
    runs=2,
    calls=14,
    unknown_calls=0,
)
HANDOFF = insight.HandoffView(
    task_id=TASK_ID,
    ref="T-12",
    goal="Write the release notes",
    brief="For 2.4, for people who run it.",
    earlier=[insight.EarlierRunView(number=1, agent="sleepy", state="lost", reason="fell silent", ended_at=LATER)],
    latest=insight.LatestWorkView(
        version=1, kind="markdown", title="Release notes 2.4", sha256=SHA256, size_bytes=1804, excerpt=TEXT
    ),
    decisions=[insight.DecisionView(kind="answer", asked="Which tone?", said="calm", by="Anna", at=LATER)],
    open_questions=["Does it mention the migration?"],
    checkpoint=insight.SavedStateView(
        run_id=RUN_ID, sha256=SHA256, size_bytes=512, note="Three of five chapters.", at=LATER
    ),
    tool_results=[
        insight.ToolResultView(call_id="c_01JD3Z6Y7R", label="search", tool="search", excerpt="3 pages", at=LATER)
    ],
    costs=COSTS,
)
MAKER = deliverables.MakerView(
    run_id=RUN_ID,
    number=1,
    state="submitted",
    agent="drafty",
    calls=14,
    tool_calls=3,
    cost_nano_usd=41_300_000,
    is_simulated=False,
)
CONTENT: dict[str, Any] = {
    "kind": "markdown",
    "title": "Release notes 2.4",
    "name": "",
    "media_type": "text/markdown",
    "language": "",
    "sha256": SHA256,
    "size_bytes": 1804,
    "submitted_at": LATER,
    "run": MAKER,
}
DELIVERABLE = deliverables.DeliverableAnswer(
    version=1,
    verdict="request_changes",
    verdicts=[
        deliverables.SaidView(
            reviewer_id=ANNA.id,
            reviewer_kind="person",
            reviewer_name="Anna",
            verdict="request_changes",
            note="Shorter, please.",
            at=LATER,
        )
    ],
    content_url="/api/v1/tasks/T-12/deliverables/1/content",
    **CONTENT,
)
LATE = deliverables.LateAnswer(
    adopted_version=None, discarded_at=None, content_url=f"/api/v1/tasks/T-12/late/{SHA256}/content", **CONTENT
)
RECURRING = recurring.RecurringView(
    recurring_id="rec_01JD3Z6Y7Q",
    title="Weekly report",
    cron="0 9 * * 1",
    time_zone="Europe/Berlin",
    template={"priority": 2},
    overlap="skip",
    is_paused=False,
    created_by="Anna",
    created_at=AT,
    deleted_at=None,
)
OCCURRENCE = recurring.OccurrenceView(due_at=AT, outcome="ran", reason="", task=OTHER)

EXAMPLES: Mapping[type[View], View] = {
    type(view): view
    for view in (
        TASK,
        tasks.TaskPage(tasks=[TASK], next_cursor=NEXT),
        AGENT,
        agents.AgentPage(agents=[AGENT], next_cursor=None),
        TEMPLATE,
        agents.TemplatePage(templates=[TEMPLATE], next_cursor=None),
        agents.NotePage(notes=[NOTE], next_cursor=None),
        agents.NewKeyView(key="pm_agent_0Zr…", kind="agent", agent="drafty", name="laptop"),
        agents.KeyPage(keys=[KEY], next_cursor=None),
        TEAM,
        workspace.TeamPage(teams=[TEAM], next_cursor=None),
        workspace.CandidatesView(
            candidates=[workspace.CandidateView(handle="anna", name="Anna", kind="person", detail="")]
        ),
        workspace.PreviewView(people=[ANNA], agents=[CRITIC], teams=[TEAM], unknown=["nobody"]),
        workspace.FrozenView(task_ids=[TASK_ID]),
        workspace.FreezePage(freezes=[FREEZE], next_cursor=None),
        workspace.IncidentPage(incidents=[INCIDENT], next_cursor=None),
        workspace.NoticePage(notices=[NOTICE], next_cursor=None),
        workspace.StalledPage(stalled=[STALLED], next_cursor=None),
        insight.ActivityPage(activity=[ACTIVITY], next_cursor=NEXT),
        insight.CommentPage(comments=[COMMENT], next_cursor=None),
        insight.CommentedView(comment_id="cm_01JD3Z6Y7Q"),
        insight.CallPage(calls=[CALL], next_cursor=None),
        COSTS,
        insight.WhyView(reasons=[REASON]),
        insight.ChainView(
            links=[
                insight.LinkView(
                    task_id=TASK_ID,
                    ref="T-12",
                    title=TASK.title,
                    status=TaskStatus.READY,
                    depth=0,
                    waits_for=[OTHER],
                    is_leaf=False,
                ),
                insight.LinkView(
                    task_id=OTHER_ID,
                    ref="T-11",
                    title="Collect the figures",
                    status=TaskStatus.IN_REVIEW,
                    depth=1,
                    waits_for=[],
                    is_leaf=True,
                ),
            ]
        ),
        HANDOFF,
        runs.OfferView(
            task=TASK,
            run=runs.GrantView(
                run_id=RUN_ID, number=2, epoch=2, key="pm_run_r_01JD3Z…", lease_ttl_seconds=60.0, beat_seconds=15.0
            ),
            gateway_url="http://127.0.0.1:8787",
            review_note="Shorter, please.",
            previous_version_text=TEXT,
            comments=[runs.SaidHereView(author="Anna", text="Is this what you meant?", created_at=LATER)],
        ),
        runs.BeatView(lease="held", directives=[runs.DirectiveView(kind="nudge", text="The numbers are in the wiki.")]),
        runs.ReceiptView(version=1),
        runs.DoneView(),
        runs.AskedView(question_id="q_1"),
        runs.AnswerView(answer="calm", outcome="answered"),
        runs.CheckpointView(
            run_id=RUN_ID,
            sha256=SHA256,
            size_bytes=512,
            note="Three of five chapters.",
            at=LATER,
            state={"chapter": 3},
        ),
        runs.KeptView(sha256=SHA256),
        runs.ObstacleView(question_id=None),
        DELIVERABLE,
        deliverables.DeliverablesAnswer(deliverables=[DELIVERABLE], next_cursor=None),
        deliverables.LateListAnswer(late=[LATE], next_cursor=None),
        deliverables.DiffAnswer(
            version=2,
            against=1,
            is_same=False,
            fields=[deliverables.FieldChangeView(field="title", before="Notes", after="Release notes 2.4")],
            text=deliverables.TextDiffView(
                hunks=[
                    deliverables.HunkView(
                        unchanged_before=2,
                        rows=[
                            deliverables.DiffRowView(
                                kind=RowKind.REPLACE,
                                left=3,
                                right=3,
                                before=[("several may review ", False), ("a", True), (" task", False)],
                                after=[("several may review ", False), ("one", True), (" task", False)],
                            )
                        ],
                    )
                ],
                unchanged_after=0,
                added=1,
                removed=1,
                remarks=[],
                is_coarse=False,
                is_cut=False,
            ),
            effort=deliverables.EffortView(runs=1, calls=14, cost_nano_usd=41_300_000),
        ),
        deliverables.UploadAnswer(
            upload_id="up_01JD3Z6Y7Q",
            name="report.pdf",
            media_type="application/pdf",
            size_bytes=48_213,
            offset=48_213,
            sha256=SHA256,
            expires_at="2026-11-22T10:30:00.000Z",
        ),
        RECURRING,
        recurring.RecurringPage(recurring=[RECURRING], next_cursor=None),
        OCCURRENCE,
        recurring.OccurrencePage(occurrences=[OCCURRENCE], next_cursor=None),
    )
}
