"""The run process's own door: `python -m pgmig_tui.run FOLDER`."""

from __future__ import annotations

import sys

from pgmig_tui.run.runner import main

sys.exit(main(sys.argv[1:]))
