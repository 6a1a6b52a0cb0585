"""The only room that speaks Temporal: task workflows, their activities, the durable agent loop, the watch.

Words: an **execution** is Temporal's run of a workflow (its id is never a run's id); the **engine** is what the control
plane asks to apply a command; the **projector** writes what a workflow decided into SQL.
"""
