"""Tasks for drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.messages import PairRequest
from netbench.worker.drivers.base import DriverTask
from netbench.worker.timing import WorkerClock

if TYPE_CHECKING:
    from netbench.messages import DriverName
    from netbench.traffic import Traffic

__all__ = ("task_for",)


def task_for(
    traffic: Traffic,
    *,
    duration_s: float = 1.0,
    interval_s: float = 0.1,
    port: int | None = None,
    driver: DriverName = "native",
    program: str = "",
) -> DriverTask:
    """Give a task between two workers on loopback."""
    request = PairRequest(
        run_id="run",
        round_index=0,
        pair_id="pair",
        client="worker-0",
        server="worker-1",
        server_host="127.0.0.1",
        server_peer_port=1,
        traffic=traffic,
        driver=driver,
        duration_s=duration_s,
        warmup_s=0.0,
        interval_s=interval_s,
        data_port=port,
        seed=0,
        arm_timeout_s=5.0,
        gather_timeout_s=5.0,
    )
    return DriverTask(
        request=request, cookie=bytes(range(16)), clock=WorkerClock(), listen_host="127.0.0.1", program=program
    )
