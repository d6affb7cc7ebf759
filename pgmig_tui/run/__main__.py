"""The run process's own door: `python -m pgmig_tui.run`, told by its standard input what to do."""

from __future__ import annotations

import sys

from pgmig_tui.run.runner import main

sys.exit(main())
