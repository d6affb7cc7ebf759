"""Undo: what a rollback has saved is brought back, after its changes were deployed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgmig_tui.database import registry
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.keep import SET_SQL
from pgmig_tui.database.undo import Kept, Restored, mark_restored, read_kept, restore
from pgmig_tui.errors import PgmigError, UsageError
from pgmig_tui.run.door import enter

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


def kept_of(environment: Environment, schema: str, run: str | None) -> tuple[Kept, ...]:
    """What is kept on an environment. Raises Unreachable, ServerError."""
    with connect(environment.target, application_name=application_name("undo", "plan"), kind="watch") as connection:
        return read_kept(connection, schema, run)


def bring_back(
    project: Project, environment: Environment, run: str, state_dir: Path, *, overwrite: bool = False
) -> list[Restored]:
    """Give back what a rollback has kept: one transaction, under Sqitch's lock. On an error nothing is changed.

    Only what is equal again, by count and checksum, is written down as brought back: the rest stays to be undone again.
    Raises Refused, UsageError, ServerError, Unreachable: nothing was changed then.
    """
    target, schema = environment.target, environment.policy.keep_schema
    with connect(target, application_name=application_name(run, "undo"), lock_timeout_ms=5000) as connection:
        identity = connection.identity()
        enter(project, environment, connection, identity, state_dir)
        registry.take_lock(connection)
        kept = [one for one in read_kept(connection, schema, run) if one.restored_at is None]
        if not kept:
            raise UsageError(f"nothing is kept of run {run} that isn't back already", now="Nothing was changed.")
        connection.execute("BEGIN")
        try:
            connection.execute(SET_SQL)
            done = []
            for one in kept:
                restored = restore(connection, schema, one, target.registry, overwrite=overwrite)
                if restored.equal:
                    mark_restored(connection, schema, one, str(project.operator))
                done.append(restored)
            connection.execute("COMMIT")
        except PgmigError:
            if not connection.closed:
                connection.execute("ROLLBACK")
            raise
    return done
