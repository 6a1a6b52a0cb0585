"""The JSON of things: what the API answers, as msgspec structs.

A struct is both the answer and its description: OpenAPI's schemas are made from these classes, so that the two cannot
drift. Times are ISO 8601 in UTC, money is in nano-USD, people and agents are called by their names.
"""

from controlplane.api.views.answers import Moment, View, answer, iso
from controlplane.api.views.task_reading import task_views

__all__ = ["Moment", "View", "answer", "iso", "task_views"]
