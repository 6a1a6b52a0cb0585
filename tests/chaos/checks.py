"""The five questions of a chaos run, each answered by one line with figures, and by the rows that prove a no."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.chaos.evidence import Evidence, Moment, Row, replayed
from tests.chaos.graph import Node
from tests.chaos.ledger import Accepted, Ledger

FACTS = ("needs_human", "is_blocked", "is_claimable", "holds", "question", "agent_id", "run_id", "run_state")
SHOWN = 12  # rows of evidence for one finding; there may be hundreds of one kind


@dataclass
class Finding:
    """One question, answered. It is well when nothing speaks against it."""

    name: str
    text: str = ""
    against: list[str] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        return not self.against

    def __str__(self) -> str:
        lines = [f"  {'✓' if self.is_ok else '✗'} {self.name:<10}{self.text}"]
        lines += [f"      {one}" for one in self.against[:SHOWN]]
        if len(self.against) > SHOWN:
            lines.append(f"      … and {len(self.against) - SHOWN} more")
        return "\n".join(lines)


def check_tasks(found: Evidence, nodes: tuple[Node, ...], task_ids: dict[int, str]) -> Finding:
    """Every task ended in the right state, once, and none began before what it waited for was done."""
    finding = Finding("tasks")
    lives = _lives(found, finding)
    ends: Counter[str] = Counter()
    for node in nodes:
        task_id = task_ids.get(node.number, "")
        row, life = found.tasks.get(task_id), lives.get(task_id, [])
        if row is None or not life:
            finding.against.append(f"{node.title} ({task_id or 'never made'}) is not there")
            continue
        ends[row["status"]] += 1
        finding.against += _wrong_end(node, row, life)
        blockers = [lives.get(task_ids.get(one, ""), []) for one in node.all_blockers]
        finding.against += _too_early(row, life, blockers)
    strangers = set(found.tasks) - set(task_ids.values())
    finding.against += [f"nobody made {found.tasks[task_id]['title']!r} ({task_id})" for task_id in sorted(strangers)]
    runs = Counter(row["state"] for row in found.runs.values())
    told = ", ".join(f"{count} {state}" for state, count in sorted(ends.items()))
    how = ", ".join(f"{count} {state}" for state, count in runs.most_common())
    finding.text = f"{sum(ends.values())} of {len(nodes)} ended ({told}); {len(found.runs)} runs: {how}"
    return finding


def _lives(found: Evidence, finding: Finding) -> dict[str, list[Moment]]:
    lives = {}
    for task_id, rows in found.events.items():
        try:
            lives[task_id] = replayed(rows)
        except (LookupError, TypeError, ValueError) as fault:  # what the product itself could not read again
            finding.against.append(f"the activity of {task_id} cannot be replayed: {fault!r}")
    return lives


def _wrong_end(node: Node, row: Row, life: list[Moment]) -> Iterable[str]:
    name = f"T-{row['number']} {row['task_id']}"
    wanted = "cancelled" if node.is_called_off else "done"
    if row["status"] != wanted:
        facts = {fact: row[fact] for fact in FACTS if row.get(fact)}
        yield f"{name} is {row['status']}, not {wanted}: {facts or 'no reason is said'}"
    closings = [moment for moment in life if moment.is_closing]
    if len(closings) != 1:
        yield f"{name} was closed {len(closings)} times: {[moment.row['revision'] for moment in closings]}"
    told = life[-1].after
    kept = json.loads(row["state_json"])
    for what in ("status", "epoch", "run_count"):
        if str(getattr(told, what)) != str(kept[what]):
            yield f"{name}: its activity tells {what} {getattr(told, what)}, its row says {kept[what]}"
    if told.live_run is not None:
        yield f"{name} is over, but run {told.live_run.run_id} is not"


def _too_early(row: Row, life: list[Moment], blockers: list[list[Moment]]) -> Iterable[str]:
    done_at = [moment.row["at_ms"] for one in blockers for moment in one if moment.is_closing]
    for moment in life:
        if moment.row["kind"] != "run_started":
            continue
        name = f"T-{row['number']} {row['task_id']} revision {moment.row['revision']}"
        if moment.before is not None and moment.before.is_blocked:
            yield f"{name} began while it waited for {moment.before.open_blockers}"
        if len(done_at) < len(blockers) or any(at_ms > moment.row["at_ms"] for at_ms in done_at):
            yield f"{name} began at {moment.row['at_ms']}, its blockers were done at {done_at}"


def check_commands(found: Evidence, ledger: Ledger, refusals: list[str]) -> Finding:
    """What was accepted stands in the activity once, no command id acted twice, no revision is missing."""
    finding = Finding("commands")
    people, agents = ledger.entries, ledger.of_agents()
    finding.against += [f"a legal command was refused: {refusal}" for refusal in refusals]
    accepted = people + agents
    for entry in accepted:
        finding.against += _not_once(found, entry)
    finding.against += _miscounted(found, [entry for entry in people if not entry.mark])
    ids: dict[tuple[str, str], set[int]] = {}  # the system says one id to several tasks
    for task_id, rows in found.events.items():
        finding.against += _gaps(found.tasks.get(task_id), rows)
        for row in rows:
            ids.setdefault((task_id, row["command_id"]), set()).add(row["revision"])
    for (task_id, command_id), revisions in ids.items():
        if len(revisions) > 1 or not command_id:
            finding.against.append(f"command {command_id or '(no id)'} acted on {task_id} at {sorted(revisions)}")
    finding.text = (
        f"{len(accepted)} accepted ({len(people)} of people, {len(agents)} of agents), "
        f"{len(ids)} command ids in the activity, one revision each"
    )
    return finding


def _not_once(found: Evidence, entry: Accepted) -> Iterable[str]:
    where = found.comments if entry.kind == "comment" else found.events.get(entry.task_id, [])
    if entry.mark:
        hits = {(row.get("revision"), row.get("comment_id")) for row in where if entry.mark in _words(row)}
    elif entry.run_id:
        is_it = [row for row in where if row["kind"] == entry.kind and entry.run_id in _words(row)]
        hits = {(row["revision"], None) for row in is_it}
    else:
        return
    if len(hits) != 1:
        yield f"{entry.by}: {entry.kind} on {entry.task_id} {entry.run_id} {entry.mark!r} is there {len(hits)} times"


def _words(row: Row) -> str:
    return str(row.get("text") or json.dumps(json.loads(row["body"]), ensure_ascii=False))


def _miscounted(found: Evidence, entries: list[Accepted]) -> Iterable[str]:
    """Commands that carry no text of their own: as many events as commands."""
    for (task_id, kind), count in Counter((entry.task_id, entry.kind) for entry in entries).items():
        there = len({row["revision"] for row in found.events.get(task_id, []) if row["kind"] == kind})
        if there != count:
            yield f"{count} times {kind} was accepted for {task_id}, {there} times it is there"


def _gaps(task: Row | None, rows: list[Row]) -> Iterable[str]:
    revisions = sorted({row["revision"] for row in rows})
    last = task["revision"] if task else 0
    if revisions != list(range(1, last + 1)):
        yield f"{rows[0]['task_id']} is at revision {last}, its activity has {revisions}"


def check_leases(found: Evidence, excused: set[str], received: set[str]) -> Finding:
    """A run is lost only when its agent ended or gave it up unheard, never because one of our processes was killed.

    A claim that was carried out after its agent had been told to ask again is nobody's: it ends as lost, too, and is
    counted apart. `received` are the runs that agents know of.
    """
    lost = [run for run in found.runs.values() if run["state"] == "lost"]
    unheard = [run for run in lost if run["run_id"] not in received]
    finding = Finding("leases", f"{len(lost)} runs lost, {len(unheard)} of them never handed over")
    finding.against = [
        f"run {run['run_id']} of task {run['task_id']} was lost, but its agent {run['agent_id']} lived: {run['reason']}"
        for run in lost
        if run["run_id"] in received and run["run_id"] not in excused
    ]
    return finding
