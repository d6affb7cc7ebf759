"""Many changes on many processors: what is found of one doesn't hang on the others."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from itertools import chain

from pgmig_tui.lint.finding import LintFinding
from pgmig_tui.lint.inspect import LintReading, Scripts, lint_one

_WORTH = 150_000
"""So many bytes of SQL, or starting processes takes longer than it saves."""
_SHARES = 4
"""Pieces for each processor: one that has got the long scripts isn't waited for."""
_job: tuple[Sequence[Scripts], LintReading] | None = None


def lint_all(scripts: Sequence[Scripts], rules: LintReading) -> list[LintFinding]:
    """The findings of changes and files, in their order."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    size = sum(len(one.data) for each in scripts for one in (each.deploy, each.revert, each.verify) if one is not None)
    if processors < 2 or len(scripts) < 2 or size < _WORTH:
        return [found for one in scripts for found in lint_one(one, rules)]
    return _together(scripts, rules, processors)


def _together(scripts: Sequence[Scripts], rules: LintReading, processors: int) -> list[LintFinding]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    global _job
    _job = (scripts, rules)  # forked with it: nothing is copied to them
    step = max(len(scripts) // (processors * _SHARES), 1)
    pieces = [(at, at + step) for at in range(0, len(scripts), step)]
    with ProcessPoolExecutor(min(processors, len(pieces)), get_context("fork"), _quietly) as pool:
        return list(chain.from_iterable(pool.map(_piece, pieces)))


def _quietly() -> None:
    """Ctrl-C is the first process's matter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _piece(place: tuple[int, int]) -> list[LintFinding]:
    assert _job is not None
    scripts, rules = _job
    return [found for one in scripts[slice(*place)] for found in lint_one(one, rules)]
