"""Planning a backfill: everything that can be known before the first batch is known here. Reads only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import backfill as batches_on
from pgmig_tui.database.backfill import Checkpoint, Key, Table
from pgmig_tui.database.connect import (
    Connection,
    ServerError,
    application_name,
    connect,
    guard_sql,
)
from pgmig_tui.display import words
from pgmig_tui.display.mask import hider
from pgmig_tui.errors import ProjectError, Refused, UsageError
from pgmig_tui.run.backfill.pace import blind_spots
from pgmig_tui.run.backfill.plan import DEFAULT_BATCH, SCRIPT, Backfill, BackfillOptions
from pgmig_tui.run.journal.folder import RUN_ID, discard, new_folder
from pgmig_tui.run.journal.frozen import RecordingFiles
from pgmig_tui.run.journal.run_plan import RunPlan, Step
from pgmig_tui.run.planning.door import arrive
from pgmig_tui.script.backfill import Batched, batched_script, from_command
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."
_LOCK_TIMEOUT_MS = 2000
"""Planning a statement takes its locks for a moment."""
_READ_WHOLE = 10_000
"""From this many rows on it is told that each batch would read the whole table."""


def prepare_backfill(
    project: Project, environment: Environment, options: BackfillOptions, *, state_dir: Path
) -> tuple[RunPlan, Backfill | None]:
    """Plan a backfill. Without anything to do the Backfill is None and the plan's warnings say why.

    Raises Unreachable, Refused, ProjectError, UsageError, NotPermitted, ServerError: in all cases nothing was changed.
    """
    project = project.for_target(environment.target)
    target = environment.target
    schema = environment.policy.tracking
    if schema is None:
        raise Refused(
            f"tracking is off for {environment.name}: a backfill keeps its checkpoint in that schema",
            now=_NOTHING,
            do='Say tracking = "SCHEMA" in pgmig.toml.',
        )
    name = application_name("plan", "backfill")
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(connect(target, application_name=name, lock_timeout_ms=_LOCK_TIMEOUT_MS))
        identity = connection.identity()
        arrived = arrive(project, environment, connection, identity, state_dir)
        environment, told = arrived.environment, list(arrived.told)
        trial = stack.enter_context(connect(target, application_name=name, script=True))
        _guard(trial)
        folder = new_folder(state_dir)
        try:
            files = RecordingFiles(project, folder, allow_files=environment.policy.allow_files)
            name, change, what = _statement(project, environment, options, files, identity, state_dir)
            warnings = [*told, *project.warnings, *what.notes]
            found = _look(connection, trial, schema, options, name, change, what, warnings, state_dir)
            if found is not None:
                batch, upto, table = found
                script = "".join(f"{setting};\n" for setting in batch.settings) + batch.sql((), upto) + ";\n"
                hide = hider(options.variables)
                files.keep(SCRIPT, (hide(script) if hide is not None else script).encode())
                _try(trial, batch, upto, table, warnings)
                _watch_out(connection, table, warnings)
            files.close()
        except BaseException:
            discard(folder)
            raise
    spec = found[0] if found is not None else None
    plan = _run_plan(project, environment, options, identity, folder, spec, warnings)
    plan.save()
    if spec is not None:
        spec.save(folder, options.variables)
    return plan, spec


# -- the statement -------------------------------------------------------------------------------------------------


def _statement(
    project: Project,
    environment: Environment,
    options: BackfillOptions,
    files: RecordingFiles,
    identity: ServerIdentity,
    state_dir: Path,
) -> tuple[str, str, Batched]:
    """(what it is called, the change or "", the statement)."""
    if options.statement:
        if not options.table or not options.key:
            raise UsageError("--statement needs --table and --key", now=_NOTHING)
        what = from_command(options.statement, options.table, options.key, options.batch, options.left)
        return f"{what.kind} {options.table}", "", what
    if options.change is not None:
        change = project.plan.find(options.change)
        name, data = files.script(project.script_path(change, "deploy"))
        policy = environment.policy
        variables = project.variables("deploy", environment.target, options.variables)
        allow = Allow(shell=policy.allow_shell, files=policy.allow_files)
        view = preview(name, data, files, variables, allow, identity.facts)
        return change.name, change.name, batched_script(name, data, view)
    if options.resume:
        return _of_run(options, state_dir)
    raise UsageError(
        "backfill needs a change whose script declares a statement for batches, or --statement, --table and --key",
        now=_NOTHING,
        do='A script declares it with: -- pgmig: backfill table=SCHEMA.TABLE key=COLUMN [batch=N] [left="CONDITION"]',
    )


def _of_run(options: BackfillOptions, state_dir: Path) -> tuple[str, str, Batched]:
    """The statement of an earlier run of this account."""
    from pgmig_tui.script.backfill import Declaration

    run_id = options.resume
    folder = state_dir / "runs" / run_id
    try:
        if not RUN_ID.fullmatch(run_id):
            raise ValueError(run_id)
        old = Backfill.load(folder, options.variables)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"there is no backfill {run_id} of this account on this host",
            now=_NOTHING,
            do="Name its change or give its statement again, beside --resume.",
        ) from error
    if old.needs:
        raise UsageError(
            f"backfill {run_id} was given values that are kept nowhere: {', '.join(old.needs)}",
            now=_NOTHING,
            do=f"Give them again: --set {old.needs[0]}=… beside --resume.",
        )
    declaration = Declaration(old.table, old.columns, old.batch, old.left)
    what = Batched(declaration, old.kind, old.before, old.after, old.alias, old.text, old.settings)
    return old.name, old.change, what


@contextlib.contextmanager
def _settings(trial: Connection, settings: tuple[str, ...]) -> Iterator[batches_on.Ask]:
    """A session as the statement will have it; its role and search_path are its own affair, not the checkpoint's."""
    try:
        for setting in settings:
            trial.execute(setting)
        yield trial.execute
    finally:
        trial.execute("ROLLBACK; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL")
        _guard(trial)


def _guard(trial: Connection) -> None:
    trial.execute("SELECT pg_catalog.set_config('client_encoding','UTF8',false)")
    trial.execute(guard_sql("step", _LOCK_TIMEOUT_MS, trial.server_version_num))


# -- what the server says ------------------------------------------------------------------------------------------


def _look(
    connection: Connection,
    trial: Connection,
    schema: str,
    options: BackfillOptions,
    name: str,
    change: str,
    what: Batched,
    warnings: list[str],
    state_dir: Path,
) -> tuple[Backfill, Key, Table] | None:
    """The plan of the batches, the end of the first, and the table; None where there is nothing to do."""
    declared = what.declaration
    table = _table(connection, trial, what)
    creates = batches_on.missing(connection, schema)
    digest = batches_on.statement_hash(f"{table.schema}.{table.relation}", declared.columns, what.text)
    known = batches_on.read_checkpoints(connection, schema, digest, options.resume) if not creates else ()
    before = _checkpoint(options, known, digest, state_dir)
    batch = options.batch or declared.batch or DEFAULT_BATCH
    spec = Backfill(
        name=name,
        change=change,
        kind=what.kind,
        text=what.text,
        before=what.before,
        after=what.after,
        alias=what.alias,
        settings=what.settings,
        left=options.left or declared.left,
        table=table.name,
        oid=table.oid,
        columns=declared.columns,
        index=table.index,
        digest=digest,
        schema=schema,
        creates=creates,
        goes_on=before.run_id if before else "",
        started_rows=before.rows if before else 0,
        started_seen=before.seen if before else 0,
        about_total=table.rows,
        batch=batch,
        aim_ms=options.aim_ms,
        max_rate=options.max_rate,
        max_lag_s=options.max_lag_s,
        max_lag_bytes=options.max_lag_bytes,
        timeout_ms=options.timeout_ms,
        analyze=options.analyze,
        types=table.types,
        operators=table.operators[0],
    )
    until: Key | None
    with _settings(trial, what.settings) as ask:
        until = before.until if before else batches_on.read_highest(ask, table.name, spec.order)
        if until is None:
            warnings.append(f"{table.name} has no rows: nothing to do")
            return None
        last = before.last if before else ()
        upto, _ = batches_on.read_bound(ask, table.name, spec.order, last, until, batch)
    if not table.unique:
        warnings.append(f"the key of {table.name} isn't unique: rows of the same key are changed in the same batch")
    return spec, upto, table


def _table(connection: Connection, trial: Connection, what: Batched) -> Table:
    declared = what.declaration
    with _settings(trial, what.settings):  # the name is looked up as the statement would do it
        row = trial.one(batches_on.find_sql(*declared.relation))
    found = str(row[0]) if row else ""
    table = batches_on.read_table(connection, int(found), declared.columns) if found else None
    if table is None:
        raise ProjectError(f"there is no table {declared.table} for this role", now=_NOTHING, do="Say SCHEMA.TABLE.")
    if table.kind not in ("r", "p"):
        raise ProjectError(f"{declared.table} is not a table", now=_NOTHING)
    for column, state in zip(declared.columns, table.columns, strict=True):
        if state == "none":
            raise ProjectError(f"{table.name} has no column {column}", now=_NOTHING)
        if state == "null":
            raise ProjectError(
                f"{column} of {table.name} may be NULL, and such a row would never be reached",
                now=_NOTHING,
                do="Batch by a key whose columns are NOT NULL, such as the primary key.",
            )
    if not table.index:
        columns = ", ".join(declared.columns)
        raise ProjectError(
            f"no index of {table.name} begins with {columns}: every batch would read the whole table",
            now=_NOTHING,
            do="Batch by the primary key, or create such an index first (CREATE INDEX CONCURRENTLY).",
        )
    if len(set(table.operators)) > 1:
        raise ProjectError(
            f"the columns of the key of {table.name} are compared by operators of several schemas:"
            f" {', '.join(table.operators)}",
            now=_NOTHING,
            do="Batch by a key of one type, such as the primary key.",
        )
    return table


def _checkpoint(
    options: BackfillOptions, known: tuple[Checkpoint, ...], digest: str, state_dir: Path
) -> Checkpoint | None:
    """The checkpoint to go on from, None for a new backfill. Raises Refused, UsageError."""
    if options.resume:
        names = {options.resume, _begun_by(options.resume, state_dir)}
        found = next((one for one in known if one.run_id in names or one.last_run in names), None)
        if found is None:
            raise UsageError(
                f"the server has no checkpoint of a backfill {options.resume}",
                now=_NOTHING,
                do="Before its first batch was committed there is none: start it without --resume.",
            )
        if found.statement_hash != digest:
            raise Refused(
                f"the statement is not the one that {found.run_id} has begun",
                now=_NOTHING,
                do="Go on with the statement as it was, or begin with the new one: leave --resume out.",
            )
        if found.finished:
            raise Refused(f"{found.run_id} is done: {words.count(found.rows, 'row')} were changed", now=_NOTHING)
        return found
    mine = next((one for one in known if one.statement_hash == digest), None)
    if mine is None or options.from_start:
        return None
    if mine.finished:
        raise Refused(
            f"this statement was carried out already by {mine.run_id}: {words.count(mine.rows, 'row')} were changed",
            now=_NOTHING,
            do="Say --from-start if it shall be carried out once more, over all rows.",
        )
    raise Refused(
        f"this statement was begun by {mine.run_id} and is not finished: {words.count(mine.rows, 'row')} are changed",
        now=_NOTHING,
        do=f"Go on with --resume {mine.last_run}; --from-start would change those rows once more.",
    )


def _begun_by(run_id: str, state_dir: Path) -> str:
    """Which backfill a run of this account went on with: killed early, it may have left no trace on the server."""
    if RUN_ID.fullmatch(run_id):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return Backfill.load(state_dir / "runs" / run_id).goes_on or run_id
    return run_id


def _try(trial: Connection, spec: Backfill, upto: Key, table: Table, warnings: list[str]) -> None:
    """Let the server plan the first batch: what it refuses is refused here, before anything runs."""
    try:
        with _settings(trial, spec.settings):
            row = trial.one(f"EXPLAIN (FORMAT JSON) {spec.sql((), upto)}")
    except ServerError as error:
        where = f"{error.message} (SQLSTATE {error.sqlstate})"
        raise ProjectError(f"the server refuses the statement: {where}", now=_NOTHING, details=error.details) from error
    if row is not None and table.rows >= _READ_WHOLE and _reads_whole(row[0], table.relation):
        warnings.append(f"the server would read all of {table.name} for each batch: look at its plan with EXPLAIN")


def _reads_whole(tree: object, relation: str) -> bool:
    """The plan has a sequential scan of the table."""
    if isinstance(tree, list):
        return any(_reads_whole(part, relation) for part in tree)
    if not isinstance(tree, dict):
        return False
    if tree.get("Node Type") == "Seq Scan" and tree.get("Relation Name") == relation:
        return True
    return any(_reads_whole(tree[key], relation) for key in ("Plan", "Plans") if key in tree)


def _watch_out(connection: Connection, table: Table, warnings: list[str]) -> None:
    warnings += blind_spots(batches_on.read_pressure(connection, table.oid))
    if table.triggers:
        warnings.append(f"triggers of {table.name} fire for every row: {table.triggers}")


# -- the plan ------------------------------------------------------------------------------------------------------


def _run_plan(
    project: Project,
    environment: Environment,
    options: BackfillOptions,
    identity: ServerIdentity,
    folder: Path,
    spec: Backfill | None,
    warnings: list[str],
) -> RunPlan:
    from pgmig_tui.run.planning.prepare import (
        blank_plan,  # the run process, which reads plans of batches too, needs none of it
    )

    step = None
    if spec is not None:
        step = Step(
            number=1,
            action="backfill",
            change_id="",
            change=spec.name,
            label=spec.name,
            note="",
            mode="batches",
            mode_reason=f"batches of about {spec.batch} rows, each a transaction of its own",
            verify="off",
            verify_reason="a backfill is not verified",
            script=SCRIPT,
        )
    plan = blank_plan(project, environment, "backfill", identity, folder, options.lock_wait_s)
    return replace(
        plan,
        steps=(step,) if step is not None else (),
        os_user=plan.os_user or "?",
        variables=dict(options.variables),
        given=tuple(options.variables),
        creates=(spec.schema,) if spec is not None and spec.creates == "schema" else (),
        warnings=tuple(dict.fromkeys(warnings)),
    )
