"""Counters of this host's kernel, read before and after the traffic."""

from __future__ import annotations

import attrs

from netbench.metrics import HostCounters
from netbench.worker.procfs import read_file

__all__ = ("HostSnapshot",)

_PROC = "/proc"
#: Of the first line of /proc/stat: idle and iowait, and steal; guests' time is in user's already.
_IDLE, _STEAL, _COUNTED = (3, 4), 7, 8
#: Of a line of /proc/net/dev after the name: dropped when received, dropped when sent.
_DEV_DROPS = (3, 11)


@attrs.frozen(kw_only=True)
class HostSnapshot:
    """The counters at one instant; None where one cannot be read.

    Attributes:
        cpu: Idle, stolen and all time of all processors, in ticks.
        softnet: Dropped and squeezed.
        interface_dropped: In and out, over all interfaces.
        udp: Receive buffer errors and send buffer errors.
        tcp: Segments sent, and sent again.
    """

    cpu: tuple[int, int, int] | None
    softnet: tuple[int, int] | None
    interface_dropped: int | None
    udp: tuple[int, int] | None
    tcp: tuple[int, int] | None

    @classmethod
    def now(cls, proc: str = _PROC) -> HostSnapshot:
        """Read them.

        Args:
            proc: Where the proc file system is.
        """
        snmp = _read(f"{proc}/net/snmp")
        return cls(
            cpu=_cpu(_read(f"{proc}/stat")),
            softnet=_softnet(_read(f"{proc}/net/softnet_stat")),
            interface_dropped=_dropped(_read(f"{proc}/net/dev")),
            udp=_snmp(snmp, "Udp:", "RcvbufErrors", "SndbufErrors"),
            tcp=_snmp(snmp, "Tcp:", "OutSegs", "RetransSegs"),
        )

    def since(self, before: HostSnapshot) -> HostCounters | None:
        """Give what was counted since then; None where nothing could be read."""
        softnet = _changes(self.softnet, before.softnet)
        udp, tcp = _changes(self.udp, before.udp), _changes(self.tcp, before.tcp)
        idle, steal = _shares(self.cpu, before.cpu)
        dropped = None
        if self.interface_dropped is not None and before.interface_dropped is not None:
            # An interface that went away took its counts along.
            dropped = max(0, self.interface_dropped - before.interface_dropped)
        counters = HostCounters(
            idle_share=idle,
            steal_share=steal,
            softnet_dropped=softnet[0],
            softnet_squeezed=softnet[1],
            interface_dropped=dropped,
            udp_receive_buffer_errors=udp[0],
            udp_send_buffer_errors=udp[1],
            tcp_segments=tcp[0],
            tcp_retransmits=tcp[1],
        )
        return None if counters == HostCounters() else counters


def _read(path: str) -> str:
    try:
        return read_file(path)
    except OSError:
        return ""


def _cpu(text: str) -> tuple[int, int, int] | None:
    fields = text.partition("\n")[0].split()
    if len(fields) <= _COUNTED or fields[0] != "cpu":
        return None
    ticks = [int(field) for field in fields[1 : _COUNTED + 1]]
    return sum(ticks[place] for place in _IDLE), ticks[_STEAL], sum(ticks)


def _softnet(text: str) -> tuple[int, int] | None:
    rows = [line.split() for line in text.splitlines()]
    if not rows:
        return None
    return sum(int(row[1], 16) for row in rows), sum(int(row[2], 16) for row in rows)


def _dropped(text: str) -> int | None:
    rows = [line.partition(":")[2].split() for line in text.splitlines() if ":" in line]
    if not rows:
        return None
    return sum(int(row[place]) for row in rows for place in _DEV_DROPS)


def _snmp(text: str, protocol: str, *names: str) -> tuple[int, int] | None:
    lines = [line.split() for line in text.splitlines() if line.startswith(protocol)]
    if len(lines) < 2:  # noqa: PLR2004 - the names, then the values
        return None
    values = dict(zip(*lines[:2], strict=False))
    try:
        one, other = (int(values[name]) for name in names)
    except (KeyError, ValueError):
        return None
    return one, other


def _changes(after: tuple[int, int] | None, before: tuple[int, int] | None) -> tuple[int | None, int | None]:
    if after is None or before is None:
        return None, None
    return max(0, after[0] - before[0]), max(0, after[1] - before[1])


def _shares(
    after: tuple[int, int, int] | None, before: tuple[int, int, int] | None
) -> tuple[float | None, float | None]:
    if after is None or before is None or after[2] <= before[2]:
        return None, None
    idle, steal, total = (now - then for now, then in zip(after, before, strict=True))
    return min(1.0, max(0.0, idle / total)), min(1.0, max(0.0, steal / total))
