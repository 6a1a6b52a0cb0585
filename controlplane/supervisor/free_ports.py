"""Are the ports we need free, and if not, whose are they?"""

import socket
from collections.abc import Mapping
from pathlib import Path

from controlplane.settings import TEMPORAL_UI_PORT, Settings


class PortTaken(Exception):  # noqa: N818 - a state of the world, told in one sentence
    """A port that a child needs is somebody else's."""

    def __init__(self, purpose: str, port: int, owner: str) -> None:
        by = f" by {owner}" if owner else ""
        super().__init__(
            f"Port {port} ({purpose}) is taken{by}. Stop that program, or shift all ports of Pointsman: "
            "POINTSMAN_PORT_OFFSET=100 (or `pointsman up --port-offset 100`)."
        )
        self.port = port


def ports_of(settings: Settings, *, with_temporal: bool, with_ui: bool) -> dict[str, tuple[str, int]]:
    """What surely listens where, by purpose. (The simulated provider is checked when it turns out to be needed.)"""
    ports = {
        "board": (settings.host, settings.web_port),
        "gateway": (settings.host, settings.proxy_port),
    }
    if with_temporal:
        ports["Temporal"] = ("127.0.0.1", settings.temporal_port)
    if with_temporal and with_ui:
        ports["Temporal's user interface"] = ("127.0.0.1", TEMPORAL_UI_PORT + settings.port_offset)
    return ports


def check_ports(ports: Mapping[str, tuple[str, int]]) -> None:
    """Raises PortTaken for the first port that cannot be bound."""
    for purpose, (host, port) in ports.items():
        if not _is_free(host, port):
            raise PortTaken(purpose, port, owner_of(port))


def owner_of(port: int) -> str:
    """`pid 12 (nginx)` of whoever listens there; empty where the system does not tell us."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held = {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
            if held & inodes:
                return f"pid {process.name} ({(process / 'comm').read_text(encoding='utf-8').strip()})"
        except OSError:
            continue
    return ""


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _listening_inodes(port: int) -> set[str]:
    """`socket:[inode]` of each listener (proc(5): local address in hex, state 0A is LISTEN)."""
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found
