"""What all calls of one process share."""

from proxy.credentials.renewals import Renewals
from proxy.deps import Deps
from proxy.fence import Fence
from proxy.flights import Flights
from proxy.journal import CallIds, Journal
from proxy.kept_responses import MemoryResponseStore
from proxy.memory import SignatureMemory
from proxy.parking import Parking
from proxy.stages.admit import InFlight
from proxy.stages.cut import cut
from proxy.stages.identify import Callers
from proxy.stages.route import Routes
from proxy.targets import Targets
from proxy.watch import Watches


class Shared:
    """Made once by `create_app`; belongs to one event loop."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        self.journal = Journal(deps.sink)
        self.ids = CallIds(deps.clock)
        self.callers = Callers()
        self.in_flight = InFlight(deps.limits.in_flight_per_key)
        self.fence = Fence(deps.policy, deps.fencing, cut)
        self.parking = Parking(deps.policy, deps.fencing)
        self.flights = Flights()
        self.routes = Routes()
        self.renewals = Renewals(deps.clock, lambda: deps.policy.current().providers)
        self.targets = Targets(self.renewals)
        self.responses = deps.responses or MemoryResponseStore(deps.clock)
        self.memory = SignatureMemory(deps.clock.monotonic_ns)
        self.watches = Watches(deps.limits.watch_after_seconds)
