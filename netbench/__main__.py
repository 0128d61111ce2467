"""``python -m netbench``, the same as the command ``netbench``."""

from netbench.cli import console

console()
