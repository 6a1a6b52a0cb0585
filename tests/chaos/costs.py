"""Does what the gateway recorded agree with what the provider counted, call by call and run by run?

| the call's record                  | recorded                     | what must hold                               |
|------------------------------------|------------------------------|----------------------------------------------|
| ended                              | what the provider reported   | recorded == counted, to the nano-dollar      |
| ended, the client had left         | an estimate, marked as one   | recorded ≤ bound, counted ≤ bound            |
| `unknown`: the gateway was killed  | nothing, and a bound         | 0 ≤ counted ≤ bound                          |

The provider counts a whole reply as soon as it begins one, even if nobody stays to hear it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.chaos.calls import ANTHROPIC_MODEL, OPENAI_MODEL
from tests.chaos.checks import Finding
from tests.chaos.evidence import Evidence, Row

# Nano-dollars a token, in and out, as the vendors list them (2026-11): 0.25 and 2 $, 3 and 15 $ a million.
PRICES = {OPENAI_MODEL: (250, 2_000), ANTHROPIC_MODEL: (3_000, 15_000)}


def check_costs(found: Evidence) -> Finding:
    """The finding for all runs."""
    finding = Finding("costs")
    records = {row["traceparent"]: row for row in found.calls if row["traceparent"]}
    counted = defaultdict[str, int](int)  # by the call that asked
    for call in found.counted:
        record = records.get(call["traceparent"] or "")
        if record is None:
            finding.against.append(f"the provider was asked without a record: {call['id']} {call['traceparent']}")
        else:
            counted[record["call_id"]] += _price(call)
    for row in found.calls:
        finding.against += _disagreement(row, counted[row["call_id"]])
    finding.against += _wrong_sums(found, counted)
    outcomes = Counter(_class(row) for row in found.calls)
    unknown = [row for row in found.calls if row["outcome"] == "unknown"]
    exact = sum(row["cost_nano_usd"] for row in found.calls if not row["is_usage_estimated"])
    finding.text = (
        f"{len(found.calls)} calls of {len({row['run_id'] for row in found.calls})} runs "
        f"({', '.join(f'{count} {name}' for name, count in outcomes.most_common())}), "
        f"{len(found.counted)} counted by the provider; {exact} n$ equal to its count; unknown: 0 ≤ "
        f"{sum(counted[row['call_id']] for row in unknown)} ≤ {sum(row['cost_bound_nano_usd'] for row in unknown)} n$"
    )
    return finding


def _price(call: Row) -> int:
    into, out = PRICES[call["model"]]
    usage = call["usage"]
    return into * int(usage.get("input", 0)) + out * int(usage.get("output", 0))


def _class(row: Row) -> str:
    return f"{row['outcome'] or 'in flight'}{' (estimated)' if row['is_usage_estimated'] else ''}"


def _disagreement(row: Row, counted: int) -> Iterable[str]:
    recorded, bound = row["cost_nano_usd"], row["cost_bound_nano_usd"]
    name = f"call {row['call_id']} of run {row['run_id']} ({_class(row)})"
    if not row["outcome"]:
        yield f"{name} has no end"
    elif row["outcome"] == "unknown":
        if recorded or not counted <= bound:
            yield f"{name}: recorded {recorded}, counted {counted}, bound {bound}"
    elif row["is_usage_estimated"]:
        if not (recorded <= bound and counted <= bound):
            yield f"{name}: recorded {recorded}, counted {counted}, bound {bound}"
    elif recorded != counted:
        yield f"{name}: recorded {recorded}, counted {counted}"


def _wrong_sums(found: Evidence, counted: dict[str, int]) -> Iterable[str]:
    """Run by run: what the board shows is the sum of its calls, and the provider's count lies within the bounds."""
    runs = defaultdict[str, list[Row]](list)
    for row in found.calls:
        runs[row["run_id"]].append(row)
    for run_id, rows in runs.items():
        cost = sum(row["cost_nano_usd"] for row in rows)
        bounds = sum(row["cost_bound_nano_usd"] for row in rows if row["outcome"] == "unknown")
        shown = found.usage.get(run_id)
        told = (shown["cost_nano_usd"], shown["bound_nano_usd"]) if shown else None
        if told != (cost, bounds):
            yield f"run {run_id} shows {told}, its calls make {cost, bounds}"
        certain = [row for row in rows if not row["is_usage_estimated"]]
        recorded = sum(row["cost_nano_usd"] for row in certain)
        total = sum(counted.get(row["call_id"], 0) for row in certain)
        if not recorded <= total <= recorded + bounds:
            yield f"run {run_id}: recorded {recorded}, counted {total}, bounds {bounds}"
