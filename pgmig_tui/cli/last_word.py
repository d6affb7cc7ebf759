"""The last word on a run counts for what holds now: after a while at the question it is looked at once more."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import somebody_is_there
from pgmig_tui.cli.confirm import confirm_run
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.review.prepared import FRESH_S, worse_since

if TYPE_CHECKING:
    from pgmig_tui.review.prepared import Review
    from pgmig_tui.run.journal.run_plan import RunPlan

_AGAIN = 3
"""So often what has become worse is told and asked about; who says yes to the last of it is taken at that."""


def last_word(arguments: Namespace, plan: RunPlan, seen: Review, look: Callable[[], Review]) -> Review:
    """Ask for the word on a run that was shown as `seen`; `look` asks the server once more. What has become worse
    meanwhile is told, and the word asked for again. Words that came as options were said of whatever holds: nothing is
    looked at again for these. The review as it was confirmed. Raises Refused."""
    for _ in range(_AGAIN):
        confirm_run(arguments, plan)
        given = arguments.confirm is not None if plan.protected else arguments.yes
        if given or not somebody_is_there() or time.monotonic() - seen.asked_at < FRESH_S:
            break
        before, seen = seen, look()
        worse = worse_since(before, seen)
        for told in worse:
            output.note(line(("! CHANGED ", "waiting"), safe(told)))
        if not worse or not seen.gate.open:
            break  # a gate that is shut by now is told, and refused, by who asked
    return seen
