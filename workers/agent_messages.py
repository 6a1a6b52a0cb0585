"""What the workflow of an internal agent and its activities say to each other.

Pure values, which the workflow sandbox passes through. The conversation itself never enters Temporal's history: it lies
in the blob store, and a message names it by its SHA-256. A run's key is derived where it is needed and stands nowhere.
"""

from datetime import timedelta
from typing import Final

import msgspec

OPEN_TRANSCRIPT: Final = "open_transcript"
CALL_MODEL: Final = "call_model"
CALL_TOOL: Final = "call_tool"
SUBMIT_ANSWER: Final = "submit_answer"
FAIL_RUN: Final = "fail_run"

RUN_REVOKED: Final = "run_revoked"  # error type: the lease is gone, so there is nobody to tell
RUN_PAUSED: Final = "run_paused"  # error type: ask again, for as long as it takes; nothing was asked of a provider yet
CALL_REFUSED: Final = "call_refused"  # error type: asking again would get the same answer
DEFAULT_MAX_STEPS: Final = 20


class Position(msgspec.Struct, frozen=True):
    """How far a run has come: the model is asked in this step, or `next_tool` of its `tool_calls` is called."""

    transcript: str
    step: int = 1
    tool_calls: int = 0
    next_tool: int = 0

    @property
    def is_models_turn(self) -> bool:
        return self.next_tool == self.tool_calls

    def after_tool(self, transcript: str) -> "Position":
        """The next tool call, or the next step."""
        called = self.next_tool + 1
        if called == self.tool_calls:
            return Position(transcript, self.step + 1)
        return Position(transcript, self.step, self.tool_calls, called)


class AgentRunStart(msgspec.Struct, frozen=True):
    """One run of an internal agent. `beat_seconds` is how often its activities say that they live.

    `position` is what an execution that continues as new leaves to its successor.
    """

    task_id: str
    run_id: str
    epoch: int
    agent_id: str
    max_steps: int = DEFAULT_MAX_STEPS
    beat_seconds: float = 10.0
    position: Position | None = None

    @property
    def workflow_id(self) -> str:
        return f"run/{self.run_id}"

    @property
    def silence(self) -> timedelta:
        """After so long without a beat an activity's worker is dead, and another one asks again."""
        return timedelta(seconds=3 * self.beat_seconds)


class ModelStep(msgspec.Struct, frozen=True):
    """Ask the model what comes next in this transcript. Its idempotency key is `<run>/<step>`."""

    run: AgentRunStart
    transcript: str
    step: int


class ModelTurn(msgspec.Struct, frozen=True):
    """The transcript with the model's answer, which wants so many tool calls. None: it is the deliverable."""

    transcript: str
    tool_calls: int


class ToolStep(msgspec.Struct, frozen=True):
    """Make the tool call with this index of the model's answer. Its idempotency key is `<run>/<step>.<index>`."""

    run: AgentRunStart
    transcript: str
    step: int
    index: int


class AnswerStep(msgspec.Struct, frozen=True):
    """Submit what the model said last."""

    run: AgentRunStart
    transcript: str


class Failure(msgspec.Struct, frozen=True):
    """The run ends without a deliverable."""

    run: AgentRunStart
    reason: str
    message: str
