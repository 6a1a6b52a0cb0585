"""What people and agents can ask for, as methods of one service that pages and JSON API share.

Words: a **command** is sent to the task engine under an id its client made, so that a retry is harmless; what it did is
then **written through** to SQL, for its sender to see at once. A rule's "no" is raised as `CommandRefused`.
"""

from controlplane.commands.claims import Claim
from controlplane.commands.desk import CommandRefused
from controlplane.commands.service import CommandService

__all__ = ["Claim", "CommandRefused", "CommandService"]
