"""One line in our log for each activity that failed; Temporal's own, with a page of traceback each, are silenced."""

import logging
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from typing_extensions import override

log = logging.getLogger(__name__)


class FailureLog(Interceptor):
    """Says what failed, for whom and for which time; a projection that never succeeds is seen here."""

    @override
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Logged(super().intercept_activity(next))


class _Logged(ActivityInboundInterceptor):
    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except Exception as error:
            about = activity.info()
            first_line = str(error).partition("\n")[0]
            log.warning(
                "%s of %s failed (attempt %d): %s: %s",
                about.activity_type,
                about.workflow_id,
                about.attempt,
                type(error).__name__,
                first_line,
            )
            raise
