"""The rows of a step, as SQL text that goes out as one simple query in the step's own transaction.

Sources: the rows, their order and the statements of Sqitch 1.3.1's PostgreSQL engine, observed. Whoever sends these
texts has put search_path to `pg_catalog, pg_temp`, client_encoding to UTF8 and session_replication_role to origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pgmig_tui.database.text import ident, literal, text_array

if TYPE_CHECKING:
    from pgmig_tui.database.connect import ServerError
    from pgmig_tui.database.registry import DeployedChange
    from pgmig_tui.project.plan import Change, Plan, Tag
    from pgmig_tui.project.project import Operator

LOCK_KEY = 75474063
"""Sqitch's advisory key (one bigint, session level): in pg_locks classid 0, objid 75474063, objsubid 1."""

_GUARD = "pgmig guard: "
_NOW = "pg_catalog.clock_timestamp()"
_AFTER = "pgmig.after"
"""A setting local to the step's transaction: the last change's time as Unix seconds, "" when there is none."""

_CHANGE_COLUMNS = (
    "(change_id, script_hash, change, project, note, committer_name, committer_email,"
    " planned_at, planner_name, planner_email, committed_at)"
)
_TAG_COLUMNS = (
    "(tag_id, tag, project, change_id, note, committer_name, committer_email,"
    " planned_at, planner_name, planner_email, committed_at)"
)
_EVENT_COLUMNS = (
    "(event, change_id, change, project, note, tags, requires, conflicts, committer_name, committer_email,"
    " planned_at, planner_name, planner_email, committed_at)"
)


def holds_lock_sql(control_pid: int) -> str:
    """A boolean expression: does that session of this server hold the deployment lock?"""
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.classid = 0"
        f" AND l.objid = {LOCK_KEY} AND l.objsubid = 1 AND l.granted AND l.pid = {int(control_pid)})"
    )


def step_guard_sql(schema: str, project: str, expected_last_id: str | None, control_pid: int) -> str:
    """One SELECT that raises unless the control session holds the lock and `expected_last_id` is still the project's
    last deployed change (None: nothing is deployed). It also tells the rows of its transaction after which moment
    they come.

    SQL has no RAISE outside functions: a text that isn't a number is cast to one, which carries the sentence into the
    message (`guard_failure` reads it back) and needs no plpgsql. The clock in it keeps the planner from trying early.
    """
    planned = f"the last deployed change is not {expected_last_id or 'none'}, on which this step was planned"
    return (
        f"SELECT CASE WHEN NOT {holds_lock_sql(control_pid)} THEN "
        f"({literal(_GUARD + 'the control session lost the deployment lock, ')} || {_NOW})::pg_catalog.int4::text"
        f" WHEN last.change_id IS DISTINCT FROM {literal(expected_last_id)} THEN "
        f"({literal(_GUARD + planned + ', ')} || {_NOW})::pg_catalog.int4::text"
        f" ELSE pg_catalog.set_config('{_AFTER}', coalesce(extract(epoch FROM last.committed_at)::text, ''), true) END"
        " FROM (SELECT 1) AS one LEFT JOIN"
        f" (SELECT c.change_id, c.committed_at FROM {ident(schema)}.changes AS c WHERE c.project = {literal(project)}"
        " ORDER BY c.committed_at DESC LIMIT 1) AS last ON true"
    )


def guard_failure(error: ServerError) -> str | None:
    """The sentence of `step_guard_sql` when `error` is its doing, else None."""
    start = error.message.find(_GUARD)
    return error.message[start + len(_GUARD) :].rstrip('"') if start >= 0 else None


def deploy_rows_sql(
    schema: str,
    plan: Plan,
    change: Change,
    script_hash: str | None,
    resolved: Mapping[str, str],
    operator: Operator,
) -> str:
    """The rows of a deployed change: changes, dependencies, tags, events.

    `resolved` maps a requirement's text to the change ID that satisfies it (`dependencies.resolve_requires`). Raises
    KeyError for a requirement that isn't resolved.
    """
    registry = ident(schema)
    project = literal(plan.project)
    parts = [
        f"INSERT INTO {registry}.changes {_CHANGE_COLUMNS} VALUES ({literal(change.change_id)}, {literal(script_hash)},"
        f" {literal(change.name)}, {project}, {literal(change.note)}, {_committer(operator)},"
        f" {_planner(change)}, {_after_last(10)})"
    ]
    change_id = literal(change.change_id)
    rows = [f"({change_id}, 'require', {literal(d.text)}, {literal(resolved[d.text])})" for d in change.requires]
    rows += [f"({change_id}, 'conflict', {literal(d.text)}, NULL)" for d in change.conflicts]
    if rows:
        parts.append(
            f"INSERT INTO {registry}.dependencies (change_id, type, dependency, dependency_id) VALUES "
            + ", ".join(rows)
        )
    if change.tags:
        parts.append(
            f"INSERT INTO {registry}.tags {_TAG_COLUMNS} VALUES "
            + ", ".join(_tag_row(plan, tag, operator, _after_last(11)) for tag in change.tags)
        )
    parts.append(_event_sql(schema, plan, "deploy", change, operator, _after_last(12)))
    return ";\n".join(parts)


def fail_event_sql(schema: str, plan: Plan, change: Change, operator: Operator) -> str:
    """The `fail` event of a deploy that left no row."""
    return _event_sql(schema, plan, "fail", change, operator, _NOW)


def tag_rows_sql(schema: str, plan: Plan, change: Change, operator: Operator, tag_ids: Iterable[str] = ()) -> str:
    """Tags of the plan that a deployed `change` lacks, "" when `tag_ids` (those it has) hold all. No event.

    Sqitch does this at the start of a deploy, and for the last deployed change only.
    """
    known = set(tag_ids)
    tags = [tag for tag in change.tags if tag.tag_id not in known]
    if not tags:
        return ""
    after_change = (
        f"greatest({_NOW}, (SELECT c.committed_at + interval '1 us' FROM {ident(schema)}.changes AS c"
        f" WHERE c.change_id = {literal(change.change_id)}))"
    )
    rows = ", ".join(_tag_row(plan, tag, operator, after_change) for tag in tags)
    return f"INSERT INTO {ident(schema)}.tags {_TAG_COLUMNS} VALUES {rows} ON CONFLICT (tag_id) DO NOTHING"


def revert_rows_sql(schema: str, deployed: DeployedChange, operator: Operator) -> str:
    """The record of a revert: the event, filled from the rows themselves, then tags, dependencies and the change.

    The dependencies are deleted explicitly: in a session whose foreign keys don't fire the cascade wouldn't.
    """
    registry, change_id = ident(schema), literal(deployed.change_id)

    def dependencies(kind: str) -> str:
        return (
            f"ARRAY(SELECT dependency FROM {registry}.dependencies WHERE change_id = {change_id} AND type = '{kind}')"
        )

    return (
        f"INSERT INTO {registry}.events {_EVENT_COLUMNS} SELECT 'revert', c.change_id, c.change, c.project, c.note,"
        f" ARRAY(SELECT tag FROM {registry}.tags WHERE change_id = {change_id}), {dependencies('require')},"
        f" {dependencies('conflict')}, {_committer(operator)},"
        f" c.planned_at, c.planner_name, c.planner_email, {_after_last(10)}"
        f" FROM {registry}.changes AS c WHERE c.change_id = {change_id};\n"
        f"DELETE FROM {registry}.tags WHERE change_id = {change_id};\n"
        f"DELETE FROM {registry}.dependencies WHERE change_id = {change_id};\n"
        f"DELETE FROM {registry}.changes WHERE change_id = {change_id}"
    )


def script_hash_fix_sql(schema: str, hashes: Mapping[str, str | None]) -> str:
    """Script hashes where an upgrade from registry 0 left change IDs."""
    rows = ", ".join(f"({literal(change_id)}, {literal(found)})" for change_id, found in hashes.items())
    return (
        f"UPDATE {ident(schema)}.changes AS c SET script_hash = v.script_hash"
        f" FROM (VALUES {rows}) AS v(change_id, script_hash)"
        " WHERE c.change_id = v.change_id AND c.script_hash = c.change_id"
    )


def _event_sql(schema: str, plan: Plan, event: str, change: Change, operator: Operator, at: str) -> str:
    tags = text_array(f"@{tag.name}" for tag in change.tags)
    requires = text_array(dependency.text for dependency in change.requires)
    conflicts = text_array(dependency.text for dependency in change.conflicts)
    return (
        f"INSERT INTO {ident(schema)}.events {_EVENT_COLUMNS} VALUES ({literal(event)}, {literal(change.change_id)},"
        f" {literal(change.name)}, {literal(plan.project)}, {literal(change.note)}, {tags}, {requires}, {conflicts},"
        f" {_committer(operator)}, {_planner(change)}, {at})"
    )


def _tag_row(plan: Plan, tag: Tag, operator: Operator, at: str) -> str:
    return (
        f"({literal(tag.tag_id)}, {literal('@' + tag.name)}, {literal(plan.project)}, {literal(tag.change_id)},"
        f" {literal(tag.note)}, {_committer(operator)}, {_planner(tag)}, {at})"
    )


def _after_last(microseconds: int) -> str:
    """Now, but so much later than the last deployed change, as the guard of this transaction found it.

    Everything positional in Sqitch hangs on the order of `committed_at`, so it must increase even when the server's
    clock was set back: within a change in the order changes, tags, events, and before whatever comes next.
    """
    last = f"pg_catalog.to_timestamp(nullif(pg_catalog.current_setting('{_AFTER}', true), '')::pg_catalog.float8)"
    return f"greatest({_NOW}, {last} + interval '{microseconds} us')"


def _committer(operator: Operator) -> str:
    return f"{literal(operator.name)}, {literal(operator.email)}"


def _planner(line: Change | Tag) -> str:
    return f"{literal(line.planned_at)}, {literal(line.planner_name)}, {literal(line.planner_email)}"
