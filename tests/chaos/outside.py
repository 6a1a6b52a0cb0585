"""What is asked of the product from outside when all is over: a browser's view, and the doctor's."""

import asyncio
import time

from tests.chaos.checks import Finding
from tests.chaos.viewer import BoardViewer
from tests.product import Product

AGREE_SECONDS = 20.0


async def check_board(viewer: BoardViewer, watching: "asyncio.Task[None]") -> Finding:
    """A page that was open from the first task on shows what a fresh one shows."""
    deadline = time.monotonic() + AGREE_SECONDS
    while (fresh := await viewer.fresh_board()) != viewer.board() and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    finding = Finding(
        "board",
        f"{viewer.fragments} messages over {viewer.connects} streams, {viewer.resyncs} resyncs; "
        f"{len(fresh)} characters {'equal' if fresh == viewer.board() else 'NOT equal'} to a fresh page's",
    )
    if watching.done():
        finding.against.append(f"the viewer broke: {watching.exception()!r}")
    if fresh != viewer.board():
        old, new = viewer.board().splitlines(), fresh.splitlines()
        finding.against += [f"open page only: {line}" for line in old if line not in new]
        finding.against += [f"fresh page only: {line}" for line in new if line not in old]
        finding.against = finding.against or ["the same lines in another order"]
    return finding


def check_doctor(product: Product) -> Finding:
    said = product.command("doctor", check=False)
    lines = [line.strip() for line in said.stdout.splitlines() if "✗" in line]
    finding = Finding("doctor", f"exit code {said.returncode}")
    if said.returncode or lines:
        finding.against = lines or [said.stdout[-500:] + said.stderr[-500:]]
    return finding
