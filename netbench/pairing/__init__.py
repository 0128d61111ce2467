"""Strategies that turn workers into rounds of pairs.

Each is a frozen value with a pure function: the same workers in the same order give the same pairing. A worker that
is in no pair is named in :attr:`Pairing.left_over` with the reason. Users add their own by writing a class with a
method ``pair``, see :class:`PairingStrategy`.
"""

from __future__ import annotations

from netbench.pairing.base import Pairing, PairingStrategy
from netbench.pairing.checking import check_pairing
from netbench.pairing.explicit import ExplicitPairs
from netbench.pairing.groups import CrossNode, CrossZone, SameNode
from netbench.pairing.lottery import RandomPairs
from netbench.pairing.matrix import NodeMatrix
from netbench.pairing.ratio import Ratio
from netbench.pairing.star import ManyToOne, OneToMany

__all__ = (
    "CrossNode",
    "CrossZone",
    "ExplicitPairs",
    "ManyToOne",
    "NodeMatrix",
    "OneToMany",
    "Pairing",
    "PairingStrategy",
    "RandomPairs",
    "Ratio",
    "SameNode",
    "check_pairing",
)
