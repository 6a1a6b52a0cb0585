"""Versions of a deliverable with what they cost, late work, uploads, and the difference between two versions."""

from typing import Any

from controlplane.api.views.answers import Moment, NanoUsd, View, iso
from controlplane.commands.uploads import UploadView
from controlplane.diffs import Diff, Fold, Row, RowKind
from controlplane.queries.deliverables import DeliverableView, Effort, LateView, RunOf, VerdictView


class MakerView(View, frozen=True):
    """The run that made it, and what that run has used."""

    run_id: str
    number: int
    state: str
    agent: str
    calls: int
    tool_calls: int
    cost_nano_usd: NanoUsd
    is_simulated: bool


class SaidView(View, frozen=True):
    """What one reviewer said of one version."""

    reviewer_id: str
    reviewer_kind: str
    reviewer_name: str
    verdict: str
    note: str
    at: Moment


class ContentView(View, frozen=True):
    """What is known of a content without reading it. A link's content is its URL."""

    kind: str
    title: str
    name: str
    media_type: str
    language: str
    sha256: str
    size_bytes: int
    submitted_at: Moment
    run: MakerView
    content_url: str


class DeliverableAnswer(ContentView, frozen=True):
    """One version; `verdict` is what became of it, `verdicts` what each reviewer said."""

    version: int
    verdict: str | None
    verdicts: list[SaidView]


class DeliverablesAnswer(View, frozen=True):
    deliverables: list[DeliverableAnswer]
    next_cursor: str | None


class LateAnswer(ContentView, frozen=True):
    """What came after its run had lost the task. `adopted_version` is the version it has become."""

    adopted_version: int | None
    discarded_at: Moment | None


class LateListAnswer(View, frozen=True):
    late: list[LateAnswer]
    next_cursor: str | None


class UploadAnswer(View, frozen=True):
    """How far a file has come; `sha256` is there when all of it is."""

    upload_id: str
    name: str
    media_type: str
    size_bytes: int
    offset: int
    sha256: str | None
    expires_at: Moment


class EffortView(View, frozen=True):
    """What the runs used that led from the one version to the other."""

    runs: int
    calls: int
    cost_nano_usd: NanoUsd


class FieldChangeView(View, frozen=True):
    """A property that differs between the two versions."""

    field: str
    before: str
    after: str


class DiffRowView(View, frozen=True):
    """A line on each side, or on one. Segments are pairs of a text and whether it differs."""

    kind: RowKind
    left: int | None
    right: int | None
    before: list[tuple[str, bool]]
    after: list[tuple[str, bool]]


class HunkView(View, frozen=True):
    """Rows without a gap; `unchanged_before` lines between the hunk before and this one are left out."""

    unchanged_before: int
    rows: list[DiffRowView]


class TextDiffView(View, frozen=True):
    """The lines that differ. `is_coarse`: more may be marked than has changed; `is_cut`: not all rows are here."""

    hunks: list[HunkView]
    unchanged_after: int
    added: int
    removed: int
    remarks: list[str]
    is_coarse: bool
    is_cut: bool


class DiffAnswer(View, frozen=True):
    """`text` is null where one of them is no text: then only `fields` say what differs."""

    version: int
    against: int
    is_same: bool
    fields: list[FieldChangeView]
    text: TextDiffView | None
    effort: EffortView


def deliverable_answer(found: DeliverableView, task_url: str) -> DeliverableAnswer:
    return DeliverableAnswer(
        version=found.version,
        verdict=found.verdict,
        verdicts=[_said(one) for one in found.verdicts],
        **_content(found, f"{task_url}/deliverables/{found.version}/content"),
    )


def late_answer(found: LateView, task_url: str) -> LateAnswer:
    return LateAnswer(
        adopted_version=found.adopted_version,
        discarded_at=iso(found.discarded_at_ms),
        **_content(found, f"{task_url}/late/{found.sha256}/content"),
    )


def upload_answer(view: UploadView) -> UploadAnswer:
    return UploadAnswer(
        upload_id=view.upload_id,
        name=view.name,
        media_type=view.media_type,
        size_bytes=view.size_bytes,
        offset=view.offset,
        sha256=view.sha256,
        expires_at=iso(view.expires_at_ms),
    )


def effort_view(effort: Effort) -> EffortView:
    return EffortView(runs=effort.runs, calls=effort.calls, cost_nano_usd=effort.cost_nano_usd)


def text_diff_view(diff: Diff) -> TextDiffView:
    hunks: list[HunkView] = []
    rows: list[DiffRowView] = []
    unchanged = 0
    for part in diff.parts:
        if isinstance(part, Row):
            rows.append(_row(part))
            continue
        if rows:
            hunks.append(HunkView(unchanged_before=unchanged, rows=rows))
        rows, unchanged = [], part.count
    if rows:
        hunks.append(HunkView(unchanged_before=unchanged, rows=rows))
    ends_folded = bool(diff.parts) and isinstance(diff.parts[-1], Fold)
    return TextDiffView(
        hunks=hunks,
        unchanged_after=unchanged if ends_folded else 0,
        added=diff.added,
        removed=diff.removed,
        remarks=list(diff.remarks),
        is_coarse=diff.is_coarse,
        is_cut=diff.is_cut,
    )


def _row(row: Row) -> DiffRowView:
    return DiffRowView(kind=row.kind, left=row.left, right=row.right, before=list(row.before), after=list(row.after))


def _content(found: DeliverableView | LateView, content_url: str) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in SHARED},
        "submitted_at": iso(found.submitted_at_ms),
        "run": _maker(found.run),
        "content_url": content_url,
    }


SHARED = ("kind", "title", "name", "media_type", "language", "sha256", "size_bytes")


def _maker(run: RunOf) -> MakerView:
    return MakerView(
        run_id=run.run_id,
        number=run.number,
        state=run.state,
        agent=run.agent,
        calls=run.calls,
        tool_calls=run.tool_calls,
        cost_nano_usd=run.cost_nano_usd,
        is_simulated=run.is_simulated,
    )


def _said(said: VerdictView) -> SaidView:
    return SaidView(
        reviewer_id=said.reviewer_id,
        reviewer_kind=said.reviewer_kind,
        reviewer_name=said.reviewer_name,
        verdict=said.verdict,
        note=said.note,
        at=iso(said.at_ms),
    )
