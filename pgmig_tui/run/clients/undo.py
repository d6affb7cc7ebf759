"""Undo: what a rollback has saved is brought back, after its changes were deployed again."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import registry
from pgmig_tui.database.connect import ServerError, application_name, connect
from pgmig_tui.database.deeds import record_deed
from pgmig_tui.database.keep import SET_SQL
from pgmig_tui.database.tracking_rows import Migration
from pgmig_tui.database.undo import Kept, RestoreOutcome, mark_restored, read_kept, restore
from pgmig_tui.errors import PgmigError, UsageError
from pgmig_tui.run.journal import events
from pgmig_tui.run.journal.events import RowsRestored
from pgmig_tui.run.journal.file import JournalWriter, hold_lock
from pgmig_tui.run.journal.folder import JOURNAL
from pgmig_tui.run.planning.door import enter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.lookout import Tell
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


_REFERS = "23503"
"""foreign_key_violation."""


def kept_of(environment: Environment, schema: str, run: str | None) -> tuple[Kept, ...]:
    """What is kept on an environment. Raises Unreachable, ServerError."""
    with connect(environment.target, application_name=application_name("undo", "plan"), kind="watch") as connection:
        return read_kept(connection, schema, run)


def bring_back(
    project: Project,
    environment: Environment,
    run: str,
    state_dir: Path,
    *,
    overwrite: bool = False,
    accepted: str = "",
    tell: Tell = lambda text: None,
) -> list[RestoreOutcome]:
    """Give back what a rollback has kept: one transaction, under Sqitch's lock. On an error nothing is changed.

    Only what is equal again, by count and checksum, is written down as brought back: the rest stays to be undone again.
    Who has done it, and the loss that they have `accepted`, stands beside what was kept and, where that is here, in the
    journal of the rollback, whose record tells it.
    `tell` is told of a synchronous standby that is waited for. Raises Refused, UsageError, ServerError, Unreachable:
    nothing was changed then.
    """
    target, schema = environment.target, environment.policy.keep_schema
    with connect(target, application_name=application_name(run, "undo"), lock_timeout_ms=5000) as connection:
        identity = connection.identity()
        enter(project, environment, connection, identity, state_dir, tell)
        registry.take_lock(connection)
        kept = [one for one in read_kept(connection, schema, run) if one.restored_at is None]
        if not kept:
            raise UsageError(f"nothing is kept of run {run} that isn't back already", now="Nothing was changed.")
        began = time.monotonic()
        committing = False
        connection.execute("BEGIN")
        try:
            connection.execute(SET_SQL)
            done = []
            for restored in _in_turn(connection, kept, schema, target.registry, overwrite=overwrite):
                mark_restored(connection, schema, restored, str(project.operator), accepted)
                done.append(restored)
            if why := _tracked(project, environment, connection, run, done, began):
                tell(f"the undo has no row in the tracking tables: {why}")
            committing = True
            connection.execute("COMMIT")
        except PgmigError as error:
            in_doubt = committing and connection.closed
            if not connection.closed:
                connection.execute("ROLLBACK")
            if not error.now:
                error.now = (
                    "Whether anything was brought back isn't known." if in_doubt else "Nothing was brought back."
                )
            if not error.do:
                again = (
                    f"`pgmig-tui undo {run}`" if in_doubt else f"Put right what stands in the way, then `undo {run}`"
                )
                error.do = (
                    f"{again} {'looks first' if in_doubt else 'can be said again: what was kept is still there'}."
                )
            raise
    _write_down(
        state_dir / "runs" / Path(run).name, str(project.operator), done, overwrite=overwrite, accepted=accepted
    )
    return done


def _tracked(
    project: Project,
    environment: Environment,
    connection: Connection,
    run: str,
    done: Sequence[RestoreOutcome],
    began: float,
) -> str:
    """One row of all that was brought back, in the transaction that brings it back."""
    equal = all(one.equal for one in done)
    told = "; ".join(
        f"{one.rows} of {one.kept.rows} rows of {one.kept.source}"
        + ("" if one.equal else ", not equal to what was kept")
        for one in done
    )
    deed = Migration(
        "",
        f"undo of {run}",
        "undo",
        "",
        equal,
        (time.monotonic() - began) * 1000,
        "" if equal else "partly",
        project=project.plan.project,
        run_id=run,
        environment=environment.name,
        rows=sum(one.rows for one in done),
        message=told,
    )
    schema = environment.policy.tracking
    return record_deed(connection, schema, deed, (), project.operator, environment.target.registry, inside=True)


def _in_turn(
    connection: Connection, kept: Sequence[Kept], schema: str, registry: str, *, overwrite: bool
) -> Iterator[RestoreOutcome]:
    """Bring back one after the other; what refers to rows that aren't back yet (a script may drop them first) waits
    for these. Raises Refused, ServerError."""
    left = list(kept)
    while left:
        waiting: list[Kept] = []
        for one in left:
            connection.execute("SAVEPOINT in_turn")
            try:
                restored = restore(connection, schema, one, registry, overwrite=overwrite)
            except ServerError as error:
                if error.sqlstate != _REFERS or len(waiting) + 1 == len(left):
                    raise  # nothing more can come back
                connection.execute("ROLLBACK TO SAVEPOINT in_turn")
                waiting.append(one)
                continue
            connection.execute("RELEASE SAVEPOINT in_turn")
            yield restored
        left = waiting


def _write_down(folder: Path, by: str, done: Sequence[RestoreOutcome], *, overwrite: bool, accepted: str) -> None:
    """At the end of the rollback's journal. It is done: a journal that isn't here, or can't be written, keeps no one
    from it, and the server has it, too."""
    with contextlib.suppress(OSError, ValueError):
        lock = hold_lock(folder, "writing down an undo") if (folder / JOURNAL).is_file() else None
        if lock is None:
            return
        try:
            writer = JournalWriter.continued(folder, folder.name)
            writer.write(
                RowsRestored(
                    by=by,
                    overwrite=overwrite,
                    accepted=accepted,
                    restored=tuple(
                        events.Restored(
                            source=str(one.kept.source),
                            columns=tuple(one.kept.columns),
                            kind=one.kept.kind,
                            kept_rows=one.kept.rows,
                            rows=one.rows,
                            other=one.other,
                            gone=one.gone,
                            equal=one.equal,
                        )
                        for one in done
                    ),
                ),
                sync=True,
            )
            writer.close()
        finally:
            os.close(lock)
