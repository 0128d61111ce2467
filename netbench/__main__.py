"""``python -m netbench``, the same as the command ``netbench``."""

import sys

from netbench.cli import main

sys.exit(main())
