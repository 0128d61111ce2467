"""Where workers can live."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import AsyncContextManagerMixin

from netbench.backends.local.spec import Isolation, local_spec
from netbench.errors import InvalidArgumentError, StateError

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import Self

    from netbench.backends.base import Backend
    from netbench.topology import Node

__all__ = ("Cluster",)


class Cluster(AsyncContextManagerMixin):
    """Where workers can live; an async context manager. Made by :meth:`local` or :meth:`connect`."""

    def __init__(self, open_backend: Callable[[], AbstractAsyncContextManager[Backend]]) -> None:
        self._open_backend = open_backend
        self._backend: Backend | None = None
        self._used = False

    @classmethod
    def local(
        cls,
        *,
        nodes: int | Sequence[str] = 2,
        zones: Sequence[str] | Mapping[str, str] | None = None,
        isolation: Isolation = "auto",
        link_rate_bps: float | None = None,
        mtu: int | None = None,
    ) -> Cluster:
        """Use this machine: workers are processes, and each node is a network namespace where that is allowed.

        Opening it also removes what controllers that died left behind, see ``netbench cleanup``.

        Args:
            nodes: How many nodes, named ``node-1`` and so on, or their names.
            zones: Zones that the nodes get in turn, or a mapping from node to zone. Nodes have no zone without it.
            isolation: ``netns`` makes each node a network namespace, joined by a bridge (Linux, as root or with
                CAP_NET_ADMIN and CAP_SYS_ADMIN). ``process`` gives all workers this machine's loopback, which works
                everywhere. ``auto`` takes ``netns`` where it is allowed; :attr:`isolation` says what was taken.
            link_rate_bps: Limit of each node's link in each direction, in bits per second of Ethernet frames without
                preamble and check sum (tc-tbf); None for as fast as it goes. Needs ``netns``.
            mtu: MTU of the links in bytes; None is 1500. Needs ``netns``.

        Raises:
            InvalidArgumentError: An argument is wrong.
        """
        spec = local_spec(nodes=nodes, zones=zones, isolation=isolation, link_rate_bps=link_rate_bps, mtu=mtu)

        def open_backend() -> AbstractAsyncContextManager[Backend]:
            from netbench.backends.local.backend import open_local  # noqa: PLC0415 - Linux and macOS only

            return open_local(spec)

        return cls(open_backend)

    @classmethod
    def connect(
        cls,
        *,
        kubeconfig: str | os.PathLike[str] | None = None,
        context: str | None = None,
        namespace: str | None = None,
    ) -> Cluster:
        """Use a Kubernetes cluster: workers are pods.

        Opening it sees that the custom resource and the namespace are there, and makes them where that is allowed. A
        namespace that was made is removed at the end; one that was there stays as it is.

        Args:
            kubeconfig: Path of the kubeconfig. None looks where kubectl does (``KUBECONFIG``, ``~/.kube/config``) and
                takes the service account of the pod that this runs in, where there is none.
            context: The kubeconfig's context; None takes its current one.
            namespace: Where the fleets go. None takes the context's or the pod's own, or else makes one.

        Raises:
            InvalidArgumentError: An argument is wrong.
        """
        for name, value in (("context", context), ("namespace", namespace)):
            if value == "":
                where = f"Cluster.connect({name}=)"
                raise InvalidArgumentError(where, value, "a name")

        def open_backend() -> AbstractAsyncContextManager[Backend]:
            # Half a second that only those pay who connect.
            from netbench.backends.kubernetes.backend import ConnectSpec, open_kubernetes  # noqa: PLC0415 - heavy

            return open_kubernetes(ConnectSpec(kubeconfig=kubeconfig, context=context, namespace=namespace))

        return cls(open_backend)

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self, None]:
        """Open the cluster, and remove everything that was made for it at the end.

        Raises:
            HostError: This machine lacks what was asked for.
            BackendError: It could not be opened.
            StateError: It was opened before.
        """
        if self._used:
            msg = "a Cluster can be opened once; make another one"
            raise StateError(msg)
        self._used = True
        async with self._open_backend() as backend:
            self._backend = backend
            try:
                yield self
            finally:
                self._backend = None

    @property
    def backend(self) -> Backend:
        """What carries the workers; for fleets, not for users.

        Raises:
            StateError: The cluster is not open.
        """
        if self._backend is None:
            msg = "the cluster is not open: use it inside of 'async with Cluster.local(...) as cluster:'"
            raise StateError(msg)
        return self._backend

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self._backend is not None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes.

        Raises:
            StateError: The cluster is not open.
        """
        return self.backend.nodes

    @property
    def isolation(self) -> str:
        """What keeps the nodes apart: ``netns`` or ``process``; ``kubernetes`` for a Kubernetes cluster.

        Raises:
            StateError: The cluster is not open.
        """
        return self.backend.facts.details.get("isolation", self.backend.facts.kind)

    def __repr__(self) -> str:
        if self._backend is None:
            return f"<Cluster {'closed' if self._used else 'not open yet'}>"
        return f"<Cluster of {len(self.nodes)} nodes, isolation {self.isolation}>"
