"""`pgmig-tui roles TARGET --print`: the roles of an environment as SQL; nothing is asked and nothing is made."""

from __future__ import annotations

from argparse import Namespace

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display.safe import safe


def roles(arguments: Namespace) -> int:
    """Print the SQL."""
    from pgmig_tui.review.roles import KINDS, place_of, script

    _, environment, _ = environment_and_change(arguments)
    place = place_of(environment)
    kinds = arguments.role or KINDS
    output.text_out(safe(script(place, arguments.owner, kinds, arguments.prefix or ""), multiline=True))
    return 0
