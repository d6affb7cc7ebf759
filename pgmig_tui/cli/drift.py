"""`pgmig-tui drift A B`: whether two environments, or one and its plan, have the same schema."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, project_here
from pgmig_tui.cli.rehearse import interrupt_on_sigterm, tell
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.review.drift import Drift


def drift(arguments: Namespace) -> int:
    """Exit status 1 when they differ by anything that nobody has accepted."""
    from pgmig_tui.review.drift import document, lines

    found = _compared(arguments)
    if arguments.json:
        output.document(document(found))
    else:
        for told in lines(found):
            output.say(told)
    return 1 if found.open else 0


def _compared(arguments: Namespace) -> Drift:
    from pgmig_tui.review.drift import PLAN, between
    from pgmig_tui.review.drift_kept import look
    from pgmig_tui.run.journal.folder import default_state_dir

    arguments.targets = [arguments.left, arguments.right]
    here = project_here(arguments)
    project, left = environment_named(here, arguments.left)
    other = arguments.right
    if other == PLAN and here.names(other) is None:
        interrupt_on_sigterm()  # our own server has to be stopped
        state_dir, variables = default_state_dir(os.environ), dict(arguments.variables)
        return look(project, left, state_dir=state_dir, say=tell, variables=variables)[0]
    if arguments.variables:
        raise UsageError(
            "--set is for the scripts of a plan, and no script runs to compare two environments.",
            now="Nothing was compared.",
            do=f"Leave it out, or: pgmig-tui drift {left.name} plan.",
        )
    right = environment_named(here, other)[1]
    if left == right:
        raise UsageError(
            f"{left.name} is compared with itself.",
            now="Nothing was compared.",
            do=f"Name another environment, or: pgmig-tui drift {left.name} plan.",
        )
    return between(left, right)
