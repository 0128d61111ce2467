"""What a pair measured as a short text: how it travels where each byte is kept by an API server."""

from netbench.packing.outcome import pack_outcome, unpack_outcome

__all__ = ("pack_outcome", "unpack_outcome")
