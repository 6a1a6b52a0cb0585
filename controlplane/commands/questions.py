"""What agents ask people, and what people answer."""

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pointsman.contract import ErrorCode

from controlplane.access.callers import Caller
from controlplane.commands.desk import Desk, refused
from controlplane.commands.runs import run_of
from controlplane.domain.commands import AnswerQuestion, AskQuestion, without_content
from controlplane.domain.state import Actor, Question, TaskState
from controlplane.store.states import state_of

MAX_FORM_FIELDS = 40


class QuestionCommands(Desk):
    """Verbs about questions."""

    async def ask(
        self,
        caller: Caller,
        command_id: str,
        text: str,
        *,
        kind: str = "text",
        choices: tuple[str, ...] = (),
        form: dict[str, Any] | None = None,
        expires_in_seconds: float | None = None,
        question_id: str | None = None,
    ) -> str:
        """The question's id, the same for a repeated command. The run waits without its lease running out."""
        run_id, task_id = run_of(caller)
        check_form(form or {})
        question_id = question_id or "q_" + without_content(command_id).removeprefix("cmd_")
        command = AskQuestion(run_id, caller.epoch, question_id, text, kind, choices, form or {}, expires_in_seconds)
        await self.send(caller.actor, command_id, task_id, command)
        return question_id

    async def answer(
        self,
        actor: Actor,
        command_id: str,
        task_ref: str,
        question_id: str | None = None,
        *,
        text: str = "",
        value: Any = None,
        workspace_id: str | None = None,
    ) -> TaskState:
        """Answers the open question, or the one that is named. A form's answer must fit its schema."""
        task = await self.find_task(task_ref, workspace_id)
        async with self.database.reading() as session:
            state = await state_of(session, task.task_id)
        question = state.question if state else None
        if question is not None and question.kind == "form" and isinstance(value, dict):
            _check_answer(question, value)
        question_id = question_id or (question.question_id if question else "")
        return await self.send(actor, command_id, task.task_id, AnswerQuestion(question_id, text, value))


def check_form(form: dict[str, Any]) -> None:
    """Raises CommandRefused unless it is the schema of a flat object, which a page can show."""
    if not form:
        return
    try:
        Draft202012Validator.check_schema(form)
    except SchemaError as error:
        raise refused(ErrorCode.INVALID_REQUEST, f"The form is no JSON Schema: {error.message}", field="form") from None
    properties = form.get("properties")
    if not isinstance(properties, dict) or not 1 <= len(properties) <= MAX_FORM_FIELDS:
        raise refused(ErrorCode.INVALID_REQUEST, f"A form has 1 to {MAX_FORM_FIELDS} properties.", field="form")
    if "$ref" in str(form):
        raise refused(ErrorCode.INVALID_REQUEST, "A form stands for itself: no $ref.", field="form")


def _check_answer(question: Question, value: dict[str, Any]) -> None:
    errors = sorted(Draft202012Validator(question.form).iter_errors(value), key=lambda error: list(error.path))
    if errors:
        first = errors[0]
        name = ".".join(str(step) for step in first.path) or "value"
        raise refused(ErrorCode.INVALID_REQUEST, f"{name}: {first.message}", field=name)
