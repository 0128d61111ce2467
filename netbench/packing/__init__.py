"""What a pair measured as a short text: how it travels where each byte is kept by an API server."""

from netbench.packing.coarser import to_fit, to_two_digits
from netbench.packing.outcome import pack_outcome, unpack_outcome

__all__ = ("pack_outcome", "to_fit", "to_two_digits", "unpack_outcome")
