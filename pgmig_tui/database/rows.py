"""The rows of a step, as SQL text that goes out as one simple query in the step's own transaction.

A step is recorded by one statement: every statement costs the server a parse and a plan of its own, which for rows as
few as these is most of the work. So the functions here return members of one WITH list, which `record_sql` joins. The
first is the guard, which raises before anything is written, and which tells the moment of the record.

Sources: the rows, their order and the statements of Sqitch 1.3.1's PostgreSQL engine, observed. Whoever sends these
texts has put search_path to `pg_catalog, pg_temp`, client_encoding to UTF8 and session_replication_role to origin; what
a step records is qualified throughout all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pgmig_tui.database.own_tables import GUARD, guarded, registry_tables, sentence_of
from pgmig_tui.database.text import AND_THEN, EQ, PLUS, ident, literal, text_array

if TYPE_CHECKING:
    from pgmig_tui.database.connect import ServerError
    from pgmig_tui.database.deployed import DeployedChange
    from pgmig_tui.project.plan import Change, Plan, Tag
    from pgmig_tui.project.project import Operator

LOCK_KEY = 75474063
"""Sqitch's advisory key (one bigint, session level): in pg_locks classid 0, objid 75474063, objsubid 1."""

_NOW = "pg_catalog.clock_timestamp()"

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


def lock_sql() -> str:
    """Try Sqitch's key and, with it, a key of this session's own, which `holds_lock_sql` asks for."""
    return (
        f"SELECT pg_catalog.pg_try_advisory_lock({LOCK_KEY})"
        f" AND pg_catalog.pg_try_advisory_lock({LOCK_KEY}, pg_catalog.pg_backend_pid())"
    )


def holds_lock_sql(control_pid: int) -> str:
    """A boolean expression: does that session still hold the deployment lock?

    It does as long as it lives, for it never lets go. Whether it lives is asked by trying for the key that only it
    holds: a look into pg_locks would stop the whole server's lock manager for a moment, at twenty times the price.
    Must not be asked by that session itself.
    """
    return f"NOT pg_catalog.pg_try_advisory_xact_lock({LOCK_KEY}, {int(control_pid)})"


def step_guard_sql(
    schema: str, project: str, expected_last_id: str | None, control_pid: int, shape: tuple[str, int] | None = None
) -> str:
    """Raises unless the control session holds the lock, `expected_last_id` is still the project's last deployed change
    (None: nothing is deployed), and the query `shape` (`own_tables.shape_sql`) still gives the number that it gave when
    the run began. Otherwise `guard.at` is the moment of the record: now, but later than the last change, even when the
    server's clock was set back: everything positional in Sqitch hangs on this order.

    It reads all rows of the project, 0.1 ms for 300 of them. An index on committed_at would make that nothing, and the
    registry another than Sqitch's.

    SQL has no RAISE outside functions: a text that isn't a time is cast to one, which carries the sentence into the
    message (`guard_failure` reads it back) and needs no plpgsql. The clock in it keeps the planner from trying early.
    """
    planned = f"the last deployed change is not {expected_last_id or 'none'}, on which this step was planned"
    another = "(SELECT change_id FROM last) IS NOT NULL"
    if expected_last_id is not None:
        another = f"coalesce((SELECT change_id FROM last) OPERATOR(pg_catalog.<>) {literal(expected_last_id)}, true)"

    def refuse(sentence: str) -> str:
        return f"({literal(GUARD + sentence + ', ')} {AND_THEN} {_NOW}::pg_catalog.text)::pg_catalog.timestamptz"

    altered = ""
    if shape is not None:
        sentence = refuse("a table of Sqitch or pgmig-tui was altered while the run worked, so code of others may run")
        altered = f" WHEN ({shape[0]}) OPERATOR(pg_catalog.<>) {shape[1]} THEN {sentence}"
    return (
        f"last AS MATERIALIZED (SELECT change_id, committed_at FROM {ident(schema)}.changes"
        f" WHERE project {EQ} {literal(project)} ORDER BY committed_at DESC LIMIT 1),\n"
        f"guard AS MATERIALIZED (SELECT CASE WHEN NOT ({holds_lock_sql(control_pid)})"
        f" THEN {refuse('the control session lost the deployment lock')}{altered} WHEN {another} THEN {refuse(planned)}"
        f" ELSE greatest({_NOW}, (SELECT committed_at FROM last) {PLUS} interval '1 ms') END AS at)"
    )


def record_sql(guard: str, *members: str, call: str = "") -> str:
    """The statement that records a step: its guard, then rows of this module and of `tracking`; "" are left out.
    `call` is a function's, which is called behind the guard."""
    told = f"at IS NOT NULL, {call}" if call else "at IS NOT NULL"
    return "WITH " + ",\n".join([guard, *filter(None, members)]) + f"\nSELECT {told} FROM guard"


def guard_failure(error: ServerError) -> str | None:
    """The sentence of `step_guard_sql` when `error` is its doing, else None."""
    return sentence_of(error.message)


def deploy_rows_sql(
    schema: str,
    plan: Plan,
    change: Change,
    script_hash: str | None,
    resolved: Mapping[str, str],
    operator: Operator,
) -> str:
    """The rows of a deployed change: changes, dependencies, tags, events, their times in this order.

    `resolved` maps a requirement's text to the change ID that satisfies it (`dependencies.resolve_requires`). Raises
    KeyError for a requirement that isn't resolved.
    """
    registry = ident(schema)
    change_id = literal(change.change_id)
    parts = [
        f"deployed AS (INSERT INTO {registry}.changes {_CHANGE_COLUMNS} SELECT {change_id}, {literal(script_hash)},"
        f" {literal(change.name)}, {literal(plan.project)}, {literal(change.note)}, {_committer(operator)},"
        f" {_planner(change)}, guard.at FROM guard)"
    ]
    rows = [f"({change_id}, 'require', {literal(d.text)}, {literal(resolved[d.text])})" for d in change.requires]
    rows += [f"({change_id}, 'conflict', {literal(d.text)}, NULL)" for d in change.conflicts]
    if rows:
        columns = "(change_id, type, dependency, dependency_id)"
        parts.append(f"needed AS (INSERT INTO {registry}.dependencies {columns} VALUES {', '.join(rows)})")
    if change.tags:
        # One INSERT, because the members of a WITH list run in no order that could be relied on.
        tags = ", ".join(
            f"({_tag_values(plan, tag, operator)}, interval '{n} us')" for n, tag in enumerate(change.tags, 1)
        )
        parts.append(
            f"tagged AS (INSERT INTO {registry}.tags {_TAG_COLUMNS} SELECT v.tag_id, v.tag, v.project, v.change_id,"
            f" v.note, v.name, v.email, v.planned_at, v.planner, v.planner_email, guard.at {PLUS} v.later"
            f" FROM guard, (VALUES {tags}) AS v(tag_id, tag, project, change_id, note, name, email, planned_at,"
            " planner, planner_email, later))"
        )
    values = _event_values(plan, "deploy", change, operator)
    after = f"guard.at {PLUS} interval '{len(change.tags) + 1} us'"
    parts.append(f"told AS (INSERT INTO {registry}.events {_EVENT_COLUMNS} SELECT {values}, {after} FROM guard)")
    return ",\n".join(parts)


def fail_event_sql(schema: str, plan: Plan, change: Change, operator: Operator) -> str:
    """The `fail` event of a deploy that left no row."""
    values = _event_values(plan, "fail", change, operator)
    inserted = f"INSERT INTO {ident(schema)}.events {_EVENT_COLUMNS} VALUES ({values}, {_NOW})"
    return guarded(inserted, registry_tables(schema))


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
    rows = ", ".join(f"({_tag_values(plan, tag, operator)}, {after_change})" for tag in tags)
    inserted = f"INSERT INTO {ident(schema)}.tags {_TAG_COLUMNS} VALUES {rows} ON CONFLICT (tag_id) DO NOTHING"
    return guarded(inserted, registry_tables(schema))


def revert_rows_sql(schema: str, deployed: DeployedChange, operator: Operator) -> str:
    """The record of a revert: the event, filled from the rows themselves, and their end.

    The dependencies are deleted explicitly: in a session whose foreign keys don't fire the cascade wouldn't.
    """
    registry, change_id = ident(schema), literal(deployed.change_id)

    def dependencies(kind: str) -> str:
        found = f"SELECT dependency FROM {registry}.dependencies WHERE change_id {EQ} {change_id}"
        return f"ARRAY({found} AND type {EQ} '{kind}')"

    return (
        f"told AS (INSERT INTO {registry}.events {_EVENT_COLUMNS} SELECT 'revert', c.change_id, c.change, c.project,"
        f" c.note, ARRAY(SELECT tag FROM {registry}.tags WHERE change_id {EQ} {change_id}), {dependencies('require')},"
        f" {dependencies('conflict')}, {_committer(operator)}, c.planned_at, c.planner_name, c.planner_email, guard.at"
        f" FROM guard, {registry}.changes AS c WHERE c.change_id {EQ} {change_id}),\n"
        f"untagged AS (DELETE FROM ONLY {registry}.tags WHERE change_id {EQ} {change_id}),\n"
        f"unneeded AS (DELETE FROM ONLY {registry}.dependencies WHERE change_id {EQ} {change_id}),\n"
        f"reverted AS (DELETE FROM ONLY {registry}.changes WHERE change_id {EQ} {change_id})"
    )


def script_hash_fix_sql(schema: str, hashes: Mapping[str, str | None]) -> str:
    """Script hashes where an upgrade from registry 0 left change IDs."""
    rows = ", ".join(f"({literal(change_id)}, {literal(found)})" for change_id, found in hashes.items())
    return guarded(
        f"UPDATE ONLY {ident(schema)}.changes AS c SET script_hash = v.script_hash"
        f" FROM (VALUES {rows}) AS v(change_id, script_hash)"
        " WHERE c.change_id = v.change_id AND c.script_hash = c.change_id",
        registry_tables(schema),
    )


def _event_values(plan: Plan, event: str, change: Change, operator: Operator) -> str:
    tags = text_array(f"@{tag.name}" for tag in change.tags)
    requires = text_array(dependency.text for dependency in change.requires)
    conflicts = text_array(dependency.text for dependency in change.conflicts)
    return (
        f"{literal(event)}, {literal(change.change_id)}, {literal(change.name)}, {literal(plan.project)},"
        f" {literal(change.note)}, {tags}, {requires}, {conflicts}, {_committer(operator)}, {_planner(change)}"
    )


def _tag_values(plan: Plan, tag: Tag, operator: Operator) -> str:
    return (
        f"{literal(tag.tag_id)}, {literal('@' + tag.name)}, {literal(plan.project)}, {literal(tag.change_id)},"
        f" {literal(tag.note)}, {_committer(operator)}, {_planner(tag)}"
    )


def _committer(operator: Operator) -> str:
    return f"{literal(operator.name)}, {literal(operator.email)}"


def _planner(line: Change | Tag) -> str:
    at = f"{literal(line.planned_at)}::pg_catalog.timestamptz"
    return f"{at}, {literal(line.planner_name)}, {literal(line.planner_email)}"
