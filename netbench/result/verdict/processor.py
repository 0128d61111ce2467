"""Was a processor the limit, and not the network? A starved sender is not a slow network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.verdict.judgement import Doubt, Finding, doubt_of
from netbench.result.verdict.sides import Side, asked_and_got, is_paced, sides_of, traffic_s
from netbench.traffic import Http, Tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.result.model import Result

__all__ = ("processor_doubts",)

#: Share of the scheduler's periods in which a limit (cgroup ``cpu.max``, CFS bandwidth control) ran out.
_THROTTLED = 0.02
#: Of one processor: a thread that never rests is the limit (Gregg, Systems Performance, utilisation near 100 %).
_BUSY = 0.9
#: Share of the time that a thread was ready and had no processor (saturation in Gregg's USE method).
_WAITING = 0.1
#: Share of time that a hypervisor gave to others, and that a machine must have left.
_STOLEN, _IDLE = 0.05, 0.03
#: Less of the asked rate than this, and a paced sender takes all it can get as well.
_ENOUGH = 0.99


def processor_doubts(result: Result) -> Iterator[Doubt]:
    """Look at throttling, busy threads, the interpreter's lock, run queues, stolen and idle time."""
    sides = tuple(sides_of(result))
    yield from _throttled(sides)
    greedy = tuple(side for side in sides if _takes_all(result, side))
    senders = {_in_round(side) for side in sides if side.sends}
    never_resting = tuple(side for side in sides if _takes_all(result, side) or _only_takes(side, senders))
    yield from _busy(result, never_resting)
    yield from _interpreter(result, never_resting)
    yield from _waiting(result, sides)
    yield from _stolen(sides)
    yield from _full(result, greedy)


def _takes_all(result: Result, side: Side) -> bool:
    """Whether more processor time would have given more traffic. A paced sender spins to meet its instants."""
    if not is_paced(result):
        return True
    rates = asked_and_got(result, side.pair)
    return rates is not None and rates[1] < _ENOUGH * rates[0]


def _only_takes(side: Side, senders: set[tuple[int, str]]) -> bool:
    """Whether a worker only takes what comes: it does not spin, and one that never rests is behind with its answers.

    A worker's use is that of all its pairs in a round, and a program's that of all its processes.
    """
    return side.native and _in_round(side) not in senders


def _in_round(side: Side) -> tuple[int, str]:
    return side.pair.round_index, side.worker.name


def _throttled(sides: tuple[Side, ...]) -> Iterator[Doubt]:
    found = [
        Finding(
            side.name,
            share,
            f"its CPU limit held it in {share:.0%} of the scheduler's periods, {side.usage.throttled_s or 0:.3g} s",
        )
        for side in sides
        if (share := side.usage.throttled_share or 0) >= _THROTTLED
    ]
    yield from doubt_of("cpu-throttled", found, _THROTTLED, "Raise or remove the workers' CPU limit")


def _busy(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    found, is_limit = [], False
    for side in sides:
        busy_s, what = side.usage.busiest_thread_s, "busiest thread"
        if busy_s is None or not side.native:
            # A program's threads are not looked into; together they may use more than one processor.
            busy_s, what = side.usage.cpu_user_s + side.usage.cpu_system_s, "process"
        share = busy_s / traffic_s(result, side.usage)
        if share >= _BUSY:
            words = f"the {_role(result, side)}'s {what} used {share:.2f} of a processor"
            found.append(Finding(side.name, share, words))
            is_limit = is_limit or _takes_all(result, side)
    more = "pairs" if isinstance(result.spec.traffic, Http) else "streams or pairs"
    measured = "The machine was measured, not the network" if is_limit else "Delays are its own, so near its limit"
    advice = f"{measured}: use more {more}, larger payloads, or faster nodes"
    yield from doubt_of("cpu-bound", found, _BUSY, advice)


def _role(result: Result, side: Side) -> str:
    if isinstance(result.spec.traffic, Http):
        return "client" if side.sends else "server"
    if isinstance(result.spec.traffic, Tcp) and len(result.spec.traffic.directions) > 1:
        return "worker"
    return "sender" if side.sends else "receiver"


def _interpreter(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    """Several threads that share one processor's worth of user time wait for Python's lock."""
    found = [
        Finding(side.name, user, f"its threads share Python's lock and used {user:.2f} of a processor in user space")
        for side in sides
        if side.native
        and (user := side.usage.cpu_user_s / traffic_s(result, side.usage)) >= _BUSY
        and (side.usage.busiest_thread_s or 0) / traffic_s(result, side.usage) < _BUSY
    ]
    yield from doubt_of("gil-bound", found, _BUSY, "Spread the streams over more pairs: each worker is a process")


def _waiting(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    found = [
        Finding(side.name, share, f"a thread was ready to run and had no processor for {share:.0%} of the time")
        for side in sides
        if side.usage.run_queue_s is not None
        and (share := side.usage.run_queue_s / traffic_s(result, side.usage)) >= _WAITING
    ]
    advice = (
        "More wants to run than the node has processors for: find what else runs there, use fewer streams, fewer "
        "workers on each node, or nodes with more processors"
    )
    yield from doubt_of("run-queue", found, _WAITING, advice)


def _stolen(sides: tuple[Side, ...]) -> Iterator[Doubt]:
    found = [
        Finding(side.worker.node, share, f"its hypervisor gave {share:.0%} of its processors' time to others")
        for side in sides
        if side.host is not None and (share := side.host.steal_share or 0) >= _STOLEN
    ]
    yield from doubt_of("cpu-steal", found, _STOLEN, "Use a machine of its own, or measure at a quieter time")


def _full(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    found = [
        Finding(side.worker.node, idle, f"its processors were idle for {idle:.1%} of the time")
        for side in sides
        if (idle := _idle(result, side)) is not None and idle < _IDLE
    ]
    advice = "The machine had no processor left: the network may carry more. Use more or faster processors"
    yield from doubt_of("host-busy", found, _IDLE, advice, low=True)


def _idle(result: Result, side: Side) -> float | None:
    """Give the share of the traffic's time in which a host was idle; None where nobody knows.

    Its count begins when the worker is armed and ends when the last packets are in. In that time before and after the
    traffic a host that has nothing else to do is idle, which is no sign that it had time left.
    """
    share, wall_s = None if side.host is None else side.host.idle_share, side.usage.wall_s
    if share is None:
        return None
    flowed_s = traffic_s(result, side.usage)
    return max(0.0, share * wall_s - max(0.0, wall_s - flowed_s)) / flowed_s
