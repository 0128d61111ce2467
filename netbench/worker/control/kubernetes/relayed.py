"""The link of a worker in a large fleet that reaches the API server through another worker."""

from __future__ import annotations

import random
import sys
from contextlib import AsyncExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import anyio

from netbench.errors import ApiError, ProtocolError
from netbench.framing import GONE, FrameStream
from netbench.kube.control import LEASE_DURATION_S
from netbench.kube.watching import Change
from netbench.messages import to_wire
from netbench.worker.peer.proof import prove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from netbench.kube.api import JsonObject
    from netbench.messages import WorkerHello
    from netbench.worker.control.kubernetes.link import Link, Listener

__all__ = ("RelayedLink",)

#: Where many workers start at once on a busy node; then there is still time to ask the API server for the Lease.
_OPEN_TIMEOUT_S = LEASE_DURATION_S * 2 / 3
#: A relay says something each five seconds. That it hangs must be found out before the Lease runs out.
_MUTE_S = LEASE_DURATION_S / 2
#: And also that it hears nothing of the Lease any more. That is renewed each ten seconds, but one renewal may take
#: fifteen, and whoever leaves a relay does not come back.
_UNLED_S = (LEASE_DURATION_S * 5 / 6, LEASE_DURATION_S * 9 / 10)
#: A relay is removed a moment before those whose relay it is, at the fleet's end. They need not go to the API server to
#: hear of that; but who has a pair under way would miss its start.
_PAUSE_S = (2.0, 6.0)


class _Answer:
    """What becomes of something that the relay was asked to write; neither where the relay is gone before that."""

    def __init__(self) -> None:
        self.came = anyio.Event()
        self.is_done = False
        self.refusal: ApiError | None = None


class RelayedLink:
    """Implements :class:`~netbench.worker.control.kubernetes.link.Link`, by the API server when the relay fails.

    Args:
        relay: The relay's address and the port of its peer sessions.
        pod: This worker's name, its pod's.
        key: The fleet's key.
        open_direct: Opens a link to the API server.
    """

    def __init__(
        self,
        relay: tuple[str, int],
        pod: str,
        key: bytes,
        open_direct: Callable[[], AbstractAsyncContextManager[Link]],
    ) -> None:
        self._relay = relay
        self._pod = pod
        self._key = key
        self._open_direct = open_direct
        self._frames: FrameStream | None = None
        self._numbers = count()
        self._answers: dict[int, _Answer] = {}
        self._direct: Link | None = None
        #: Set when the relay is there or is not.
        self._opened = anyio.Event()
        #: Set when the relay has failed and the API server is asked instead.
        self._redirected = anyio.Event()
        #: Set when somebody waits for another way than the relay.
        self._is_needed = anyio.Event()

    async def announce(self, hello: WorkerHello) -> None:
        """Say who is here and ready.

        Raises:
            BackendError: The API server refuses it, or is away for too long.
        """
        if not await self._asked({"kind": "hello", "hello": to_wire(hello)}):
            await (await self._way()).announce(hello)

    async def write_status(self, name: str, status: JsonObject) -> None:
        """Merge a status into that of a request, however long it takes.

        Raises:
            ApiError: The API server refuses it, or there is no such request.
        """
        if not await self._asked({"kind": "status", "name": name, "status": status}):
            # Whether the relay wrote it does not matter: to merge the same once more changes nothing.
            await (await self._way()).write_status(name, status)

    async def follow(self, listener: Listener) -> None:
        """Tell what the relay tells, and from its end on what the API server does.

        Raises:
            BackendError: The API server refuses this worker.
        """
        try:
            await self._follow_relay(listener)
        except (OSError, TimeoutError, ProtocolError, *GONE) as error:
            await self._give_up(error, listener)
        async with self._open_direct() as direct:
            self._direct = direct
            self._redirected.set()
            await direct.follow(listener)

    async def _follow_relay(self, listener: Listener) -> None:
        async with AsyncExitStack() as stack:
            with _within(_OPEN_TIMEOUT_S, "there was no session with it"):
                host, port = self._relay
                frames = FrameStream(await stack.enter_async_context(await anyio.connect_tcp(host, port)))
                await prove(frames, self._key)
                await frames.send({"kind": "relay", "worker": self._pod})
            self._frames = frames
            self._opened.set()
            unled_s = random.uniform(*_UNLED_S)  # noqa: S311 - no secret
            while True:
                with _within(unled_s, "it said nothing of the fleet's Lease"):
                    await self._follow_until_lease(frames, listener)

    async def _follow_until_lease(self, frames: FrameStream, listener: Listener) -> None:
        while True:
            with _within(_MUTE_S, "it said nothing"):
                word = await frames.receive()
            self._take(word, listener)
            if word["kind"] == "lease":
                return

    async def _give_up(self, error: Exception, listener: Listener) -> None:
        """Let nobody wait for the relay any more."""
        self._frames = None
        self._opened.set()
        for answer in self._answers.values():
            answer.came.set()
        if isinstance(error, GONE) and not listener.is_busy:
            with anyio.move_on_after(random.uniform(*_PAUSE_S)):  # noqa: S311 - no secret
                await self._is_needed.wait()
        host, port = self._relay
        why = str(error) or type(error).__name__
        said = f"worker {self._pod}: its relay {host}:{port} is gone: {why}"
        print(said, file=sys.stderr)  # noqa: T201 - the log of this pod

    def _take(self, word: dict[str, Any], listener: Listener) -> None:
        match word:
            case {"kind": "lease", "change": "present" | "deleted" as change, "value": dict(value)}:
                listener.take_lease(Change(change, value))
            case {"kind": "request", "value": dict(value)}:
                listener.take_request(Change("present", value))
            case {"kind": "done", "number": int(number)}:
                self._take_answer(number, None)
            case {"kind": "refused", "number": int(number), "status": int(status), "reason": str(reason), **rest}:
                self._take_answer(
                    number, ApiError(str(rest["message"]), status=status, reason=reason, verb="", path="")
                )
            case {"kind": "alive"}:
                pass
            case _:
                msg = f"the relay said what is not for a worker: {str(word)[:80]}"
                raise ProtocolError(msg)

    def _take_answer(self, number: int, refusal: ApiError | None) -> None:
        answer = self._answers.pop(number, None)
        if answer is not None:
            answer.is_done, answer.refusal = refusal is None, refusal
            answer.came.set()

    async def _asked(self, word: dict[str, Any]) -> bool:
        """Have the relay write something; false where there is no relay, or none any more."""
        await self._opened.wait()
        if self._frames is None:
            return False
        number, answer = next(self._numbers), _Answer()
        self._answers[number] = answer
        try:
            await self._frames.send({**word, "number": number})
            await answer.came.wait()
        except GONE:
            return False
        if answer.refusal is not None:
            raise answer.refusal
        return answer.is_done

    async def _way(self) -> Link:
        self._is_needed.set()
        while self._direct is None:
            await self._redirected.wait()
        return self._direct


@contextmanager
def _within(seconds: float, what: str) -> Iterator[None]:
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        msg = f"{what} for {seconds:.3g} s"
        raise TimeoutError(msg)
