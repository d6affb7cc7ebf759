"""`pgmig-tui compare A OTHER`: what two environments have deployed, side by side, by their registries."""

from __future__ import annotations

from argparse import Namespace

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, project_here
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError


def compare(arguments: Namespace) -> int:
    """Exit status 1 when they differ, 5 when one of them doesn't answer."""
    from pgmig_tui.review import deployed_compared as compared

    arguments.targets = [arguments.left, arguments.right]
    here = project_here(arguments)
    project, left = environment_named(here, arguments.left)
    right = environment_named(here, arguments.right)[1]
    if left == right:
        raise UsageError(
            f"{left.name} is compared with itself.", now="Nothing was compared.", do="Name another environment."
        )
    found = compared.compare(project, left, right)
    if arguments.json:
        output.document(compared.document(found))
    else:
        output.say(compared.headline(found))
        for one in found.unlike:
            output.say(line("  ", *compared.row(one, found)))
        if not found.problems:
            told = f"their schemas: pgmig-tui drift {safe(left.name)} {safe(right.name)}"
            output.say(line((told, "muted")))
    if found.problems:
        return 5
    return int(bool(found.unlike))
