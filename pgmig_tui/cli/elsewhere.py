"""A run that is named: of this account, or of another whose row the databases of the environments have."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.errors import PgmigError, UsageError

if TYPE_CHECKING:
    from pgmig_tui.review.elsewhere import Elsewhere
    from pgmig_tui.run.clients.client import RunHandle


def own_run(arguments: Namespace, run_id: str, state_dir: Path) -> RunHandle:
    """The run of this account. Raises UsageError for another, with what the databases know of it."""
    from pgmig_tui.run.clients.client import attach

    try:
        return attach(run_id, state_dir)
    except UsageError as unknown:
        from pgmig_tui.review.elsewhere import no_journal

        raise no_journal(_elsewhere(arguments, run_id, unknown)) from None


def run_here_or_elsewhere(arguments: Namespace, run_id: str, state_dir: Path) -> RunHandle | Elsewhere:
    """The run of this account, or what the databases know of another's. Raises UsageError where nobody knows it."""
    from pgmig_tui.run.clients.client import attach

    try:
        return attach(run_id, state_dir)
    except UsageError as unknown:
        return _elsewhere(arguments, run_id, unknown)


def _elsewhere(arguments: Namespace, run_id: str, unknown: UsageError) -> Elsewhere:
    from pgmig_tui.cli.choose import project_here
    from pgmig_tui.review.elsewhere import find
    from pgmig_tui.run.journal.folder import RUN_ID

    if not RUN_ID.fullmatch(run_id):
        raise unknown
    try:
        project = project_here(arguments)
    except PgmigError:
        raise unknown from None
    return find(project, run_id, unknown.do)
