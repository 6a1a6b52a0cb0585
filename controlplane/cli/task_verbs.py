"""What a person does to a task, each as the endpoint of the same name. `--reason` ends up in the task's activity."""

import json
from typing import Annotated, Any

import typer

from controlplane.cli.connection import ask, in_path
from controlplane.cli.keys import split
from controlplane.cli.outcome import show, show_json
from controlplane.cli.tasks import AsJson, Reference, cli, review_of, tell

__all__ = ["cli"]

Reason = Annotated[str, typer.Option(help="Why, for the activity.")]


def _do(reference: str, verb: str, body: dict[str, Any], as_json: bool) -> None:
    tell(ask("POST", f"/tasks/{in_path(reference)}/{verb}", body=body), as_json)


@cli.command("edit")
def edit(
    reference: Reference,
    title: Annotated[str | None, typer.Option()] = None,
    brief: Annotated[str | None, typer.Option()] = None,
    needs: Annotated[str | None, typer.Option(help="Separated by commas.")] = None,
    priority: Annotated[int | None, typer.Option(min=1, max=5)] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is wanted. What is not given stays."""
    given = {"title": title, "brief": brief, "needs": None if needs is None else split(needs), "priority": priority}
    _do(reference, "edit", {name: value for name, value in given.items() if value is not None}, as_json)


@cli.command("assign")
@cli.command("reassign")
def assign(
    reference: Reference,
    agent: Annotated[str, typer.Argument(help="To whom; nobody means whoever is able.")] = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Give it to an agent. A run of another one ends, and its key dies at the gateway."""
    _do(reference, "assign", {"agent": agent or None, "reason": reason}, as_json)


@cli.command("move")
def move(
    reference: Reference, to: Annotated[str, typer.Argument(help="backlog or ready")], as_json: AsJson = False
) -> None:
    """Into the backlog, or out of it; or back to ready, out of its agent's hands."""
    _do(reference, "move", {"to": to}, as_json)


@cli.command("cancel")
def cancel(
    reference: Reference,
    reason: Reason = "",
    with_subtasks: Annotated[bool, typer.Option("--with-subtasks", help="Everything below it, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Cancel a task and end its run."""
    _do(reference, "cancel", {"reason": reason, "with_subtasks": with_subtasks}, as_json)


@cli.command("review")
def review(
    reference: Reference,
    verdict: Annotated[str, typer.Argument(help="approve, request_changes or ask")],
    note: Annotated[str, typer.Option(help="What should change, or what you want to know.")] = "",
    version: Annotated[int | None, typer.Option(help="Which one was read; the latest unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what you think of the deliverable."""
    body: dict[str, Any] = {"verdict": verdict.replace("-", "_"), "note": note}
    _do(reference, "review", body | ({} if version is None else {"version": version}), as_json)


@cli.command("approve")
def approve(
    reference: Reference, note: Annotated[str, typer.Option(help="What to say with it.")] = "", as_json: AsJson = False
) -> None:
    """Approve the latest version of a task's deliverable."""
    _do(reference, "review", {"verdict": "approve", "note": note}, as_json)


@cli.command("reviewers")
def reviewers(
    reference: Reference,
    who: Annotated[str, typer.Argument(help="@anna,@qa or an agent's name; nobody means any person.")] = "",
    needed: Annotated[str, typer.Option(help="any, all, or a number")] = "any",
    first_pass: Annotated[str, typer.Option(help="The agent that looks before people are called.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say who reviews it, and how many must approve."""
    _do(reference, "reviewers", review_of(who, needed, first_pass), as_json)


@cli.command("answer")
def answer(
    reference: Reference,
    text: Annotated[str, typer.Argument(help="Words; for an approval yes or no; for a form words=300,tone=calm.")],
    as_json: AsJson = False,
) -> None:
    """Answer what its agent asks."""
    question = ask("GET", f"/tasks/{in_path(reference)}").get("question") or {}
    body: dict[str, Any] = {"text": text}
    if question.get("kind") == "approval":
        body = {"value": text.strip().lower() in {"yes", "y", "true", "approve"}}
    elif question.get("kind") == "choice":
        body = {"value": text}
    elif question.get("kind") == "form":
        pairs = [pair.partition("=")[::2] for pair in split(text)]
        body = {"value": {name.strip(): _literal(value.strip()) for name, value in pairs}}
    _do(reference, "answer", body, as_json)


def _literal(text: str) -> Any:
    """300 and true as what they look like; everything else is words."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@cli.command("block")
def block(
    reference: Reference,
    on: Annotated[str, typer.Argument(help="Tasks to wait for: T-1,T-2.")],
    as_json: AsJson = False,
) -> None:
    """Make it wait for others."""
    _do(reference, "blockers", {"tasks": split(on)}, as_json)


@cli.command("unblock")
def unblock(reference: Reference, of: Annotated[str, typer.Argument(help="T-1")], as_json: AsJson = False) -> None:
    """Let it stop waiting for another."""
    tell(ask("DELETE", f"/tasks/{in_path(reference)}/blockers/{in_path(of)}"), as_json)


@cli.command("pause")
def pause(reference: Reference, reason: Reason = "", as_json: AsJson = False) -> None:
    """Hold it: its calls wait at the gateway, its lease is safe."""
    _do(reference, "hold", {"kind": "operator", "reason": reason}, as_json)


@cli.command("resume")
def resume(
    reference: Reference,
    kind: Annotated[str, typer.Option(help="Which hold: operator, external, budget, schedule.")] = "operator",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Lift one hold; others stay."""
    _do(reference, "resume", {"kind": kind, "reason": reason}, as_json)


@cli.command("freeze")
def freeze(reference: Reference, reason: Reason = "", as_json: AsJson = False) -> None:
    """Stop it and everything below it at once: keys, live streams, waiting calls."""
    _do(reference, "freeze", {"reason": reason}, as_json)


@cli.command("thaw")
def thaw(reference: Reference, reason: Reason = "", as_json: AsJson = False) -> None:
    """Let it and everything below it go on."""
    _do(reference, "thaw", {"reason": reason}, as_json)


@cli.command("nudge")
def nudge(
    reference: Reference,
    note: Annotated[str, typer.Argument(help="What the agent is told at its next beat.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say a word to the agent at work."""
    _do(reference, "nudge", {"note": note}, as_json)


@cli.command("restart")
def restart(
    reference: Reference,
    from_nothing: Annotated[bool, typer.Option("--from-nothing", help="Forget its checkpoint.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """End its run; the next one goes on from the last checkpoint."""
    _do(reference, "restart", {"from_checkpoint": not from_nothing, "reason": reason}, as_json)


@cli.command("help-on")
def help_on(reference: Reference, note: Annotated[str, typer.Option()] = "", as_json: AsJson = False) -> None:
    """Let a task go on that called for a person."""
    _do(reference, "help", {"note": note}, as_json)


@cli.command("fail")
def fail_task(reference: Reference, reason: Reason = "", as_json: AsJson = False) -> None:
    """Give it up."""
    _do(reference, "fail", {"reason": reason}, as_json)


@cli.command("complete")
def complete(reference: Reference, reason: Reason = "", as_json: AsJson = False) -> None:
    """Call it done without the review."""
    _do(reference, "complete", {"reason": reason}, as_json)


@cli.command("reopen")
def reopen(reference: Reference, reason: Reason = "", as_json: AsJson = False) -> None:
    """Want a closed task again."""
    _do(reference, "reopen", {"reason": reason}, as_json)


@cli.command("comment")
def comment(
    reference: Reference, text: Annotated[str, typer.Argument(help="@handle calls people.")], as_json: AsJson = False
) -> None:
    """Say something under it."""
    said = ask("POST", f"/tasks/{in_path(reference)}/comments", body={"text": text})
    show_json(said) if as_json else show("Said.")


@cli.command("why")
def why(reference: Reference, as_json: AsJson = False) -> None:
    """Why isn't it running?"""
    found = ask("GET", f"/tasks/{in_path(reference)}/why")
    if as_json:
        return show_json(found)
    for reason in found["reasons"]:
        show(reason["sentence"])
    return None


@cli.command("handoff")
def handoff(reference: Reference) -> None:
    """What the next agent gets: decisions, open questions, checkpoint, cost. JSON."""
    show_json(ask("GET", f"/tasks/{in_path(reference)}/handoff"))


@cli.command("activity")
def activity(reference: Reference) -> None:
    """What happened to it. JSON."""
    show_json(ask("GET", f"/tasks/{in_path(reference)}/activity"))


@cli.command("late")
def late(reference: Reference) -> None:
    """Work that came after its run had lost the task. JSON."""
    show_json(ask("GET", f"/tasks/{in_path(reference)}/late")["late"])


@cli.command("adopt")
def adopt(
    reference: Reference,
    run_id: Annotated[str, typer.Argument(help="As `task late` shows it.")],
    sha256: Annotated[str, typer.Argument(help="As `task late` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Take late work as the next version after all."""
    _do(reference, "late/adopt", {"run_id": run_id, "sha256": sha256}, as_json)
